/* The connection that fetches from one peer share. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/bulk_impl.h"

/* What tells something of the way. */
#define RUN_BYTES_MIN (1024u * 1024)

/* ---- asking ---- */

static struct asked *asked_free(struct source *source)
{
    for (size_t i = 0; i < BULK_ASKED_MAX; i++)
        if (!source->asked[i].open)
            return &source->asked[i];
    return NULL;
}

static bool any_asked(const struct source *source)
{
    for (size_t i = 0; i < BULK_ASKED_MAX; i++)
        if (source->asked[i].open)
            return true;
    return false;
}

bool source_has_room(const struct source *source, uint32_t credit)
{
    size_t open = 0;

    for (size_t i = 0; i < BULK_ASKED_MAX; i++)
        open += source->asked[i].open;
    return source->lane != NULL && lane_is_up(source->lane) &&
           open < BULK_ASKED_MAX && source->credit + credit <= BULK_WINDOW;
}

void source_ask(struct source *source, struct pull *pull, uint32_t index,
                uint32_t credit)
{
    bool whole = index == BULK_WHOLE;
    struct bulk_message m = {.kind = whole ? BULK_GET_MANIFEST : BULK_GET_CHUNK,
                             .blob = pull->id,
                             .index = index};
    struct asked *asked = asked_free(source);
    struct buf text;

    CHECK(asked != NULL && source_has_room(source, credit));
    if (!any_asked(source)) {
        source->heard_us = source->run_us = bulk_now_us();
        source->run_bytes = 0;
    }
    *asked = (struct asked){true, pull, pull->id, index, credit};
    source->credit += credit;
    buf_init(&text, LIMIT_MESSAGE_BYTES);
    bulk_message_encode(&m, &text);
    /* If it cannot be queued, the stall is noticed and the rest follows. */
    if (text.err == OK)
        (void)!lane_send(source->lane, BULK_FRAME, buf_bytes(&text));
    buf_done(&text);
}

void source_credit(struct source *source, uint32_t credit, bool progress)
{
    CHECK(source->credit >= credit);
    source->credit -= credit;
    if (progress)
        source->tries = 0;
}

void source_forget(struct source *source, const struct pull *pull)
{
    for (size_t i = 0; i < BULK_ASKED_MAX; i++)
        if (source->asked[i].pull == pull)
            source->asked[i].pull = NULL;
}

/* One after the other, so that all fetches get their share. */
void source_pump(struct source *source)
{
    bool asked = true;

    if (source->bulk->closing)
        return;
    while (asked) {
        asked = false;
        for (struct bulk_fetch *f = source->bulk->fetches; f; f = f->next) {
            if (f->source != source)
                continue;
            for (struct pull *p = f->pulls; p != NULL; p = p->next)
                asked |= pull_step(p);
        }
    }
    if (source->lane != NULL)
        lane_flush(source->lane);
}

/* ---- when it breaks ---- */

/* What another try does not change. */
static bool is_final(enum err err)
{
    return err == ERR_PEER_ID || err == ERR_CHAIN || err == ERR_VERSION ||
           err == ERR_BANNED || err == ERR_KIND || err == ERR_SIGNATURE ||
           err == ERR_EXPIRED || err == ERR_HANDSHAKE || err == ERR_PARSE ||
           err == ERR_DECRYPT;
}

static void fail_all(struct source *source, enum err err)
{
    for (struct bulk_fetch *f = source->bulk->fetches; f != NULL; f = f->next)
        if (f->source == source)
            fetch_fail(f, err);
}

static void lose_all(struct source *source)
{
    for (size_t i = 0; i < BULK_ASKED_MAX; i++) {
        struct asked asked = source->asked[i];

        if (!asked.open)
            continue;
        source->asked[i] = (struct asked){0};
        source->credit -= asked.credit;
        if (asked.pull != NULL)
            pull_on_lost(asked.pull);
    }
}

/* The lane is gone. */
static void source_broke(struct source *source, enum err err)
{
    uint64_t wait_us = 250000;

    source->lane = NULL;
    lose_all(source);
    for (unsigned i = 0; i < source->tries && wait_us < 8000000; i++)
        wait_us *= 2;
    source->next_us = bulk_now_us() + wait_us;
    if (is_final(err) || ++source->tries >= BULK_TRIES_MAX)
        fail_all(source, err == ERR_CLOSED ? ERR_NET : err);
}

static void source_end(struct source *source, enum err why)
{
    struct lane *lane = source->lane;

    if (lane == NULL)
        return;
    source->lane = NULL;
    lane_end(lane, why);
    source_broke(source, why == OK ? ERR_CLOSED : why);
}

void source_blame(struct source *source, enum err err, const char *why)
{
    (void)guard_score_node(source->bulk->guard, &source->peer, GUARD_BAN_SCORE,
                           why, bulk_now_us() / 1000);
    note_say(&source->bulk->note, bulk_now_us() / 1000, "banned %s: %s",
             source->addr, why);
    fail_all(source, ERR_BLOB);
    source_end(source, err);
}

/* ---- answers ---- */

/* The request that a message answers; closed, its credit is the caller's. */
static bool take_asked(struct source *source, const struct bulk_message *m,
                       struct asked *out)
{
    for (size_t i = 0; i < BULK_ASKED_MAX; i++) {
        struct asked *a = &source->asked[i];

        if (!a->open || a->index != m->index || !hash_equal(&a->blob, &m->blob))
            continue;
        *out = *a;
        *a = (struct asked){0};
        return true;
    }
    return false;
}

static void deal_with(struct source *source, const struct bulk_message *m,
                      const struct asked *asked)
{
    if (asked->pull == NULL || m->kind == BULK_REFUSED)
        source_credit(source, asked->credit, false);
    if (asked->pull == NULL)
        return;
    if (m->kind == BULK_REFUSED)
        pull_on_refused(asked->pull, m->err);
    else if (m->kind == BULK_MANIFEST)
        pull_on_manifest(asked->pull, m->data, asked->credit);
    else
        pull_on_chunk(asked->pull, m->index, m->data, asked->credit);
}

/* A run of questions has ended. Disks and the window may have set its pace. */
static void tell_run(struct source *source)
{
    struct bulk_volume v = {.peer = source->peer};

    if (source->run_bytes >= RUN_BYTES_MIN) {
        v.kbps =
            bulk_kbps(source->run_bytes, source->heard_us - source->run_us);
        bulk_tell(source->bulk, &v);
    }
    source->run_bytes = 0;
}

static void on_frame(void *ctx, uint8_t type, struct bytes payload)
{
    struct source *source = ctx;
    struct bulk_message m;
    struct asked asked;
    enum err err = type == BULK_FRAME ? OK : ERR_KIND;

    if (err == OK)
        err = bulk_message_decode(payload, &m);
    if (err == OK && m.kind != BULK_MANIFEST && m.kind != BULK_CHUNK &&
        m.kind != BULK_REFUSED)
        err = ERR_KIND;
    if (err == OK && !take_asked(source, &m, &asked))
        err = ERR_KIND; /* nobody asked for it */
    if (err != OK) {
        source_blame(source, err, "sent what nobody asked for");
        return;
    }
    source->heard_us = bulk_now_us();
    if (m.kind == BULK_CHUNK)
        source->run_bytes += m.data.len;
    deal_with(source, &m, &asked);
    if (source->lane != NULL)
        source_pump(source);
    if (!any_asked(source))
        tell_run(source);
}

static void on_up(void *ctx, const struct channel_identity *peer)
{
    struct source *source = ctx;

    (void)peer;
    source->heard_us = bulk_now_us();
    source_pump(source);
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void on_over(void *ctx, enum err err, bool by_peer)
{
    struct source *source = ctx;

    if (!by_peer && bulk_is_offence(err))
        (void)guard_score_node(source->bulk->guard, &source->peer,
                               GUARD_BAN_SCORE, err_text(err),
                               bulk_now_us() / 1000);
    if (err != ERR_CLOSED)
        note_say(&source->bulk->note, bulk_now_us() / 1000,
                 "fetching from %s: %s%s", source->addr, err_text(err),
                 by_peer ? " (says the peer)" : "");
    source_broke(source, err);
}

/* ---- connecting ---- */

static enum err connect_lane(struct source *source)
{
    static const struct lane_events events = {on_up, on_frame, on_drained,
                                              on_over, bulk_lane_gone};
    struct bulk *bulk = source->bulk;
    struct channel_config config;
    struct lane *lane;
    enum err err;

    TRY(guard_check_node(bulk->guard, &source->peer, bulk_now_us() / 1000));
    net_channel_config(bulk->config.net, &config);
    config.lane = CHANNEL_LANE_BULK;
    config.initiator = true;
    config.expected = &source->peer;
    config.ctx = source;
    TRY(lane_new(bulk->loop, &config, &events, bulk, &lane));
    bulk->lanes++;
    err = lane_connect(lane, source->addr);
    if (err != OK) {
        lane_end(lane, err);
        return err;
    }
    source->lane = lane;
    source->heard_us = bulk_now_us();
    return OK;
}

static bool is_wanted(const struct source *source)
{
    for (struct bulk_fetch *f = source->bulk->fetches; f != NULL; f = f->next)
        if (f->source == source && !f->ended && !f->finished)
            return true;
    return false;
}

static void check_stall(struct source *source, uint64_t now_us)
{
    uint64_t silent_us = now_us - source->heard_us;
    bool up = lane_is_up(source->lane);

    if ((!up && silent_us > BULK_CONNECT_US) ||
        (up && any_asked(source) && silent_us > BULK_STALL_MS * 1000ull))
        source_end(source, ERR_TIMEOUT);
    else
        lane_tick(source->lane, now_us);
}

static void source_tick(struct source *source, uint64_t now_us)
{
    enum err err;

    if (!is_wanted(source)) {
        /* It may have been left in this very turn: after now_us. */
        if (source->lane != NULL && now_us > source->idle_us + BULK_IDLE_US)
            source_end(source, OK);
        else if (source->lane != NULL)
            lane_tick(source->lane, now_us);
        return;
    }
    source->idle_us = now_us;
    if (source->lane != NULL) {
        check_stall(source, now_us);
    } else if (now_us >= source->next_us) {
        err = connect_lane(source);
        if (err != OK)
            source_broke(source, err);
    }
}

/* ---- life ---- */

enum err source_get(struct bulk *bulk, const char *addr,
                    const struct pubkey *peer, struct source **out)
{
    struct source *source = bulk->sources;

    while (source != NULL && (strcmp(source->addr, addr) != 0 ||
                              !pubkey_equal(&source->peer, peer)))
        source = source->next;
    if (source == NULL) {
        source = calloc(1, sizeof *source);
        if (source == NULL)
            return ERR_NOMEM;
        source->bulk = bulk;
        source->peer = *peer;
        snprintf(source->addr, sizeof source->addr, "%s", addr);
        source->next = bulk->sources;
        bulk->sources = source;
    }
    source->users++;
    *out = source;
    return OK;
}

void source_leave(struct source *source)
{
    CHECK(source->users > 0);
    if (--source->users == 0)
        source->idle_us = bulk_now_us();
}

void source_tick_all(struct bulk *bulk, uint64_t now_us)
{
    for (struct source *s = bulk->sources; s != NULL; s = s->next)
        source_tick(s, now_us);
}

void source_close_all(struct bulk *bulk)
{
    for (struct source *s = bulk->sources; s != NULL; s = s->next)
        source_end(s, OK);
}

void source_reap(struct bulk *bulk)
{
    struct source **at = &bulk->sources;

    while (*at != NULL) {
        struct source *source = *at;

        if (source->users > 0 || source->lane != NULL) {
            at = &source->next;
            continue;
        }
        *at = source->next;
        free(source);
    }
}
