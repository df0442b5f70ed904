#ifndef SCHED_INDEX_DIMENSION_H
#define SCHED_INDEX_DIMENSION_H

/* What a catalog knows of an offer as numbers and as yes or no: two tables.
 * Whoever sells something new adds a row.
 *
 * A dimension is an amount that a demand may want at least so much of. Columns
 * of the table: symbol, rungs (bitmaps kept for it, sched/index/ladder.h), what
 * the rungs follow (what demands want, or what offers have: of some things
 * there are few sizes), and the first of the rungs it starts with, which
 * double, until enough was seen.
 *
 * A flag is a fact that its owner turns on and off. */

#define DIM_MAP(X)                                                             \
    X(DIM_CPU_FREE, 20, WANTS, 500)   /* thousandths of a core */              \
    X(DIM_MEM_FREE, 20, WANTS, 256)   /* MiB */                                \
    X(DIM_DISK_FREE, 8, WANTS, 256)   /* MiB */                                \
    X(DIM_SLOTS, 1, WANTS, 1)         /* tasks */                              \
    X(DIM_NIC_FREE, 4, WANTS, 100000) /* kbit/s */                             \
    X(DIM_DEVICE_FREE, 8, WANTS, 125) /* thousandths, of all its devices */    \
    X(DIM_TIME, 6, HAVES, 600000)     /* ms */                                 \
    X(DIM_CPU_TOTAL, 16, HAVES, 1000) /* for explanations only, with those */  \
    X(DIM_MEM_TOTAL, 16, HAVES, 1024) /* that follow: free is never more */    \
    X(DIM_DISK_TOTAL, 4, HAVES, 4096)                                          \
    X(DIM_NIC_TOTAL, 4, HAVES, 100000)

#define X(symbol, rungs, follow, first) symbol,
enum dimension { DIM_MAP(X) DIM_COUNT };
#undef X

/* Those up to the first that is not change while an offer stands. */
#define DIM_CHANGING DIM_TIME

/* Those whose amounts stand once more in the order of places, as figures that
 * are compared 64 at a time (sched/index/lanes.h): of these many offers have
 * amounts between two rungs. */
#define DIM_CODED_MAP(X)                                                       \
    X(DIM_CPU_FREE)                                                            \
    X(DIM_MEM_FREE)                                                            \
    X(DIM_DISK_FREE)                                                           \
    X(DIM_DEVICE_FREE)                                                         \
    X(DIM_TIME)                                                                \
    X(DIM_CPU_TOTAL)                                                           \
    X(DIM_MEM_TOTAL)                                                           \
    X(DIM_DISK_TOTAL)

#define X(symbol) CODED_##symbol,
enum dimension_coded { DIM_CODED_MAP(X) DIM_CODED_COUNT };
#undef X

/* Free is never more than the total, so a search looks at these alone. */
#define DIM_SEARCHED DIM_CPU_TOTAL

#define FLAG_MAP(X)                                                            \
    X(FLAG_STALE)       /* lapsed and not yet gone */                          \
    X(FLAG_UNREACHABLE) /* no connection can be made now */                    \
    X(FLAG_TAINTED)     /* has a taint */                                      \
    X(FLAG_DEVICES)     /* has a device */                                     \
    X(FLAG_ZONES)       /* states more than one zone */                        \
    X(FLAG_RTT_KNOWN)                                                          \
    X(FLAG_SPEED) /* measured, by enum speed_class: mean, */                   \
    X(FLAG_SPEED_LOGIC)                                                        \
    X(FLAG_SPEED_PARALLEL)                                                     \
    X(FLAG_SPEED_NEURAL)                                                       \
    X(FLAG_SPEED_MEMORY)                                                       \
    X(FLAG_SPEED_DISK)                                                         \
    X(FLAG_SPEED_LAST) /* network */

#define X(symbol) symbol,
enum flag { FLAG_MAP(X) FLAG_COUNT };
#undef X

#endif
