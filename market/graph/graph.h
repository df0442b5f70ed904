#ifndef MARKET_GRAPH_H
#define MARKET_GRAPH_H

/* A graph: several requests of one buyer that belong together. Each part is an
 * ordinary signed request with contracts of its own; the ledger knows nothing
 * of graphs. What one part hands to another is in the spec of the other
 * (spec_use); the graph says what the parts are called, what has to be done
 * before what, and what the ways between them must hold.
 *
 * It stays at the buyer's node and is not signed: it moves no money. */

#include "market/request.h"

#define GRAPH_PARTS_MAX 31u
#define GRAPH_SEATS_MAX 31u /* tasks of all parts together */
#define GRAPH_LINKS_MAX 128u
#define GRAPH_WAYS_MAX  256u /* links, from each task to each task */
#define GRAPH_BYTES_MAX (32u * 1024)
#define GRAPH_BUYER     UINT8_MAX /* an end of a link: the buyer's own node */

struct graph_part {
    char name[LIMIT_NAME]; /* a letter or digit, then also - _ . */
    struct hash request;
    uint32_t tasks;   /* of the request */
    uint8_t together; /* equal and not 0: all tasks of these parts on one
                         provider */
    uint8_t apart;    /* equal and not 0: each task of these parts on a
                         provider of its own */
};

/* In all bounds 0 means: no bound. */
struct graph_link {
    uint8_t from; /* part, or GRAPH_BUYER: what it starts with */
    uint8_t to;
    bool order;            /* `to` starts when `from` is done */
    uint64_t kbps;         /* promised on the whole way */
    uint64_t bytes;        /* what is sent over it once */
    uint32_t delay_us_max; /* one way, and the sending of `bytes` at kbps */
    uint32_t risk_nn_max;  /* -ln(reliability) in nano-nats */
};

struct graph {
    char name[LIMIT_NAME]; /* "" none */
    uint32_t part_count;
    uint32_t link_count;
    struct graph_part parts[GRAPH_PARTS_MAX];
    struct graph_link links[GRAPH_LINKS_MAX];
};

/* Is it one? ERR_RANGE: no part, a name that is malformed or there twice, a
 * part of no task, a zero request, a link to itself, to the buyer or to what is
 * not there, bytes without bandwidth, a part in a group of both kinds with
 * several tasks; ERR_TOO_LARGE: more than the limits; ERR_DEPTH: what has to be
 * done before what runs in a circle. */
MUST_USE enum err graph_form(const struct graph *graph);
bool graph_name_ok(const char *name);
/* The part of that name; part_count when there is none. */
uint32_t graph_part_of(const struct graph *graph, const char *name);
/* How many steps of order lie before each part: 0 for those that start at once.
 * False: it runs in a circle, and out[i] is UINT32_MAX for parts on one or
 * behind one. */
bool graph_levels(const struct graph *graph, uint32_t out[GRAPH_PARTS_MAX]);
/* A circle by its parts, in order, the first of them first: how many are
 * written; 0: there is none. */
uint32_t graph_circle(const struct graph *graph, uint8_t out[GRAPH_PARTS_MAX]);
/* Appends. What graph_form refuses, or what stuck in the buf. */
MUST_USE enum err graph_encode(const struct graph *graph, struct buf *out);
/* ERR_TOO_LARGE above GRAPH_BYTES_MAX, what mp_open_message refuses, then what
 * graph_form does. Nothing is lent from the input. */
MUST_USE enum err graph_decode(struct bytes bytes, struct arena *arena,
                               struct graph *out);
/* Its name: hash(HASH_TAG_GRAPH, encoding). The requests in it have salts. */
void graph_id(struct bytes encoded, struct hash *out);

#endif
