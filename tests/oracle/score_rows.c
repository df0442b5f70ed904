#include "tests/oracle/score_rows.h"

/* Kinds of columns of a node, then one of each link, then at[k,v]. */
enum { USE, OFF, ON, POWER, TOP, NODE_COLUMNS = TOP + RES_COUNT };

static int of_node(const struct programme *p, uint32_t v, int kind)
{
    return p->more + (int)v * NODE_COLUMNS + kind;
}
static int off_of(const struct programme *p, uint32_t link)
{
    return of_node(p, p->t->node_count, 0) + (int)link;
}
static int at_of(const struct programme *p, uint32_t k, uint32_t v)
{
    return off_of(p, p->t->link_count) + (int)(k * p->t->node_count + v);
}

static uint32_t dimensions(const struct topo_node *node)
{
    uint32_t count = 0;
    for (uint32_t r = 0; r < RES_COUNT; r++)
        count += node->cap.of[r] > 0;
    return count;
}

static double full_power(const struct topology *t)
{
    double sum = 0;
    for (uint32_t v = 0; v < t->node_count && t->power_count > 0; v++)
        if (dimensions(&t->nodes[v]) > 0)
            sum += t->power[t->nodes[v].power].milliwatt[POWER_STEPS - 1];
    return sum;
}

static uint32_t counted_nodes(const struct topology *t)
{
    uint32_t count = 0;
    for (uint32_t v = 0; v < t->node_count; v++)
        count += dimensions(&t->nodes[v]) > 0;
    return count;
}

static uint32_t counted_links(const struct topology *t)
{
    uint32_t count = 0;
    for (uint32_t e = 0; e < t->link_count; e++)
        count += t->links[e].cap_kbps > 0;
    return count;
}

/* ---- columns ---- */

static void cost(struct programme *p, int column, double value)
{
    glp_set_obj_coef(p->lp, column, value);
}

static void node_columns(struct programme *p, const struct plan_weights *w)
{
    double full = full_power(p->t);
    for (uint32_t v = 0; v < p->t->node_count; v++) {
        if (dimensions(&p->t->nodes[v]) == 0)
            continue; /* all its columns stay 0 */
        for (int kind = 0; kind < NODE_COLUMNS; kind++)
            if (kind == ON || kind >= TOP)
                glp_set_col_kind(p->lp, of_node(p, v, kind), GLP_BV);
            else
                glp_set_col_bnds(p->lp, of_node(p, v, kind), GLP_LO, 0, 0);
        cost(p, of_node(p, v, OFF), (double)w->node / counted_nodes(p->t));
        if (full > 0)
            cost(p, of_node(p, v, POWER), w->energy / full);
    }
}

void score_columns(struct programme *p, const struct plan_weights *w)
{
    const struct topology *t = p->t;
    uint32_t ats = p->job->link_count * t->node_count;
    uint32_t all = t->node_count * NODE_COLUMNS + t->link_count + ats;
    for (int i = 1; i < p->more; i++)
        cost(p, i, 0); /* bandwidth is no aim now */
    glp_add_cols(p->lp, (int)all);
    node_columns(p, w);
    for (uint32_t e = 0; e < t->link_count; e++)
        if (t->links[e].cap_kbps > 0) {
            glp_set_col_bnds(p->lp, off_of(p, e), GLP_LO, 0, 0);
            cost(p, off_of(p, e), (double)w->link / counted_links(t));
        }
    for (uint32_t i = 0; i < ats; i++)
        glp_set_col_bnds(p->lp, at_of(p, 0, 0) + (int)i, GLP_DB, 0,
                         t->node_count - 1);
}

/* ---- nodes ---- */

/* Share of one dimension that components take; returns what is taken before. */
static double share(struct programme *p, uint32_t v, uint32_t r, double sign)
{
    const struct topo_node *node = &p->t->nodes[v];
    double cap = node->cap.of[r];
    for (uint32_t u = 0; u < p->job->component_count; u++)
        if (p->job->components[u].want.of[r] > 0)
            programme_term(p, programme_x(p, u, v),
                           sign * p->job->components[u].want.of[r] / cap);
    return sign * node->used.of[r] / cap;
}

/* use >= each share, and = that of the dimension that top names. */
static void node_use(struct programme *p, uint32_t v)
{
    const struct topo_node *node = &p->t->nodes[v];
    for (uint32_t r = 0; r < RES_COUNT; r++) {
        double taken;
        if (node->cap.of[r] == 0)
            continue;
        programme_term(p, of_node(p, v, USE), 1);
        taken = share(p, v, r, -1);
        programme_row(p, GLP_LO, -taken);
        programme_term(p, of_node(p, v, USE), 1);
        programme_term(p, of_node(p, v, TOP + (int)r), 1);
        taken = share(p, v, r, -1);
        programme_row(p, GLP_UP, 1 - taken);
    }
    for (uint32_t r = 0; r < RES_COUNT; r++)
        if (node->cap.of[r] > 0)
            programme_term(p, of_node(p, v, TOP + (int)r), 1);
    programme_row(p, GLP_FX, 1);
}

/* off - sign * (use - mean) >= 0 */
static void node_off(struct programme *p, uint32_t v, double sign)
{
    double n = counted_nodes(p->t);
    programme_term(p, of_node(p, v, OFF), 1);
    programme_term(p, of_node(p, v, USE), -sign);
    for (uint32_t o = 0; o < p->t->node_count; o++)
        if (dimensions(&p->t->nodes[o]) > 0)
            programme_term(p, of_node(p, o, USE), sign / n);
    programme_row(p, GLP_LO, 0);
}

/* A node where something is reserved is on. */
static void node_on(struct programme *p, uint32_t v)
{
    for (uint32_t r = 0; r < RES_COUNT; r++)
        if (p->t->nodes[v].used.of[r] > 0)
            glp_set_col_bnds(p->lp, of_node(p, v, ON), GLP_FX, 1, 1);
    for (uint32_t u = 0; u < p->job->component_count; u++) {
        bool wants = false;
        for (uint32_t r = 0; r < RES_COUNT; r++)
            wants = wants || p->job->components[u].want.of[r] > 0;
        if (!wants)
            continue;
        programme_term(p, of_node(p, v, ON), 1);
        programme_term(p, programme_x(p, u, v), -1);
        programme_row(p, GLP_LO, 0);
    }
}

/* power >= low + slope * (load - begin) where it is on, of every step. */
static void node_power(struct programme *p, uint32_t v)
{
    const struct power_curve *curve = &p->t->power[p->t->nodes[v].power];
    double before = 0;
    CHECK(p->t->nodes[v].cap.of[RES_CPU] > 0);
    for (uint32_t i = 0; i + 1 < POWER_STEPS; i++) {
        double low = curve->milliwatt[i];
        double slope =
            ((double)curve->milliwatt[i + 1] - low) * (double)(POWER_STEPS - 1);
        double begin = (double)i / (POWER_STEPS - 1);
        double taken;
        CHECK(slope >= before);
        if (i > 0 && slope <= before)
            continue; /* the same line */
        before = slope;
        programme_term(p, of_node(p, v, POWER), 1);
        programme_term(p, of_node(p, v, ON), slope * begin - low);
        taken = share(p, v, RES_CPU, -slope);
        programme_row(p, GLP_LO, -taken);
    }
}

/* ---- links ---- */

/* The use of a link, times `sign`; returns what is taken before. */
static double link_use(struct programme *p, uint32_t e, double sign)
{
    const struct topo_link *l = &p->t->links[e];
    double cap = (double)l->cap_kbps;
    for (uint32_t k = 0; k < p->job->link_count; k++)
        for (uint32_t d = 0; d < 2; d++)
            programme_term(p, programme_f(p, k, e, d),
                           sign * (double)p->job->links[k].kbps / cap);
    return sign * (double)l->used_kbps / cap;
}

static void link_off(struct programme *p, uint32_t e, double sign)
{
    double m = counted_links(p->t);
    double taken;
    programme_term(p, off_of(p, e), 1);
    taken = link_use(p, e, -sign);
    for (uint32_t o = 0; o < p->t->link_count; o++)
        if (p->t->links[o].cap_kbps > 0)
            taken += link_use(p, o, sign / m);
    programme_row(p, GLP_LO, -taken);
}

/* Each step along a link counts one more: what is a circle cannot. */
static void no_circle(struct programme *p, uint32_t k)
{
    double n = p->t->node_count;
    for (uint32_t e = 0; e < p->t->link_count; e++)
        for (uint32_t d = 0; d < 2; d++) {
            const struct topo_link *l = &p->t->links[e];
            programme_term(p, at_of(p, k, d == 0 ? l->b : l->a), 1);
            programme_term(p, at_of(p, k, d == 0 ? l->a : l->b), -1);
            programme_term(p, programme_f(p, k, e, d), -n);
            programme_row(p, GLP_LO, 1 - n);
        }
}

/* Nor may a path visit a node twice. */
static void leaves_once(struct programme *p, uint32_t k, uint32_t v)
{
    for (uint32_t i = p->t->first[v]; i < p->t->first[v + 1]; i++) {
        uint32_t e = p->t->arcs[i].link;
        programme_term(p, programme_f(p, k, e, p->t->links[e].a == v ? 0 : 1),
                       1);
    }
    if (p->len > 0)
        programme_row(p, GLP_UP, 1);
}

void score_rows(struct programme *p)
{
    for (uint32_t v = 0; v < p->t->node_count; v++) {
        if (dimensions(&p->t->nodes[v]) == 0)
            continue;
        node_use(p, v);
        node_off(p, v, 1);
        node_off(p, v, -1);
        if (p->t->power_count > 0) {
            node_on(p, v);
            node_power(p, v);
        }
    }
    for (uint32_t e = 0; e < p->t->link_count; e++)
        if (p->t->links[e].cap_kbps > 0) {
            link_off(p, e, 1);
            link_off(p, e, -1);
        }
    for (uint32_t k = 0; k < p->job->link_count; k++) {
        no_circle(p, k);
        for (uint32_t v = 0; v < p->t->node_count; v++)
            leaves_once(p, k, v);
    }
}
