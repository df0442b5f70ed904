/* links: suan_node */
/* A channel fed by a stranger. The first byte chooses: a responder or an
 * initiator that never saw the peer before, or an end that is up with an honest
 * peer whose bytes the input edits. Nothing may come up that was not proven,
 * and no edited frame may be delivered. */
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "node/net/channel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct side {
    struct channel *ch;
    struct channel_identity self;
    uint8_t static_secret[NOISE_KEY_LEN];
    uint8_t sign_secret[64];
    unsigned frames;
    bool up, over;
};

static uint64_t draws;

/* The same input, the same run. */
static void fill(void *ctx, uint8_t *out, size_t len)
{
    uint8_t seed[randombytes_SEEDBYTES] = {0};

    (void)ctx;
    u64le_put(seed, ++draws);
    randombytes_buf_deterministic(out, len, seed);
}

static enum err sign_it(void *ctx, const char *tag, const struct hash *digest,
                        struct signature *out)
{
    struct side *side = ctx;

    (void)tag;
    crypto_sign_detached(out->b, NULL, digest->b, sizeof digest->b,
                         side->sign_secret);
    return OK;
}

static void side_open(struct side *side, bool initiator)
{
    struct channel_config config = {.initiator = initiator,
                                    .random = fill,
                                    .self = &side->self,
                                    .static_secret = side->static_secret};
    struct signer signer = {.sign = sign_it, .ctx = side};
    uint8_t seed[32] = {(uint8_t)(initiator ? 1 : 2)}, public[NOISE_KEY_LEN];

    memset(side, 0, sizeof *side);
    crypto_sign_seed_keypair(signer.key.b, side->sign_secret, seed);
    side->static_secret[0] = seed[0];
    noise_public_key(side->static_secret, public);
    CHECK(channel_statement_sign(&side->self, &signer, &config.chain, public,
                                 UINT64_MAX) == OK);
    CHECK(channel_new(&config, &side->ch) == OK);
}

static void feed(struct side *side, struct bytes in)
{
    struct channel_event ev;

    do {
        channel_step(side->ch, &in, 1, &ev);
        side->up |= ev.kind == CHANNEL_EVENT_UP;
        side->frames += ev.kind == CHANNEL_EVENT_FRAME;
        CHECK(!side->over || ev.kind == CHANNEL_EVENT_NONE);
        side->over |= ev.kind == CHANNEL_EVENT_OVER;
    } while (ev.kind != CHANNEL_EVENT_NONE);
}

static bool carry(struct side *from, struct side *to)
{
    struct buf wire;
    bool any;

    buf_init(&wire, 0);
    channel_out_take(from->ch, &wire);
    any = wire.len > 0;
    feed(to, buf_bytes(&wire));
    buf_done(&wire);
    return any;
}

static void stranger(bool initiator, struct bytes in)
{
    struct side side;

    side_open(&side, initiator);
    feed(&side, in);
    CHECK(!side.up && side.frames == 0);
    channel_free(side.ch);
}

/* in: pairs of (place, xor) applied to one honest frame of 64 bytes. */
static void edited(struct bytes in)
{
    struct side a, b;
    uint8_t text[64] = {0};
    struct buf wire, copy;

    side_open(&a, true);
    side_open(&b, false);
    while (carry(&a, &b) || carry(&b, &a))
        ;
    CHECK(a.up && b.up);
    CHECK(channel_send(a.ch, CHANNEL_TYPE_APP, BYTES_OF(text)) == OK);
    buf_init(&wire, 0);
    buf_init(&copy, 4096);
    channel_out_take(a.ch, &wire);
    buf_add(&copy, buf_bytes(&wire));
    for (size_t i = 0; i + 1 < in.len; i += 2)
        wire.ptr[in.ptr[i] % wire.len] ^= in.ptr[i + 1];
    feed(&b, buf_bytes(&wire));
    CHECK(b.frames ==
          (unsigned)bytes_equal(buf_bytes(&wire), buf_bytes(&copy)));
    buf_done(&wire);
    buf_done(&copy);
    channel_free(a.ch);
    channel_free(b.ch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes rest;

    if (sodium_init() < 0 || size == 0)
        return 0;
    draws = 0;
    rest = bytes_make(data + 1, size - 1);
    if (data[0] % 3 == 2)
        edited(rest);
    else
        stranger(data[0] % 3 == 0, rest);
    return 0;
}
