#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

/* The word somebody probably meant. */

#include <stddef.h>

/* Edits between two words: insert, delete, change, or swap two neighbours, each
 * counting one. Words longer than 63 letters count as far from everything. */
unsigned nearest_distance(const char *a, const char *b);

/* Keeps the best of several candidates. */
struct nearest {
    const char *wanted; /* lent */
    const char *best;   /* lent; NULL while nothing is near enough */
    unsigned distance;
};
void nearest_init(struct nearest *nearest, const char *wanted);
/* A candidate counts when at most a third of the word (at least one, at most
 * three letters) is wrong, or when it starts with the word. */
void nearest_try(struct nearest *nearest, const char *candidate);

#endif
