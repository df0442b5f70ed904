#ifndef TESTS_EXHAUST_SHAPE_H
#define TESTS_EXHAUST_SHAPE_H

/* When are two machines the same? When all that the core reads later is, but
 * for signatures, who signed a certificate, and how long ago something was:
 * only "not yet", "just now" and "long ago" are told apart, and the clock of
 * machine.h knows nothing in between. The shape is a hash of all of it, so two
 * machines of one shape do the same from now on; docs/exhaust.md lists what is
 * left out and why, and --audit tries it. */

#include "tests/exhaust/machine.h"

void shape_of(struct hash *out); /* of the machine in the region */

#endif
