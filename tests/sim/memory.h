#ifndef TESTS_SIM_MEMORY_H
#define TESTS_SIM_MEMORY_H

/* A node's disk, as the trade engines see it: records by name. What was put is
 * certain only once synced; at a crash any beginning of the rest survives. */

#include "base/dice.h"

#define MEMORY_KEY_MAX 96

struct memory_record {
    char key[MEMORY_KEY_MAX];
    uint8_t *bytes;
    size_t len;
};

struct memory {
    struct memory_record *records; /* ascending by key */
    size_t count;
    size_t cap;
    struct memory_record *tail; /* put, not yet synced, in order */
    size_t tail_count;
    size_t tail_cap;
};

void memory_done(struct memory *memory); /* safe on a zeroed struct */
/* Empty bytes delete. */
void memory_put(struct memory *memory, const char *key, struct bytes bytes);
void memory_sync(struct memory *memory);
void memory_crash(struct memory *memory, struct dice *dice);

#endif
