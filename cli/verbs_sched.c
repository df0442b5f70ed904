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

static const struct opt embed_options[] = {
    {"topology", 0, "FILE", "the graph to lay requests into, in GML", false},
    {"rate", 0, "R", "requests a time unit (default: 0.16)", false},
    {"requests", 0, "N", "how many (default: 1000)", false},
    {"seed", 0, "S", "of capacities and requests (default: 0)", false},
    {"seeds", 0, "K", "seeds S, S+1, ... K of them, and their mean", false},
    {"starts", 0, "K", "start nodes tried for a request (default: 100)", false},
    {"backs", 0, "K", "steps back, if no start succeeds (default: 200)", false},
    {"moves", 0, "K", "moves evaluated to improve it (default: 200)", false},
    {"policy", 0, "joint|grc|random", "how to place (default: joint)", false},
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
    {"sched embed", verb_sched_embed, embed_options, NULL, 0, 0, false,
     "lay job graphs that come and go into a topology",
     "The workload of the Virne benchmark for virtual network embedding, drawn "
     "from\nthe seed: a request has 2 to 10 components, a virtual link between "
     "two with\nprobability 0.5 (drawn again until it hangs together), and "
     "wants 0 to 20 cores for\na component, 0 to 50 Mbit/s for a link. Nodes "
     "of the topology have 50 to 100\ncores, links 50 to 100 Mbit/s, both "
     "ways together. Requests come by a Poisson\nprocess of --rate a time "
     "unit and stay for an exponential time of mean 500. A\nnode takes one "
     "component of a request, a virtual link one path. Who finds no\nplace is "
     "lost.\n\n"
     "--policy joint chooses nodes and paths together, from many start nodes, "
     "with steps back when none succeeds, and then moves components while "
     "that saves bandwidth. grc ranks nodes by "
     "their global resource capacity and takes shortest paths; random draws "
     "nodes.\n\n"
     "SHARE is accepted of all. REV/COST is what the accepted wanted (cores + "
     "Mbit/s)\nover what they took (cores + Mbit/s times links). Times are of "
     "the processor, for\nthe decision alone. ALIVE is the most there were at "
     "one time. After each event\nall reservations are summed anew, and a "
     "checker that shares no code with the\nplacement validates each plan. "
     "Longitude and Latitude of nodes give delays;\nother attributes are not "
     "used. docs/scheduling.md has the model.",
     "suan sched embed --topology docs/examples/sched/backbone.gml --rate "
     "0.01\n"
     "suan sched embed --topology Geant.gml --rate 0.016 --seeds 10 --starts "
     "40\n"
     "suan sched embed --topology Waxman100.gml --rate 0.16 --policy grc "
     "--json"},
    {0},
};
