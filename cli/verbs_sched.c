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
    {"frontier", 0, NULL, "the best availability of every number of services",
     false},
    {"table", 0, NULL, "all targets against all availabilities of submodules",
     false},
    {"dot", 0, "FILE", "draw the plan for Graphviz; - is standard output",
     false},
    {0},
};

const struct verb verbs_sched[] = {
    {"sched availability", verb_sched_availability, availability_options,
     "FILE", 1, 1, false, "split a system into services, for its availability",
     "FILE names the modules of a system and their submodules; - is standard "
     "input.\nAll modules must be up. The submodules of a module are packed "
     "into services; a\nservice is up while all of its submodules are, and "
     "runs as backups + 1 instances\n(default: 3), of which one suffices. "
     "Each instance wants a domain of its own, for\nfailures are taken as "
     "independent.\n\n  a service   1 - (1 - product of its a)^(backups + "
     "1)\n  the system  the product of its services\n\nMany services are more "
     "available and dearer to run: --target asks for the fewest\n(or the "
     "cheapest, where FILE gives costs), --budget for the best. Answers are "
     "the\nbest there are; where that is not proven, the distance to what "
     "could be is told.\nAvailabilities are shares of time, 99.9% or 0.999. A "
     "target that cannot be\nreached, or a budget below one service a module, "
     "ends with code 8.\ndocs/scheduling.md has the model.",
     "suan sched availability docs/examples/sched/platform.yaml --target "
     "99.99%\n"
     "suan sched availability platform.yaml --budget 12 --dot - | dot -Tsvg\n"
     "suan sched availability platform.yaml --table"},
    {0},
};
