#ifndef SCHED_FLEET_MISS_H
#define SCHED_FLEET_MISS_H

/* Why a machine cannot take an ask. One table, from what will never pass to the
 * nearest miss: symbol, code, sentence, and what would help. The codes are
 * those of sched/reason.h where both speak of the same thing. */

#include <stdbool.h>
#include <stdint.h>

#define MISS_MAP(X)                                                            \
    X(MISS_ARCH, "arch", "the processor architecture differs",                 \
      "any architecture")                                                      \
    X(MISS_MODEL, "device-model",                                              \
      "it has no device of a model the task may run on", "allow more models")  \
    X(MISS_DEVICE_TOTAL, "device-total",                                       \
      "it has fewer devices than the task needs", "ask for fewer devices")     \
    X(MISS_CPU_TOTAL, "cpu-total", "fewer cores than the task needs",          \
      "ask for fewer cores")                                                   \
    X(MISS_MEM_TOTAL, "mem-total", "less memory than the task needs",          \
      "ask for less memory")                                                   \
    X(MISS_DISK_TOTAL, "disk-total", "less disk than the task needs",          \
      "ask for less disk")                                                     \
    X(MISS_NIC_TOTAL, "nic-total", "a narrower network than the task needs",   \
      "ask for less bandwidth")                                                \
    X(MISS_DEVICE_FREE, "device-free",                                         \
      "less is free on all its devices together than the task needs",          \
      "wait, or ask for less of them")                                         \
    X(MISS_CPU_FREE, "cpu-free", "too few cores are free now",                 \
      "wait, or ask for fewer cores")                                          \
    X(MISS_MEM_FREE, "mem-free", "too little memory is free now",              \
      "wait, or ask for less memory")                                          \
    X(MISS_DISK_FREE, "disk-free", "too little disk is free now",              \
      "wait, or ask for less disk")                                            \
    X(MISS_NIC_FREE, "nic-free", "too little bandwidth is free now",           \
      "wait, or ask for less bandwidth")                                       \
    X(MISS_DEVICE_SPLIT, "device-split",                                       \
      "enough is free in total, but in pieces: too few devices have enough",   \
      "wait, or ask for smaller shares")

#define X(symbol, code, text, relax) symbol,
enum miss { MISS_NONE = 0, MISS_MAP(X) MISS_COUNT };
#undef X

static inline uint32_t miss_bit(enum miss miss)
{
    return UINT32_C(1) << (unsigned)miss;
}

/* Static, never NULL. MISS_NONE: "fits", "ok", "". */
const char *miss_text(enum miss miss);
const char *miss_code(enum miss miss);
const char *miss_relax(enum miss miss);
/* The first of a mask in the order of the table; MISS_NONE for none. */
enum miss miss_first(uint32_t mask);
/* Is it the only one? */
bool miss_alone(uint32_t mask);

#endif
