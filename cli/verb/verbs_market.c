/* Offers, selling and images. */

#include "cli/verb/verbs.h"
#include "cli/verb/verbs_room.h"

static const struct opt quote_options[] = {
    {"image", 0, "IMAGE", "the image's name or id (default: default)", false},
    OPT_CPUS,
    OPT_MEM,
    OPT_DISK,
    OPT_GPU,
    OPT_DEVICE,
    OPT_DEVICE_MEM,
    OPT_NIC,
    OPT_TIME,
    OPT_TASKS,
    OPT_PRICE,
    OPT_POLICY,
    OPT_AVAILABILITY,
    OPT_CLASS,
    OPT_NEAR,
    OPT_CONSTRAINT,
    OPT_ZONE,
    OPT_TOLERATE,
    OPT_SPREAD,
    OPT_SELLER,
    OPT_ARCH,
    OPT_QUEUE,
    OPT_KEY,
    {"explain", 0, NULL, "show the figures by which each offer is ranked",
     false},
    {0},
};

static const struct opt offers_options[] = {
    OPT_CPUS,
    OPT_MEM,
    OPT_DISK,
    OPT_GPU,
    OPT_DEVICE,
    OPT_DEVICE_MEM,
    OPT_NIC,
    OPT_ARCH,
    OPT_CONSTRAINT,
    OPT_ZONE,
    OPT_TOLERATE,
    OPT_POLICY,
    OPT_CLASS,
    OPT_NEAR,
    {"identifier", 0, "PREFIX",
     "only those whose compute identifier begins so (city/industry/...), or is "
     "that (suanid1...)",
     false},
    {0},
};

static const struct opt audit_options[] = {
    {"kernel", 0, "fp64|fp32", "which figure (default: fp64)", false},
    {0},
};

static const struct opt watch_options[] = {
    {"once", 0, NULL, "print what has happened and end", false},
    {0},
};

static const struct opt record_options[] = {
    {"for", 0, "TIME", "how long to record: 10m, 2h (default: until ^C)",
     false},
    {"every", 0, "TIME", "how often to look (default: 1s)", false},
    {0},
};

static const struct opt sell_stop_options[] = {
    {"now", 0, NULL, "do not let running jobs end first", false},
    {0},
};

static const struct opt offer_options[] = {
    {"name", 0, "TEXT", "a name for people", false},
    {"cpus", 0, "N", "cores to sell", false},
    {"mem", 0, "SIZE", "memory to sell", false},
    {"disk", 0, "SIZE", "disk to sell", false},
    {"slots", 0, "N", "jobs at the same time, at most", false},
    {"time-max", 0, "TIME", "longest job", false},
    {"cpu-hour", 0, "AMOUNT", "price of a core for an hour", false},
    {"mem-hour", 0, "AMOUNT", "price of a GiB of memory for an hour", false},
    {"disk-hour", 0, "AMOUNT", "price of a GiB of disk for an hour", false},
    {"device-hour", 0, "PRICES",
     "price of a device for an hour: 0.5, or gpu=0.5,fpga=0.2, or "
     "gpu:a100=0.9",
     false},
    {"nic", 0, "RATE", "network bandwidth to sell: 100M, 1G bit/s", false},
    {"label", 0, "KEY=VALUE", "a fact about this machine", true},
    {"taint", 0, "KEY[=VALUE]",
     "keeps out jobs that do not tolerate it; \"\" for none", true},
    {"queue", 0, "RULE",
     "full, take patient jobs for later: easy, conservative; or off", false},
    {"payout", 0, "ADDRESS", "the account that is paid", false},
    {0},
};

static const struct opt bench_options[] = {
    {"last", 0, NULL, "show the last measurement, do not measure", false},
    {"quick", 0, NULL, "short runs: 3 seconds, not half a minute", false},
    {"challenge", 0, "HEX", "answer this challenge instead, into --out", false},
    {"out", 0, "FILE", "where the answer goes", false},
    {"n", 0, "N", "side of the challenge's matrices (default: 1024)", false},
    {0},
};

static const struct opt bench_check_options[] = {
    {"challenge", 0, "HEX", "that it must answer (default: the file's own)",
     false},
    {0},
};

static const struct opt identifier_options[] = {
    {"city", 0, "NAME", "where it stands: a name or a region's code", false},
    {"industry", 0, "NAME", "the branch it serves: telecom, research", false},
    {"enterprise", 0, "NAME", "who owns it", false},
    {"resource", 0, "NAME", "its kind: general, gpu, storage", false},
    {"centre", 0, "NAME", "the data centre", false},
    {"service", 0, "NAME", "what it is offered as: batch, service", false},
    {"ability", 0, "RATE",
     "FLOP/s in single precision: 200G (default: what the node measured)",
     false},
    {"storage", 0, "SIZE", "disk: 2T (default: what the node sells)", false},
    {"network", 0, "KBIT",
     "kbit/s of its network (default: what its links bear out)", false},
    {"chip", 0, "NAME", "the chip's type", false},
    {"chip-number", 0, "TEXT", "the chip's own number; only a hash leaves",
     false},
    {"salt", 0, "TEXT", "secret of the supplier, hashed with the number",
     false},
    {"check", 0, "TEXT", "is this identifier whole, and what does it say?",
     false},
    {"prefix", 0, "PATH", "with --check: must its path begin so? city/industry",
     false},
    {0},
};

static const struct opt import_options[] = {
    {"name", 0, "NAME", "what to call it (default: the file's name)", false},
    {0},
};

const struct verb verbs_market[] = {
    {"market offers", verb_market_offers, offers_options, NULL, 0, 0, false,
     "list what providers sell",
     "Lists the offers this node knows, in the policy's order. With needs "
     "given "
     "it says of\neach whether it fits and, with -o wide, what an hour would "
     "cost or why it does not.",
     "suan market offers --cpus 2 --mem 1G --policy fastest"},
    {"market quote", verb_market_quote, quote_options, "[[--] CMD [ARG...]]", 0,
     -1, true, "get a bill without buying",
     "Asks providers for binding quotes, shows the bill and lets them go "
     "again. "
     "Nothing is\nlocked or paid.",
     "suan market quote --cpus 1 --mem 512M --time 1h"},
    {"market links", verb_market_links, NULL, "[NODE]", 0, 1, false,
     "show the links between nodes, as measured",
     "Shows what this node knows of the links between nodes: round trip, "
     "bandwidth in bits\nper second to and from, loss, share of time up, age, "
     "trust and source. With NODE (an\naddress, or the name of one that sells) "
     "the links of that node, seen from it; round\ntrips nobody measured are "
     "then guessed from third nodes.\n\n"
     "Each node states its own links. \"measured\": both ends did, or "
     "this node is\none of them; where they disagree the worse is shown. "
     "\"estimated\": one end's claim,\nor a guess. Only what is measured "
     "counts for a bound on delay, bandwidth or\nreliability. \"-\" is not "
     "known, which is never taken for good.\n\n"
     "Trust falls with age and rises with the number of samples. Little "
     "evidence is not good\nevidence: a new link starts with high loss and low "
     "UP, whatever it is like.",
     "suan market links provider-1 -o wide"},
    {"market watch", verb_market_watch, watch_options, NULL, 0, 0, false,
     "print offers and trades as they come",
     "Prints a line for each offer that changes and each contract that is "
     "made.",
     "suan market watch --json"},

    {"market record", verb_market_record, record_options, "FILE", 1, 1, false,
     "write offers and requests to a file as they come",
     "Writes what this node knows of the market, and every change of it, until "
     "--for has\npassed or it is interrupted: offers, and this node's own "
     "requests with how long their\njobs ran. `suan sched replay --format "
     "market` plays it again under other policies.",
     "suan market record market.jsonl --for 1h"},

    {"market audit", verb_market_audit, audit_options, "PROVIDER", 1, 1, false,
     "doubt a seller's figures, and look",
     "Asks a seller (an address, or the name in its offer) for products of "
     "matrices that\nfollow from numbers just drawn here, one core's work of "
     "about 1.5 seconds by what it\ndeclares. It answers with the hash of "
     "each; then one of them, picked here, has to be\nshown and is checked "
     "(Freivalds). Whoever did a share f of the work only is caught\nwith "
     "probability 1 - f.\n\n"
     "confirmed: found at least half of what is declared, the way and all else "
     "that runs\nthere included. slower: found less, and from now on this "
     "node counts the lesser: of\na busy machine, too, for its buyers get no "
     "more. forged: a result is wrong; its\nfigures count for nothing here any "
     "more, and the command ends with code 8. A seller\nanswers each node once "
     "in ten minutes.",
     "suan market audit provider-1\n"
     "suan market audit provider-1 --kernel fp32 --json"},

    {"sell start", verb_sell_start, NULL, NULL, 0, 0, false,
     "advertise the offer",
     "Advertises this node's offer. Refused, with the reason, where jobs "
     "cannot "
     "be isolated.",
     "suan sell start --node provider-1"},
    {"sell stop", verb_sell_stop, sell_stop_options, NULL, 0, 0, false,
     "take no more jobs",
     "Takes the offer back. Running jobs go on to their end unless --now is "
     "given.",
     "suan sell stop --node provider-1"},
    {"sell status", verb_sell_status, NULL, NULL, 0, 0, false,
     "show capacity, contracts and earnings",
     "Shows what is free, held and running, and what was earned.",
     "suan sell status --node provider-1"},
    {"sell offer set", verb_sell_offer_set, offer_options, NULL, 0, 0, false,
     "change what is sold and its price",
     "Changes the offer; what is not named stays. Running contracts keep their "
     "price.",
     "suan sell offer set --cpu-hour 0.04 --label zone=eu"},
    {"sell offer show", verb_sell_offer_show, NULL, NULL, 0, 0, false,
     "show what is sold and its price", "Shows this node's offer.",
     "suan sell offer show --node provider-1"},
    {"sell bench", verb_sell_bench, bench_options, NULL, 0, 0, false,
     "measure this machine",
     "Measures processor, memory and disk, each kernel on one core and on all: "
     "median and\nmedian absolute deviation (MAD) of seven runs after "
     "warm-ups, and the ratio to the\nfrozen reference machine. Processor "
     "kernels go by processor time, so what else runs\nhere costs patience and "
     "changes little. A figure whose MAD is above 5 % after three\ntries is "
     "told and left out. The rest goes into the offer: \"fastest\" compares "
     "it, and\nthe grade follows from the sustained fp32 of all cores "
     "(meter.grades in suan.conf).\n\n"
     "The network is not measured here but by the node's links, all the time: "
     "the median\ngoodput over links that both ends measured, two at least. "
     "What is missing is told.\n\n"
     "--challenge does work that follows from 64 hex digits, on one core of "
     "this machine\nand without a node: a chain of SHA-256 and products of "
     "matrices, with all results,\nfor whoever thought of the digits to check. "
     "The file takes 16 MiB at --n 1024.",
     "suan sell bench --node provider-1\n"
     "suan sell bench --quick --json\n"
     "suan sell bench --challenge $HEX --out answer"},
    {"sell bench check", verb_sell_bench_check, bench_check_options, "FILE", 1,
     1, false, "check the answer to a challenge",
     "Checks every result in FILE: products by Freivalds' method in O(n^2), "
     "where a wrong\none passes with probability below 2^-40, chains of "
     "hashes by doing them again. The\nrates are what the file claims; they "
     "are worth as much as the time at which you had\nit. A wrong result ends "
     "with code 8.",
     "suan sell bench check answer --challenge $HEX"},
    {"sell identifier", verb_sell_identifier, identifier_options, NULL, 0, 0,
     false, "name this resource by its eleven fields",
     "Makes the compute identifier of a resource from eleven fields: its text, "
     "its\nregistration code (BLAKE2b-128 of its bytes), and its path, by "
     "whose "
     "beginning all\nresources of a city, an industry, an enterprise are "
     "found. Names are of\n[a-z0-9.-], at most 23. Any three wrong letters "
     "of the text are noticed, and any two\nthat changed places.\n\n"
     "--check reads one and shows its fields; with --prefix it ends with code "
     "8 when the\npath begins otherwise. To be found by the fields on the "
     "market, put them on the\noffer: suan sell offer set --label "
     "id.city=... (--json lists all labels), and\nsuan market offers "
     "--constraint id.city=...",
     "suan sell identifier --city beijing --industry telecom --enterprise acme "
     "\\\n  --resource general --centre dc-2 --service batch --network 1000000 "
     "\\\n  --chip epyc-9005 --chip-number SN123 --salt secret\n"
     "suan sell identifier --check suanid1... --prefix beijing/telecom"},

    {"image import", verb_image_import, import_options, "FILE", 1, 1, false,
     "bring an OCI archive to the node",
     "Brings an image to the node, which hands it to providers by its "
     "content's "
     "hash. FILE\nis an OCI archive, as skopeo and podman write them.",
     "suan image import alpine.tar --name alpine"},
    {"image ls", verb_image_ls, NULL, NULL, 0, 0, false, "list images",
     "Lists the images this node has. At a provider also those its executor "
     "has unpacked for jobs, with their size and when a job last began in "
     "them; those that were not imported here go by the start of their id.",
     "suan image ls --node provider-1"},
    {"image inspect", verb_image_inspect, NULL, "IMAGE", 1, 1, false,
     "show what an image holds",
     "Shows an image's digest, layers and configuration.",
     "suan image inspect default"},
    {"image rm", verb_image_rm, NULL, "IMAGE...", 1, -1, false, "remove images",
     "Removes images from this node. At a provider also unpacked ones, by name "
     "or id; one that a job runs in stays.",
     "suan image rm alpine"},
    {0},
};
