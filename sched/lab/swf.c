#include "sched/lab/swf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FILE_MAX ((size_t)1 << 30) /* unpacked */
#define COLUMNS  18u

/* Columns that are read, by their number in the format. */
enum {
    COL_SUBMIT = 2,
    COL_RUN = 4,
    COL_ALLOCATED = 5,
    COL_REQUESTED = 8,
    COL_LIMIT = 9,
    COL_STATUS = 11,
};

struct reader {
    const char *name;
    struct bytes rest;
    uint32_t line;
    struct swf swf;
    bool is_sorted;
    enum err err;
    char error[LAB_ERROR_MAX];
};

static void __attribute__((format(printf, 3, 4)))
refuse(struct reader *reader, enum err err, const char *format, ...)
{
    int used;
    va_list args;
    if (reader->err != OK)
        return;
    reader->err = err;
    used = snprintf(reader->error, LAB_ERROR_MAX, "%.200s:%u: ", reader->name,
                    reader->line);
    CHECK(used > 0 && used < (int)LAB_ERROR_MAX);
    va_start(args, format);
    (void)vsnprintf(reader->error + used, LAB_ERROR_MAX - (size_t)used, format,
                    args);
    va_end(args);
}

/* ---- words of a line ---- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool next_line(struct reader *reader, struct bytes *out)
{
    const uint8_t *end;
    if (reader->rest.len == 0)
        return false;
    end = memchr(reader->rest.ptr, '\n', reader->rest.len);
    out->ptr = reader->rest.ptr;
    out->len =
        end == NULL ? reader->rest.len : (size_t)(end - reader->rest.ptr);
    reader->rest.len -= out->len + (end != NULL);
    reader->rest.ptr += out->len + (end != NULL);
    reader->line++;
    return true;
}

/* The next run of what is not blank; empty at the end. */
static struct bytes next_word(struct bytes *line)
{
    struct bytes word;
    while (line->len > 0 && is_blank(line->ptr[0]))
        *line = bytes_make(line->ptr + 1, line->len - 1);
    word = bytes_make(line->ptr, 0);
    while (line->len > 0 && !is_blank(line->ptr[0])) {
        word.len++;
        *line = bytes_make(line->ptr + 1, line->len - 1);
    }
    return word;
}

/* A word of a message: what can be shown, shortened. */
static const char *shown(struct bytes word, char out[32])
{
    size_t len = word.len < 24 ? word.len : 24;
    for (size_t i = 0; i < len; i++)
        out[i] =
            word.ptr[i] >= 0x20 && word.ptr[i] < 0x7f ? (char)word.ptr[i] : '?';
    snprintf(out + len, 32 - len, "%s", word.len > len ? "..." : "");
    return out;
}

/* "-1", "42", "3.75" (its fraction is cut off). Larger than bound: bound + 1.
 */
static bool parse_number(struct bytes word, int64_t bound, int64_t *out)
{
    bool is_negative = word.len > 0 && word.ptr[0] == '-';
    size_t i = is_negative ? 1 : 0;
    int64_t value = 0;
    if (i == word.len || !is_digit(word.ptr[i]))
        return false;
    for (; i < word.len && is_digit(word.ptr[i]); i++)
        value = value > bound ? value : value * 10 + (word.ptr[i] - '0');
    if (i < word.len && word.ptr[i] == '.') {
        for (i++; i < word.len && is_digit(word.ptr[i]); i++)
            continue;
    }
    if (value > bound)
        value = bound + 1;
    *out = is_negative ? -value : value;
    return i == word.len;
}

/* ---- comments ---- */

/* "; MaxProcs: 128" */
static uint32_t header_value(struct bytes line, const char *key)
{
    int64_t value = 0;
    struct bytes rest = bytes_make(line.ptr + 1, line.len - 1);
    struct bytes word = next_word(&rest);
    if (!bytes_equal(word, bytes_str(key)))
        return 0;
    word = next_word(&rest);
    if (!parse_number(word, SWF_PROCS_MAX, &value) || value < 1 ||
        value > SWF_PROCS_MAX)
        return 0;
    return (uint32_t)value;
}

static void read_comment(struct reader *reader, struct bytes line,
                         uint32_t *nodes)
{
    uint32_t procs = header_value(line, "MaxProcs:");
    uint32_t max_nodes = header_value(line, "MaxNodes:");
    if (procs > 0)
        reader->swf.procs = procs;
    if (max_nodes > 0)
        *nodes = max_nodes;
}

/* ---- jobs ---- */

static void read_columns(struct reader *reader, struct bytes line,
                         int64_t out[COLUMNS + 1])
{
    char text[32];
    uint32_t count = 0;
    for (;;) {
        struct bytes word = next_word(&line);
        if (word.len == 0)
            break;
        if (++count > COLUMNS)
            continue;
        if (!parse_number(word, SWF_SUBMIT_MAX, &out[count]))
            refuse(reader, ERR_PARSE, "column %u is \"%s\", not a number",
                   count, shown(word, text));
    }
    if (count != COLUMNS)
        refuse(reader, ERR_PARSE,
               "%u columns; a job of the Standard Workload Format has %u",
               count, COLUMNS);
}

/* -1 and more, up to bound; -1 is "not known". */
static void check_column(struct reader *reader, const int64_t *columns,
                         uint32_t i, int64_t bound)
{
    if (columns[i] < -1)
        refuse(reader, ERR_RANGE, "column %u is below -1, which is \"unknown\"",
               i);
    if (columns[i] > bound)
        refuse(reader, ERR_RANGE, "column %u is more than %lld", i,
               (long long)bound);
}

static bool is_job(const int64_t *columns)
{
    int64_t status = columns[COL_STATUS];
    bool is_part = status >= 2 && status <= 4;
    bool has_procs = columns[COL_REQUESTED] > 0 || columns[COL_ALLOCATED] > 0;
    bool has_run = columns[COL_RUN] > 0 ||
                   (columns[COL_RUN] == 0 && status != 5); /* never ran */
    return !is_part && has_procs && has_run && columns[COL_SUBMIT] >= 0;
}

static struct swf_job job_of(const int64_t *columns)
{
    int64_t procs = columns[COL_REQUESTED] > 0 ? columns[COL_REQUESTED]
                                               : columns[COL_ALLOCATED];
    uint64_t run_ms = (uint64_t)columns[COL_RUN] * 1000;
    uint64_t limit_ms =
        columns[COL_LIMIT] > 0 ? (uint64_t)columns[COL_LIMIT] * 1000 : 0;
    struct swf_job job = {
        .submit_s = (uint64_t)columns[COL_SUBMIT],
        .run_ms = run_ms == 0 ? 1 : run_ms,
        .procs = (uint32_t)procs,
    };
    job.limit_ms = limit_ms < job.run_ms ? job.run_ms : limit_ms;
    return job;
}

/* Makes room for one more, doubling. */
static bool grow(struct swf *swf)
{
    uint32_t count = swf->job_count;
    struct swf_job *jobs;
    if ((count & (count - 1)) != 0)
        return true; /* full only at powers of two */
    jobs = realloc(swf->jobs,
                   sizeof(*jobs) * (count == 0 ? 1 : 2 * (size_t)count));
    if (jobs == NULL)
        return false;
    swf->jobs = jobs;
    return true;
}

static void add_job(struct reader *reader, const struct swf_job *job)
{
    struct swf *swf = &reader->swf;
    if (swf->job_count == SWF_JOBS_MAX) {
        refuse(reader, ERR_TOO_LARGE, "more than %u jobs", SWF_JOBS_MAX);
        return;
    }
    if (!grow(swf)) {
        refuse(reader, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
        return;
    }
    if (swf->job_count > 0 &&
        job->submit_s < swf->jobs[swf->job_count - 1].submit_s)
        reader->is_sorted = false;
    if (job->procs > swf->procs_most)
        swf->procs_most = job->procs;
    swf->jobs[swf->job_count++] = *job;
}

static void read_job(struct reader *reader, struct bytes line)
{
    int64_t columns[COLUMNS + 1] = {0};
    struct swf_job job;
    read_columns(reader, line, columns);
    check_column(reader, columns, COL_SUBMIT, SWF_SUBMIT_MAX);
    check_column(reader, columns, COL_RUN, SWF_SECONDS_MAX);
    check_column(reader, columns, COL_ALLOCATED, SWF_PROCS_MAX);
    check_column(reader, columns, COL_REQUESTED, SWF_PROCS_MAX);
    check_column(reader, columns, COL_LIMIT, SWF_SECONDS_MAX);
    if (reader->err != OK)
        return;
    if (!is_job(columns)) {
        reader->swf.left_out++;
        return;
    }
    job = job_of(columns);
    add_job(reader, &job);
}

/* ---- the whole ---- */

/* Merges two sorted runs: equal times stay in the order of the lines. */
static void merge(const struct swf_job *from, struct swf_job *to, size_t begin,
                  size_t mid, size_t end)
{
    size_t a = begin;
    size_t b = mid;
    for (size_t i = begin; i < end; i++) {
        if (a < mid && (b == end || from[a].submit_s <= from[b].submit_s))
            to[i] = from[a++];
        else
            to[i] = from[b++];
    }
}

static enum err sort(struct swf *swf)
{
    size_t count = swf->job_count;
    struct swf_job *other = calloc(count, sizeof(*other));
    if (other == NULL)
        return ERR_NOMEM;
    for (size_t width = 1; width < count; width *= 2) {
        struct swf_job *sorted = other;
        for (size_t i = 0; i < count; i += 2 * width) {
            size_t mid = i + width < count ? i + width : count;
            size_t end = mid + width < count ? mid + width : count;
            merge(swf->jobs, other, i, mid, end);
        }
        other = swf->jobs;
        swf->jobs = sorted;
    }
    free(other);
    return OK;
}

static void read_lines(struct reader *reader)
{
    uint32_t nodes = 0;
    struct bytes line;
    while (reader->err == OK && next_line(reader, &line)) {
        struct bytes rest = line;
        struct bytes word = next_word(&rest);
        if (word.len == 0)
            continue;
        if (word.ptr[0] == ';')
            read_comment(
                reader,
                bytes_make(word.ptr, (size_t)(line.ptr + line.len - word.ptr)),
                &nodes);
        else
            read_job(reader, line);
    }
    if (reader->swf.procs == 0)
        reader->swf.procs = nodes;
    if (reader->swf.job_count == 0)
        refuse(reader, ERR_PARSE,
               "there is no job in it that ran; a job is a line of %u numbers",
               COLUMNS);
}

enum err swf_parse(struct bytes text, const char *name, struct swf *out,
                   char error[LAB_ERROR_MAX])
{
    struct reader reader = {.name = name, .rest = text, .is_sorted = true};
    read_lines(&reader);
    if (reader.err == OK && !reader.is_sorted && sort(&reader.swf) != OK)
        refuse(&reader, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
    if (reader.err != OK) {
        memcpy(error, reader.error, LAB_ERROR_MAX);
        swf_done(&reader.swf);
        return reader.err;
    }
    *out = reader.swf;
    return OK;
}

enum err swf_read(const char *path, struct swf *out, char error[LAB_ERROR_MAX])
{
    struct buf text = {0};
    enum err err = lab_file_read(path, FILE_MAX, &text, error);
    if (err == OK)
        err = swf_parse(buf_bytes(&text), path, out, error);
    buf_done(&text);
    return err;
}

void swf_done(struct swf *swf)
{
    free(swf->jobs);
    memset(swf, 0, sizeof(*swf));
}
