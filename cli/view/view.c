#include "cli/view/view.h"

#include "base/amount.h"
#include "base/check.h"
#include "cli/unit.h"

#include <errno.h>
#include <libsmartcols/libsmartcols.h>
#include <stdlib.h>
#include <string.h>

/* Longest text of one cell; a list of labels is cut here. */
#define CELL_BYTES_MAX 1024u
#define NAME_SHORT     16u
#define MONEY_SHORT    13

/* ---- cells ---- */

/* In a narrow table a sum too long for its column loses decimals, and says so
 * with a tilde; -o wide and --json have all of them. */
static void format_money(uint64_t micro, bool wide, struct buf *out)
{
    char text[AMOUNT_TEXT_MAX];
    amount_format(amount_micro(micro), text);
    if (wide || strlen(text) <= MONEY_SHORT)
        buf_addf(out, "%s", text);
    else
        buf_addf(out, "~%.*s", (int)strcspn(text, "."), text);
}

static void format_ago(const struct cli *cli, uint64_t at_ms, struct buf *out)
{
    uint64_t now = cli->now_ms();
    char text[UNIT_TEXT_MAX];
    if (at_ms == 0) {
        buf_addf(out, "-");
        return;
    }
    unit_format_age(at_ms > now ? at_ms - now : now - at_ms, text);
    buf_addf(out, at_ms > now ? "in %s" : "%s ago", text);
}

static void format_address(const char *text, bool wide, struct buf *out)
{
    size_t len = strlen(text);
    if (wide || len <= 20)
        buf_addf(out, "%s", text);
    else
        buf_addf(out, "%.10s..%s", text, text + len - 4);
}

/* The first bytes of a name, never half a character of UTF-8. */
static void format_name(const char *text, bool wide, struct buf *out)
{
    size_t len = strlen(text);
    if (!wide && len > NAME_SHORT) {
        len = NAME_SHORT - 2;
        while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
            len--;
        buf_addf(out, "%.*s..", (int)len, text);
        return;
    }
    buf_addf(out, "%s", text);
}

static void format_value(const json_t *value, struct buf *out)
{
    if (json_is_string(value))
        buf_addf(out, "%s", json_string_value(value));
    else if (json_is_integer(value))
        buf_addf(out, "%lld", (long long)json_integer_value(value));
    else if (json_is_real(value))
        buf_addf(out, "%.2f", json_real_value(value));
    else if (json_is_boolean(value))
        buf_addf(out, json_is_true(value) ? "yes" : "no");
}

static void format_list(const json_t *value, struct buf *out)
{
    json_t *mutable = (json_t *)(uintptr_t)value;
    const char *key;
    json_t *item;
    size_t i;
    bool first = true;
    if (!json_is_array(value) && !json_is_object(value))
        format_value(value, out);
    json_array_foreach(value, i, item)
    {
        buf_addf(out, i == 0 ? "" : ",");
        format_value(item, out);
    }
    json_object_foreach(mutable, key, item)
    {
        buf_addf(out, first ? "%s=" : ",%s=", key);
        format_value(item, out);
        first = false;
    }
}

static void format_json(const json_t *value, struct buf *out)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    if (text != NULL)
        buf_add(out, bytes_str(text));
    free(text);
}

/* Rounded down from a half on and up below: neither all nor nothing is said of
 * what is not. */
static void format_ppm(uint64_t ppm, struct buf *out)
{
    uint64_t parts = ppm < 500000 ? (ppm + 99) / 100 : ppm / 100;
    buf_addf(out, "%llu.%02llu%%", (unsigned long long)parts / 100,
             (unsigned long long)parts % 100);
}

void cell_format(const struct cli *cli, enum cell cell, const json_t *value,
                 bool wide, struct buf *out)
{
    uint64_t number = json_is_integer(value) && json_integer_value(value) > 0
                          ? (uint64_t)json_integer_value(value)
                          : 0;
    const char *string = json_string_value(value);
    char text[UNIT_TEXT_MAX] = "";
    if (value == NULL || json_is_null(value)) {
        buf_addf(out, "-");
        return;
    }
    switch (cell) {
    case CELL_TEXT:
        format_value(value, out);
        return;
    case CELL_NAME:
        format_name(string == NULL ? "-" : string, wide, out);
        return;
    case CELL_UINT:
        buf_addf(out, "%llu", (unsigned long long)number);
        return;
    case CELL_BOOL:
        buf_addf(out, json_is_true(value) ? "yes" : "no");
        return;
    case CELL_MONEY:
        format_money(number, wide, out);
        return;
    case CELL_MILLI:
        unit_format_milli(number > UINT32_MAX ? UINT32_MAX : (uint32_t)number,
                          text);
        break;
    case CELL_MIB:
        unit_format_mib(number, text);
        break;
    case CELL_BYTES:
        unit_format_bytes(number, text);
        break;
    case CELL_AGO:
        format_ago(cli, number, out);
        return;
    case CELL_SPAN:
        unit_format_span(number, text);
        break;
    case CELL_AGE:
        unit_format_age(number, text);
        break;
    case CELL_US:
        unit_format_us(number, text);
        break;
    case CELL_RATE:
        unit_format_rate(number, text);
        break;
    case CELL_KBPS:
        unit_format_rate(
            number > UINT64_MAX / 1000 ? UINT64_MAX : number * 1000, text);
        break;
    case CELL_PPM:
        format_ppm(number, out);
        return;
    case CELL_PERMILLE:
        buf_addf(out, "%llu%%", (unsigned long long)number / 10);
        return;
    case CELL_ID:
        buf_addf(out, wide ? "%s" : "%.8s", string == NULL ? "-" : string);
        return;
    case CELL_ADDRESS:
        format_address(string == NULL ? "-" : string, wide, out);
        return;
    case CELL_LIST:
        format_list(value, out);
        return;
    case CELL_JSON:
        format_json(value, out);
        return;
    }
    buf_addf(out, "%s", text);
}

/* ---- tables ---- */

struct grid {
    struct cli *cli;
    const struct view *view;
    struct libscols_table *table;
    bool wide;
};

static bool shown(const struct grid *grid, const struct field *field)
{
    return grid->wide || (field->flags & FIELD_WIDE) == 0;
}

static bool grid_columns(struct grid *grid)
{
    for (const struct field *f = grid->view->fields; f->title != NULL; f++) {
        int flags = 0;
        if (!shown(grid, f))
            continue;
        if (f->flags & FIELD_RIGHT)
            flags |= SCOLS_FL_RIGHT;
        if ((f->flags & FIELD_TRUNC) && !grid->wide)
            flags |= SCOLS_FL_TRUNC;
        if (scols_table_new_column(grid->table, f->title, 0, flags) == NULL)
            return false;
    }
    return true;
}

static bool grid_row(struct grid *grid, const json_t *row)
{
    struct libscols_line *line = scols_table_new_line(grid->table, NULL);
    size_t column = 0;
    struct buf cell;
    bool ok = line != NULL;
    buf_init(&cell, CELL_BYTES_MAX);
    for (const struct field *f = grid->view->fields; ok && f->title != NULL;
         f++) {
        if (!shown(grid, f))
            continue;
        buf_clear(&cell);
        cell_format(grid->cli, f->cell, js_at(row, f->key), grid->wide, &cell);
        if (cell.err == ERR_TOO_LARGE)
            buf_clear(&cell);
        ok = scols_line_set_data(line, column++, buf_cstr(&cell)) == 0;
    }
    buf_done(&cell);
    return ok;
}

/* Puts the printed text without the blanks that pad the last column. */
static void put_trimmed(FILE *file, const char *text)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        size_t keep = len;
        while (keep > 0 && text[keep - 1] == ' ')
            keep--;
        fwrite(text, 1, keep, file);
        text += len;
        if (*text == '\n') {
            fputc('\n', file);
            text++;
        }
    }
}

static bool grid_print(struct grid *grid, json_t *rows)
{
    char *text = NULL;
    json_t *row;
    size_t i;
    bool ok = grid_columns(grid);
    scols_table_enable_noheadings(grid->table, !grid->cli->headers);
    scols_table_set_column_separator(grid->table, "  ");
    scols_table_set_termforce(grid->table, SCOLS_TERMFORCE_ALWAYS);
    scols_table_set_termwidth(grid->table,
                              grid->wide ? 4000 : grid->cli->width);
    json_array_foreach(rows, i, row) ok = ok && grid_row(grid, row);
    ok = ok && scols_print_table_to_string(grid->table, &text) == 0;
    if (ok) {
        put_trimmed(grid->cli->out, text);
        fputc('\n', grid->cli->out);
    }
    free(text);
    return ok;
}

static int print_table(struct cli *cli, const struct view *view, json_t *rows)
{
    struct grid grid = {
        .cli = cli, .view = view, .wide = cli->form == FORM_WIDE};
    bool ok;
    if (json_array_size(rows) == 0) {
        if (view->empty != NULL)
            cli_note(cli, "%s", view->empty);
        return 0;
    }
    grid.table = scols_new_table();
    if (grid.table == NULL)
        return cli_nomem(cli);
    ok = grid_print(&grid, rows);
    scols_unref_table(grid.table);
    return ok ? out_flush(cli) : cli_nomem(cli);
}

/* ---- one object ---- */

static bool is_nothing(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value) ||
           (json_is_integer(value) && json_integer_value(value) == 0) ||
           (json_is_string(value) && json_string_length(value) == 0) ||
           (json_is_array(value) && json_array_size(value) == 0) ||
           (json_is_object(value) && json_object_size(value) == 0);
}

static int print_object(struct cli *cli, const struct view *view,
                        const json_t *object)
{
    struct buf cell;
    size_t width = 0;
    for (const struct field *f = view->fields; f->title != NULL; f++) {
        if (strlen(f->title) > width)
            width = strlen(f->title);
    }
    buf_init(&cell, CELL_BYTES_MAX);
    for (const struct field *f = view->fields; f->title != NULL; f++) {
        const json_t *value = js_at(object, f->key);
        if ((f->flags & FIELD_WIDE) && cli->form != FORM_WIDE)
            continue;
        if ((f->flags & FIELD_OPT) && is_nothing(value))
            continue;
        buf_clear(&cell);
        cell_format(cli, f->cell, value, true, &cell);
        fprintf(cli->out, "%-*s  ", (int)width, f->title);
        cli_put(cli->out, buf_cstr(&cell));
        fputc('\n', cli->out);
    }
    buf_done(&cell);
    return out_flush(cli);
}

static int print_names(struct cli *cli, const struct view *view, json_t *rows)
{
    json_t *row;
    size_t i;
    if (view->id == NULL)
        return cli_usage(cli, "-o json", "these have no names");
    if (!json_is_array(rows)) {
        fprintf(cli->out, "%s\n", js_text(rows, view->id));
        return out_flush(cli);
    }
    json_array_foreach(rows, i, row)
        fprintf(cli->out, "%s\n", js_text(row, view->id));
    return out_flush(cli);
}

int view_print(struct cli *cli, const struct view *view, json_t *result)
{
    json_t *rows;
    CHECK(view != NULL && result != NULL);
    rows = view->rows == NULL ? result : js_at(result, view->rows);
    switch (cli->form) {
    case FORM_JSON:
        return out_json(cli, result);
    case FORM_NAME:
        return print_names(cli, view, rows);
    case FORM_TABLE:
    case FORM_WIDE:
        break;
    }
    return view->rows == NULL ? print_object(cli, view, rows)
                              : print_table(cli, view, rows);
}

/* ---- JSON ---- */

/* The new name of a key that holds a moment, or false. */
static bool moment_name(const char *key, char out[64])
{
    static const char *const others[] = {
        "time_ms",     "chain_time_ms", "until_ms",
        "start_by_ms", "deadline_ms",   "issued_ms",
    };
    size_t len = strlen(key);
    bool moment = len > 6 && strcmp(key + len - 6, "_at_ms") == 0;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        moment = moment || strcmp(key, others[i]) == 0;
    if (!moment || len >= 64)
        return false;
    snprintf(out, 64, "%.*s", (int)(len - 3), key);
    return true;
}

static json_t *present_moment(const json_t *value)
{
    char text[UNIT_TEXT_MAX];
    if (json_integer_value(value) <= 0)
        return json_null();
    unit_format_time((uint64_t)json_integer_value(value), text);
    return json_string(text);
}

static json_t *present_object(const json_t *value)
{
    json_t *mutable = (json_t *)(uintptr_t)value;
    json_t *copy = json_object();
    const char *key;
    json_t *item;
    json_object_foreach(mutable, key, item)
    {
        char name[64];
        bool moment = json_is_integer(item) && moment_name(key, name);
        if (json_object_set_new(copy, moment ? name : key,
                                moment ? present_moment(item)
                                       : json_present(item)) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

json_t *json_present(const json_t *value)
{
    json_t *copy;
    json_t *item;
    size_t i;
    if (json_is_object(value))
        return present_object(value);
    if (!json_is_array(value))
        return json_incref((json_t *)(uintptr_t)value);
    copy = json_array();
    json_array_foreach(value, i, item)
    {
        if (json_array_append_new(copy, json_present(item)) != 0) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

static int dump(struct cli *cli, const json_t *value, size_t flags)
{
    json_t *copy = json_present(value);
    int failed =
        copy == NULL ? -1 : json_dumpf(copy, cli->out, flags | JSON_ENCODE_ANY);
    json_decref(copy);
    if (failed && copy == NULL)
        return cli_nomem(cli);
    fputc('\n', cli->out);
    return out_flush(cli);
}

int out_json(struct cli *cli, const json_t *value)
{
    return dump(cli, value, cli->tty_out ? JSON_INDENT(2) : JSON_COMPACT);
}

int out_ndjson(struct cli *cli, const json_t *value)
{
    return dump(cli, value, JSON_COMPACT);
}

int out_flush(struct cli *cli)
{
    if (fflush(cli->out) == 0 && !ferror(cli->out))
        return 0;
    return cli_fail(cli, EXIT_FAILED, strerror(errno), NULL,
                    "the output could not be written");
}
