#ifndef CLI_VERBS_ROOM_H
#define CLI_VERBS_ROOM_H

/* Between the pages of the command tree: its tables, each of which ends at a
 * NULL path, and the options that several have in common. */

#include "cli/verb.h"

extern const struct verb verbs_job[];
extern const struct verb verbs_market[];
extern const struct verb verbs_policy[];
extern const struct verb verbs_wallet[];
extern const struct verb verbs_network[];
extern const struct verb verbs_sched[];

/* What a task needs: the same for an order, a quote and a look at offers. */
#define OPT_CPUS                                                               \
    {                                                                          \
        "cpus", 0, "N", "cores of one task, such as 0.5", false                \
    }
#define OPT_MEM                                                                \
    {                                                                          \
        "mem", 0, "SIZE", "memory of one task, such as 512M", false            \
    }
#define OPT_DISK                                                               \
    {                                                                          \
        "disk", 0, "SIZE", "disk of one task, such as 2G", false               \
    }
#define OPT_TIME                                                               \
    {                                                                          \
        "time", 0, "TIME", "longest run of one task: 10m, 2h", false           \
    }
#define OPT_TASKS                                                              \
    {                                                                          \
        "tasks", 0, "N", "how many tasks; %t is a task's number", false        \
    }
#define OPT_ARCH                                                               \
    {                                                                          \
        "arch", 0, "any|x86_64|aarch64|riscv64", "processor that is needed",   \
            false                                                              \
    }
#define OPT_POLICY                                                             \
    {                                                                          \
        "policy", 0, "NAME",                                                   \
            "which offer comes first: cheapest, nearest, fastest, balanced, "  \
            "fragmentation, spread, pack, or one of suan policy list",         \
            false                                                              \
    }
#define OPT_PRICE                                                              \
    {                                                                          \
        "max-price", 0, "AMOUNT",                                              \
            "most the whole job's work may cost; approves a bill within it",   \
            false                                                              \
    }
#define OPT_CONSTRAINT                                                         \
    {                                                                          \
        "constraint", 0, "LABEL",                                              \
            "what a provider's labels must say: zone=eu, zone!=us, gpu, "      \
            "!spot",                                                           \
            true                                                               \
    }
#define OPT_SELLER                                                             \
    {                                                                          \
        "seller", 0, "ADDRESS", "only this provider", false                    \
    }
#define OPT_KEY                                                                \
    {                                                                          \
        "key", 0, "NAME", "the key that pays, if there are several", false     \
    }
#define OPT_QUEUE                                                              \
    {                                                                          \
        "queue", 0, "TIME", "wait this long for an offer that fits", false     \
    }
#define OPT_TASK                                                               \
    {                                                                          \
        "task", 0, "N", "one task of a bag, from 0", false                     \
    }

#endif
