/* Placement, tried on files: every model of sched without a network. */

#include "cli/verbs.h"
#include "cli/verbs_room.h"

static const struct opt availability_options[] = {
    {"target", 0, "SHARE",
     "the fewest services for this availability: 99.99%, 0.9999", true},
    {"budget", 0, "N", "the best availability for so many services", false},
    {"backups", 0, "K",
     "backups of each service; a module that states its own keeps it", false},
    {"availability", 0, "SHARE",
     "of each submodule; one that states its own keeps it", true},
    {"domains", 0, "N", "places that fail independently of each other", false},
    {"domain-availability", 0, "SHARE",
     "of a whole domain, with all that is in it", false},
    {"frontier", 0, NULL, "the best availability of every number of services",
     false},
    {"table", 0, NULL, "all targets against all availabilities of submodules",
     false},
    {"dot", 0, "FILE", "draw the plan for Graphviz; - is standard output",
     false},
    {0},
};

static const struct opt replicas_options[] = {
    {"target", 0, "SHARE", "how sure the job must be: 99.99%, 0.9999", false},
    {"availability", 0, "SHARE", "of every provider; without FILE", false},
    {"fewest", 0, NULL, "the fewest replicas, not the cheapest", false},
    {0},
};

static const struct opt replay_options[] = {
    {"format", 0, "FORMAT", "what was recorded: openb or swf", false},
    {"nodes", 0, "FILE", "openb: the machines", false},
    {"pods", 0, "FILE", "openb: the tasks", false},
    {"log", 0, "FILE", "swf: the jobs", false},
    {"policy", 0, "NAME", "how to place; again, to compare (default: all)",
     true},
    {"load", 0, "N",
     "openb: devices asked for, over those there are (1.3); swf: jobs come so "
     "many times as fast (1)",
     false},
    {"seed", 0, "N", "openb: of the order of arrivals (default: 1)", false},
    {"seeds", 0, "N", "openb: runs, of this seed and the next (default: 1)",
     false},
    {"procs", 0, "N", "swf: processors of the machine (default: as the log)",
     false},
    {"limit", 0, "N", "swf: the first N jobs (default: all)", false},
    {"estimate", 0, "N", "swf: times asked for, over those of the log (1)",
     false},
    {0},
};

const struct verb verbs_sched[] = {
    {"sched availability", verb_sched_availability, availability_options,
     "FILE", 1, 1, false, "split a system into services, for its availability",
     "FILE, in YAML or JSON, names the modules of a system and their "
     "submodules "
     "(- is\nstandard input): \"availability: 99%\", and under \"modules:\" "
     "lines "
     "such as\n\"trading: [market, matching]\". docs/scheduling.md has the "
     "model "
     "and docs/examples\nall that a file may say.\n\n"
     "All modules must be up. The submodules of a module are packed into "
     "services; a\nservice is up while all of its submodules are, and runs as "
     "n = backups + 1\ninstances (default: 3), of which one suffices: it is up "
     "1 - (1 - A)^n of the time,\nwhere A is the product of its submodules' "
     "availabilities. The system is the\nproduct of its services. Failures are "
     "taken as independent, so instances want a\ndomain each. Where domains "
     "fail "
     "as a whole, every service has an instance in each\nof the same n "
     "domains, "
     "and the system is the mean over how many of them are up.\n\n"
     "Many services are more available and dearer to run: --target asks for "
     "the "
     "fewest\n(or the cheapest, where FILE gives costs), --budget for the "
     "best, "
     "neither for\neverything between. Answers are the best there are; where "
     "that "
     "is not proven, the\ndistance to what could be is told. Availabilities "
     "are "
     "shares of time, 99.9% or\n0.999. A target that cannot be reached, or a "
     "budget below one service a module,\nends with code 8.",
     "suan sched availability docs/examples/sched/platform.yaml --target "
     "99.99%\n"
     "suan sched availability platform.yaml --budget 12 --dot - | dot -Tsvg\n"
     "suan sched availability platform.yaml --table"},
    {"sched replicas", verb_sched_replicas, replicas_options, "[FILE]", 0, 1,
     false, "how many replicas a redundant job needs, and where",
     "A redundant job runs as replicas, each at a provider of its own, and is "
     "done when\none of them is. It fails with the product of what each fails "
     "with, 1 - a. Providers\nof one domain fail together, so at most one of a "
     "domain is taken.\n\nFILE, in YAML or JSON, lists providers under "
     "\"candidates:\" (- is standard input),\neach with a line: \"alder: "
     "99%\", or "
     "\"birch: {availability: 97%, price: 0.12,\ndomain: north}\". Prices are "
     "in "
     "credits. With prices the answer is the cheapest\nchoice, else the one of "
     "fewest replicas, at most 16; both are exact, or the lowest\nprice that "
     "is "
     "not ruled out is told. A target out of reach ends with code "
     "8.\n\nWithout "
     "FILE all providers are as --availability says.",
     "suan sched replicas --target 99.99% --availability 95%\n"
     "suan sched replicas docs/examples/sched/candidates.yaml --target 99.99%"},
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
     "--format swf queues the jobs of a log in the Standard Workload Format "
     "before one\nmachine of --procs alike processors (default: the log's "
     "MaxProcs). FILE, plain or\npacked, has one job a line, 18 numbers: read "
     "are submission, run time, processors\n(requested, else allocated) and "
     "time requested (not known: the run time). A job comes\nwhen it came, "
     "runs on all its processors at once as long as it ran, and is "
     "never\ninterrupted; the policy knows the time requested, not the run "
     "time.\n\n"
     "    fcfs          in order of arrival\n"
     "    easy          a reservation for the first that does not fit; others "
     "go\n                  before it where they do not delay it\n"
     "    conservative  a reservation for every job, delaying none before it\n"
     "    sjf           shortest time requested first, without "
     "reservations\n\n"
     "WAIT is the mean from submission to start, P95 what 95 of 100 jobs do "
     "not exceed, MAX\nthe longest. SLOWDOWN is the mean of (wait + run) / "
     "max(run, 10 s), at least 1. USED is\nthe part of the processors in use "
     "from the first submission to the last end; MAKESPAN\nis how long that "
     "is. BEFORE counts jobs that started before one that had come "
     "earlier.\nUS is processor time a decision; there is one at each "
     "arrival and end.\n\n"
     "docs/scheduling.md has the formulas.",
     "suan sched replay --format openb --nodes docs/examples/sched/nodes.csv "
     "\\\n"
     "  --pods docs/examples/sched/pods.csv --policy fgd --policy bestfit\n"
     "suan sched replay --format openb --nodes N.csv --pods P.csv --load 1.3 "
     "\\\n  --seed 42 --seeds 10 --json\n"
     "suan sched replay --format swf --log docs/examples/sched/night.swf\n"
     "suan sched replay --format swf --log NASA.swf.gz --load 1.5 --policy "
     "easy "
     "\\\n  --policy fcfs"},
    {0},
};
