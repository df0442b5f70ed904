/* Placement, tried on files: every model of sched without a network. */

#include "cli/verb/verbs.h"
#include "cli/verb/verbs_room.h"

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

static const struct opt agents_options[] = {
    {"nodes", 0, "FILE", "the machines", false},
    {"pods", 0, "FILE", "the tasks", false},
    {"agents", 0, "N", "how many, 1 to 64 (default: 4)", false},
    {"policy", 0, "NAME", "of each agent (default: fgd)", false},
    {"rule", 0, "version|room", "how a choice is validated (default: version)",
     false},
    {"regions", 0, NULL, "each has a region, and takes its machines first",
     false},
    {"stale", 0, "N", "rounds between looks (default: 1)", false},
    {"spread", 0, "N", "of so many best a loser takes one (default: 8)", false},
    {"joint", 0, "SHARE", "jobs of 2 to 4 tasks, all or none: 0.1", false},
    {"load", 0, "N", "devices asked for, over those there are (1.3)", false},
    {"seed", 0, "S", "of the order of arrivals (default: 1)", false},
    {"seeds", 0, "K", "runs, of this seed and the next (default: 1)", false},
    {0},
};

static const struct opt decompose_options[] = {
    {"level", 0, "LEVEL", "site, offer (default) or device", false},
    {"offers", 0, "OFFERS", "FILE is a workflow, to run on these", false},
    {"within", 0, "TIME",
     "a workflow's tasks run one after another, all within it", false},
    {"seed", 0, "S", "of what is left to chance (default: 0)", false},
    {"trials", 0, "N", "the best of so many (default: 3 to 32, by size)",
     false},
    {"dot", 0, "FILE",
     "draw before and after for Graphviz; - is standard "
     "output",
     false},
    {"svg", 0, "FILE", "draw before and after as SVG", false},
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
    {"gaps", 0, "exponential|poisson",
     "between requests (default: exponential, a Poisson process)", false},
    {"policy", 0, "joint|learned|grc|random", "how to place (default: joint)",
     false},
    {"aim", 0, "bandwidth|score",
     "of joint and learned: what is saved, or made large (default: bandwidth)",
     false},
    {"model", 0, "FILE", "learned: what suan sched train wrote", false},
    {"force", 0, NULL, "learned: also a model that did not beat the incumbent",
     false},
    {0},
};

static const struct opt adjust_options[] = {
    {"topology", 0, "FILE", "the graph the jobs run on, in GML", false},
    {"rate", 0, "R", "requests a time unit (default: 0.16)", false},
    {"requests", 0, "N", "how many (default: 1000)", false},
    {"events", 0, "R", "events a time unit (default: 0.01)", false},
    {"down", 0, "T", "mean time until one is over (default: 200)", false},
    {"seed", 0, "S", "of capacities, requests, events (default: 0)", false},
    {"seeds", 0, "K", "seeds S, S+1, ... K of them, taken together", false},
    {"policy", 0, "all|repair|resolve|stop", "what is done (default: all)",
     false},
    {"budget", 0, "N", "moves of the unviolated an hour (default: 4)", false},
    {"improve", 0, NULL, "also ask who would move of its own will", false},
    {"theta", 0, "N", "gain that takes, in thousandths (default: 50)", false},
    {0},
};

static const struct opt train_options[] = {
    {"topology", 0, "FILE", "a graph to learn on, in GML; again, for several",
     true},
    {"waxman", 0, "N", "instead of files: random graphs of N nodes", false},
    {"rate", 0, "R", "requests a time unit (default: 0.16)", false},
    {"out", 0, "MODEL", "the file to write", false},
    {"seed", 0, "S", "of everything that is drawn (default: 0)", false},
    {"starts", 0, "K", "start nodes to learn for (default: 3)", false},
    {"worlds", 0, "N", "to learn on (default: 16)", false},
    {"moments", 0, "N", "decisions of each, a phase (default: 512)", false},
    {"epochs", 0, "N", "of imitation over them (default: 8)", false},
    {"chapters", 0, "N", "of reinforcement (default: 4)", false},
    {"seeds", 0, "N", "unseen seeds to be judged by (default: 10)", false},
    {"requests", 0, "N", "of each of them (default: 1000)", false},
    {"threads", 0, "N",
     "at a time (default: processors); the result is the "
     "same",
     false},
    {0},
};

static const struct opt replicas_options[] = {
    {"target", 0, "SHARE", "how sure the job must be: 99.99%, 0.9999", false},
    {"availability", 0, "SHARE", "of every provider; without FILE", false},
    {"fewest", 0, NULL, "the fewest replicas, not the cheapest", false},
    {0},
};

static const struct opt workflow_options[] = {
    {"offers", 0, "OFFERS", "the file of offers and links; needed", false},
    {"policy", 0, "POLICY", "fastest (default) or cheapest", false},
    {"deadline", 0, "TIME", "the end at the latest: 90s, 10m, 1h30m", false},
    {"seed", 0, "S", "of the local search (default: 0)", false},
    {"tasks", 0, NULL, "list every task with its place and time", false},
    {0},
};

static const struct opt replay_options[] = {
    {"format", 0, "FORMAT", "what was recorded: openb, swf or market", false},
    {"nodes", 0, "FILE", "openb: the machines", false},
    {"pods", 0, "FILE", "openb: the tasks", false},
    {"log", 0, "FILE", "swf: the jobs; market: the recording", false},
    {"policy", 0, "NAME", "how to place; again, to compare (default: all)",
     true},
    {"load", 0, "N",
     "openb: devices asked for, over those there are (1.3); swf: jobs come so "
     "many times as fast (1)",
     false},
    {"seed", 0, "N",
     "openb: of the order of arrivals (default: 1); market: of what is left to "
     "chance (default: 0)",
     false},
    {"seeds", 0, "N", "openb: runs, of this seed and the next (default: 1)",
     false},
    {"procs", 0, "N", "swf: processors of the machine (default: as the log)",
     false},
    {"limit", 0, "N", "swf: the first N jobs (default: all)", false},
    {"estimate", 0, "N", "swf: times asked for, over those of the log (1)",
     false},
    {0},
};

static const struct opt select_options[] = {
    {"flows", 0, "N", "send so many flows, none of which ends (default: 100)",
     false},
    {"seed", 0, "N", "of the throws, and of settling equals (default: 1)",
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
    {"sched agents", verb_sched_agents, agents_options, NULL, 0, 0, false,
     "several schedulers on the same machines, beside one",
     "The experiment of suan sched replay --format openb, with the same FILEs "
     "and the\nsame arrivals, under one agent and under N. Each agent chooses "
     "by a view of all\nmachines that is as old as its last look; the next "
     "task "
     "goes to the next free one.\nIn a round every agent says one thing. What "
     "they say arrives in an order drawn by\nlot, and is decided one after the "
     "other.\n\n"
     "A choice holds if the machine is as it was seen (--rule version), or if "
     "it "
     "still\nfits (room). Who loses looks again and takes one of the best few, "
     "by a hash of job\nand attempt, so that losers do not meet again. A job "
     "of "
     "several tasks is reserved\nin the order of machines and then confirmed; "
     "what is not confirmed lapses.\n\n"
     "ALLOCATED is the part of the devices given away when as much has arrived "
     "as there\nis, EFFICIENCY that of one agent's. END is at the last "
     "arrival. "
     "CONFLICTS are\nrefused choices of all choices, RETRIES those a job, US "
     "processor time a job. In the\nend all that was given away is added up "
     "again. docs/decomposition.md has the model.",
     "suan sched agents --nodes docs/examples/sched/nodes.csv \\\n"
     "  --pods docs/examples/sched/pods.csv --agents 4 --seed 1\n"
     "suan sched agents --nodes N.csv --pods P.csv --agents 16 --regions "
     "--json"},
    {"sched decompose", verb_sched_decompose, decompose_options, "FILE", 1, 1,
     false, "cut a graph of components into clusters that fit places",
     "FILE, in YAML or JSON, has components with what they want, links with "
     "their\nbandwidth, and the sites and offers there are (- is standard "
     "input);\ndocs/examples/sched/arena.yaml has all that it may say. With "
     "--offers FILE is a\nrecorded workflow in WfFormat JSON, and OFFERS the "
     "file of suan sched workflow.\n\n"
     "A cluster of a level goes to one place of it: a site, one of its offers, "
     "a device\nof that. Every cluster fits such a place (FITS names one), and "
     "the weight of "
     "the "
     "links between\nclusters, CUT, is to be small: Mbit/s of components, "
     "bytes "
     "of workflows. Finer\nlevels cut within the clusters of the coarser ones, "
     "so they never cut less. First,\nwhat belongs together is made one: "
     "groups "
     "(one offer), links that are kept. Then\npairs are joined, heavy links "
     "and "
     "equal residency first; the small graph that is\nleft is bisected until "
     "all fits; and pairs are taken apart again while single\ncomponents move, "
     "change places, and clusters join (multilevel, Fiduccia and\nMattheyses). "
     "Where links make no circle, clusters make none: ORDER. Up to 12 "
     "units\nall "
     "ways are looked at: LEAST says where none is cheaper. Every result is "
     "checked\nby itself.\n\n"
     "Components run all at the same time, and what a cluster wants is the "
     "sum. "
     "So do a\nworkflow's tasks, unless --within: then a cluster wants the "
     "mean "
     "of cores that does\nits work in TIME, and the memory of its largest "
     "task. "
     "A device of an offer in OFFERS\nis a core with its share of memory. What "
     "fits nowhere ends with code 8.\n\n"
     "Whether all clusters find room at once is for placement to say. "
     "docs/decomposition.md\nhas the model.",
     "suan sched decompose docs/examples/sched/arena.yaml --svg arena.svg\n"
     "suan sched decompose arena.yaml --level device --dot - | dot -Tsvg\n"
     "suan sched decompose docs/examples/sched/survey.json \\\n"
     "  --offers docs/examples/sched/offers.yaml --within 1h"},
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
    {"sched workflow", verb_sched_workflow, workflow_options, "FILE", 1, 1,
     false, "plan a graph of tasks in time on priced offers",
     "FILE is a recorded workflow in WfFormat JSON (schema 1.5 or before; - is "
     "standard\ninput). OFFERS, in YAML or JSON, has speeds, cores, memory and "
     "prices of offers,\nlinks between their sites, and where inputs lie; "
     "docs/examples/sched/offers.yaml\nsays all that it may.\n\n"
     "A task takes its recorded time divided by the offer's speed, keeps its "
     "cores and\nmemory while it runs, and starts when all its files are "
     "there. Within an offer\nfiles take no time. Between offers they take the "
     "round trip and their bits at the\nlink's bandwidth, which transfers do "
     "not share; each reader fetches its own copy.\nA link that is not listed "
     "cannot be used. Inputs may lie at a site, and may be\nbound to zones, "
     "with all that their data reaches.\n\nThe cost is price * cores * time of "
     "each task and the senders' egress per GiB,\nrounded up, in credits. "
     "\"fastest\" ends as early as it can, then cheaply; \"cheapest\"\ncosts "
     "as "
     "little as it can by --deadline. Plans come from list scheduling (HEFT,\n"
     "PEFT), a local search, and for small graphs from a search of all plans, "
     "told as\n\"none is faster\" where it ended. The least makespan that is "
     "told is the longest\nway through the graph or all work on all cores. "
     "Every plan is checked by itself. A\ndeadline that is not met, or a task "
     "that fits nowhere, ends with code 8.",
     "suan sched workflow docs/examples/sched/survey.json \\\n"
     "  --offers docs/examples/sched/offers.yaml --tasks\n"
     "suan sched workflow survey.json --offers offers.yaml --policy cheapest "
     "\\\n  --deadline 30m"},
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
     "lost. --gaps poisson draws whole gaps of mean 1 / rate between requests, "
     "as the benchmark's own generator does: they come more evenly.\n\n"
     "--policy joint chooses nodes and paths together, from many start nodes, "
     "with steps back when none succeeds, and then moves components while "
     "that saves bandwidth. grc ranks nodes by "
     "their global resource capacity and takes shortest paths; random draws "
     "nodes. learned is joint with the starts that a --model of\n\"sched "
     "train\" names, as many as it learned for unless --starts says "
     "otherwise.\n\n"
     "SHARE is accepted of all. REV/COST is what the accepted wanted (cores + "
     "Mbit/s)\n"
     "over what they took (cores + Mbit/s times links). SCORE says how evenly "
     "the\n"
     "topology is used with a plan in it, of 1000: 1 - mean |use - mean use| "
     "of nodes\n"
     "and of links, halves of each; mean of the accepted. With --aim score the "
     "plan of\n"
     "the best score is taken, whatever bandwidth it wants. Times are of the\n"
     "processor, for the decision alone. ALIVE is the most there were at one "
     "time.\n"
     "After each event all reservations are summed anew, and a checker that "
     "shares no\n"
     "code with the placement validates each plan. Longitude and Latitude of "
     "nodes\n"
     "give delays; other attributes are not used. docs/scheduling.md has the "
     "model.",
     "suan sched embed --topology docs/examples/sched/backbone.gml --rate "
     "0.01\n"
     "suan sched embed --topology Geant.gml --rate 0.016 --seeds 10 --starts "
     "40\n"
     "suan sched embed --topology Waxman100.gml --rate 0.16 --policy grc "
     "--json\n"
     "suan sched embed --topology docs/examples/sched/backbone.gml --rate 0.01 "
     "\\\n  --policy learned --model docs/examples/sched/waxman100.model"},
    {"sched adjust", verb_sched_adjust, adjust_options, NULL, 0, 0, false,
     "keep running job graphs alive while offers come and go",
     "The jobs of \"sched embed\" run on a topology whose offers come and go. "
     "An event,\nby a Poisson process of --events a time unit, withdraws a "
     "node "
     "or leaves a link a\ntenth of its bandwidth; after an exponential time of "
     "mean --down it is over. Each\ncomponent has a state of 1 to 1000 MiB. "
     "Jobs that no longer hold are dealt with in\nthe order they came:\n\n"
     "    repair   touch what is violated, more only if that does not do: "
     "other "
     "paths,\n             then moves of violated components, then their "
     "neighbours, then the\n             whole job; what is not violated moves "
     "within --budget an hour for\n             each job (a time unit is a "
     "second)\n"
     "    resolve  lay the job anew from nothing\n"
     "    stop     put it out\n\n"
     "Who finds no place waits, and is woken when freed capacity may help. "
     "With "
     "--improve\nrunning jobs are asked in turn whether a move would gain more "
     "than --theta.\n\n"
     "SERVED is the time that accepted jobs ran, of the time they wanted. "
     "HITS: "
     "jobs that\nan event violated; LOST of them found no place, BACK were "
     "placed again later. MOVES\nof components because they had to; UNHURT of "
     "them were not on what the event\ntouched. MOVED is their state. WILLING "
     "moves are of --improve. Times are of the\nprocessor. After each event "
     "all "
     "reservations are summed anew, and a checker that\nshares no code with "
     "the "
     "rest validates each plan. docs/scheduling.md has the model.",
     "suan sched adjust --topology docs/examples/sched/backbone.gml --rate "
     "0.01\n"
     "suan sched adjust --topology Waxman100.gml --seeds 5 --json"},
    {"sched train", verb_sched_train, train_options, NULL, 0, 0, false,
     "train a network that ranks start nodes for \"sched embed\"",
     "Trains a small graph network that puts the nodes of a topology in the "
     "order in\n"
     "which \"sched embed\" should try them as the start of a request, and "
     "writes it to\n"
     "MODEL. It learns in --worlds, each with capacities and requests of its "
     "own (the\n"
     "workload of \"sched embed\") on the graphs of the FILEs in turn, or on "
     "random\n"
     "Waxman graphs (alpha 0.5, beta 0.2), one each.\n"
     "\n"
     "First it imitates: at --moments decisions of each world every start is "
     "tried,\n"
     "and it learns which lead to cheap plans, --epochs times. Then it is "
     "reinforced:\n"
     "in each chapter --starts nodes are drawn as it rates them, and what they "
     "gain\n"
     "over its own best ones is learned. The best state on worlds kept for "
     "that is\n"
     "taken.\n"
     "\n"
     "In the end it is judged on seeds it has not seen, against the order that "
     "is used\n"
     "without a model (the incumbent), with the same number of starts. Only if "
     "it\n"
     "accepts more with --starts of them is it used by \"sched embed --policy "
     "learned\".\n"
     "\n"
     "The same command writes the same bytes, however many --threads there "
     "are. Ctrl-C\n"
     "ends it, and nothing is written. docs/learning.md has the network and "
     "figures.",
     "suan sched train --topology docs/examples/sched/backbone.gml --rate 0.01 "
     "\\\n"
     "  --out backbone.model\n"
     "suan sched train --waxman 100 --rate 0.16 --out waxman.model"},
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
     "--format market plays a market again that suan market record has "
     "written: "
     "the same\noffers and requests at the same times, placed by each policy: "
     "one that stands for\nitself (cheapest, nearest, fastest, balanced, "
     "fragmentation, spread, pack), FILE, a\npolicy in YAML, or \"recorded\", "
     "each request by its own (the default). A provider\nsells its total, a "
     "task starts when it is placed and runs as long as its job did.\nPER "
     "HOUR, "
     "RTT and SPEED are means over the tasks placed (speed: geometric, of "
     "the\nkernels together); REFUSED had no place until their request "
     "expired; "
     "JAIN is how\nevenly providers share the tasks, 1000 when all have as "
     "many; WAIT is the mean from\nthe request to the start.\n\n"
     "docs/scheduling.md and docs/policies.md have the formulas.",
     "suan sched replay --format openb --nodes docs/examples/sched/nodes.csv "
     "\\\n"
     "  --pods docs/examples/sched/pods.csv --policy fgd --policy bestfit\n"
     "suan sched replay --format openb --nodes N.csv --pods P.csv --load 1.3 "
     "\\\n  --seed 42 --seeds 10 --json\n"
     "suan sched replay --format swf --log docs/examples/sched/night.swf\n"
     "suan sched replay --format swf --log NASA.swf.gz --load 1.5 --policy "
     "easy "
     "\\\n  --policy fcfs\n"
     "suan sched replay --format market --log docs/examples/sched/market.jsonl "
     "\\\n  --policy cheapest --policy "
     "docs/examples/policies/cheap-and-near.yaml"},
    {"sched select", verb_sched_select, select_options, "FILE", 1, 1, false,
     "which instance of a service a new flow goes to, and why",
     "FILE, in YAML or JSON, lists under \"instances:\" what is known of each "
     "(- "
     "is\nstandard input): \"alder: {rtt_us: 400, service_us: 1000, in_flight: "
     "3}\". The\nfields, in microseconds and whole numbers: rtt_us; "
     "service_us, "
     "of one request alone;\nin_flight, requests there; load_permille, used "
     "where in_flight is not told; slots,\nrequests served at the same time "
     "(default 1); score, 0 to 10; source, of service_us;\nflows, begun since "
     "it was told of. At the top: peers, ingresses that share the\ninstances "
     "(default 1), and delay_us, a bound.\n\nThe flow goes where the expected "
     "delay is least: rtt_us / 2 + service_us * (1 +\nrequests / slots). "
     "Requests are those told and flows * peers; of a load they are\nload / (1 "
     "- load). Declared (nominal) times count double. What is not known comes\n"
     "last. With peers, some of the next flows of all ingresses are placed "
     "before ours.\nFLOWS tells where the next ones go, DELAY what the first "
     "would meet. No instance\nwithin delay_us ends with code 8.",
     "suan sched select docs/examples/sched/service.yaml\n"
     "suan sched select service.yaml --flows 1000 --json"},
    {0},
};
