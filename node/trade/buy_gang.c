/* Tasks that run together or not at all, and copies that run apart. */

#include "node/trade/buy_item.h"

#include "base/check.h"

/* Has a contract of it been on its way to the chain? From then on a task that
 * is lost goes its own way. */
static bool has_begun(const struct buy_item *item)
{
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        const struct buy_task *t = &item->tasks[i];
        if (t->attempt > 0 ||
            (t->state >= BUY_OPENING && !buy_state_ended(t->state)) ||
            t->state == BUY_DONE || !hash_is_zero(&t->result))
            return true;
    }
    return false;
}

static uint32_t count_in(const struct buy_item *item, enum buy_state state)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < item->face.task_count; i++)
        count += item->tasks[i].state == state;
    return count;
}

static uint32_t least_of(const struct buy_item *item)
{
    return policy_least(&item->face.request.terms, item->face.task_count);
}

bool buy_may_open(const struct buy_item *item)
{
    return count_in(item, BUY_QUOTED) >= least_of(item) || has_begun(item);
}

void buy_open_quoted(struct buy *buy, struct buy_item *item)
{
    CHECK(item->face.approved);
    if (!buy_may_open(item))
        return;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        if (item->tasks[i].state == BUY_QUOTED)
            buy_open(buy, item, i);
    }
}

void buy_dissolve(struct buy *buy, struct buy_item *item)
{
    uint32_t least = least_of(item);
    uint32_t held = count_in(item, BUY_HOLDING) + count_in(item, BUY_QUOTED);
    if (held == 0 || held >= least || has_begun(item))
        return;
    for (uint32_t i = 0; i < item->face.task_count; i++) {
        enum buy_state state = item->tasks[i].state;
        if (state != BUY_HOLDING && state != BUY_QUOTED)
            continue;
        buy_let_go(buy, item, i);
        buy_reason(buy, item, i, ERR_NO_OFFER,
                   "there is a place for %u of the %u tasks that must run "
                   "together; all wait",
                   held, least);
        buy_move(buy, item, i, BUY_WAITING);
    }
}

/* ---- copies ---- */

static bool has_copy_there(const struct buy_item *item, uint32_t task,
                           const struct pubkey *provider)
{
    uint32_t count = item->face.task_count;
    uint32_t apart = count / policy_copies(&item->face.request.terms);
    for (uint32_t i = task % apart; i < count; i += apart) {
        if (i != task && item->tasks[i].state != BUY_WAITING &&
            pubkey_equal(&item->tasks[i].provider, provider))
            return true;
    }
    return false;
}

/* The next copy of the same work behind `task`; `task` itself at the end. */
static uint32_t next_copy(const struct buy_item *item, uint32_t first,
                          uint32_t after)
{
    uint32_t count = item->face.task_count;
    uint32_t apart = count / policy_copies(&item->face.request.terms);
    CHECK(apart > 0);
    return after + apart < count ? after + apart : first % apart;
}

static bool one_is_enough(const struct buy_item *item)
{
    const struct policy_terms *terms = &item->face.request.terms;
    return terms->down_ppb > 0 && policy_copies(terms) > 1;
}

bool buy_copy_is_done(const struct buy_item *item, uint32_t task)
{
    uint32_t i = task;
    if (!one_is_enough(item))
        return item->tasks[task].state == BUY_DONE;
    do {
        if (item->tasks[i].state == BUY_DONE)
            return true;
        i = next_copy(item, task, i);
    } while (i != task);
    return false;
}

bool buy_enough_is_done(const struct buy_item *item)
{
    uint32_t apart =
        item->face.task_count / policy_copies(&item->face.request.terms);
    if (!one_is_enough(item))
        return false;
    for (uint32_t work = 0; work < apart; work++) {
        if (!buy_copy_is_done(item, work))
            return false;
    }
    return true;
}

void buy_spare_copies(struct buy *buy, struct buy_item *item, uint32_t task)
{
    if (!one_is_enough(item))
        return;
    for (uint32_t i = next_copy(item, task, task); i != task;
         i = next_copy(item, task, i))
        (void)buy_item_cancel(buy, item, i);
}

uint32_t buy_next_for(const struct buy_item *item, uint32_t from,
                      const struct pubkey *provider)
{
    uint32_t task = from;
    while (task < item->face.task_count &&
           (item->tasks[task].state != BUY_WAITING ||
            has_copy_there(item, task, provider)))
        task++;
    return task;
}

bool buy_copy_waits(const struct buy_item *item, uint32_t task)
{
    for (uint32_t i = next_copy(item, task, task); i != task;
         i = next_copy(item, task, i)) {
        if (item->tasks[i].state == BUY_WAITING)
            return true;
    }
    return false;
}
