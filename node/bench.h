#ifndef NODE_BENCH_H
#define NODE_BENCH_H

/* What this machine can do, measured by four short kernels, so that "fastest"
 * is a fact and not a claim. Runs on a worker thread, about a second.
 *
 *   int_ops    BLAKE2b compressions of 128 bytes, per second, one core
 *   float_ops  double multiply-adds in 8 independent chains, FLOP/s, one core
 *   mem_bps    triad a = b + s*c over 3 x 32 MiB, bytes per second, one core
 *   disk_bps   sequential write of 32 MiB with a sync at the end
 *
 * Each is the median of `rounds` runs; spread is the largest median absolute
 * deviation among them, in permille of its median. */

#include "market/offer.h"

struct bench_result {
    struct grade grade; /* measured_at_ms is the caller's */
    uint32_t spread_permille;
    uint64_t took_ms;
};

/* dir: where the disk kernel writes (and removes) its file. ERR_NOMEM,
 * ERR_FULL, ERR_IO. */
MUST_USE enum err bench_run(const char *dir, unsigned rounds,
                            struct bench_result *out);

#endif
