#ifndef SCHED_GRAPH_WORKFLOW_H
#define SCHED_GRAPH_WORKFLOW_H

/* A workflow: tasks that run once each, and the files that pass between them.
 *
 *   workflow_init, workflow_add_task/file/use/order ..., workflow_close
 *
 * A task waits for all the files that it reads. A file is written by one task,
 * or is an input that lies at a site from the start: that is a component
 * without work, pinned to its place. A file may be bound to zones; what its
 * data reaches is bound to the same: the task that writes it, all that read
 * it, and all that reads what those wrote. After workflow_close nothing may be
 * added. Sites and zones are numbers that the offers give a meaning. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WORKFLOW_TASKS_MAX   16384u
#define WORKFLOW_FILES_MAX   262144u
#define WORKFLOW_LINKS_MAX   1048576u /* uses and orders together */
#define WORKFLOW_WORK_MAX_US UINT64_C(10000000000000) /* 115 days */
#define WORKFLOW_BYTES_MAX   (UINT64_C(1) << 50)
#define WORKFLOW_CORES_MAX   65536u
#define WORKFLOW_NONE        UINT32_MAX
#define WORKFLOW_ZONES_ALL   UINT64_MAX

struct workflow_task {
    uint64_t work_us; /* run time at reference speed, on all of its cores */
    uint64_t zones;   /* bit z: may run in zone z */
    uint32_t cores;   /* busy while it runs; at least 1 */
    uint32_t memory_mib;
};

struct workflow_file {
    uint64_t bytes;
    uint64_t zones;    /* bit z: its data may be in zone z */
    uint32_t producer; /* the task that writes it, or WORKFLOW_NONE: an input */
    uint32_t site;     /* of an input; WORKFLOW_NONE: at hand everywhere */
};

/* All that one task hands to another. */
struct workflow_edge {
    uint64_t bytes;
    uint32_t from;
    uint32_t to;
};

/* All that one task reads from one site. */
struct workflow_input {
    uint64_t bytes;
    uint32_t task;
    uint32_t site;
};

struct workflow_link {
    uint32_t task;
    uint32_t what; /* a file that it reads, or with `order` a task before it */
    bool order;
};

struct workflow {
    struct workflow_task *tasks;
    struct workflow_file *files;
    struct workflow_link *links;
    uint32_t task_count, task_room;
    uint32_t file_count, file_room;
    uint32_t link_count, link_room;
    /* From workflow_close on: */
    bool closed;
    struct workflow_edge *edges;   /* by (to, from) */
    struct workflow_input *inputs; /* by (task, site) */
    uint32_t edge_count;
    uint32_t input_count;
    uint32_t *in_first;    /* of task t: edges[in_first[t] .. in_first[t+1]) */
    uint32_t *out_first;   /* of task t: out_edges[out_first[t] .. ) */
    uint32_t *out_edges;   /* indices of edges, by (from, to) */
    uint32_t *input_first; /* of task t: inputs[input_first[t] .. ) */
    uint32_t *order;       /* every task after all that it waits for */
    uint64_t *zones;       /* of task t: its own and its data's */
};

void workflow_init(struct workflow *workflow);
void workflow_done(struct workflow *workflow);

/* Each writes the new index. ERR_RANGE: a field is outside its bounds, or the
 * producer is no task yet; ERR_TOO_LARGE: too many; ERR_NOMEM. */
MUST_USE enum err workflow_add_task(struct workflow *workflow,
                                    const struct workflow_task *task,
                                    uint32_t *out);
MUST_USE enum err workflow_add_file(struct workflow *workflow,
                                    const struct workflow_file *file,
                                    uint32_t *out);
/* The task reads the file. Saying so twice changes nothing. Same errors. */
MUST_USE enum err workflow_add_use(struct workflow *workflow, uint32_t task,
                                   uint32_t file);
/* The task waits for another, without data. Same errors. */
MUST_USE enum err workflow_add_order(struct workflow *workflow, uint32_t before,
                                     uint32_t task);

/* Draws the edges, the order and the zones. ERR_NOT_FOUND: there are no tasks;
 * ERR_STATE: tasks wait for each other in a circle, *out_task is one of them;
 * ERR_OVERFLOW: more than WORKFLOW_BYTES_MAX pass between two tasks or from a
 * site to *out_task; ERR_NOMEM. The workflow stays open then; changed in
 * nothing that can be seen. */
MUST_USE enum err workflow_close(struct workflow *workflow, uint32_t *out_task);

/* All files between the two, and every order: a chain (no task has two before
 * or two after it), or a forest (no circle even when arrows are forgotten). */
bool workflow_is_chain(const struct workflow *workflow);
bool workflow_is_forest(const struct workflow *workflow);

#endif
