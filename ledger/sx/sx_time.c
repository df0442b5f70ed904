/* When to give a view up, and what to say again. Intervals are monotonic time;
 * the formulas are docs/consensus.md's. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

#define NEVER          UINT64_MAX
#define DELAY_TIMES    60u /* D grows to this many D0 at most */
#define PATIENCE_MAX   5u  /* doublings that outlast a decision */
#define CALM_DECISIONS 8u
#define IDLE_MS        10000u
#define STRAIN_MAX     6u /* doublings that DELAY_TIMES has room for */
#define SCARCE_VIEWS   (SX_VIEWS_MAX / 2)
#define SCARCE_DOUBLE  128u /* views to a doubling then */
#define SCARCE_DOUBLINGS                                                       \
    15u /* as many as there are: 2^15 times 10 s is four days */

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#ifdef SUAN_MUTANTS
static uint64_t views_since_notarized(const struct sx *core)
{
    for (uint64_t view = core->cur - 1; view > core->final_view; view--) {
        const struct sx_slot *slot = sx_slot_at(core, view);
        if (slot != NULL && slot->certs[VOTE_NOTARIZE - 1] != NULL)
            return core->cur - view - 1;
    }
    return core->cur - core->final_view - 1;
}
#endif

/* SX_VIEWS_MAX undecided views are the end of an epoch that goes wrong: nobody
 * may enter the next. So the second half of them is made to last for years, at
 * the price that a view then takes about a hundredth of all the time before. */
static uint64_t scarce_delay(uint64_t cap, uint64_t views)
{
    uint64_t doublings = min_u64(views / SCARCE_DOUBLE, SCARCE_DOUBLINGS);
    return max_u64(SX_DELAY_MAX_MS, cap) << doublings;
}

/* D doubles whenever as many views went by without anything new decided as must
 * have had an honest leader among theirs: so crashed leaders in a row do not
 * inflate it, but a D0 that is too small always gets corrected, and stays so
 * for a while. Of many validators that takes many views; so it doubles, too,
 * with each that ended late, and falls with each decision. */
uint64_t sx_delay(const struct sx *core)
{
    uint64_t views = core->cur - core->final_view - 1;
    uint64_t vain = core->cur - core->news_view - 1;
    uint64_t doublings =
        core->patience + core->strain + vain / core->honest_run;
    uint64_t cap = min_u64(DELAY_TIMES * core->delay_ms,
                           max_u64(SX_DELAY_MAX_MS, core->delay_ms));
    if (SX_MUTANT(NO_CAP))
        cap = NEVER / 8;
#ifdef SUAN_MUTANTS
    if (SX_MUTANT(BACKOFF_EARLY))
        doublings = views_since_notarized(core) / core->honest_run;
#endif
    if (SX_MUTANT(NO_BACKOFF))
        return core->delay_ms;
    if (SX_MUTANT(BACKOFF_STUCK))
        return cap;
    if (views > SCARCE_VIEWS)
        return scarce_delay(cap, views - SCARCE_VIEWS);
    for (uint64_t d = core->delay_ms;; d *= 2, doublings--) {
        if (d >= cap)
            return cap;
        if (doublings == 0)
            return d;
    }
}

uint64_t sx_pace(const struct sx *core)
{
    return min_u64(sx_delay(core), max_u64(SX_DELAY_MAX_MS, core->delay_ms));
}

/* If messages took no longer than D, those who are here would have given the
 * view up, and said so, this soon after us. A bad leader can feign it in his
 * own views; but there are two decisions for each of those. */
static bool came_late(const struct sx *core, uint64_t view)
{
    return core->gave_up_ms != NEVER && view == core->cur + 1 &&
           2 * (core->mono_ms - core->gave_up_ms) > 3 * sx_delay(core);
}

/* Its order of leaders is another. */
void sx_time_epoch(struct sx *core)
{
    core->gave_up_ms = NEVER;
    core->strain = 0;
    core->waste = 0;
}

void sx_time_idle(struct sx *core)
{
    if (core->strain > 0 && pool_count(core->pool) == 0 &&
        core->mono_ms >=
            max_u64(core->block_mono_ms, core->entered_ms) + IDLE_MS)
        core->strain = 0;
}

void sx_time_news(struct sx *core, uint64_t view)
{
    core->news_view = view;
    core->strain -= core->strain > 0;
}

void sx_time_gave_up(struct sx *core)
{
    core->gave_up_ms = core->mono_ms;
}

void sx_time_entered(struct sx *core, uint64_t view)
{
    if (came_late(core, view))
        core->strain += core->strain < STRAIN_MAX;
    core->entered_ms = core->mono_ms;
    core->gave_up_ms = NEVER;
    core->retry_ms = 0;
    core->retries = 0;
}

/* A third of the leaders may be bad: that is a view given up for two decisions,
 * and no more in a row than there are of them. More came of too little
 * patience, all at once or one decision after the other; the next would, too.
 * It falls back one doubling after so many decisions without, or when nothing
 * waits any more (sx_pool_touched). A fact of the proposals, so that who slept
 * learns the same. */
void sx_time_decided(struct sx *core, const struct proposal *on)
{
    CHECK(on->view > on->parent_view);
    core->waste += 2 * (on->view - on->parent_view - 1);
    if (core->waste >= 2 * (uint64_t)core->honest_run) {
        core->patience += core->patience < PATIENCE_MAX;
        core->waste = 0;
        core->calm = 0;
        return;
    }
    core->waste -= core->waste > 0;
    if (core->patience > 0 && ++core->calm == CALM_DECISIONS) {
        core->patience--;
        core->calm = 0;
    }
}

/* Since when has a notarized block waited for its decision? */
static uint64_t tip_since(const struct sx *core)
{
    uint64_t since = NEVER;
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot != NULL && slot->certs[VOTE_NOTARIZE - 1] != NULL)
            since = min_u64(since, slot->notarized_ms);
    }
    return since;
}

static uint64_t after(uint64_t when, uint64_t delay)
{
    return when > NEVER - delay ? NEVER : when + delay;
}

bool sx_tip_old(struct sx *core)
{
    uint64_t at = after(tip_since(core), 4 * sx_delay(core));
    if (at != NEVER && core->mono_ms < at)
        sx_wake(core, at);
    return core->mono_ms >= at;
}

/* From when on there is a reason to expect something of this view's leader: a
 * transaction has waited long enough to have reached it, a tip wants deciding,
 * a heartbeat is due, or it has proposed. */
static uint64_t reason_since(const struct sx *core, const struct sx_slot *slot,
                             bool *out_only_fresh)
{
    uint64_t delay = sx_delay(core);
    uint64_t since = after(tip_since(core), 4 * delay);
    if (core->heartbeat_ms > 0)
        since = min_u64(since, core->block_mono_ms + core->heartbeat_ms);
    if (slot != NULL && slot->has_proposal)
        since = min_u64(since, slot->heard_ms);
    uint64_t fresh = after(core->fresh_since_ms, 2 * delay);
    *out_only_fresh = fresh < since;
    since = min_u64(since, fresh);
    if (SX_MUTANT(IDLE_NULLIFY))
        since = 0;
    return max_u64(since, core->entered_ms);
}

/* Nobody waits twice for a leader that is known to be away: local and soft. */
static bool leader_is_away(const struct sx *core)
{
    uint64_t skip = max_u64(12 * sx_delay(core), 3000);
    uint64_t leader = sx_leader(core, core->cur);
    uint64_t here = 0;
    if ((int)leader == core->me ||
        core->heard_ms[leader] + skip > core->mono_ms)
        return false;
    for (uint32_t i = 0; i < core->set.count; i++) {
        if ((int)i == core->me || core->heard_ms[i] + skip > core->mono_ms)
            here += core->set.items[i].weight;
    }
    return here >= core->quorum;
}

bool sx_overdue(struct sx *core)
{
    const struct sx_slot *slot = sx_slot_at(core, core->cur);
    bool only_fresh = false;
    /* Alone there is nobody to hand the view to. */
    if (core->set.count == 1 || SX_MUTANT(NO_DEADLINE))
        return false;
    uint64_t since = reason_since(core, slot, &only_fresh);
    if (since == NEVER)
        return false;
    uint64_t wait = slot != NULL && slot->has_proposal ? 3 : 2;
    uint64_t at = after(since, wait * sx_delay(core));
    if (leader_is_away(core))
        at = since;
    if (core->mono_ms < at) {
        sx_wake(core, at);
        return false;
    }
    if (only_fresh && !sx_has_work(core)) {
        /* All that waits cannot be done now: look again later. */
        core->fresh_since_ms = core->mono_ms + core->relay_ms;
        sx_wake(core, core->fresh_since_ms);
        return SX_MUTANT(IDLE_NULLIFY);
    }
    return true;
}

/* ---- saying it again ---- */

static void repeat_votes(struct sx *core, struct sx_slot *slot)
{
    for (unsigned k = 0; k < SX_KINDS; k++) {
        if (slot->own[k].kind == 0)
            continue;
        if (SX_MUTANT(SIGN_AGAIN)) {
            struct vote vote = slot->own[k];
            slot->own[k].kind = 0;
            (void)sx_sign(core, slot, vote.kind, &vote.on, false);
            return;
        }
        sx_send_vote(core, &slot->own[k]);
    }
}

/* To validators whose vote is not here. */
static void repeat_proposal(struct sx *core, const struct sx_slot *slot)
{
    const struct vote *votes = slot->votes[VOTE_NOTARIZE - 1];
    if (sx_leader(core, slot->view) != (uint64_t)core->me ||
        slot->own[VOTE_NOTARIZE - 1].kind == 0)
        return;
    for (uint32_t i = 0; i < core->set.count; i++) {
        if ((int)i != core->me && (votes == NULL || votes[i].kind == 0))
            sx_send_proposal(core, slot, (int)i);
    }
}

/* The lowest view that is notarized and not decided: its certificate and our
 * word for it. */
static bool repeat_tip(struct sx *core)
{
    for (size_t i = 0; i < core->slot_count; i++) {
        const struct sx_slot *slot = core->slots[i];
        if (slot == NULL || slot->certs[VOTE_NOTARIZE - 1] == NULL)
            continue;
        sx_send_cert(core, 0, slot->certs[VOTE_NOTARIZE - 1]);
        if (slot->own[VOTE_FINALIZE - 1].kind != 0)
            sx_send_vote(core, &slot->own[VOTE_FINALIZE - 1]);
        return true;
    }
    return false;
}

/* What brought us into this view. */
static void repeat_entry(struct sx *core)
{
    const struct sx_slot *last = sx_slot_at(core, core->cur - 1);
    if (last == NULL) {
        if (core->final_cert != NULL)
            sx_send_cert(core, 0, core->final_cert);
        return;
    }
    for (unsigned k = 0; k < SX_KINDS; k++) {
        if (last->certs[k] != NULL)
            sx_send_cert(core, 0, last->certs[k]);
    }
}

static bool has_spoken(const struct sx_slot *slot)
{
    for (unsigned k = 0; slot != NULL && k < SX_KINDS; k++) {
        if (slot->own[k].kind != 0)
            return true;
    }
    return false;
}

/* In 2D, the next time in 4D, ... and at last with every status: what is said
 * again to everybody may be what keeps them from hearing it. */
static void next_repeat(struct sx *core)
{
    uint64_t period = 2 * sx_pace(core);
    uint64_t most = max_u64(period, SX_STATUS_MS);
    for (uint32_t i = 0; i < core->retries && period < most; i++)
        period *= 2;
    period = min_u64(period, most);
    core->retry_ms =
        core->mono_ms + period + sx_random(core) % (period / 2 + 1);
}

void sx_repeat_soon(struct sx *core)
{
    core->retries = 0;
    if (core->retry_ms != 0)
        core->retry_ms =
            min_u64(core->retry_ms, core->mono_ms + 2 * sx_pace(core));
}

void sx_repeat(struct sx *core)
{
    struct sx_slot *slot = sx_slot_at(core, core->cur);
    bool spoken = has_spoken(slot);
    if (core->me < 0 || core->set.count == 1 || SX_MUTANT(NO_RETRY) ||
        sx_crowded(core) || (!spoken && tip_since(core) == NEVER))
        return;
    if (core->retry_ms == 0)
        next_repeat(core);
    if (core->mono_ms < core->retry_ms) {
        sx_wake(core, core->retry_ms);
        return;
    }
    repeat_tip(core);
    repeat_entry(core);
    if (spoken) {
        repeat_votes(core, slot);
        repeat_proposal(core, slot);
    }
    core->retries++;
    next_repeat(core);
    sx_wake(core, core->retry_ms);
}
