#ifndef NODE_CHOSEN_VIEW_H
#define NODE_CHOSEN_VIEW_H

/* By what figures the providers of a job were chosen (docs/control.md). */

#include "node/node.h"

/* [{provider, name, tasks, score, rank_text, grade, class, text}], each
 * provider once; at most CHOSEN_SHOWN. Given. */
#define CHOSEN_SHOWN 32u
json_t *chosen_json(struct node *node, const struct buy_job *job);

/* Puts the offers of an explanation that tasks of the job were given to first,
 * each with `chosen`, how many, and the figures it was chosen by: its room may
 * have gone to the very task. */
void chosen_mark(struct node *node, const struct buy_job *job, json_t *offers);

#endif
