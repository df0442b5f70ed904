#ifndef TESTS_EXHAUST_REGION_H
#define TESTS_EXHAUST_REGION_H

/* Memory that can be put away and brought back: a machine with its real core,
 * chain and store lives in one stretch of addresses, so a copy of those bytes,
 * put back to the same place, is the machine again. The linker hands malloc and
 * its family to us (--wrap); between enter and leave they serve from here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void region_init(void);
/* Empties it. What lived in it is gone. */
void region_clear(void);
void region_enter(void);
void region_leave(void);
/* The same wherever malloc goes now. Zeroed. */
void *region_alloc(size_t len);

/* What differs from a base, in pieces. */
struct snap;
/* The region as it is becomes base `number`, below REGION_BASES. */
#define REGION_BASES 8u
void region_set_base(uint32_t number);
void region_forget_bases(void);          /* and with them what was saved */
struct snap *region_save(uint32_t base); /* given: heap, never freed */
void region_load(uint32_t base, const struct snap *snap);
size_t snap_bytes(const struct snap *snap);

#endif
