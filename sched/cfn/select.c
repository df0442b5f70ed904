#include "sched/cfn/select.h"

#include "base/check.h"

#define REQUESTS_MAX (INT64_C(1) << 26) /* the sum stays within 2^63 */
#define LIVE_MAX     0xffffu
#define SELECT_AHEAD 16u

_Static_assert(SELECT_CHOICES <= SELECT_EXACT_MAX, "drawing is for many");
_Static_assert(SERVICE_INSTANCES_MAX <= 256, "drawn with bytes");

const char *select_why_text(enum select_why why)
{
    switch (why) {
    case SELECT_FITS:
        return "may be taken";
    case SELECT_WITHDRAWN:
        return "withdrawn";
    case SELECT_EXPIRED:
        return "not told of for too long";
    case SELECT_NOT_KNOWN:
        return "delay not known, and a bound is stated";
    case SELECT_SLOW:
        return "slower than the bound";
    }
    CHECK(false);
    return "?";
}

void select_rules_init(struct select_rules *rules,
                       const uint8_t key[SHORT_HASH_KEY_LEN])
{
    *rules = (struct select_rules){.peers = 1, .nominal_permille = 2000};
    memcpy(rules->key, key, sizeof(rules->key));
}

/* ---- what one instance costs ---- */

/* Requests there, as told and as we know better. */
static uint64_t requests(const struct service_instance *i,
                         const struct select_rules *rules)
{
    int64_t told = i->told.metrics.of[METRIC_QUEUE].value;
    int64_t ours = (int64_t)i->live;
    int64_t more = ours - (int64_t)i->live_when_told;
    int64_t there = told + more * (int64_t)rules->peers;
    there = there > ours ? there : ours;
    return (uint64_t)(there < REQUESTS_MAX ? there : REQUESTS_MAX);
}

/* Flows of ours, and of those who do as we do. */
static uint64_t begun(const struct service_instance *i,
                      const struct select_rules *rules)
{
    uint64_t all = (uint64_t)i->live * rules->peers;
    return all < (uint64_t)REQUESTS_MAX ? all : (uint64_t)REQUESTS_MAX;
}

static uint64_t service_us(const struct service_instance *i,
                           const struct select_rules *rules)
{
    const struct metric *m = &i->told.metrics.of[METRIC_SERVICE];
    uint64_t us = m->value;
    return m->source == METRIC_NOMINAL ? us * rules->nominal_permille / 1000
                                       : us;
}

/* Unknown slots are one slot. */
static uint64_t wait_us(const struct service_instance *i,
                        const struct select_rules *rules, uint64_t us)
{
    const struct metrics *told = &i->told.metrics;
    uint64_t slots = told->of[METRIC_SLOTS].value;
    uint64_t load = told->of[METRIC_LOAD].value;
    slots = slots > 0 ? slots : 1;
    if (metric_known(told, METRIC_QUEUE))
        return requests(i, rules) * us / slots;
    load = load < METRIC_LOAD_MOST ? load : METRIC_LOAD_MOST;
    return us * load / (1000 - load) + begun(i, rules) * us / slots;
}

static void cost_known(const struct service_instance *i,
                       const struct select_rules *rules, uint32_t rtt_us,
                       struct select_cost *c)
{
    c->tier = 0;
    c->path_us = (rtt_us + 1) / 2;
    c->service_us = service_us(i, rules);
    c->wait_us = wait_us(i, rules, c->service_us);
    c->key = c->path_us + c->service_us + c->wait_us;
}

static bool delay_known(const struct metrics *m)
{
    return metric_known(m, METRIC_SERVICE) &&
           (metric_known(m, METRIC_QUEUE) || metric_known(m, METRIC_LOAD));
}

static uint64_t live_of(const struct service_instance *i)
{
    return i->live < LIVE_MAX ? i->live : LIVE_MAX;
}

static void cost_unknown(const struct service_instance *i, bool has_rtt,
                         uint32_t rtt_us, struct select_cost *c)
{
    uint64_t lack = 10 - i->told.metrics.of[METRIC_SCORE].value;
    bool scored = metric_known(&i->told.metrics, METRIC_SCORE) && has_rtt;
    c->tier = scored ? 1 : 2;
    c->path_us = has_rtt ? (rtt_us + 1) / 2 : 0;
    c->key = live_of(i) << 32 | (has_rtt ? c->path_us : UINT32_MAX);
    if (scored)
        c->key |= lack << 48;
}

enum select_why select_judge(const struct service_table *table,
                             const struct service_instance *instance,
                             const struct select_rules *rules, uint64_t now_ms,
                             struct select_cost *out_cost)
{
    struct select_cost c = {0};
    uint32_t rtt_us = 0;
    CHECK(rules->peers >= 1 && rules->peers <= SELECT_PEERS_MAX);
    CHECK(rules->nominal_permille >= 1000 && rules->nominal_permille <= 10000);
    if (instance->told.withdrawn)
        return SELECT_WITHDRAWN;
    if (!service_stands(instance, now_ms))
        return SELECT_EXPIRED;
    bool has_rtt = service_rtt(table, instance, now_ms, &rtt_us);
    if (has_rtt && delay_known(&instance->told.metrics))
        cost_known(instance, rules, rtt_us, &c);
    else if (rules->delay_us > 0)
        return SELECT_NOT_KNOWN;
    else
        cost_unknown(instance, has_rtt, rtt_us, &c);
    *out_cost = c;
    return rules->delay_us > 0 && c.key > rules->delay_us ? SELECT_SLOW
                                                          : SELECT_FITS;
}

int select_compare(const struct select_cost *a, const struct select_cost *b)
{
    if (a->tier != b->tier)
        return a->tier < b->tier ? -1 : 1;
    return (a->key > b->key) - (a->key < b->key);
}

/* ---- the choice ---- */

static uint64_t draw(const uint8_t key[SHORT_HASH_KEY_LEN], uint64_t flow,
                     const struct service_instance *i)
{
    uint8_t text[8 + sizeof(i->told.instance) + sizeof(i->told.egress)];
    u64le_put(text, flow);
    memcpy(text + 8, i->told.instance.b, sizeof(i->told.instance));
    memcpy(text + 8 + sizeof(i->told.instance), i->told.egress.b,
           sizeof(i->told.egress));
    return short_hash(key, BYTES_OF(text));
}

struct seen {
    const struct service_instance *instance;
    struct select_cost cost;
    uint64_t key; /* cost.key, and what others may be about to add */
};

struct search {
    const struct service_table *table;
    const struct service *service;
    const struct select_rules *rules;
    uint64_t flow;
    uint64_t now_ms;
    struct seen seen[SELECT_EXACT_MAX]; /* that may be */
    uint32_t count;
};

static void look_at(struct search *s, uint32_t position)
{
    struct seen *seen = &s->seen[s->count];
    CHECK(s->count < SELECT_EXACT_MAX);
    seen->instance = service_at(s->table, s->service, position);
    if (select_judge(s->table, seen->instance, s->rules, s->now_ms,
                     &seen->cost) != SELECT_FITS)
        return;
    seen->key = seen->cost.key;
    s->count++;
}

/* Draws without putting back until enough of those that may be were seen: one
 * that may be is found wherever it is. */
static void look_at_some(struct search *s, struct dice *dice)
{
    uint8_t left[SERVICE_INSTANCES_MAX];
    uint32_t count = s->service->count;
    for (uint32_t i = 0; i < count; i++)
        left[i] = (uint8_t)i;
    while (count > 0 && s->count < SELECT_CHOICES) {
        uint32_t at = (uint32_t)dice_below(dice, count);
        look_at(s, left[at]);
        left[at] = left[--count];
    }
}

/* The least of the known ones; the first of equals. */
static struct seen *least_known(struct search *s)
{
    struct seen *least = NULL;
    for (uint32_t i = 0; i < s->count; i++) {
        struct seen *seen = &s->seen[i];
        if (seen->cost.tier == 0 && (least == NULL || seen->key < least->key))
            least = seen;
    }
    return least;
}

/* Others are choosing, too, by much the same figures: of the next two flows of
 * `peers` ingresses, ours is any. Those before it are placed where they will
 * go, in at most SELECT_AHEAD steps. */
static void place_others(struct search *s, struct dice *dice)
{
    uint64_t ahead =
        s->rules->peers > 1 ? dice_below(dice, 2 * s->rules->peers) : 0;
    uint64_t steps = ahead < SELECT_AHEAD ? ahead : SELECT_AHEAD;
    for (uint64_t i = 0; i < steps; i++) {
        struct seen *seen = least_known(s);
        if (seen == NULL)
            return;
        const struct metric *of = seen->instance->told.metrics.of;
        uint64_t slots = of[METRIC_SLOTS].value;
        uint64_t flows = ahead / steps + (i < ahead % steps);
        seen->key += flows * seen->cost.service_us / (slots > 0 ? slots : 1);
    }
}

static bool better(const struct search *s, const struct seen *a,
                   const struct seen *b)
{
    if (a->cost.tier != b->cost.tier)
        return a->cost.tier < b->cost.tier;
    if (a->key != b->key)
        return a->key < b->key;
    return draw(s->rules->key, s->flow, a->instance) <
           draw(s->rules->key, s->flow, b->instance);
}

static enum err finish(const struct search *s, struct select_choice *out)
{
    const struct seen *best = &s->seen[0];
    if (s->count == 0)
        return ERR_CAPACITY;
    for (uint32_t i = 1; i < s->count; i++)
        best = better(s, &s->seen[i], best) ? &s->seen[i] : best;
    *out = (struct select_choice){.ref = service_ref(s->table, best->instance),
                                  .instance = best->instance,
                                  .cost = best->cost,
                                  .looked_at = s->count};
    return OK;
}

enum err select_instance(const struct service_table *table,
                         const struct service_id *service,
                         const struct select_rules *rules, uint64_t flow,
                         uint64_t now_ms, struct dice *dice,
                         struct select_choice *out)
{
    struct search s;
    s.table = table;
    s.service = service_find(table, service);
    s.rules = rules;
    s.flow = flow;
    s.now_ms = now_ms;
    s.count = 0;
    if (s.service == NULL)
        return ERR_NOT_FOUND;
    if (s.service->count > SELECT_EXACT_MAX)
        look_at_some(&s, dice);
    else
        for (uint32_t i = 0; i < s.service->count; i++)
            look_at(&s, i);
    place_others(&s, dice);
    return finish(&s, out);
}

enum err select_rendezvous(const struct service_table *table,
                           const struct service_id *service,
                           const uint8_t shared[SHORT_HASH_KEY_LEN],
                           uint64_t flow, uint64_t now_ms,
                           struct select_choice *out)
{
    const struct service *s = service_find(table, service);
    struct select_choice choice = {0};
    uint64_t best = 0;
    if (s == NULL)
        return ERR_NOT_FOUND;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct service_instance *instance = service_at(table, s, i);
        uint64_t hash = draw(shared, flow, instance);
        if (!service_stands(instance, now_ms))
            continue;
        choice.looked_at++;
        if (choice.instance == NULL || hash > best) {
            choice.instance = instance;
            best = hash;
        }
    }
    if (choice.instance == NULL)
        return ERR_CAPACITY;
    choice.ref = service_ref(table, choice.instance);
    *out = choice;
    return OK;
}
