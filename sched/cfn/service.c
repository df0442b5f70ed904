#include "sched/cfn/service.h"

#include <stdlib.h>

#include "base/check.h"

#define NONE       UINT32_MAX
#define PLACES_MAX (1u << 20)

static bool limits_hold(const struct service_limits *l)
{
    return l->services_max >= 1 && l->services_max <= PLACES_MAX &&
           l->instances_max >= 1 && l->instances_max <= PLACES_MAX &&
           l->egresses_max >= 1 && l->egresses_max <= PLACES_MAX &&
           l->egress_instances_max >= 1;
}

static void chain_places(struct service_table *t)
{
    for (uint32_t i = 0; i < t->limits.services_max; i++)
        t->services[i].next_free =
            i + 1 < t->limits.services_max ? i + 1 : NONE;
    for (uint32_t i = 0; i < t->limits.instances_max; i++)
        t->instances[i].next_free =
            i + 1 < t->limits.instances_max ? i + 1 : NONE;
    for (uint32_t i = 0; i < t->limits.egresses_max; i++)
        t->egresses[i].next_free =
            i + 1 < t->limits.egresses_max ? i + 1 : NONE;
}

enum err service_table_init(struct service_table *table,
                            const struct service_limits *limits,
                            const uint8_t secret[SHORT_HASH_KEY_LEN])
{
    struct service_table t = {.limits = *limits};
    enum err err;
    if (!limits_hold(limits))
        return ERR_RANGE;
    err = keymap_init(&t.service_map, limits->services_max, secret);
    if (err == OK)
        err = keymap_init(&t.egress_map, limits->egresses_max, secret);
    t.services = calloc(limits->services_max, sizeof(*t.services));
    t.instances = calloc(limits->instances_max, sizeof(*t.instances));
    t.egresses = calloc(limits->egresses_max, sizeof(*t.egresses));
    if (t.services == NULL || t.instances == NULL || t.egresses == NULL)
        err = ERR_NOMEM;
    if (err != OK) {
        service_table_done(&t);
        return err;
    }
    chain_places(&t);
    *table = t;
    return OK;
}

void service_table_done(struct service_table *table)
{
    keymap_done(&table->service_map);
    keymap_done(&table->egress_map);
    free(table->services);
    free(table->instances);
    free(table->egresses);
    *table = (struct service_table){0};
}

/* ---- places ---- */

static uint32_t find_service(const struct service_table *t,
                             const struct service_id *id)
{
    uint32_t at = NONE;
    (void)keymap_find(&t->service_map, id->b, &at);
    return at;
}

static uint32_t find_egress(const struct service_table *t,
                            const struct cfn_address *address)
{
    uint32_t at = NONE;
    (void)keymap_find(&t->egress_map, address->b, &at);
    return at;
}

/* A service has at most SERVICE_INSTANCES_MAX, so this is a short walk. */
static uint32_t find_instance(const struct service_table *t, uint32_t service,
                              const struct service_update *u)
{
    const struct service *s = &t->services[service];
    for (uint32_t i = 0; i < s->count; i++) {
        const struct service_update *told = &t->instances[s->at[i]].told;
        if (instance_id_equal(&told->instance, &u->instance) &&
            cfn_address_equal(&told->egress, &u->egress))
            return s->at[i];
    }
    return NONE;
}

static void drop_egress(struct service_table *t, uint32_t at)
{
    struct service_egress *e = &t->egresses[at];
    CHECK(e->count == 0);
    keymap_remove(&t->egress_map, e->address.b);
    *e = (struct service_egress){.next_free = t->egress_free};
    t->egress_free = at;
}

static void drop_service(struct service_table *t, uint32_t at)
{
    struct service *s = &t->services[at];
    CHECK(s->count == 0);
    keymap_remove(&t->service_map, s->id.b);
    s->next_free = t->service_free;
    t->service_free = at;
}

static void leave_service(struct service_table *t, uint32_t instance)
{
    uint32_t at = find_service(t, &t->instances[instance].told.service);
    struct service *s = &t->services[at];
    uint32_t i = 0;
    while (s->at[i] != instance)
        i++;
    CHECK(i < s->count);
    s->at[i] = s->at[--s->count];
    if (s->count == 0)
        drop_service(t, at);
}

static void drop_instance(struct service_table *t, uint32_t at, uint64_t now_ms)
{
    struct service_instance *i = &t->instances[at];
    struct service_egress *e = &t->egresses[i->egress];
    CHECK(i->used && e->count > 0);
    leave_service(t, at);
    e->count--;
    if (e->count == 0 && e->rtt_until_ms <= now_ms)
        drop_egress(t, i->egress);
    *i = (struct service_instance){.generation = i->generation + 1,
                                   .next_free = t->instance_free};
    t->instance_free = at;
    t->instance_count--;
}

/* The egress without instances whose distance is known for the shortest. */
static bool free_egress(struct service_table *t)
{
    uint32_t best = NONE;
    if (t->egress_free != NONE)
        return true;
    for (uint32_t i = 0; i < t->limits.egresses_max; i++) {
        const struct service_egress *e = &t->egresses[i];
        if (e->count == 0 &&
            (best == NONE || e->rtt_until_ms < t->egresses[best].rtt_until_ms))
            best = i;
    }
    if (best == NONE)
        return false;
    drop_egress(t, best);
    return true;
}

static uint32_t add_egress(struct service_table *t,
                           const struct cfn_address *address)
{
    uint32_t at;
    if (!free_egress(t))
        return NONE;
    at = t->egress_free;
    t->egress_free = t->egresses[at].next_free;
    t->egresses[at] = (struct service_egress){.address = *address};
    keymap_add(&t->egress_map, address->b, at);
    return at;
}

static uint32_t add_service(struct service_table *t,
                            const struct service_id *id)
{
    uint32_t at = t->service_free;
    CHECK(at != NONE);
    t->service_free = t->services[at].next_free;
    t->services[at].id = *id;
    t->services[at].count = 0;
    keymap_add(&t->service_map, id->b, at);
    return at;
}

/* ---- room ---- */

/* Whether an instance is only remembered, and giving it up helps: NONE for a
 * service or an egress is any. */
static bool gives_room(const struct service_table *t, uint32_t at,
                       const struct service_id *service, uint32_t egress,
                       uint64_t now_ms)
{
    const struct service_instance *i = &t->instances[at];
    return i->used && !service_stands(i, now_ms) &&
           (egress == NONE || i->egress == egress) &&
           (service == NULL || service_id_equal(&i->told.service, service));
}

static bool give_up_one(struct service_table *t,
                        const struct service_id *service, uint32_t egress,
                        uint64_t now_ms)
{
    uint32_t best = NONE;
    for (uint32_t i = 0; i < t->limits.instances_max; i++) {
        if (gives_room(t, i, service, egress, now_ms) &&
            (best == NONE ||
             t->instances[i].forget_at_ms < t->instances[best].forget_at_ms))
            best = i;
    }
    if (best == NONE)
        return false;
    drop_instance(t, best, now_ms);
    return true;
}

/* A service whose instances are all gone makes room for another service. */
static bool give_up_service(struct service_table *t, uint64_t now_ms)
{
    for (uint32_t i = 0; i < t->limits.instances_max; i++) {
        const struct service_instance *instance = &t->instances[i];
        const struct service *s;
        bool stands = false;
        if (!gives_room(t, i, NULL, NONE, now_ms))
            continue;
        s = &t->services[find_service(t, &instance->told.service)];
        for (uint32_t k = 0; k < s->count; k++)
            stands = stands || service_stands(&t->instances[s->at[k]], now_ms);
        if (stands)
            continue;
        for (uint32_t left = s->count; left > 0; left--)
            drop_instance(t, s->at[left - 1], now_ms);
        return true;
    }
    return false;
}

/* Each bound in turn; what is given up for one helps with the next. */
static bool make_room(struct service_table *t, const struct service_update *u,
                      uint64_t now_ms)
{
    uint32_t egress = find_egress(t, &u->egress);
    uint32_t service = find_service(t, &u->service);
    if (egress != NONE &&
        t->egresses[egress].count >= t->limits.egress_instances_max &&
        !give_up_one(t, NULL, egress, now_ms))
        return false;
    if (service != NONE &&
        t->services[service].count == SERVICE_INSTANCES_MAX &&
        !give_up_one(t, &u->service, NONE, now_ms))
        return false;
    if (t->instance_free == NONE && !give_up_one(t, NULL, NONE, now_ms))
        return false;
    return find_service(t, &u->service) != NONE || t->service_free != NONE ||
           give_up_service(t, now_ms);
}

/* ---- updates ---- */

static enum err check(const struct service_update *u)
{
    if (u->seq == 0 || u->seq == UINT64_MAX)
        return ERR_RANGE;
    if (u->life_ms > SERVICE_LIFE_MAX_MS)
        return ERR_RANGE;
    if (!u->withdrawn)
        TRY(metrics_check(&u->metrics));
    return u->life_ms == 0 ? ERR_EXPIRED : OK;
}

static void take(struct service_instance *i, const struct service_update *u,
                 uint64_t now_ms)
{
    uint64_t ends_ms = now_ms + u->life_ms;
    if (i->used && (u->withdrawn || !service_stands(i, now_ms))) {
        i->generation++;
        i->live = 0;
    }
    i->told = *u;
    i->live_when_told = i->live;
    i->expires_at_ms = u->withdrawn ? now_ms : ends_ms;
    i->forget_at_ms = u->withdrawn ? ends_ms : ends_ms + SERVICE_LIFE_MAX_MS;
    i->used = true;
}

static enum err add(struct service_table *t, const struct service_update *u,
                    uint64_t now_ms)
{
    struct service_instance *i;
    uint32_t egress;
    uint32_t at;
    struct service *s;
    if (!make_room(t, u, now_ms))
        return ERR_CAPACITY;
    egress = find_egress(t, &u->egress);
    if (egress == NONE)
        egress = add_egress(t, &u->egress);
    if (egress == NONE)
        return ERR_CAPACITY;
    at = find_service(t, &u->service);
    s = &t->services[at != NONE ? at : add_service(t, &u->service)];
    at = t->instance_free;
    CHECK(at != NONE && s->count < SERVICE_INSTANCES_MAX);
    i = &t->instances[at];
    t->instance_free = i->next_free;
    t->instance_count++;
    s->at[s->count++] = at;
    t->egresses[egress].count++;
    i->egress = egress;
    take(i, u, now_ms);
    return OK;
}

enum err service_hear(struct service_table *table,
                      const struct service_update *update, uint64_t now_ms)
{
    uint32_t service;
    uint32_t at = NONE;
    TRY(check(update));
    service = find_service(table, &update->service);
    if (service != NONE)
        at = find_instance(table, service, update);
    if (at == NONE)
        return add(table, update, now_ms);
    if (update->seq <= table->instances[at].told.seq)
        return ERR_EXISTS;
    take(&table->instances[at], update, now_ms);
    return OK;
}

enum err service_set_rtt(struct service_table *table,
                         const struct cfn_address *egress, uint32_t rtt_us,
                         uint64_t until_ms, uint64_t now_ms)
{
    uint32_t at;
    if (rtt_us > SERVICE_RTT_US_MAX || until_ms <= now_ms)
        return ERR_RANGE;
    at = find_egress(table, egress);
    if (at == NONE)
        at = add_egress(table, egress);
    if (at == NONE)
        return ERR_CAPACITY;
    table->egresses[at].rtt_us = rtt_us;
    table->egresses[at].rtt_until_ms = until_ms;
    return OK;
}

uint32_t service_sweep(struct service_table *table, uint64_t now_ms)
{
    uint32_t dropped = 0;
    for (uint32_t i = 0; i < table->limits.instances_max; i++) {
        const struct service_instance *instance = &table->instances[i];
        if (instance->used && instance->forget_at_ms <= now_ms) {
            drop_instance(table, i, now_ms);
            dropped++;
        }
    }
    return dropped;
}

/* ---- looking ---- */

const struct service *service_find(const struct service_table *table,
                                   const struct service_id *id)
{
    uint32_t at = find_service(table, id);
    return at == NONE ? NULL : &table->services[at];
}

const struct service_instance *service_at(const struct service_table *table,
                                          const struct service *service,
                                          uint32_t i)
{
    CHECK(i < service->count);
    return &table->instances[service->at[i]];
}

bool service_rtt(const struct service_table *table,
                 const struct service_instance *instance, uint64_t now_ms,
                 uint32_t *out_us)
{
    const struct service_egress *e = &table->egresses[instance->egress];
    if (e->rtt_until_ms <= now_ms)
        return false;
    *out_us = e->rtt_us;
    return true;
}

struct service_ref service_ref(const struct service_table *table,
                               const struct service_instance *instance)
{
    ptrdiff_t index = instance - table->instances;
    CHECK(index >= 0 && index < (ptrdiff_t)table->limits.instances_max);
    return (struct service_ref){(uint32_t)index, instance->generation};
}

static struct service_instance *instance_of(const struct service_table *t,
                                            struct service_ref ref)
{
    struct service_instance *i;
    CHECK(ref.index < t->limits.instances_max);
    i = &t->instances[ref.index];
    return i->used && i->generation == ref.generation ? i : NULL;
}

const struct service_instance *service_get(const struct service_table *table,
                                           struct service_ref ref,
                                           uint64_t now_ms)
{
    const struct service_instance *i = instance_of(table, ref);
    return i != NULL && service_stands(i, now_ms) ? i : NULL;
}

void service_begin(struct service_table *table, struct service_ref ref)
{
    struct service_instance *i = instance_of(table, ref);
    if (i != NULL && i->live < UINT32_MAX)
        i->live++;
}

void service_end(struct service_table *table, struct service_ref ref)
{
    struct service_instance *i = instance_of(table, ref);
    if (i != NULL && i->live > 0)
        i->live--;
}

bool service_next(const struct service_table *table, uint64_t now_ms,
                  uint32_t *at, struct service_update *out)
{
    for (; *at < table->limits.instances_max; (*at)++) {
        const struct service_instance *i = &table->instances[*at];
        uint64_t ends_ms =
            i->told.withdrawn ? i->forget_at_ms : i->expires_at_ms;
        if (!i->used || ends_ms <= now_ms)
            continue;
        *out = i->told;
        out->life_ms = (uint32_t)(ends_ms - now_ms);
        (*at)++;
        return true;
    }
    return false;
}
