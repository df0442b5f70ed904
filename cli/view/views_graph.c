/* What verbs show of graphs of jobs. */

#include "cli/view/views_room.h"

const struct view view_graph = {
    .name = "graph",
    .id = "id",
    .fields =
        {
            {"Id", "id", CELL_ID, 0},
            {"Name", "name", CELL_TEXT, O},
            {"State", "state", CELL_TEXT, 0},
            {"Reason", "reason", CELL_TEXT, O},
            {"Components", "parts_count", CELL_UINT, 0},
            {"Tasks", "tasks", CELL_UINT, 0},
            {"By state", "tasks_by_state", CELL_LIST, O},
            {"Providers", "providers", CELL_UINT, O},
            {"Planned again", "replans", CELL_UINT, O},
            {"Tasks moved by it", "moved", CELL_UINT, O},
            {"Last by", "adjusted_by", CELL_TEXT, O},
            {"Created", "created_at_ms", CELL_AGO, 0},
            {"Ended", "ended_at_ms", CELL_AGO, O},
            {"At the latest", "time_ms_max", CELL_SPAN, W},
            {"Paid", "paid_micro", CELL_MONEY, 0},
            {"At most", "cap_micro", CELL_MONEY, 0},
        },
};

const struct view view_graph_plan = {
    .name = "graph-plan",
    .rows = "rows",
    .id = "part",
    .fields =
        {
            {"COMPONENT", "part", CELL_NAME, 0},
            {"TASKS", "tasks", CELL_UINT, R},
            {"PROVIDER", "name", CELL_NAME, 0},
            {"ADDRESS", "provider", CELL_ADDRESS, W},
            {"DEVICES", "devices", CELL_TEXT, W},
            {"PER HOUR", "hour_micro", CELL_MONEY, R},
            {"AT MOST", "bill_micro", CELL_MONEY, R},
            {"ELSEWHERE", "spare_micro", CELL_MONEY, R | W},
            {"RTT", "rtt_us", CELL_US, R},
            {"AFTER", "after", CELL_TEXT, T},
        },
};

const struct view view_graph_tasks = {
    .name = "graph-tasks",
    .rows = "rows",
    .id = "part",
    .fields =
        {
            {"COMPONENT", "part", CELL_NAME, 0},
            {"TASK", "task", CELL_UINT, R},
            {"STATE", "state", CELL_TEXT, 0},
            {"PROVIDER", "provider_name", CELL_NAME, 0},
            {"PLANNED", "planned", CELL_NAME, W},
            {"CONTRACT", "contract", CELL_ID, W},
            {"JOB", "id", CELL_ID, W},
            {"WALL", "wall_ms", CELL_SPAN, R | W},
            {"PAID", "paid_micro", CELL_MONEY, R},
            {"OUT", "result_bytes", CELL_BYTES, R},
            {"AFTER", "after", CELL_TEXT, T},
            {"REASON", "reason", CELL_TEXT, W},
        },
};

const struct view view_graph_ways = {
    .name = "graph-ways",
    .rows = "ways",
    .fields =
        {
            {"FROM", "from", CELL_NAME, 0},
            {"TO", "to", CELL_NAME, 0},
            {"WAY", "by", CELL_TEXT, 0},
            {"DELAY", "delay_us", CELL_US, R},
            {"AT MOST", "delay_us_max", CELL_US, R},
        },
};
