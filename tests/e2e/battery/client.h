#ifndef TESTS_E2E_BATTERY_CLIENT_H
#define TESTS_E2E_BATTERY_CLIENT_H

/* Speaks to one suan-exec-sandbox, as a node would. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct client {
    pid_t pid;
    int in_fd, out_fd;
    char *buffer;
    size_t len, cap;
    long next_id;
    unsigned heartbeats, changes; /* notifications seen */
};

/* Starts the executor; its stderr goes to `log`. NULL args end the list. */
bool client_start(struct client *client, const char *program, const char *state,
                  const char *log, uid_t uid);
/* Closes its stdin and waits for it; its exit code, or 128+signal. */
int client_stop(struct client *client);
/* kill -9. */
void client_murder(struct client *client);

/* Calls a method and waits for the answer: the result, given, or NULL with the
 * error object in *out_error (given; NULL: no answer in time). params taken. */
json_t *client_call(struct client *client, const char *method, json_t *params,
                    json_t **out_error);
/* The same for a raw line; the whole answer with this id (or null id), given.
 */
json_t *client_raw(struct client *client, const char *line, size_t len);

/* The status of the job once finished, given; NULL after timeout_ms. */
json_t *client_wait(struct client *client, const char *id, int timeout_ms);
/* The kept stream as text, given (free); "" if there is none. */
char *client_log(struct client *client, const char *id, const char *stream);

long long number(const json_t *object, const char *name);   /* -1: absent */
const char *string(const json_t *object, const char *name); /* "": absent */
uint64_t now_ms(void);

#endif
