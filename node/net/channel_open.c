/* The handshake of a channel. */

#include "node/net/channel_impl.h"

static enum err write_message(struct channel *ch, struct bytes payload)
{
    struct buf message;
    enum err err;

    buf_init(&message, LIMIT_FRAME_PREAUTH);
    err = noise_write(&ch->noise, payload, &message);
    if (err == OK) {
        channel_put_plain(ch, buf_bytes(&message));
        err = ch->out.err;
    }
    buf_done(&message);
    return err;
}

enum err channel_write_offer(struct channel *ch)
{
    struct channel_offer offer = {CHANNEL_VERSION, CHANNEL_VERSION,
                                  ch->config.chain, ch->config.lane};
    struct buf payload;
    enum err err;

    buf_init(&payload, LIMIT_FRAME_PREAUTH);
    channel_offer_encode(&offer, &payload);
    err = payload.err;
    if (err == OK)
        err = write_message(ch, buf_bytes(&payload));
    buf_done(&payload);
    return err;
}

static enum err write_hello(struct channel *ch)
{
    struct buf payload;
    enum err err;

    buf_init(&payload, LIMIT_FRAME_PREAUTH);
    channel_hello_encode(&ch->self, &payload);
    err = payload.err;
    if (err == OK)
        err = write_message(ch, buf_bytes(&payload));
    buf_done(&payload);
    return err;
}

static enum err check_offer(const struct channel *ch, struct bytes payload)
{
    struct channel_offer offer;

    TRY(channel_offer_decode(payload, &offer));
    if (offer.version_min > CHANNEL_VERSION ||
        offer.version_max < CHANNEL_VERSION)
        return ERR_VERSION;
    if (!hash_equal(&offer.chain, &ch->config.chain))
        return ERR_CHAIN;
    if (offer.lane != (uint64_t)ch->config.lane)
        return ERR_KIND;
    return OK;
}

/* Who is it, is it proven, is it the one we wanted, do we want it? */
static enum err check_hello(struct channel *ch, struct bytes payload)
{
    struct channel_identity peer;

    TRY(channel_hello_decode(payload, &peer));
    TRY(channel_statement_check(&peer, &ch->config.chain,
                                ch->noise.remote_static, ch->config.unix_ms));
    if (ch->expects && !pubkey_equal(&peer.id, &ch->expected))
        return ERR_PEER_ID;
    ch->peer = peer;
    if (ch->config.admit != NULL)
        return ch->config.admit(ch->config.ctx, &ch->peer);
    return OK;
}

static void come_up(struct channel *ch, uint64_t now_us)
{
    noise_split(&ch->noise, &ch->tx, &ch->rx);
    ch->state = CHANNEL_UP;
    ch->tx_key_us = now_us;
    ch->ping_due_us = now_us;
    ch->pings_since_us = now_us;
}

static enum err answer_offer(struct channel *ch, struct bytes payload)
{
    uint8_t hint[CHANNEL_HINT_LEN];
    enum err err = check_offer(ch, payload);

    if (err == OK)
        return write_hello(ch);
    hint[0] = (uint8_t)((unsigned)err >> 8);
    hint[1] = (uint8_t)((unsigned)err & 0xff);
    channel_put_plain(ch, BYTES_OF(hint));
    return err;
}

/* A hint is not authenticated: only a few codes are believed to be one. */
static enum err read_hint(struct bytes frame)
{
    unsigned code = (unsigned)frame.ptr[0] << 8 | frame.ptr[1];

    if (code == ERR_VERSION || code == ERR_CHAIN || code == ERR_KIND ||
        code == ERR_RATE || code == ERR_BANNED)
        return (enum err)code;
    return ERR_HANDSHAKE;
}

/* The error of a message that does not open, in words an operator can use. The
 * offer was checked by the responder, so what is left is another chain behind
 * an equal offer, or meddling. */
static enum err opening_error(enum err err)
{
    if (err == ERR_DECRYPT || err == ERR_TRUNCATED)
        return ERR_HANDSHAKE;
    return err;
}

static enum err read_message(struct channel *ch, struct bytes frame,
                             uint64_t now_us)
{
    unsigned number = ch->noise.next + 1;
    struct buf payload;
    enum err err;

    buf_init(&payload, LIMIT_FRAME_PREAUTH);
    err = opening_error(noise_read(&ch->noise, frame, &payload));
    if (err != OK)
        goto out;
    if (number == 1) {
        err = answer_offer(ch, buf_bytes(&payload));
        goto out;
    }
    err = check_hello(ch, buf_bytes(&payload));
    /* The responder is up before it refuses, so that it can say why. */
    if (number == 3)
        come_up(ch, now_us);
    if (err != OK || number == 3)
        goto out;
    err = write_hello(ch);
    if (err == OK)
        come_up(ch, now_us);
out:
    buf_done(&payload);
    return err;
}

void channel_on_opening(struct channel *ch, struct bytes frame, uint64_t now_us,
                        struct channel_event *ev)
{
    bool hint = ch->config.initiator && frame.len == CHANNEL_HINT_LEN;
    enum err err;

    if (hint) {
        channel_over(ch, read_hint(frame), true, ev);
        return;
    }
    err = read_message(ch, frame, now_us);
    if (err != OK)
        channel_refuse(ch, err, ev);
    else if (ch->state == CHANNEL_UP)
        ev->kind = CHANNEL_EVENT_UP;
}
