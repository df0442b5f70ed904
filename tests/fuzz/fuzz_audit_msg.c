/* links: suan_node */
/* The messages of audits, by the kind their head says. What is read is spelled
 * again as it came, and keeps its bounds. */

#include "base/check.h"
#include "node/audit/audit_msg.h"

#define ARENA_MAX (1024u * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOUN(noun)                                                             \
    static enum err noun##_again(struct bytes b, struct arena *arena,          \
                                 struct buf *out)                              \
    {                                                                          \
        struct audit_##noun m;                                                 \
        TRY(audit_##noun##_decode(b, arena, &m));                              \
        audit_##noun##_encode(&m, out);                                        \
        return OK;                                                             \
    }
NOUN(ask)
NOUN(done)
NOUN(open)
NOUN(part)
NOUN(refused)

typedef enum err (*again_fn)(struct bytes b, struct arena *arena,
                             struct buf *out);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const again_fn all[] = {ask_again, done_again, open_again,
                                   part_again, refused_again};
    struct bytes in = bytes_make(data, len);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct arena arena;
        struct buf out;
        arena_init(&arena, ARENA_MAX);
        buf_init(&out, ARENA_MAX);
        if (all[i](in, &arena, &out) == OK)
            CHECK(bytes_equal(buf_bytes(&out), in));
        buf_done(&out);
        arena_done(&arena);
    }
    return 0;
}
