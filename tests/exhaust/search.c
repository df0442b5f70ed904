#include "tests/exhaust/search.h"

#include "base/check.h"
#include "tests/exhaust/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* All machines: one number each, in the order of `honest`. */
struct whole {
    uint32_t at[PARTIES_MAX];
    uint32_t parent;
};

/* What was said by all. */
struct world {
    struct set honest;
    struct set around;
    uint32_t *acts; /* what it lets happen */
    uint32_t act_count;
};

/* Where one machine can come to in a world before others can notice. */
struct reach {
    uint64_t key; /* local << 32 | world, + 1; 0: free */
    uint32_t first;
    uint32_t count;
};

static struct whole *wholes;
static uint32_t whole_count, whole_cap;
static uint32_t *whole_cells;
static uint32_t whole_mask;
static struct world *worlds;
static uint32_t world_count, world_cap;
static uint32_t *world_cells;
static uint32_t world_mask;
static struct reach *reaches;
static uint64_t reach_count, reach_mask;
static uint32_t *ends; /* of reaches */
static uint32_t end_count, end_cap;
static uint32_t *marks, *stack;
static uint32_t mark_cap, stamp;
static uint32_t honest[PARTIES_MAX], honest_count;
static struct search now;
/* What was under way when something broke. */
static struct {
    uint32_t whole;
    uint32_t machine; /* place in `at`; NOBODY: nothing but the whole */
    uint32_t local;
    uint32_t act;
} culprit;

static double seconds(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static void *grow(void *ptr, size_t size)
{
    ptr = realloc(ptr, size);
    CHECK(ptr != NULL);
    return ptr;
}

static void *zeroed(size_t count, size_t size)
{
    void *ptr = calloc(count, size);
    CHECK(ptr != NULL);
    return ptr;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

/* ---- worlds ---- */

static void list_acts(struct world *world)
{
    world->acts = zeroed(ACTS, sizeof(uint32_t));
    for (uint32_t act = 0; act < ACT_FIRST_LETTER; act++)
        if (act_of(act).kind != ACT_CRASH || town.bounds.crashes > 0)
            world->acts[world->act_count++] = act;
    for (uint32_t i = 0; i < letter_count; i++)
        if (letters[i].heard && set_has(&world->around, i))
            world->acts[world->act_count++] = ACT_FIRST_LETTER + i;
    world->acts = grow(world->acts, world->act_count * sizeof(uint32_t));
}

static uint32_t *world_cell(const struct set *said)
{
    uint64_t hash = 1;
    for (uint32_t i = 0; i < SET_WORDS; i++)
        hash = mix(hash, said->w[i]);
    uint32_t at = (uint32_t)hash & world_mask;
    while (world_cells[at] != 0 &&
           !set_same(&worlds[world_cells[at] - 1].honest, said))
        at = (at + 1) & world_mask;
    return &world_cells[at];
}

static void grow_world_cells(void)
{
    free(world_cells);
    world_mask = world_mask == 0 ? (1u << 12) - 1 : 2 * world_mask + 1;
    world_cells = zeroed((size_t)world_mask + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < world_count; i++)
        *world_cell(&worlds[i].honest) = i + 1;
}

static uint32_t world_of(const struct whole *whole)
{
    struct set said = {{0}};
    for (uint32_t i = 0; i < honest_count; i++)
        set_join(&said, &locals.items[whole->at[i]].said);
    if (2 * (world_count + 1) > world_mask)
        grow_world_cells();
    uint32_t *cell = world_cell(&said);
    if (*cell != 0)
        return *cell - 1;
    *cell = world_count + 1;
    if (world_count == world_cap) {
        world_cap = world_cap == 0 ? 256 : 2 * world_cap;
        worlds = grow(worlds, world_cap * sizeof(worlds[0]));
    }
    struct world *world = &worlds[world_count++];
    memset(world, 0, sizeof(*world));
    world->honest = said;
    letters_around(&said, &world->around);
    list_acts(world);
    judge_world(&world->around);
    return world_count - 1;
}

/* ---- wholes ---- */

static uint32_t *whole_cell(const struct whole *whole)
{
    uint64_t hash = 1;
    for (uint32_t i = 0; i < honest_count; i++)
        hash = mix(hash, whole->at[i]);
    uint32_t at = (uint32_t)(hash >> 8) & whole_mask;
    while (whole_cells[at] != 0 && memcmp(wholes[whole_cells[at] - 1].at,
                                          whole->at, sizeof(whole->at)) != 0)
        at = (at + 1) & whole_mask;
    return &whole_cells[at];
}

static void grow_whole_cells(void)
{
    free(whole_cells);
    whole_mask = whole_mask == 0 ? (1u << 16) - 1 : 2 * whole_mask + 1;
    whole_cells = zeroed((size_t)whole_mask + 1, sizeof(uint32_t));
    for (uint32_t i = 0; i < whole_count; i++)
        *whole_cell(&wholes[i]) = i + 1;
}

static bool too_many_crashes(const struct whole *whole)
{
    uint32_t crashes = 0;
    for (uint32_t i = 0; i < honest_count; i++)
        crashes += locals.items[whole->at[i]].crashes;
    return crashes > town.bounds.crashes;
}

static void add_whole(const struct whole *whole)
{
    if (too_many_crashes(whole))
        return;
    if (whole_count + whole_count / 2 + 1 > whole_mask)
        grow_whole_cells();
    uint32_t *cell = whole_cell(whole);
    if (*cell != 0)
        return;
    if (whole_count == whole_cap) {
        whole_cap = whole_cap == 0 ? 1024 : whole_cap + whole_cap / 2;
        wholes = grow(wholes, (size_t)whole_cap * sizeof(wholes[0]));
    }
    *cell = whole_count + 1;
    wholes[whole_count++] = *whole;
    (void)world_of(whole);
    if (broken.is) {
        culprit.whole = whole_count - 1;
        culprit.machine = NOBODY;
    }
}

/* ---- what one machine can do ---- */

static void add_end(uint32_t local)
{
    if (end_count == end_cap) {
        end_cap = end_cap == 0 ? 4096 : 2 * end_cap;
        ends = grow(ends, (size_t)end_cap * sizeof(uint32_t));
    }
    ends[end_count++] = local;
}

/* Can others notice the difference? */
static bool is_seen(uint32_t before, uint32_t after)
{
    const struct local *a = &locals.items[before];
    const struct local *b = &locals.items[after];
    return town.bounds.plain || a->crashes != b->crashes ||
           !set_same(&a->said, &b->said);
}

/* Marks a machine; false: it was marked. */
static bool mark(uint32_t local)
{
    if (local >= mark_cap) {
        uint32_t cap = locals.cap;
        marks = grow(marks, cap * sizeof(uint32_t));
        stack = grow(stack, (size_t)cap * sizeof(uint32_t));
        memset(marks + mark_cap, 0, (cap - mark_cap) * sizeof(uint32_t));
        mark_cap = cap;
    }
    if (marks[local] == stamp)
        return false;
    marks[local] = stamp;
    return true;
}

/* One machine in one state: every act of the world. Returns how many states
 * there are on the stack now. */
static uint32_t expand(uint32_t local, uint32_t world, uint32_t top)
{
    culprit.local = local;
    culprit.act = ACTS;
    judge_finals(locals.items[local].finals, locals.items[local].final_count,
                 &worlds[world].around);
    for (uint32_t i = 0; i < worlds[world].act_count && !broken.is; i++) {
        uint32_t act = worlds[world].acts[i];
        uint32_t next = local_next(local, act, &worlds[world].around);
        if (broken.is)
            culprit.act = act;
        if (broken.is || next == LOCAL_NONE || next == local)
            continue;
        now.arrows++;
        if (!mark(next))
            continue;
        if (is_seen(local, next))
            add_end(next);
        else
            stack[top++] = next;
    }
    return top;
}

static struct reach *reach_cell(uint64_t key)
{
    uint64_t at = mix(key, 7) & reach_mask;
    while (reaches[at].key != 0 && reaches[at].key != key)
        at = (at + 1) & reach_mask;
    return &reaches[at];
}

static void grow_reaches(void)
{
    struct reach *old = reaches;
    uint64_t mask = reach_mask;
    reach_mask = mask == 0 ? (1u << 16) - 1 : 2 * mask + 1;
    reaches = zeroed(reach_mask + 1, sizeof(*reaches));
    for (uint64_t i = 0; mask > 0 && i <= mask; i++)
        if (old[i].key != 0)
            *reach_cell(old[i].key) = old[i];
    free(old);
}

static struct reach reach_of(uint32_t local, uint32_t world)
{
    uint64_t key = ((uint64_t)local << 32 | world) + 1;
    if (2 * (reach_count + 1) > reach_mask)
        grow_reaches();
    struct reach *cell = reach_cell(key);
    if (cell->key != 0)
        return *cell;
    uint32_t top = 0;
    struct reach reach = {.key = key, .first = end_count};
    stamp++;
    (void)mark(local);
    stack[top++] = local;
    while (top > 0 && !broken.is) {
        uint32_t from = stack[--top];
        top = expand(from, world, top);
    }
    reach.count = end_count - reach.first;
    *cell = reach;
    reach_count++;
    return reach;
}

/* ---- all of it ---- */

static void expand_whole(uint32_t number)
{
    struct whole whole = wholes[number];
    uint32_t world = world_of(&whole);
    for (uint32_t i = 0; i < honest_count && !broken.is; i++) {
        uint32_t before = whole.at[i];
        culprit.whole = number;
        culprit.machine = i;
        struct reach reach = reach_of(before, world);
        for (uint32_t e = 0; e < reach.count && !broken.is; e++) {
            struct whole next = whole;
            next.at[i] = ends[reach.first + e];
            next.parent = number;
            add_whole(&next);
        }
    }
}

static uint64_t bytes_used(void)
{
    return (uint64_t)whole_cap * sizeof(wholes[0]) + (uint64_t)whole_mask * 4 +
           reach_mask * sizeof(reaches[0]) + (uint64_t)end_cap * 4 +
           locals.bytes + world_count * (sizeof(worlds[0]) + 4u * ACTS / 4);
}

static void tell_progress(uint32_t at, double began)
{
    fprintf(stderr,
            "%9u of %u wholes, %u machines, %llu real steps, %u worlds, "
            "%llu MB, %.0f s\n",
            at, whole_count, locals.count, (unsigned long long)locals.steps,
            world_count, (unsigned long long)(bytes_used() >> 20),
            seconds() - began);
}

static bool is_over(const struct limits *limits, double began)
{
    return (limits->wholes > 0 && whole_count > limits->wholes) ||
           (limits->megabytes > 0 && bytes_used() >> 20 > limits->megabytes) ||
           (limits->seconds > 0 && seconds() - began > limits->seconds);
}

static void begin(void)
{
    struct whole first = {.parent = NOBODY};
    for (uint32_t p = 0; p < town.bounds.n; p++)
        if (town_honest(p))
            honest[honest_count++] = p;
    for (uint32_t i = 0; i < honest_count; i++)
        first.at[i] = local_first(honest[i]);
    add_whole(&first);
}

void search_run(const struct limits *limits, bool loud, struct search *out)
{
    double began = seconds();
    double told = began;
    uint32_t at = 0;
    uint32_t level = 1;
    begin();
    for (; at < whole_count && !broken.is; at++) {
        if (at == level) {
            now.depth++;
            level = whole_count;
        }
        expand_whole(at);
        if (at % 256 != 0)
            continue;
        if (is_over(limits, began))
            break;
        if (loud && seconds() - told > 10) {
            told = seconds();
            tell_progress(at, began);
        }
    }
    now.exhausted = at == whole_count && !broken.is;
    now.wholes = whole_count;
    now.worlds = world_count;
    for (uint32_t i = 0; i < locals.count; i++)
        if (locals.items[i].final_count > now.highest)
            now.highest = locals.items[i].final_count;
    now.seconds = seconds() - began;
    now.bytes = bytes_used();
    *out = now;
}

/* ---- the way ---- */

static void tell_act(uint32_t party, uint32_t act, struct buf *out)
{
    char name[64];
    struct act what = act_of(act);
    act_name(&what, name);
    buf_addf(out, "%u %s\n", party, name);
}

/* From one machine to another in a world, by steps that were taken. */
static void tell_path(uint32_t party, uint32_t from, uint32_t to,
                      uint32_t world, struct buf *out)
{
    uint32_t *came = zeroed(locals.count, sizeof(uint32_t));
    uint32_t *by = zeroed(locals.count, sizeof(uint32_t));
    uint32_t *queue = zeroed(locals.count, sizeof(uint32_t));
    uint32_t count = 0;
    queue[count++] = from;
    came[from] = from + 1;
    for (uint32_t at = 0; at < count && came[to] == 0; at++) {
        const struct local *local = &locals.items[queue[at]];
        for (uint32_t i = 0; i < worlds[world].act_count; i++) {
            uint32_t act = worlds[world].acts[i];
            uint32_t next =
                act < local->next_cap ? local->next[act] : LOCAL_UNKNOWN;
            if (next >= LOCAL_NONE || came[next] != 0)
                continue;
            came[next] = queue[at] + 1;
            by[next] = act;
            queue[count++] = next;
        }
    }
    CHECK(came[to] != 0);
    count = 0;
    for (uint32_t at = to; at != from; at = came[at] - 1)
        queue[count++] = by[at];
    while (count > 0)
        tell_act(party, queue[--count], out);
    free(came);
    free(by);
    free(queue);
}

static void tell_step(uint32_t from, uint32_t to, struct buf *out)
{
    uint32_t world = world_of(&wholes[from]);
    for (uint32_t i = 0; i < honest_count; i++)
        if (wholes[from].at[i] != wholes[to].at[i])
            tell_path(honest[i], wholes[from].at[i], wholes[to].at[i], world,
                      out);
}

void search_trace(struct buf *out)
{
    uint32_t *back = zeroed(now.depth + 2, sizeof(uint32_t));
    uint32_t count = 0;
    for (uint32_t at = culprit.whole; at != NOBODY; at = wholes[at].parent) {
        CHECK(count < now.depth + 2);
        back[count++] = at;
    }
    while (count > 1) {
        tell_step(back[count - 1], back[count - 2], out);
        count--;
    }
    free(back);
    if (culprit.machine == NOBODY)
        return;
    uint32_t party = honest[culprit.machine];
    const struct whole *whole = &wholes[culprit.whole];
    tell_path(party, whole->at[culprit.machine], culprit.local, world_of(whole),
              out);
    if (culprit.act != ACTS)
        tell_act(party, culprit.act, out);
}
