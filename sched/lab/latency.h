#ifndef SCHED_LAB_LATENCY_H
#define SCHED_LAB_LATENCY_H

/* Matrices of measured round trips as cloud operators publish them: pages of
 * Markdown with square tables. The first cell of a table's head ends in the
 * unit, "(ms)" or "(us)", and the other cells name the places; each further row
 * starts with one of the same names:
 *
 *     | Average latency (ms) | Dallas | London |
 *     | --- | :---: | :---: |
 *     | **Dallas** | | 113 |
 *     | **London** | 113.2 | |
 *
 * An empty cell, or "-", is not known. Asterisks around a name are left out;
 * tables without a unit are passed over, as is all other text. */

#include "sched/lab/lab_file.h"

#define LATENCY_TABLES_MAX 512u
#define LATENCY_PLACES_MAX 64u
#define LATENCY_NAME_MAX   47u
#define LATENCY_US_MAX     600000000u

struct latency_table {
    uint32_t line; /* of its head */
    uint32_t count;
    char names[LATENCY_PLACES_MAX][LATENCY_NAME_MAX + 1];
    uint32_t rtt_us[LATENCY_PLACES_MAX][LATENCY_PLACES_MAX]; /* [from][to];
                                                                0: not known */
};
struct latency {
    struct latency_table *tables;
    uint32_t count;
};

/* name: of the file, for messages. On a refusal `error` is "NAME:LINE: what is
 * wrong" and `out` is untouched; on OK latency_done frees what is in it.
 *
 * ERR_PARSE (no table with a unit, a row with too few or too many cells, a name
 * that the head has not, or twice, no number), ERR_TOO_LARGE, ERR_NOMEM. */
MUST_USE enum err latency_parse(struct bytes text, const char *name,
                                struct latency *out, char error[LAB_ERROR_MAX]);
void latency_done(struct latency *latency); /* safe on a zeroed struct */

/* The longer of the two directions, or the one that is known; 0: neither. */
uint32_t latency_between(const struct latency_table *table, uint32_t a,
                         uint32_t b);

#endif
