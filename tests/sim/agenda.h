#ifndef TESTS_SIM_AGENDA_H
#define TESTS_SIM_AGENDA_H

/* The agenda: what will happen, in order of time and, within a millisecond, in
 * the order it was written down. */

#include "base/hash.h"

struct world;

/* What an entry is about; each kind of entry uses what it needs. */
struct about {
    uint32_t node;
    uint32_t other;
    uint32_t life; /* of the node: an entry of an earlier life is void */
    uint32_t code;
    uint64_t u;
    uint64_t v;
    struct hash id;
    struct hash subject;
    struct bytes bytes; /* copied in, freed by the agenda */
};

typedef void (*agenda_fn)(struct world *world, const struct about *about);

struct entry;
struct agenda {
    struct entry **heap;
    size_t count;
    size_t cap;
    uint64_t next_seq;
};

void agenda_init(struct agenda *agenda);
void agenda_done(struct agenda *agenda);
void agenda_add(struct agenda *agenda, uint64_t at_ms, agenda_fn fn,
                const struct about *about);
/* False when nothing is left. The entry is carried out by the caller through
 * agenda_run, and is gone after it. */
bool agenda_next_ms(const struct agenda *agenda, uint64_t *out);
void agenda_run(struct agenda *agenda, struct world *world);

#endif
