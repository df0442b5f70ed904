#ifndef TESTS_MODEL_TABLE_H
#define TESTS_MODEL_TABLE_H

/* A table of states: each is kept whole, once, in the order it was found. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table {
    uint32_t width; /* bytes of a state */
    uint32_t count;
    uint32_t room;
    uint8_t *states;
    uint32_t *parents; /* the state it was found from */
    uint64_t *cells;   /* hash tag and number + 1; 0: free */
    uint64_t cell_mask;
};

/* Out of memory ends the program with a sentence, here and below. */
void table_init(struct table *table, uint32_t width);
void table_done(struct table *table);

/* True when the state was not there; it then has number count - 1. */
bool table_add(struct table *table, const uint8_t *state, uint32_t parent);
bool table_has(const struct table *table, const uint8_t *state);
const uint8_t *table_get(const struct table *table, uint32_t number);
size_t table_bytes(const struct table *table);

#endif
