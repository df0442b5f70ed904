#ifndef SCHED_LAB_WAXMAN_H
#define SCHED_LAB_WAXMAN_H

/* Random graphs as Waxman drew them ("Routing of Multipoint Connections",
 * 1988): nodes lie in a square, and two at distance d are joined with
 * probability alpha exp(-d / (beta L)), L the greatest distance there can be.
 * Pieces that do not hang together are joined by their nearest pair. */

#include "base/dice.h"

/* Writes the graph in GML; the buf's error is the result. nodes >= 2 and at
 * most 1,000, alpha and beta above 0 and at most 1, are CHECKed. */
void waxman_write(uint32_t nodes, double alpha, double beta, struct dice *dice,
                  struct buf *out);

#endif
