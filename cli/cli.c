#include "cli/cli.h"

#include "base/check.h"
#include "cli/client.h"
#include "cli/locate.h"
#include "cli/unit.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define TABLE_WIDTH 80u

static uint64_t wall_ms(void)
{
    struct timespec ts;
    CHECK(clock_gettime(CLOCK_REALTIME, &ts) == 0);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void cli_init(struct cli *cli)
{
    struct winsize size;
    memset(cli, 0, sizeof(*cli));
    cli->out = stdout;
    cli->err = stderr;
    cli->headers = true;
    cli->tty_in = isatty(STDIN_FILENO) == 1;
    cli->tty_out = isatty(STDOUT_FILENO) == 1;
    cli->tty_err = isatty(STDERR_FILENO) == 1;
    cli->color = cli->tty_err;
    cli->width = TABLE_WIDTH;
    cli->password_fd = -1;
    cli->now_ms = wall_ms;
    if (cli->tty_out && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > TABLE_WIDTH)
        cli->width = size.ws_col;
}

void cli_done(struct cli *cli)
{
    client_free(cli->client);
    cli->client = NULL;
}

static int set_form(struct cli *cli, const struct args *args)
{
    const char *form = args_text(args, "output", "");
    bool json = args_flag(args, "json");
    if (json && form[0] != '\0' && strcmp(form, "json") != 0)
        return cli_usage(cli, NULL, "--json and -o %s contradict each other",
                         form);
    if (json || strcmp(form, "json") == 0)
        cli->form = FORM_JSON;
    else if (strcmp(form, "wide") == 0)
        cli->form = FORM_WIDE;
    else if (strcmp(form, "name") == 0)
        cli->form = FORM_NAME;
    return 0;
}

static void set_color(struct cli *cli, const struct args *args)
{
    const char *color = args_text(args, "color", "auto");
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    if (strcmp(color, "always") == 0)
        cli->color = true;
    else if (strcmp(color, "never") == 0)
        cli->color = false;
    else if ((no_color != NULL && no_color[0] != '\0') ||
             (term != NULL && strcmp(term, "dumb") == 0))
        cli->color = false;
}

int cli_set(struct cli *cli, const struct args *args)
{
    const char *timeout = args_text(args, "timeout", NULL);
    const char *fd = args_text(args, "password-fd", NULL);
    uint64_t number;
    int failed = set_form(cli, args);
    if (failed)
        return failed;
    set_color(cli, args);
    cli->headers = !args_flag(args, "no-headers");
    cli->quiet = args_flag(args, "quiet");
    cli->yes = args_flag(args, "yes");
    cli->node = args_text(args, "node", NULL);
    cli->data_dir = args_text(args, "data-dir", NULL);
    cli->wallet = args_text(args, "wallet", NULL);
    cli->password_file = args_text(args, "password-file", NULL);
    if (timeout != NULL && unit_parse_ms(timeout, &cli->timeout_ms) != OK)
        return cli_usage(cli, "--timeout 30s",
                         "--timeout \"%s\" is not a span of time", timeout);
    if (fd != NULL) {
        if (unit_parse_count(fd, 0, 65535, &number) != OK)
            return cli_usage(cli, "--password-fd 3 3<FILE",
                             "--password-fd \"%s\" is not a descriptor", fd);
        cli->password_fd = (int)number;
    }
    if (cli->password_file != NULL && cli->password_fd >= 0)
        return cli_usage(cli, NULL,
                         "--password-file and --password-fd exclude each "
                         "other");
    return 0;
}

/* Prints text with control characters made visible, so that a name from a
 * stranger cannot steer the terminal. */
void cli_put(FILE *file, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char c = (unsigned char)*at;
        unsigned char after = (unsigned char)at[1];
        if (c < 0x20 || c == 0x7f) {
            fprintf(file, "\\x%02x", c);
        } else if (c == 0xc2 && after >= 0x80 && after < 0xa0) {
            fprintf(file, "\\u00%02x", after); /* C1, in UTF-8 */
            at++;
        } else {
            fputc(c, file);
        }
    }
}

static void print_json_error(struct cli *cli, const struct rpc_error *error)
{
    char *text = rpc_error_text(0, error);
    json_t *doc = text == NULL ? NULL : json_loads(text, 0, NULL);
    json_t *only = doc == NULL ? NULL : json_object();
    if (only != NULL) {
        json_object_set(only, "error", json_object_get(doc, "error"));
        json_dumpf(only, cli->err, JSON_COMPACT);
        fputc('\n', cli->err);
    }
    json_decref(only);
    json_decref(doc);
    free(text);
}

/* Does the sentence end by itself? */
static bool ends_sentence(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && strchr(".!?", text[len - 1]) != NULL;
}

int cli_fail_rpc(struct cli *cli, const struct rpc_error *error)
{
    const char *last = error->why[0] != '\0' ? error->why : error->what;
    CHECK(error->exit != EXIT_DONE);
    fflush(cli->out);
    if (cli->form == FORM_JSON) {
        print_json_error(cli, error);
        return (int)error->exit;
    }
    fputs(cli->color ? "\033[1;31merror:\033[0m " : "error: ", cli->err);
    cli_put(cli->err, error->what);
    if (error->why[0] != '\0' && strcmp(error->why, error->what) != 0) {
        fputs(": ", cli->err);
        cli_put(cli->err, error->why);
    }
    if (error->next[0] != '\0') {
        fputs(ends_sentence(last) ? " Try: " : ". Try: ", cli->err);
        cli_put(cli->err, error->next);
    }
    fputc('\n', cli->err);
    return (int)error->exit;
}

static void fill(struct rpc_error *error, enum err err, const char *next,
                 const char *format, va_list args)
{
    char what[sizeof(error->what)];
    vsnprintf(what, sizeof(what), format, args);
    rpc_error_set(error, err, next, "%s", what);
}

int cli_fail(struct cli *cli, enum rpc_exit exit, const char *why,
             const char *next, const char *what_format, ...)
{
    struct rpc_error error;
    va_list args;
    CHECK(exit != EXIT_DONE);
    va_start(args, what_format);
    fill(&error, ERR_RANGE, next, what_format, args);
    va_end(args);
    error.err = exit == EXIT_NOT_FOUND     ? ERR_NOT_FOUND
                : exit == EXIT_LOCKED      ? ERR_LOCKED
                : exit == EXIT_FUNDS       ? ERR_FUNDS
                : exit == EXIT_NO_OFFER    ? ERR_NO_OFFER
                : exit == EXIT_UNREACHABLE ? ERR_NET
                : exit == EXIT_POLICY      ? ERR_STATE
                : exit == EXIT_USAGE       ? ERR_PARSE
                                           : ERR_IO;
    error.exit = exit;
    snprintf(error.why, sizeof(error.why), "%s", why == NULL ? "" : why);
    return cli_fail_rpc(cli, &error);
}

int cli_fail_err(struct cli *cli, enum err err, const char *next,
                 const char *what_format, ...)
{
    struct rpc_error error;
    va_list args;
    va_start(args, what_format);
    fill(&error, err, next, what_format, args);
    va_end(args);
    return cli_fail_rpc(cli, &error);
}

int cli_usage(struct cli *cli, const char *next, const char *what_format, ...)
{
    struct rpc_error error;
    va_list args;
    va_start(args, what_format);
    fill(&error, ERR_PARSE, next, what_format, args);
    va_end(args);
    error.why[0] = '\0';
    error.exit = EXIT_USAGE;
    return cli_fail_rpc(cli, &error);
}

int cli_nomem(struct cli *cli)
{
    return cli_fail(cli, EXIT_FAILED, NULL, "closing other programs",
                    "out of memory");
}

static void say(struct cli *cli, const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof(text), format, args);
    fflush(cli->out);
    cli_put(cli->err, text);
    fputc('\n', cli->err);
    fflush(cli->err);
}

void cli_note(struct cli *cli, const char *format, ...)
{
    va_list args;
    if (cli->quiet)
        return;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
}

void cli_warn(struct cli *cli, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(cli, format, args);
    va_end(args);
}

enum err cli_try(struct cli *cli, const char *method, json_t *params,
                 uint64_t wait_ms, json_t **out, struct rpc_error *out_error)
{
    uint64_t timeout_ms =
        cli->timeout_ms != 0 ? cli->timeout_ms : CLI_TIMEOUT_MS;
    enum err err;
    CHECK(cli->client != NULL);
    err = client_call(cli->client, method, params, wait_ms + timeout_ms, out,
                      out_error);
    json_decref(params);
    return err;
}

int cli_call_wait(struct cli *cli, const char *method, json_t *params,
                  uint64_t wait_ms, json_t **out)
{
    struct rpc_error error;
    if (cli->client == NULL) {
        int failed = locate_socket(cli, cli->socket);
        if (failed) {
            json_decref(params);
            return failed;
        }
        if (client_open(cli->socket, &cli->client, &error) != OK) {
            json_decref(params);
            return cli_fail_rpc(cli, &error);
        }
    }
    if (cli_try(cli, method, params, wait_ms, out, &error) != OK)
        return cli_fail_rpc(cli, &error);
    return 0;
}

int cli_call(struct cli *cli, const char *method, json_t *params, json_t **out)
{
    return cli_call_wait(cli, method, params, 0, out);
}

json_t *js_at(const json_t *object, const char *path)
{
    const json_t *at = object;
    while (at != NULL && *path != '\0') {
        size_t len = strcspn(path, ".");
        char key[64];
        if (len >= sizeof(key))
            return NULL;
        memcpy(key, path, len);
        key[len] = '\0';
        at = json_object_get(at, key);
        path += len;
        path += *path == '.';
    }
    /* jansson's own accessors drop the const in the same way. */
    return (json_t *)(uintptr_t)at;
}

const char *js_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(js_at(object, key));
    return text == NULL ? "" : text;
}

uint64_t js_uint(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(js_at(object, key));
    return value < 0 ? 0 : (uint64_t)value;
}

bool js_bool(const json_t *object, const char *key)
{
    return json_is_true(js_at(object, key));
}

int cli_confirm(struct cli *cli, const char *question, const char *declined)
{
    char answer[16];
    if (cli->yes)
        return 0;
    if (!cli->tty_in || !cli->tty_err)
        return cli_fail(cli, EXIT_LOCKED, "there is no terminal to ask on",
                        "--yes", "%s needs a yes", question);
    fprintf(cli->err, "%s? [y/N] ", question);
    fflush(cli->err);
    if (fgets(answer, sizeof(answer), stdin) != NULL &&
        (answer[0] == 'y' || answer[0] == 'Y'))
        return 0;
    cli_note(cli, "%s", declined);
    return EXIT_FAILED;
}
