#include "sched/avail/crew.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "sched/avail/replicas.h"
#include "sched/target.h"

#define STEPS_MAX 20000u
#define ROUNDING  1e-9

_Static_assert(CREW_CANDIDATES_MAX <= REPLICAS_CANDIDATES_MAX, "one table");
_Static_assert(CREW_MAX <= REPLICAS_MAX, "one table");

struct choice {
    const struct crew_candidate *candidates;
    uint32_t count;
    const struct crew_ask *ask;
    double down_max;
    uint32_t beside;    /* who are there beside a copy that wants a place */
    double there_down;  /* of the worst so many who are there together */
    double there_worst; /* of one of them */
    double there_alone; /* of as many as the copies: the worst of them */
    /* who may come to those who are there, and who they are */
    struct replicas_candidate others[CREW_CANDIDATES_MAX];
    uint32_t of[CREW_CANDIDATES_MAX];
    uint32_t other_count;
};

static double share(uint32_t ppb)
{
    return (double)ppb / TARGET_ONE;
}

/* At least one part, rounded up; what rounding in the last digits left over is
 * no part more. */
static uint32_t parts(double down)
{
    double ppb = ceil(down * TARGET_ONE * (1 - 1e-12));
    return ppb < 1 ? 1 : ppb < TARGET_ONE ? (uint32_t)ppb : TARGET_ONE;
}

static enum err check(const struct crew_candidate *candidates, uint32_t count,
                      const struct crew_ask *ask)
{
    CHECK(ask->there_count <= CREW_THERE_MAX && ask->copies <= CREW_MAX);
    if (count > CREW_CANDIDATES_MAX || ask->down_ppb == 0 ||
        ask->down_ppb >= TARGET_ONE)
        return ERR_RANGE;
    for (uint32_t i = 0; i < count; i++) {
        if (candidates[i].down_ppb == 0 || candidates[i].down_ppb > TARGET_ONE)
            return ERR_RANGE;
    }
    return OK;
}

/* ---- who is there, and who may come ---- */

/* Nobody can pay it, and all prices together must be a number. */
static bool is_priceless(const struct crew_candidate *candidate)
{
    return amount_cmp(candidate->price,
                      amount_micro(UINT64_MAX / CREW_CANDIDATES_MAX)) > 0;
}

static bool domain_is_there(const struct crew_ask *ask, uint32_t domain)
{
    for (uint32_t i = 0; domain != 0 && i < ask->there_count; i++) {
        if (ask->there[i].domain == domain)
            return true;
    }
    return false;
}

static int worst_first(const void *left, const void *right)
{
    const double *a = left;
    const double *b = right;
    return (*a < *b) - (*a > *b);
}

/* Of many who are there a task that wants a place may have the worst. */
static void look_there(struct choice *c)
{
    const struct crew_ask *ask = c->ask;
    double downs[CREW_THERE_MAX];
    for (uint32_t i = 0; i < ask->there_count; i++)
        downs[i] = share(ask->there[i].down_ppb);
    qsort(downs, ask->there_count, sizeof(*downs), worst_first);
    c->beside = ask->there_count;
    c->there_down = 1;
    c->there_worst = ask->there_count > 0 ? downs[0] : 0;
    if (ask->copies > 0 && ask->there_count >= ask->copies)
        c->beside = ask->copies - 1;
    for (uint32_t i = 0; i < c->beside; i++)
        c->there_down *= downs[i];
    c->there_alone = c->there_down;
    if (c->beside < ask->there_count)
        c->there_alone *= downs[c->beside];
}

/* Who is there may take a copy of what another there has. */
static bool there_may(const struct choice *c)
{
    return c->beside == c->ask->there_count ||
           c->there_alone <= c->down_max * (1 + ROUNDING);
}

static void look_around(struct choice *c)
{
    look_there(c);
    for (uint32_t i = 0; i < c->count; i++) {
        const struct crew_candidate *from = &c->candidates[i];
        if (from->there || is_priceless(from) ||
            domain_is_there(c->ask, from->domain))
            continue;
        c->of[c->other_count] = i;
        c->others[c->other_count++] = (struct replicas_candidate){
            share(from->down_ppb), from->price, from->domain};
    }
}

/* ---- the choice ---- */

/* `copies` more, or as many as it takes (0). */
static enum err choose_more(const struct choice *c, double down_max,
                            uint32_t copies, struct replicas *out)
{
    struct replicas r;
    if (c->other_count == 0)
        return ERR_CAPACITY;
    if (c->ask->cheapest &&
        replicas_cheapest(c->others, c->other_count, down_max, STEPS_MAX, &r) ==
            OK &&
        r.count <= CREW_MAX && (copies == 0 || r.count == copies)) {
        *out = r;
        return OK;
    }
    if (copies == 0) {
        TRY(replicas_fewest(c->others, c->other_count, down_max, &r));
        copies = r.count;
    }
    if (copies > CREW_MAX)
        return ERR_CAPACITY;
    return replicas_in_order(c->others, c->other_count, down_max, copies, out);
}

static enum err choose_best(const struct choice *c, uint32_t copies,
                            struct replicas *out)
{
    uint32_t most = copies > 0 ? copies : CREW_MAX;
    struct replicas r = {.count = 0};
    if (c->other_count > 0)
        TRY(replicas_best(c->others, c->other_count, &r));
    if (r.count > most)
        r.count = most; /* the least failing come first */
    *out = r;
    return OK;
}

static int by_number(const void *left, const void *right)
{
    const uint32_t *a = left;
    const uint32_t *b = right;
    return (*a > *b) - (*a < *b);
}

static void take(const struct choice *c, const struct replicas *chosen,
                 struct crew *out)
{
    double down = c->there_down;
    out->count = chosen->count;
    for (uint32_t i = 0; i < chosen->count; i++) {
        out->picks[i] = c->of[chosen->picks[i]];
        down *= share(c->candidates[out->picks[i]].down_ppb);
    }
    qsort(out->picks, out->count, sizeof(*out->picks), by_number);
    out->down_ppb = parts(down);
}

/* ---- who may take tasks ---- */

/* How good each must be for any `copies` of them to do; 0: somebody chosen, or
 * there, is not. */
static double good_enough(const struct choice *c, uint32_t copies,
                          const struct crew *crew)
{
    double each = pow(c->down_max, 1.0 / copies) * (1 + ROUNDING);
    for (uint32_t i = 0; i < crew->count; i++) {
        if (share(c->candidates[crew->picks[i]].down_ppb) > each)
            return 0;
    }
    return c->there_worst > each ? 0 : each;
}

static bool is_chosen(const struct crew *crew, uint32_t i)
{
    for (uint32_t p = 0; p < crew->count; p++) {
        if (crew->picks[p] == i)
            return true;
    }
    return false;
}

static bool domain_is_free(const struct choice *c, const struct crew *crew,
                           uint32_t domain)
{
    for (uint32_t i = 0; domain != 0 && i < crew->allowed_count; i++) {
        if (c->candidates[crew->allowed[i]].domain == domain)
            return false;
    }
    return !domain_is_there(c->ask, domain);
}

static void allow(const struct choice *c, uint32_t copies, struct crew *out)
{
    double each = good_enough(c, copies, out);
    bool there = there_may(c);
    for (uint32_t i = 0; i < c->count; i++) {
        if (is_chosen(out, i) || (there && c->candidates[i].there))
            out->allowed[out->allowed_count++] = i;
    }
    for (uint32_t i = 0; each > 0 && i < c->count; i++) {
        const struct crew_candidate *like = &c->candidates[i];
        if (share(like->down_ppb) <= each && !is_chosen(out, i) &&
            !like->there && !is_priceless(like) &&
            (copies == 1 || domain_is_free(c, out, like->domain)))
            out->allowed[out->allowed_count++] = i;
    }
}

/* Nobody can come: is there one who may take it of those who are there? */
static bool there_is_one(const struct choice *c)
{
    bool some = false;
    for (uint32_t i = 0; i < c->count; i++)
        some = some || c->candidates[i].there;
    return some && there_may(c) && c->beside < c->ask->there_count;
}

enum err crew_choose(const struct crew_candidate *candidates, uint32_t count,
                     const struct crew_ask *ask, struct crew *out)
{
    struct choice c = {.candidates = candidates, .count = count, .ask = ask};
    struct crew crew = {.reached = true};
    struct replicas chosen = {.count = 0};
    uint32_t copies = ask->copies;
    uint32_t more;
    enum err err;
    TRY(check(candidates, count, ask));
    c.down_max = share(ask->down_ppb);
    look_around(&c);
    more = copies > 0 ? copies - c.beside : 0;
    err = choose_more(&c, fmin(1, c.down_max / c.there_down), more, &chosen);
    crew.reached = err == OK;
    if (err == ERR_CAPACITY && there_is_one(&c)) {
        crew.reached = true;
        c.there_down = c.there_alone;
    } else if (err == ERR_CAPACITY) {
        TRY(choose_best(&c, more, &chosen));
    } else {
        TRY(err);
    }
    take(&c, &chosen, &crew);
    if (crew.reached)
        allow(&c, copies > 0 ? copies : ask->there_count + crew.count, &crew);
    *out = crew;
    return OK;
}
