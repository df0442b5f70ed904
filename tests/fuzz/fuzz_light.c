/* links: ledger */

/* Any bytes as a proof file, believed as far as its own start says: nothing is
 * read past the end, and what passes is lent from the file. */

#include "base/check.h"
#include "ledger/light.h"

#include <string.h>

static bool within(struct bytes part, struct bytes whole)
{
    return part.len == 0 || (part.ptr >= whole.ptr &&
                             part.ptr + part.len <= whole.ptr + whole.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct hash trusted;
    struct hash other;
    struct light_proof got;
    struct arena arena;
    enum light_start start;
    memset(&trusted, 0, sizeof(trusted));
    arena_init(&arena, 64 * len + 4096);
    enum err starts = light_start(in, &start, &trusted);
    enum err err = light_check(in, &trusted, NULL, &arena, &got);
    CHECK(starts == OK || err == starts);
    if (err == OK) {
        CHECK(got.start == start);
        CHECK(got.kind == 'S' || got.kind == 'T');
        CHECK(within(got.genesis, in));
        if (got.kind == 'S')
            CHECK(within(got.state.key, in) && within(got.state.value, in));
        other = trusted;
        other.b[0] ^= 1;
        CHECK(light_check(in, &other, NULL, &arena, &got) == ERR_CHAIN);
    }
    arena_done(&arena);
    return 0;
}
