/* Policies by name. */

#include "cli/verb/verbs.h"
#include "cli/verb/verbs_room.h"

static const struct opt set_options[] = {
    {"file", 'f', "FILE", "the policy in YAML; options go over it", false},
    {"kind", 0, "KIND", "what it goes by, one of the above", false},
    {"weight", 0, "NAME=N[,...]",
     "composite: price, rtt, speed, load, energy; balanced: load, link, energy",
     true},
    {"speed", 0, "CLASS",
     "fastest, composite: mean, logic, parallel, neural, memory, disk or "
     "network",
     false},
    {"near", 0, "ADDRESS", "nearest, composite: to this node, not to you",
     false},
    {"divide", 0, "HOW",
     "a job's tasks over providers: fill, even, static, dynamic, aggregated or "
     "duplicated",
     false},
    {"copies", 0, "N", "duplicated: how many providers a task goes to", false},
    {"share", 0, "LABEL=VALUE:N",
     "static: the weight of providers of that label, or of an address", true},
    {"availability", 0, "SHARE",
     "how sure each task is to be finished: as many copies as that takes",
     false},
    {"gang", 0, "yes|no", "all tasks at the same time or none", false},
    {"least", 0, "N", "of a gang: so many of them suffice", false},
    {0},
};

static const struct opt bind_options[] = {
    {"account", 0, "ADDRESS", "jobs that this account pays for", false},
    {"job-name", 0, "PATTERN", "jobs of this name; * stands for any letters",
     false},
    {"default", 0, NULL, "all jobs of which nothing else is said", false},
    {0},
};

const struct verb verbs_policy[] = {
    {"policy list", verb_policy_list, NULL, NULL, 0, 0, false,
     "list the policies this node keeps",
     "Lists the policies that are kept by name, what they are bound to and "
     "whether they are\nswitched on. A job's policy is the one it names "
     "itself, else the one bound to its name,\nto the account that pays, or "
     "the default; else cheapest.",
     "suan policy list"},
    {"policy show", verb_policy_show, NULL, "NAME", 1, 1, false,
     "show one policy", "Shows a policy with all its terms.",
     "suan policy show cheap-and-near"},
    {"policy set", verb_policy_set, set_options, "[NAME]", 0, 1, false,
     "make or replace a policy",
     "Makes a policy, or puts it in the place of the one of that name. Kinds:\n"
     "  cheapest       lowest price of an hour\n"
     "  nearest        shortest round trip, then price\n"
     "  fastest        highest measured speed, then price\n"
     "  balanced       where loads stay even and little power is added\n"
     "  composite      sum of weight x best / own over the figures\n"
     "  fragmentation  least left over beside the task\n"
     "  spread, pack   least or most used\n"
     "What is not known of an offer never counts in its favour. "
     "docs/policies.md "
     "has the\nformulas.",
     "suan policy set cheap-and-near --kind composite --weight price=2,rtt=1\n"
     "suan policy set -f docs/examples/policies/redundant.yaml"},
    {"policy remove", verb_policy_remove, NULL, "NAME", 1, 1, false,
     "forget a policy", "Forgets a policy that is bound to nothing.",
     "suan policy remove cheap-and-near"},
    {"policy enable", verb_policy_enable, NULL, "NAME", 1, 1, false,
     "switch a policy on", "Jobs that come from now on may use it again.",
     "suan policy enable cheap-and-near"},
    {"policy disable", verb_policy_disable, NULL, "NAME", 1, 1, false,
     "switch a policy off",
     "Jobs that come from now on pass it over, and are told; those placed "
     "already keep it.",
     "suan policy disable cheap-and-near"},
    {"policy bind", verb_policy_bind, bind_options, "NAME", 1, 1, false,
     "say which jobs a policy holds for",
     "Binds a policy, in place of what the same account, pattern or default "
     "was bound to.\nOf several patterns that fit a job's name the longest "
     "holds.",
     "suan policy bind cheap-and-near --job-name 'render-*'"},
    {"policy unbind", verb_policy_unbind, bind_options, NULL, 0, 0, false,
     "take a binding back", "Takes a binding back; the policy stays.",
     "suan policy unbind --default"},
    {0},
};
