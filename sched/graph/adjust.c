#include "sched/graph/adjust.h"

#include <string.h>

#include "base/check.h"
#include "sched/graph/adjust_work.h"

const struct adjust_terms adjust_terms_default = {.link_micro = 1000,
                                                  .mu_micro = 100,
                                                  .kappa_micro = 2000,
                                                  .theta_permille = 50,
                                                  .budget_moves = 4,
                                                  .budget_ms = 3600000,
                                                  .cooldown_ms = 600000,
                                                  .memory_ms = 86400000,
                                                  .tries_max = 400};

const char *adjust_level_name(enum adjust_level level)
{
    static const char *const names[] = {"keep",       "reroute", "move",
                                        "neighbours", "whole",   "lost"};
    CHECK((unsigned)level < ADJUST_LEVELS);
    return names[level];
}

const char *adjust_act_name(enum adjust_act act)
{
    static const char *const names[] = {"path",  "reserve", "state",
                                        "start", "release", "unpath"};
    CHECK((unsigned)act <= ADJUST_UNPATH);
    return names[act];
}

/* ---- the budget ---- */

/* Spent moves grow back evenly. */
static uint64_t spent_milli(const struct adjust_terms *terms,
                            const struct adjust_history *history,
                            uint64_t now_ms)
{
    uint64_t passed =
        now_ms > history->spent_ms ? now_ms - history->spent_ms : 0;
    uint64_t back;
    CHECK(terms->budget_ms > 0);
    if (passed > terms->budget_ms)
        return 0;
    back = (uint64_t)terms->budget_moves * 1000 * passed / terms->budget_ms;
    return history->spent_milli > back ? history->spent_milli - back : 0;
}

uint32_t adjust_budget(const struct adjust_terms *terms,
                       const struct adjust_history *history, uint64_t now_ms)
{
    uint64_t spent = spent_milli(terms, history, now_ms);
    uint64_t all = (uint64_t)terms->budget_moves * 1000;
    return spent >= all ? 0 : (uint32_t)((all - spent) / 1000);
}

void adjust_note(const struct adjust_case *what,
                 const struct adjust_result *result, bool willing,
                 struct adjust_history *history)
{
    uint32_t extra = result->moved & ~(willing ? 0 : result->violated);
    uint64_t spent = spent_milli(what->terms, history, what->now_ms);
    history->spent_milli = spent + 1000u * (uint64_t)__builtin_popcount(extra);
    history->spent_ms = what->now_ms;
    if (!willing || result->moves == 0)
        return;
    history->willing_ms = what->now_ms > 0 ? what->now_ms : 1;
    for (uint32_t c = 0; c < what->job->component_count; c++)
        if ((result->moved >> c & 1) != 0)
            history->left[history->left_count++ % ADJUST_LEFT_MAX] =
                (struct adjust_left){what->now_ms, what->plan->node[c],
                                     (uint8_t)c};
}

/* ---- results ---- */

static bool same_path(const struct plan *a, const struct plan *b, uint32_t link)
{
    uint32_t hops = (uint32_t)a->begin[link + 1] - a->begin[link];
    return hops == (uint32_t)b->begin[link + 1] - b->begin[link] &&
           memcmp(&a->steps[a->begin[link]], &b->steps[b->begin[link]],
                  hops * sizeof(a->steps[0])) == 0;
}

static void write_result(struct adjust *a, enum adjust_level level,
                         const struct plan *plan, struct adjust_result *out)
{
    const struct adjust_case *what = a->what;
    const struct job_graph *job = what->job;
    out->level = level;
    out->plan = *plan;
    out->moved = work_moved(what, plan);
    out->moves = (uint32_t)__builtin_popcount(out->moved);
    out->cost = work_hour(what, plan);
    out->cost_moving = work_moving(a, plan);
    out->tries = a->tries;
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint64_t us;
        if ((out->moved >> c & 1) == 0 || what->state_bytes == NULL)
            continue;
        us = work_state_us(a, c, plan->node[c]);
        if (us == NO_WAY)
            continue; /* nothing goes over the network */
        out->moved_bytes += what->state_bytes[c];
        out->move_us += us;
    }
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t ends = 1u << job->links[i].from | 1u << job->links[i].to;
        out->rerouted +=
            (ends & out->moved) == 0 && !same_path(what->plan, plan, i);
    }
}

/* ---- repair ---- */

struct repair {
    struct adjust *a;
    struct adjust_faults faults;
    uint32_t soft;   /* ends of violated links; with late runs all that work */
    uint32_t around; /* linked to those */
    uint32_t budget; /* moves of what is not violated */
};

/* Components that may be moved at all, whole groups. */
static uint32_t movable(const struct job_graph *job)
{
    uint32_t mask = 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint32_t group = adjust_group(job, c);
        bool placed = false;
        for (uint32_t o = 0; o < job->component_count; o++)
            placed = placed || ((group >> o & 1) != 0 &&
                                job->components[o].place != JOB_ANYWHERE);
        if (!placed)
            mask |= group;
    }
    return mask;
}

static void widen(struct repair *r)
{
    const struct adjust_case *what = r->a->what;
    const struct job_graph *job = what->job;
    uint32_t can = movable(job);
    for (uint32_t i = 0; i < job->link_count; i++)
        if (link_set_has(&r->faults.links, i))
            r->soft |= adjust_group(job, job->links[i].from) |
                       adjust_group(job, job->links[i].to);
    for (uint32_t c = 0; r->faults.time && c < job->component_count; c++)
        if (job->components[c].work_us > 0)
            r->soft |= adjust_group(job, c);
    r->soft &= can & ~r->faults.must;
    for (uint32_t i = 0; i < job->link_count; i++) {
        uint32_t from = 1u << job->links[i].from;
        uint32_t to = 1u << job->links[i].to;
        if (((from | to) & (r->faults.must | r->soft)) != 0)
            r->around |= adjust_group(job, job->links[i].from) |
                         adjust_group(job, job->links[i].to);
    }
    r->around &= can & ~(r->faults.must | r->soft);
}

/* Everybody stays on his node but `movers`; a plan that keeps the other paths
 * is asked for first. */
static enum err search(struct repair *r, uint32_t movers)
{
    TRY(work_search(r->a, movers, &r->faults.links, false));
    if (!r->a->found)
        TRY(work_search(r->a, movers, &r->faults.links, true));
    return OK;
}

/* Several at once: what the embedder makes of it takes part. */
static void ask_embedder(struct repair *r, uint32_t movers)
{
    const struct adjust_case *what = r->a->what;
    struct job_graph job = *what->job;
    struct embed_options options = embed_options_default;
    struct plan plan = {0};
    options.starts_max = 32;
    for (uint32_t c = 0; c < job.component_count; c++)
        if ((movers >> c & 1) == 0)
            job.components[c].place = what->plan->node[c];
    if (embed_solve(r->a->embed, &job, &options, &plan, NULL) == OK)
        work_offer(r->a, &plan);
}

/* The base, and of `more` one unit alone; the best of all, else all of them. */
static enum err with_one_of(struct repair *r, uint32_t base, uint32_t more)
{
    const struct job_graph *job = r->a->what->job;
    uint32_t seen = 0;
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint32_t unit = adjust_group(job, c);
        if ((more >> c & 1) == 0 || (seen >> c & 1) != 0)
            continue;
        seen |= unit;
        TRY(search(r, base | unit));
    }
    if (r->a->found || more == 0)
        return OK;
    TRY(search(r, base | more));
    if (!r->a->found)
        ask_embedder(r, base | more);
    return OK;
}

/* Of a plan that moves who is not violated, no more than the budget. */
static bool within(const struct repair *r)
{
    uint32_t moved = work_moved(r->a->what, &r->a->best);
    uint32_t extra = moved & ~(r->faults.must | r->soft);
    return (uint32_t)__builtin_popcount(extra) <= r->budget;
}

static enum err move_violated(struct repair *r)
{
    if (r->faults.must != 0)
        TRY(search(r, r->faults.must));
    if (!r->a->found && __builtin_popcount(r->faults.must) > 1)
        ask_embedder(r, r->faults.must);
    if (!r->a->found)
        TRY(with_one_of(r, r->faults.must, r->soft));
    return OK;
}

static enum err escalate(struct repair *r, enum adjust_level *out_level)
{
    struct adjust *a = r->a;
    *out_level = ADJUST_REROUTE;
    if (r->faults.must == 0)
        TRY(search(r, 0));
    if (a->found)
        return OK;
    *out_level = ADJUST_MOVE;
    widen(r);
    TRY(move_violated(r));
    if (a->found)
        return OK;
    *out_level = ADJUST_NEIGHBOURS;
    if (r->budget > 0)
        TRY(with_one_of(r, r->faults.must | r->soft, r->around));
    if (a->found && within(r))
        return OK;
    *out_level = ADJUST_WHOLE;
    a->found = false;
    a->best_cost = UINT64_MAX;
    if (r->budget > 0)
        ask_embedder(r, movable(a->what->job));
    if (!a->found || !within(r))
        *out_level = ADJUST_LOST;
    return OK;
}

enum err adjust_repair(struct adjust *adjust, const struct adjust_case *what,
                       struct adjust_result *out)
{
    struct repair r = {.a = adjust};
    struct plan_verdict verdict;
    enum adjust_level level = ADJUST_KEEP;
    TRY(work_start(adjust, what));
    memset(out, 0, sizeof(*out));
    out->cost_before = work_hour(what, what->plan);
    if (plan_check(what->topology, what->job, what->plan, &verdict)) {
        write_result(adjust, ADJUST_KEEP, what->plan, out);
        return OK;
    }
    adjust_find(what->topology, what->job, what->plan, what->state_bytes,
                &r.faults);
    r.budget = adjust_budget(what->terms, what->history, what->now_ms);
    TRY(escalate(&r, &level));
    out->violated = r.faults.must | r.soft;
    if (level == ADJUST_LOST) {
        write_result(adjust, ADJUST_LOST, what->plan, out);
        return OK;
    }
    CHECK(plan_check(what->topology, what->job, &adjust->best, &verdict));
    write_result(adjust, level, &adjust->best, out);
    return OK;
}

/* ---- of one's own will ---- */

static bool may_move_now(const struct adjust_case *what)
{
    const struct adjust_history *h = what->history;
    struct plan_verdict verdict;
    return plan_check(what->topology, what->job, what->plan, &verdict) &&
           adjust_budget(what->terms, h, what->now_ms) > 0 &&
           (h->willing_ms == 0 ||
            what->now_ms - h->willing_ms >= what->terms->cooldown_ms);
}

enum err adjust_improve(struct adjust *adjust, const struct adjust_case *what,
                        struct adjust_result *out)
{
    static const struct link_set none;
    const struct job_graph *job = what->job;
    uint32_t budget;
    uint32_t can;
    uint32_t seen = 0;
    TRY(work_start(adjust, what));
    memset(out, 0, sizeof(*out));
    out->cost_before = work_hour(what, what->plan);
    can = may_move_now(what) ? movable(job) : 0;
    budget = adjust_budget(what->terms, what->history, what->now_ms);
    /* Less than this, moving included. */
    adjust->best_cost = out->cost_before -
                        out->cost_before * what->terms->theta_permille / 1000;
    adjust->willing = adjust->home_barred = true;
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint32_t unit = adjust_group(job, c);
        if ((can >> c & 1) == 0 || (seen >> c & 1) != 0 ||
            (uint32_t)__builtin_popcount(unit) > budget)
            continue;
        seen |= unit;
        TRY(work_search(adjust, unit, &none, false));
    }
    write_result(adjust, adjust->found ? ADJUST_MOVE : ADJUST_KEEP,
                 adjust->found ? &adjust->best : what->plan, out);
    return OK;
}

/* ---- steps ---- */

static void add(struct adjust_step *out, uint32_t *count, enum adjust_act act,
                uint32_t subject, uint16_t from, uint16_t to)
{
    CHECK(*count < ADJUST_STEPS_MAX);
    out[(*count)++] = (struct adjust_step){
        .act = act, .subject = (uint16_t)subject, .from = from, .to = to};
}

/* Is there room for the new beside the old? Paths that stay and components that
 * stay are held once. */
static bool both_fit(const struct adjust_case *what, const struct plan *new)
{
    const struct topology *t = what->topology;
    const struct job_graph *job = what->job;
    const struct plan *plans[2] = {what->plan, new};
    for (uint32_t c = 0; c < job->component_count; c++) {
        uint16_t v = new->node[c];
        uint64_t sum[RES_COUNT] = {0};
        for (uint32_t o = 0; o < job->component_count; o++)
            if (what->plan->node[o] == v || new->node[o] == v)
                for (uint32_t r = 0; r < RES_COUNT; r++)
                    sum[r] += job->components[o].want.of[r];
        for (uint32_t r = 0; r < RES_COUNT; r++)
            if (sum[r] + t->nodes[v].used.of[r] > t->nodes[v].cap.of[r] &&
                sum[r] > 0)
                return false;
    }
    for (uint32_t s = 0; s < new->begin[job->link_count]; s++) {
        uint16_t e = new->steps[s];
        uint64_t sum = t->links[e].used_kbps;
        for (uint32_t i = 0; i < job->link_count; i++)
            for (uint32_t p = 0; p < 2; p++) {
                bool takes = false;
                if (p == 1 && same_path(plans[0], plans[1], i))
                    continue;
                for (uint32_t k = plans[p]->begin[i];
                     k < plans[p]->begin[i + 1]; k++)
                    takes = takes || plans[p]->steps[k] == e;
                sum += takes ? job->links[i].kbps : 0;
            }
        if (sum > t->links[e].cap_kbps)
            return false;
    }
    return true;
}

uint32_t adjust_steps(struct adjust *adjust, const struct adjust_case *what,
                      const struct adjust_result *result,
                      struct adjust_step out[ADJUST_STEPS_MAX], bool *out_gap)
{
    static const enum adjust_act acts[] = {ADJUST_RESERVE, ADJUST_STATE,
                                           ADJUST_START, ADJUST_RELEASE};
    const struct job_graph *job = what->job;
    const struct plan *new = &result->plan;
    uint32_t count = 0;
    adjust->what = what;
    for (uint32_t i = 0; i < job->link_count; i++)
        if (!same_path(what->plan, new, i) && new->begin[i] < new->begin[i + 1])
            add(out, &count, ADJUST_PATH, i, 0, 0);
    for (uint32_t k = 0; k < sizeof(acts) / sizeof(acts[0]); k++) {
        for (uint32_t c = 0; c < job->component_count; c++) {
            uint64_t bytes =
                what->state_bytes == NULL ? 0 : what->state_bytes[c];
            uint64_t us;
            if ((result->moved >> c & 1) == 0 ||
                (acts[k] == ADJUST_STATE && bytes == 0))
                continue;
            add(out, &count, acts[k], c, what->plan->node[c], new->node[c]);
            if (acts[k] != ADJUST_STATE)
                continue;
            us = work_state_us(adjust, c, new->node[c]);
            out[count - 1].bytes = bytes;
            out[count - 1].us = us == NO_WAY ? 0 : us;
        }
    }
    for (uint32_t i = 0; i < job->link_count; i++)
        if (!same_path(what->plan, new, i) &&
            what->plan->begin[i] < what->plan->begin[i + 1])
            add(out, &count, ADJUST_UNPATH, i, 0, 0);
    *out_gap = !both_fit(what, new);
    return count;
}
