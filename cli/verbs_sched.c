/* Placement, tried on files: every model of sched without a network. */

#include "cli/verbs.h"
#include "cli/verbs_room.h"

static const struct opt replay_options[] = {
    {"format", 0, "FORMAT", "what was recorded: openb", false},
    {"nodes", 0, "FILE", "openb: the machines", false},
    {"pods", 0, "FILE", "openb: the tasks", false},
    {"policy", 0, "NAME", "how to place; again, to compare (default: all)",
     true},
    {"load", 0, "N", "openb: devices asked for, over those there are (1.3)",
     false},
    {"seed", 0, "N", "of the order of arrivals (default: 1)", false},
    {"seeds", 0, "N", "runs, of this seed and the next (default: 1)", false},
    {0},
};

const struct verb verbs_sched[] = {
    {"sched replay", verb_sched_replay, replay_options, NULL, 0, 0, false,
     "replay a recorded workload under one policy or several",
     "--format openb fills a cluster of machines with accelerators until more "
     "has arrived\nthan it can hold, as in the FGD paper (USENIX ATC 2023). "
     "FILEs are those of the openb\ntrace, plain or packed: nodes with "
     "cpu_milli, memory_mib, gpu, model; pods with\ncpu_milli, memory_mib, "
     "num_gpu, gpu_milli, gpu_spec. A device has 1000 milli; a task\nwants "
     "that many milli of each of num_gpu devices of one machine, of a model in "
     "its\nspec.\n\nAll tasks arrive once in an order drawn by the seed, then "
     "tasks drawn at random with\nrepetition, until --load times the devices "
     "have been asked for. None ever leaves; one\nthat fits nowhere fails. "
     "ALLOCATED is the part of the devices given away when as much\nhas "
     "arrived as there is (100 %): mean, least and most over the seeds; END is "
     "at the\nlast arrival. WASTE is the part of the idle devices then that a "
     "typical task of the\ntrace cannot use. US is processor time a decision. "
     "Every policy meets the same\narrivals.\n\n"
     "    random      any machine that fits\n"
     "    bestfit     the least left over, of cores and devices\n"
     "    spread      the most left over\n"
     "    packing     fewest machines and devices in use\n"
     "    dotprod     where the least is free of what is wanted most\n"
     "    clustering  beside tasks that want as many devices\n"
     "    fgd         fragmentation gradient descent: where the idle devices\n"
     "                stay most useful to typical tasks\n"
     "    fgd-fine    the same without steps of its score\n\n"
     "docs/scheduling.md has the formulas.",
     "suan sched replay --format openb --nodes docs/examples/sched/nodes.csv "
     "\\\n"
     "  --pods docs/examples/sched/pods.csv --policy fgd --policy bestfit\n"
     "suan sched replay --format openb --nodes N.csv --pods P.csv --load 1.3 "
     "\\\n  --seed 42 --seeds 10 --json"},
    {0},
};
