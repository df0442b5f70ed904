#ifndef NODE_METER_METER_H
#define NODE_METER_METER_H

/* suan-meter, a program of its own beside suand: it measures this machine, or
 * answers a challenge, and ends. So the node carries neither OpenBLAS nor the
 * memory of the kernels, a kernel that crashes takes nothing with it, and
 * whoever wants an end to it kills it: its one file has no name and goes too.
 *
 * Processor kernels are timed by the processor time of each thread, so what
 * else runs here does not count, and threads are pinned; the disk is timed by
 * the clock. */

#include "sched/meter/kernel.h"
#include "sched/meter/median.h"

#include <signal.h>
#include <stdint.h>

#define METER_CPUS_MAX 1024u
#define METER_WHY_MAX  200u

/* What the machine lets us use. */
struct cpus {
    unsigned count;
    unsigned id[METER_CPUS_MAX];
};

struct meter {
    struct cpus cpus;
    bool quick;
    uint64_t mem_bytes;   /* arrays and matrices together stay below */
    uint64_t cache_bytes; /* the last cache; 0: not known */
    const char *dir;      /* of the disk kernels; NULL: none */
};

/* One kernel at one width, from its set-up to its end. */
struct bout {
    const struct meter *meter;
    enum meter_kernel kernel;
    enum meter_width width;
    unsigned threads;
    char why[METER_WHY_MAX]; /* what is told beside the figure, or instead */
    void *own;               /* of the kernel's page */
};

struct kernel_ops {
    /* ERR_NOMEM, ERR_UNSUPPORTED, ERR_FULL, ERR_IO; `why` is set then. What was
     * opened halfway is closed by close. */
    enum err (*open)(struct bout *bout);
    /* One run: its rate, in the unit of the kernel's row. */
    enum err (*lap)(struct bout *bout, uint64_t *out_rate);
    void (*close)(struct bout *bout);
};
extern const struct kernel_ops sort_ops;   /* logic.c */
extern const struct kernel_ops sha256_ops; /* logic.c */
extern const struct kernel_ops gemm_ops;   /* gemm.c: fp64, fp32, int8 */
extern const struct kernel_ops triad_ops;  /* memory.c */
extern const struct kernel_ops chase_ops;  /* memory.c */
extern const struct kernel_ops disk_ops;   /* disk.c: disk, disk4k */

/* Somebody wants an end to it. */
extern volatile sig_atomic_t meter_stopped;

/* Measures all that `mask` (bits by kernel) says, and prints lines of JSON. */
MUST_USE enum err meter_measure(const struct meter *meter, uint32_t mask);

#endif
