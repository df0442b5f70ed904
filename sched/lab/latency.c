#include "sched/lab/latency.h"

#include "base/check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *name;
    char *error;
    struct bytes rest;
    uint32_t line;
    struct latency out;
    uint32_t room;
    struct latency_table *table; /* that is being read; NULL: none */
    uint32_t unit_us;            /* of its numbers */
    bool seen[LATENCY_PLACES_MAX];
    bool ruled; /* the line of dashes came */
};

__attribute__((format(printf, 3, 4))) static enum err refuse(
    const struct reader *r, enum err err, const char *format, ...)
{
    va_list args;
    int len = snprintf(r->error, LAB_ERROR_MAX, "%.200s:%" PRIu32 ": ", r->name,
                       r->line);
    va_start(args, format);
    vsnprintf(r->error + len, LAB_ERROR_MAX - (size_t)len, format, args);
    va_end(args);
    return err;
}

/* ---- cells ---- */

static struct bytes cut(struct bytes *rest, uint8_t separator)
{
    const uint8_t *end =
        rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr);
    size_t gone = end == NULL ? len : len + 1;
    struct bytes head = bytes_make(rest->ptr, len);
    *rest = bytes_make(rest->ptr + gone, rest->len - gone);
    return head;
}

static bool is_edge(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '*';
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && is_edge(text.ptr[0]))
        text = bytes_make(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_edge(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static bool ends_in(struct bytes text, const char *end)
{
    struct bytes tail = bytes_str(end);
    return text.len >= tail.len &&
           memcmp(text.ptr + text.len - tail.len, tail.ptr, tail.len) == 0;
}

/* "| a | b |" to "a | b": the bars at the edges say nothing. */
static struct bytes row_of(struct bytes line)
{
    line = trim(line);
    line = bytes_make(line.ptr + 1, line.len - 1);
    if (line.len > 0 && line.ptr[line.len - 1] == '|')
        line.len--;
    return line;
}

static bool is_row(struct bytes line)
{
    line = trim(line);
    return line.len > 1 && line.ptr[0] == '|';
}

static bool is_rule(struct bytes row)
{
    for (size_t i = 0; i < row.len; i++)
        if (strchr("-:| \t", row.ptr[i]) == NULL || row.ptr[i] == 0)
            return false;
    return memchr(row.ptr, '-', row.len) != NULL;
}

/* ---- a table ---- */

static int place_of(const struct latency_table *t, struct bytes name)
{
    for (uint32_t i = 0; i < t->count; i++)
        if (bytes_equal(bytes_str(t->names[i]), name))
            return (int)i;
    return -1;
}

static enum err add_place(struct reader *r, struct bytes name)
{
    struct latency_table *t = r->table;
    if (t->count == LATENCY_PLACES_MAX)
        return refuse(r, ERR_TOO_LARGE, "more than %u places",
                      LATENCY_PLACES_MAX);
    if (name.len == 0 || name.len > LATENCY_NAME_MAX ||
        memchr(name.ptr, 0, name.len) != NULL)
        return refuse(r, ERR_PARSE,
                      "the name of place %u is empty or longer than %u bytes",
                      t->count + 1, LATENCY_NAME_MAX);
    if (place_of(t, name) >= 0)
        return refuse(r, ERR_PARSE, "place %u has the name of another one",
                      t->count + 1);
    memcpy(t->names[t->count++], name.ptr, name.len);
    return OK;
}

static enum err start_table(struct reader *r, struct bytes row,
                            uint32_t unit_us)
{
    if (r->out.count == LATENCY_TABLES_MAX)
        return refuse(r, ERR_TOO_LARGE, "more than %u tables",
                      LATENCY_TABLES_MAX);
    if (r->out.count == r->room) {
        uint32_t room = r->room == 0 ? 4 : r->room * 2;
        void *grown = realloc(r->out.tables, room * sizeof(*r->table));
        if (grown == NULL)
            return refuse(r, ERR_NOMEM, "out of memory");
        r->out.tables = grown;
        r->room = room;
    }
    r->table = &r->out.tables[r->out.count++];
    memset(r->table, 0, sizeof(*r->table));
    memset(r->seen, 0, sizeof(r->seen));
    r->table->line = r->line;
    r->unit_us = unit_us;
    r->ruled = false;
    while (row.len > 0)
        TRY(add_place(r, trim(cut(&row, '|'))));
    if (r->table->count < 2)
        return refuse(r, ERR_PARSE, "a matrix has at least two places");
    return OK;
}

/* Digits, and up to as many after a point as the unit has decimals. */
static bool number_of(struct bytes text, uint32_t unit_us, uint32_t *out_us)
{
    uint64_t us = 0;
    uint64_t step = unit_us;
    bool digits = false;
    bool point = false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        if (c == '.' && !point && digits) {
            point = true;
            continue;
        }
        if (c < '0' || c > '9')
            return false;
        digits = true;
        if (point)
            step /= 10;
        us = point ? us + step * (c - '0') : us * 10 + (c - '0') * step;
        if (us > LATENCY_US_MAX)
            return false;
    }
    *out_us = us == 0 ? 1 : (uint32_t)us; /* 0.00 is near, not unknown */
    return digits;
}

static enum err read_row(struct reader *r, struct bytes row)
{
    struct latency_table *t = r->table;
    struct bytes name = trim(cut(&row, '|'));
    int from = place_of(t, name);
    uint32_t to = 0;
    if (from < 0)
        return refuse(r, ERR_PARSE, "the row's name is not in the head");
    if (r->seen[from])
        return refuse(r, ERR_PARSE, "%s has a row already", t->names[from]);
    r->seen[from] = true;
    for (; row.len > 0; to++) {
        struct bytes cell = trim(cut(&row, '|'));
        if (to == t->count)
            return refuse(r, ERR_PARSE, "more cells than the head has");
        if (cell.len == 0 || bytes_equal(cell, BYTES_LIT("-")))
            continue;
        if (!number_of(cell, r->unit_us, &t->rtt_us[from][to]))
            return refuse(r, ERR_PARSE, "%s to %s: not a number up to %u s",
                          t->names[from], t->names[to],
                          LATENCY_US_MAX / 1000000);
    }
    if (to < t->count)
        return refuse(r, ERR_PARSE, "%u cells, and the head has %u", to,
                      t->count);
    return OK;
}

static enum err read_line(struct reader *r, struct bytes line)
{
    struct bytes row;
    struct bytes head;
    if (!is_row(line)) {
        r->table = NULL;
        return OK;
    }
    row = row_of(line);
    if (r->table != NULL && !r->ruled && is_rule(row)) {
        r->ruled = true;
        return OK;
    }
    if (r->table != NULL)
        return read_row(r, row);
    head = trim(cut(&row, '|'));
    if (ends_in(head, "(ms)"))
        return start_table(r, row, 1000);
    if (ends_in(head, "(us)"))
        return start_table(r, row, 1);
    return OK;
}

enum err latency_parse(struct bytes text, const char *name, struct latency *out,
                       char error[LAB_ERROR_MAX])
{
    struct reader r = {.name = name, .error = error, .rest = text};
    enum err err = OK;
    while (r.rest.len > 0 && err == OK) {
        r.line++;
        err = read_line(&r, cut(&r.rest, '\n'));
    }
    if (err == OK && r.out.count == 0)
        err = refuse(&r, ERR_PARSE,
                     "no table whose first cell ends in (ms) or (us)");
    if (err != OK) {
        latency_done(&r.out);
        return err;
    }
    *out = r.out;
    return OK;
}

void latency_done(struct latency *latency)
{
    free(latency->tables);
    *latency = (struct latency){0};
}

uint32_t latency_between(const struct latency_table *table, uint32_t a,
                         uint32_t b)
{
    CHECK(a < table->count && b < table->count);
    return table->rtt_us[a][b] > table->rtt_us[b][a] ? table->rtt_us[a][b]
                                                     : table->rtt_us[b][a];
}
