#ifndef TESTS_EXHAUST_LOCAL_H
#define TESTS_EXHAUST_LOCAL_H

/* Machines, each shape once: the real core takes each step from each shape one
 * time, and the answer is remembered. */

#include "tests/exhaust/machine.h"

struct snap;

struct local {
    struct hash shape;
    struct snap *snap;
    uint32_t who;
    uint32_t crashes;
    uint32_t parent; /* and the act that led here; NOBODY: the beginning */
    uint32_t act;
    struct set said;
    uint32_t *next; /* by act: a machine, or one of these */
    uint32_t next_cap;
    struct final finals[FINALS_MAX];
    uint32_t final_count;
    uint32_t unsynced; /* records */
    uint32_t batches;
    struct snap *other; /* one that came another way, when auditing */
};
#define LOCAL_UNKNOWN UINT32_MAX
#define LOCAL_NONE    (UINT32_MAX - 1) /* cannot happen */

struct local_table {
    struct local *items;
    uint32_t count;
    uint32_t cap;
    uint32_t *cells;
    uint32_t cell_mask;
    uint64_t steps;   /* of real cores */
    uint64_t bytes;   /* of snaps */
    uint64_t audited; /* steps taken again */
};
extern struct local_table locals;

void locals_init(bool audit);
/* The beginning of each honest machine. */
uint32_t local_first(uint32_t who);
uint32_t local_next(uint32_t number, uint32_t act, const struct set *around);
/* Every step that was taken from a shape is taken again from the machine of the
 * same shape that came another way: how many led elsewhere. */
uint64_t locals_audit(void);

#endif
