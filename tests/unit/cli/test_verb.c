#include "cli/verb/verb.h"

#include "node/rpc/rpc_msg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct args args;
static char error[PARSE_ERROR_MAX];

static int count(char **argv)
{
    int n = 0;
    while (argv[n] != NULL)
        n++;
    return n;
}

/* Parses "verb words..." against the verb with that path. */
static int parse(const char *path, const char *const *words)
{
    static char texts[16][300];
    static char *argv[17];
    int argc = 0;
    const struct verb *verb = verb_next(NULL);
    for (argc = 0; words[argc] != NULL; argc++) {
        strncpy(texts[argc], words[argc], sizeof(texts[0]) - 1);
        argv[argc] = texts[argc];
    }
    argv[argc] = NULL;
    memset(&args, 0, sizeof(args));
    error[0] = '\0';
    if (path == NULL)
        return args_parse(NULL, argc, argv, &args, error);
    while (strcmp(verb->path, path) != 0)
        verb = verb_next(verb);
    return args_parse(verb, argc, argv, &args, error);
}

#define PARSE(path, ...) parse(path, (const char *const[]){__VA_ARGS__, NULL})

static void the_longest_path_names_the_verb(void **state)
{
    char sell[] = "sell", offer[] = "offer", set[] = "set", run[] = "run";
    char bogus[] = "bogus";
    char *three[] = {sell, offer, set, bogus, NULL};
    char *one[] = {run, bogus, NULL};
    char *group[] = {sell, offer, bogus, NULL};
    char *none[] = {bogus, NULL};
    int words = 0;
    (void)state;
    assert_string_equal(verb_find(count(three), three, &words)->path,
                        "sell offer set");
    assert_int_equal(words, 3);
    assert_string_equal(verb_find(count(one), one, &words)->path, "run");
    assert_int_equal(words, 1);
    assert_null(verb_find(count(group), group, &words));
    assert_int_equal(words, 2);
    assert_null(verb_find(count(none), none, &words));
    assert_int_equal(words, 0);
    assert_true(verb_is_group("sell"));
    assert_true(verb_is_group("sell offer"));
    assert_false(verb_is_group("run"));
    assert_false(verb_is_group("sel"));
}

static void options_are_read_in_every_spelling(void **state)
{
    (void)state;
    assert_int_equal(PARSE("ps", "ps", "-a", "--state=RUNNING", "-o", "wide",
                           "--no-headers"),
                     0);
    assert_true(args_flag(&args, "all"));
    assert_string_equal(args_text(&args, "state", ""), "RUNNING");
    assert_string_equal(args_text(&args, "output", ""), "wide");
    assert_true(args_flag(&args, "no-headers"));
    assert_false(args_flag(&args, "quiet"));
    assert_string_equal(args_text(&args, "timeout", "none"), "none");
    /* shortened while unambiguous */
    assert_int_equal(PARSE("ps", "ps", "--stat", "DONE"), 0);
    assert_string_equal(args_text(&args, "state", ""), "DONE");
}

static void a_command_keeps_its_own_options(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("run", "run", "--cpus", "2", "--", "ls", "--json", "-l"), 0);
    assert_int_equal(args.operand_count, 3);
    assert_string_equal(args_operand(&args, 0), "ls");
    assert_string_equal(args_operand(&args, 1), "--json");
    assert_false(args_flag(&args, "json"));
    assert_int_equal(PARSE("run", "run", "--cpus", "2", "ls", "--mem", "x"), 0);
    assert_int_equal(args.operand_count, 3);
    assert_null(args_text(&args, "mem", NULL));
}

static void options_may_follow_operands_elsewhere(void **state)
{
    (void)state;
    assert_int_equal(PARSE("wait", "wait", "7f3a", "--json"), 0);
    assert_int_equal(args.operand_count, 1);
    assert_string_equal(args_operand(&args, 0), "7f3a");
    assert_true(args_flag(&args, "json"));
}

static void repeated_options_keep_their_order(void **state)
{
    (void)state;
    assert_int_equal(
        PARSE("run", "run", "--in", "a", "--out", "x", "--in", "b", "ls"), 0);
    assert_string_equal(args_nth(&args, "in", 0), "a");
    assert_string_equal(args_nth(&args, "in", 1), "b");
    assert_null(args_nth(&args, "in", 2));
}

static void refuses(const char *said, int code)
{
    assert_int_equal(code, EXIT_USAGE);
    assert_string_equal(error, said);
}

static void each_refusal_is_one_specific_sentence(void **state)
{
    (void)state;
    refuses("there is no option --cpsu; did you mean --cpus?",
            PARSE("run", "run", "--cpsu", "2", "ls"));
    refuses("there is no option --frobnicate",
            PARSE("ps", "ps", "--frobnicate"));
    refuses("there is no option --frobnicate",
            PARSE("ps", "ps", "--frobnicate=7"));
    refuses("there is no option -Z", PARSE("ps", "ps", "-aZ"));
    refuses("--state needs a value: STATE", PARSE("ps", "ps", "--state"));
    refuses("--output needs a value: wide|name|json", PARSE("ps", "ps", "-o"));
    refuses("--all takes no value", PARSE("ps", "ps", "--all=yes"));
    refuses("--output takes one of wide|name|json, not \"yaml\"",
            PARSE("ps", "ps", "-o", "yaml"));
    refuses("--arch takes one of any|x86_64|aarch64|riscv64, not \"z80\"",
            PARSE("run", "run", "--arch", "z80", "ls"));
    refuses("--cpus is given twice",
            PARSE("run", "run", "--cpus", "1", "--cpus", "2", "ls"));
    refuses("there is no option --jsno; did you mean --json?",
            PARSE(NULL, "suan", "--jsno", "ps"));
}

static void a_refused_word_is_named_even_behind_operands(void **state)
{
    (void)state;
    refuses("there is no option --jsno; did you mean --json?",
            PARSE("wait", "wait", "7f3a", "--jsno"));
}

static void global_options_may_stand_before_the_verb(void **state)
{
    (void)state;
    assert_int_equal(PARSE(NULL, "suan", "--json", "-q", "ps", "-a"), 0);
    assert_int_equal(args.operand_count, 2);
    assert_string_equal(args_operand(&args, 0), "ps");
}

static void operands_are_counted(void **state)
{
    (void)state;
    assert_int_equal(PARSE("wallet send", "send", "tsuan1x"), 0);
    assert_int_equal(args_check(&args, error), EXIT_USAGE);
    assert_string_equal(error, "suan wallet send needs TO AMOUNT");
    assert_int_equal(PARSE("ps", "ps", "x"), 0);
    assert_int_equal(args_check(&args, error), EXIT_USAGE);
    assert_string_equal(error, "\"x\" is one word too many");
    assert_int_equal(PARSE("image rm", "rm", "a", "b", "c"), 0);
    assert_int_equal(args_check(&args, error), 0);
}

static void more_options_than_there_is_room_for_are_refused(void **state)
{
    static char word[] = "--in=x";
    static char verb[] = "run";
    static char *argv[ARGS_GIVEN_MAX + 3];
    const struct verb *run = verb_next(NULL);
    (void)state;
    memset(&args, 0, sizeof(args));
    argv[0] = verb;
    for (size_t i = 1; i < ARGS_GIVEN_MAX + 2; i++)
        argv[i] = word;
    assert_int_equal(args_parse(run, ARGS_GIVEN_MAX + 2, argv, &args, error),
                     EXIT_USAGE);
    assert_string_equal(error, "more than 256 options");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_path_names_the_verb),
        cmocka_unit_test(options_are_read_in_every_spelling),
        cmocka_unit_test(a_command_keeps_its_own_options),
        cmocka_unit_test(options_may_follow_operands_elsewhere),
        cmocka_unit_test(repeated_options_keep_their_order),
        cmocka_unit_test(each_refusal_is_one_specific_sentence),
        cmocka_unit_test(a_refused_word_is_named_even_behind_operands),
        cmocka_unit_test(global_options_may_stand_before_the_verb),
        cmocka_unit_test(operands_are_counted),
        cmocka_unit_test(more_options_than_there_is_room_for_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
