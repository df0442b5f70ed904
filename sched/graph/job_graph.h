#ifndef SCHED_GRAPH_JOB_GRAPH_H
#define SCHED_GRAPH_JOB_GRAPH_H

/* A job graph: components that want room on a node, and virtual links between
 * them that want a path. A data input is a component without work that lies at
 * its place and moves nowhere; what reads it is linked from it.
 *
 * In all bounds 0 means: no bound. */

#include "sched/graph/topology.h"

#define JOB_COMPONENTS_MAX 32u
#define JOB_LINKS_MAX      256u
#define JOB_ANYWHERE       UINT16_MAX
#define JOB_ZONES_ALL      UINT64_MAX

_Static_assert(JOB_COMPONENTS_MAX <= HOLD_NODES_MAX, "a job's hold is bounded");

struct job_component {
    struct stock want;
    uint64_t zones;  /* a bit for each zone it may run in (residency). Of a data
                        input: the zones its content may be in, which binds all
                        components reached from it along the links */
    uint64_t labels; /* a node must have all of these bits */
    const struct node_set *only; /* lent; NULL: any node */
    uint32_t work_us; /* run time on the reference machine (speed 1000) */
    uint16_t place;   /* the one node it may be on, or JOB_ANYWHERE */
    uint8_t together; /* equal and not 0: on the same node */
    uint8_t apart;    /* equal and not 0: on different nodes (replicas) */
    bool data;        /* a data input: has a place, wants nothing, no work */
};

struct job_link {
    uint64_t kbps;
    uint64_t bytes;        /* what is sent over it once */
    uint32_t delay_us_max; /* path delay plus 8000 * bytes / kbps */
    uint32_t risk_nn_max;  /* sum of the path's -ln(reliability) */
    uint8_t from;
    uint8_t to;
    bool flow; /* `to` starts when `from` has ended and the bytes are there */
};

struct job_graph {
    uint32_t component_count;
    uint32_t link_count;
    uint64_t time_us_max; /* from the first start to the last end */
    bool alone;           /* a node runs at most one component of the job, or
                             one group; data inputs do not count */
    struct job_component components[JOB_COMPONENTS_MAX];
    struct job_link links[JOB_LINKS_MAX];
};

/* Nothing in it, everything allowed. */
void job_graph_init(struct job_graph *job);
/* The next component: wants nothing, may be anywhere. NULL: it is full. Lent:
 * the job owns it. */
struct job_component *job_graph_add(struct job_graph *job);
/* The next link. NULL: it is full. */
struct job_link *job_graph_join(struct job_graph *job, uint8_t from, uint8_t to,
                                uint64_t kbps);

/* Is it a job at all? ERR_TOO_LARGE (no component, too many), ERR_RANGE (a
 * link to itself or to what is not there, bytes without bandwidth, a data input
 * without place, with wants or work, or at the end of a link, a bound no number
 * can hold), ERR_DEPTH (the flow links run in a circle). */
MUST_USE enum err job_graph_check(const struct job_graph *job);

/* Microseconds to send a link's bytes at its bandwidth, rounded up; at most
 * UINT32_MAX. */
uint64_t job_link_send_us(const struct job_link *link);

#endif
