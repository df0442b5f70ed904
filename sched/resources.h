#ifndef SCHED_RESOURCES_H
#define SCHED_RESOURCES_H

/* What is asked for and what is there, in whole numbers. */

#include "base/mp.h"

#include <stdbool.h>

enum arch { ARCH_ANY = 0, ARCH_X86_64 = 1, ARCH_AARCH64 = 2, ARCH_RISCV64 = 3 };

struct resources {
    uint32_t cpu_milli; /* thousandths of a core */
    uint64_t mem_mib;
    uint64_t disk_mib;
    uint64_t nic_kbit; /* of the network interface; wanted 0 = does not matter,
                          there 0 = not stated, which is none */
};

/* a >= b in every dimension. */
bool resources_cover(const struct resources *have,
                     const struct resources *want);
/* ERR_OVERFLOW */
MUST_USE enum err resources_add(const struct resources *a,
                                const struct resources *b,
                                struct resources *out);
/* ERR_UNDERFLOW: free capacity never wraps below zero. */
MUST_USE enum err resources_sub(const struct resources *a,
                                const struct resources *b,
                                struct resources *out);

/* n times r; ERR_OVERFLOW. */
MUST_USE enum err resources_mul(const struct resources *r, uint32_t n,
                                struct resources *out);

void resources_encode(const struct resources *r, struct buf *out); /* array 4 */
void resources_decode(struct mp_reader *reader, struct resources *out);

const char *arch_text(enum arch arch); /* "x86_64", "any", ... */
MUST_USE enum err arch_parse(const char *text, enum arch *out);

#endif
