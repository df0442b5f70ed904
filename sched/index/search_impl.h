#ifndef SCHED_INDEX_SEARCH_IMPL_H
#define SCHED_INDEX_SEARCH_IMPL_H

/* The inside of a search, shared by search*.c alone. */

#include "sched/index/catalog_impl.h"
#include "sched/index/search.h"

/* ---- search_walk.c ---- */
/* All aisles wait, those not too dear. */
void search_walk_begin(struct search *s);
/* The next who may be shown: to be judged by search_judge. False: nobody. */
bool search_walk_next(struct search *s, uint32_t *out_place);
/* The best bound of whoever was not shown yet; false: nobody is left. */
bool search_walk_rest(const struct search *s, struct aisle_bound *out);
/* The words of the blocks of s->aisle: everybody who may fit. */
void search_words(struct search *s);

/* ---- search_judge.c ---- */
/* Does whoever stands there fit, to the last digit? What stops a search is not
 * looked at. */
bool search_judge(const struct search *s, uint32_t place,
                  struct search_hit *out);

#endif
