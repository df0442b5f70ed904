#include "sched/lab/csv.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* As much of a foreign text as goes into a message, made visible. */
#define QUOTE_MAX 40u
struct quote {
    char text[QUOTE_MAX + 4];
};

static struct quote quote_of(struct bytes bytes)
{
    struct quote quote;
    size_t len = bytes.len < QUOTE_MAX ? bytes.len : QUOTE_MAX;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = bytes.ptr[i];
        quote.text[i] = (char)(c >= 0x20 && c < 0x7f ? c : '?');
    }
    memcpy(quote.text + len, "...", 4);
    if (len == bytes.len)
        quote.text[len] = '\0';
    return quote;
}

void csv_refuse(struct csv *csv, enum err err, const char *format, ...)
{
    va_list args;
    int len;
    if (csv->err != OK)
        return;
    csv->err = err;
    len = snprintf(csv->error, sizeof(csv->error), "%.200s:%" PRIu32 ": ",
                   csv->name, csv->line);
    va_start(args, format);
    vsnprintf(csv->error + len, sizeof(csv->error) - (size_t)len, format, args);
    va_end(args);
}

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && is_blank(text.ptr[0]))
        text = bytes_make(text.ptr + 1, text.len - 1);
    while (text.len > 0 && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* Leaves a field of len bytes behind, and what ended it: true for a comma. */
static bool end_field(struct csv *csv, size_t len)
{
    bool ended = len < csv->rest.len;
    bool comma = ended && csv->rest.ptr[len] == ',';
    csv->lines += ended && !comma;
    len += ended;
    csv->rest = bytes_make(csv->rest.ptr + len, csv->rest.len - len);
    return comma;
}

/* A field in quotes, whose first the rest begins with. */
static struct bytes quoted(struct csv *csv, bool *out_more)
{
    const uint8_t *text = csv->rest.ptr;
    size_t len = csv->rest.len;
    size_t end = 1;
    size_t after;
    for (; end < len; end++) {
        if (text[end] == '"' && (end + 1 == len || text[end + 1] != '"'))
            break;
        end += text[end] == '"'; /* two stand for one */
        csv->lines += text[end] == '\n';
    }
    after = end + 1;
    while (after < len && is_blank(text[after]))
        after++;
    if (end >= len)
        csv_refuse(csv, ERR_PARSE, "a quoted field does not end");
    else if (after < len && text[after] != ',' && text[after] != '\n')
        csv_refuse(csv, ERR_PARSE,
                   "behind a quoted field there is neither a comma nor the end "
                   "of the line");
    *out_more = csv->err == OK && end_field(csv, after);
    return trim(bytes_make(text + 1, end - 1));
}

static struct bytes next_field(struct csv *csv, bool *out_more)
{
    struct bytes *rest = &csv->rest;
    struct bytes field;
    size_t len = 0;
    while (rest->len > 0 && is_blank(rest->ptr[0]))
        *rest = bytes_make(rest->ptr + 1, rest->len - 1);
    if (rest->len > 0 && rest->ptr[0] == '"')
        return quoted(csv, out_more);
    while (len < rest->len && rest->ptr[len] != ',' && rest->ptr[len] != '\n')
        len++;
    field = trim(bytes_make(rest->ptr, len));
    *out_more = end_field(csv, len);
    return field;
}

/* The fields of the next row that is not empty: their number, 0 at the end or
 * after an error, CSV_NONE past `max` of them. */
static uint32_t next_row(struct csv *csv, struct bytes *out, uint32_t max)
{
    while (csv->rest.len > 0) {
        uint32_t count = 0;
        bool more = true;
        csv->line = csv->lines + 1;
        while (more) {
            struct bytes field = next_field(csv, &more);
            if (csv->err != OK)
                return 0;
            if (count == max)
                return CSV_NONE;
            out[count++] = field;
        }
        if (count > 1 || out[0].len > 0)
            return count;
    }
    return 0;
}

void csv_init(struct csv *csv, const char *name, struct bytes text)
{
    memset(csv, 0, sizeof(*csv));
    csv->name = name;
    csv->rest = text;
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        csv->rest = bytes_make(text.ptr + 3, text.len - 3);
    csv->column_count = next_row(csv, csv->columns, CSV_FIELDS_MAX);
    if (csv->column_count == 0)
        csv_refuse(csv, ERR_PARSE,
                   "the file is empty; its first line names the columns");
    if (csv->column_count == CSV_NONE) {
        csv->column_count = 0;
        csv_refuse(csv, ERR_TOO_LARGE, "more than %u columns", CSV_FIELDS_MAX);
    }
}

static bool same_name(struct bytes have, const char *want)
{
    if (have.len != strlen(want))
        return false;
    for (size_t i = 0; i < have.len; i++) {
        uint8_t c = have.ptr[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t)(c - 'A' + 'a');
        if (c != (uint8_t)want[i])
            return false;
    }
    return true;
}

uint32_t csv_find(const struct csv *csv, const char *column)
{
    for (uint32_t i = 0; i < csv->column_count; i++) {
        if (same_name(csv->columns[i], column))
            return i;
    }
    return CSV_NONE;
}

uint32_t csv_need(struct csv *csv, const char *column)
{
    uint32_t found = csv_find(csv, column);
    if (found == CSV_NONE)
        csv_refuse(csv, ERR_PARSE,
                   "there is no column %s; the first line names the columns, "
                   "with commas between them",
                   column);
    return found;
}

bool csv_next(struct csv *csv)
{
    uint32_t count = 0;
    if (csv->err == OK)
        count = next_row(csv, csv->fields, csv->column_count);
    if (count == 0)
        return false;
    if (count == CSV_NONE) {
        csv_refuse(csv, ERR_PARSE,
                   "the row has more fields than the %" PRIu32
                   " columns of the first line",
                   csv->column_count);
        return false;
    }
    while (count < csv->column_count)
        csv->fields[count++] = bytes_make(NULL, 0);
    return true;
}

struct bytes csv_text(const struct csv *csv, uint32_t column)
{
    return column == CSV_NONE ? bytes_make(NULL, 0) : csv->fields[column];
}

/* "12" or "12.0"; false for anything else, and past `max`. */
static bool parse(struct bytes text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) {
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'),
                                   &value))
            return false;
    }
    if (i == 0 || value > max)
        return false;
    if (i < text.len && text.ptr[i++] != '.')
        return false;
    while (i < text.len && text.ptr[i] == '0')
        i++;
    *out = value;
    return i == text.len;
}

uint64_t csv_uint(struct csv *csv, uint32_t column, uint64_t max)
{
    struct bytes text = csv_text(csv, column);
    uint64_t value = 0;
    if (text.len == 0 || parse(text, max, &value))
        return value;
    csv_refuse(csv, ERR_PARSE,
               "%s is \"%s\", not a whole number from 0 to %" PRIu64,
               quote_of(csv->columns[column]).text, quote_of(text).text, max);
    return 0;
}
