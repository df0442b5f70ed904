#ifndef NODE_WAITERS_H
#define NODE_WAITERS_H

/* Calls that wait for something to happen (`wait_ms` in docs/control.md): each
 * is tried again whenever the node changed, and once more, for good, when its
 * time is up. */

#include "node/control/control.h"

struct node;
struct waiters;

/* Tries to answer the call. last: it must be answered now, with what there is.
 * Returns whether it was answered (then the call is gone). */
typedef bool (*waiter_fn)(struct node *node, struct control_call *call,
                          bool last);

MUST_USE enum err waiters_new(struct node *node, struct waiters **out);
/* Answers nothing; before control_close. */
void waiters_free(struct waiters *waiters);
/* Tries at once; if that fails, keeps the call for up to wait_ms. */
void waiters_add(struct waiters *waiters, struct control_call *call,
                 waiter_fn fn, uint64_t wait_ms);
/* Something changed: everybody is tried soon (coalesced per loop turn). Of
 * nobody (NULL: the node is stopping): nothing happens. */
void waiters_poke(struct waiters *waiters);

#endif
