#include "node/net/mailbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct mailbox {
    uv_async_t wake;
    uv_mutex_t lock;      /* of filling, filled */
    struct mail *filling; /* pushed to */
    struct mail *reading; /* delivered from, by the loop thread alone */
    size_t filled;
    size_t capacity;
    bool closing; /* loop thread */
    void (*deliver)(void *ctx, const struct mail *mail);
    void (*done)(void *ctx);
    void *ctx, *done_ctx;
};

/* Takes all there is; the senders can fill the other half meanwhile. */
static size_t swap_halves(struct mailbox *mailbox)
{
    struct mail *filling;
    size_t filled;

    uv_mutex_lock(&mailbox->lock);
    filling = mailbox->filling;
    filled = mailbox->filled;
    mailbox->filling = mailbox->reading;
    mailbox->reading = filling;
    mailbox->filled = 0;
    uv_mutex_unlock(&mailbox->lock);
    return filled;
}

static void on_wake(uv_async_t *wake)
{
    struct mailbox *mailbox = wake->data;
    size_t count = swap_halves(mailbox);

    for (size_t i = 0; i < count && !mailbox->closing; i++)
        mailbox->deliver(mailbox->ctx, &mailbox->reading[i]);
}

static void mailbox_free(struct mailbox *mailbox)
{
    free(mailbox->filling);
    free(mailbox->reading);
    free(mailbox);
}

enum err mailbox_new(uv_loop_t *loop, size_t capacity,
                     void (*deliver)(void *ctx, const struct mail *mail),
                     void *ctx, struct mailbox **out)
{
    struct mailbox *mailbox = calloc(1, sizeof *mailbox);

    CHECK(capacity > 0);
    if (mailbox == NULL)
        return ERR_NOMEM;
    mailbox->filling = calloc(capacity, sizeof(struct mail));
    mailbox->reading = calloc(capacity, sizeof(struct mail));
    if (mailbox->filling == NULL || mailbox->reading == NULL ||
        uv_mutex_init(&mailbox->lock) != 0) {
        mailbox_free(mailbox);
        return ERR_NOMEM;
    }
    mailbox->capacity = capacity;
    mailbox->deliver = deliver;
    mailbox->ctx = ctx;
    mailbox->wake.data = mailbox;
    if (uv_async_init(loop, &mailbox->wake, on_wake) != 0) {
        uv_mutex_destroy(&mailbox->lock);
        mailbox_free(mailbox);
        return ERR_NOMEM;
    }
    *out = mailbox;
    return OK;
}

bool mailbox_push(struct mailbox *mailbox, const struct mail *mail)
{
    bool room;

    uv_mutex_lock(&mailbox->lock);
    room = mailbox->filled < mailbox->capacity;
    if (room)
        mailbox->filling[mailbox->filled++] = *mail;
    uv_mutex_unlock(&mailbox->lock);
    if (room)
        CHECK(uv_async_send(&mailbox->wake) == 0);
    return room;
}

static void on_closed(uv_handle_t *handle)
{
    struct mailbox *mailbox = handle->data;
    void (*done)(void *ctx) = mailbox->done;
    void *ctx = mailbox->done_ctx;

    uv_mutex_destroy(&mailbox->lock);
    mailbox_free(mailbox);
    if (done != NULL)
        done(ctx);
}

void mailbox_close(struct mailbox *mailbox, void (*done)(void *ctx), void *ctx)
{
    CHECK(!mailbox->closing);
    mailbox->closing = true;
    mailbox->done = done;
    mailbox->done_ctx = ctx;
    uv_close((uv_handle_t *)&mailbox->wake, on_closed);
}
