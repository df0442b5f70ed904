/* channel: two ends over a stream of bytes held in the test's hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "node/net/channel.h"

#define UNIX_MS 1700000000000u

/* One end of a channel with everything it needs. */
struct end {
    struct channel *ch;
    uint8_t sign_secret[64];
    uint8_t static_secret[NOISE_KEY_LEN];
    struct channel_identity self;
    struct channel_config config;
    enum err admit_says;
    unsigned admitted;
    /* what happened */
    unsigned ups, frames;
    enum err over;
    bool over_by_peer;
    uint8_t last_type;
    uint8_t last[64];
    size_t last_len;
    uint64_t frame_bytes;
};

static uint64_t now_us;

static void random_fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    randombytes_buf(out, len);
}

static enum err test_sign(void *ctx, const char *tag, const struct hash *digest,
                          struct signature *out)
{
    struct end *end = ctx;

    assert_string_equal(tag, HASH_TAG_NOISE);
    crypto_sign_detached(out->b, NULL, digest->b, sizeof digest->b,
                         end->sign_secret);
    return OK;
}

static enum err admit(void *ctx, const struct channel_identity *peer)
{
    struct end *end = ctx;

    assert_false(pubkey_is_zero(&peer->id));
    end->admitted++;
    return end->admit_says;
}

static void end_sign(struct end *end, const struct hash *chain,
                     uint64_t not_after_ms)
{
    struct signer signer = {.sign = test_sign, .ctx = end};
    uint8_t public[NOISE_KEY_LEN];

    memcpy(signer.key.b, end->sign_secret + 32, 32);
    noise_public_key(end->static_secret, public);
    assert_int_equal(channel_statement_sign(&end->self, &signer, chain, public,
                                            not_after_ms),
                     OK);
}

static void end_init(struct end *end, bool initiator)
{
    struct hash chain = {{7}};
    uint8_t public[32];

    memset(end, 0, sizeof *end);
    crypto_sign_keypair(public, end->sign_secret);
    randombytes_buf(end->static_secret, NOISE_KEY_LEN);
    end->self.roles = CHANNEL_ROLE_PROVIDER;
    end->self.height = 42;
    strcpy(end->self.listen, "10.0.0.1:7741");
    strcpy(end->self.agent, "suan/test");
    end_sign(end, &chain, UNIX_MS + 1000);
    end->config = (struct channel_config){.initiator = initiator,
                                          .chain = chain,
                                          .static_secret = end->static_secret,
                                          .self = &end->self,
                                          .random = random_fill,
                                          .admit = admit,
                                          .ctx = end,
                                          .unix_ms = UNIX_MS};
}

static void end_open(struct end *end)
{
    end->config.now_us = now_us;
    assert_int_equal(channel_new(&end->config, &end->ch), OK);
}

static void end_done(struct end *end)
{
    channel_free(end->ch);
    end->ch = NULL;
}

static void note(struct end *end, const struct channel_event *ev)
{
    switch (ev->kind) {
    case CHANNEL_EVENT_NONE:
        break;
    case CHANNEL_EVENT_UP:
        end->ups++;
        break;
    case CHANNEL_EVENT_FRAME:
        end->frames++;
        end->last_type = ev->type;
        end->last_len = ev->payload.len < 64 ? ev->payload.len : 64;
        memcpy(end->last, ev->payload.ptr, end->last_len);
        end->frame_bytes += ev->payload.len;
        break;
    case CHANNEL_EVENT_OVER:
        assert_int_equal(end->over, OK); /* once */
        end->over = ev->err;
        end->over_by_peer = ev->by_peer;
        break;
    }
}

static void feed(struct end *end, struct bytes in)
{
    struct channel_event ev;

    do {
        channel_step(end->ch, &in, now_us, &ev);
        note(end, &ev);
    } while (ev.kind != CHANNEL_EVENT_NONE);
    assert_int_equal(in.len, 0);
}

static void tick(struct end *end)
{
    struct channel_event ev;

    channel_tick(end->ch, now_us, &ev);
    note(end, &ev);
}

/* Moves what `from` has to say, `step` bytes at a time (0: all at once). */
static size_t carry(struct end *from, struct end *to, size_t step)
{
    struct buf wire;
    size_t total;

    buf_init(&wire, 0);
    channel_out_take(from->ch, &wire);
    total = wire.len;
    for (size_t i = 0; i < total;) {
        size_t n = step == 0 || step > total - i ? total - i : step;

        feed(to, bytes_make(wire.ptr + i, n));
        i += n;
    }
    buf_done(&wire);
    return total;
}

static void settle(struct end *a, struct end *b, size_t step)
{
    while (carry(a, b, step) + carry(b, a, step) > 0)
        ;
}

/* What `end` would write, given to the caller. */
static void take_wire(struct end *end, struct buf *out)
{
    buf_init(out, 0);
    channel_out_take(end->ch, out);
}

static void open_pair(struct end *a, struct end *b)
{
    end_init(a, true);
    end_init(b, false);
    end_open(a);
    end_open(b);
    settle(a, b, 0);
    assert_int_equal(a->ups, 1);
    assert_int_equal(b->ups, 1);
}

static void close_pair(struct end *a, struct end *b)
{
    end_done(a);
    end_done(b);
}

/* ---- opening ---- */

static void both_ends_learn_who_the_other_is(void **state)
{
    static const size_t steps[] = {0, 1, 7};
    struct end a, b;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        end_init(&a, true);
        end_init(&b, false);
        end_open(&a);
        end_open(&b);
        settle(&a, &b, steps[i]);
        assert_int_equal(a.ups + b.ups, 2);
        assert_int_equal(a.admitted + b.admitted, 2);
        assert_true(pubkey_equal(&channel_peer(a.ch)->id, &b.self.id));
        assert_true(pubkey_equal(&channel_peer(b.ch)->id, &a.self.id));
        assert_int_equal(channel_peer(a.ch)->height, 42);
        assert_string_equal(channel_peer(b.ch)->listen, "10.0.0.1:7741");
        assert_true(bytes_equal(channel_binding(a.ch), channel_binding(b.ch)));
        close_pair(&a, &b);
    }
}

static void frames_arrive_whole_and_in_order(void **state)
{
    struct end a, b;
    uint8_t big[LIMIT_MESSAGE_BYTES];

    (void)state;
    open_pair(&a, &b);
    memset(big, 5, sizeof big);
    for (uint8_t i = 0; i < 100; i++) {
        assert_int_equal(
            channel_send(a.ch, CHANNEL_TYPE_APP, bytes_make(&i, 1)), OK);
        (void)carry(&a, &b, 3);
        assert_int_equal(b.frames, i + 1u);
        assert_int_equal(b.last[0], i);
    }
    assert_int_equal(channel_send(b.ch, 255, (struct bytes){0}), OK);
    settle(&a, &b, 1);
    assert_int_equal(a.frames, 1);
    assert_int_equal(a.last_type, 255);
    assert_int_equal(a.last_len, 0);
    b.frame_bytes = 0;
    assert_int_equal(channel_send(a.ch, 99, BYTES_OF(big)), OK);
    settle(&a, &b, 65536);
    assert_int_equal(b.frame_bytes, sizeof big);
    close_pair(&a, &b);
}

static void a_message_over_the_limit_is_refused_here(void **state)
{
    struct end a, b;
    uint8_t *big = calloc(1, LIMIT_MESSAGE_BYTES + 1);

    (void)state;
    open_pair(&a, &b);
    assert_int_equal(channel_send(a.ch, CHANNEL_TYPE_APP,
                                  bytes_make(big, LIMIT_MESSAGE_BYTES + 1)),
                     ERR_TOO_LARGE);
    assert_int_equal(channel_out_len(a.ch), 0);
    free(big);
    close_pair(&a, &b);
}

static void the_output_never_exceeds_its_cap(void **state)
{
    struct end a, b;
    uint8_t chunk[1000] = {0};
    enum err err = OK;
    unsigned sent = 0;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    a.config.out_max = 10000;
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    while (err == OK && sent < 100) {
        err = channel_send(a.ch, CHANNEL_TYPE_APP, BYTES_OF(chunk));
        sent += err == OK;
    }
    assert_int_equal(err, ERR_SLOW);
    assert_int_equal(sent, 9);
    assert_true(channel_out_len(a.ch) <= 10000);
    settle(&a, &b, 0); /* what was queued before is intact */
    assert_int_equal(b.frames, 9);
    assert_int_equal(b.over, OK);
    close_pair(&a, &b);
}

static void another_chain_is_refused_on_both_sides_by_name(void **state)
{
    struct end a, b;
    struct hash other = {{8}};

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    b.config.chain = other;
    end_sign(&b, &other, UNIX_MS + 1000);
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    assert_int_equal(b.over, ERR_CHAIN);
    assert_false(b.over_by_peer);
    assert_int_equal(a.over, ERR_CHAIN);
    assert_true(a.over_by_peer);
    assert_int_equal(a.admitted + b.admitted, 0);
    close_pair(&a, &b);
}

static void a_lie_about_the_chain_does_not_get_through(void **state)
{
    struct end a, b;
    struct channel_offer offer = {1, 1, {{8}}, CHANNEL_LANE_LINK};
    struct buf wire, payload;

    (void)state;
    end_init(&a, true); /* on chain 7, but its offer is changed to say 8 */
    end_init(&b, false);
    b.config.chain = offer.chain;
    end_sign(&b, &offer.chain, UNIX_MS + 1000);
    end_open(&a);
    end_open(&b);
    take_wire(&a, &wire);
    buf_init(&payload, 4096);
    channel_offer_encode(&offer, &payload);
    memcpy(wire.ptr + 4 + NOISE_KEY_LEN, payload.ptr, payload.len);
    feed(&b, buf_bytes(&wire));
    settle(&b, &a, 0);
    assert_int_equal(a.over, ERR_HANDSHAKE);
    assert_int_equal(a.ups + b.ups, 0);
    buf_done(&wire);
    buf_done(&payload);
    close_pair(&a, &b);
}

static void the_wrong_lane_is_refused(void **state)
{
    struct end a, b;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    a.config.lane = CHANNEL_LANE_BULK;
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    assert_int_equal(b.over, ERR_KIND);
    assert_int_equal(a.over, ERR_KIND);
    close_pair(&a, &b);
}

static void a_peer_of_other_versions_is_refused(void **state)
{
    struct end b;
    struct channel_offer offer = {2, 3, {{7}}, CHANNEL_LANE_LINK};
    uint8_t key[NOISE_KEY_LEN] = {9};
    uint8_t head[4];
    struct noise noise;
    struct buf payload, message, answer;

    (void)state;
    end_init(&b, false);
    end_open(&b);
    buf_init(&payload, 4096);
    buf_init(&message, 4096);
    channel_offer_encode(&offer, &payload);
    noise_init(&noise, true, BYTES_LIT(""), key, key);
    assert_int_equal(noise_write(&noise, buf_bytes(&payload), &message), OK);
    u32be_put(head, (uint32_t)message.len);
    feed(&b, BYTES_OF(head));
    feed(&b, buf_bytes(&message));
    assert_int_equal(b.over, ERR_VERSION);
    take_wire(&b, &answer); /* the hint: length 2, the code */
    assert_int_equal(answer.len, 6);
    assert_int_equal(answer.ptr[4] << 8 | answer.ptr[5], ERR_VERSION);
    buf_done(&payload);
    buf_done(&message);
    buf_done(&answer);
    end_done(&b);
}

static void an_unexpected_peer_hears_nothing_of_us(void **state)
{
    struct end a, b;
    struct pubkey expected = {{1}};
    size_t before;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    a.config.expected = &expected;
    end_open(&a);
    end_open(&b);
    (void)carry(&a, &b, 0);
    before = (size_t)channel_stats(a.ch).bytes_out;
    (void)carry(&b, &a, 0);
    assert_int_equal(a.over, ERR_PEER_ID);
    assert_int_equal(a.admitted, 0);
    assert_int_equal(channel_out_len(a.ch), 0);
    assert_int_equal(channel_stats(a.ch).bytes_out, before);
    close_pair(&a, &b);
}

static void the_expected_peer_is_accepted(void **state)
{
    struct end a, b;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    a.config.expected = &b.self.id;
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    assert_int_equal(a.ups + b.ups, 2);
    close_pair(&a, &b);
}

static void a_statement_for_another_key_or_chain_or_time_fails(void **state)
{
    static const enum err want[] = {ERR_SIGNATURE, ERR_SIGNATURE, ERR_EXPIRED,
                                    ERR_SIGNATURE};
    struct hash other = {{8}}, chain = {{7}};
    struct end a, b;

    (void)state;
    for (int i = 0; i < 4; i++) {
        end_init(&a, true);
        end_init(&b, false);
        if (i == 0)
            randombytes_buf(b.static_secret, NOISE_KEY_LEN);
        else if (i == 1)
            end_sign(&b, &other, UNIX_MS + 1000);
        else if (i == 2)
            end_sign(&b, &chain, UNIX_MS - 1);
        else
            b.self.id = a.self.id; /* someone else's name */
        end_open(&a);
        end_open(&b);
        settle(&a, &b, 0);
        assert_int_equal(a.over, want[i]);
        assert_int_equal(a.ups + b.ups, 0);
        close_pair(&a, &b);
    }
}

static void a_responder_says_sealed_why_it_does_not_admit(void **state)
{
    struct end a, b;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    b.admit_says = ERR_BANNED;
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    assert_int_equal(b.over, ERR_BANNED);
    assert_int_equal(b.ups, 0);
    assert_int_equal(a.over, ERR_BANNED);
    assert_true(a.over_by_peer);
    close_pair(&a, &b);
}

static void an_initiator_that_does_not_admit_stays_silent(void **state)
{
    struct end a, b;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    a.admit_says = ERR_EXISTS;
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    assert_int_equal(a.over, ERR_EXISTS);
    assert_int_equal(b.ups, 0);
    assert_int_equal(b.admitted, 0);
    assert_int_equal(b.over, OK);
    close_pair(&a, &b);
}

static void a_handshake_has_five_seconds(void **state)
{
    struct end b;

    (void)state;
    end_init(&b, false);
    end_open(&b);
    feed(&b, BYTES_LIT("\0\0\0\xff")); /* and then nothing */
    now_us += CHANNEL_HANDSHAKE_US - 1;
    tick(&b);
    assert_int_equal(b.over, OK);
    now_us += 1;
    tick(&b);
    assert_int_equal(b.over, ERR_TIMEOUT);
    end_done(&b);
}

static void lengths_are_capped_before_memory_is_used(void **state)
{
    struct end a, b;
    uint8_t head[4];
    struct buf wire;

    (void)state;
    end_init(&b, false);
    end_open(&b);
    u32be_put(head, LIMIT_FRAME_PREAUTH + 1);
    feed(&b, BYTES_OF(head));
    assert_int_equal(b.over, ERR_TOO_LARGE);
    end_done(&b);

    open_pair(&a, &b);
    u32be_put(head, LIMIT_FRAME_BYTES + 1);
    feed(&b, BYTES_OF(head));
    assert_int_equal(b.over, ERR_TOO_LARGE);
    take_wire(&b, &wire); /* the peer is told */
    feed(&a, buf_bytes(&wire));
    assert_int_equal(a.over, ERR_TOO_LARGE);
    assert_true(a.over_by_peer);
    buf_done(&wire);
    close_pair(&a, &b);
}

static void garbage_never_comes_up(void **state)
{
    uint8_t noise[300];
    struct end b;

    (void)state;
    for (int i = 0; i < 300; i++) {
        end_init(&b, false);
        end_open(&b);
        randombytes_buf(noise, sizeof noise);
        memset(noise, 0, 3); /* so that the length is believed */
        feed(&b, BYTES_OF(noise));
        assert_int_equal(b.ups, 0);
        assert_int_not_equal(b.over, OK);
        end_done(&b);
    }
}

/* ---- up ---- */

static void changed_replayed_dropped_and_cut_frames_end_it(void **state)
{
    struct end a, b;
    struct buf one, two;

    (void)state;
    for (int i = 0; i < 4; i++) {
        open_pair(&a, &b);
        assert_int_equal(channel_send(a.ch, CHANNEL_TYPE_APP, BYTES_LIT("one")),
                         OK);
        take_wire(&a, &one);
        assert_int_equal(channel_send(a.ch, CHANNEL_TYPE_APP, BYTES_LIT("two")),
                         OK);
        take_wire(&a, &two);
        if (i == 0) { /* one bit */
            one.ptr[one.len - 1] ^= 1;
            feed(&b, buf_bytes(&one));
        } else if (i == 1) { /* the same again */
            feed(&b, buf_bytes(&one));
            feed(&b, buf_bytes(&one));
        } else if (i == 2) { /* one is missing */
            feed(&b, buf_bytes(&two));
        } else { /* the last byte is missing, and the length fits */
            u32be_put(one.ptr, (uint32_t)one.len - 4 - 1);
            feed(&b, bytes_make(one.ptr, one.len - 1));
        }
        assert_int_equal(b.over, ERR_DECRYPT);
        assert_int_equal(b.frames, i == 1 ? 1 : 0);
        assert_int_equal(channel_send(b.ch, CHANNEL_TYPE_APP, BYTES_LIT("x")),
                         ERR_CLOSED);
        buf_done(&one);
        buf_done(&two);
        close_pair(&a, &b);
    }
}

static void a_frame_sent_back_does_not_open(void **state)
{
    struct end a, b;
    struct buf wire;

    (void)state;
    open_pair(&a, &b);
    assert_int_equal(channel_send(a.ch, CHANNEL_TYPE_APP, BYTES_LIT("one")),
                     OK);
    take_wire(&a, &wire);
    feed(&a, buf_bytes(&wire));
    assert_int_equal(a.over, ERR_DECRYPT);
    buf_done(&wire);
    close_pair(&a, &b);
}

static void a_friendly_close_is_told_from_a_cut(void **state)
{
    struct channel_event ev;
    struct end a, b;

    (void)state;
    open_pair(&a, &b);
    channel_close(a.ch, OK);
    settle(&a, &b, 1);
    assert_int_equal(b.over, ERR_CLOSED);
    assert_true(b.over_by_peer);
    channel_end(b.ch, &ev);
    assert_int_equal(ev.kind, CHANNEL_EVENT_NONE);
    close_pair(&a, &b);

    open_pair(&a, &b);
    channel_end(b.ch, &ev);
    assert_int_equal(ev.kind, CHANNEL_EVENT_OVER);
    assert_int_equal(ev.err, ERR_TRUNCATED);
    close_pair(&a, &b);

    open_pair(&a, &b);
    channel_close(a.ch, ERR_BANNED);
    settle(&a, &b, 0);
    assert_int_equal(b.over, ERR_BANNED);
    close_pair(&a, &b);
}

static void the_round_trip_is_measured(void **state)
{
    struct end a, b;

    (void)state;
    open_pair(&a, &b);
    assert_int_equal(channel_stats(a.ch).rtt_us, 0);
    for (int i = 0; i < 4; i++) {
        tick(&a); /* a ping goes out */
        now_us += i == 2 ? 500 : 2000;
        (void)carry(&a, &b, 0);
        (void)carry(&b, &a, 0);
        now_us += CHANNEL_PING_US;
    }
    assert_int_equal(channel_stats(a.ch).rtt_min_us, 500);
    assert_in_range(channel_stats(a.ch).rtt_us, 1500, 2000);
    assert_int_equal(channel_stats(a.ch).rtt_last_us, 2000);
    assert_int_equal(channel_stats(a.ch).pongs, 4);
    assert_int_equal(channel_stats(a.ch).late, 0);
    assert_int_equal(channel_stats(b.ch).rtt_us, 0);
    close_pair(&a, &b);
}

static void a_ping_that_is_not_answered_in_time_is_late(void **state)
{
    struct end a, b;

    (void)state;
    open_pair(&a, &b);
    /* Pings at 0, 1.5, 3 and 4.5 s, which nobody waits for but the last; then
     * at 7.5 s, and that one finds it unanswered. */
    for (int half = 0; half < 6; half++) {
        tick(&a);
        now_us += CHANNEL_PING_US / 2;
        tick(&b); /* what a hears keeps it from giving up */
        (void)carry(&b, &a, 0);
    }
    assert_int_equal(channel_stats(a.ch).pongs, 0);
    assert_int_equal(channel_stats(a.ch).late, 1);
    (void)carry(&a, &b, 0);
    (void)carry(&b, &a, 0);
    assert_int_equal(channel_stats(a.ch).pongs, 1); /* of the newest */
    close_pair(&a, &b);
}

static void an_old_or_invented_pong_measures_nothing(void **state)
{
    struct end a, b;

    (void)state;
    open_pair(&a, &b);
    tick(&a);
    (void)carry(&a, &b, 0); /* the pong stays with b */
    now_us += CHANNEL_PING_US;
    tick(&a); /* a newer ping */
    (void)carry(&b, &a, 0);
    assert_int_equal(channel_stats(a.ch).rtt_us, 0);
    assert_int_equal(a.over, OK);
    close_pair(&a, &b);
}

static void silence_ends_it(void **state)
{
    struct end a, b;

    (void)state;
    open_pair(&a, &b);
    now_us += CHANNEL_IDLE_US - 1;
    tick(&a);
    assert_int_equal(a.over, OK);
    (void)carry(&a, &b, 0); /* the ping */
    (void)carry(&b, &a, 0); /* the pong keeps it alive */
    now_us += CHANNEL_IDLE_US - 1;
    tick(&a);
    assert_int_equal(a.over, OK);
    now_us += 1;
    tick(&a);
    assert_int_equal(a.over, ERR_TIMEOUT);
    close_pair(&a, &b);
}

static void a_flood_of_pings_is_refused(void **state)
{
    uint64_t b_us;
    struct end a, b;

    (void)state;
    open_pair(&a, &b);
    b_us = now_us; /* b's clock stands still while a's runs */
    for (unsigned i = 0; i < CHANNEL_PINGS_MAX; i++) {
        tick(&a);
        now_us = b_us;
        (void)carry(&a, &b, 0);
        now_us += (uint64_t)CHANNEL_PING_US * (i + 1);
        (void)carry(&b, &a, 0);
    }
    assert_int_equal(b.over, OK);
    tick(&a);
    now_us = b_us;
    (void)carry(&a, &b, 0);
    assert_int_equal(b.over, ERR_RATE);
    close_pair(&a, &b);
}

static void keys_change_after_their_frames_and_after_an_hour(void **state)
{
    struct end a, b;

    (void)state;
    end_init(&a, true);
    end_init(&b, false);
    a.config.rekey_frames = 5;
    end_open(&a);
    end_open(&b);
    settle(&a, &b, 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(
            channel_send(a.ch, CHANNEL_TYPE_APP, BYTES_LIT("text")), OK);
        settle(&a, &b, 0);
        assert_int_equal(channel_send(b.ch, CHANNEL_TYPE_APP, BYTES_LIT("t")),
                         OK);
        settle(&a, &b, 0);
    }
    assert_int_equal(b.frames, 100);
    assert_int_equal(a.frames, 100);
    /* 4 frames and one REKEY at a time */
    assert_int_equal(channel_stats(a.ch).frames_out, 125);
    assert_int_equal(channel_stats(b.ch).frames_out, 100);
    for (uint64_t t = 0; t < CHANNEL_REKEY_US; t += CHANNEL_PING_US) {
        now_us += CHANNEL_PING_US;
        tick(&a);
        tick(&b);
        settle(&a, &b, 0);
    }
    assert_int_equal(a.over, OK);
    assert_int_equal(b.over, OK);
    assert_int_equal(channel_send(b.ch, CHANNEL_TYPE_APP, BYTES_LIT("t")), OK);
    settle(&a, &b, 0);
    assert_int_equal(a.frames, 101);
    close_pair(&a, &b);
}

static void a_million_frames_under_one_key_are_the_most(void **state)
{
    struct end a, b;
    struct buf wire;
    uint64_t sent = 0;

    (void)state;
    open_pair(&a, &b);
    buf_init(&wire, 0);
    while (sent < CHANNEL_REKEY_FRAMES + 10) {
        for (int i = 0; i < 1000; i++, sent++)
            assert_int_equal(
                channel_send(a.ch, CHANNEL_TYPE_APP, (struct bytes){0}), OK);
        (void)carry(&a, &b, 0);
        assert_int_equal(b.over, OK);
    }
    /* one REKEY was put in between, before the limit */
    assert_int_equal(b.frames, sent);
    assert_int_equal(channel_stats(a.ch).frames_out, sent + 1);
    buf_done(&wire);
    close_pair(&a, &b);
}

/* ---- codecs ---- */

static void hello_and_offer_come_back_as_they_went(void **state)
{
    struct channel_offer offer = {1, 9, {{3}}, 1}, offer2;
    struct channel_identity back;
    struct buf one, two;
    struct end a;

    (void)state;
    end_init(&a, true);
    strcpy(a.self.bulk, "[::1]:9");
    buf_init(&one, 4096);
    buf_init(&two, 4096);
    channel_hello_encode(&a.self, &one);
    assert_int_equal(channel_hello_decode(buf_bytes(&one), &back), OK);
    channel_hello_encode(&back, &two);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    assert_string_equal(back.bulk, "[::1]:9");
    for (size_t len = 0; len < one.len; len++)
        assert_int_not_equal(
            channel_hello_decode(bytes_make(one.ptr, len), &back), OK);
    buf_clear(&one);
    channel_offer_encode(&offer, &one);
    assert_int_equal(channel_offer_decode(buf_bytes(&one), &offer2), OK);
    assert_memory_equal(&offer, &offer2, sizeof offer);
    buf_done(&one);
    buf_done(&two);
}

static void names_with_odd_characters_are_refused(void **state)
{
    static const char *bad[] = {"host: 1", "h\x7f:1", "h\xc3\xa9:1", "a\n"};
    struct channel_identity back;
    struct buf buf;
    struct end a;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        end_init(&a, true);
        strcpy(a.self.listen, bad[i]);
        buf_init(&buf, 4096);
        channel_hello_encode(&a.self, &buf);
        assert_int_equal(channel_hello_decode(buf_bytes(&buf), &back),
                         ERR_RANGE);
        buf_done(&buf);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_ends_learn_who_the_other_is),
        cmocka_unit_test(frames_arrive_whole_and_in_order),
        cmocka_unit_test(a_message_over_the_limit_is_refused_here),
        cmocka_unit_test(the_output_never_exceeds_its_cap),
        cmocka_unit_test(another_chain_is_refused_on_both_sides_by_name),
        cmocka_unit_test(a_lie_about_the_chain_does_not_get_through),
        cmocka_unit_test(the_wrong_lane_is_refused),
        cmocka_unit_test(a_peer_of_other_versions_is_refused),
        cmocka_unit_test(an_unexpected_peer_hears_nothing_of_us),
        cmocka_unit_test(the_expected_peer_is_accepted),
        cmocka_unit_test(a_statement_for_another_key_or_chain_or_time_fails),
        cmocka_unit_test(a_responder_says_sealed_why_it_does_not_admit),
        cmocka_unit_test(an_initiator_that_does_not_admit_stays_silent),
        cmocka_unit_test(a_handshake_has_five_seconds),
        cmocka_unit_test(lengths_are_capped_before_memory_is_used),
        cmocka_unit_test(garbage_never_comes_up),
        cmocka_unit_test(changed_replayed_dropped_and_cut_frames_end_it),
        cmocka_unit_test(a_frame_sent_back_does_not_open),
        cmocka_unit_test(a_friendly_close_is_told_from_a_cut),
        cmocka_unit_test(the_round_trip_is_measured),
        cmocka_unit_test(a_ping_that_is_not_answered_in_time_is_late),
        cmocka_unit_test(an_old_or_invented_pong_measures_nothing),
        cmocka_unit_test(silence_ends_it),
        cmocka_unit_test(a_flood_of_pings_is_refused),
        cmocka_unit_test(keys_change_after_their_frames_and_after_an_hour),
        cmocka_unit_test(a_million_frames_under_one_key_are_the_most),
        cmocka_unit_test(hello_and_offer_come_back_as_they_went),
        cmocka_unit_test(names_with_odd_characters_are_refused),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
