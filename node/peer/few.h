#ifndef NODE_FEW_H
#define NODE_FEW_H

/* Some of a crowd, drawn in one walk past all of it: every set of so many is as
 * likely (selection sampling: Knuth, TAOCP 3.4.2, algorithm S). Pure. */

#include <stdbool.h>
#include <stdint.h>

struct few {
    uint32_t crowd;  /* not asked about yet */
    uint32_t wanted; /* not drawn yet; all, if the crowd is no larger */
};

/* Is the next one drawn? `chance`: any 32 bits, each as likely. Beyond the
 * crowd nobody is. */
bool few_take(struct few *few, uint32_t chance);

#endif
