#ifndef SCHED_METER_KERNEL_H
#define SCHED_METER_KERNEL_H

/* A kernel is one short program whose speed says something about a machine.
 * All figures are rates, more is better, and 0 is "not measured", which is
 * never treated as good.
 *
 *   sort     xorshift keys through a branchy merge sort: keys a second
 *   sha256   a chain of SHA-256, each over the one before: bytes a second
 *   fp64     OpenBLAS GEMM, 2 n^3 / t
 *   fp32     the same in single precision
 *   int8     our own GEMM of dot products, u8 x s8 -> s32: 2 n^3 / t
 *   triad    a = b + 3 c over arrays of at least four times the last cache:
 *            24 bytes an element
 *   chase    loads a second, each of whose address is what the last one read
 *   disk     sequential writes past the page cache: bytes a second
 *   disk4k   random reads of 4 KiB past the page cache: operations a second
 *   net      goodput to peers, bytes a second; measured by the node's links */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* What kind of ability a kernel stands for. Logic, parallel and neural are the
 * three of computing. */
enum meter_class {
    METER_LOGIC,
    METER_PARALLEL,
    METER_NEURAL,
    METER_MEMORY,
    METER_STORAGE,
    METER_NETWORK,
    METER_CLASS_COUNT
};

/* id, name, class, unit, weight in its class, rate of the reference machine on
 * one core and on all (0: the kernel does not scale with cores).
 *
 * The reference machine is frozen: these numbers never change, whatever newer
 * programs or compilers make of them. It is a virtual machine with two cores of
 * an AMD EPYC of 2024 (5th generation, 2.6 GHz), Debian 12, rounded to two
 * digits, and for the network 1 Gbit/s. */
#define METER_MAP(X)                                                           \
    X(METER_SORT, "sort", METER_LOGIC, "keys/s", 1, 15000000u, 29000000u)      \
    X(METER_SHA256, "sha256", METER_LOGIC, "B/s", 1, 390000000u, 770000000u)   \
    X(METER_FP64, "fp64", METER_PARALLEL, "FLOP/s", 1, 55000000000u,           \
      110000000000u)                                                           \
    X(METER_FP32, "fp32", METER_PARALLEL, "FLOP/s", 1, 110000000000u,          \
      220000000000u)                                                           \
    X(METER_INT8, "int8", METER_NEURAL, "OP/s", 1, 600000000000u,              \
      1200000000000u)                                                          \
    X(METER_TRIAD, "triad", METER_MEMORY, "B/s", 1, 28000000000u,              \
      50000000000u)                                                            \
    X(METER_CHASE, "chase", METER_MEMORY, "loads/s", 1, 4800000u, 9400000u)    \
    X(METER_DISK, "disk", METER_STORAGE, "B/s", 1, 2000000000u, 0)             \
    X(METER_DISK4K, "disk4k", METER_STORAGE, "IO/s", 1, 20000u, 0)             \
    X(METER_NET, "net", METER_NETWORK, "B/s", 1, 125000000u, 0)

#define X(id, name, class, unit, weight, one, all) id,
enum meter_kernel { METER_MAP(X) METER_KERNEL_COUNT };
#undef X

/* Those that scale with cores come first. */
#define METER_SCALING_COUNT 7u

struct meter_row {
    const char *name;
    enum meter_class class;
    const char *unit;
    uint32_t weight;
    uint64_t reference[2]; /* by enum meter_width */
};

/* One core, or all that the machine lets us use at once. */
enum meter_width { METER_ONE = 0, METER_ALL = 1 };

/* Static. */
const struct meter_row *meter_row(enum meter_kernel kernel);
/* "logic"; static, never NULL. */
const char *meter_class_name(enum meter_class class);
/* "logic", "parallel", "neural", ...: ERR_PARSE for another, then out_class is
 * untouched. */
MUST_USE enum err meter_class_parse(const char *name,
                                    enum meter_class *out_class);
/* ERR_PARSE, then out_kernel is untouched. */
MUST_USE enum err meter_kernel_parse(const char *name,
                                     enum meter_kernel *out_kernel);
static inline bool meter_scales(enum meter_kernel kernel)
{
    return (unsigned)kernel < METER_SCALING_COUNT;
}

#endif
