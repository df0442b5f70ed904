#include "base/dice.h"

#include "base/check.h"

#include <string.h>

void dice_init(struct dice *dice, uint64_t seed)
{
    dice->state = seed;
}

/* splitmix64 */
uint64_t dice_next(struct dice *dice)
{
    uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t dice_below(struct dice *dice, uint64_t n)
{
    CHECK(n > 0);
    return dice_next(dice) % n;
}

uint64_t dice_between(struct dice *dice, uint64_t least, uint64_t most)
{
    CHECK(least <= most);
    return least + dice_below(dice, most - least + 1);
}

bool dice_chance(struct dice *dice, uint32_t permille)
{
    return dice_below(dice, 1000) < permille;
}

void dice_fill(struct dice *dice, void *out, size_t len)
{
    uint8_t *bytes = out;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(dice_next(dice) >> 32);
}

void dice_named(struct dice *dice, uint64_t seed, const struct hash *name)
{
    dice_init(dice, seed ^ u64le_get(name->b));
    (void)dice_next(dice);
}
