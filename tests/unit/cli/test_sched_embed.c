/* suan sched embed, as somebody at a terminal meets it. */

#include "cli/verb/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static struct cli cli;
static char *out_text, *err_text_;
static size_t out_len, err_len;

#define BACKBONE SUAN_SOURCE_DIR "/docs/examples/sched/backbone.gml"

/* Runs the verb with these words and leaves what it said. */
static int run(enum cli_form form, int argc, const char **words)
{
    struct args args = {0};
    char error[PARSE_ERROR_MAX];
    char *argv[16] = {NULL};
    int used = 0;
    int code;
    const struct verb *verb;
    const char *named[] = {"sched", "embed"};
    char *path[2];
    free(out_text);
    free(err_text_);
    out_text = err_text_ = NULL;
    for (int i = 0; i < 2; i++)
        path[i] = strdup(named[i]);
    verb = verb_find(2, path, &used);
    assert_non_null(verb);
    argv[0] = strdup("suan");
    for (int i = 0; i < argc; i++)
        argv[i + 1] = strdup(words[i]);
    assert_int_equal(args_parse(verb, argc + 1, argv, &args, error), 0);
    cli_init(&cli);
    cli.form = form;
    cli.color = false;
    cli.headers = true;
    cli.out = open_memstream(&out_text, &out_len);
    cli.err = open_memstream(&err_text_, &err_len);
    args.verb = verb;
    code = verb_sched_embed(&cli, &args);
    fclose(cli.out);
    fclose(cli.err);
    for (int i = 0; i <= argc; i++)
        free(argv[i]);
    for (int i = 0; i < 2; i++)
        free(path[i]);
    return code;
}

static void a_table_of_seeds_and_their_mean_is_printed(void **state)
{
    const char *words[] = {"--topology", BACKBONE, "--rate", "0.01",
                           "--requests", "50",     "--seed", "4",
                           "--seeds",    "2"};
    const char *line;
    (void)state;
    assert_int_equal(run(FORM_TABLE, 10, words), 0);
    assert_non_null(strstr(out_text, "10 nodes, 16 links; 50 requests"));
    assert_non_null(strstr(out_text, "\n4     "));
    assert_non_null(strstr(out_text, "\n5     "));
    assert_non_null(strstr(out_text, "\nmean  "));
    for (line = out_text; *line != '\0'; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 80);
}

static void json_says_the_same(void **state)
{
    const char *words[] = {"--topology", BACKBONE, "--rate",  "0.01",
                           "--requests", "50",     "--seeds", "2",
                           "--policy",   "grc"};
    json_t *object;
    const json_t *first;
    (void)state;
    assert_int_equal(run(FORM_JSON, 10, words), 0);
    object = json_loads(out_text, 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_array_size(json_object_get(object, "seeds")), 2);
    first = json_array_get(json_object_get(object, "seeds"), 0);
    assert_string_equal(js_text(object, "policy"), "grc");
    assert_int_equal(js_uint(first, "requests"), 50);
    assert_int_equal(js_uint(first, "plans_checked"),
                     js_uint(first, "accepted"));
    assert_true(json_number_value(js_at(object, "mean.acceptance")) > 0);
    json_decref(object);
}

static void the_score_can_be_the_aim(void **state)
{
    const char *saved[] = {"--topology", BACKBONE,     "--rate",
                           "0.01",       "--requests", "50"};
    const char *aimed[] = {"--topology", BACKBONE, "--rate", "0.01",
                           "--requests", "50",     "--aim",  "score"};
    json_t *object;
    double score;
    (void)state;
    assert_int_equal(run(FORM_JSON, 6, saved), 0);
    object = json_loads(out_text, 0, NULL);
    assert_non_null(object);
    score = json_number_value(js_at(object, "mean.score"));
    assert_true(score > 500 && score < 1000);
    json_decref(object);
    assert_int_equal(run(FORM_JSON, 8, aimed), 0);
    object = json_loads(out_text, 0, NULL);
    assert_non_null(object);
    assert_true(json_number_value(js_at(object, "mean.score")) > score);
    json_decref(object);
    assert_int_equal(run(FORM_TABLE, 8, aimed), 0);
    assert_non_null(strstr(out_text, "for the score"));
}

static void bad_files_are_told_by_line(void **state)
{
    char path[] = "/tmp/suan-test-XXXXXX";
    const char *words[] = {"--topology", path};
    const char *none[] = {"--topology", "/nowhere.gml"};
    FILE *file = fdopen(mkstemp(path), "w");
    (void)state;
    assert_non_null(file);
    fputs("graph [\n  node [ id 0 ]\n  edge [ source 0 target 1 ]\n]\n", file);
    fclose(file);
    assert_int_equal(run(FORM_TABLE, 2, words), 2);
    assert_non_null(strstr(err_text_, ":3: an edge ends at 1"));
    unlink(path);
    assert_int_equal(run(FORM_TABLE, 2, none), 3);
    assert_non_null(strstr(err_text_, "/nowhere.gml"));
}

static void wrong_words_are_refused(void **state)
{
    const char *none[] = {"--rate", "1"};
    const char *rate[] = {"--topology", BACKBONE, "--rate", "0"};
    const char *seeds[] = {"--topology", BACKBONE, "--seeds", "0"};
    const char *starts[] = {"--topology", BACKBONE, "--starts", "x"};
    (void)state;
    assert_int_equal(run(FORM_TABLE, 2, none), 2);
    assert_non_null(strstr(err_text_, "--topology"));
    assert_int_equal(run(FORM_TABLE, 4, rate), 2);
    assert_non_null(strstr(err_text_, "--rate"));
    assert_int_equal(run(FORM_TABLE, 4, seeds), 2);
    assert_int_equal(run(FORM_TABLE, 4, starts), 2);
}

static int done(void **state)
{
    (void)state;
    free(out_text);
    free(err_text_);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_of_seeds_and_their_mean_is_printed),
        cmocka_unit_test(json_says_the_same),
        cmocka_unit_test(the_score_can_be_the_aim),
        cmocka_unit_test(bad_files_are_told_by_line),
        cmocka_unit_test(wrong_words_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, done);
}
