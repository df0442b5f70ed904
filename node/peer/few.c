#include "node/peer/few.h"

bool few_take(struct few *few, uint32_t chance)
{
    if (few->crowd == 0)
        return false;
    uint64_t at = ((uint64_t)chance * few->crowd) >> 32;
    few->crowd--;
    if (at >= few->wanted)
        return false;
    few->wanted--;
    return true;
}
