#include "cli/offers_identifier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "sched/meter/identifier.h"

static struct cli cli;

static int setup(void **state)
{
    (void)state;
    memset(&cli, 0, sizeof(cli));
    cli.out = fopen("/dev/null", "w");
    cli.err = cli.out;
    return cli.out != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return fclose(cli.out);
}

/* What the node is asked for, with commas between; "refused". */
static void asked(const char *text, const char *wanted)
{
    json_t *params = json_object();
    char got[400] = "";
    json_t *item;
    size_t i;
    int failed = offers_identifier_ask(&cli, text, params);
    json_array_foreach(json_object_get(params, "labels"), i, item)
    {
        size_t len = strlen(got);
        snprintf(got + len, sizeof(got) - len, "%s%s", i > 0 ? "," : "",
                 json_string_value(item));
    }
    assert_string_equal(failed ? "refused" : got, wanted);
    json_decref(params);
}

static void whole_fields_are_asked_for(void **state)
{
    (void)state;
    asked("beijing", "");
    asked("beijing/", "id.city=beijing");
    asked("beijing/tele", "id.city=beijing");
    asked("a/b/c/d/e/f", "id.city=a,id.industry=b,id.enterprise=c,"
                         "id.resource=d,id.centre=e");
    asked("a/b/c/d/e/f/", "id.city=a,id.industry=b,id.enterprise=c,"
                          "id.resource=d,id.centre=e,id.service=f");
    asked("a/b/c/d/e/f/9", "refused"); /* numbers are no labels */
    asked("", "refused");
    asked("a//b", "refused");
    asked("Beijing", "refused");
    asked("suanid1qqqq", "refused"); /* not whole */
}

/* Of three offers those that are left, by their first letters. */
static void kept(const char *text, const char *wanted)
{
    json_t *result =
        json_pack("{s:[{s:s, s:{s:s, s:s}}, {s:s, s:{s:s, s:s}}, {s:s, s:{}}]}",
                  "offers", "name", "a", "labels", "id.city", "beijing",
                  "id.industry", "telecom", "name", "b", "labels", "id.city",
                  "beijing-2", "id.industry", "bank", "name", "c", "labels");
    char got[8] = "";
    json_t *offer;
    size_t i;
    assert_non_null(result);
    offers_identifier_keep(text, result);
    json_array_foreach(json_object_get(result, "offers"), i, offer)
    {
        (void)strncat(got, json_string_value(json_object_get(offer, "name")),
                      1);
    }
    assert_string_equal(got, wanted);
    json_decref(result);
}

static void the_beginning_of_a_path_is_kept(void **state)
{
    (void)state;
    kept("beijing", "ab");
    kept("beijing/", "a");
    kept("beijing/tele", "a");
    kept("beijing/telecom/", "a");
    kept("beijing/telecom/acme", "");
    kept("beijing-2/b", "b");
    kept("paris", "");
}

static void a_whole_identifier_goes_by_its_code(void **state)
{
    struct identifier id = {.city = "a",
                            .industry = "b",
                            .enterprise = "c",
                            .resource = "d",
                            .centre = "e",
                            .service = "f",
                            .chip = "g"};
    char text[IDENTIFIER_TEXT_MAX];
    char code[IDENTIFIER_CODE_MAX];
    char label[IDENTIFIER_CODE_MAX + 16];
    json_t *result;
    (void)state;
    assert_int_equal(identifier_format(&id, text), OK);
    identifier_code(&id, code);
    snprintf(label, sizeof(label), "id.code=%s", code);
    asked(text, label);
    result = json_pack("{s:[{s:{s:s}}, {s:{s:s}}]}", "offers", "labels",
                       "id.code", code, "labels", "id.code", "00");
    offers_identifier_keep(text, result);
    assert_int_equal(json_array_size(json_object_get(result, "offers")), 1);
    json_decref(result);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(whole_fields_are_asked_for),
        test(the_beginning_of_a_path_is_kept),
        test(a_whole_identifier_goes_by_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
