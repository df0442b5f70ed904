#include "tests/exhaust/local.h"

#include "base/check.h"
#include "tests/exhaust/judge.h"
#include "tests/exhaust/region.h"
#include "tests/exhaust/shape.h"

#include <stdlib.h>
#include <string.h>

struct local_table locals;
static bool auditing;

void locals_init(bool audit)
{
    memset(&locals, 0, sizeof(locals));
    auditing = audit;
    locals.cell_mask = (1u << 16) - 1;
    locals.cells = calloc((size_t)locals.cell_mask + 1, sizeof(uint32_t));
    CHECK(locals.cells != NULL);
}

/* ---- the table ---- */

static void grow_cells(void)
{
    uint32_t mask = 2 * locals.cell_mask + 1;
    uint32_t *cells = calloc((size_t)mask + 1, sizeof(*cells));
    CHECK(cells != NULL);
    for (uint32_t i = 0; i < locals.count; i++) {
        uint32_t at = u32le_get(locals.items[i].shape.b) & mask;
        while (cells[at] != 0)
            at = (at + 1) & mask;
        cells[at] = i + 1;
    }
    free(locals.cells);
    locals.cells = cells;
    locals.cell_mask = mask;
}

static uint32_t *cell_of(const struct hash *shape)
{
    uint32_t at = u32le_get(shape->b) & locals.cell_mask;
    while (locals.cells[at] != 0 &&
           !hash_equal(&locals.items[locals.cells[at] - 1].shape, shape))
        at = (at + 1) & locals.cell_mask;
    return &locals.cells[at];
}

static struct local *new_local(void)
{
    if (locals.count == locals.cap) {
        locals.cap = locals.cap == 0 ? 1024 : 2 * locals.cap;
        locals.items =
            realloc(locals.items, locals.cap * sizeof(locals.items[0]));
        CHECK(locals.items != NULL);
    }
    struct local *local = &locals.items[locals.count++];
    memset(local, 0, sizeof(*local));
    return local;
}

/* The machine in the region. */
static uint32_t find_or_add(uint32_t parent, uint32_t act)
{
    struct hash shape;
    shape_of(&shape);
    if (2 * (locals.count + 1) > locals.cell_mask)
        grow_cells();
    uint32_t *cell = cell_of(&shape);
    if (*cell != 0) {
        struct local *same = &locals.items[*cell - 1];
        if (auditing && same->other == NULL && *cell - 1 != parent)
            same->other = region_save(machine->who);
        return *cell - 1;
    }
    *cell = locals.count + 1;
    struct local *local = new_local();
    local->shape = shape;
    local->who = machine->who;
    local->crashes = machine->crashes;
    local->said = machine->said;
    local->unsynced = (uint32_t)(machine_logged() - machine->synced);
    local->batches = machine->batch_count;
    local->parent = parent;
    local->act = act;
    local->final_count = machine->final_count;
    memcpy(local->finals, machine->finals, sizeof(local->finals));
    local->snap = region_save(machine->who);
    locals.bytes += snap_bytes(local->snap);
    return locals.count - 1;
}

uint32_t local_first(uint32_t who)
{
    machine_new(who);
    region_set_base(who);
    return find_or_add(NOBODY, ACTS);
}

/* ---- steps ---- */

static uint32_t *next_of(uint32_t number, uint32_t act)
{
    struct local *local = &locals.items[number];
    if (act >= local->next_cap) {
        uint32_t cap = act + 32;
        local->next = realloc(local->next, cap * sizeof(uint32_t));
        CHECK(local->next != NULL);
        for (uint32_t i = local->next_cap; i < cap; i++)
            local->next[i] = LOCAL_UNKNOWN;
        local->next_cap = cap;
    }
    return &local->next[act];
}

static uint32_t run(uint32_t number, uint32_t act, const struct set *around)
{
    struct act what = act_of(act);
    region_load(locals.items[number].who, locals.items[number].snap);
    machine_found();
    if (!machine_may(&what))
        return LOCAL_NONE;
    machine_do(&what, around);
    locals.steps++;
    if (broken.is)
        return number;
    return find_or_add(number, act);
}

/* What can be told without waking the machine. */
static bool cannot(const struct local *local, uint32_t act)
{
    struct act what;
    if (act >= ACT_FIRST_LETTER)
        return letters[act - ACT_FIRST_LETTER].from == local->who;
    what = act_of(act);
    if (what.kind == ACT_SYNC)
        return local->unsynced == 0;
    if (what.kind == ACT_COMMIT)
        return local->batches == 0;
    return what.kind == ACT_CRASH &&
           (local->crashes >= town.bounds.crashes ||
            what.keep > local->unsynced || what.commit > local->batches);
}

uint32_t local_next(uint32_t number, uint32_t act, const struct set *around)
{
    if (cannot(&locals.items[number], act))
        return LOCAL_NONE;
    uint32_t next = *next_of(number, act);
    if (next != LOCAL_UNKNOWN)
        return next;
    next = run(number, act, around);
    *next_of(number, act) = next;
    return next;
}

/* ---- the audit ---- */

/* Everything is said, but for what this machine has not. */
static struct set all_said(const struct local *local)
{
    struct set all;
    memset(&all, 0xff, sizeof(all));
    for (uint32_t i = 0; i < subject_count; i++) {
        uint32_t letter = subjects[i].votes[local->who];
        if (letter != NOBODY && !set_has(&local->said, letter))
            all.w[letter / 64] &= ~(UINT64_C(1) << (letter % 64));
    }
    return all;
}

static bool leads_elsewhere(uint32_t number, uint32_t act)
{
    struct act what = act_of(act);
    struct set around = all_said(&locals.items[number]);
    uint32_t expected = locals.items[number].next[act];
    struct hash shape;
    region_load(locals.items[number].who, locals.items[number].other);
    machine_found();
    if (expected == LOCAL_NONE)
        expected = number;
    if (machine_may(&what))
        machine_do(&what, &around);
    shape_of(&shape);
    locals.audited++;
    return broken.is || !hash_equal(&shape, &locals.items[expected].shape);
}

uint64_t locals_audit(void)
{
    uint64_t elsewhere = 0;
    for (uint32_t i = 0; i < locals.count; i++) {
        if (locals.items[i].other == NULL)
            continue;
        for (uint32_t act = 0; act < locals.items[i].next_cap; act++)
            if (locals.items[i].next[act] != LOCAL_UNKNOWN &&
                leads_elsewhere(i, act))
                elsewhere++;
    }
    return elsewhere;
}
