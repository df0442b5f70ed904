#include "sched/fleet/picker.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* What is remembered of one machine for one kind of ask. */
struct note {
    uint32_t stamp; /* of the machine; 0: nothing is remembered */
    struct rating rating;
};

/* Not a rating: the ask does not fit. No mask of devices is this. */
#define NO_FIT UINT32_MAX

struct page {
    uint32_t hash;
    struct ask ask;
    uint64_t used; /* when it was last: a count of picks */
    struct note *notes;
};

struct picker {
    const struct fleet *fleet;
    struct rater *rater;
    uint64_t picks;
    uint32_t page_max;
    uint32_t page_count;
    struct page *pages;
    struct note *scratch; /* where there is no page */
};

enum err picker_new(enum fleet_policy policy, const struct fleet *fleet,
                    const struct frag *frag, uint32_t memory,
                    struct picker **out)
{
    struct picker *picker = calloc(1, sizeof(*picker));
    enum err err;
    if (picker == NULL)
        return ERR_NOMEM;
    picker->fleet = fleet;
    picker->page_max = memory;
    picker->scratch = calloc(fleet->count + 1u, sizeof(*picker->scratch));
    picker->pages = calloc(memory + 1u, sizeof(*picker->pages));
    err = rater_new(policy, fleet, frag, &picker->rater);
    if (err == OK && (picker->scratch == NULL || picker->pages == NULL))
        err = ERR_NOMEM;
    if (err == OK)
        *out = picker;
    else
        picker_free(picker);
    return err;
}

void picker_free(struct picker *picker)
{
    if (picker == NULL)
        return;
    for (uint32_t i = 0; picker->pages != NULL && i < picker->page_count; i++)
        free(picker->pages[i].notes);
    free(picker->pages);
    free(picker->scratch);
    rater_free(picker->rater);
    free(picker);
}

/* The page of the ask: what is known of it, or an empty one. NULL: none is
 * kept, or there is no memory for it. */
static struct page *page_of(struct picker *picker, const struct ask *ask)
{
    size_t len = picker->fleet->count * sizeof(struct note);
    uint32_t hash = ask_hash(ask);
    struct page *oldest = NULL;
    for (uint32_t i = 0; i < picker->page_count; i++) {
        struct page *page = &picker->pages[i];
        if (page->hash == hash && ask_compare(&page->ask, ask) == 0)
            return page;
        if (oldest == NULL || page->used < oldest->used)
            oldest = page;
    }
    if (picker->page_count < picker->page_max) {
        struct page *page = &picker->pages[picker->page_count];
        page->notes = malloc(len + 1);
        if (page->notes == NULL)
            return NULL;
        oldest = page;
        picker->page_count++;
    }
    if (oldest == NULL)
        return NULL;
    oldest->hash = hash;
    oldest->ask = *ask;
    memset(oldest->notes, 0, len);
    return oldest;
}

static void renew(struct picker *picker, uint32_t i, const struct ask *ask,
                  struct note *note)
{
    const struct fleet *fleet = picker->fleet;
    const struct machine *machine = &fleet->machines[i];
    note->stamp = fleet->stamps[i];
    note->rating = (struct rating){0, 0, NO_FIT};
    if (machine_fits(machine, ask))
        rater_rate(picker->rater, i, ask, &note->rating);
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

static bool is_candidate(const struct note *notes, uint32_t i,
                         const struct picker_within *within)
{
    return notes[i].rating.devices != NO_FIT &&
           (within == NULL || within->of_machine[i] == within->domain);
}

/* Walks the notes: the first of the best, and how many fit. */
static uint32_t best_of(struct picker *picker, const struct ask *ask,
                        const struct picker_within *within, struct note *notes,
                        uint32_t *out_best)
{
    const uint32_t *stamps = picker->fleet->stamps;
    uint32_t fits = 0;
    for (uint32_t i = 0; i < picker->fleet->count; i++) {
        if (notes[i].stamp != stamps[i])
            renew(picker, i, ask, &notes[i]);
        if (!is_candidate(notes, i, within))
            continue;
        if (fits++ == 0 ||
            rating_better(&notes[i].rating, &notes[*out_best].rating))
            *out_best = i;
    }
    return fits;
}

static uint32_t nth_that_fits(const struct note *notes,
                              const struct picker_within *within, uint64_t n)
{
    uint32_t i = 0;
    while (!is_candidate(notes, i, within) || n-- > 0)
        i++;
    return i;
}

/* The notes on this ask: remembered, or empty. */
static struct note *notes_on(struct picker *picker, const struct ask *ask)
{
    struct page *page = page_of(picker, ask);
    if (page != NULL) {
        page->used = ++picker->picks;
        return page->notes;
    }
    memset(picker->scratch, 0, picker->fleet->count * sizeof(struct note));
    return picker->scratch;
}

enum err picker_top(struct picker *picker, const struct ask *ask,
                    const struct picker_within *within, uint32_t max,
                    struct grant *out, uint32_t *out_count)
{
    struct note *notes;
    uint32_t count = 0;
    uint32_t best = 0;
    CHECK(max > 0 && max <= PICKER_TOP_MAX);
    TRY(ask_check(ask));
    notes = notes_on(picker, ask);
    if (best_of(picker, ask, within, notes, &best) == 0)
        return ERR_CAPACITY;
    for (uint32_t i = 0; i < picker->fleet->count; i++) {
        uint32_t at = count;
        if (!is_candidate(notes, i, within))
            continue;
        while (at > 0 && rating_better(&notes[i].rating,
                                       &notes[out[at - 1].machine].rating))
            at--;
        if (at == max)
            continue;
        count += count < max;
        for (uint32_t k = count - 1; k > at; k--)
            out[k] = out[k - 1];
        out[at] = (struct grant){i, notes[i].rating.devices};
    }
    *out_count = count;
    return OK;
}

enum err picker_pick(struct picker *picker, const struct ask *ask,
                     const struct picker_within *within, struct dice *dice,
                     struct grant *out)
{
    const struct fleet *fleet = picker->fleet;
    struct note *notes;
    uint32_t best = 0;
    uint32_t fits;
    TRY(ask_check(ask));
    notes = notes_on(picker, ask);
    fits = best_of(picker, ask, within, notes, &best);
    if (fits == 0)
        return ERR_CAPACITY;
    out->machine = best;
    out->devices = notes[best].rating.devices;
    if (rater_throws(picker->rater)) {
        out->machine = nth_that_fits(notes, within, dice_below(dice, fits));
        out->devices =
            random_devices(&fleet->machines[out->machine], ask, dice);
    }
    return OK;
}
