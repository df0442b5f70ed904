/* Views of what was measured. */

#include "cli/view/views_room.h"

const struct view view_figures = {
    .name = "figures",
    .rows = "figures",
    .id = "kernel",
    .empty = "nothing was measured",
    .fields =
        {
            {"KERNEL", "kernel", CELL_TEXT, 0},
            {"CLASS", "class", CELL_TEXT, W},
            {"CORES", "width", CELL_TEXT, 0},
            {"MEDIAN", "median", CELL_RATE, R},
            {"UNIT", "unit", CELL_TEXT, 0},
            {"MAD %", "mad_percent", CELL_TEXT, R},
            {"RATIO", "ratio", CELL_TEXT, R},
            {"KEPT", "kept", CELL_BOOL, 0},
            {"NOTE", "note", CELL_TEXT, W},
        },
};

const struct view view_grade = {
    .name = "grade",
    .fields =
        {
            {"Grade", "grade.tier", CELL_TEXT, 0},
            {"Grade by the data sheet", "grade.nominal_tier", CELL_TEXT, O},
            {"FLOP/s by the data sheet", "grade.nominal_flops", CELL_RATE, O},
            {"Cores", "grade.cores", CELL_UINT, O},
            {"Logic, times the reference", "grade.classes.logic.all", CELL_TEXT,
             0},
            {"Parallel", "grade.classes.parallel.all", CELL_TEXT, 0},
            {"Neural", "grade.classes.neural.all", CELL_TEXT, 0},
            {"Memory", "grade.classes.memory.all", CELL_TEXT, 0},
            {"Storage", "grade.classes.storage.all", CELL_TEXT, 0},
            {"Network", "grade.classes.network.all", CELL_TEXT, 0},
            {"Computing", "grade.classes.compute.all", CELL_TEXT, 0},
            {"Computing, 0 to 10", "grade.classes.compute.score", CELL_TEXT, 0},
            {"With storage and network", "grade.classes.whole.all", CELL_TEXT,
             0},
            {"Not known", "grade.missing", CELL_TEXT, O},
            {"The network's figure", "network.text", CELL_TEXT, O},
            {"To know it", "network.next", CELL_TEXT, O},
            {"Source", "grade.source", CELL_TEXT, 0},
            {"Quick", "grade.quick", CELL_BOOL, 0},
            {"Measured", "grade.measured_at_ms", CELL_AGO, O},
            {"Took, seconds", "seconds", CELL_TEXT, O},
        },
};

const struct view view_answer = {
    .name = "answer",
    .rows = "parts",
    .id = "kernel",
    .empty = "nothing was done",
    .fields =
        {
            {"KERNEL", "kernel", CELL_TEXT, 0},
            {"N", "n", CELL_UINT, R},
            {"TOOK", "took_us", CELL_US, R},
            {"RATE", "rate", CELL_RATE, R},
            {"RIGHT", "right", CELL_BOOL, 0},
        },
};

const struct view view_identifier = {
    .name = "identifier",
    .id = "text",
    .fields =
        {
            {"City", "fields.city", CELL_TEXT, 0},
            {"Industry", "fields.industry", CELL_TEXT, 0},
            {"Enterprise", "fields.enterprise", CELL_TEXT, 0},
            {"Resource", "fields.resource", CELL_TEXT, 0},
            {"Data centre", "fields.centre", CELL_TEXT, 0},
            {"Service", "fields.service", CELL_TEXT, 0},
            {"Ability, FLOP/s", "fields.ability", CELL_RATE, 0},
            {"Storage", "fields.storage", CELL_MIB, 0},
            {"Network, kbit/s", "fields.network", CELL_UINT, 0},
            {"Chip", "fields.chip", CELL_TEXT, 0},
            {"Chip's number, hashed", "fields.number", CELL_TEXT, 0},
            {"Registration code", "code", CELL_TEXT, 0},
            {"Path", "path", CELL_TEXT, 0},
            {"Identifier", "text", CELL_TEXT, 0},
        },
};

const struct view view_audit = {
    .name = "audit",
    .fields =
        {
            {"Provider", "provider", CELL_ADDRESS, 0},
            {"Verdict", "verdict", CELL_TEXT, 0},
            {"Kernel", "kernel", CELL_TEXT, 0},
            {"Declared for one core", "declared", CELL_RATE, 0},
            {"Found, the way included", "found", CELL_RATE, 0},
            {"Products", "rounds", CELL_UINT, 0},
            {"Side", "n", CELL_UINT, 0},
            {"Took", "took_ms", CELL_SPAN, 0},
        },
};
