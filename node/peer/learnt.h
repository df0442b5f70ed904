#ifndef NODE_LEARNT_H
#define NODE_LEARNT_H

/* Addresses that peers have named, as far as we dial them: a few, of which
 * nobody names all, and none for long that leads nowhere. The dialling itself
 * is the caller's. Times are monotonic ms. */

#include "base/limits.h"
#include "base/sign.h"

#define LEARNT_MAX         16u
#define LEARNT_OF_ONE      4u     /* of them on one peer's word */
#define LEARNT_PATIENCE_MS 60000u /* without a link to it, then it goes */

struct learnt_one {
    char address[LIMIT_NAME]; /* "": this room is free */
    struct pubkey node;
    struct pubkey by; /* who named it */
    uint64_t seen_ms; /* when it was linked last, or named */
};

/* Zeroes: nothing was learnt. */
struct learnt {
    struct learnt_one items[LEARNT_MAX];
};

/* Is there room for one more on this peer's word? False too for an address and
 * a node that are here. */
bool learnt_fits(const struct learnt *learnt, const char *address,
                 const struct pubkey *node, const struct pubkey *by);
/* It fits, and is being dialled. address: shorter than LIMIT_NAME. */
void learnt_add(struct learnt *learnt, const char *address,
                const struct pubkey *node, const struct pubkey *by,
                uint64_t now_ms);
/* A link to this node is up. */
void learnt_seen(struct learnt *learnt, const struct pubkey *node,
                 uint64_t now_ms);
/* Takes off one that was not linked for too long; false: there is none. */
bool learnt_drop(struct learnt *learnt, uint64_t now_ms, char out[LIMIT_NAME]);

#endif
