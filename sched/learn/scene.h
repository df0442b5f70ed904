#ifndef SCHED_LEARN_SCENE_H
#define SCHED_LEARN_SCENE_H

/* What a network sees of one decision: numbers for each node of a topology as
 * it stands and for each component of a job, who neighbours whom, and where the
 * first component may be. Numbers are relative to the topology's means or to
 * what the job wants, 0 to about 1, so that a network that learned on one
 * topology can look at another.
 *
 * Two nodes are neighbours where a link between them has room for the job's
 * mean virtual link. */

#include "sched/graph/job_graph.h"
#include "sched/learn/layer.h"

/* Of a node. A squashed number x stands as x / (1 + x). */
enum scene_node {
    SCENE_FREE,      /* share of its capacities that is free */
    SCENE_FITS,      /* share of the job's components it could take alone */
    SCENE_SLACK,     /* what the first component would leave free */
    SCENE_BAND,      /* free bandwidth around, in mean links; squashed */
    SCENE_BAND_FREE, /* share of the bandwidth around that is free */
    SCENE_BAND_MOST, /* most free bandwidth of one link, in mean links */
    SCENE_WIDE,      /* links with room for the first's widest; squashed */
    SCENE_MEAN,      /* links with room for the job's mean; squashed */
    SCENE_CARRY,     /* share of the first's bandwidth that its links carry,
                        the widest on the widest */
    SCENE_DEGREE,    /* links, over the mean; squashed */
    SCENE_CLOSE,     /* mean distance of all nodes over its own; squashed */
    SCENE_AROUND,    /* neighbours that could take the mean component, over
                        the components; squashed */
    SCENE_ORDER,     /* free share times free bandwidth around (the order of
                        embed_starts), over the most */
    SCENE_CORNERS,   /* pairs of neighbours that could take the mean component
                        and are neighbours themselves, over the components;
                        squashed */
    SCENE_REACH,     /* nodes within two steps that could take it, over four
                        times the components; squashed */
    SCENE_NODE_WIDTH
};

/* Of a component. */
enum scene_part {
    SCENE_FIRST,     /* 1: the one that start nodes are for */
    SCENE_WANT,      /* share of a mean node it wants, of the scarcest kind */
    SCENE_JOIN,      /* bandwidth of its virtual links, in mean links */
    SCENE_JOIN_MOST, /* of the widest of them */
    SCENE_JOINS,     /* their number, over the components */
    SCENE_PARTS,     /* components of the job; squashed by ten */
    SCENE_TOTAL,     /* bandwidth of the job over what is free; squashed */
    SCENE_LOAD,      /* share of all links' bandwidth that is taken */
    SCENE_PART_WIDTH
};

struct scene {
    const struct topology *topology; /* lent until scene_free */
    uint32_t nodes;
    uint32_t parts;
    uint32_t first;
    float *node; /* [nodes][SCENE_NODE_WIDTH] */
    float part[JOB_COMPONENTS_MAX][SCENE_PART_WIDTH];
    uint8_t *may; /* 1: the first component (with its group) can be here, as far
                     as one looks at it alone */
    struct layer_arcs node_arcs;
    struct layer_arcs part_arcs;
    /* memory of the above */
    uint32_t *node_first;
    uint16_t *node_to;
    uint32_t part_first[JOB_COMPONENTS_MAX + 1];
    uint16_t part_to[2 * JOB_LINKS_MAX];
    uint8_t *able;  /* 1: could take the mean component */
    uint32_t *seen; /* marks of the walk from a node */
    float *close;   /* does not change with what is reserved */
    double mean_kbps;
    double mean_cap[RES_COUNT];
};

/* Measures distances from all nodes, from 256 evenly chosen ones of more.
 * ERR_NOMEM. */
MUST_USE enum err scene_new(const struct topology *topology,
                            struct scene **out);
void scene_free(struct scene *scene);
/* Fills the scene from the topology as it stands. first: embed_first of the
 * job, below its component_count, which passed job_graph_check. */
void scene_look(struct scene *scene, const struct job_graph *job,
                uint32_t first);

#endif
