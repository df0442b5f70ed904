#ifndef CLI_AVAIL_TELL_H
#define CLI_AVAIL_TELL_H

/* What suan sched availability found, for people, for programs, for Graphviz.
 */

#include "cli/file/availfile.h"
#include "cli/cli.h"

#define AVAIL_TARGETS_MAX 12u
#define AVAIL_COLUMNS_MAX 5u /* what 80 columns of text have room for */

struct avail_report {
    const struct availfile *file;
    const struct avail_system *system;
    const struct avail_frontier *frontier;
    const struct avail_step *step; /* the plan shown; NULL: none */
    bool has_target;
    double target_down;
    bool costs; /* plans are compared by cost, not by services */
    bool frontier_too;
};

void avail_tell_plan(struct cli *cli, const struct avail_report *report);
void avail_tell_frontier(struct cli *cli, const struct avail_report *report);
/* Given; NULL: no memory. */
json_t *avail_tell_json(const struct avail_report *report);
/* The plan as a graph in the language of Graphviz. */
void avail_tell_dot(const struct avail_report *report, struct buf *out);

/* The table: a row of cells for one service a module, for each target and for
 * the full split. */
struct avail_cell {
    double nats;
    uint32_t cost;
    bool reached; /* false: the target is out of reach, this is the full split
                   */
};
struct avail_table {
    uint32_t rows;    /* targets + 2 */
    uint32_t columns; /* availabilities of a submodule */
    double target_down[AVAIL_TARGETS_MAX];
    double part_down[AVAIL_COLUMNS_MAX];
    struct avail_cell cells[AVAIL_TARGETS_MAX + 2][AVAIL_COLUMNS_MAX];
    bool costs;
};
void avail_tell_table(struct cli *cli, const struct avail_table *table);
json_t *avail_tell_table_json(const struct avail_table *table);

#endif
