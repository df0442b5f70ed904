#ifndef SCHED_TARGET_H
#define SCHED_TARGET_H

/* A target is the availability that a job asks for, as people write it:
 * "99.9%" or "0.999". It is kept as what may be missing to one, in parts of
 * 10^9, for a whole number can be signed. */

#include "base/bytes.h"

#define TARGET_ONE 1000000000u /* parts */

/* ERR_PARSE: no such number, or more than nine decimals (seven with %).
 * ERR_RANGE: 0, 1 or more; "99.9" without % is that. */
MUST_USE enum err target_parse(const char *text, uint32_t *out_down_ppb);
/* Appends "99.9%". down_ppb 0..TARGET_ONE: so much is missing. */
void target_format(uint32_t down_ppb, struct buf *out);
/* The same in few digits: what is missing with three, rounded to the worse:
 * "99.24%" for 99.2424242%. */
void target_format_short(uint32_t down_ppb, struct buf *out);

#endif
