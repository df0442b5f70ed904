#ifndef SCHED_INDEX_DIMENSION_H
#define SCHED_INDEX_DIMENSION_H

/* What a catalog knows of an offer as numbers and as yes or no: two tables.
 * Whoever sells something new adds a row.
 *
 * A dimension is an amount that a demand may want at least so much of. Columns
 * of the table: symbol, rungs (bitmaps kept for it, sched/index/ladder.h), and
 * the first of the rungs it starts with, which double, until demands were seen.
 *
 * A flag is a fact that its owner turns on and off. */

#define DIM_MAP(X)                                                             \
    X(DIM_CPU_FREE, 32, 500)  /* thousandths of a core */                      \
    X(DIM_MEM_FREE, 32, 256)  /* MiB */                                        \
    X(DIM_DISK_FREE, 16, 256) /* MiB */                                        \
    X(DIM_SLOTS, 1, 1)        /* tasks */                                      \
    X(DIM_TIME, 16, 60000)    /* ms */                                         \
    X(DIM_CPU_TOTAL, 8, 4000) /* for explanations only: free is less */        \
    X(DIM_MEM_TOTAL, 8, 4096)                                                  \
    X(DIM_DISK_TOTAL, 8, 4096)

#define X(symbol, rungs, first) symbol,
enum dimension { DIM_MAP(X) DIM_COUNT };
#undef X

/* Free is never more than the total, so a search looks at these alone. */
#define DIM_SEARCHED DIM_CPU_TOTAL

#define FLAG_MAP(X)                                                            \
    X(FLAG_STALE)       /* lapsed and not yet gone */                          \
    X(FLAG_UNREACHABLE) /* no connection can be made now */                    \
    X(FLAG_RTT_KNOWN)                                                          \
    X(FLAG_GRADE_KNOWN)

#define X(symbol) symbol,
enum flag { FLAG_MAP(X) FLAG_COUNT };
#undef X

#endif
