/* links: base */

/* Any bytes: the gate refuses them, or they unpack and their copy, read and
 * written again, is the same bytes. And random walks of a confused decoder do
 * not leave the reader. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/unit/base/mp_echo.h"

/* Reads as the low bits of `plan` say, whatever is there. */
static void confused_walk(struct bytes in, uint64_t plan)
{
    struct arena arena;
    struct mp_reader reader;
    struct hash hash;
    char text[16];

    arena_init(&arena, 32 * in.len + 64);
    if (mp_open(&reader, in, &arena) == OK) {
        for (unsigned depth = 0; reader.err == OK && plan > 0; plan >>= 3) {
            switch (plan & 7) {
            case 0:
                (void)mp_get_uint_max(&reader, 1000);
                break;
            case 1:
                (void)mp_get_bool(&reader);
                break;
            case 2:
                (void)mp_get_bin(&reader, 64);
                break;
            case 3:
                mp_get_text(&reader, text, sizeof(text));
                CHECK(memchr(text, 0, sizeof(text)) != NULL);
                break;
            case 4:
                mp_get_hash(&reader, &hash);
                break;
            case 5:
                if (depth-- > 0)
                    mp_leave(&reader);
                else
                    mp_fail(&reader, ERR_RANGE);
                break;
            default:
                (void)mp_enter(&reader);
                depth++;
                break;
            }
        }
        CHECK(mp_close(&reader) == reader.err);
    }
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    uint64_t plan = 0;

    if (mp_gate(in) != OK)
        return 0;
    CHECK(mp_echoes(in));
    for (size_t i = 0; i < len; i++)
        plan = plan * 31 + data[i];
    confused_walk(in, plan);
    confused_walk(in, plan | plan << 3 | plan << 6);
    return 0;
}
