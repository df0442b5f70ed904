/* links: market base */
/* A graph from anywhere: what decodes is one, comes back as it was, and has its
 * levels. */

#include "market/graph/graph.h"
#include "tests/fuzz/market_fuzz.h"

static enum err graph_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct graph graph;
    uint32_t level[GRAPH_PARTS_MAX];
    uint8_t circle[GRAPH_PARTS_MAX];
    TRY(graph_decode(in, arena, &graph));
    CHECK(graph_encode(&graph, out) == OK);
    CHECK(graph_levels(&graph, level));
    CHECK(graph_circle(&graph, circle) == 0);
    return OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    fuzz_noun(graph_again, bytes_make(data, len));
    return 0;
}
