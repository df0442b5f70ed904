#include "tests/oracle/oracle.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/oracle/programme.h"
#include "tests/oracle/score_rows.h"

/* ---- rows ---- */

void programme_term(struct programme *p, int column, double value)
{
    for (int i = 1; i <= p->len; i++)
        if (p->index[i] == column) {
            p->value[i] += value;
            return;
        }
    p->len++;
    p->index[p->len] = column;
    p->value[p->len] = value;
}

void programme_row(struct programme *p, int type, double bound)
{
    int r = glp_add_rows(p->lp, 1);
    glp_set_row_bnds(p->lp, r, type, bound, bound);
    glp_set_mat_row(p->lp, r, p->len, p->index, p->value);
    p->len = 0;
}

/* ---- columns ---- */

static bool may(const struct programme *p, uint32_t u, uint32_t node,
                uint64_t zones)
{
    const struct job_component *c = &p->job->components[u];
    const struct topo_node *n = &p->t->nodes[node];
    return (c->place == JOB_ANYWHERE || c->place == node) &&
           (zones >> n->zone & 1) != 0 && (c->labels & ~n->labels) == 0 &&
           (c->only == NULL || node_set_has(c->only, node)) &&
           (p->job->time_us_max == 0 || c->work_us == 0 || n->speed > 0);
}

/* Zones of a component, with those of all data that reaches it. */
static uint64_t zones_of(const struct job_graph *job, uint32_t u)
{
    uint64_t zones = job->components[u].zones;
    uint32_t reaches = 1u << u; /* what leads to u */
    for (uint32_t round = 0; round < job->component_count; round++)
        for (uint32_t i = 0; i < job->link_count; i++)
            if ((reaches >> job->links[i].to & 1) != 0)
                reaches |= 1u << job->links[i].from;
    for (uint32_t d = 0; d < job->component_count; d++)
        if ((reaches >> d & 1) != 0 && job->components[d].data)
            zones &= job->components[d].zones;
    return zones;
}

static void column(struct programme *p, int index, bool allowed, double cost)
{
    glp_set_col_kind(p->lp, index, GLP_BV);
    if (!allowed)
        glp_set_col_bnds(p->lp, index, GLP_FX, 0, 0);
    glp_set_obj_coef(p->lp, index, cost);
}

bool programme_usable(const struct programme *p, uint32_t k, uint32_t link)
{
    const struct job_link *l = &p->job->links[k];
    const struct topo_link *e = &p->t->links[link];
    bool timed = l->flow && p->job->time_us_max != 0;
    return l->kbps <= topology_left_kbps(p->t, link) &&
           !((l->delay_us_max != 0 || timed) && e->delay_us == LINK_UNKNOWN) &&
           !(l->risk_nn_max != 0 && e->risk_nn == LINK_UNKNOWN);
}

static void columns(struct programme *p)
{
    uint32_t parts = p->job->component_count;
    uint32_t links = p->job->link_count;
    p->x = 1;
    p->f = p->x + (int)(parts * p->t->node_count);
    p->s = p->f + (int)(links * p->t->link_count * 2);
    p->start = p->s + (int)links;
    glp_add_cols(p->lp, p->start + (int)parts - 1);
    for (uint32_t u = 0; u < parts; u++) {
        uint64_t zones = zones_of(p->job, u);
        for (uint32_t v = 0; v < p->t->node_count; v++)
            column(p, programme_x(p, u, v), may(p, u, v, zones), 0);
        glp_set_col_bnds(p->lp, p->start + (int)u, GLP_LO, 0, 0);
    }
    for (uint32_t k = 0; k < links; k++) {
        column(p, p->s + (int)k, true, 0);
        for (uint32_t e = 0; e < p->t->link_count * 2; e++)
            column(p, programme_f(p, k, e / 2, e % 2),
                   programme_usable(p, k, e / 2),
                   (double)p->job->links[k].kbps / 1000);
    }
}

/* ---- the model ---- */

static void one_node_each(struct programme *p)
{
    for (uint32_t u = 0; u < p->job->component_count; u++) {
        for (uint32_t v = 0; v < p->t->node_count; v++)
            programme_term(p, programme_x(p, u, v), 1);
        programme_row(p, GLP_FX, 1);
    }
}

static void nodes_hold(struct programme *p)
{
    for (uint32_t v = 0; v < p->t->node_count; v++) {
        struct stock left;
        topology_left(p->t, v, &left);
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            for (uint32_t u = 0; u < p->job->component_count; u++)
                if (p->job->components[u].want.of[r] > 0)
                    programme_term(p, programme_x(p, u, v),
                                   p->job->components[u].want.of[r]);
            if (p->len > 0)
                programme_row(p, GLP_UP, left.of[r]);
        }
    }
}

static void groups(struct programme *p)
{
    const struct job_component *c = p->job->components;
    for (uint32_t a = 0; a < p->job->component_count; a++)
        for (uint32_t b = a + 1; b < p->job->component_count; b++)
            for (uint32_t v = 0; v < p->t->node_count; v++) {
                bool same =
                    c[a].together != 0 && c[a].together == c[b].together;
                bool apart =
                    (c[a].apart != 0 && c[a].apart == c[b].apart) ||
                    (p->job->alone && !same && !c[a].data && !c[b].data);
                if (same) {
                    programme_term(p, programme_x(p, a, v), 1);
                    programme_term(p, programme_x(p, b, v), -1);
                    programme_row(p, GLP_FX, 0);
                }
                if (apart) {
                    programme_term(p, programme_x(p, a, v), 1);
                    programme_term(p, programme_x(p, b, v), 1);
                    programme_row(p, GLP_UP, 1);
                }
            }
}

/* What leaves a node less what enters is what begins there less what ends. */
static void flow(struct programme *p, uint32_t k)
{
    const struct job_link *l = &p->job->links[k];
    for (uint32_t v = 0; v < p->t->node_count; v++) {
        for (uint32_t i = p->t->first[v]; i < p->t->first[v + 1]; i++) {
            uint32_t e = p->t->arcs[i].link;
            uint32_t out = p->t->links[e].a == v ? 0 : 1;
            programme_term(p, programme_f(p, k, e, out), 1);
            programme_term(p, programme_f(p, k, e, 1 - out), -1);
        }
        programme_term(p, programme_x(p, l->from, v), -1);
        programme_term(p, programme_x(p, l->to, v), 1);
        programme_row(p, GLP_FX, 0);
    }
}

static double send_us(const struct job_link *l)
{
    return l->bytes == 0 ? 0
                         : (double)((l->bytes * 8000 + l->kbps - 1) / l->kbps);
}

static void delay_terms(struct programme *p, uint32_t k, double sign)
{
    for (uint32_t e = 0; e < p->t->link_count; e++)
        for (uint32_t d = 0; d < 2 && programme_usable(p, k, e); d++)
            programme_term(p, programme_f(p, k, e, d),
                           sign * p->t->links[e].delay_us);
    programme_term(p, p->s + (int)k, sign * send_us(&p->job->links[k]));
}

static void bounds(struct programme *p, uint32_t k)
{
    const struct job_link *l = &p->job->links[k];
    for (uint32_t e = 0; l->bytes > 0 && e < p->t->link_count * 2; e++) {
        programme_term(p, p->s + (int)k, 1);
        programme_term(p, programme_f(p, k, e / 2, e % 2), -1);
        programme_row(p, GLP_LO, 0);
    }
    if (l->delay_us_max != 0) {
        delay_terms(p, k, 1);
        programme_row(p, GLP_UP, l->delay_us_max);
    }
    if (l->risk_nn_max == 0)
        return;
    for (uint32_t e = 0; e < p->t->link_count; e++)
        for (uint32_t d = 0; d < 2 && programme_usable(p, k, e); d++)
            programme_term(p, programme_f(p, k, e, d), p->t->links[e].risk_nn);
    programme_row(p, GLP_UP, l->risk_nn_max);
}

static void links_hold(struct programme *p)
{
    for (uint32_t e = 0; e < p->t->link_count; e++) {
        for (uint32_t k = 0; k < p->job->link_count; k++)
            for (uint32_t d = 0; d < 2; d++)
                programme_term(p, programme_f(p, k, e, d),
                               (double)p->job->links[k].kbps / 1000);
        if (p->len > 0)
            programme_row(p, GLP_UP,
                          (double)topology_left_kbps(p->t, e) / 1000);
    }
}

static void run_terms(struct programme *p, uint32_t u, double sign)
{
    uint64_t work = (uint64_t)p->job->components[u].work_us * 1000;
    for (uint32_t v = 0; v < p->t->node_count && work > 0; v++)
        if (p->t->nodes[v].speed > 0)
            programme_term(p, programme_x(p, u, v),
                           sign * (double)((work + p->t->nodes[v].speed - 1) /
                                           p->t->nodes[v].speed));
}

static void in_time(struct programme *p)
{
    for (uint32_t u = 0; u < p->job->component_count; u++) {
        programme_term(p, p->start + (int)u, 1);
        run_terms(p, u, 1);
        programme_row(p, GLP_UP, (double)p->job->time_us_max);
    }
    for (uint32_t k = 0; k < p->job->link_count; k++) {
        const struct job_link *l = &p->job->links[k];
        if (!l->flow)
            continue;
        programme_term(p, p->start + l->to, 1);
        programme_term(p, p->start + l->from, -1);
        run_terms(p, l->from, -1);
        delay_terms(p, k, -1);
        programme_row(p, GLP_LO, 0);
    }
}

/* ---- the answer ---- */

static bool chosen(const struct programme *p, int column_index)
{
    return glp_mip_col_val(p->lp, column_index) > 0.5;
}

/* Walks from the one end; circles apart from the path are not met. */
static uint32_t read_path(const struct programme *p, uint32_t k,
                          struct plan *out, uint32_t steps)
{
    uint16_t at = out->node[p->job->links[k].from];
    uint16_t to = out->node[p->job->links[k].to];
    uint32_t hops = 0;
    while (at != to) {
        uint32_t i = p->t->first[at];
        CHECK(hops++ < p->t->link_count);
        for (; i < p->t->first[at + 1]; i++) {
            uint32_t e = p->t->arcs[i].link;
            uint32_t dir = p->t->links[e].a == at ? 0 : 1;
            if (chosen(p, programme_f(p, k, e, dir)))
                break;
        }
        CHECK(i < p->t->first[at + 1]);
        out->steps[steps++] = p->t->arcs[i].link;
        at = p->t->arcs[i].to;
    }
    return steps;
}

static void read_answer(const struct programme *p, struct oracle_answer *out)
{
    uint32_t steps = 0;
    struct plan *plan = &out->plan;
    plan->component_count = p->job->component_count;
    plan->link_count = p->job->link_count;
    for (uint32_t u = 0; u < p->job->component_count; u++)
        for (uint32_t v = 0; v < p->t->node_count; v++)
            if (chosen(p, programme_x(p, u, v)))
                plan->node[u] = (uint16_t)v;
    for (uint32_t k = 0; k < p->job->link_count; k++) {
        plan->begin[k] = (uint16_t)steps;
        steps = read_path(p, k, plan, steps);
    }
    plan->begin[p->job->link_count] = (uint16_t)steps;
    out->kbps = plan_kbps(p->job, plan);
}

static void solve(struct programme *p, uint32_t seconds_max,
                  struct oracle_answer *out)
{
    glp_iocp options;
    int failed;
    int status;
    glp_init_iocp(&options);
    options.msg_lev = GLP_MSG_OFF;
    options.presolve = GLP_ON;
    options.gmi_cuts = GLP_ON;
    options.mir_cuts = GLP_ON;
    options.cov_cuts = GLP_ON;
    options.tm_lim = (int)seconds_max * 1000;
    failed = glp_intopt(p->lp, &options);
    status = glp_mip_status(p->lp);
    out->proven = failed == GLP_ENOPFS || (failed == 0 && status != GLP_FEAS);
    out->feasible =
        failed != GLP_ENOPFS && (status == GLP_OPT || status == GLP_FEAS);
    if (out->feasible)
        read_answer(p, out);
}

static void scored(const struct topology *t, const struct job_graph *job,
                   const struct plan_weights *weights,
                   struct oracle_answer *out)
{
    struct plan_score score;
    plan_score_of(t, job, &out->plan, weights, &score);
    out->score = score.all;
}

/* weights NULL: the aim is bandwidth. */
static void solve_for(const struct topology *topology,
                      const struct job_graph *job,
                      const struct plan_weights *weights, uint32_t seconds_max,
                      struct oracle_answer *out)
{
    struct programme p = {.t = topology, .job = job};
    clock_t began = clock();
    memset(out, 0, sizeof(*out));
    CHECK(job->component_count <= 8 && topology->node_count <= 24);
    glp_term_out(GLP_OFF);
    p.lp = glp_create_prob();
    glp_set_obj_dir(p.lp, GLP_MIN);
    columns(&p);
    p.more = glp_get_num_cols(p.lp) + 1;
    if (weights != NULL)
        score_columns(&p, weights);
    p.index = calloc((size_t)glp_get_num_cols(p.lp) + 1, sizeof(*p.index));
    p.value = calloc((size_t)glp_get_num_cols(p.lp) + 1, sizeof(*p.value));
    CHECK(p.index != NULL && p.value != NULL);
    one_node_each(&p);
    nodes_hold(&p);
    groups(&p);
    for (uint32_t k = 0; k < job->link_count; k++) {
        flow(&p, k);
        bounds(&p, k);
    }
    links_hold(&p);
    if (job->time_us_max != 0)
        in_time(&p);
    if (weights != NULL)
        score_rows(&p);
    solve(&p, seconds_max, out);
    if (weights != NULL && out->feasible)
        scored(topology, job, weights, out);
    glp_delete_prob(p.lp);
    free(p.index);
    free(p.value);
    out->seconds = (double)(clock() - began) / CLOCKS_PER_SEC;
}

void oracle_solve(const struct topology *topology, const struct job_graph *job,
                  uint32_t seconds_max, struct oracle_answer *out)
{
    solve_for(topology, job, NULL, seconds_max, out);
}

void oracle_solve_score(const struct topology *topology,
                        const struct job_graph *job,
                        const struct plan_weights *weights,
                        uint32_t seconds_max, struct oracle_answer *out)
{
    solve_for(topology, job, weights, seconds_max, out);
}
