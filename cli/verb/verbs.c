/* Everything suan can do, table by table. The one description of the command
 * line: parsing, help, completion and docs/cli.md are made from it. */

#include "cli/verb/verb.h"
#include "cli/verb/verbs_room.h"

const struct opt global_options[] = {
    {"json", 0, NULL, "print one JSON object, or a line each for streams",
     false},
    {"output", 'o', "wide|name|json", "the form of the answer", false},
    {"no-headers", 0, NULL, "tables without their first line", false},
    {"quiet", 'q', NULL, "say nothing but data and errors", false},
    {"yes", 'y', NULL, "answer every question with yes", false},
    {"timeout", 0, "TIME", "give up after this long, such as 30s", false},
    {"node", 0, "SOCKET",
     "the node to ask: its control socket, or a name of the devnet", false},
    {"data-dir", 0, "DIR", "the node to ask, by its data directory", false},
    {"wallet", 0, "DIR", "the directory of the keys", false},
    {"color", 0, "auto|always|never", "colour in messages", false},
    {"password-file", 0, "FILE", "a private file with the passphrase", false},
    {"password-fd", 0, "N", "a descriptor to read the passphrase from", false},
    {"help", 'h', NULL, "explain the command", false},
    {"version", 0, NULL, "print the version", false},
    {0},
};

const struct verb_group verb_groups[] = {
    {"job", "Jobs: how they stand, their logs, outputs and bills"},
    {"market", "Who sells computing power, and at what price"},
    {"sell", "Selling this machine's computing power"},
    {"policy",
     "Which offers come first: policies by name, and what they hold for"},
    {"image", "Images that jobs run in"},
    {"wallet", "Keys and money"},
    {"sched", "Placement, tried on files: no network is needed"},
    {"node", "The node on this machine"},
    {"chain", "The ledger: what was agreed and what was paid"},
    {"validator", "Who signs blocks, and the money that vouches for it"},
    {"devnet", "A whole network on this machine, for trying things out"},
    {"config", "The node's configuration"},
    {0},
};

static const struct verb *const tables[] = {
    verbs_job,    verbs_market,  verbs_policy,
    verbs_wallet, verbs_network, verbs_sched,
};
#define TABLES (sizeof(tables) / sizeof(tables[0]))

static bool is_in(const struct verb *table, const struct verb *verb)
{
    while (table->path != NULL && table != verb)
        table++;
    return table->path != NULL;
}

const struct verb *verb_next(const struct verb *verb)
{
    size_t table = 0;
    if (verb == NULL)
        return tables[0];
    if (verb[1].path != NULL)
        return verb + 1;
    while (!is_in(tables[table], verb))
        table++;
    return table + 1 < TABLES ? tables[table + 1] : NULL;
}
