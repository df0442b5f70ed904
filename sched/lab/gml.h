#ifndef SCHED_LAB_GML_H
#define SCHED_LAB_GML_H

/* Reads graphs in GML (Himsolt's Graph Modelling Language), as the Topology Zoo
 * and networkx write them: keys with numbers, quoted texts and nested lists;
 * entities (&amp; &lt; &gt; &quot; &apos; &#N; &#xN;) in texts, a line that
 * begins with # is a comment. Ids need not be in order; edges may be double or
 * join a node with itself, and are told as they stand. A graph may call itself
 * directed: whoever asks is told, the edges keep source and target. Scalar
 * attributes of nodes and edges are kept, lists inside them are passed over. */

#include "base/bytes.h"

#define GML_BYTES_MAX (16u * 1024 * 1024)
#define GML_NODES_MAX 65535u
#define GML_EDGES_MAX 262144u
#define GML_DEPTH_MAX 16u
#define GML_KEY_MAX   63u
#define GML_TEXT_MAX  4095u
#define GML_ERROR_MAX 256u

struct gml_attr {
    uint32_t key;   /* offsets of texts in gml.text */
    uint32_t value; /* as it stood, entities replaced */
    double number;  /* of a number; 0 for a text */
    bool is_number;
};

struct gml_node {
    int64_t id;
    uint32_t line;
    uint32_t attr;
    uint32_t attr_count;
};

struct gml_edge {
    uint32_t source; /* an index into nodes */
    uint32_t target;
    uint32_t line;
    uint32_t attr;
    uint32_t attr_count;
};

struct gml {
    bool directed;
    uint32_t node_count;
    uint32_t edge_count;
    uint32_t attr_count;
    struct gml_node *nodes; /* in the order of the file */
    struct gml_edge *edges;
    struct gml_attr *attrs;
    char *text;
};

/* On a refusal `error` is "NAME:LINE: what is wrong. Try: what next" and `out`
 * is untouched; on OK gml_done frees what is in it. ERR_TOO_LARGE, ERR_PARSE
 * (no GML, no graph, a node without id, an edge to a node that is not there),
 * ERR_EXISTS (two nodes of one id), ERR_DEPTH, ERR_NOMEM (error is then empty).
 */
MUST_USE enum err gml_parse(struct bytes bytes, const char *name,
                            struct gml *out, char error[GML_ERROR_MAX]);
void gml_done(struct gml *gml); /* safe on a zeroed struct */

/* A numeric attribute of a node or edge by its key. False: it has none. */
bool gml_node_number(const struct gml *gml, uint32_t node, const char *key,
                     double *out);
bool gml_edge_number(const struct gml *gml, uint32_t edge, const char *key,
                     double *out);
/* A node's label, or "" . Lent. */
const char *gml_node_label(const struct gml *gml, uint32_t node);

#endif
