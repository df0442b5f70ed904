#include "node/control/rpc_call.h"

#include "base/check.h"
#include "node/control/rpc_help.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void call_refuse(struct control_call *call, enum err err, const char *why,
                 const char *next, const char *what_format, ...)
{
    struct rpc_error error;
    char what[sizeof(error.what)];
    va_list args;
    va_start(args, what_format);
    vsnprintf(what, sizeof(what), what_format, args);
    va_end(args);
    rpc_error_set(&error, err, next, "%s", what);
    if (why != NULL)
        snprintf(error.why, sizeof(error.why), "%s", why);
    control_fail(call, &error);
}

bool param_absolute(struct control_call *call, const char *name,
                    const char **out)
{
    if (!param_text(call, name, out))
        return false;
    if ((*out)[0] == '/' && strlen(*out) < PATH_MAX)
        return true;
    control_refuse(call, ERR_PARSE, "the whole path, from /",
                   "parameter \"%s\" must be an absolute path", name);
    return false;
}

static void start_next(struct node *node);

static void on_work(uv_work_t *req)
{
    struct call_work *work = (struct call_work *)req;
    work->work(work);
}

/* Calls go when the control socket closes; their work does not. */
static void finish(struct call_work *work)
{
    struct node *node = work->node;
    work->done(work, node->control != NULL ? work->call : NULL);
}

static void after_work(uv_work_t *req, int status)
{
    struct call_work *work = (struct call_work *)req;
    struct node *node = work->node;
    CHECK(status == 0 && node->works_running > 0);
    node->works_running--;
    finish(work);
    start_next(node);
}

static void start_next(struct node *node)
{
    while (node->works != NULL && node->works_running < CALL_WORKS_MAX) {
        struct call_work *work = node->works;
        node->works = work->next;
        if (node->control == NULL) { /* nobody waits for it any more */
            work->skipped = true;
            finish(work);
            continue;
        }
        node->works_running++;
        CHECK(uv_queue_work(node->loop, &work->req, on_work, after_work) == 0);
    }
}

void *call_work_new(struct control_call *call, size_t size)
{
    void *work = calloc(1, size);
    CHECK(size >= sizeof(struct call_work));
    if (work == NULL)
        control_refuse(call, ERR_NOMEM, "suan node status",
                       "the node has no memory for this now");
    return work;
}

void call_work_start(struct node *node, struct control_call *call,
                     struct call_work *work,
                     void (*work_fn)(struct call_work *work),
                     void (*done_fn)(struct call_work *work,
                                     struct control_call *call))
{
    struct call_work **last = &node->works;
    CHECK(node->control != NULL && call != NULL);
    work->node = node;
    work->call = call;
    work->work = work_fn;
    work->done = done_fn;
    work->next = NULL;
    while (*last != NULL)
        last = &(*last)->next;
    *last = work;
    start_next(node);
}
