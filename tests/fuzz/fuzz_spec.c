/* links: market base */

#include "tests/fuzz/market_fuzz.h"

/* What decodes can be expanded, and grows by digits alone. */
static void args_expand(const struct spec *spec)
{
    struct buf out;
    for (uint32_t i = 0; i < spec->arg_count; i++) {
        buf_init(&out, 2 * SPEC_TEXT_MAX);
        CHECK(spec_expand(spec->args[i], 1023, 1024, &out) == OK);
        CHECK(out.len <= 2 * spec->args[i].len);
        buf_done(&out);
    }
}

static enum err spec_again(struct bytes in, struct arena *arena,
                           struct buf *out)
{
    struct spec spec;
    TRY(spec_decode(in, arena, &spec));
    CHECK(spec_encode(&spec, out) == OK);
    args_expand(&spec);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(spec_again, bytes_make(data, len));
    return 0;
}
