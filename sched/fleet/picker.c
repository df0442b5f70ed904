#include "sched/fleet/picker.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Parts into which the largest machine's cores and devices are divided. */
#define PARTS 1000000

/* What is remembered of one machine for one kind of ask. */
struct note {
    uint32_t stamp; /* of the machine; 0: nothing is remembered */
    struct rating rating;
};

/* Not a rating: the ask does not fit. No mask of devices is this. */
#define NO_FIT UINT32_MAX

struct page {
    struct ask ask;
    uint64_t used; /* when it was last: a count of picks; 0: never */
    struct note *notes;
};

struct picker {
    struct picker_config config;
    const struct policy_row *row;
    uint64_t cpu_max;   /* of any machine, >= 1 */
    uint64_t milli_max; /* of devices of any machine, >= 1 */
    uint64_t picks;
    uint32_t page_count;
    struct page *pages;
    struct note *scratch;
};

struct policy_row {
    enum fleet_policy policy;
    bool typical;
    bool chance;
    const char *name;
    const char *help;
    void (*rate)(const struct picker *picker, const struct machine *machine,
                 const struct ask *ask, struct rating *out);
};

/* ---- devices ---- */

static uint32_t bit(uint32_t i)
{
    return UINT32_C(1) << i;
}

/* The device of the mask with the least free (or the most), lowest index among
 * equals. */
static uint32_t extreme_device(const struct machine *machine, uint32_t mask,
                               bool most)
{
    uint32_t best = (uint32_t)__builtin_ctz(mask);
    for (mask &= mask - 1; mask != 0; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask);
        uint32_t is_free = machine->devices[i].free_milli;
        uint32_t was_free = machine->devices[best].free_milli;
        if (most ? is_free > was_free : is_free < was_free)
            best = i;
    }
    return best;
}

/* As many devices as asked for, one after the other. */
static uint32_t choose_devices(const struct machine *machine,
                               const struct ask *ask, bool most)
{
    uint32_t left = ask->devices == 0 ? 0 : machine_eligible(machine, ask);
    uint32_t chosen = 0;
    CHECK((uint32_t)__builtin_popcount(left) >= ask->devices);
    for (uint32_t i = 0; i < ask->devices; i++) {
        uint32_t device = extreme_device(machine, left, most);
        chosen |= bit(device);
        left &= ~bit(device);
    }
    return chosen;
}

static uint32_t random_devices(const struct machine *machine,
                               const struct ask *ask, struct dice *dice)
{
    uint32_t left = ask->devices == 0 ? 0 : machine_eligible(machine, ask);
    uint32_t chosen = 0;
    for (uint32_t i = 0; i < ask->devices; i++) {
        uint64_t skip = dice_below(dice, (uint64_t)__builtin_popcount(left));
        uint32_t rest = left;
        while (skip-- > 0)
            rest &= rest - 1;
        chosen |= rest & ~(rest - 1);
        left &= ~chosen;
    }
    return chosen;
}

/* ---- policies ---- */

/* Cores and devices that would be left over, 0..2 x PARTS. */
static int32_t leftover(const struct picker *picker,
                        const struct machine *machine, const struct ask *ask)
{
    uint64_t cpu = machine->free.cpu_milli - ask->want.cpu_milli;
    uint64_t milli = machine_idle_milli(machine) - ask_milli(ask);
    return (int32_t)(cpu * PARTS / picker->cpu_max +
                     milli * PARTS / picker->milli_max);
}

static void rate_random(const struct picker *picker,
                        const struct machine *machine, const struct ask *ask,
                        struct rating *out)
{
    (void)picker;
    (void)machine;
    (void)ask;
    *out = (struct rating){0, 0, 0};
}

static void rate_bestfit(const struct picker *picker,
                         const struct machine *machine, const struct ask *ask,
                         struct rating *out)
{
    out->score = -leftover(picker, machine, ask);
    out->tie = 0;
    out->devices = choose_devices(machine, ask, false);
}

static void rate_spread(const struct picker *picker,
                        const struct machine *machine, const struct ask *ask,
                        struct rating *out)
{
    out->score = leftover(picker, machine, ask);
    out->tie = 0;
    out->devices = choose_devices(machine, ask, true);
}

/* Three bands: the fewer idle devices have to be opened, the better; then the
 * less is free on those that are shared. */
static void rate_packing(const struct picker *picker,
                         const struct machine *machine, const struct ask *ask,
                         struct rating *out)
{
    const int32_t band = (int32_t)(MACHINE_DEVICES_MAX * DEVICE_MILLI + 1);
    uint32_t devices = choose_devices(machine, ask, false);
    int32_t opened = 0;
    int32_t is_free = 0;
    for (uint32_t left = devices; left != 0; left &= left - 1) {
        int32_t milli = machine->devices[__builtin_ctz(left)].free_milli;
        opened += milli == (int32_t)DEVICE_MILLI;
        is_free += milli;
    }
    if (machine_empty(machine))
        out->score = -(int32_t)machine->device_count;
    else
        out->score = opened > 0 ? 2 * band - opened : 4 * band - is_free;
    out->tie = -leftover(picker, machine, ask);
    out->devices = devices;
}

static void rate_dotprod(const struct picker *picker,
                         const struct machine *machine, const struct ask *ask,
                         struct rating *out)
{
    uint64_t cpu = (uint64_t)machine->free.cpu_milli * PARTS / picker->cpu_max *
                   ((uint64_t)ask->want.cpu_milli * PARTS / picker->cpu_max);
    uint64_t milli = (uint64_t)machine_idle_milli(machine) * PARTS /
                     picker->milli_max *
                     ((uint64_t)ask_milli(ask) * PARTS / picker->milli_max);
    out->score = -(int32_t)((cpu + milli) / PARTS);
    out->tie = 0;
    out->devices = choose_devices(machine, ask, false);
}

static void rate_clustering(const struct picker *picker,
                            const struct machine *machine,
                            const struct ask *ask, struct rating *out)
{
    enum ask_kind kind = ask_kind_of(ask);
    uint32_t others = 0;
    for (uint32_t i = ASK_PLAIN + 1; i < ASK_KINDS; i++)
        others += i != (uint32_t)kind && machine->held[i] > 0;
    if (kind == ASK_PLAIN)
        out->score = 0;
    else if (machine->held[kind] > 0)
        out->score = others == 0 ? 3 : 2;
    else
        out->score = others == 0 ? 1 : 0;
    out->tie = -leftover(picker, machine, ask);
    out->devices = choose_devices(machine, ask, false);
}

/* F after putting the ask on these devices. */
static uint64_t frag_after(const struct picker *picker,
                           const struct machine *machine, const struct ask *ask,
                           uint32_t devices)
{
    struct machine after = *machine;
    CHECK(machine_take(&after, ask, devices) == OK);
    return frag_of(picker->config.frag, &after);
}

/* Devices of one model that are equally free are one choice. */
static bool seen_before(const struct machine *machine, uint32_t seen,
                        const struct device *device)
{
    for (; seen != 0; seen &= seen - 1) {
        const struct device *other = &machine->devices[__builtin_ctz(seen)];
        if (other->free_milli == device->free_milli &&
            other->model == device->model)
            return true;
    }
    return false;
}

/* For one device all different choices are tried, the least free among equals;
 * for several, those with the least free. */
static void rate_fgd(const struct picker *picker, const struct machine *machine,
                     const struct ask *ask, struct rating *out)
{
    const struct frag *frag = picker->config.frag;
    uint64_t before = frag_of(frag, machine);
    uint32_t devices = choose_devices(machine, ask, false);
    uint32_t seen = devices;
    uint32_t left = 0;
    out->devices = devices;
    out->score = (int32_t)frag_score(frag, before,
                                     frag_after(picker, machine, ask, devices));
    out->tie = -leftover(picker, machine, ask);
    if (ask->devices == 1)
        left = machine_eligible(machine, ask) & ~devices;
    for (; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        int32_t score;
        if (seen_before(machine, seen, &machine->devices[i]))
            continue;
        seen |= bit(i);
        score = (int32_t)frag_score(frag, before,
                                    frag_after(picker, machine, ask, bit(i)));
        if (score > out->score) {
            out->score = score;
            out->devices = bit(i);
        }
    }
}

static const struct policy_row rows[] = {
    {FLEET_RANDOM, false, true, "random", "any machine that fits", rate_random},
    {FLEET_BESTFIT, false, false, "bestfit",
     "where the least is left over, of cores and devices", rate_bestfit},
    {FLEET_SPREAD, false, false, "spread", "where the most is left over",
     rate_spread},
    {FLEET_PACKING, false, false, "packing",
     "fewest machines and devices in use", rate_packing},
    {FLEET_DOTPROD, false, false, "dotprod",
     "where the least is free of what is wanted most", rate_dotprod},
    {FLEET_CLUSTERING, false, false, "clustering",
     "beside tasks that want as many devices", rate_clustering},
    {FLEET_FGD, true, false, "fgd",
     "where the idle devices stay most useful to typical tasks", rate_fgd},
};
#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

static const struct policy_row *row_of(enum fleet_policy policy)
{
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (rows[i].policy == policy)
            return &rows[i];
    }
    return NULL;
}

enum fleet_policy fleet_policy_nth(size_t i)
{
    return i < ROW_COUNT ? rows[i].policy : (enum fleet_policy)0;
}

const char *fleet_policy_text(enum fleet_policy policy)
{
    const struct policy_row *row = row_of(policy);
    return row != NULL ? row->name : "?";
}

const char *fleet_policy_help(enum fleet_policy policy)
{
    const struct policy_row *row = row_of(policy);
    return row != NULL ? row->help : "";
}

bool fleet_policy_typical(enum fleet_policy policy)
{
    const struct policy_row *row = row_of(policy);
    return row != NULL && row->typical;
}

enum err fleet_policy_parse(const char *text, enum fleet_policy *out)
{
    if (strcmp(text, "worstfit") == 0)
        text = "spread";
    for (size_t i = 0; i < ROW_COUNT; i++) {
        if (strcmp(text, rows[i].name) == 0) {
            *out = rows[i].policy;
            return OK;
        }
    }
    return ERR_PARSE;
}

/* ---- memory ---- */

static void largest(struct picker *picker)
{
    const struct fleet *fleet = picker->config.fleet;
    picker->cpu_max = 1;
    picker->milli_max = 1;
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct machine *machine = &fleet->machines[i];
        uint64_t milli = machine_total_milli(machine);
        if (machine->total.cpu_milli > picker->cpu_max)
            picker->cpu_max = machine->total.cpu_milli;
        if (milli > picker->milli_max)
            picker->milli_max = milli;
    }
}

enum err picker_new(const struct picker_config *config, struct picker **out)
{
    struct picker *picker = calloc(1, sizeof(*picker));
    if (picker == NULL)
        return ERR_NOMEM;
    picker->config = *config;
    picker->row = row_of(config->policy);
    CHECK(picker->row != NULL);
    CHECK(config->frag != NULL || !picker->row->typical);
    largest(picker);
    picker->scratch =
        calloc(config->fleet->count + 1u, sizeof(*picker->scratch));
    picker->pages = calloc(config->memory + 1u, sizeof(*picker->pages));
    if (picker->scratch == NULL || picker->pages == NULL) {
        picker_free(picker);
        return ERR_NOMEM;
    }
    *out = picker;
    return OK;
}

void picker_free(struct picker *picker)
{
    if (picker == NULL)
        return;
    for (uint32_t i = 0; picker->pages != NULL && i < picker->page_count; i++)
        free(picker->pages[i].notes);
    free(picker->pages);
    free(picker->scratch);
    free(picker);
}

/* The page of the ask: what is known of it, or an empty one. NULL: none is
 * kept, or there is no memory for it. */
static struct page *page_of(struct picker *picker, const struct ask *ask)
{
    size_t len = picker->config.fleet->count * sizeof(struct note);
    struct page *oldest = NULL;
    for (uint32_t i = 0; i < picker->page_count; i++) {
        struct page *page = &picker->pages[i];
        if (ask_compare(&page->ask, ask) == 0)
            return page;
        if (oldest == NULL || page->used < oldest->used)
            oldest = page;
    }
    if (picker->page_count < picker->config.memory) {
        struct page *page = &picker->pages[picker->page_count];
        page->notes = malloc(len + 1);
        if (page->notes == NULL)
            return NULL;
        oldest = page;
        picker->page_count++;
    }
    if (oldest == NULL)
        return NULL;
    oldest->ask = *ask;
    memset(oldest->notes, 0, len);
    return oldest;
}

static void renew(const struct picker *picker, uint32_t i,
                  const struct ask *ask, struct note *note)
{
    const struct fleet *fleet = picker->config.fleet;
    const struct machine *machine = &fleet->machines[i];
    note->stamp = fleet->stamps[i];
    note->rating = (struct rating){0, 0, NO_FIT};
    if (machine_fits(machine, ask))
        picker->row->rate(picker, machine, ask, &note->rating);
}

static bool better(const struct rating *a, const struct rating *b)
{
    return a->score != b->score ? a->score > b->score : a->tie > b->tie;
}

/* Walks the notes: the first of the best, and how many fit. */
static uint32_t best_of(struct picker *picker, const struct ask *ask,
                        struct note *notes, uint32_t *out_best)
{
    const uint32_t *stamps = picker->config.fleet->stamps;
    uint32_t fits = 0;
    for (uint32_t i = 0; i < picker->config.fleet->count; i++) {
        if (notes[i].stamp != stamps[i])
            renew(picker, i, ask, &notes[i]);
        if (notes[i].rating.devices == NO_FIT)
            continue;
        if (fits++ == 0 || better(&notes[i].rating, &notes[*out_best].rating))
            *out_best = i;
    }
    return fits;
}

static uint32_t nth_that_fits(const struct note *notes, uint64_t n)
{
    uint32_t i = 0;
    while (notes[i].rating.devices == NO_FIT || n-- > 0)
        i++;
    return i;
}

enum err picker_pick(struct picker *picker, const struct ask *ask,
                     struct dice *dice, struct grant *out)
{
    const struct fleet *fleet = picker->config.fleet;
    struct note *notes = picker->scratch;
    struct page *page;
    uint32_t best = 0;
    uint32_t fits;
    TRY(ask_check(ask));
    page = page_of(picker, ask);
    if (page != NULL) {
        page->used = ++picker->picks;
        notes = page->notes;
    } else {
        memset(notes, 0, fleet->count * sizeof(*notes));
    }
    fits = best_of(picker, ask, notes, &best);
    if (fits == 0)
        return ERR_CAPACITY;
    out->machine = best;
    out->devices = notes[best].rating.devices;
    if (picker->row->chance) {
        out->machine = nth_that_fits(notes, dice_below(dice, fits));
        out->devices =
            random_devices(&fleet->machines[out->machine], ask, dice);
    }
    return OK;
}

void picker_rate(const struct picker *picker, uint32_t machine,
                 const struct ask *ask, struct rating *out)
{
    const struct fleet *fleet = picker->config.fleet;
    CHECK(machine < fleet->count);
    CHECK(machine_fits(&fleet->machines[machine], ask));
    picker->row->rate(picker, &fleet->machines[machine], ask, out);
}
