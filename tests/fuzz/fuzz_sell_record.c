/* links: suan_node */
/* The seller's records, as a disk may give them back: what is read is written
 * again as it came, and the engine takes it or leaves it. */
#include "base/check.h"
#include "node/trade/sell_item.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (4u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum err no_key(void *ctx, const char *tag, const struct hash *digest,
                       struct signature *out)
{
    (void)ctx;
    (void)tag;
    (void)digest;
    (void)out;
    return ERR_LOCKED;
}

static enum err read_again(struct bytes in)
{
    struct sell_item item;
    struct arena arena;
    struct buf out;
    enum err err;
    memset(&item, 0, sizeof(item));
    arena_init(&arena, ARENA_MAX);
    buf_init(&item.spec, SPEC_BYTES_MAX);
    err = sell_item_decode(in, &arena, &item);
    if (err == OK) {
        buf_init(&out, 128u * 1024);
        sell_item_encode(&item, &out);
        CHECK(bytes_equal(buf_bytes(&out), in));
        buf_done(&out);
    }
    buf_done(&item.spec);
    arena_done(&arena);
    return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct signer signer = {.sign = no_key};
    struct sell_config config = {.signer = &signer, .slots = 1};
    struct bytes in = bytes_make(data, size);
    struct sell_view view;
    struct sell *sell;
    enum err err = read_again(in);
    CHECK(sell_new(&config, &sell) == OK);
    CHECK(sell_load(sell, "sell/x", in) == err);
    CHECK(sell_view(sell, 0, &view) == (err == OK));
    (void)!sell_load(sell, "sell/line", in); /* the plan: taken or refused */
    sell_free(sell);
    return 0;
}
