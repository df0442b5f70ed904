#ifndef TESTS_ORACLE_PROGRAMME_H
#define TESTS_ORACLE_PROGRAMME_H

/* An integer programme being written: a row's terms first, then the row. */

#include <glpk.h>

#include "base/check.h"
#include "tests/oracle/oracle.h"

struct programme {
    glp_prob *lp;
    const struct topology *t;
    const struct job_graph *job;
    int x; /* first column of each kind */
    int f;
    int s;
    int start;
    int more; /* of score_rows.h */
    int len;  /* of the row being written */
    int *index;
    double *value;
};

/* Component u is on this node. */
static inline int programme_x(const struct programme *p, uint32_t u,
                              uint32_t node)
{
    return p->x + (int)(u * p->t->node_count + node);
}
/* Virtual link k takes this link; dir 0: from a to b. */
static inline int programme_f(const struct programme *p, uint32_t k,
                              uint32_t link, uint32_t dir)
{
    return p->f + (int)((k * p->t->link_count + link) * 2 + dir);
}
/* May virtual link k take this link at all? */
bool programme_usable(const struct programme *p, uint32_t k, uint32_t link);

/* Adds to the row; a column that stands in it already has the sum. */
void programme_term(struct programme *p, int column, double value);
/* Ends the row: type is GLP_FX, GLP_UP or GLP_LO. */
void programme_row(struct programme *p, int type, double bound);

#endif
