#ifndef CLI_CLI_H
#define CLI_CLI_H

/* One run of `suan`: where its output goes, how it looks, which node and wallet
 * it speaks with. Every verb gets one of these and returns the exit code.
 *
 * stdout carries data and nothing else; all that is said to a person goes to
 * stderr. Without a terminal nothing is asked, coloured or redrawn. */

#include "cli/verb/verb.h"
#include "node/rpc/rpc_msg.h"

#include <limits.h>
#include <stdio.h>

enum cli_form { FORM_TABLE, FORM_WIDE, FORM_NAME, FORM_JSON };

/* How long an answer may take that does not say it waits. */
#define CLI_TIMEOUT_MS 15000u

struct client;

struct cli {
    FILE *out;
    FILE *err;
    enum cli_form form;
    bool headers;
    bool quiet;
    bool yes;
    bool tty_in;
    bool tty_out;
    bool tty_err;
    bool color;
    unsigned width; /* columns of a table, >= 80 */
    uint64_t timeout_ms;
    /* as given; NULL: not given */
    const char *node;
    const char *data_dir;
    const char *wallet;
    const char *password_file;
    int password_fd;          /* -1: not given */
    uint64_t (*now_ms)(void); /* wall clock, ms since 1970 */
    struct client *client;    /* opened by the first call */
    char socket[PATH_MAX];    /* of the node the client speaks with */
};

/* Defaults: the standard streams, table, colour as the terminal allows. */
void cli_init(struct cli *cli);
/* The global options of a command line. 0, or the exit code after saying what
 * is wrong. */
int cli_set(struct cli *cli, const struct args *args);
void cli_done(struct cli *cli);

/* The whole program. */
int cli_main(int argc, char **argv);

/* ---- saying ---- */

/* Prints "error: WHAT: WHY. Try: NEXT" and returns `exit`. why and next may be
 * NULL. With --json the same as one JSON object, on stderr too. */
__attribute__((format(printf, 5, 6))) int cli_fail(
    struct cli *cli, enum rpc_exit exit, const char *why, const char *next,
    const char *what_format, ...);
/* The same for an err of a library: why is its text, the exit follows. */
__attribute__((format(printf, 4, 5))) int cli_fail_err(struct cli *cli,
                                                       enum err err,
                                                       const char *next,
                                                       const char *what_format,
                                                       ...);
int cli_fail_rpc(struct cli *cli, const struct rpc_error *error);
/* Wrong use of the command line: exit 2. */
__attribute__((format(printf, 3, 4))) int cli_usage(struct cli *cli,
                                                    const char *next,
                                                    const char *what_format,
                                                    ...);
int cli_nomem(struct cli *cli);

/* A line for people on stderr, unless -q. Control characters are made visible:
 * names in it may come from strangers. */
__attribute__((format(printf, 2, 3))) void cli_note(struct cli *cli,
                                                    const char *format, ...);
/* The same, said even with -q. */
__attribute__((format(printf, 2, 3))) void cli_warn(struct cli *cli,
                                                    const char *format, ...);

/* Text from elsewhere: control characters are made visible. */
void cli_put(FILE *file, const char *text);

/* ---- asking the node ---- */

/* One call. params is taken (NULL: none). 0 and *out (given), or the exit code
 * after saying what is wrong. */
int cli_call(struct cli *cli, const char *method, json_t *params, json_t **out);
/* The same for a call that may wait up to wait_ms before it answers. */
int cli_call_wait(struct cli *cli, const char *method, json_t *params,
                  uint64_t wait_ms, json_t **out);
/* The same without saying anything: the error goes to out_error. */
enum err cli_try(struct cli *cli, const char *method, json_t *params,
                 uint64_t wait_ms, json_t **out, struct rpc_error *out_error);

/* ---- reading results: absent or of another type is the zero value ---- */

const char *js_text(const json_t *object, const char *key); /* "" */
uint64_t js_uint(const json_t *object, const char *key);
bool js_bool(const json_t *object, const char *key);
/* Walks "a.b.c". NULL when something on the way is missing. */
json_t *js_at(const json_t *object, const char *path);

/* ---- small questions ---- */

/* Yes or no on the terminal: 0 is yes. --yes answers yes. Without a terminal:
 * says that --yes is needed, EXIT_LOCKED. No: says `declined`, EXIT_FAILED. */
int cli_confirm(struct cli *cli, const char *question, const char *declined);

#endif
