#ifndef CLI_VERBS_ROOM_H
#define CLI_VERBS_ROOM_H

/* Between the pages of the command tree: its tables, each of which ends at a
 * NULL path, and the options that several have in common. */

#include "cli/verb/verb.h"

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
#define OPT_AVAILABILITY                                                       \
    {                                                                          \
        "availability", 0, "SHARE",                                            \
            "how sure each task is to be finished, such as 99.9%: as many "    \
            "copies as that takes",                                            \
            false                                                              \
    }
#define OPT_CLASS                                                              \
    {                                                                          \
        "class", 0, "CLASS",                                                   \
            "the work it is: logic, parallel, neural, memory, disk or "        \
            "network; fastest goes by that",                                   \
            false                                                              \
    }
#define OPT_NEAR                                                               \
    {                                                                          \
        "near", 0, "NODE",                                                     \
            "nearest to that node (address, or name of one that sells) and "   \
            "not to you",                                                      \
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
#define OPT_GPU                                                                \
    {                                                                          \
        "gpu", 0, "N", "GPUs of one task: 1, 2, 0.5; any model", false         \
    }
#define OPT_DEVICE                                                             \
    {                                                                          \
        "device", 0, "KIND[:MODEL][:N]",                                       \
            "devices of one task: gpu:a100|h100:2, npu:0.5, fpga:4x0.25",      \
            false                                                              \
    }
#define OPT_DEVICE_MEM                                                         \
    {                                                                          \
        "device-mem", 0, "SIZE", "memory each device has at least: 40G", false \
    }
#define OPT_NIC                                                                \
    {                                                                          \
        "nic", 0, "RATE", "network bandwidth of one task: 100M, 1G bit/s",     \
            false                                                              \
    }
#define OPT_TOLERATE                                                           \
    {                                                                          \
        "tolerate", 0, "TAINT",                                                \
            "a taint that does not keep it out: gpu=only, or gpu for any "     \
            "value",                                                           \
            true                                                               \
    }
#define OPT_ZONE                                                               \
    {                                                                          \
        "zone", 0, "ZONE",                                                     \
            "work and data stay in this zone, or another that is named: eu, "  \
            "eu/north",                                                        \
            true                                                               \
    }
#define OPT_SPREAD                                                             \
    {                                                                          \
        "spread", 0, "KEY:N",                                                  \
            "at most N tasks at one provider (provider:1) or with one value "  \
            "of a label (zone:2)",                                             \
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
