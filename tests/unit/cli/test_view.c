#include "cli/view/view.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t fixed_now(void)
{
    return UINT64_C(1700000000000);
}

static void cli_for_test(struct cli *cli, char **text, size_t *len)
{
    cli_init(cli);
    cli->now_ms = fixed_now;
    cli->out = open_memstream(text, len);
    cli->err = cli->out;
    cli->width = 80;
    cli->tty_out = false;
    cli->color = false;
    assert_non_null(cli->out);
}

/* Puts `value` at "a.b" in the object. */
static void put(json_t *object, const char *path, json_t *value)
{
    const char *dot = strchr(path, '.');
    char key[64];
    json_t *inner;
    if (dot == NULL) {
        json_object_set_new(object, path, value);
        return;
    }
    snprintf(key, sizeof(key), "%.*s", (int)(dot - path), path);
    inner = json_object_get(object, key);
    if (inner == NULL) {
        inner = json_object();
        json_object_set_new(object, key, inner);
    }
    put(inner, dot + 1, value);
}

static json_t *repeated(char c, size_t count)
{
    char text[256];
    memset(text, c, count);
    text[count] = '\0';
    return json_string(text);
}

/* Numbers that other limits keep small: tasks of a bag, exit codes, who waits
 * at a seller. */
static bool is_small(const char *key)
{
    static const char *const keys[] = {
        "task", "tasks", "attempt", "exit_code", "slots_free", "queued.ahead"};
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (strcmp(keys[i], key) == 0)
            return true;
    }
    return false;
}

/* The largest value a field of that kind can have. */
static json_t *largest(const struct field *field)
{
    switch (field->cell) {
    case CELL_TEXT:
        /* names are at most LIMIT_NAME, states and codes short; what may be
         * cut is longer than any column */
        return repeated('W', field->flags & FIELD_TRUNC ? 200 : 10);
    case CELL_NAME:
        return repeated('W', 63);
    case CELL_UINT:
        return json_integer(is_small(field->key) ? 1024 : 4294967295);
    case CELL_BOOL:
        return json_true();
    case CELL_MONEY:
        return json_integer(INT64_C(99999999999999));
    case CELL_MILLI:
        return json_integer(1024000);
    case CELL_MIB:
    case CELL_BYTES:
    case CELL_SPAN:
    case CELL_AGE:
    case CELL_US:
    case CELL_RATE:
    case CELL_KBPS:
        return json_integer(INT64_MAX / 4);
    case CELL_PPM:
        return json_integer(1000000);
    case CELL_PERMILLE:
        return json_integer(1000);
    case CELL_AGO:
        return json_integer(INT64_C(1500000000000));
    case CELL_ID:
        return repeated('f', 64);
    case CELL_ADDRESS:
        return json_string(
            "tsuan1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
            "qqqqqqqqzzzzzz");
    case CELL_LIST:
    case CELL_JSON:
        return json_pack("[s, s, s]", "validator", "provider", "buyer");
    }
    return json_null();
}

static json_t *largest_row(const struct view *view)
{
    json_t *row = json_object();
    for (const struct field *f = view->fields; f->title != NULL; f++)
        put(row, f->key, largest(f));
    return row;
}

static size_t widest_line(const char *text)
{
    size_t most = 0;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        if (len > most)
            most = len;
        text += len;
        text += *text == '\n';
    }
    return most;
}

static void tables_of_the_largest_values_fit_eighty_columns(void **state)
{
    (void)state;
    for (size_t i = 0; views[i] != NULL; i++) {
        const struct view *view = views[i];
        struct cli cli;
        char *text = NULL;
        size_t len = 0;
        json_t *result;
        if (view->rows == NULL)
            continue;
        result = json_pack("{s:[o, o]}", view->rows, largest_row(view),
                           largest_row(view));
        cli_for_test(&cli, &text, &len);
        assert_int_equal(view_print(&cli, view, result), 0);
        fclose(cli.out);
        if (widest_line(text) > 80)
            fail_msg("the table %s is %zu wide:\n%s", view->name,
                     widest_line(text), text);
        free(text);
        json_decref(result);
    }
}

/* Those that are not in views[] are not measured above. */
static void views_names_every_view(void **state)
{
    size_t made = 0;
    size_t named = 0;
    glob_t pages;
    char line[256];
    (void)state;
    while (views[named] != NULL)
        named++;
    assert_int_equal(
        glob(SUAN_SOURCE_DIR "/cli/view/views_*.c", 0, NULL, &pages), 0);
    for (size_t i = 0; i < pages.gl_pathc; i++) {
        FILE *page = fopen(pages.gl_pathv[i], "r");
        assert_non_null(page);
        while (fgets(line, sizeof(line), page) != NULL)
            made += strncmp(line, "const struct view view_", 23) == 0;
        fclose(page);
    }
    globfree(&pages);
    assert_int_equal(named, made);
}

static void wide_tables_cut_nothing(void **state)
{
    struct cli cli;
    char *text = NULL;
    size_t len = 0;
    json_t *result = json_pack("{s:[o]}", "offers", largest_row(&view_offers));
    (void)state;
    cli_for_test(&cli, &text, &len);
    cli.form = FORM_WIDE;
    assert_int_equal(view_print(&cli, &view_offers, result), 0);
    fclose(cli.out);
    assert_non_null(strstr(text, "zzzzzz"));
    assert_non_null(strstr(text, "99999999.999999"));
    free(text);
    json_decref(result);
}

static char *shown(const struct view *view, enum cli_form form, bool headers,
                   json_t *result)
{
    struct cli cli;
    char *text = NULL;
    size_t len = 0;
    cli_for_test(&cli, &text, &len);
    cli.form = form;
    cli.headers = headers;
    assert_int_equal(view_print(&cli, view, result), 0);
    fclose(cli.out);
    json_decref(result);
    return text;
}

static json_t *one_image(void)
{
    return json_pack("{s:[{s:s, s:s, s:I, s:I, s:i, s:I, s:I}]}", "images",
                     "name", "alpine", "id",
                     "00112233445566778899aabbccddeeff00112233445566778899aabb"
                     "ccddeeff",
                     "bytes", (json_int_t)4096, "imported_at_ms",
                     (json_int_t)1699999940000, "uses", 3, "unpacked_bytes",
                     (json_int_t)8192, "used_at_ms", (json_int_t)1699999940000);
}

static void a_table_has_titles_unless_told_otherwise(void **state)
{
    char *text = shown(&view_images, FORM_TABLE, true, one_image());
    (void)state;
    assert_string_equal(
        text, "NAME    ID           SIZE  IMPORTED  USES  UNPACKED    USED\n"
              "alpine  00112233  4.0 KiB    1m ago     3   8.0 KiB  1m ago\n");
    free(text);
    text = shown(&view_images, FORM_TABLE, false, one_image());
    assert_string_equal(
        text, "alpine  00112233  4.0 KiB    1m ago     3   8.0 KiB  1m ago\n");
    free(text);
}

static void names_are_one_a_line(void **state)
{
    char *text = shown(&view_images, FORM_NAME, true, one_image());
    (void)state;
    assert_string_equal(text, "alpine\n");
    free(text);
}

static void times_become_rfc_3339_in_json(void **state)
{
    char *text = shown(&view_images, FORM_JSON, true, one_image());
    json_t *doc = json_loads(text, 0, NULL);
    json_t *image = json_array_get(json_object_get(doc, "images"), 0);
    (void)state;
    assert_string_equal(
        json_string_value(json_object_get(image, "imported_at")),
        "2023-11-14T22:12:20.000Z");
    assert_null(json_object_get(image, "imported_at_ms"));
    assert_int_equal(json_integer_value(json_object_get(image, "bytes")), 4096);
    json_decref(doc);
    free(text);
}

static void a_time_that_never_was_is_null(void **state)
{
    json_t *value = json_pack("{s:i, s:i}", "ended_at_ms", 0, "wall_ms", 0);
    json_t *copy = json_present(value);
    (void)state;
    assert_true(json_is_null(json_object_get(copy, "ended_at")));
    assert_true(json_is_integer(json_object_get(copy, "wall_ms")));
    json_decref(copy);
    json_decref(value);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    json_t *row = json_pack("{s:s, s:s}", "name", "a\033[2Jb", "id", "x");
    char *text = shown(&view_images, FORM_TABLE, false,
                       json_pack("{s:[o]}", "images", row));
    (void)state;
    assert_null(strchr(text, '\033'));
    free(text);
    text =
        shown(&view_image, FORM_TABLE, true,
              json_pack("{s:s, s:s}", "name", "a\033[2J\xc2\x9b", "id", "x"));
    assert_null(strchr(text, '\033'));
    assert_null(strstr(text, "\xc2\x9b"));
    free(text);
}

static void an_empty_list_says_so_on_stderr_and_nothing_on_stdout(void **state)
{
    struct cli cli;
    char *text = NULL;
    size_t len = 0;
    char *said = NULL;
    size_t said_len = 0;
    json_t *result = json_pack("{s:[]}", "jobs");
    (void)state;
    cli_for_test(&cli, &text, &len);
    cli.err = open_memstream(&said, &said_len);
    assert_int_equal(view_print(&cli, &view_jobs, result), 0);
    fclose(cli.out);
    fclose(cli.err);
    assert_int_equal(len, 0);
    assert_true(said_len > 10);
    free(text);
    free(said);
    json_decref(result);
}

static void missing_fields_are_dashes(void **state)
{
    char *text =
        shown(&view_images, FORM_TABLE, false, json_pack("{s:[{}]}", "images"));
    (void)state;
    assert_string_equal(text,
                        "-     -      -         -     -         -     -\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_of_the_largest_values_fit_eighty_columns),
        cmocka_unit_test(views_names_every_view),
        cmocka_unit_test(wide_tables_cut_nothing),
        cmocka_unit_test(a_table_has_titles_unless_told_otherwise),
        cmocka_unit_test(names_are_one_a_line),
        cmocka_unit_test(times_become_rfc_3339_in_json),
        cmocka_unit_test(a_time_that_never_was_is_null),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(an_empty_list_says_so_on_stderr_and_nothing_on_stdout),
        cmocka_unit_test(missing_fields_are_dashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
