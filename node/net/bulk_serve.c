/* Blobs for others: who may have what, one disk read after the other. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/bulk_impl.h"

/* What tells something of the way, and the pause in which it arrives. */
#define OUT_BYTES_MIN (256u * 1024)
#define OUT_QUIET_US  200000u

struct want {
    unsigned kind; /* BULK_GET_MANIFEST, _CHUNK or _PROBE */
    struct hash blob;
    uint32_t index;
};

struct served {
    struct bulk *bulk;
    struct served *next, **at;
    struct lane *lane; /* NULL when over */
    struct addr_ip ip;
    bool half_open;
    struct want queue[BULK_QUEUE_MAX];
    uint32_t head, count;
    uint32_t reads;
    uint64_t asked_us; /* when it last asked for something */
    /* What went out since the way was last told of. */
    uint64_t out_bytes;
    uint64_t out_us; /* the last of them */
    uint64_t segments, again;
};

struct read_job {
    struct bulk_job job;
    struct served *served;
    struct want want;
    struct buf manifest;
    uint8_t *chunk;
    uint32_t len;
    enum err err;
};

/* ---- the end ---- */

static void settle(struct served *served)
{
    if (served->half_open)
        guard_settled(served->bulk->guard, &served->ip);
    served->half_open = false;
}

/* The lane is gone; the rest goes with the next tick, after the last read. */
static void served_over(struct served *served)
{
    settle(served);
    served->lane = NULL;
    served->bulk->served_count--;
}

void served_reap(struct bulk *bulk)
{
    for (struct served *s = bulk->served, *next; s != NULL; s = next) {
        next = s->next;
        if (s->lane != NULL || s->reads > 0)
            continue;
        *s->at = s->next;
        if (s->next != NULL)
            s->next->at = s->at;
        free(s);
    }
}

static void served_end(struct served *served, enum err why)
{
    struct lane *lane = served->lane;

    served_over(served);
    lane_end(lane, why);
}

static void blame(struct served *served, enum err err)
{
    struct bulk *bulk = served->bulk;
    uint64_t now_ms = bulk_now_us() / 1000;

    (void)guard_score_node(bulk->guard, &lane_peer(served->lane)->id,
                           GUARD_BAN_SCORE, err_text(err), now_ms);
    note_say(&bulk->note, bulk_now_us() / 1000,
             "banned a peer that fetched: %s", err_text(err));
    served_end(served, err);
}

/* ---- permission ---- */

struct question {
    const struct bulk_config *config;
    const struct pubkey *peer;
    char own[BLOB_OWNER_MAX]; /* "peer:<hex>" */
};

static bool lets_in(void *ctx, const char *owner)
{
    const struct question *q = ctx;

    if (strcmp(owner, BLOB_OWNER_PUBLIC) == 0)
        return true;
    if (q->config->may_read != NULL)
        return q->config->may_read(q->config->ctx, q->peer, owner);
    return strcmp(owner, q->own) == 0;
}

static enum err may_read(const struct served *served, const struct hash *blob)
{
    const struct bulk *bulk = served->bulk;
    struct question q = {.config = &bulk->config,
                         .peer = &lane_peer(served->lane)->id};
    struct blob_info info;

    memcpy(q.own, "peer:", 5);
    hex_encode(bytes_make(q.peer->b, sizeof q.peer->b), q.own + 5);
    TRY(blob_store_info(bulk->config.store, blob, &info));
    return blob_store_any_owner(bulk->config.store, blob, lets_in, &q)
               ? OK
               : ERR_PERM;
}

/* ---- answers ---- */

static void answer(struct served *served, const struct bulk_message *message)
{
    struct buf text;
    enum err err;

    buf_init(&text, LIMIT_MESSAGE_BYTES);
    bulk_message_encode(message, &text);
    err = text.err;
    if (err == OK)
        err = lane_send(served->lane, BULK_FRAME, buf_bytes(&text));
    buf_done(&text);
    if (err != OK)
        served_end(served, err);
}

static void refuse(struct served *served, const struct want *want, enum err err)
{
    struct bulk_message m = {.kind = BULK_REFUSED,
                             .blob = want->blob,
                             .index = want->index,
                             .err = err};

    answer(served, &m);
}

static void count_out(struct served *served, uint64_t bytes)
{
    served->out_bytes += bytes;
    served->out_us = bulk_now_us();
}

static void answer_probe(struct served *served, const struct want *want)
{
    static const uint8_t filler[BULK_PROBE_BYTES];
    const struct bulk_config *config = &served->bulk->config;
    struct bulk_message m = {.kind = BULK_PROBE,
                             .blob = want->blob,
                             .index = want->index,
                             .data = BYTES_OF(filler)};

    if (config->may_probe == NULL ||
        !config->may_probe(config->ctx, &lane_peer(served->lane)->id,
                           sizeof filler)) {
        refuse(served, want, ERR_RATE);
        return;
    }
    count_out(served, sizeof filler);
    answer(served, &m);
}

static void answer_read(struct served *served, const struct read_job *read)
{
    struct bulk *bulk = served->bulk;
    struct bulk_message m = {.blob = read->want.blob,
                             .index = read->want.index};

    if (read->want.kind == BULK_GET_MANIFEST) {
        m.kind = BULK_MANIFEST;
        m.data = buf_bytes(&read->manifest);
    } else {
        m.kind = BULK_CHUNK;
        m.data = bytes_make(read->chunk, read->len);
        bulk->stats.served_chunks++;
        bulk->stats.served_bytes += read->len;
        count_out(served, read->len);
    }
    answer(served, &m);
}

/* ---- reads ---- */

static void read_run(struct bulk_job *job)
{
    struct read_job *read = (struct read_job *)job;
    struct blob_store *store = job->bulk->config.store;

    if (read->want.kind == BULK_GET_MANIFEST)
        read->err =
            blob_store_manifest(store, &read->want.blob, &read->manifest);
    else
        read->err = blob_store_get_chunk(
            store, &read->want.blob, read->want.index, read->chunk, &read->len);
}

static void read_free(struct read_job *read)
{
    buf_done(&read->manifest);
    free(read->chunk);
    free(read);
}

static void serve_next(struct served *served);

static void read_after(struct bulk_job *job)
{
    struct read_job *read = (struct read_job *)job;
    struct served *served = read->served;

    served->reads--;
    if (served->lane != NULL && read->err == OK)
        answer_read(served, read);
    else if (served->lane != NULL)
        refuse(served, &read->want, read->err);
    read_free(read);
    serve_next(served);
}

static enum err read_start(struct served *served, const struct want *want)
{
    struct read_job *read;
    enum err err;

    TRY(may_read(served, &want->blob));
    read = calloc(1, sizeof *read);
    if (read == NULL)
        return ERR_NOMEM;
    read->served = served;
    read->want = *want;
    buf_init(&read->manifest, BLOB_MANIFEST_MAX);
    err = ERR_NOMEM;
    if (want->kind == BULK_GET_CHUNK)
        read->chunk = malloc(BLOB_CHUNK_BYTES);
    if (want->kind == BULK_GET_MANIFEST || read->chunk != NULL)
        err = bulk_job_start(served->bulk, &read->job, read_run, read_after);
    if (err != OK) {
        read_free(read);
        return err;
    }
    served->reads++;
    return OK;
}

/* Reads on as long as the client takes what was read. */
static void serve_next(struct served *served)
{
    while (served->lane != NULL && served->count > 0 &&
           served->reads < BULK_READS_MAX &&
           lane_waiting(served->lane) < BULK_WINDOW) {
        struct want want = served->queue[served->head];
        enum err err;

        served->head = (served->head + 1) % BULK_QUEUE_MAX;
        served->count--;
        err = OK;
        if (want.kind == BULK_GET_PROBE)
            answer_probe(served, &want);
        else
            err = read_start(served, &want);
        if (err != OK)
            refuse(served, &want, err);
    }
    if (served->lane != NULL)
        lane_flush(served->lane);
}

/* ---- events ---- */

static void on_up(void *ctx, const struct channel_identity *peer)
{
    struct served *served = ctx;

    (void)peer;
    settle(served);
    served->asked_us = bulk_now_us();
}

static void on_frame(void *ctx, uint8_t type, struct bytes payload)
{
    struct served *served = ctx;
    struct bulk_message m;
    enum err err = type == BULK_FRAME ? OK : ERR_KIND;
    uint32_t tail;

    if (err == OK)
        err = bulk_message_decode(payload, &m);
    if (err == OK && m.kind != BULK_GET_MANIFEST && m.kind != BULK_GET_CHUNK &&
        m.kind != BULK_GET_PROBE)
        err = ERR_KIND;
    if (err == OK && served->count >= BULK_QUEUE_MAX)
        err = ERR_RATE;
    if (err != OK) {
        blame(served, err);
        return;
    }
    served->asked_us = bulk_now_us();
    tail = (served->head + served->count++) % BULK_QUEUE_MAX;
    served->queue[tail] = (struct want){m.kind, m.blob, m.index};
    serve_next(served);
}

static void on_drained(void *ctx)
{
    serve_next(ctx);
}

static void on_over(void *ctx, enum err err, bool by_peer)
{
    struct served *served = ctx;
    struct bulk *bulk = served->bulk;
    uint64_t now_ms = bulk_now_us() / 1000;
    bool was_open = served->half_open;

    if (!by_peer && !was_open && bulk_is_offence(err))
        (void)guard_score_node(bulk->guard, &lane_peer(served->lane)->id,
                               GUARD_BAN_SCORE, err_text(err), now_ms);
    else if (!by_peer && was_open && err != ERR_CLOSED && err != ERR_NET)
        (void)guard_score_ip(bulk->guard, &served->ip, 20, err_text(err),
                             now_ms);
    served_over(served);
}

static enum err admit(void *ctx, const struct channel_identity *peer)
{
    struct served *served = ctx;
    struct bulk *bulk = served->bulk;
    uint32_t count = 0;

    TRY(guard_check_node(bulk->guard, &peer->id, bulk_now_us() / 1000));
    for (struct served *s = bulk->served; s != NULL; s = s->next)
        count += s != served && s->lane != NULL && lane_is_up(s->lane) &&
                 pubkey_equal(&lane_peer(s->lane)->id, &peer->id);
    return count >= BULK_SERVED_PER_NODE ? ERR_RATE : OK;
}

/* ---- the beginning ---- */

static enum err open_lane(struct served *served)
{
    static const struct lane_events events = {on_up, on_frame, on_drained,
                                              on_over, bulk_lane_gone};
    struct bulk *bulk = served->bulk;
    struct channel_config config;
    uint16_t port;

    net_channel_config(bulk->config.net, &config);
    config.lane = CHANNEL_LANE_BULK;
    config.admit = admit;
    config.ctx = served;
    if (lane_new(bulk->loop, &config, &events, bulk, &served->lane) != OK) {
        bulk->accept_waits = true;
        return ERR_NOMEM;
    }
    bulk->lanes++;
    TRY(lane_accept(served->lane, &bulk->listener));
    lane_remote(served->lane, &served->ip, &port);
    TRY(guard_accept(bulk->guard, &served->ip, bulk_now_us() / 1000));
    served->half_open = true;
    return bulk->served_count > BULK_SERVED_MAX ? ERR_RATE : OK;
}

void served_accept(struct bulk *bulk)
{
    struct served *served = calloc(1, sizeof *served);
    enum err err;

    bulk->accept_waits = served == NULL; /* until it is taken none follows */
    if (served == NULL)
        return;
    served->bulk = bulk;
    served->next = bulk->served;
    served->at = &bulk->served;
    if (served->next != NULL)
        served->next->at = &served->next;
    bulk->served = served;
    bulk->served_count++;
    err = open_lane(served);
    if (err == OK)
        return;
    note_say(&bulk->note, bulk_now_us() / 1000,
             "refused a connection for blobs: %s", err_text(err));
    served_end(served, err);
}

/* When much has gone out and arrived, the system knows how fast it was. */
static void tell_out(struct served *served, uint64_t now_us)
{
    struct bulk_volume v = {.out = true};
    struct road road;

    if (served->out_bytes < OUT_BYTES_MIN ||
        now_us < served->out_us + OUT_QUIET_US ||
        lane_waiting(served->lane) > 0 || !lane_is_up(served->lane))
        return;
    served->out_bytes = 0;
    if (!lane_road(served->lane, &road))
        return;
    v.peer = lane_peer(served->lane)->id;
    v.kbps = road.kbps;
    v.full = !road.idle;
    v.sent = road.segments - served->segments;
    v.again = road.again - served->again;
    served->segments = road.segments;
    served->again = road.again;
    bulk_tell(served->bulk, &v);
}

void served_tick(struct bulk *bulk, uint64_t now_us)
{
    for (struct served *s = bulk->served; s != NULL; s = s->next) {
        if (s->lane == NULL)
            continue;
        tell_out(s, now_us);
        if (!s->half_open && s->count + s->reads == 0 &&
            lane_waiting(s->lane) == 0 &&
            now_us > s->asked_us + 3 * (uint64_t)BULK_IDLE_US)
            served_end(s, OK);
        else
            lane_tick(s->lane, now_us);
    }
}

void served_close_all(struct bulk *bulk)
{
    for (struct served *s = bulk->served; s != NULL; s = s->next)
        if (s->lane != NULL)
            served_end(s, OK);
}
