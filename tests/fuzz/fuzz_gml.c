/* links: sched_lab */
/* A graph from anywhere: read or refused with its line, and what was read holds
 * together and can become a topology. */

#include "sched/lab/gml.h"

#include "base/check.h"
#include "sched/lab/embed_replay.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void holds_together(const struct gml *gml)
{
    double number;
    for (uint32_t i = 0; i < gml->edge_count; i++) {
        CHECK(gml->edges[i].source < gml->node_count);
        CHECK(gml->edges[i].target < gml->node_count);
        CHECK(gml->edges[i].attr + gml->edges[i].attr_count <= gml->attr_count);
        (void)gml_edge_number(gml, i, "bw", &number);
    }
    for (uint32_t v = 0; v < gml->node_count; v++) {
        CHECK(strlen(gml_node_label(gml, v)) <= GML_TEXT_MAX);
        (void)gml_node_number(gml, v, "Latitude", &number);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct gml gml;
    char error[GML_ERROR_MAX];
    enum err err = gml_parse(bytes_make(data, len), "f", &gml, error);
    struct topology topology;
    struct dice dice;
    if (err != OK) {
        CHECK(err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
        return 0;
    }
    holds_together(&gml);
    dice_init(&dice, 1);
    err = embed_topology(&gml, 50, 100, &dice, &topology);
    CHECK(err == OK || err == ERR_TOO_LARGE || err == ERR_NOMEM);
    if (err == OK)
        topology_done(&topology);
    gml_done(&gml);
    return 0;
}
