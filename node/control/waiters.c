#include "node/control/waiters.h"

#include "base/check.h"
#include "node/node.h"

#include <stdlib.h>
#include <string.h>

struct waiter {
    struct control_call *call; /* NULL = free */
    waiter_fn fn;
    uint64_t until_ms;
};

struct waiters {
    struct node *node;
    uv_timer_t timer;
    bool poked;
    struct waiter list[CONTROL_CALLS_MAX];
};

static void rearm(struct waiters *waiters);

static void try_all(struct waiters *waiters)
{
    uint64_t now = uv_now(waiters->node->loop);
    waiters->poked = false;
    for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) {
        struct waiter *waiter = &waiters->list[i];
        if (waiter->call == NULL)
            continue;
        if (waiter->fn(waiters->node, waiter->call, now >= waiter->until_ms))
            waiter->call = NULL;
        CHECK(waiter->call == NULL || now < waiter->until_ms);
    }
    rearm(waiters);
}

static void on_timer(uv_timer_t *timer)
{
    try_all(timer->data);
}

static void rearm(struct waiters *waiters)
{
    uint64_t now = uv_now(waiters->node->loop);
    uint64_t until = UINT64_MAX;
    for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) {
        if (waiters->list[i].call != NULL && waiters->list[i].until_ms < until)
            until = waiters->list[i].until_ms;
    }
    if (waiters->poked)
        until = now;
    if (until == UINT64_MAX)
        uv_timer_stop(&waiters->timer);
    else
        uv_timer_start(&waiters->timer, on_timer, until > now ? until - now : 0,
                       0);
}

enum err waiters_new(struct node *node, struct waiters **out)
{
    struct waiters *waiters = calloc(1, sizeof(*waiters));
    if (waiters == NULL)
        return ERR_NOMEM;
    waiters->node = node;
    CHECK(uv_timer_init(node->loop, &waiters->timer) == 0);
    waiters->timer.data = waiters;
    *out = waiters;
    return OK;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void waiters_free(struct waiters *waiters)
{
    if (waiters != NULL)
        uv_close((uv_handle_t *)&waiters->timer, on_closed);
}

void waiters_add(struct waiters *waiters, struct control_call *call,
                 waiter_fn fn, uint64_t wait_ms)
{
    uint64_t wait = wait_ms < RPC_WAIT_MS_MAX ? wait_ms : RPC_WAIT_MS_MAX;
    if (fn(waiters->node, call, wait == 0))
        return;
    for (size_t i = 0; i < CONTROL_CALLS_MAX; i++) {
        struct waiter *waiter = &waiters->list[i];
        if (waiter->call != NULL)
            continue;
        *waiter = (struct waiter){call, fn, uv_now(waiters->node->loop) + wait};
        rearm(waiters);
        return;
    }
    CHECK(!waiters); /* never: there are as many waiters as calls */
}

void waiters_poke(struct waiters *waiters)
{
    if (waiters == NULL || waiters->poked)
        return;
    waiters->poked = true;
    rearm(waiters);
}
