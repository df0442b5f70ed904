#include "sched/queue/backfill.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define JOBS_MAX  (1u << 28)
#define NO_TICKET UINT32_MAX

enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_RUNNING };

struct slot {
    struct backfill_job job;
    uint64_t at_ms; /* running: its start; waiting: promised, or NEVER */
    enum slot_state state;
    uint32_t next_free;
};

struct rule {
    enum backfill_rule rule;
    const char *name;
    bool shortest_first; /* the order of the queue; else of arrival */
    void (*decide)(struct backfill *backfill);
};

struct backfill {
    const struct rule *rule;
    struct profile profile; /* of what runs, and what is reserved */
    struct slot *slots;
    uint32_t slot_count;
    uint32_t slot_cap;
    uint32_t jobs_max;
    uint32_t free_slot;
    uint32_t *queue;  /* tickets; as many as slots */
    uint32_t *starts; /* likewise */
    uint32_t waiting;
    uint32_t start_count;
    struct portion used; /* by what runs */
    uint64_t now_ms;
    uint64_t wake_ms;
    bool has_gap; /* something ended early since the last decision */
};

/* ---- parts ---- */

static uint64_t end_of(uint64_t at_ms, uint64_t limit_ms)
{
    return limit_ms > PROFILE_NEVER - at_ms ? PROFILE_NEVER : at_ms + limit_ms;
}

static bool fits_now(const struct backfill *b, const struct slot *slot)
{
    return profile_fits(&b->profile, &slot->job.want, b->now_ms,
                        slot->job.limit_ms);
}

/* Memory for it is there (take_slot), and that it fits is known. */
static void reserve(struct backfill *b, const struct slot *slot, uint64_t at_ms)
{
    enum err err = profile_reserve(&b->profile, &slot->job.want, at_ms,
                                   end_of(at_ms, slot->job.limit_ms));
    CHECK(err == OK);
}

static void release(struct backfill *b, const struct slot *slot, uint64_t at_ms)
{
    enum err err = profile_release(&b->profile, &slot->job.want, at_ms,
                                   end_of(at_ms, slot->job.limit_ms));
    CHECK(err == OK);
}

/* The earliest moment for it; NEVER where something runs without end. */
static uint64_t earliest(const struct backfill *b, const struct slot *slot)
{
    uint64_t at_ms = PROFILE_NEVER;
    enum err err = profile_find(&b->profile, &slot->job.want,
                                slot->job.limit_ms, b->now_ms, &at_ms);
    CHECK(err == OK || err == ERR_CAPACITY);
    CHECK(at_ms <= slot->at_ms); /* a promise does not get later */
    return at_ms;
}

/* What it wants is reserved from now on; it leaves the queue when the decision
 * is made. */
static void start(struct backfill *b, uint32_t ticket)
{
    struct slot *slot = &b->slots[ticket];
    CHECK(slot->state == SLOT_WAITING);
    CHECK(slot->at_ms >= b->now_ms); /* nobody starts later than promised */
    slot->state = SLOT_RUNNING;
    slot->at_ms = b->now_ms;
    b->used.units += slot->job.want.units;
    b->used.mem_mib += slot->job.want.mem_mib;
    CHECK(portion_covers(&b->profile.total, &b->used));
    b->starts[b->start_count++] = ticket;
}

/* ---- rules ---- */

/* Starts from the front until one does not fit: how many. */
static uint32_t start_in_order(struct backfill *b)
{
    uint32_t i = 0;
    while (i < b->waiting && fits_now(b, &b->slots[b->queue[i]])) {
        reserve(b, &b->slots[b->queue[i]], b->now_ms);
        start(b, b->queue[i++]);
    }
    return i;
}

static void decide_in_order(struct backfill *b)
{
    (void)start_in_order(b);
}

/* While the head's reservation stands, whoever fits now does not delay it. */
static void fill_behind(struct backfill *b, uint32_t first)
{
    for (uint32_t i = first; i < b->waiting; i++) {
        struct slot *slot = &b->slots[b->queue[i]];
        if (!fits_now(b, slot))
            continue;
        reserve(b, slot, b->now_ms);
        start(b, b->queue[i]);
    }
}

static void decide_easy(struct backfill *b)
{
    struct slot *head;
    uint32_t started = start_in_order(b);
    if (started == b->waiting)
        return;
    head = &b->slots[b->queue[started]];
    head->at_ms = earliest(b, head);
    CHECK(head->at_ms > b->now_ms);
    b->wake_ms = head->at_ms;
    if (head->at_ms != PROFILE_NEVER)
        reserve(b, head, head->at_ms);
    fill_behind(b, started + 1);
    if (head->at_ms != PROFILE_NEVER)
        release(b, head, head->at_ms);
}

/* Its reservation, the first or an earlier one. */
static void plan(struct backfill *b, struct slot *slot)
{
    if (slot->at_ms != PROFILE_NEVER)
        release(b, slot, slot->at_ms);
    slot->at_ms = earliest(b, slot);
    if (slot->at_ms != PROFILE_NEVER)
        reserve(b, slot, slot->at_ms);
}

static void decide_conservative(struct backfill *b)
{
    for (uint32_t i = 0; i < b->waiting; i++) {
        struct slot *slot = &b->slots[b->queue[i]];
        if (b->has_gap || slot->at_ms == PROFILE_NEVER)
            plan(b, slot);
        if (slot->at_ms == b->now_ms)
            start(b, b->queue[i]);
        else if (slot->at_ms < b->wake_ms)
            b->wake_ms = slot->at_ms;
    }
}

static const struct rule rules[] = {
    {BACKFILL_FCFS, "fcfs", false, decide_in_order},
    {BACKFILL_EASY, "easy", false, decide_easy},
    {BACKFILL_CONSERVATIVE, "conservative", false, decide_conservative},
    {BACKFILL_SJF, "sjf", true, decide_in_order},
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

static const struct rule *rule_of(enum backfill_rule rule)
{
    for (size_t i = 0; i < RULES; i++) {
        if (rules[i].rule == rule)
            return &rules[i];
    }
    return NULL;
}

const char *backfill_rule_text(enum backfill_rule rule)
{
    const struct rule *row = rule_of(rule);
    return row == NULL ? "?" : row->name;
}

enum err backfill_rule_parse(const char *text, enum backfill_rule *out)
{
    for (size_t i = 0; i < RULES; i++) {
        if (strcmp(text, rules[i].name) == 0) {
            *out = rules[i].rule;
            return OK;
        }
    }
    return ERR_PARSE;
}

enum backfill_rule backfill_rule_nth(size_t i)
{
    return i < RULES ? rules[i].rule : 0;
}

/* ---- life ---- */

enum err backfill_new(enum backfill_rule rule, const struct portion *total,
                      uint64_t now_ms, uint32_t jobs_max, struct backfill **out)
{
    struct backfill *b;
    enum err err;
    CHECK(rule_of(rule) != NULL);
    if ((total->units == 0 && total->mem_mib == 0) || jobs_max == 0 ||
        jobs_max > JOBS_MAX)
        return ERR_RANGE;
    b = calloc(1, sizeof(*b));
    if (b == NULL)
        return ERR_NOMEM;
    b->rule = rule_of(rule);
    b->jobs_max = jobs_max;
    b->free_slot = NO_TICKET;
    b->now_ms = now_ms;
    b->wake_ms = PROFILE_NEVER;
    err = profile_init(&b->profile, total, now_ms, jobs_max);
    if (err != OK) {
        free(b);
        return err;
    }
    *out = b;
    return OK;
}

void backfill_free(struct backfill *backfill)
{
    if (backfill == NULL)
        return;
    profile_done(&backfill->profile);
    free(backfill->slots);
    free(backfill->queue);
    free(backfill->starts);
    free(backfill);
}

static bool grow_list(uint32_t **list, uint32_t cap)
{
    uint32_t *more = realloc(*list, cap * sizeof(*more));
    if (more == NULL)
        return false;
    *list = more;
    return true;
}

static enum err grow(struct backfill *b)
{
    uint32_t cap = b->slot_cap == 0 ? 16 : 2 * b->slot_cap;
    struct slot *slots;
    if (b->slot_count < b->slot_cap)
        return OK;
    if (cap > b->jobs_max)
        cap = b->jobs_max;
    if (cap == b->slot_cap)
        return ERR_TOO_LARGE;
    slots = realloc(b->slots, cap * sizeof(*slots));
    if (slots == NULL)
        return ERR_NOMEM;
    b->slots = slots;
    TRY(profile_expect(&b->profile, cap));
    if (!grow_list(&b->queue, cap) || !grow_list(&b->starts, cap))
        return ERR_NOMEM;
    b->slot_cap = cap;
    return OK;
}

static enum err take_slot(struct backfill *b, uint32_t *out_ticket)
{
    if (b->free_slot == NO_TICKET) {
        TRY(grow(b));
        *out_ticket = b->slot_count++;
    } else {
        *out_ticket = b->free_slot;
        b->free_slot = b->slots[b->free_slot].next_free;
    }
    return OK;
}

static void free_slot(struct backfill *b, uint32_t ticket)
{
    b->slots[ticket] =
        (struct slot){.state = SLOT_FREE, .next_free = b->free_slot};
    b->free_slot = ticket;
}

static bool is_time(const struct backfill *b, uint64_t now_ms)
{
    return now_ms >= b->now_ms && now_ms <= b->wake_ms;
}

static void move_to(struct backfill *b, uint64_t now_ms)
{
    b->now_ms = now_ms;
    b->start_count = 0;
    profile_forward(&b->profile, now_ms);
}

/* ---- what it is told ---- */

/* Behind all that go before it. */
static void enqueue(struct backfill *b, uint32_t ticket)
{
    uint32_t low = b->rule->shortest_first ? 0 : b->waiting;
    uint32_t high = b->waiting;
    uint64_t limit_ms = b->slots[ticket].job.limit_ms;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (b->slots[b->queue[mid]].job.limit_ms <= limit_ms)
            low = mid + 1;
        else
            high = mid;
    }
    memmove(&b->queue[low + 1], &b->queue[low],
            (b->waiting - low) * sizeof(*b->queue));
    b->queue[low] = ticket;
    b->waiting++;
}

enum err backfill_arrive(struct backfill *backfill,
                         const struct backfill_job *job, uint64_t now_ms,
                         uint32_t *out_ticket)
{
    uint32_t ticket;
    if (!is_time(backfill, now_ms) || job->limit_ms == 0 ||
        (job->want.units == 0 && job->want.mem_mib == 0))
        return ERR_RANGE;
    if (!portion_covers(&backfill->profile.total, &job->want))
        return ERR_CAPACITY;
    TRY(take_slot(backfill, &ticket));
    move_to(backfill, now_ms);
    backfill->slots[ticket] = (struct slot){
        .job = *job, .at_ms = PROFILE_NEVER, .state = SLOT_WAITING};
    enqueue(backfill, ticket);
    *out_ticket = ticket;
    return OK;
}

static void withdraw(struct backfill *b, uint32_t ticket)
{
    uint32_t i = 0;
    while (i < b->waiting && b->queue[i] != ticket)
        i++;
    CHECK(i < b->waiting);
    memmove(&b->queue[i], &b->queue[i + 1],
            (b->waiting - i - 1) * sizeof(*b->queue));
    b->waiting--;
}

enum err backfill_end(struct backfill *backfill, uint32_t ticket,
                      uint64_t now_ms)
{
    struct slot *slot;
    uint64_t end_ms;
    bool is_reserved;
    if (!is_time(backfill, now_ms))
        return ERR_RANGE;
    if (ticket >= backfill->slot_count ||
        backfill->slots[ticket].state == SLOT_FREE)
        return ERR_NOT_FOUND;
    slot = &backfill->slots[ticket];
    move_to(backfill, now_ms);
    is_reserved = slot->state == SLOT_RUNNING ||
                  (backfill->rule->rule == BACKFILL_CONSERVATIVE &&
                   slot->at_ms != PROFILE_NEVER);
    end_ms = is_reserved ? end_of(slot->at_ms, slot->job.limit_ms) : 0;
    if (end_ms > now_ms) {
        release(backfill, slot, slot->at_ms);
        backfill->has_gap = true;
    }
    if (slot->state == SLOT_RUNNING) {
        backfill->used.units -= slot->job.want.units;
        backfill->used.mem_mib -= slot->job.want.mem_mib;
    } else {
        withdraw(backfill, ticket);
    }
    free_slot(backfill, ticket);
    return OK;
}

/* What runs is all that is taken now, but for a reservation that begins. */
static bool is_told_all(const struct backfill *b)
{
    struct portion free = profile_free_at(&b->profile, b->now_ms);
    return free.units + b->used.units <= b->profile.total.units &&
           free.mem_mib + b->used.mem_mib <= b->profile.total.mem_mib;
}

static void leave_queue(struct backfill *b)
{
    uint32_t kept = 0;
    if (b->start_count == 0)
        return;
    for (uint32_t i = 0; i < b->waiting; i++) {
        if (b->slots[b->queue[i]].state == SLOT_WAITING)
            b->queue[kept++] = b->queue[i];
    }
    CHECK(kept + b->start_count == b->waiting);
    b->waiting = kept;
}

enum err backfill_decide(struct backfill *backfill, uint64_t now_ms,
                         struct backfill_answer *out)
{
    if (!is_time(backfill, now_ms))
        return ERR_RANGE;
    move_to(backfill, now_ms);
    if (!is_told_all(backfill))
        return ERR_RANGE;
    backfill->wake_ms = PROFILE_NEVER;
    backfill->rule->decide(backfill);
    backfill->has_gap = false;
    leave_queue(backfill);
    *out = (struct backfill_answer){backfill->starts, backfill->start_count,
                                    backfill->wake_ms};
    return OK;
}

/* ---- questions ---- */

uint32_t backfill_waiting(const struct backfill *backfill)
{
    return backfill->waiting;
}

enum err backfill_nth(const struct backfill *backfill, uint32_t i,
                      uint32_t *out_ticket)
{
    if (i >= backfill->waiting)
        return ERR_NOT_FOUND;
    *out_ticket = backfill->queue[i];
    return OK;
}

enum err backfill_promise(const struct backfill *backfill, uint32_t ticket,
                          uint64_t *out_ms)
{
    if (ticket >= backfill->slot_count ||
        backfill->slots[ticket].state != SLOT_WAITING)
        return ERR_NOT_FOUND;
    *out_ms = backfill->slots[ticket].at_ms;
    return OK;
}
