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
    {"sched replicas", verb_sched_replicas, replicas_options, "[FILE]", 0, 1,
     false, "how many replicas a redundant job needs, and where",
     "A redundant job runs as replicas, each at a provider of its own, and is "
     "done when\none of them is. It fails with the product of what each fails "
     "with:\n1 - product of (1 - a). Providers of one domain fail together, so "
     "at most one of\na domain is taken.\n\nFILE lists candidates; - is "
     "standard input:\n\n  candidates:\n    alder: 99%\n    birch: "
     "{availability: 97%, price: 0.12, domain: north}\n\nWith prices the "
     "answer "
     "is the cheapest choice, else the one of fewest replicas;\nboth are "
     "exact, "
     "or the distance to a proven bound is told. At most 16 are taken.\nA "
     "target "
     "out of reach ends with code 8. Without FILE all providers are as\n"
     "--availability says.",
     "suan sched replicas --target 99.99% --availability 95%\n"
     "suan sched replicas docs/examples/sched/candidates.yaml --target 99.99%"},
    {0},
};
