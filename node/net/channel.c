#include "node/net/channel.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/net/channel_impl.h"

enum {
    REKEY_SLACK = 1024,  /* pongs that may go out before the tick sees it */
    RX_KEEP = 64 * 1024, /* a larger frame's memory is given back */
    OUT_MAX = 8 * 1024 * 1024, /* default cap on waiting bytes */
    EARLY_PINGS = 4,           /* for a first idea of the round trip */
    EARLY_PING_US = 250 * 1000
};

_Static_assert(LIMIT_MESSAGE_BYTES + 1 + NOISE_TAG_LEN <= LIMIT_FRAME_BYTES,
               "a message fits a frame");

/* ---- frames out ---- */

static void rollback(struct buf *out, size_t len)
{
    out->len = len;
    out->err = OK;
}

/* Appends length, sealed type and payload. */
static enum err put_frame(struct channel *ch, uint8_t type,
                          struct bytes payload)
{
    static const uint8_t tag[NOISE_TAG_LEN];
    uint8_t head[CHANNEL_HEAD_LEN];
    size_t start = ch->out.len;
    uint8_t *at;
    enum err err;

    CHECK(payload.len <= LIMIT_MESSAGE_BYTES);
    u32be_put(head, (uint32_t)(1 + payload.len + NOISE_TAG_LEN));
    buf_add(&ch->out, BYTES_OF(head));
    buf_add_u8(&ch->out, type);
    buf_add(&ch->out, payload);
    buf_add(&ch->out, BYTES_OF(tag));
    err = ch->out.err;
    if (err == OK) {
        at = ch->out.ptr + start + CHANNEL_HEAD_LEN;
        err = noise_seal(&ch->tx, (struct bytes){0},
                         bytes_make(at, 1 + payload.len), at);
    }
    if (err != OK) {
        rollback(&ch->out, start);
        return err == ERR_TOO_LARGE ? ERR_SLOW : err;
    }
    ch->tx_frames++;
    ch->stats.frames_out++;
    ch->stats.bytes_out += ch->out.len - start;
    return OK;
}

/* The REKEY frame is the last one under the old key. */
static enum err rekey_if_due(struct channel *ch, uint64_t now_us)
{
    if (ch->tx_frames + 1 < ch->config.rekey_frames &&
        now_us - ch->tx_key_us < CHANNEL_REKEY_US)
        return OK;
    TRY(put_frame(ch, CHANNEL_TYPE_REKEY, (struct bytes){0}));
    noise_rekey(&ch->tx);
    ch->tx_frames = 0;
    ch->tx_key_us = now_us;
    return OK;
}

enum err channel_send(struct channel *ch, uint8_t type, struct bytes payload)
{
    CHECK(type >= CHANNEL_TYPE_APP);
    if (ch->state == CHANNEL_OVER)
        return ERR_CLOSED;
    CHECK(ch->state == CHANNEL_UP);
    if (payload.len > LIMIT_MESSAGE_BYTES)
        return ERR_TOO_LARGE;
    TRY(put_frame(ch, type, payload));
    /* Time is looked at by the tick; here only the count can be due. */
    return rekey_if_due(ch, ch->tx_key_us);
}

static void put_close(struct channel *ch, enum err why)
{
    uint8_t code[2] = {(uint8_t)((unsigned)why & 0xff),
                       (uint8_t)((unsigned)why >> 8)};

    if (ch->state == CHANNEL_UP) /* best effort: the stream ends either way */
        (void)!put_frame(ch, CHANNEL_TYPE_CLOSE, BYTES_OF(code));
}

void channel_put_plain(struct channel *ch, struct bytes message)
{
    uint8_t head[CHANNEL_HEAD_LEN];

    u32be_put(head, (uint32_t)message.len);
    buf_add(&ch->out, BYTES_OF(head));
    buf_add(&ch->out, message);
    ch->stats.bytes_out += CHANNEL_HEAD_LEN + message.len;
}

/* ---- events ---- */

static void set_none(struct channel_event *ev)
{
    memset(ev, 0, sizeof *ev);
}

void channel_over(struct channel *ch, enum err err, bool by_peer,
                  struct channel_event *ev)
{
    CHECK(ch->state != CHANNEL_OVER && err != OK);
    ch->state = CHANNEL_OVER;
    noise_done(&ch->noise);
    noise_cipher_done(&ch->rx);
    noise_cipher_done(&ch->tx);
    set_none(ev);
    ev->kind = CHANNEL_EVENT_OVER;
    ev->err = err;
    ev->by_peer = by_peer;
}

void channel_refuse(struct channel *ch, enum err err, struct channel_event *ev)
{
    put_close(ch, err);
    channel_over(ch, err, false, ev);
}

/* ---- sealed frames in ---- */

static enum err on_ping(struct channel *ch, struct bytes payload,
                        uint64_t now_us)
{
    if (payload.len != CHANNEL_PING_LEN)
        return ERR_RANGE;
    if (now_us - ch->pings_since_us > CHANNEL_IDLE_US) {
        ch->pings_since_us = now_us;
        ch->pings = 0;
    }
    if (++ch->pings > CHANNEL_PINGS_MAX)
        return ERR_RATE;
    return put_frame(ch, CHANNEL_TYPE_PONG, payload);
}

static enum err on_pong(struct channel *ch, struct bytes payload,
                        uint64_t now_us)
{
    uint64_t us;
    uint32_t rtt;

    if (payload.len != CHANNEL_PING_LEN)
        return ERR_RANGE;
    if (!ch->ping_open || memcmp(payload.ptr, ch->ping, CHANNEL_PING_LEN) != 0)
        return OK; /* an answer to an older one */
    ch->ping_open = false;
    us = now_us - ch->ping_us;
    rtt = us < 1 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
    ch->stats.rtt_last_us = rtt;
    ch->stats.pongs++;
    if (ch->stats.rtt_us == 0) {
        ch->stats.rtt_us = ch->stats.rtt_min_us = rtt;
        return OK;
    }
    if (rtt < ch->stats.rtt_min_us)
        ch->stats.rtt_min_us = rtt;
    ch->stats.rtt_us =
        (uint32_t)(((uint64_t)ch->stats.rtt_us * 7 + rtt + 4) / 8);
    return OK;
}

static enum err on_rekey(struct channel *ch, struct bytes payload)
{
    if (payload.len != 0)
        return ERR_RANGE;
    noise_rekey(&ch->rx);
    ch->rx_frames = 0;
    return OK;
}

static void on_close(struct channel *ch, struct bytes payload,
                     struct channel_event *ev)
{
    unsigned code;
    enum err err = ERR_CLOSED;

    if (payload.len == 2) {
        code = (unsigned)payload.ptr[1] << 8 | payload.ptr[0];
        if (code != 0 && strcmp(err_name((enum err)code), "ERR_?") != 0)
            err = (enum err)code;
    }
    channel_over(ch, err, true, ev);
}

static void on_frame(struct channel *ch, uint8_t type, struct bytes payload,
                     uint64_t now_us, struct channel_event *ev)
{
    enum err err = ERR_KIND;

    if (type >= CHANNEL_TYPE_APP) {
        ev->kind = CHANNEL_EVENT_FRAME;
        ev->type = type;
        ev->payload = payload;
        return;
    }
    if (type == CHANNEL_TYPE_CLOSE) {
        on_close(ch, payload, ev);
        return;
    }
    if (type == CHANNEL_TYPE_PING)
        err = on_ping(ch, payload, now_us);
    else if (type == CHANNEL_TYPE_PONG)
        err = on_pong(ch, payload, now_us);
    else if (type == CHANNEL_TYPE_REKEY)
        err = on_rekey(ch, payload);
    if (err != OK)
        channel_refuse(ch, err, ev);
}

static void on_sealed(struct channel *ch, uint64_t now_us,
                      struct channel_event *ev)
{
    uint8_t *text = ch->in.ptr;
    size_t len = ch->in.len;
    enum err err;

    CHECK(len > NOISE_TAG_LEN);
    err = noise_open(&ch->rx, (struct bytes){0}, bytes_make(text, len), text);
    if (err == OK && ch->rx_frames >= CHANNEL_REKEY_FRAMES)
        err = ERR_RATE; /* the peer has to change its key by now */
    if (err != OK) {
        channel_refuse(ch, err, ev);
        return;
    }
    ch->rx_frames++;
    ch->stats.frames_in++;
    ch->heard_us = now_us;
    on_frame(ch, text[0], bytes_make(text + 1, len - NOISE_TAG_LEN - 1), now_us,
             ev);
}

/* ---- bytes in ---- */

static size_t move(struct bytes *in, size_t max)
{
    size_t n = in->len < max ? in->len : max;

    *in = bytes_make(n > 0 ? in->ptr + n : in->ptr, in->len - n);
    return n;
}

/* OK when the length may be believed: the cap holds before memory is used. */
static enum err check_length(const struct channel *ch)
{
    if (ch->state == CHANNEL_UP) {
        if (ch->want > LIMIT_FRAME_BYTES)
            return ERR_TOO_LARGE;
        return ch->want <= NOISE_TAG_LEN ? ERR_TRUNCATED : OK;
    }
    if (ch->want > LIMIT_FRAME_PREAUTH)
        return ERR_TOO_LARGE;
    return ch->want < CHANNEL_HINT_LEN ? ERR_TRUNCATED : OK;
}

static enum err take_head(struct channel *ch, struct bytes *in)
{
    const uint8_t *from = in->ptr;
    size_t n = move(in, CHANNEL_HEAD_LEN - ch->head_len);

    memcpy(ch->head + ch->head_len, from, n);
    ch->head_len += n;
    if (ch->head_len < CHANNEL_HEAD_LEN)
        return OK;
    ch->want = u32be_get(ch->head);
    return check_length(ch);
}

/* A frame was handled: make room for the next one. */
static void forget_frame(struct channel *ch)
{
    size_t cap_max = ch->in.cap_max;

    if (ch->in.cap > RX_KEEP) {
        buf_done(&ch->in);
        buf_init(&ch->in, cap_max);
    }
    buf_clear(&ch->in);
    ch->head_len = 0;
}

/* Whether a frame is complete in ch->in. Memory grows with what has come, not
 * with what was announced. */
static bool gather(struct channel *ch, struct bytes *in, enum err *out_err)
{
    const uint8_t *from;
    size_t n;

    *out_err = OK;
    if (ch->head_len < CHANNEL_HEAD_LEN) {
        *out_err = take_head(ch, in);
        if (*out_err != OK || ch->head_len < CHANNEL_HEAD_LEN)
            return false;
    }
    from = in->ptr;
    n = move(in, ch->want - ch->in.len);
    buf_add(&ch->in, bytes_make(from, n));
    *out_err = ch->in.err;
    return *out_err == OK && ch->in.len == ch->want;
}

void channel_step(struct channel *ch, struct bytes *in, uint64_t now_us,
                  struct channel_event *ev)
{
    size_t before = in->len;
    enum err err = OK;

    set_none(ev);
    if (ch->head_len == CHANNEL_HEAD_LEN && ch->in.len == ch->want)
        forget_frame(ch); /* the one lent by the last call */
    while (ev->kind == CHANNEL_EVENT_NONE && ch->state != CHANNEL_OVER &&
           in->len > 0) {
        if (!gather(ch, in, &err)) {
            if (err != OK)
                channel_refuse(ch, err, ev);
            continue;
        }
        if (ch->state == CHANNEL_OPENING)
            channel_on_opening(ch, buf_bytes(&ch->in), now_us, ev);
        else
            on_sealed(ch, now_us, ev);
        if (ev->kind != CHANNEL_EVENT_FRAME)
            forget_frame(ch);
    }
    ch->stats.bytes_in += before - in->len;
    if (ch->state == CHANNEL_OVER)
        *in = (struct bytes){0}; /* nobody will read the rest */
}

/* ---- time ---- */

static enum err ping_if_due(struct channel *ch, uint64_t now_us)
{
    if (now_us < ch->ping_due_us)
        return OK;
    ch->stats.late += ch->ping_open && ch->ping_count >= EARLY_PINGS;
    ch->config.random(ch->config.ctx, ch->ping, CHANNEL_PING_LEN);
    TRY(put_frame(ch, CHANNEL_TYPE_PING, BYTES_OF(ch->ping)));
    ch->ping_open = true;
    ch->ping_us = now_us;
    ch->ping_count++;
    ch->ping_due_us = now_us + (ch->ping_count < EARLY_PINGS ? EARLY_PING_US
                                                             : CHANNEL_PING_US);
    return OK;
}

void channel_tick(struct channel *ch, uint64_t now_us, struct channel_event *ev)
{
    enum err err = OK;

    set_none(ev);
    if (ch->state == CHANNEL_OVER)
        return;
    if (ch->state == CHANNEL_OPENING) {
        if (now_us - ch->started_us >= CHANNEL_HANDSHAKE_US)
            channel_over(ch, ERR_TIMEOUT, false, ev);
        return;
    }
    if (now_us - ch->heard_us >= CHANNEL_IDLE_US)
        err = ERR_TIMEOUT;
    if (err == OK)
        err = ping_if_due(ch, now_us);
    if (err == OK)
        err = rekey_if_due(ch, now_us);
    if (err != OK)
        channel_refuse(ch, err, ev);
}

void channel_end(struct channel *ch, struct channel_event *ev)
{
    set_none(ev);
    if (ch->state != CHANNEL_OVER)
        channel_over(ch, ch->state == CHANNEL_UP ? ERR_TRUNCATED : ERR_CLOSED,
                     false, ev);
}

void channel_close(struct channel *ch, enum err why)
{
    struct channel_event ev;

    if (ch->state == CHANNEL_OVER)
        return;
    put_close(ch, why);
    channel_over(ch, why == OK ? ERR_CLOSED : why, false, &ev);
}

/* ---- life ---- */

static void channel_fill(struct channel *ch, const struct channel_config *c)
{
    uint8_t ephemeral[NOISE_KEY_LEN];
    uint8_t prologue[7 + HASH_LEN];

    ch->config = *c;
    ch->config.static_secret = NULL;
    ch->config.self = NULL;
    ch->config.expected = NULL;
    if (ch->config.rekey_frames < 2 ||
        ch->config.rekey_frames > CHANNEL_REKEY_FRAMES - REKEY_SLACK)
        ch->config.rekey_frames = CHANNEL_REKEY_FRAMES - REKEY_SLACK;
    ch->self = *c->self;
    ch->expects = c->expected != NULL;
    if (ch->expects)
        ch->expected = *c->expected;
    ch->started_us = ch->heard_us = c->now_us;
    buf_init(&ch->in, LIMIT_FRAME_BYTES);
    buf_init(&ch->out, c->out_max > 0 ? c->out_max : OUT_MAX);
    memcpy(prologue, "suan/1", 7); /* with its zero */
    memcpy(prologue + 7, c->chain.b, HASH_LEN);
    c->random(c->ctx, ephemeral, sizeof ephemeral);
    noise_init(&ch->noise, c->initiator, BYTES_OF(prologue), c->static_secret,
               ephemeral);
    sodium_memzero(ephemeral, sizeof ephemeral);
}

enum err channel_new(const struct channel_config *config, struct channel **out)
{
    struct channel *ch;
    enum err err;

    CHECK(config->random != NULL && config->self != NULL);
    ch = calloc(1, sizeof *ch);
    if (ch == NULL)
        return ERR_NOMEM;
    channel_fill(ch, config);
    if (config->initiator) {
        err = channel_write_offer(ch);
        if (err != OK) {
            channel_free(ch);
            return err;
        }
    }
    *out = ch;
    return OK;
}

void channel_free(struct channel *ch)
{
    if (ch == NULL)
        return;
    if (ch->in.ptr != NULL)
        sodium_memzero(ch->in.ptr, ch->in.cap);
    buf_done(&ch->in);
    buf_done(&ch->out);
    sodium_memzero(ch, sizeof *ch);
    free(ch);
}

size_t channel_out_len(const struct channel *ch)
{
    return ch->out.len;
}

void channel_out_take(struct channel *ch, struct buf *out)
{
    struct buf taken = ch->out;
    size_t cap_max = ch->out.cap_max;

    CHECK(out->len == 0);
    ch->out = *out;
    ch->out.cap_max = cap_max;
    ch->out.err = OK;
    *out = taken;
}

bool channel_is_up(const struct channel *ch)
{
    return ch->state == CHANNEL_UP;
}

bool channel_is_over(const struct channel *ch)
{
    return ch->state == CHANNEL_OVER;
}

const struct channel_identity *channel_peer(const struct channel *ch)
{
    return &ch->peer;
}

struct bytes channel_binding(const struct channel *ch)
{
    CHECK(ch->state == CHANNEL_UP);
    return BYTES_OF(ch->noise.hash);
}

struct channel_stats channel_stats(const struct channel *ch)
{
    return ch->stats;
}
