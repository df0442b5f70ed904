/* links: sched base */
/* A model from anywhere: refused, or read so that it writes the same bytes
 * again and ranks the nodes of a topology without harm. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sched/learn/ranker.h"
#include "sched/learn/rankmodel.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NODES 6u

static void rank(const struct ranknet *net)
{
    static struct job_graph job;
    struct topo_node nodes[NODES] = {0};
    struct topo_link links[NODES - 1] = {0};
    struct topology topology;
    struct ranker *ranker;
    uint16_t order[NODES];
    uint32_t seen = 0;
    uint32_t count;
    for (uint32_t v = 0; v < NODES; v++)
        nodes[v].cap.of[RES_CPU] = 1000 * v;
    for (uint32_t l = 0; l + 1 < NODES; l++)
        links[l] = (struct topo_link){
            .a = (uint16_t)l, .b = (uint16_t)(l + 1), .cap_kbps = 500};
    CHECK(topology_init(&topology, nodes, NODES, links, NODES - 1, NULL, 0) ==
          OK);
    job_graph_init(&job);
    job_graph_add(&job)->want.of[RES_CPU] = 2000;
    CHECK(ranker_new(net, &topology, &ranker) == OK);
    count = ranker_rank(ranker, &job, 0, order);
    CHECK(count == 4);
    for (uint32_t i = 0; i < count; i++)
        seen |= 1u << order[i];
    CHECK(seen == 0x3c); /* nodes 2 to 5, each once */
    ranker_free(ranker);
    topology_done(&topology);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct rankmodel model;
    enum err err = rankmodel_decode(bytes_make(data, len), &model);
    struct buf again;
    if (err != OK)
        return 0;
    buf_init(&again, RANKMODEL_BYTES_MAX);
    rankmodel_encode(&model, &again);
    CHECK(bytes_equal(buf_bytes(&again), bytes_make(data, len)));
    buf_done(&again);
    CHECK(memchr(model.topology, 0, sizeof(model.topology)) != NULL);
    CHECK(rankmodel_trial_of(&model, model.starts) != NULL);
    rank(&model.net);
    return 0;
}
