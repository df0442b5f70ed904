#ifndef NODE_OFFERING_INNER_H
#define NODE_OFFERING_INNER_H

/* Shared by the offering*.c pages; nobody else. */

#include "node/sell/bench.h"
#include "node/sell/offering.h"

#define KEY_GRADE "grade"

/* What the configuration says beside the offer itself. */
struct offering_terms {
    uint64_t ttl_ms;
    uint64_t receipt_ms;
    uint64_t retention_ms;
};

struct offering {
    struct node *node;
    struct offering_set base; /* the configuration's; mask OFFERING_ALL */
    struct offering_set set;  /* what was set since; mask says which */
    struct offering_terms terms;
    struct accel accel; /* as configured; priced when it is offered */
    bool open;          /* the engine takes jobs */
    bool withdraw;      /* the last offer is to be taken back */
    bool changed;       /* something else than what is free */
    uint64_t feed_seen; /* how far the feed was looked at */
    uint64_t version;
    uint64_t version_cap;   /* on the disk: no version above was given out */
    uint64_t due_ms;        /* the clock of offering_due */
    uint64_t issued_ms;     /* by that clock; 0 = never */
    uint64_t disk_said_mib; /* of the room on the disk: moves in steps */
    struct resources issued_free;
    uint16_t issued_devices[MACHINE_DEVICES_MAX];
    uint32_t issued_slots;
    struct bench *running; /* NULL: none */
    struct offering_bench_result bench;
    struct bench_result measured; /* what is known of the last one */
};

/* offering.c */
/* Appends a record; none is nothing and OK. */
MUST_USE enum err offering_load(struct offering *offering, const char *key,
                                struct buf *out);
/* Hands the offer as it is now to the engine. */
void offering_configure(struct offering *offering);

/* offering_grade.c */
MUST_USE enum err offering_load_grade(struct offering *offering,
                                      struct arena *arena, struct buf *record);
/* Measures when there is no grade or an old one, and nothing runs. */
void offering_measure(struct offering *offering);

/* offering_set.c */
/* Fields that `over` has take the place of those in `out`; masks stay. */
void offering_set_merge(struct offering_set *out,
                        const struct offering_set *over);
/* The whole offer as configured, for this machine. ERR_CONFIG with
 * node->config.error set. */
MUST_USE enum err offering_from_config(struct node *node,
                                       struct offering_set *out,
                                       struct offering_terms *out_terms,
                                       struct accel *out_accel);

#endif
