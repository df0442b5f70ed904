#ifndef TESTS_FUZZ_MARKET_FUZZ_H
#define TESTS_FUZZ_MARKET_FUZZ_H

/* What every decoder of the market promises of foreign bytes. */

#include "base/check.h"
#include "market/contract/contract.h"

#define FUZZ_ARENA_BYTES (8u * 1024 * 1024)

/* Decodes and, on OK, encodes again. */
typedef enum err fuzz_noun_fn(struct bytes in, struct arena *arena,
                              struct buf *out);

/* Bytes are refused (by a rule, or for want of memory, and then nothing is
 * written) or they are the one spelling of what they decode to. */
static inline void fuzz_noun(fuzz_noun_fn *again, struct bytes in)
{
    struct arena arena;
    struct buf out;
    enum err err;

    arena_init(&arena, FUZZ_ARENA_BYTES);
    buf_init(&out, in.len + 1);
    err = again(in, &arena, &out);
    CHECK(err == OK || out.len == 0);
    CHECK(err != OK || bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
