#ifndef CLI_GRAPHFILE_H
#define CLI_GRAPHFILE_H

/* A job file that describes a graph: components with what a job file has, and
 * what one hands to another. What stands at the top holds for all components,
 * unless they say otherwise; lists (env, in, use, out, constraints) are added
 * to.
 *
 *   name: words
 *   time: 2m
 *   components:
 *     split: {command: [...], in: [book.txt]}
 *     count: {command: [...], tasks: 3, from: {split: parts}}
 *     join:  {command: [...], from: [count]}
 *   apart: [[count]]
 *   links:
 *     - {from: split, to: count, delay: 20ms}
 *
 * See docs/graph-jobs.md. Anchors, aliases, tags, a second document and a
 * repeated field are refused. */

#include "cli/order.h"
#include "cli/file/yamlfile.h"
#include "market/graph/graph.h"

struct graphfile_from {
    uint8_t part;
    const char *dest; /* below /job/in; NULL: only order */
};

struct graphfile_part {
    size_t line;
    struct order order;
    uint32_t from_count;
    struct graphfile_from from[SPEC_USES_MAX];
};

struct graphfile {
    struct arena arena;
    bool has_deadline;
    uint64_t deadline_ms; /* from the approval to the last end */
    uint64_t expires_ms;
    bool has_price_max;
    struct amount price_max;      /* of all of it */
    struct graph graph;           /* all but the requests' ids */
    struct graphfile_part *parts; /* graph.part_count of them */
};

/* Is it such a file: does a field "components" stand at its top? What is not
 * YAML is none. */
bool graphfile_is(struct bytes text);

/* Reads it; the caller calls graphfile_done in any case.
 *
 * file_name  for messages
 * base_dir   relative `in` paths start there
 *
 * ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: what" in error; ERR_NOMEM. */
MUST_USE enum err graphfile_parse(struct bytes text, const char *file_name,
                                  const char *base_dir, struct graphfile *out,
                                  char error[YAMLFILE_ERROR_MAX]);
void graphfile_done(struct graphfile *file);

/* Of each part: how long it and all that comes after it takes at most, if every
 * task takes all its time. */
void graphfile_tails(const struct graphfile *file,
                     uint64_t out_ms[GRAPH_PARTS_MAX]);

#endif
