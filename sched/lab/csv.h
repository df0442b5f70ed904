#ifndef SCHED_LAB_CSV_H
#define SCHED_LAB_CSV_H

/* Comma-separated values whose first line names the columns. A field may stand
 * in quotes, with commas and line ends inside (RFC 4180; a quote inside stays
 * doubled as it is written). Lines end in LF or CRLF; empty ones are skipped.
 * Columns are found by name, so their order does not matter and those that
 * nobody asks for are ignored. A row may end early: what is not there is empty.
 *
 * The first thing that is wrong is kept in `error`, with file and line. */

#include "sched/lab/lab_file.h"

#define CSV_FIELDS_MAX 64u
/* Not a column. */
#define CSV_NONE UINT32_MAX

struct csv {
    const char *name;  /* of the file, for messages; lent */
    struct bytes rest; /* lent */
    uint32_t line;     /* where the current row begins, from 1 */
    uint32_t lines;    /* before the rest */
    uint32_t column_count;
    struct bytes columns[CSV_FIELDS_MAX];
    struct bytes fields[CSV_FIELDS_MAX]; /* of the current row */
    enum err err;
    char error[LAB_ERROR_MAX];
};

/* Reads the line of names. text and name are lent until the last call. Fails
 * into csv->err: ERR_PARSE without such a line, ERR_TOO_LARGE past
 * CSV_FIELDS_MAX columns. */
void csv_init(struct csv *csv, const char *name, struct bytes text);
/* The column of this name (letters of either case); CSV_NONE. */
uint32_t csv_find(const struct csv *csv, const char *column);
/* The same, but its absence is an error. */
uint32_t csv_need(struct csv *csv, const char *column);
/* The next row; false at the end, or after an error. A row with more fields
 * than there are columns is an error. */
bool csv_next(struct csv *csv);
/* A field of the row; empty for CSV_NONE. */
struct bytes csv_text(const struct csv *csv, uint32_t column);
/* A whole number of at most `max`; an empty field is 0. "12.0" is 12: spread
 * sheets write so. Anything else is an error, and 0. */
uint64_t csv_uint(struct csv *csv, uint32_t column, uint64_t max);
/* Keeps this as the error, unless there is one: "FILE:LINE: WHAT". */
__attribute__((format(printf, 3, 4))) void csv_refuse(struct csv *csv,
                                                      enum err err,
                                                      const char *format, ...);

#endif
