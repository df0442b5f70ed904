#ifndef CLI_GRAPH_H
#define CLI_GRAPH_H

/* A graph of jobs at the command line: from its file to one bill, one yes and
 * one line of the list; and naming it and its parts. */

#include "cli/cli.h"
#include "cli/file/graphfile.h"

/* Imports, signs, submits, shows plan and bill, asks, approves; with --follow
 * stays until the end. args is of the verb submit. */
int run_graph(struct cli *cli, const struct args *args, struct graphfile *file,
              uint64_t queue_ms);

/* Says where everything goes and what it costs at most: to stderr, or, with
 * `data`, as what was asked for. `shown` is the node's word of a graph. */
int graph_plan_show(struct cli *cli, const json_t *shown, bool data);
/* A graph's job.show, as people read it. */
int graph_show(struct cli *cli, const json_t *shown);
/* Is the node's word that of a graph? */
bool graph_is(const json_t *shown);
/* Says how each part stands as it changes, until all has ended. Its exit code.
 */
int graph_follow(struct cli *cli, const char *id, const char *fetch_dir);
/* Writes outputs below dir: of the parts that no other reads, each in a
 * directory of its name; of a single one in dir itself. */
int graph_fetch(struct cli *cli, const json_t *shown, const char *dir);

#endif
