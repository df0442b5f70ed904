#ifndef SCHED_GRAPH_ADJUST_H
#define SCHED_GRAPH_ADJUST_H

/* Keeps a running plan good while the topology changes under it: a capacity or
 * a price moved, a link got worse, an offer was withdrawn, a node came back, a
 * user went elsewhere. The caller changes the topology or the job, then asks.
 *
 * Only what is violated is touched, and more only if that does not do:
 *
 *   KEEP        the plan holds
 *   REROUTE     violated virtual links take other paths, nothing moves
 *   MOVE        violated components move; of a violated link that has no path
 *               its ends
 *   NEIGHBOURS  and components linked to them, as far as the budget allows
 *   WHOLE       everything, likewise
 *   LOST        no plan was found
 *
 * Within a level the plan of least cost is taken. In micro-credits an hour:
 *
 *   cost = price of the cores + link_micro * Gbit/s * links
 *        + mu_micro * seconds of moving state + kappa_micro * moves
 *
 * Whoever is not violated moves only if that gains more than theta, after a
 * cool-down, within the budget, and not back to where it left of its own will:
 * so load that goes back and forth moves nobody back and forth.
 *
 * Integers, counts for budgets: same question, same plan. Every plan that is
 * handed out has passed plan_check. Times are ms of a clock that never goes
 * back. */

#include "sched/graph/embed.h"
#include "sched/graph/plan_check.h"

enum adjust_level {
    ADJUST_KEEP,
    ADJUST_REROUTE,
    ADJUST_MOVE,
    ADJUST_NEIGHBOURS,
    ADJUST_WHOLE,
    ADJUST_LOST
};
#define ADJUST_LEVELS (ADJUST_LOST + 1)
/* "keep", "reroute", ...; static. */
const char *adjust_level_name(enum adjust_level level);

struct adjust_terms {
    const uint64_t *price_micro; /* lent: of a core for an hour on each node;
                                    NULL: nodes cost nothing */
    uint64_t link_micro;         /* of 1 Gbit/s over one link for an hour */
    uint64_t mu_micro;           /* of a second of moving state */
    uint64_t kappa_micro;        /* of a move */
    uint32_t theta_permille;
    uint32_t budget_moves; /* of components that are not violated, for each */
    uint64_t budget_ms;    /* of these times, > 0 */
    uint64_t cooldown_ms;  /* between moves of one's own will */
    uint64_t memory_ms;    /* where one left by it, one does not return */
    uint32_t tries_max;    /* layouts tried at each step, > 0 */
};
/* 5 %, a budget of 4 an hour, cool-down 10 min, memory a day, 400 tries; 1000 a
 * link, 100 a second, 2000 a move; no prices. */
extern const struct adjust_terms adjust_terms_default;

/* What a job remembers of its moves; zero at first. */
#define ADJUST_LEFT_MAX 16u
struct adjust_history {
    uint64_t willing_ms;  /* when it last moved of its own will; 0: never */
    uint64_t spent_milli; /* of the budget, at: */
    uint64_t spent_ms;
    uint32_t left_count; /* ever; the last ADJUST_LEFT_MAX are kept */
    struct adjust_left {
        uint64_t at_ms;
        uint16_t node;
        uint8_t component;
    } left[ADJUST_LEFT_MAX];
};

struct adjust_case {
    const struct topology *topology; /* as it is now, without this job's hold */
    const struct job_graph *job;     /* passes job_graph_check */
    const struct plan *plan;         /* how it runs */
    const uint64_t *state_bytes;     /* lent: of each component; NULL: none */
    const struct adjust_terms *terms;
    const struct adjust_history *history;
    uint64_t now_ms;
};

struct adjust_result {
    enum adjust_level level;
    struct plan plan;     /* LOST: the old one */
    uint32_t violated;    /* components, a bit each, before */
    uint32_t moved;       /* components, a bit each */
    uint32_t moves;       /* how many */
    uint32_t rerouted;    /* virtual links between unmoved components that
                             take another path */
    uint64_t moved_bytes; /* of state */
    uint64_t move_us;     /* one state after the other */
    uint64_t cost_before; /* an hour of the old plan */
    uint64_t cost;        /* an hour of the new one */
    uint64_t cost_moving; /* mu and kappa */
    uint32_t tries;       /* layouts */
};

struct adjust; /* scratch for one topology */
/* The topology is lent until adjust_free; all of it but its shape may change
 * between calls. ERR_NOMEM. */
MUST_USE enum err adjust_new(const struct topology *topology,
                             struct adjust **out);
void adjust_free(struct adjust *adjust); /* NULL is fine */

/* After something changed. Refusals: of job_graph_check; ERR_RANGE (the plan is
 * not of this job and topology); ERR_NOMEM. LOST is an answer, no error. */
MUST_USE enum err adjust_repair(struct adjust *adjust,
                                const struct adjust_case *what,
                                struct adjust_result *out);
/* Of one's own will: the one unit (a component, or a group that belongs
 * together) whose move gains most. KEEP where nothing gains enough or may move;
 * the plan must hold (else KEEP, too: repair it). Same refusals. */
MUST_USE enum err adjust_improve(struct adjust *adjust,
                                 const struct adjust_case *what,
                                 struct adjust_result *out);
/* The job does as the result says, from now on. */
void adjust_note(const struct adjust_case *what,
                 const struct adjust_result *result, bool willing,
                 struct adjust_history *history);
/* Moves of components that are not violated it may still make. */
uint32_t adjust_budget(const struct adjust_terms *terms,
                       const struct adjust_history *history, uint64_t now_ms);

/* ---- how it is done ---- */

/* In this order: network, target resources, state, start, release. */
enum adjust_act {
    ADJUST_PATH,    /* set up the new path of a virtual link */
    ADJUST_RESERVE, /* room for a component at its new node */
    ADJUST_STATE,   /* its state goes there */
    ADJUST_START,   /* it starts there */
    ADJUST_RELEASE, /* what it had at the old node */
    ADJUST_UNPATH,  /* the old path of a virtual link */
};
const char *adjust_act_name(enum adjust_act act);

struct adjust_step {
    enum adjust_act act;
    uint16_t subject; /* component, or virtual link */
    uint16_t from;    /* nodes; of a path 0 */
    uint16_t to;
    uint64_t bytes; /* STATE */
    uint64_t us;    /* STATE: 0 with bytes: there is no way from the old node,
                       the component starts from what is kept elsewhere */
};
#define ADJUST_STEPS_MAX (4u * JOB_COMPONENTS_MAX + 2u * JOB_LINKS_MAX)

/* The steps from the old plan to the result's. *out_gap: there is not room for
 * old and new at the same time, so what moves has to stop first. Returns how
 * many. */
uint32_t adjust_steps(struct adjust *adjust, const struct adjust_case *what,
                      const struct adjust_result *result,
                      struct adjust_step out[ADJUST_STEPS_MAX], bool *out_gap);

#endif
