/* suan sell bench, suan sell bench check. */

#include "base/hash.h"
#include "cli/locate.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096u
#define ARGS_MAX       10u
#define EXIT_WRONG     3   /* of suan-meter: a result is wrong */
#define ROUNDS_MAX     600 /* of two seconds */

/* ---- the measuring program, on this machine ---- */

struct run {
    const char *args[ARGS_MAX + 1]; /* ends with NULL */
    json_t *parts;                  /* its lines */
    int status;
};

static pid_t start(const char *program, const char *const *args, int *out_fd)
{
    char *argv[ARGS_MAX + 2] = {NULL};
    size_t count = 0;
    int fds[2];
    pid_t pid;
    if (pipe(fds) != 0)
        return -1;
    argv[0] = strdup(program);
    for (; count < ARGS_MAX && args[count] != NULL; count++)
        argv[count + 1] = strdup(args[count]);
    pid = fork();
    if (pid == 0) {
        if (dup2(fds[1], STDOUT_FILENO) < 0)
            _exit(127);
        close(fds[0]);
        close(fds[1]);
        execv(program, argv);
        _exit(127);
    }
    for (size_t i = 0; i <= count; i++)
        free(argv[i]);
    close(fds[1]);
    if (pid < 0)
        close(fds[0]);
    else
        *out_fd = fds[0];
    return pid;
}

static void read_lines(FILE *file, json_t *out)
{
    char line[LINE_MAX_BYTES];
    while (fgets(line, sizeof(line), file) != NULL) {
        json_t *object = json_loads(line, 0, NULL);
        if (json_is_object(object))
            json_array_append(out, object);
        json_decref(object);
    }
}

/* 0, or the exit code after saying that it could not be run. */
static int run_meter(struct cli *cli, struct run *run)
{
    char program[PATH_MAX];
    int fd = -1;
    FILE *file;
    pid_t pid;
    int failed = locate_program(cli, "suan-meter", program);
    if (failed)
        return failed;
    pid = start(program, run->args, &fd);
    file = pid > 0 ? fdopen(fd, "r") : NULL;
    if (file == NULL)
        return cli_fail(cli, EXIT_FAILED, strerror(errno), NULL,
                        "%s cannot be started", program);
    read_lines(file, run->parts);
    (void)fclose(file);
    if (waitpid(pid, &run->status, 0) != pid)
        run->status = -1;
    return 0;
}

static int show_parts(struct cli *cli, struct run *run)
{
    json_t *result = json_pack("{s:O}", "parts", run->parts);
    int failed = view_print(cli, &view_answer, result);
    json_decref(result);
    return failed;
}

static bool ended_with(const struct run *run, int code)
{
    return WIFEXITED(run->status) && WEXITSTATUS(run->status) == code;
}

static int read_nonce(struct cli *cli, const char *text)
{
    struct hash nonce;
    if (hash_parse(text, &nonce) == OK)
        return 0;
    return cli_usage(cli,
                     "64 hex digits that nobody knew before: head -c 32 "
                     "/dev/urandom | od -An -tx1 | tr -d ' \\n'",
                     "--challenge \"%.70s\" is not 64 hex digits", text);
}

static int answer_challenge(struct cli *cli, const struct args *args)
{
    struct run run = {.args = {"--challenge",
                               args_text(args, "challenge", NULL), "--out",
                               args_text(args, "out", NULL)}};
    int failed = read_nonce(cli, run.args[1]);
    if (failed)
        return failed;
    if (run.args[3] == NULL)
        return cli_usage(cli, "--out answer",
                         "the answer to a challenge needs a file");
    if (args_text(args, "n", NULL) != NULL) {
        run.args[4] = "--n";
        run.args[5] = args_text(args, "n", NULL);
    }
    run.parts = json_array();
    failed = run_meter(cli, &run);
    if (!failed && !ended_with(&run, 0))
        failed = cli_fail(cli, EXIT_FAILED, "suan-meter said why above", NULL,
                          "the challenge was not answered");
    if (!failed)
        failed = show_parts(cli, &run);
    json_decref(run.parts);
    return failed;
}

int verb_sell_bench_check(struct cli *cli, const struct args *args)
{
    const char *nonce = args_text(args, "challenge", NULL);
    struct run run = {.args = {"--check", args_operand(args, 0)}};
    int failed = nonce != NULL ? read_nonce(cli, nonce) : 0;
    if (failed)
        return failed;
    if (nonce != NULL) {
        run.args[2] = "--challenge";
        run.args[3] = nonce;
    }
    run.parts = json_array();
    failed = run_meter(cli, &run);
    if (!failed && (ended_with(&run, 0) || ended_with(&run, EXIT_WRONG)))
        failed = show_parts(cli, &run);
    else if (!failed)
        failed = cli_fail(cli, EXIT_FAILED, "suan-meter said why above", NULL,
                          "%s was not checked", run.args[1]);
    if (!failed && ended_with(&run, EXIT_WRONG))
        failed = cli_fail(
            cli, EXIT_POLICY, "it does not follow from the challenge",
            "another challenge, and another seller", "a result is wrong");
    json_decref(run.parts);
    return failed;
}

/* ---- by the node ---- */

static void note_progress(struct cli *cli, const json_t *result)
{
    if (cli->tty_err)
        cli_note(cli, "%llu of %llu: %s",
                 (unsigned long long)js_uint(result, "step") + 1,
                 (unsigned long long)js_uint(result, "steps"),
                 js_text(result, "kernel"));
}

/* Asks until it has ended. */
static int measure(struct cli *cli, const struct args *args, json_t **out)
{
    bool run = !args_flag(args, "last");
    json_t *params = json_pack("{s:b, s:b}", "run", (int)run, "quick",
                               (int)args_flag(args, "quick"));
    for (int i = 0; i < ROUNDS_MAX; i++) {
        int failed = cli_call_wait(cli, "sell.bench", params, 30000, out);
        if (failed || !js_bool(*out, "running"))
            return failed;
        note_progress(cli, *out);
        json_decref(*out);
        params = json_pack("{s:b}", "follow", 1);
    }
    json_decref(params);
    return cli_fail(cli, EXIT_FAILED, "it did not end", "suan node logs",
                    "this machine was not measured");
}

int verb_sell_bench(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed;
    if (args_text(args, "challenge", NULL) != NULL)
        return answer_challenge(cli, args);
    failed = measure(cli, args, &result);
    if (failed)
        return failed;
    if (cli->form == FORM_JSON) {
        failed = out_json(cli, result);
    } else {
        failed = view_print(cli, &view_figures, result);
        (void)fputc('\n', cli->out);
        if (!failed)
            failed = view_print(cli, &view_grade, result);
    }
    json_decref(result);
    return failed;
}
