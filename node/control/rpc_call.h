#ifndef NODE_RPC_CALL_H
#define NODE_RPC_CALL_H

/* What a call may need besides an answer at once: a refusal with a reason of
 * its own, and work that blocks on the disk, done on the worker pool. Loop
 * thread only, but for call_work_fn. */

#include "node/node.h"

/* As control_refuse, with `why` in place of the error's own sentence (NULL:
 * that one). */
__attribute__((format(printf, 5, 6))) void call_refuse(
    struct control_call *call, enum err err, const char *why, const char *next,
    const char *what_format, ...);

/* A required parameter that is an absolute path: the node's working directory
 * is not the user's. False: answered. */
bool param_absolute(struct control_call *call, const char *name,
                    const char **out);

/* Workers are shared with the chain: so many calls work at the same time, more
 * wait. */
#define CALL_WORKS_MAX 2u

struct call_work {
    uv_work_t req;
    struct call_work *next;
    struct node *node;
    struct control_call *call;
    void (*work)(struct call_work *work);
    void (*done)(struct call_work *work, struct control_call *call);
    bool skipped; /* work did not run: the node is closing */
};

/* Zeroed memory for a work of this size; NULL: no memory, and the call is
 * answered. free() it in `done`. */
void *call_work_new(struct control_call *call, size_t size);

/* Embed struct call_work as the first member of what the work needs.
 *
 * work  runs on a worker thread: no node, no call, only thread-safe rooms
 *       (blob_store.h)
 * done  runs on the loop thread afterwards, always: it answers `call`, unless
 *       that is NULL because the node is closing (then work may not have run),
 *       and frees */
void call_work_start(struct node *node, struct control_call *call,
                     struct call_work *work,
                     void (*work_fn)(struct call_work *work),
                     void (*done_fn)(struct call_work *work,
                                     struct control_call *call));

#endif
