/* links: ledger */

/* Any bytes as the payloads of the validators' transactions and as the record
 * of a bond: refused, or written again they are the same. */

#include "base/check.h"
#include "ledger/bond_tx.h"

static void payloads(struct bytes in, struct arena *arena, struct buf *buf)
{
    struct bond_add add;
    struct bond_take take;
    struct pubkey validator;
    if (bond_add_decode(in, arena, &add) == OK) {
        CHECK(!amount_is_zero(add.amount));
        bond_add_encode(&add, buf);
    } else if (bond_take_decode(in, arena, &take) == OK) {
        CHECK(!amount_is_zero(take.amount));
        bond_take_encode(&take, buf);
    } else if (bond_withdraw_decode(in, arena, &validator) == OK) {
        bond_withdraw_encode(&validator, buf);
    } else {
        return;
    }
    CHECK(buf->err == OK && bytes_equal(buf_bytes(buf), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct arena arena;
    struct bond bond;
    struct buf buf;
    arena_init(&arena, 64 * len + 4096);
    buf_init(&buf, LIMIT_TX_BYTES);
    payloads(in, &arena, &buf);
    if (bond_decode(in, &bond) == OK) {
        buf_clear(&buf);
        bond_encode(&bond, &buf);
        CHECK(buf.err == OK && bytes_equal(buf_bytes(&buf), in));
    }
    buf_done(&buf);
    arena_done(&arena);
    return 0;
}
