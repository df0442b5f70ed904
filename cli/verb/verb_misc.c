/* suan version|completion|help, and the program itself. */

#include "base/check.h"
#include "cli/help.h"
#include "cli/nearest.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* Prints what fn writes. */
static int print(struct cli *cli, void (*fn)(struct buf *out))
{
    struct buf text;
    buf_init(&text, HELP_BYTES_MAX);
    fn(&text);
    CHECK(text.err == OK);
    fwrite(text.ptr, 1, text.len, cli->out);
    buf_done(&text);
    return out_flush(cli);
}

static int print_verb(struct cli *cli, const struct verb *verb)
{
    struct buf text;
    buf_init(&text, HELP_BYTES_MAX);
    help_verb(verb, &text);
    CHECK(text.err == OK);
    fwrite(text.ptr, 1, text.len, cli->out);
    buf_done(&text);
    return out_flush(cli);
}

static int print_group(struct cli *cli, const char *group)
{
    struct buf text;
    buf_init(&text, HELP_BYTES_MAX);
    help_group(group, &text);
    CHECK(text.err == OK);
    fwrite(text.ptr, 1, text.len, cli->out);
    buf_done(&text);
    return out_flush(cli);
}

int verb_version(struct cli *cli, const struct args *args)
{
    (void)args;
    if (cli->form == FORM_JSON) {
        json_t *line = json_pack("{s:s}", "version", SUAN_VERSION);
        int failed = out_json(cli, line);
        json_decref(line);
        return failed;
    }
    fprintf(cli->out, "suan %s\n", SUAN_VERSION);
    return out_flush(cli);
}

int verb_completion(struct cli *cli, const struct args *args)
{
    const char *shell = args_operand(args, 0);
    if (strcmp(shell, "bash") == 0)
        return print(cli, complete_bash);
    if (strcmp(shell, "zsh") == 0)
        return print(cli, complete_zsh);
    if (strcmp(shell, "fish") == 0)
        return print(cli, complete_fish);
    return cli_usage(cli, "suan completion bash",
                     "\"%.40s\" is not one of bash, zsh, fish", shell);
}

static void help_exit_codes(struct buf *out)
{
    buf_addf(out, "0    done\n"
                  "1    failure\n"
                  "2    wrong use of the command line\n"
                  "3    not found\n"
                  "4    locked, no key, or no terminal to ask on\n"
                  "5    insufficient funds\n"
                  "6    no offer, or a deadline passed\n"
                  "7    node or network unreachable\n"
                  "8    rejected by policy\n"
                  "\n"
                  "suan run and suan wait pass the job's own code, 0 to 123. "
                  "Beyond:\n"
                  "124  the time limit was reached; the time is paid\n"
                  "125  the market failed the job; it is refunded\n"
                  "126  the program cannot be run\n"
                  "127  the program is not in the image\n"
                  "130  detached or cancelled by Ctrl-C\n"
                  "137  the memory limit was reached (or signal 9)\n"
                  "128+N  ended by signal N\n"
                  "\n"
                  "The exact code is always in --json.\n");
}

/* The words of `argv` with blanks between. */
static void join(char *const *argv, int count, char out[128])
{
    size_t len = 0;
    out[0] = '\0';
    for (int i = 0; i < count && len < 120; i++) {
        int got = snprintf(out + len, 128 - len, "%s%.60s", i == 0 ? "" : " ",
                           argv[i]);
        len += got > 0 ? (size_t)got : 0;
    }
}

/* Neither a verb nor a group: says what may have been meant. */
static int unknown(struct cli *cli, int argc, char **argv, int known)
{
    char group[128];
    char word[128];
    struct nearest nearest;
    join(argv, known, group);
    join(argv + known, known < argc ? 1 : 0, word);
    nearest_init(&nearest, word);
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        size_t len = strlen(group);
        char next[64];
        const char *rest = verb->path;
        if (len > 0 && (strncmp(rest, group, len) != 0 || rest[len] != ' '))
            continue;
        rest += len > 0 ? len + 1 : 0;
        snprintf(next, sizeof(next), "%.*s", (int)strcspn(rest, " "), rest);
        if (nearest_distance(word, next) < nearest.distance) {
            unsigned before = nearest.distance;
            nearest_try(&nearest, next);
            if (nearest.distance < before)
                nearest.best = verb->path;
        }
    }
    if (nearest.best != NULL) {
        char next[96];
        snprintf(next, sizeof(next), "suan %s", nearest.best);
        return cli_usage(cli, next, "there is no command \"%s%s%s\"", group,
                         known > 0 ? " " : "", word);
    }
    return cli_usage(cli, "suan help", "there is no command \"%s%s%s\"", group,
                     known > 0 ? " " : "", word);
}

/* Help on the words given: a verb, a group, or a topic. */
static int help_on(struct cli *cli, int argc, char **argv)
{
    const struct verb *verb;
    char words[128];
    int known = 0;
    if (argc == 0)
        return print(cli, help_program);
    if (strcmp(argv[0], "options") == 0)
        return print(cli, help_globals);
    if (strcmp(argv[0], "exit-codes") == 0)
        return print(cli, help_exit_codes);
    if (strcmp(argv[0], "markdown") == 0)
        return print(cli, help_markdown);
    verb = verb_find(argc, argv, &known);
    if (verb != NULL)
        return print_verb(cli, verb);
    join(argv, argc, words);
    if (verb_is_group(words))
        return print_group(cli, words);
    return unknown(cli, argc, argv, known);
}

int verb_help(struct cli *cli, const struct args *args)
{
    return help_on(cli, args->operand_count, args->operands);
}

/* ---- the program ---- */

static bool asked(const struct args *args, const char *name)
{
    for (size_t i = 0; i < args->given_count; i++) {
        if (strcmp(args->given[i].opt->name, name) == 0)
            return true;
    }
    return false;
}

static int run_verb(struct cli *cli, const struct verb *verb, int argc,
                    char **argv, struct args *args)
{
    char error[PARSE_ERROR_MAX];
    char next[96];
    int failed;
    snprintf(next, sizeof(next), "suan %s --help", verb->path);
    if (args_parse(verb, argc, argv, args, error) != 0)
        return cli_usage(cli, next, "%s", error);
    failed = cli_set(cli, args);
    if (failed)
        return failed;
    if (asked(args, "help"))
        return print_verb(cli, verb);
    if (args_check(args, error) != 0)
        return cli_usage(cli, next, "%s", error);
    return verb->run(cli, args);
}

static int dispatch(struct cli *cli, int argc, char **argv, struct args *args)
{
    char error[PARSE_ERROR_MAX];
    const struct verb *verb;
    char **words;
    char group[128];
    int count;
    int known = 0;
    if (args_parse(NULL, argc, argv, args, error) != 0)
        return cli_usage(cli, "suan help options", "%s", error);
    words = args->operands;
    count = args->operand_count;
    if (asked(args, "version"))
        return verb_version(cli, args);
    if (count == 0)
        return print(cli, help_program);
    verb = verb_find(count, words, &known);
    if (verb != NULL)
        return run_verb(cli, verb, count - known + 1, words + known - 1, args);
    join(words, known, group);
    /* "suan wallet" and "suan wallet --help" list what there is. */
    if (known > 0 && verb_is_group(group) &&
        (known == count || strcmp(words[known], "--help") == 0 ||
         strcmp(words[known], "-h") == 0))
        return print_group(cli, group);
    return unknown(cli, count, words, known);
}

int cli_main(int argc, char **argv)
{
    static struct args args; /* large */
    struct cli cli;
    int code;
    setlocale(LC_CTYPE, "");
    memset(&args, 0, sizeof(args));
    cli_init(&cli);
    code = dispatch(&cli, argc, argv, &args);
    cli_done(&cli);
    return code;
}
