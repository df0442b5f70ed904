#ifndef BASE_DICE_H
#define BASE_DICE_H

/* Dice: the one source of chance of a simulation, a replay, a training run.
 * Same seed, same throws, on every machine. Not for secrets. */

#include "base/hash.h"

struct dice {
    uint64_t state;
};

void dice_init(struct dice *dice, uint64_t seed);
uint64_t dice_next(struct dice *dice);
/* 0..n-1; n > 0 is CHECKed. */
uint64_t dice_below(struct dice *dice, uint64_t n);
/* least..most, both possible. */
uint64_t dice_between(struct dice *dice, uint64_t least, uint64_t most);
bool dice_chance(struct dice *dice, uint32_t permille);
void dice_fill(struct dice *dice, void *out, size_t len);
/* Dice that depend on the seed and on a name, not on what was thrown before:
 * for what must stay the same whatever order things happen in. */
void dice_named(struct dice *dice, uint64_t seed, const struct hash *name);

#endif
