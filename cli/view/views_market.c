/* What verbs show of the market: who sells, what a seller has sold, why an
 * offer was refused or chosen, and by which policy. */

#include "cli/view/views_room.h"

/* ---- offers ---- */

const struct view view_offers = {
    .name = "offers",
    .rows = "offers",
    .id = "provider",
    .empty = "the market is empty: no provider's offer has arrived. Try: "
             "suan node peers, suan sell start",
    .fields =
        {
            {"PROVIDER", "provider", CELL_ADDRESS, 0},
            {"NAME", "name", CELL_NAME, T},
            {"CORES", "free.cpu_milli", CELL_MILLI, R},
            {"MEM", "free.mem_mib", CELL_MIB, R},
            {"DEV", "devices_text", CELL_TEXT, T},
            {"SLOTS", "slots_free", CELL_UINT, R | W},
            {"WAIT", "queue.length", CELL_UINT, R | W},
            {"MAY WAIT", "queue.places", CELL_UINT, R | W},
            {"DISK", "free.disk_mib", CELL_MIB, R | W},
            {"ARCH", "arch", CELL_TEXT, W},
            {"CPU/H", "price.cpu_hour_micro", CELL_MONEY, R},
            {"MEM/H", "price.mem_hour_micro", CELL_MONEY, R | W},
            {"DISK/H", "price.disk_hour_micro", CELL_MONEY, R | W},
            {"TOTAL/H", "hour_micro", CELL_MONEY, R | W},
            {"GRADE", "grade.tier", CELL_TEXT, T},
            {"SPEED", "grade.int_ops", CELL_RATE, R | W},
            {"LOGIC", "grade.classes.logic.one", CELL_TEXT, R | W},
            {"PARALLEL", "grade.classes.parallel.one", CELL_TEXT, R | W},
            {"NEURAL", "grade.classes.neural.one", CELL_TEXT, R | W},
            {"MEMORY", "grade.classes.memory.one", CELL_TEXT, R | W},
            {"NETWORK", "grade.classes.network.all", CELL_TEXT, R | W},
            {"WHOLE", "grade.classes.whole.all", CELL_TEXT, R | W},
            {"RTT", "rtt_us", CELL_US, R},
            {"FITS", "feasible", CELL_BOOL, 0},
            {"SCORE", "score", CELL_UINT, R | W},
            {"RANKS BY", "rank_text", CELL_TEXT, W},
            {"WHY NOT", "text", CELL_TEXT, W},
            {"LABELS", "labels", CELL_LIST, W},
            {"TAINTS", "taints", CELL_LIST, W},
            {"AGE", "age_ms", CELL_AGE, R | W},
            {"ADDRESS", "address", CELL_TEXT, W},
        },
};

const struct view view_links = {
    .name = "links",
    .rows = "links",
    .id = "to",
    .empty = "no link has been measured yet, or none of that node. Try again "
             "in a minute, or: suan node peers",
    .fields =
        {
            {"FROM", "from_name", CELL_NAME, T},
            {"TO", "to_name", CELL_NAME, T},
            {"RTT", "rtt_us", CELL_US, R},
            {"SPREAD", "spread_us", CELL_US, R | W},
            {"OUT", "out_kbps", CELL_KBPS, R},
            {"IN", "in_kbps", CELL_KBPS, R},
            {"LOSS", "loss_ppm", CELL_PPM, R},
            {"UP", "up_ppm", CELL_PPM, R},
            {"AGE", "age_ms", CELL_AGE, R},
            {"TRUST", "confidence_permille", CELL_PERMILLE, R},
            {"SOURCE", "source", CELL_TEXT, T},
            {"OF BANDWIDTH: AGE", "volume_age_ms", CELL_AGE, R | W},
            {"TRUST", "volume_confidence_permille", CELL_PERMILLE, R | W},
            {"SOURCE", "volume_source", CELL_TEXT, W},
            {"FROM ADDRESS", "from", CELL_ADDRESS, W},
            {"TO ADDRESS", "to", CELL_ADDRESS, W},
        },
};

const struct view view_offer = {
    .name = "offer",
    .id = "provider",
    .fields =
        {
            {"Name", "name", CELL_TEXT, O},
            {"Provider", "provider", CELL_ADDRESS, 0},
            {"Version", "version", CELL_UINT, 0},
            {"Cores", "total.cpu_milli", CELL_MILLI, 0},
            {"Memory", "total.mem_mib", CELL_MIB, 0},
            {"Disk", "total.disk_mib", CELL_MIB, 0},
            {"Free cores", "free.cpu_milli", CELL_MILLI, 0},
            {"Free memory", "free.mem_mib", CELL_MIB, 0},
            {"Devices", "devices_text", CELL_TEXT, O},
            {"Devices there", "found", CELL_TEXT, O},
            {"Network", "nic_text", CELL_TEXT, O},
            {"Slots free", "slots_free", CELL_UINT, 0},
            {"Longest job", "time_ms_max", CELL_SPAN, 0},
            {"Per core-hour", "price.cpu_hour_micro", CELL_MONEY, 0},
            {"Per GiB-hour of memory", "price.mem_hour_micro", CELL_MONEY, 0},
            {"Per GiB-hour of disk", "price.disk_hour_micro", CELL_MONEY, 0},
            {"Per device-hour", "device_hour", CELL_TEXT, O},
            {"Architecture", "arch", CELL_TEXT, O},
            {"Labels", "labels", CELL_LIST, O},
            {"Taints", "taints", CELL_LIST, O},
            {"Paid to", "payout", CELL_ADDRESS, O},
            {"Grade", "grade.tier", CELL_TEXT, O},
            {"Grade by the data sheet", "grade.nominal_tier", CELL_TEXT, O},
            {"Computing, times the reference", "grade.classes.compute.all",
             CELL_TEXT, O},
            {"Integer speed", "grade.int_ops", CELL_RATE, O},
            {"Float speed", "grade.float_ops", CELL_RATE, O},
            {"Memory speed", "grade.mem_bps", CELL_RATE, O},
            {"Disk speed", "grade.disk_bps", CELL_RATE, O},
            {"Network speed", "grade.kernels.net.one", CELL_RATE, O},
        },
};

const struct view view_sell = {
    .name = "sell",
    .fields =
        {
            {"Selling", "selling", CELL_BOOL, 0},
            {"Why not", "why_not", CELL_TEXT, O},
            {"Cores free", "capacity.free.cpu_milli", CELL_MILLI, 0},
            {"Cores held", "capacity.held.cpu_milli", CELL_MILLI, 0},
            {"Cores running", "capacity.running.cpu_milli", CELL_MILLI, 0},
            {"Cores in all", "capacity.total.cpu_milli", CELL_MILLI, 0},
            {"Memory free", "capacity.free.mem_mib", CELL_MIB, 0},
            {"Memory in all", "capacity.total.mem_mib", CELL_MIB, 0},
            {"Per core-hour", "offer.price.cpu_hour_micro", CELL_MONEY, O},
            {"Queue", "queue_rule", CELL_TEXT, O},
            {"Waiting", "offer.queue.length", CELL_UINT, O},
            {"Room by the limits in", "offer.queue.next_ms", CELL_SPAN, O},
            {"All clear by them in", "offer.queue.clear_ms", CELL_SPAN, O},
            {"Earned", "earned_micro", CELL_MONEY, 0},
            {"Balance", "balance_micro", CELL_MONEY, 0},
            {"Needed for bonds", "bond_needed_micro", CELL_MONEY, O},
        },
};

const struct view view_contracts = {
    .name = "contracts",
    .rows = "contracts",
    .id = "id",
    .empty = "no contracts are running",
    .fields =
        {
            {"CONTRACT", "id", CELL_ID, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"PHASE", "phase", CELL_TEXT, T},
            {"BUYER", "buyer", CELL_ADDRESS, 0},
            {"CORES", "cpu_milli", CELL_MILLI, R},
            {"MEM", "mem_mib", CELL_MIB, R},
            {"DUE", "due_micro", CELL_MONEY, R},
        },
};

const struct view view_queue = {
    .name = "queue",
    .rows = "queue",
    .id = "id",
    .fields =
        {
            {"BEHIND", "queued.ahead", CELL_UINT, R},
            {"CONTRACT", "id", CELL_ID, 0},
            {"STATE", "state", CELL_TEXT, W},
            {"BUYER", "buyer", CELL_ADDRESS, 0},
            {"CORES", "cpu_milli", CELL_MILLI, R},
            {"MEM", "mem_mib", CELL_MIB, R},
            {"BEGINS", "queued.planned_at_ms", CELL_AGO, R},
            {"LATEST", "queued.begin_by_at_ms", CELL_AGO, R},
        },
};

/* ---- choosing ---- */

const struct view view_rejects = {
    .name = "rejects",
    .rows = "offers",
    .id = "provider",
    .empty = "no offers are known",
    .fields =
        {
            {"PROVIDER", "provider", CELL_ADDRESS, 0},
            {"NAME", "name", CELL_NAME, 0},
            {"CODE", "code", CELL_TEXT, 0},
            {"WHY", "text", CELL_TEXT, T},
            {"NEED", "need", CELL_TEXT, W},
            {"HAS", "has", CELL_TEXT, W},
        },
};

const struct view view_histogram = {
    .name = "histogram",
    .rows = "histogram",
    .fields =
        {
            {"CODE", "code", CELL_TEXT, 0},
            {"OFFERS", "count", CELL_UINT, R},
        },
};

const struct view view_relax = {
    .name = "relax",
    .rows = "relax",
    .fields =
        {
            {"CHANGE", "change", CELL_TEXT, T},
            {"OFFERS MORE", "frees", CELL_UINT, R},
        },
};

const struct view view_ranks = {
    .name = "ranks",
    .rows = "offers",
    .id = "provider",
    .empty = "no offers are known",
    .fields =
        {
            {"PROVIDER", "provider", CELL_ADDRESS, W},
            {"NAME", "name", CELL_NAME, 0},
            {"TASKS", "chosen", CELL_UINT, R},
            {"SCORE", "score", CELL_UINT, R},
            {"BY", "rank_text", CELL_TEXT, T},
            {"FITS", "text", CELL_TEXT, W},
        },
};

const struct view view_policies = {
    .name = "policies",
    .rows = "policies",
    .id = "name",
    .empty = "no policies are kept. Try: suan policy set NAME --kind composite "
             "--weight price=2,rtt=1",
    .fields =
        {
            {"NAME", "name", CELL_NAME, 0},
            {"KIND", "kind", CELL_TEXT, 0},
            {"ON", "enabled", CELL_BOOL, 0},
            {"BOUND TO", "bound", CELL_LIST, T},
            {"TERMS", "terms", CELL_TEXT, T},
        },
};

const struct view view_policy = {
    .name = "policy",
    .id = "name",
    .fields =
        {
            {"Name", "name", CELL_TEXT, 0},
            {"Kind", "kind", CELL_TEXT, 0},
            {"What it does", "help", CELL_TEXT, 0},
            {"Switched on", "enabled", CELL_BOOL, 0},
            {"Terms", "terms", CELL_TEXT, O},
            {"Bound to", "bound", CELL_LIST, O},
        },
};

const struct view view_replay_market = {
    .name = "replay of a market",
    .rows = "policies",
    .id = "policy",
    .empty = "nothing was played",
    .fields =
        {
            {"POLICY", "policy", CELL_TEXT, T},
            {"PLACED", "placed", CELL_UINT, R},
            {"REFUSED", "refused", CELL_UINT, R},
            {"PER HOUR", "hour_mean_micro", CELL_MONEY, R},
            {"COST", "cost_micro", CELL_MONEY, R | W},
            {"RTT", "rtt_mean_us", CELL_US, R},
            {"SPEED", "speed_mean", CELL_RATE, R},
            {"USED", "used", CELL_UINT, R | W},
            {"JAIN", "jain_permille", CELL_UINT, R},
            {"WAIT", "wait_mean_ms", CELL_SPAN, R},
            {"WAIT MAX", "wait_max_ms", CELL_SPAN, R | W},
            {"GANGS", "gangs_waiting", CELL_UINT, R | W},
        },
};
