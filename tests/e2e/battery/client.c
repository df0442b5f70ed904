#define _GNU_SOURCE
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ANSWER_MS 60000

uint64_t now_ms(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

long long number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *string(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));

    return text != NULL ? text : "";
}

static void become(const char *program, const char *state, const char *log,
                   uid_t uid, int in, int out)
{
    int err = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);

    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    close_range(3, ~0u, 0);
    if (uid != 0 &&
        (setgroups(0, NULL) != 0 || setgid(uid) != 0 || setuid(uid) != 0))
        _exit(126);
    execl(program, program, "--state-dir", state, (char *)NULL);
    _exit(127);
}

bool client_start(struct client *client, const char *program, const char *state,
                  const char *log, uid_t uid)
{
    int in[2], out[2];

    memset(client, 0, sizeof(*client));
    if (pipe(in) != 0 || pipe(out) != 0)
        return false;
    client->pid = fork();
    if (client->pid == 0)
        become(program, state, log, uid, in[0], out[1]);
    close(in[0]);
    close(out[1]);
    fcntl(in[1], F_SETFD, FD_CLOEXEC);
    fcntl(out[0], F_SETFD, FD_CLOEXEC);
    client->in_fd = in[1];
    client->out_fd = out[0];
    client->cap = 4u << 20;
    client->buffer = malloc(client->cap);
    return client->pid > 0 && client->buffer != NULL;
}

static int bury(struct client *client)
{
    int status = 0;

    close(client->in_fd);
    close(client->out_fd);
    waitpid(client->pid, &status, 0);
    free(client->buffer);
    client->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int client_stop(struct client *client)
{
    uint64_t end = now_ms() + 35000;

    close(client->in_fd);
    client->in_fd = -1;
    while (now_ms() < end) { /* let it write what it still wants to say */
        struct pollfd wait = {.fd = client->out_fd, .events = POLLIN};
        if (poll(&wait, 1, 1000) > 0 &&
            read(client->out_fd, client->buffer, client->cap) <= 0)
            break;
    }
    return bury(client);
}

void client_murder(struct client *client)
{
    kill(client->pid, SIGKILL);
    (void)bury(client);
}

/* The next line within the time, as JSON, given. */
static json_t *next_line(struct client *client, uint64_t end)
{
    for (;;) {
        char *line_end = memchr(client->buffer, '\n', client->len);
        struct pollfd wait = {.fd = client->out_fd, .events = POLLIN};
        uint64_t now = now_ms();
        ssize_t n;
        if (line_end != NULL) {
            size_t line = (size_t)(line_end - client->buffer);
            json_t *value = json_loadb(client->buffer, line, 0, NULL);
            client->len -= line + 1;
            memmove(client->buffer, line_end + 1, client->len);
            return value;
        }
        if (now >= end || client->len == client->cap ||
            poll(&wait, 1, (int)(end - now)) <= 0)
            return NULL;
        n = read(client->out_fd, client->buffer + client->len,
                 client->cap - client->len);
        if (n <= 0)
            return NULL;
        client->len += (size_t)n;
    }
}

static void write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n <= 0)
            return;
        data += n;
        len -= (size_t)n;
    }
}

static json_t *await(struct client *client, long id)
{
    uint64_t end = now_ms() + ANSWER_MS;
    json_t *value;

    while ((value = next_line(client, end)) != NULL) {
        const char *method = string(value, "method");
        const json_t *got = json_object_get(value, "id");
        if (strcmp(method, "heartbeat") == 0)
            client->heartbeats++;
        else if (strcmp(method, "job.changed") == 0)
            client->changes++;
        else if (got != NULL &&
                 (json_is_null(got) ? id < 0 : json_integer_value(got) == id))
            return value;
        json_decref(value);
    }
    return NULL;
}

json_t *client_raw(struct client *client, const char *line, size_t len)
{
    write_all(client->in_fd, line, len);
    write_all(client->in_fd, "\n", 1);
    return await(client, -1);
}

json_t *client_call(struct client *client, const char *method, json_t *params,
                    json_t **out_error)
{
    long id = ++client->next_id;
    json_t *request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id",
                                (int)id, "method", method, "params", params);
    char *text = json_dumps(request, JSON_COMPACT);
    json_t *answer, *result;

    *out_error = NULL;
    write_all(client->in_fd, text, strlen(text));
    write_all(client->in_fd, "\n", 1);
    free(text);
    json_decref(request);
    answer = await(client, id);
    result = json_incref(json_object_get(answer, "result"));
    *out_error = json_incref(json_object_get(answer, "error"));
    json_decref(answer);
    return result;
}

json_t *client_wait(struct client *client, const char *id, int timeout_ms)
{
    uint64_t end = now_ms() + (uint64_t)timeout_ms;

    for (;;) {
        json_t *error = NULL;
        json_t *status = client_call(client, "job.status",
                                     json_pack("{s:s}", "id", id), &error);
        json_decref(error);
        if (status == NULL)
            return NULL;
        if (strcmp(string(status, "phase"), "finished") == 0)
            return status;
        json_decref(status);
        if (now_ms() >= end)
            return NULL;
        usleep(5000);
    }
}

static size_t decode_base64(const char *text, char *out)
{
    unsigned bits = 0, have = 0;
    size_t len = 0;

    for (; *text != '\0' && *text != '='; text++) {
        const char *digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
                             "uvwxyz0123456789+/";
        const char *at = strchr(digits, *text);
        if (at == NULL)
            break;
        bits = bits << 6 | (unsigned)(at - digits);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (char)(bits >> have & 0xff);
        }
    }
    return len;
}

char *client_log(struct client *client, const char *id, const char *stream)
{
    char *text = calloc(1, (1u << 20) + 1);
    size_t len = 0;

    while (text != NULL && len < (1u << 19)) {
        json_t *error = NULL;
        json_t *part =
            client_call(client, "job.logs",
                        json_pack("{s:s, s:s, s:i}", "id", id, "stream", stream,
                                  "offset", (int)len),
                        &error);
        size_t n =
            part != NULL ? decode_base64(string(part, "data"), text + len) : 0;
        json_decref(error);
        json_decref(part);
        if (n == 0)
            break;
        len += n;
    }
    return text;
}
