#include "cli/help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static size_t verb_count(void)
{
    size_t count = 0;
    const struct verb *verb = NULL;
    while ((verb = verb_next(verb)) != NULL)
        count++;
    return count;
}

static void every_verb_of_the_tree_is_there(void **state)
{
    static const char *const paths[] = {"run",
                                        "submit",
                                        "ps",
                                        "logs",
                                        "wait",
                                        "cancel",
                                        "fetch",
                                        "doctor",
                                        "version",
                                        "completion",
                                        "help",
                                        "devnet up",
                                        "devnet status",
                                        "devnet down",
                                        "wallet new",
                                        "wallet restore",
                                        "wallet list",
                                        "wallet show",
                                        "wallet balance",
                                        "wallet send",
                                        "wallet history",
                                        "wallet passwd",
                                        "wallet backup",
                                        "job show",
                                        "job logs",
                                        "job events",
                                        "job wait",
                                        "job cancel",
                                        "job fetch",
                                        "job forget",
                                        "job explain",
                                        "job receipt",
                                        "market offers",
                                        "market links",
                                        "market quote",
                                        "market watch",
                                        "market audit",
                                        "market record",
                                        "policy list",
                                        "policy show",
                                        "policy set",
                                        "policy remove",
                                        "policy enable",
                                        "policy disable",
                                        "policy bind",
                                        "policy unbind",
                                        "sell start",
                                        "sell stop",
                                        "sell status",
                                        "sell offer set",
                                        "sell offer show",
                                        "sell bench",
                                        "sell bench check",
                                        "sell identifier",
                                        "image import",
                                        "image ls",
                                        "image inspect",
                                        "image rm",
                                        "node start",
                                        "node stop",
                                        "node status",
                                        "node peers",
                                        "node logs",
                                        "node send",
                                        "chain status",
                                        "chain block",
                                        "chain tx",
                                        "chain account",
                                        "chain verify",
                                        "chain prove",
                                        "chain check",
                                        "validator list",
                                        "validator show",
                                        "validator bond",
                                        "validator unbond",
                                        "validator withdraw",
                                        "validator recall",
                                        "config list",
                                        "config path",
                                        "sched agents",
                                        "sched availability",
                                        "sched decompose",
                                        "sched adjust",
                                        "sched embed",
                                        "sched replicas",
                                        "sched replay",
                                        "sched train",
                                        "sched workflow",
                                        "sched select"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        bool found = false;
        for (const struct verb *verb = verb_next(NULL); verb != NULL;
             verb = verb_next(verb))
            found = found || strcmp(verb->path, paths[i]) == 0;
        if (!found)
            fail_msg("suan %s is missing", paths[i]);
    }
    assert_int_equal(verb_count(), sizeof(paths) / sizeof(paths[0]));
}

static void every_verb_is_explained_with_an_example(void **state)
{
    (void)state;
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        char begins[96];
        assert_non_null(verb->run);
        if (verb->line == NULL || verb->text == NULL || verb->example == NULL)
            fail_msg("suan %s is not explained", verb->path);
        assert_true(strlen(verb->line) > 5);
        assert_true(verb->line[strlen(verb->line) - 1] != '.');
        assert_true(verb->text[strlen(verb->text) - 1] == '.');
        snprintf(begins, sizeof(begins), "suan %s", verb->path);
        if (strstr(verb->example, begins) == NULL)
            fail_msg("the example of suan %s shows another", verb->path);
    }
}

static void no_option_hides_another(void **state)
{
    (void)state;
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        for (const struct opt *a = verb->options; a != NULL && a->name != NULL;
             a++) {
            for (const struct opt *b = verb->options; b != a; b++) {
                if (strcmp(a->name, b->name) == 0 ||
                    (a->letter != 0 && a->letter == b->letter))
                    fail_msg("suan %s: --%s twice", verb->path, a->name);
            }
            for (const struct opt *g = global_options; g->name != NULL; g++) {
                if (strcmp(a->name, g->name) == 0 ||
                    (a->letter != 0 && a->letter == g->letter))
                    fail_msg("suan %s: --%s is global", verb->path, a->name);
            }
            assert_true(a->help[strlen(a->help) - 1] != '.');
        }
    }
}

/* The widest line of the text, in characters. */
static size_t widest(struct buf *text)
{
    const char *at = buf_cstr(text);
    size_t most = 0;
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        if (len > most)
            most = len;
        at += len;
        at += *at == '\n';
    }
    return most;
}

static void help_fits_eighty_columns(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, HELP_BYTES_MAX);
    help_program(&text);
    assert_int_equal(text.err, OK);
    assert_true(widest(&text) <= 80);
    buf_clear(&text);
    help_globals(&text);
    assert_true(widest(&text) <= 80);
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        buf_clear(&text);
        help_verb(verb, &text);
        assert_int_equal(text.err, OK);
        if (widest(&text) > 80)
            fail_msg("suan %s --help is too wide", verb->path);
    }
    for (const struct verb_group *g = verb_groups; g->name != NULL; g++) {
        buf_clear(&text);
        help_group(g->name, &text);
        if (widest(&text) > 80)
            fail_msg("suan %s --help is too wide", g->name);
    }
    buf_done(&text);
}

static void every_group_has_verbs_and_every_verb_its_group(void **state)
{
    (void)state;
    for (const struct verb_group *g = verb_groups; g->name != NULL; g++)
        assert_true(verb_is_group(g->name));
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        char group[32];
        bool found = strchr(verb->path, ' ') == NULL;
        snprintf(group, sizeof(group), "%.*s", (int)strcspn(verb->path, " "),
                 verb->path);
        for (const struct verb_group *g = verb_groups; g->name != NULL; g++)
            found = found || strcmp(g->name, group) == 0;
        if (!found)
            fail_msg("suan %s stands in no group", verb->path);
    }
}

static void the_reference_is_what_the_table_says(void **state)
{
    struct buf text;
    FILE *file = fopen(SUAN_SOURCE_DIR "/docs/cli.md", "r");
    char *kept = malloc(HELP_BYTES_MAX);
    size_t len;
    (void)state;
    assert_non_null(file);
    assert_non_null(kept);
    len = fread(kept, 1, HELP_BYTES_MAX, file);
    fclose(file);
    buf_init(&text, HELP_BYTES_MAX);
    help_markdown(&text);
    assert_int_equal(text.err, OK);
    if (len != text.len || memcmp(kept, text.ptr, len) != 0)
        fail_msg("docs/cli.md is old: suan help markdown > docs/cli.md");
    buf_done(&text);
    free(kept);
}

/* Every verb and every option of it is offered. */
static void check_completion(void (*complete)(struct buf *), const char *mark)
{
    struct buf text;
    const char *script;
    buf_init(&text, HELP_BYTES_MAX);
    complete(&text);
    assert_int_equal(text.err, OK);
    script = buf_cstr(&text);
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        const char *last = strrchr(verb->path, ' ');
        if (strstr(script, last == NULL ? verb->path : last + 1) == NULL)
            fail_msg("suan %s is not completed", verb->path);
        for (const struct opt *opt = verb->options;
             opt != NULL && opt->name != NULL; opt++) {
            char wanted[64];
            snprintf(wanted, sizeof(wanted), "%s%s", mark, opt->name);
            if (strstr(script, wanted) == NULL)
                fail_msg("--%s is not completed", opt->name);
        }
    }
    buf_done(&text);
}

static void completion_offers_everything(void **state)
{
    (void)state;
    check_completion(complete_bash, "--");
    check_completion(complete_zsh, "--");
    check_completion(complete_fish, "-l ");
}

/* Runs a shell over a file without executing it; 127: no such shell. */
static int shell_reads(const char *shell, char *path)
{
    char check[] = "-n";
    char name[16];
    char *argv[] = {name, check, path, NULL};
    int status;
    pid_t pid;
    snprintf(name, sizeof(name), "%s", shell);
    pid = fork();
    if (pid == 0) {
        execvp(shell, argv);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

/* Does the shell take the script? Where the shell is not there nobody can
 * tell. */
static void check_syntax(void (*complete)(struct buf *), const char *shell)
{
    char path[] = "/tmp/suan-test-XXXXXX";
    struct buf text;
    FILE *file;
    int code;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    file = fdopen(fd, "w");
    buf_init(&text, HELP_BYTES_MAX);
    complete(&text);
    assert_int_equal(fwrite(text.ptr, 1, text.len, file), text.len);
    fclose(file);
    buf_done(&text);
    code = shell_reads(shell, path);
    remove(path);
    if (code != 0 && code != 127)
        fail_msg("%s does not take its script", shell);
}

static void shells_take_their_scripts(void **state)
{
    (void)state;
    check_syntax(complete_bash, "bash");
    check_syntax(complete_zsh, "zsh");
    check_syntax(complete_fish, "fish");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_verb_of_the_tree_is_there),
        cmocka_unit_test(every_verb_is_explained_with_an_example),
        cmocka_unit_test(no_option_hides_another),
        cmocka_unit_test(help_fits_eighty_columns),
        cmocka_unit_test(every_group_has_verbs_and_every_verb_its_group),
        cmocka_unit_test(the_reference_is_what_the_table_says),
        cmocka_unit_test(completion_offers_everything),
        cmocka_unit_test(shells_take_their_scripts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
