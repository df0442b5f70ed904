/* What verbs show of jobs: what ran where, what it cost, what it left. */

#include "cli/view/views_room.h"

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
