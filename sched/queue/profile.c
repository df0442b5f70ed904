#include "sched/queue/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define RESERVATIONS_MAX (1u << 29)
#define CAP_FIRST        16u

bool portion_covers(const struct portion *a, const struct portion *b)
{
    return a->units >= b->units && a->mem_mib >= b->mem_mib;
}

/* Two edges each, the beginning, and two more while something changes. */
static uint32_t steps_for(uint32_t reservations)
{
    return 2 * reservations + 3;
}

enum err profile_init(struct profile *profile, const struct portion *total,
                      uint64_t from_ms, uint32_t reservations_max)
{
    struct profile made = {.total = *total, .count = 1, .cap = CAP_FIRST};
    if (reservations_max > RESERVATIONS_MAX)
        return ERR_RANGE;
    made.cap_max = steps_for(reservations_max);
    if (made.cap > made.cap_max)
        made.cap = made.cap_max;
    made.steps = calloc(made.cap, sizeof(*made.steps));
    if (made.steps == NULL)
        return ERR_NOMEM;
    made.steps[0] = (struct profile_step){from_ms, *total};
    *profile = made;
    return OK;
}

void profile_done(struct profile *profile)
{
    free(profile->steps);
    memset(profile, 0, sizeof(*profile));
}

static uint64_t later_by(uint64_t at_ms, uint64_t duration_ms)
{
    return duration_ms > PROFILE_NEVER - at_ms ? PROFILE_NEVER
                                               : at_ms + duration_ms;
}

static uint64_t begin_of(const struct profile *profile)
{
    return profile->steps[0].from_ms;
}

/* The step that holds at_ms; the first for what is before. */
static uint32_t step_at(const struct profile *profile, uint64_t at_ms)
{
    uint32_t low = 0;
    uint32_t high = profile->count;
    if (high > 1 && at_ms < profile->steps[1].from_ms)
        return 0; /* now, which is asked for most */
    while (high - low > 1) {
        uint32_t mid = low + (high - low) / 2;
        if (profile->steps[mid].from_ms <= at_ms)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static uint64_t step_end(const struct profile *profile, uint32_t i)
{
    return i + 1 < profile->count ? profile->steps[i + 1].from_ms
                                  : PROFILE_NEVER;
}

struct portion profile_free_at(const struct profile *profile, uint64_t at_ms)
{
    return profile->steps[step_at(profile, at_ms)].free;
}

bool profile_fits(const struct profile *profile, const struct portion *want,
                  uint64_t at_ms, uint64_t duration_ms)
{
    uint64_t from = at_ms < begin_of(profile) ? begin_of(profile) : at_ms;
    uint64_t until = later_by(from, duration_ms);
    for (uint32_t i = step_at(profile, from); i < profile->count; i++) {
        if (!portion_covers(&profile->steps[i].free, want))
            return false;
        if (step_end(profile, i) >= until)
            return true;
    }
    return true;
}

enum err profile_find(const struct profile *profile, const struct portion *want,
                      uint64_t duration_ms, uint64_t not_before_ms,
                      uint64_t *out_ms)
{
    uint64_t from = not_before_ms;
    if (from < begin_of(profile))
        from = begin_of(profile);
    for (uint32_t i = step_at(profile, from); i < profile->count; i++) {
        uint64_t end = step_end(profile, i);
        if (!portion_covers(&profile->steps[i].free, want)) {
            from = end;
        } else if (end >= later_by(from, duration_ms)) {
            *out_ms = from;
            return OK;
        }
    }
    return ERR_CAPACITY;
}

/* ---- changes ---- */

static enum err grow_to(struct profile *profile, uint32_t cap)
{
    struct profile_step *steps;
    if (cap <= profile->cap)
        return OK;
    if (cap > profile->cap_max)
        return ERR_TOO_LARGE;
    if (cap < 2 * (uint64_t)profile->cap)
        cap = profile->cap > profile->cap_max / 2 ? profile->cap_max
                                                  : 2 * profile->cap;
    steps = realloc(profile->steps, cap * sizeof(*steps));
    if (steps == NULL)
        return ERR_NOMEM;
    profile->steps = steps;
    profile->cap = cap;
    return OK;
}

enum err profile_expect(struct profile *profile, uint32_t reservations)
{
    if (reservations > RESERVATIONS_MAX)
        return ERR_TOO_LARGE;
    return grow_to(profile, steps_for(reservations));
}

/* A step begins at at_ms: its number. */
static uint32_t cut(struct profile *profile, uint64_t at_ms)
{
    uint32_t i = step_at(profile, at_ms);
    struct profile_step *steps = profile->steps;
    if (steps[i].from_ms == at_ms)
        return i;
    CHECK(profile->count < profile->cap);
    memmove(&steps[i + 2], &steps[i + 1],
            (profile->count - i - 1) * sizeof(*steps));
    steps[i + 1] = (struct profile_step){at_ms, steps[i].free};
    profile->count++;
    return i + 1;
}

/* Step i goes where it is like the one before it. */
static void mend(struct profile *profile, uint32_t i)
{
    struct profile_step *steps = profile->steps;
    if (i == 0 || i >= profile->count ||
        steps[i - 1].free.units != steps[i].free.units ||
        steps[i - 1].free.mem_mib != steps[i].free.mem_mib)
        return;
    memmove(&steps[i], &steps[i + 1],
            (profile->count - i - 1) * sizeof(*steps));
    profile->count--;
}

/* No more than what is taken from the total now may come back. */
static bool is_taken(const struct profile *profile, const struct portion *want,
                     uint64_t from_ms, uint64_t until_ms)
{
    for (uint32_t i = step_at(profile, from_ms);
         i < profile->count && profile->steps[i].from_ms < until_ms; i++) {
        const struct portion *free = &profile->steps[i].free;
        if (want->units > profile->total.units - free->units ||
            want->mem_mib > profile->total.mem_mib - free->mem_mib)
            return false;
    }
    return true;
}

static void apply(struct profile *profile, const struct portion *want,
                  uint64_t from_ms, uint64_t until_ms, bool take)
{
    uint32_t first = cut(profile, from_ms);
    uint32_t end =
        until_ms == PROFILE_NEVER ? profile->count : cut(profile, until_ms);
    for (uint32_t i = first; i < end; i++) {
        struct portion *free = &profile->steps[i].free;
        free->units =
            take ? free->units - want->units : free->units + want->units;
        free->mem_mib = take ? free->mem_mib - want->mem_mib
                             : free->mem_mib + want->mem_mib;
    }
    /* Inside, neighbours differ as they did. */
    mend(profile, end);
    mend(profile, first);
}

static enum err change(struct profile *profile, const struct portion *want,
                       uint64_t from_ms, uint64_t until_ms, bool take)
{
    if (from_ms >= until_ms)
        return ERR_RANGE;
    if (from_ms < begin_of(profile))
        from_ms = begin_of(profile);
    if (from_ms >= until_ms)
        return OK; /* all of it is over */
    if (take && !profile_fits(profile, want, from_ms, until_ms - from_ms))
        return ERR_CAPACITY;
    if (!take && !is_taken(profile, want, from_ms, until_ms))
        return ERR_OVERFLOW;
    /* It may add two edges; what is taken must find room to be given back. */
    TRY(grow_to(profile, profile->count + (take ? 4 : 2)));
    apply(profile, want, from_ms, until_ms, take);
    return OK;
}

enum err profile_reserve(struct profile *profile, const struct portion *want,
                         uint64_t from_ms, uint64_t until_ms)
{
    return change(profile, want, from_ms, until_ms, true);
}

enum err profile_release(struct profile *profile, const struct portion *want,
                         uint64_t from_ms, uint64_t until_ms)
{
    return change(profile, want, from_ms, until_ms, false);
}

void profile_forward(struct profile *profile, uint64_t now_ms)
{
    uint32_t i = step_at(profile, now_ms);
    if (now_ms <= begin_of(profile))
        return;
    memmove(profile->steps, &profile->steps[i],
            (profile->count - i) * sizeof(*profile->steps));
    profile->count -= i;
    profile->steps[0].from_ms = now_ms;
}
