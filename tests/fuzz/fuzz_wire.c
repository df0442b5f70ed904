/* links: suan_node */
/* The messages of links, by the kind their head says. What is read is spelled
 * again as it came. */
#include "base/check.h"
#include "node/peer/wire.h"

#define ARENA_MAX (8u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOUN(noun)                                                             \
    static enum err noun##_again(struct bytes b, struct arena *arena,          \
                                 struct buf *out)                              \
    {                                                                          \
        struct wire_##noun m;                                                  \
        TRY(wire_##noun##_decode(b, arena, &m));                               \
        wire_##noun##_encode(&m, out);                                         \
        return OK;                                                             \
    }
NOUN(txs)
NOUN(tx_refused)
NOUN(peers)
NOUN(hold)
NOUN(hold_refused)
NOUN(start)
NOUN(job_state)
NOUN(log_get)
NOUN(log)
NOUN(grant)

static enum err release_again(struct bytes b, struct arena *arena,
                              struct buf *out)
{
    struct wire_hold_key m;
    TRY(wire_hold_release_decode(b, arena, &m));
    wire_hold_release_encode(&m, out);
    return OK;
}

static enum err body_again(enum wire_kind kind, struct bytes b,
                           struct arena *arena, struct buf *out)
{
    struct bytes body;
    TRY(wire_bytes_decode(kind, b, arena, &body));
    CHECK(body.len <= LIMIT_TX_BYTES);
    wire_bytes_encode(kind, body, out);
    return OK;
}

static enum err contract_again(enum wire_kind kind, struct bytes b,
                               struct arena *arena, struct buf *out)
{
    struct hash id;
    TRY(wire_contract_decode(kind, b, arena, &id));
    wire_contract_encode(kind, &id, out);
    return OK;
}

static enum err again(enum wire_kind kind, struct bytes b, struct arena *arena,
                      struct buf *out)
{
    switch (kind) {
    case WIRE_TXS:
        return txs_again(b, arena, out);
    case WIRE_TX_REFUSED:
        return tx_refused_again(b, arena, out);
    case WIRE_PEERS:
        return peers_again(b, arena, out);
    case WIRE_HOLD:
        return hold_again(b, arena, out);
    case WIRE_HOLD_REFUSED:
        return hold_refused_again(b, arena, out);
    case WIRE_HOLD_RELEASE:
        return release_again(b, arena, out);
    case WIRE_START:
        return start_again(b, arena, out);
    case WIRE_JOB_STATE:
        return job_state_again(b, arena, out);
    case WIRE_LOG_GET:
        return log_get_again(b, arena, out);
    case WIRE_LOG:
        return log_again(b, arena, out);
    case WIRE_SX:
    case WIRE_OFFER:
    case WIRE_LINKS:
    case WIRE_QUOTE:
    case WIRE_RECEIPT:
    case WIRE_RECEIPT_ACK:
        return body_again(kind, b, arena, out);
    case WIRE_GRANT:
        return grant_again(b, arena, out);
    case WIRE_CANCEL:
    case WIRE_ASK:
        return contract_again(kind, b, arena, out);
    case WIRE_AUDIT: /* fuzz_audit_msg.c */
    case WIRE_AUDIT_DONE:
    case WIRE_AUDIT_OPEN:
    case WIRE_AUDIT_PART:
    case WIRE_AUDIT_REFUSED:
        return ERR_KIND;
    }
    CHECK(false); /* wire_peek knows no other kind */
    return ERR_KIND;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bytes in = bytes_make(data, size);
    struct arena arena;
    struct buf out;
    enum wire_kind kind;

    if (wire_peek(in, &kind) != OK)
        return 0;
    arena_init(&arena, ARENA_MAX);
    buf_init(&out, LIMIT_MESSAGE_BYTES);
    if (again(kind, in, &arena, &out) == OK)
        CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
