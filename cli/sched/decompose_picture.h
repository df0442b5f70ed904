#ifndef CLI_DECOMPOSE_PICTURE_H
#define CLI_DECOMPOSE_PICTURE_H

/* Draws a component graph before and after it was cut. The same graph gives the
 * same bytes. */

#include "sched/cut/decompose.h"

enum decompose_unit { DECOMPOSE_KBPS, DECOMPOSE_BYTES };

struct decompose_picture {
    const char *title;         /* lent, like all below */
    const char *const *names;  /* of components */
    const char *const *places; /* of clusters of `level`: where each fits */
    const struct cutgraph *graph;
    const struct decomposition *result;
    enum cut_level level;     /* the finest that was asked for */
    enum decompose_unit unit; /* of weights */
};

#define DECOMPOSE_WEIGHT_MAX 40
/* "25 Mbit/s", "1.5 GiB". */
void decompose_weight_text(enum decompose_unit unit, uint64_t weight,
                           char out[DECOMPOSE_WEIGHT_MAX]);

/* Graphviz: one digraph, the graph as it was beside the graph in its clusters.
 * out->err tells of a lack of memory. */
void decompose_draw_dot(const struct decompose_picture *picture,
                        struct buf *out);
/* SVG, laid out here: on the left the graph in layers along its flow, on the
 * right its clusters, each in a frame, with what crosses between them. */
void decompose_draw_svg(const struct decompose_picture *picture,
                        struct buf *out);

#endif
