#ifndef NODE_BOOK_GUESS_H
#define NODE_BOOK_GUESS_H

/* Tells the order book how far providers are that this node has not measured
 * itself, as the links of others make it out (sched/link/linkmap.h). */

#include "node/node.h"

/* Once a second: some of them, in turn. */
void book_guess_tick(struct node *node);

#endif
