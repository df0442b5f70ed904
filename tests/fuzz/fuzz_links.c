/* links: market base */
/* Statements of links: read and spelled again as they came, or refused; and a
 * map takes in what was read. */

#include "market/links.h"
#include "tests/fuzz/market_fuzz.h"

static void map_takes(const struct links *links)
{
    struct linkmap_config config = {.origins_max = 2, .rows_max = 64};
    struct linkmap *map = NULL;
    uint64_t cursor = 0;
    uint32_t pairs = 0;
    struct pubkey a;
    struct pubkey b;
    struct link link;
    CHECK(linkmap_new(&config, &map) == OK);
    CHECK(links_put(links, LINKMAP_STRANGER, 0, 1000000000, map) == OK);
    while (linkmap_next(map, &cursor, 1000000000, &a, &b, &link)) {
        CHECK(link_form(&link) == OK);
        pairs++;
    }
    CHECK(pairs == links->count);
    linkmap_free(map);
}

static enum err links_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct links links;
    TRY(links_decode(in, arena, &links));
    CHECK(links_encode(&links, out) == OK);
    map_takes(&links);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(links_again, bytes_make(data, len));
    return 0;
}
