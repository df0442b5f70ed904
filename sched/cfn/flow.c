#include "sched/cfn/flow.h"

#include <stdlib.h>

#include "base/check.h"

#define KEY_LEN 38u /* service, client, two ports, protocol, scope */

struct flow_slot {
    uint8_t key[KEY_LEN];
    uint32_t next; /* of the chain by hash, or of the free ones */
    uint32_t older;
    uint32_t newer;
    uint64_t hash;
    uint64_t until_ms;
    struct service_ref ref;
};

enum err flow_table_init(struct flow_table *table, uint32_t count_max,
                         uint64_t affinity_ms,
                         const uint8_t secret[SHORT_HASH_KEY_LEN])
{
    struct flow_table t = {.count_max = count_max, .affinity_ms = affinity_ms};
    uint32_t heads = 8;
    if (count_max == 0 || count_max > FLOW_COUNT_MAX || affinity_ms == 0)
        return ERR_RANGE;
    while (heads < count_max)
        heads *= 2;
    t.mask = heads - 1;
    memcpy(t.secret, secret, sizeof(t.secret));
    t.heads = calloc(heads, sizeof(*t.heads));
    t.slots = calloc((size_t)count_max + 1, sizeof(*t.slots));
    if (t.heads == NULL || t.slots == NULL) {
        flow_table_done(&t);
        return ERR_NOMEM;
    }
    for (uint32_t i = 1; i <= count_max; i++)
        t.slots[i].next = i < count_max ? i + 1 : 0;
    t.free = 1;
    *table = t;
    return OK;
}

void flow_table_done(struct flow_table *table)
{
    free(table->heads);
    free(table->slots);
    *table = (struct flow_table){0};
}

static void u16_put(uint8_t *out, uint16_t value)
{
    out[0] = (uint8_t)value;
    out[1] = (uint8_t)(value >> 8);
}

static void key_of(const struct flow_packet *p, enum flow_scope scope,
                   uint8_t key[KEY_LEN])
{
    memset(key, 0, KEY_LEN);
    memcpy(key, p->service.b, 16);
    memcpy(key + 16, p->client.b, 16);
    switch (scope) {
    case FLOW_TUPLE:
        u16_put(key + 32, p->client_port);
        u16_put(key + 34, p->service_port);
        key[36] = p->protocol;
        break;
    case FLOW_PORT:
        u16_put(key + 34, p->service_port);
        key[36] = p->protocol;
        break;
    case FLOW_CLIENT:
        break;
    }
    key[37] = (uint8_t)scope;
}

/* ---- the chain by age: slots[0].newer is the oldest ---- */

static void age_leave(struct flow_table *t, uint32_t at)
{
    struct flow_slot *s = &t->slots[at];
    t->slots[s->older].newer = s->newer;
    t->slots[s->newer].older = s->older;
}

static void age_join(struct flow_table *t, uint32_t at)
{
    struct flow_slot *s = &t->slots[at];
    s->older = t->slots[0].older;
    s->newer = 0;
    t->slots[s->older].newer = at;
    t->slots[0].older = at;
}

static void touch(struct flow_table *t, uint32_t at, uint64_t now_ms)
{
    age_leave(t, at);
    age_join(t, at);
    t->slots[at].until_ms = now_ms + t->affinity_ms;
}

/* ---- the chains by hash ---- */

static uint32_t find(const struct flow_table *t, uint64_t hash,
                     const uint8_t key[KEY_LEN])
{
    uint32_t at = t->heads[hash & t->mask];
    while (at != 0 && (t->slots[at].hash != hash ||
                       memcmp(t->slots[at].key, key, KEY_LEN) != 0))
        at = t->slots[at].next;
    return at;
}

static void drop(struct flow_table *t, struct service_table *services,
                 uint32_t at)
{
    struct flow_slot *s = &t->slots[at];
    uint32_t *link = &t->heads[s->hash & t->mask];
    while (*link != at)
        link = &t->slots[*link].next;
    *link = s->next;
    age_leave(t, at);
    service_end(services, s->ref);
    *s = (struct flow_slot){.next = t->free};
    t->free = at;
    CHECK(t->count > 0);
    t->count--;
}

/* 0: all that are kept live. */
static uint32_t take_slot(struct flow_table *t, struct service_table *services,
                          uint64_t now_ms)
{
    uint32_t oldest = t->slots[0].newer;
    if (t->free == 0 && t->slots[oldest].until_ms <= now_ms)
        drop(t, services, oldest);
    return t->free;
}

static void keep(struct flow_table *t, uint32_t at, uint64_t hash,
                 const uint8_t key[KEY_LEN], struct service_ref ref,
                 uint64_t now_ms)
{
    struct flow_slot *s = &t->slots[at];
    uint32_t *head = &t->heads[hash & t->mask];
    CHECK(at == t->free);
    t->free = s->next;
    memcpy(s->key, key, KEY_LEN);
    s->hash = hash;
    s->ref = ref;
    s->until_ms = now_ms + t->affinity_ms;
    s->next = *head;
    *head = at;
    age_join(t, at);
    t->count++;
}

/* ---- steering ---- */

static bool sticks(struct flow_table *t, const struct service_table *services,
                   uint32_t at, uint64_t now_ms, struct flow_way *out)
{
    const struct flow_slot *s = &t->slots[at];
    const struct service_instance *i;
    if (s->until_ms <= now_ms)
        return false;
    i = service_get(services, s->ref, now_ms);
    out->moved = i == NULL;
    if (i == NULL)
        return false;
    touch(t, at, now_ms);
    *out = (struct flow_way){.ref = s->ref, .instance = i};
    return true;
}

/* A flow that is not kept cannot be told from a new one. So for as long as one
 * may live, whatever is new goes by rendezvous, where it would have gone. */
static enum err choose(struct flow_table *t,
                       const struct service_table *services,
                       const struct select_rules *rules,
                       const struct service_id *service, uint64_t hash,
                       uint64_t now_ms, bool full, struct dice *dice,
                       struct select_choice *out)
{
    if (!full && now_ms >= t->unkept_until_ms)
        return select_instance(services, service, rules, hash, now_ms, dice,
                               out);
    TRY(select_rendezvous(services, service, t->secret, hash, now_ms, out));
    if (full)
        t->unkept_until_ms = now_ms + t->affinity_ms;
    return OK;
}

enum err flow_steer(struct flow_table *table, struct service_table *services,
                    const struct select_rules *rules,
                    const struct flow_packet *packet, enum flow_scope scope,
                    uint64_t now_ms, struct dice *dice, struct flow_way *out)
{
    uint8_t key[KEY_LEN];
    struct select_choice choice;
    struct flow_way way = {0};
    uint64_t hash;
    uint32_t at;
    key_of(packet, scope, key);
    hash = short_hash(table->secret, BYTES_OF(key));
    at = find(table, hash, key);
    if (at != 0 && sticks(table, services, at, now_ms, &way)) {
        *out = way;
        return OK;
    }
    if (at != 0)
        drop(table, services, at);
    at = take_slot(table, services, now_ms);
    TRY(choose(table, services, rules, &packet->service, hash, now_ms, at == 0,
               dice, &choice));
    if (at != 0) {
        keep(table, at, hash, key, choice.ref, now_ms);
        service_begin(services, choice.ref);
    }
    way = (struct flow_way){.ref = choice.ref,
                            .instance = choice.instance,
                            .fresh = true,
                            .moved = way.moved,
                            .unkept = at == 0};
    *out = way;
    return OK;
}

void flow_end(struct flow_table *table, struct service_table *services,
              const struct flow_packet *packet, enum flow_scope scope)
{
    uint8_t key[KEY_LEN];
    uint32_t at;
    key_of(packet, scope, key);
    at = find(table, short_hash(table->secret, BYTES_OF(key)), key);
    if (at != 0)
        drop(table, services, at);
}

uint32_t flow_sweep(struct flow_table *table, struct service_table *services,
                    uint64_t now_ms)
{
    uint32_t dropped = 0;
    uint32_t oldest;
    while ((oldest = table->slots[0].newer) != 0 &&
           table->slots[oldest].until_ms <= now_ms) {
        drop(table, services, oldest);
        dropped++;
    }
    return dropped;
}
