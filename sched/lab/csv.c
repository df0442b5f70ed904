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

/* Cuts up to the separator off the front; false when nothing is left. */
static struct bytes cut(struct bytes *rest, uint8_t separator)
{
    const uint8_t *end =
        rest->len == 0 ? NULL : memchr(rest->ptr, separator, rest->len);
    size_t len = end == NULL ? rest->len : (size_t)(end - rest->ptr);
    size_t gone = end == NULL ? len : len + 1;
    struct bytes head = {rest->ptr, len};
    *rest = bytes_make(rest->ptr + gone, rest->len - gone);
    return head;
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && (text.ptr[0] == ' ' || text.ptr[0] == '\t')) {
        text.ptr++;
        text.len--;
    }
    while (text.len > 0 && strchr(" \t\r", text.ptr[text.len - 1]) != NULL &&
           text.ptr[text.len - 1] != '\0')
        text.len--;
    return text;
}

/* The next line that is not empty. */
static bool next_line(struct csv *csv, struct bytes *out)
{
    while (csv->rest.len > 0) {
        *out = trim(cut(&csv->rest, '\n'));
        csv->line++;
        if (out->len > 0)
            return true;
    }
    return false;
}

/* Returns the number of fields, or CSV_NONE past `max` of them. */
static uint32_t split(struct bytes line, struct bytes *out, uint32_t max)
{
    uint32_t count = 0;
    bool more = true;
    while (more) {
        size_t was = line.len;
        struct bytes field = cut(&line, ',');
        more = field.len < was; /* a comma ended it */
        if (count == max)
            return CSV_NONE;
        out[count++] = trim(field);
    }
    return count;
}

void csv_init(struct csv *csv, const char *name, struct bytes text)
{
    struct bytes line;
    memset(csv, 0, sizeof(*csv));
    csv->name = name;
    csv->rest = text;
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        csv->rest = bytes_make(text.ptr + 3, text.len - 3);
    if (!next_line(csv, &line)) {
        csv_refuse(csv, ERR_PARSE,
                   "the file is empty; its first line names the columns");
        return;
    }
    csv->column_count = split(line, csv->columns, CSV_FIELDS_MAX);
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
    struct bytes line;
    uint32_t count;
    if (csv->err != OK || !next_line(csv, &line))
        return false;
    count = split(line, csv->fields, csv->column_count);
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
