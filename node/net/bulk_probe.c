/* Measuring the way to a peer: filler over a connection of its own, once all
 * is asked for nothing but the way sets the pace. */

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "node/net/bulk_impl.h"

#define STAY_US 600000u

struct probe {
    struct bulk *bulk;
    struct lane *lane;
    struct pubkey peer;
    struct hash nonce;
    uint32_t pieces;
    uint32_t got;
    uint64_t half_us; /* when half of them were here */
    uint64_t last_us; /* when all were; 0: not yet */
    uint64_t until_us;
    void (*on_done)(void *ctx, const struct pubkey *peer, enum err err);
};

uint64_t bulk_kbps(uint64_t bytes, uint64_t us)
{
    return bytes * 8000 / (us > 0 ? us : 1);
}

void bulk_tell(struct bulk *bulk, const struct bulk_volume *volume)
{
    if (bulk->config.on_volume != NULL && !bulk->closing)
        bulk->config.on_volume(bulk->config.ctx, volume);
}

/* ---- the end ---- */

/* The lane is over or is ended before. */
static void probe_done(struct probe *probe, enum err err)
{
    struct bulk *bulk = probe->bulk;
    struct bulk_volume v = {.peer = probe->peer, .full = true};
    uint32_t second = probe->pieces - probe->pieces / 2;

    CHECK(bulk->probe == probe);
    bulk->probe = NULL;
    v.probed = (uint64_t)probe->got * BULK_PROBE_BYTES;
    if (err == OK)
        v.kbps = bulk_kbps((uint64_t)second * BULK_PROBE_BYTES,
                           probe->last_us - probe->half_us);
    if (probe->on_done != NULL && !bulk->closing)
        probe->on_done(bulk->config.ctx, &probe->peer, err);
    if (v.probed > 0)
        bulk_tell(bulk, &v);
    free(probe);
}

static void probe_end(struct probe *probe, enum err err)
{
    lane_end(probe->lane, err == ERR_RATE ? OK : err);
    probe_done(probe, err);
}

/* ---- events ---- */

static void on_up(void *ctx, const struct channel_identity *peer)
{
    struct probe *probe = ctx;

    (void)peer;
    for (uint32_t i = 0; i < probe->pieces; i++) {
        struct bulk_message m = {
            .kind = BULK_GET_PROBE, .blob = probe->nonce, .index = i};
        struct buf text;

        buf_init(&text, LIMIT_MESSAGE_BYTES);
        bulk_message_encode(&m, &text);
        if (text.err == OK) /* what is not queued is missed at the end */
            (void)!lane_send(probe->lane, BULK_FRAME, buf_bytes(&text));
        buf_done(&text);
    }
}

/* A peer that sends what it must not loses nothing but our interest. */
static void on_frame(void *ctx, uint8_t type, struct bytes payload)
{
    struct probe *probe = ctx;
    struct bulk_message m;
    enum err err = type == BULK_FRAME ? OK : ERR_KIND;

    if (err == OK)
        err = bulk_message_decode(payload, &m);
    if (err == OK && m.kind != BULK_PROBE && m.kind != BULK_REFUSED)
        err = ERR_KIND;
    if (err == OK && !hash_equal(&m.blob, &probe->nonce))
        err = ERR_KIND;
    if (err == OK && m.kind == BULK_REFUSED)
        err = m.err;
    if (err == OK && (m.index != probe->got || probe->got == probe->pieces))
        err = ERR_RANGE; /* they come in order, each once */
    if (err != OK) {
        probe_end(probe, err);
        return;
    }
    probe->got++;
    if (probe->got == probe->pieces / 2)
        probe->half_us = bulk_now_us();
    if (probe->got == probe->pieces) {
        /* The connection stays a little: the peer reads its own end. */
        probe->last_us = bulk_now_us();
        probe->until_us = probe->last_us + STAY_US;
    }
}

static void on_drained(void *ctx)
{
    (void)ctx;
}

static void on_over(void *ctx, enum err err, bool by_peer)
{
    struct probe *probe = ctx;

    (void)by_peer;
    if (probe->last_us > 0)
        err = OK;
    else if (err == OK)
        err = ERR_CLOSED;
    probe_done(probe, err);
}

/* ---- the beginning ---- */

static enum err connect_lane(struct probe *probe, const char *addr)
{
    static const struct lane_events events = {on_up, on_frame, on_drained,
                                              on_over, bulk_lane_gone};
    struct bulk *bulk = probe->bulk;
    struct channel_config config;
    enum err err;

    TRY(guard_check_node(bulk->guard, &probe->peer, bulk_now_us() / 1000));
    net_channel_config(bulk->config.net, &config);
    config.lane = CHANNEL_LANE_BULK;
    config.initiator = true;
    config.expected = &probe->peer;
    config.ctx = probe;
    TRY(lane_new(bulk->loop, &config, &events, bulk, &probe->lane));
    bulk->lanes++;
    err = lane_connect(probe->lane, addr);
    if (err != OK)
        lane_end(probe->lane, err);
    return err;
}

enum err bulk_probe(struct bulk *bulk, const char *addr,
                    const struct pubkey *peer, uint64_t bytes,
                    void (*on_done)(void *ctx, const struct pubkey *peer,
                                    enum err err))
{
    struct probe *probe;
    uint64_t pieces = bytes / BULK_PROBE_BYTES;
    enum err err;

    CHECK(!bulk->closing);
    if (bulk->probe != NULL)
        return ERR_BUSY;
    probe = calloc(1, sizeof *probe);
    if (probe == NULL)
        return ERR_NOMEM;
    probe->bulk = bulk;
    probe->peer = *peer;
    probe->on_done = on_done;
    /* A server bans whoever has more questions open than it queues. */
    probe->pieces = pieces < 2                ? 2
                    : pieces > BULK_QUEUE_MAX ? BULK_QUEUE_MAX
                                              : (uint32_t)pieces;
    probe->until_us = bulk_now_us() + BULK_PROBE_MS * 1000ull;
    randombytes_buf(probe->nonce.b, sizeof probe->nonce.b);
    err = connect_lane(probe, addr);
    if (err != OK) {
        free(probe);
        return err;
    }
    bulk->probe = probe;
    return OK;
}

void probe_tick(struct bulk *bulk, uint64_t now_us)
{
    if (bulk->probe == NULL)
        return;
    if (now_us >= bulk->probe->until_us)
        probe_end(bulk->probe, bulk->probe->last_us > 0 ? OK : ERR_TIMEOUT);
    else
        lane_tick(bulk->probe->lane, now_us);
}

void probe_close(struct bulk *bulk)
{
    if (bulk->probe != NULL)
        probe_end(bulk->probe, OK);
}
