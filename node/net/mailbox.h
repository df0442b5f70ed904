#ifndef NODE_NET_MAILBOX_H
#define NODE_NET_MAILBOX_H

/* A mailbox carries short notes from any thread to the loop thread. It is
 * bounded: when it is full a push is refused, and the sender does not go on
 * (does not receive more) until there is room: that is the back-pressure. The
 * loop is woken by uv_async, whose wake-ups coalesce, so each one takes
 * everything there is. */

#include <uv.h>

#include "base/err.h"

#include <stdbool.h>

/* What happened; copied. `to` must be valid until it is delivered. */
struct mail {
    void *to;
    int status;
    size_t count;
};

struct mailbox;

/* deliver is called on the loop thread, once per mail, in the order of the
 * pushes. ERR_NOMEM. */
MUST_USE enum err mailbox_new(uv_loop_t *loop, size_t capacity,
                              void (*deliver)(void *ctx,
                                              const struct mail *mail),
                              void *ctx, struct mailbox **out);
/* Any thread. False when full: nothing was taken. */
MUST_USE bool mailbox_push(struct mailbox *mailbox, const struct mail *mail);
/* Loop thread, from inside deliver too. No push may come during or after it.
 * What was not delivered is forgotten; `done` (may be NULL) is called when the
 * memory is freed. */
void mailbox_close(struct mailbox *mailbox, void (*done)(void *ctx), void *ctx);

#endif
