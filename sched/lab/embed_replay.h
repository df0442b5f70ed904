#ifndef SCHED_LAB_EMBED_REPLAY_H
#define SCHED_LAB_EMBED_REPLAY_H

/* Job graphs that come and go on a topology: the workload of the Virne
 * benchmark for virtual network embedding. A request has 2..10 components, a
 * virtual link between two with probability 0.5 (drawn again until the request
 * hangs together), wants 0..20 cores for each component and 0..50 Mbit/s for
 * each link; all whole and equally likely. Nodes have 50..100 cores, links
 * 50..100 Mbit/s. Requests come by a Poisson process and stay for a time that
 * is exponential with mean 500. A node takes one component of a request, a
 * virtual link one path. A request that finds no place is lost. (The generator
 * of the benchmark itself draws whole gaps between requests from a Poisson
 * distribution of mean 1 / rate, so they come more evenly: even_gaps.)
 *
 * After every event the reservations are summed anew and compared with what the
 * topology says, and every plan passes plan_check. Any mistake is CHECKed. */

#include "base/dice.h"
#include "sched/graph/embed.h"
#include "sched/lab/gml.h"

enum embed_policy { EMBED_JOINT, EMBED_GRC, EMBED_RANDOM };

struct embed_workload {
    double rate;       /* requests a time unit; > 0 */
    double life_mean;  /* time units */
    uint32_t requests; /* 1..REPLAY_REQUESTS_MAX */
    uint32_t size_min; /* components, 2..JOB_COMPONENTS_MAX */
    uint32_t size_max;
    uint32_t edge_permille;
    uint32_t node_max; /* cores a component wants, at most */
    uint32_t link_max; /* Mbit/s a virtual link wants, at most */
    bool even_gaps;    /* Poisson gaps of mean 1 / rate, not exponential ones */
    uint64_t seed;
};
#define REPLAY_REQUESTS_MAX 1000000u
extern const struct embed_workload embed_workload_virne; /* rate 0.16, 1,000
                                                            requests, seed 0 */

/* How a replay decides. */
struct embed_way {
    enum embed_policy policy;
    struct embed_options options; /* of EMBED_JOINT */
    uint64_t (*cpu_ns)(void); /* processor time so far; NULL: not measured */
    /* EMBED_JOINT: writes start nodes for the component embed_first, best
     * first, at most node_count, and says how many. NULL: embed_starts. */
    uint32_t (*rank)(void *context, const struct topology *topology,
                     const struct job_graph *job, uint32_t first,
                     uint16_t *out);
    /* After each decision, before the plan is taken; plan NULL: refused. */
    void (*seen)(void *context, const struct topology *topology,
                 const struct job_graph *job, const struct plan *plan);
    void *context; /* lent to both */
};

struct embed_report {
    uint32_t requests;
    uint32_t accepted;
    uint32_t checked;      /* plans that passed the checker: all of them */
    uint32_t live_most;    /* at one time */
    uint64_t node_revenue; /* cores of what was accepted */
    uint64_t link_revenue; /* Mbit/s */
    uint64_t link_cost;    /* Mbit/s times links taken */
    double time_revenue;   /* (cores + Mbit/s) times the life of the request */
    double time_cost;      /* (cores + Mbit/s times links), likewise */
    uint64_t score;        /* sums over what was accepted, in thousandths: */
    uint64_t node_balance; /* plan_score of the topology with the plan in */
    uint64_t link_balance; /* it, by the weights of the options */
    uint64_t cpu_ns;       /* of all decisions */
    uint64_t cpu_ns_most;  /* of one */
    uint64_t starts;       /* tried, all requests together */
    uint64_t better;       /* moves that helped */
};

/* (cores + Mbit/s) wanted by what was accepted, over (cores + Mbit/s times
 * links) taken: 1 when every virtual link takes one link. 0 when nothing was
 * accepted. */
double embed_report_revenue_cost(const struct embed_report *report);

/* The same weighted by the lives of the requests. */
double embed_report_time_revenue_cost(const struct embed_report *report);

/* Draws capacities for a graph that was read: cores and Mbit/s equally likely
 * from least to most. Delay: 5 us a km of the great circle where both ends have
 * Longitude and Latitude, else not known; reliability not known. Loops are left
 * out, double edges are links of their own. All nodes are in zone 0 and of
 * speed 1000. Refusals of topology_init. */
MUST_USE enum err embed_topology(const struct gml *gml, uint32_t least,
                                 uint32_t most, struct dice *dice,
                                 struct topology *out);

/* The dice that a seed's topology is drawn with: not those of its requests. */
void embed_topology_dice(uint64_t seed, struct dice *out);

/* Draws one request. */
void embed_request(const struct embed_workload *workload, struct dice *dice,
                   struct job_graph *out);

/* The topology must have nothing reserved, and has nothing reserved in the end.
 * ERR_RANGE for a workload outside its bounds, ERR_NOMEM. */
MUST_USE enum err embed_replay(struct topology *topology,
                               const struct embed_workload *workload,
                               const struct embed_way *way,
                               struct embed_report *out);

#endif
