#include "sched/fleet/rater.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Parts into which the largest machine's cores and devices are divided. */
#define PARTS 1000000
/* A model that is wanted three times as much as there is of it is as scarce as
 * any. */
#define SCARCITY_MAX 30
#define MILLION      UINT64_C(1000000)

/* F of a machine as it was at this stamp. */
struct before {
    uint32_t stamp;
    uint64_t frag;
};

struct rater {
    const struct policy_row *row;
    const struct fleet *fleet;
    const struct frag *frag;
    uint64_t cpu_max;       /* of any machine, >= 1 */
    uint64_t milli_max;     /* of devices of any machine, >= 1 */
    struct before *befores; /* of each machine */
    int32_t scarcity[MODEL_MAX + 1];
};

struct policy_row {
    enum fleet_policy policy;
    bool typical;
    bool chance;
    const char *name;
    const char *help;
    /* May write into the rater's memory, and nowhere else. */
    void (*rate)(struct rater *rater, const struct machine *machine,
                 const struct ask *ask, struct rating *out);
};

/* ---- devices ---- */

static uint32_t bit(uint32_t i)
{
    return UINT32_C(1) << i;
}

/* ---- policies ---- */

/* Cores and devices that would be left over, 0..2 x PARTS. */
static int32_t leftover(const struct rater *rater,
                        const struct machine *machine, const struct ask *ask)
{
    uint64_t cpu = machine->free.cpu_milli - ask->want.cpu_milli;
    uint64_t milli = machine_idle_milli(machine) - ask_milli(ask);
    return (int32_t)(cpu * PARTS / rater->cpu_max +
                     milli * PARTS / rater->milli_max);
}

static void rate_random(struct rater *rater, const struct machine *machine,
                        const struct ask *ask, struct rating *out)
{
    (void)rater;
    (void)machine;
    (void)ask;
    *out = (struct rating){0, 0, 0};
}

static void rate_bestfit(struct rater *rater, const struct machine *machine,
                         const struct ask *ask, struct rating *out)
{
    out->score = -leftover(rater, machine, ask);
    out->tie = 0;
    out->devices = machine_choose(machine, ask, false);
}

static void rate_spread(struct rater *rater, const struct machine *machine,
                        const struct ask *ask, struct rating *out)
{
    out->score = leftover(rater, machine, ask);
    out->tie = 0;
    out->devices = machine_choose(machine, ask, true);
}

/* Three bands: the fewer idle devices have to be opened, the better; then the
 * less is free on those that are shared. */
static void rate_packing(struct rater *rater, const struct machine *machine,
                         const struct ask *ask, struct rating *out)
{
    const int32_t band = (int32_t)(MACHINE_DEVICES_MAX * DEVICE_MILLI + 1);
    uint32_t devices = machine_choose(machine, ask, false);
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
    out->tie = -leftover(rater, machine, ask);
    out->devices = devices;
}

/* In hundredths of the most there can be: what is about equal is equal. */
static void rate_dotprod(struct rater *rater, const struct machine *machine,
                         const struct ask *ask, struct rating *out)
{
    uint64_t cpu = (uint64_t)machine->free.cpu_milli * PARTS / rater->cpu_max *
                   ((uint64_t)ask->want.cpu_milli * PARTS / rater->cpu_max);
    uint64_t milli = (uint64_t)machine_idle_milli(machine) * PARTS /
                     rater->milli_max *
                     ((uint64_t)ask_milli(ask) * PARTS / rater->milli_max);
    out->score = -(int32_t)((cpu + milli) / PARTS / (2 * PARTS / 100));
    out->tie = -leftover(rater, machine, ask);
    out->devices = machine_choose(machine, ask, false);
}

static void rate_clustering(struct rater *rater, const struct machine *machine,
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
    out->tie = -leftover(rater, machine, ask);
    out->devices = machine_choose(machine, ask, false);
}

/* ---- fgd ---- */

static uint64_t frag_before(struct rater *rater, const struct machine *machine)
{
    const struct fleet *fleet = rater->fleet;
    ptrdiff_t i = machine - fleet->machines;
    struct before *before = &rater->befores[i];
    if (before->stamp != fleet->stamps[i]) {
        before->frag = frag_of(rater->frag, machine);
        before->stamp = fleet->stamps[i];
    }
    return before->frag;
}

/* F after putting the ask on these devices. */
static uint64_t frag_after(const struct rater *rater,
                           const struct machine *machine, const struct ask *ask,
                           uint32_t devices)
{
    struct machine after = *machine;
    CHECK(machine_take(&after, ask, devices) == OK);
    return frag_of(rater->frag, &after);
}

/* Of the scarcest model among the devices. */
static int32_t scarcity_of(const struct rater *rater,
                           const struct machine *machine, uint32_t devices)
{
    int32_t most = 0;
    for (; devices != 0; devices &= devices - 1) {
        uint32_t model = machine->devices[__builtin_ctz(devices)].model;
        if (rater->scarcity[model] > most)
            most = rater->scarcity[model];
    }
    return most;
}

/* A share goes where the least is left over on its device, then on the devices
 * of the machine; all else by best fit. */
static int32_t tie_fgd(const struct rater *rater, const struct machine *machine,
                       const struct ask *ask, uint32_t devices)
{
    const int32_t band = (int32_t)(MACHINE_DEVICES_MAX * DEVICE_MILLI + 1);
    int32_t device;
    if (ask_kind_of(ask) != ASK_SHARE || ask->devices > 1)
        return -leftover(rater, machine, ask);
    device = machine->devices[__builtin_ctz(devices)].free_milli;
    return -(device * band + (int32_t)machine_idle_milli(machine));
}

static struct rating rating_fgd(struct rater *rater,
                                const struct machine *machine,
                                const struct ask *ask, uint32_t devices)
{
    const struct frag *frag = rater->frag;
    uint64_t before = frag_before(rater, machine);
    uint64_t after = frag_after(rater, machine, ask, devices);
    struct rating rating = {.devices = devices};
    rating.score = (int32_t)frag_score(frag, before, after) -
                   scarcity_of(rater, machine, devices);
    rating.tie = tie_fgd(rater, machine, ask, devices);
    return rating;
}

static struct rating rating_fine(struct rater *rater,
                                 const struct machine *machine,
                                 const struct ask *ask, uint32_t devices)
{
    uint64_t before = frag_before(rater, machine);
    uint64_t after = frag_after(rater, machine, ask, devices);
    struct rating rating = {.devices = devices};
    rating.score = (int32_t)frag_gain(rater->frag, before, after);
    rating.tie = -leftover(rater, machine, ask);
    return rating;
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

/* For one device all different choices are tried; for several, those with the
 * least free. */
static void rate_each(struct rater *rater, const struct machine *machine,
                      const struct ask *ask,
                      struct rating (*rating_of)(struct rater *rater,
                                                 const struct machine *machine,
                                                 const struct ask *ask,
                                                 uint32_t devices),
                      struct rating *out)
{
    uint32_t devices = machine_choose(machine, ask, false);
    uint32_t seen = devices;
    uint32_t left = 0;
    *out = rating_of(rater, machine, ask, devices);
    if (ask->devices == 1)
        left = machine_eligible(machine, ask) & ~devices;
    for (; left != 0; left &= left - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(left);
        struct rating rating;
        if (seen_before(machine, seen, &machine->devices[i]))
            continue;
        seen |= bit(i);
        rating = rating_of(rater, machine, ask, bit(i));
        if (rating_better(&rating, out))
            *out = rating;
    }
}

static void rate_fgd(struct rater *rater, const struct machine *machine,
                     const struct ask *ask, struct rating *out)
{
    rate_each(rater, machine, ask, rating_fgd, out);
}

static void rate_fine(struct rater *rater, const struct machine *machine,
                      const struct ask *ask, struct rating *out)
{
    rate_each(rater, machine, ask, rating_fine, out);
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
    {FLEET_FGD_FINE, true, false, "fgd-fine",
     "fgd without steps of score: to see what they are for", rate_fine},
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

/* ---- rater ---- */

static void largest(struct rater *rater)
{
    const struct fleet *fleet = rater->fleet;
    rater->cpu_max = 1;
    rater->milli_max = 1;
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct machine *machine = &fleet->machines[i];
        uint64_t milli = machine_total_milli(machine);
        if (machine->total.cpu_milli > rater->cpu_max)
            rater->cpu_max = machine->total.cpu_milli;
        if (milli > rater->milli_max)
            rater->milli_max = milli;
    }
}

/* Devices of each model, in thousandths. */
static void supply_of(const struct fleet *fleet, uint64_t out[MODEL_MAX + 1])
{
    memset(out, 0, (MODEL_MAX + 1) * sizeof(*out));
    for (uint32_t i = 0; i < fleet->count; i++) {
        const struct machine *machine = &fleet->machines[i];
        for (uint32_t d = 0; d < machine->device_count; d++)
            out[machine->devices[d].model] += DEVICE_MILLI;
    }
}

static uint64_t supply_within(const uint64_t supply[MODEL_MAX + 1],
                              uint64_t models)
{
    uint64_t sum = 0;
    for (uint32_t m = 1; m <= MODEL_MAX; m++)
        sum += (models & model_bit(m)) != 0 ? supply[m] : 0;
    return sum;
}

/* Thousandths of devices that all typical asks together want, >= 1. */
static uint64_t demand_of(const struct frag *frag)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < frag_count(frag); i++) {
        uint64_t frequency;
        const struct ask *ask = frag_ask(frag, i, &frequency);
        sum += frequency * ask_milli(ask);
    }
    return sum == 0 ? 1 : sum;
}

/* How scarce each model is, in tenths: what the typical asks bound to it want
 * of it, if all that come want as much as there is of all models, over what
 * there is of it. An ask bound to several models is spread over them evenly. */
static void find_scarcity(struct rater *rater)
{
    const struct frag *frag = rater->frag;
    uint64_t total = rater->fleet->total_milli;
    uint64_t demand = demand_of(frag);
    uint64_t supply[MODEL_MAX + 1];
    uint64_t parts[MODEL_MAX + 1] = {0};
    supply_of(rater->fleet, supply);
    for (uint32_t i = 0; i < frag_count(frag); i++) {
        uint64_t frequency;
        const struct ask *ask = frag_ask(frag, i, &frequency);
        uint64_t within = supply_within(supply, ask->models);
        if (within == 0)
            continue;
        for (uint32_t m = 1; m <= MODEL_MAX; m++) {
            if ((ask->models & model_bit(m)) != 0)
                parts[m] += frequency * ask_milli(ask) * MILLION / demand *
                            total / within;
        }
    }
    for (uint32_t m = 1; m <= MODEL_MAX; m++) {
        uint64_t tenths = parts[m] * 10 / MILLION;
        rater->scarcity[m] =
            (int32_t)(tenths < SCARCITY_MAX ? tenths : SCARCITY_MAX);
    }
}

enum err rater_new(enum fleet_policy policy, const struct fleet *fleet,
                   const struct frag *frag, struct rater **out)
{
    struct rater *rater = calloc(1, sizeof(*rater));
    if (rater == NULL)
        return ERR_NOMEM;
    rater->row = row_of(policy);
    CHECK(rater->row != NULL);
    CHECK(frag != NULL || !rater->row->typical);
    rater->fleet = fleet;
    rater->frag = frag;
    rater->befores = calloc(fleet->count + 1u, sizeof(*rater->befores));
    if (rater->befores == NULL) {
        rater_free(rater);
        return ERR_NOMEM;
    }
    largest(rater);
    if (rater->row->typical)
        find_scarcity(rater);
    *out = rater;
    return OK;
}

void rater_free(struct rater *rater)
{
    if (rater == NULL)
        return;
    free(rater->befores);
    free(rater);
}

bool rater_throws(const struct rater *rater)
{
    return rater->row->chance;
}

void rater_rate(struct rater *rater, uint32_t machine, const struct ask *ask,
                struct rating *out)
{
    CHECK(machine < rater->fleet->count);
    rater->row->rate(rater, &rater->fleet->machines[machine], ask, out);
}
