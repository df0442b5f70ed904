/* What verbs show of jobs, the market, images, nodes and this machine; the rest
 * is in views_chain.c. */

#include "cli/view/views_room.h"

/* ---- jobs ---- */

const struct view view_jobs = {
    .name = "jobs",
    .rows = "jobs",
    .id = "id",
    .empty =
        "no jobs; `suan run -- CMD` makes one, `suan ps -a` shows old ones",
    .fields =
        {
            {"ID", "id", CELL_ID, 0},
            {"NAME", "name", CELL_NAME, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"TASKS", "tasks", CELL_UINT, R},
            {"AGE", "created_at_ms", CELL_AGO, R},
            {"CAP", "cap_micro", CELL_MONEY, R | W},
            {"PAID", "paid_micro", CELL_MONEY, R},
            {"SELLER", "seller", CELL_ADDRESS, W},
            {"REASON", "reason", CELL_TEXT, T},
        },
};

const struct view view_job = {
    .name = "job",
    .id = "id",
    .fields =
        {
            {"Id", "id", CELL_ID, 0},
            {"Name", "name", CELL_TEXT, O},
            {"State", "state", CELL_TEXT, 0},
            {"Reason", "reason", CELL_TEXT, O},
            {"Tasks", "tasks", CELL_UINT, 0},
            {"By state", "tasks_by_state", CELL_LIST, O},
            {"Created", "created_at_ms", CELL_AGO, 0},
            {"Ended", "ended_at_ms", CELL_AGO, O},
            {"Paid", "paid_micro", CELL_MONEY, 0},
            {"At most", "cap_micro", CELL_MONEY, 0},
            {"Command", "spec.args", CELL_JSON, O},
            {"Image", "spec.image", CELL_ID, O},
            {"Cores", "spec.cpu_milli", CELL_MILLI, O},
            {"Memory", "spec.mem_mib", CELL_MIB, O},
            {"Disk", "spec.disk_mib", CELL_MIB, O},
            {"Devices", "spec.devices", CELL_TEXT, O},
            {"Zones", "request.zones", CELL_LIST, O},
            {"Tolerates", "request.tolerate", CELL_LIST, O},
            {"Spread", "request.spread", CELL_TEXT, O},
            {"Time limit", "spec.time_ms_max", CELL_SPAN, O},
            {"Policy", "request.policy", CELL_TEXT, O},
            {"Its terms", "request.policy_terms", CELL_TEXT, O},
            {"Availability", "availability.text", CELL_TEXT, O},
            {"Spec", "spec", CELL_JSON, W},
            {"Request", "request", CELL_JSON, W},
        },
};

const struct view view_tasks = {
    .name = "tasks",
    .rows = "tasks",
    .id = "task",
    .fields =
        {
            {"TASK", "task", CELL_UINT, R},
            {"TRY", "attempt", CELL_UINT, R | W},
            {"STATE", "state", CELL_TEXT, 0},
            {"PROVIDER", "provider_name", CELL_NAME, T},
            {"ADDRESS", "provider", CELL_ADDRESS, W},
            {"CONTRACT", "contract", CELL_ID, 0},
            {"WALL", "wall_ms", CELL_SPAN, R},
            {"CPU", "cpu_ms", CELL_SPAN, R},
            {"PEAK", "mem_peak_mib", CELL_MIB, R | W},
            {"DUE", "due_micro", CELL_MONEY, R},
            {"CAP", "cap_micro", CELL_MONEY, R | W},
            {"EXIT", "exit_code", CELL_UINT, R},
            {"REASON", "reason", CELL_TEXT, T},
        },
};

const struct view view_chosen = {
    .name = "chosen",
    .rows = "chosen",
    .id = "provider",
    .fields =
        {
            {"CHOSEN", "name", CELL_NAME, T},
            {"ADDRESS", "provider", CELL_ADDRESS, W},
            {"TASKS", "tasks", CELL_UINT, R},
            {"GRADE", "grade", CELL_TEXT, O},
            {"CLASS", "class", CELL_TEXT, O},
            {"SCORE", "score", CELL_UINT, R | O},
            {"BY", "rank_text", CELL_TEXT, T},
        },
};

const struct view view_timeline = {
    .name = "timeline",
    .rows = "timeline",
    .fields =
        {
            {"WHEN", "at_ms", CELL_AGO, R},
            {"WHAT", "what", CELL_TEXT, T},
        },
};

const struct view view_events = {
    .name = "events",
    .rows = "events",
    .id = "seq",
    .empty = "nothing has happened yet",
    .fields =
        {
            {"WHEN", "at_ms", CELL_AGO, R},
            {"KIND", "kind", CELL_TEXT, T},
            {"TASK", "task", CELL_UINT, R},
            {"WHAT", "text", CELL_TEXT, T},
            {"DATA", "data", CELL_JSON, W},
        },
};

const struct view view_receipts = {
    .name = "receipts",
    .rows = "receipts",
    .id = "contract",
    .empty = "no receipts yet; they are cut once the job runs",
    .fields =
        {
            {"TASK", "task", CELL_UINT, R},
            {"CONTRACT", "contract", CELL_ID, 0},
            {"WALL", "wall_ms", CELL_SPAN, R},
            {"CPU", "cpu_ms", CELL_SPAN, R | W},
            {"DUE", "due_micro", CELL_MONEY, R},
            {"PAID", "paid_micro", CELL_MONEY, R},
            {"REFUND", "refunded_micro", CELL_MONEY, R},
            {"FEE", "fee_micro", CELL_MONEY, R},
            {"COSIGN", "cosigned", CELL_BOOL, 0},
            {"TRY", "attempt", CELL_UINT, R | W},
            {"PAID BEFORE", "paid_before_micro", CELL_MONEY, R | W},
            {"FROM BOND", "slashed_micro", CELL_MONEY, R | W},
            {"OPEN", "txs.open", CELL_ID, W},
            {"DELIVER", "txs.deliver", CELL_ID, W},
            {"SETTLE", "txs.settle", CELL_ID, W},
        },
};

const struct view view_files = {
    .name = "files",
    .rows = "files",
    .id = "path",
    .empty = "the job left no output files",
    .fields =
        {
            {"TASK", "task", CELL_UINT, R},
            {"SIZE", "bytes", CELL_BYTES, R},
            {"PATH", "path", CELL_TEXT, T},
        },
};

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

const struct view view_bill = {
    .name = "bill",
    .rows = "bill",
    .fields =
        {
            {"TASKS", "tasks", CELL_UINT, R},
            {"PROVIDER", "name", CELL_NAME, 0},
            {"PER HOUR", "hour_micro", CELL_MONEY, R},
            {"AT MOST", "cap_micro", CELL_MONEY, R},
            {"BOND", "bond_micro", CELL_MONEY, R},
            {"START IN", "start_ms", CELL_AGE, R},
            {"SPEED", "speed", CELL_RATE, R},
            {"RTT", "rtt_us", CELL_US, R},
            {"KEPT", "retention_ms", CELL_AGE, R | W},
            {"ADDRESS", "provider", CELL_ADDRESS, W},
        },
};

/* ---- market ---- */

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
            {"STATE", "state", CELL_TEXT, 0},
            {"BUYER", "buyer", CELL_ADDRESS, 0},
            {"CORES", "cpu_milli", CELL_MILLI, R},
            {"MEM", "mem_mib", CELL_MIB, R},
            {"BEGINS", "queued.planned_at_ms", CELL_AGO, R},
            {"AT THE LATEST", "queued.begin_by_at_ms", CELL_AGO, R},
        },
};

/* ---- images ---- */

const struct view view_images = {
    .name = "images",
    .rows = "images",
    .id = "name",
    .empty = "no images; `suan image import FILE --name NAME` brings one",
    .fields =
        {
            {"NAME", "name", CELL_NAME, 0},
            {"ID", "id", CELL_ID, 0},
            {"DIGEST", "digest", CELL_TEXT, W},
            {"SIZE", "bytes", CELL_BYTES, R},
            {"IMPORTED", "imported_at_ms", CELL_AGO, R},
            {"USES", "uses", CELL_UINT, R},
            {"UNPACKED", "unpacked_bytes", CELL_BYTES, R},
            {"USED", "used_at_ms", CELL_AGO, R},
            {"BUSY", "busy", CELL_BOOL, W},
        },
};

const struct view view_image = {
    .name = "image",
    .id = "name",
    .fields =
        {
            {"Name", "name", CELL_TEXT, 0},
            {"Id", "id", CELL_ID, 0},
            {"Digest", "digest", CELL_TEXT, 0},
            {"Size", "bytes", CELL_BYTES, 0},
            {"Imported", "imported_at_ms", CELL_AGO, O},
            {"Used by jobs", "uses", CELL_UINT, O},
            {"Layers", "layers", CELL_JSON, O},
            {"Config", "config", CELL_JSON, O},
        },
};

/* ---- node ---- */

const struct view view_status = {
    .name = "status",
    .id = "node",
    .fields =
        {
            {"Node", "node", CELL_ADDRESS, 0},
            {"Version", "version", CELL_TEXT, 0},
            {"Network", "network", CELL_TEXT, 0},
            {"Chain", "chain", CELL_ID, 0},
            {"Roles", "roles", CELL_LIST, 0},
            {"Own votes", "votes", CELL_TEXT, 0},
            {"Height", "height", CELL_UINT, 0},
            {"Synced", "synced", CELL_BOOL, 0},
            {"Peers", "peers", CELL_UINT, 0},
            {"Offers known", "offers", CELL_UINT, 0},
            {"Jobs", "jobs", CELL_LIST, O},
            {"Selling", "selling", CELL_BOOL, 0},
            {"Executor", "executor.name", CELL_TEXT, O},
            {"Executor state", "executor.state", CELL_TEXT, O},
            {"Problems", "executor.problems", CELL_JSON, O},
            {"Transactions waiting", "pool", CELL_UINT, 0},
            {"Blobs", "blobs_bytes", CELL_BYTES, 0},
            {"Disk free", "disk_free_mib", CELL_MIB, 0},
            {"Listens on", "listen", CELL_TEXT, 0},
            {"Blobs on", "bulk", CELL_TEXT, 0},
            {"Data", "data_dir", CELL_TEXT, 0},
            {"Process", "pid", CELL_UINT, 0},
            {"Started", "started_at_ms", CELL_AGO, 0},
        },
};

const struct view view_peers = {
    .name = "peers",
    .rows = "peers",
    .id = "node",
    .empty = "no peers are connected",
    .fields =
        {
            {"NODE", "node", CELL_ADDRESS, 0},
            {"ADDRESS", "address", CELL_TEXT, T},
            {"DIR", "direction", CELL_TEXT, 0},
            {"ROLES", "roles", CELL_LIST, W},
            {"HEIGHT", "height", CELL_UINT, R},
            {"RTT", "rtt_us", CELL_US, R},
            {"IN", "bytes_in", CELL_BYTES, R},
            {"OUT", "bytes_out", CELL_BYTES, R},
            {"SCORE", "score", CELL_TEXT, R | W},
            {"SINCE", "connected_at_ms", CELL_AGO, R | W},
        },
};

const struct view view_banned = {
    .name = "banned",
    .rows = "banned",
    .id = "address",
    .fields =
        {
            {"ADDRESS", "address", CELL_TEXT, T},
            {"UNTIL", "until_ms", CELL_AGO, R},
            {"WHY", "why", CELL_TEXT, T},
        },
};

const struct view view_config = {
    .name = "config",
    .rows = "values",
    .id = "name",
    .fields =
        {
            {"NAME", "name", CELL_TEXT, 0},
            {"VALUE", "value", CELL_TEXT, T},
            {"FROM", "source", CELL_TEXT, 0},
            {"DEFAULT", "default", CELL_TEXT, W},
            {"MEANING", "help", CELL_TEXT, W},
        },
};

/* ---- this machine ---- */

const struct view view_devnet = {
    .name = "devnet",
    .rows = "nodes",
    .id = "name",
    .fields =
        {
            {"NODE", "name", CELL_TEXT, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"PID", "pid", CELL_UINT, R},
            {"LISTEN", "listen", CELL_TEXT, 0},
            {"HEIGHT", "height", CELL_UINT, R},
            {"PEERS", "peers", CELL_UINT, R},
            {"ADDRESS", "node", CELL_ADDRESS, W},
            {"BALANCE", "balance_micro", CELL_MONEY, R | W},
            {"DATA", "data_dir", CELL_TEXT, W},
        },
};

const struct view view_devnet_accounts = {
    .name = "devnet accounts",
    .rows = "accounts",
    .id = "name",
    .fields =
        {
            {"ACCOUNT", "name", CELL_NAME, 0},
            {"ADDRESS", "address", CELL_ADDRESS, 0},
            {"BALANCE", "balance_micro", CELL_MONEY, R},
            {"BONDED", "bonded_micro", CELL_MONEY, R},
            {"WALLET", "wallet", CELL_TEXT, W},
        },
};

const struct view view_doctor = {
    .name = "doctor",
    .rows = "checks",
    .id = "name",
    .fields =
        {
            {"CHECK", "name", CELL_TEXT, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"FOUND", "what", CELL_TEXT, T},
        },
};

const struct view *const views[] = {
    &view_jobs,
    &view_job,
    &view_tasks,
    &view_timeline,
    &view_events,
    &view_receipts,
    &view_files,
    &view_rejects,
    &view_histogram,
    &view_relax,
    &view_bill,
    &view_offers,
    &view_ranks,
    &view_policies,
    &view_policy,
    &view_replay_market,
    &view_offer,
    &view_sell,
    &view_contracts,
    &view_grade,
    &view_figures,
    &view_answer,
    &view_audit,
    &view_identifier,
    &view_images,
    &view_image,
    &view_status,
    &view_peers,
    &view_banned,
    &view_config,
    &view_chain,
    &view_validators,
    &view_block,
    &view_block_txs,
    &view_tx,
    &view_account,
    &view_history,
    &view_verify,
    &view_keys,
    &view_key,
    &view_balance,
    &view_devnet,
    &view_devnet_accounts,
    &view_doctor,
    &view_bonds,
    &view_bond,
    &view_unbondings,
    &view_links,
    &view_graph,
    &view_graph_plan,
    &view_graph_tasks,
    &view_graph_ways,
    &view_chosen,
    NULL,
};
