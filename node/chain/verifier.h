#ifndef NODE_VERIFIER_H
#define NODE_VERIFIER_H

/* The verification of the whole chain, in the background: one thread with a
 * reader of its own, so the node goes on. */

#include "ledger/chain/chain.h"

#include <limits.h>

#define VERIFIER_DIR_MAX (PATH_MAX + 16)

struct verifier;

/* What is known of the verification started last. */
struct verifier_now {
    bool started;
    bool done;
    struct verify_report report;
    enum err err;
    uint64_t started_ms; /* monotonic */
    uint64_t ended_ms;
};

struct verifier_options {
    struct store *store;
    const struct genesis *genesis;
    const struct kind_table *kinds;
    /* Where a chain is executed again that is too large for memory, and what
     * too large is. Nobody else's; what lies there is removed. */
    char scratch_dir[VERIFIER_DIR_MAX];
    uint64_t memory_bytes;
};
/* What the options point to is lent until verifier_free. ERR_NOMEM. */
MUST_USE enum err verifier_new(const struct verifier_options *options,
                               struct verifier **out);
/* Stops the thread and waits for it. NULL is fine. */
void verifier_free(struct verifier *verifier);

/* Starts unless one runs. ERR_BUSY, or a fault. */
MUST_USE enum err verifier_start(struct verifier *verifier);
void verifier_get(struct verifier *verifier, struct verifier_now *out);

#endif
