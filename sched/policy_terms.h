#ifndef SCHED_POLICY_TERMS_H
#define SCHED_POLICY_TERMS_H

/* The terms of a policy: what can be set about it. All zero is the policy by
 * itself. Small and bounded, for they are signed with every request.
 *
 *   weights   composite, balanced: how much each figure counts
 *   speed     fastest, composite: which class of work the speed is of
 *   near      nearest, composite: whose round trip counts, by what nodes say of
 *             their links (sched/link/linkmap.h); zero: the asker's
 *   divide    how the tasks of a bag are divided over providers
 *   gang      all tasks at the same time, or `least` of them, or none
 *   down_ppb  how often a task may find no provider that finishes it: the
 * copies are then at providers that together keep to it (market/book/book.h) */

#include "base/mp.h"
#include "sched/demand.h"

/* What composite and balanced weigh. */
enum policy_part {
    PART_PRICE = 0, /* of an hour */
    PART_RTT,       /* round trip */
    PART_SPEED,     /* by `speed` */
    PART_LOAD,      /* use of the provider with the task on it */
    PART_LINK,      /* balance of links */
    PART_ENERGY,    /* what the task adds to its draw */
    PART_COUNT
};
#define POLICY_WEIGHT_MAX 1000u

enum speed_class {
    SPEED_MEAN = 0, /* grade_speed: what a core is rented for */
    SPEED_LOGIC,    /* the others by class of work: composites of the kernels */
    SPEED_PARALLEL, /* in METER_MAP (sched/meter/rating.h) */
    SPEED_NEURAL,
    SPEED_MEMORY,
    SPEED_DISK,
    SPEED_NETWORK,
    SPEED_CLASSES
};

enum policy_divide {
    POLICY_DIVIDE_OWN = 0,    /* spread, balanced: even; all others: fill */
    POLICY_DIVIDE_FILL,       /* the best takes all it has room for, then the
                                 next: a bag of tasks */
    POLICY_DIVIDE_EVEN,       /* one each, best first, round after round */
    POLICY_DIVIDE_STATIC,     /* by `shares` */
    POLICY_DIVIDE_DYNAMIC,    /* by what each has room for */
    POLICY_DIVIDE_AGGREGATED, /* fewest providers */
    POLICY_DIVIDE_DUPLICATED, /* every task at `copies` providers */
};

#define POLICY_SHARES_MAX 4u
#define POLICY_COPIES_MAX 8u

/* An offer's weight is that of the first share that means it; none: 0. */
struct policy_share {
    uint32_t weight;        /* 1..POLICY_WEIGHT_MAX */
    struct pubkey provider; /* zero: by label */
    char key[LIMIT_NAME];   /* "" with a provider */
    char value[LIMIT_NAME]; /* "": the key alone */
};

struct policy_terms {
    uint32_t weights[PART_COUNT];
    enum speed_class speed;
    struct pubkey near;
    enum policy_divide divide;
    uint32_t copies; /* duplicated: 2..POLICY_COPIES_MAX; else 0 */
    bool gang;
    uint32_t least; /* of a gang; 0: all of it */
    uint32_t share_count;
    struct policy_share shares[POLICY_SHARES_MAX];
    uint32_t down_ppb; /* parts of 10^9 (sched/target.h); 0: not stated */
};

/* Does it make sense for the policy, in its one spelling? ERR_RANGE: an unknown
 * policy, class or division; a weight above POLICY_WEIGHT_MAX, where none
 * belongs, or none where composite needs one; a share that means nothing, or
 * shares without static or static without; copies where none belong; `least`
 * without a gang or above LIMIT_TASKS; down_ppb of a whole or more, or with a
 * division that is neither the policy's own nor duplicated. */
MUST_USE enum err policy_terms_check(enum policy policy,
                                     const struct policy_terms *terms);
bool policy_terms_same(const struct policy_terms *a,
                       const struct policy_terms *b);

/* The division that holds: never OWN. NULL terms are all zero. */
enum policy_divide policy_divides(enum policy policy,
                                  const struct policy_terms *terms);
/* How many contracts a task is: 1, or the copies. */
uint32_t policy_copies(const struct policy_terms *terms);
/* How many of `tasks` must find a place for any to be asked for: 0 without a
 * gang. */
uint32_t policy_least(const struct policy_terms *terms, uint32_t tasks);
/* The figure's weight; balanced without weights has 1 for each of its own. */
uint32_t policy_weight(enum policy policy, const struct policy_terms *terms,
                       enum policy_part part);
/* The weight of an offer under `shares`. */
uint32_t policy_share_of(const struct policy_terms *terms,
                         const struct pubkey *provider,
                         const struct label *labels, uint32_t label_count);

/* An array of POLICY_TERMS_FIELDS: weights, class, near, division, copies,
 * gang, least, shares, down_ppb. */
#define POLICY_TERMS_FIELDS    9
#define POLICY_TERMS_BYTES_MAX 800u
void policy_terms_encode(const struct policy_terms *terms, struct buf *out);
/* Every field within its type; policy_terms_check is the caller's. */
void policy_terms_decode(struct mp_reader *reader, struct policy_terms *out);

/* ---- as people write them ---- */

/* Sets one field of `terms`: weight "price=2,rtt=1"; speed, near ADDRESS,
 * divide, copies, gang "yes" or "no", least; share "zone=eu:3" (one more) or
 * "ADDRESS:3"; availability "99.9%". ERR_NOT_FOUND: no such field. ERR_PARSE;
 * ERR_RANGE: too many or too large. Then nothing changed. */
MUST_USE enum err policy_terms_set(struct policy_terms *terms,
                                   const char *field, const char *value);
/* How a field is written, for messages; NULL: no such field. */
const char *policy_terms_shape(const char *field);
/* The i-th field's name; NULL past the last. */
const char *policy_terms_field(size_t i);
/* Appends what differs from zero, as "field value" pairs: "weight
 * price=2,rtt=1; speed logic; gang yes"; nothing for the policy by itself.
 *
 * prefix  of addresses, ADDRESS_PREFIX_* */
void policy_terms_format(const struct policy_terms *terms, const char *prefix,
                         struct buf *out);

const char *policy_part_text(enum policy_part part);       /* "price" */
const char *speed_class_text(enum speed_class class_);     /* "mean"; "?" */
const char *policy_divide_text(enum policy_divide divide); /* "fill"; "?" */

#endif
