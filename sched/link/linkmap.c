#include "sched/link/linkmap.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define NONE UINT32_MAX

/* One node that states something: its rows in the order of their keys. */
struct origin {
    struct pubkey key;
    uint64_t version;
    uint64_t until_ms;  /* the statement stands */
    uint64_t forget_ms; /* its version, too */
    enum linkmap_standing standing;
    uint32_t count;
    struct linkmap_row *rows;
};

struct linkmap {
    struct linkmap_config config;
    struct origin *origins; /* [0] is ours, the others in no order */
    uint32_t count;         /* ours included */
    uint32_t *slots;        /* open addressing by the keyed hash; NONE: empty */
    uint32_t mask;
};

enum err linkmap_new(const struct linkmap_config *config, struct linkmap **out)
{
    struct linkmap *map;
    uint32_t slots = 8;
    if (config->origins_max < 1 || config->origins_max > LINKMAP_ORIGINS_MAX ||
        config->rows_max < 1 || config->rows_max > LINKMAP_ROWS_MAX)
        return ERR_RANGE;
    while (slots < 2 * config->origins_max)
        slots *= 2;
    map = calloc(1, sizeof(*map));
    if (map == NULL)
        return ERR_NOMEM;
    map->config = *config;
    map->mask = slots - 1;
    map->origins = calloc(config->origins_max + 1, sizeof(*map->origins));
    map->slots = malloc(slots * sizeof(*map->slots));
    if (map->origins == NULL || map->slots == NULL) {
        linkmap_free(map);
        return ERR_NOMEM;
    }
    memset(map->slots, 0xff, slots * sizeof(*map->slots));
    map->origins[0].key = config->self;
    map->origins[0].standing = LINKMAP_SELF;
    map->count = 1;
    *out = map;
    return OK;
}

void linkmap_free(struct linkmap *map)
{
    if (map == NULL)
        return;
    for (uint32_t i = 0; map->origins != NULL && i < map->count; i++)
        free(map->origins[i].rows);
    free(map->origins);
    free(map->slots);
    free(map);
}

/* ---- who states ---- */

static uint32_t home_of(const struct linkmap *map, const struct pubkey *key)
{
    return (uint32_t)short_hash(map->config.key, BYTES_OF(key->b)) & map->mask;
}

/* Where the key stands, or the empty slot where it would: at most half of them
 * are in use. */
static uint32_t slot_of(const struct linkmap *map, const struct pubkey *key)
{
    uint32_t at = home_of(map, key);
    while (map->slots[at] != NONE &&
           !pubkey_equal(&map->origins[map->slots[at]].key, key))
        at = (at + 1) & map->mask;
    return at;
}

static uint32_t find(const struct linkmap *map, const struct pubkey *key)
{
    if (pubkey_equal(key, &map->config.self))
        return 0;
    return map->slots[slot_of(map, key)];
}

/* Whoever stands behind the hole and was pushed past it moves into it. */
static void slot_clear(struct linkmap *map, uint32_t hole)
{
    for (uint32_t at = (hole + 1) & map->mask; map->slots[at] != NONE;
         at = (at + 1) & map->mask) {
        uint32_t home = home_of(map, &map->origins[map->slots[at]].key);
        if (((at - home) & map->mask) >= ((at - hole) & map->mask)) {
            map->slots[hole] = map->slots[at];
            hole = at;
        }
    }
    map->slots[hole] = NONE;
}

/* The last takes the place of the one that goes. */
static void drop(struct linkmap *map, uint32_t at)
{
    uint32_t last = map->count - 1;
    CHECK(at > 0 && at <= last);
    slot_clear(map, slot_of(map, &map->origins[at].key));
    free(map->origins[at].rows);
    if (at != last) {
        map->slots[slot_of(map, &map->origins[last].key)] = at;
        map->origins[at] = map->origins[last];
    }
    map->origins[last] = (struct origin){0};
    map->count--;
}

static bool stands(const struct origin *origin, uint64_t now_ms)
{
    return origin->rows != NULL && now_ms < origin->until_ms;
}

/* Who gives way to a newcomer: a statement that has lapsed, the one forgotten
 * first; else the lowest standing below the newcomer's, first to lapse. */
static uint32_t victim(const struct linkmap *map,
                       enum linkmap_standing standing, uint64_t now_ms)
{
    uint32_t best = NONE;
    bool best_stands = false;
    for (uint32_t i = 1; i < map->count; i++) {
        const struct origin *o = &map->origins[i];
        const struct origin *b = best == NONE ? NULL : &map->origins[best];
        bool live = stands(o, now_ms);
        if (live && o->standing >= standing)
            continue;
        if (b == NULL || (best_stands && !live) ||
            (best_stands == live &&
             (o->standing < b->standing ||
              (o->standing == b->standing && o->forget_ms < b->forget_ms)))) {
            best = i;
            best_stands = live;
        }
    }
    return best;
}

static enum err place_for(struct linkmap *map,
                          const struct linkmap_statement *s, uint64_t now_ms,
                          uint32_t *out)
{
    uint32_t at = find(map, &s->origin);
    if (at == NONE && map->count > map->config.origins_max) {
        uint32_t gone = victim(map, s->standing, now_ms);
        if (gone == NONE)
            return ERR_CAPACITY;
        drop(map, gone);
    }
    if (at == NONE) {
        at = map->count++;
        map->origins[at] = (struct origin){.key = s->origin};
        map->slots[slot_of(map, &s->origin)] = at;
    }
    *out = at;
    return OK;
}

/* ---- statements ---- */

static int row_order(const void *a, const void *b)
{
    const struct linkmap_row *x = a;
    const struct linkmap_row *y = b;
    return pubkey_compare(&x->peer, &y->peer);
}

static enum err rows_form(const struct linkmap_statement *s,
                          const struct linkmap_row *sorted)
{
    for (uint32_t i = 0; i < s->count; i++) {
        if (pubkey_equal(&sorted[i].peer, &s->origin) ||
            (i > 0 && pubkey_equal(&sorted[i].peer, &sorted[i - 1].peer)))
            return ERR_RANGE;
        TRY(link_form(&sorted[i].link));
    }
    return OK;
}

bool linkmap_heard(const struct linkmap *map, const struct pubkey *origin,
                   uint64_t version)
{
    uint32_t at = find(map, origin);
    return at != NONE && version <= map->origins[at].version;
}

static enum err put_rows(struct linkmap *map, const struct linkmap_statement *s,
                         struct linkmap_row *rows, uint64_t now_ms)
{
    uint32_t at = 0;
    struct origin *o;
    TRY(rows_form(s, rows));
    if (linkmap_heard(map, &s->origin, s->version))
        return ERR_EXISTS;
    TRY(place_for(map, s, now_ms, &at));
    o = &map->origins[at];
    free(o->rows);
    o->rows = rows;
    o->count = s->count;
    o->version = s->version;
    o->standing = at == 0 ? LINKMAP_SELF : s->standing;
    o->until_ms = now_ms + s->life_ms;
    o->forget_ms = o->until_ms + LINKMAP_LIFE_MAX_MS;
    return OK;
}

enum err linkmap_put(struct linkmap *map,
                     const struct linkmap_statement *statement, uint64_t now_ms)
{
    struct linkmap_row *rows;
    enum err err;
    if (statement->version == 0 || statement->life_ms == 0 ||
        statement->life_ms > LINKMAP_LIFE_MAX_MS ||
        statement->count > map->config.rows_max)
        return ERR_RANGE;
    rows = malloc((statement->count + 1) * sizeof(*rows));
    if (rows == NULL)
        return ERR_NOMEM;
    if (statement->count > 0) {
        memcpy(rows, statement->rows, statement->count * sizeof(*rows));
        qsort(rows, statement->count, sizeof(*rows), row_order);
    }
    err = put_rows(map, statement, rows, now_ms);
    if (err != OK)
        free(rows);
    return err;
}

uint32_t linkmap_sweep(struct linkmap *map, uint64_t now_ms)
{
    uint32_t dropped = 0;
    for (uint32_t i = map->count; i-- > 0;) {
        struct origin *o = &map->origins[i];
        if (o->rows != NULL && !stands(o, now_ms)) {
            free(o->rows);
            o->rows = NULL;
            o->count = 0;
            dropped++;
        }
        if (i > 0 && now_ms >= o->forget_ms)
            drop(map, i);
    }
    return dropped;
}

uint32_t linkmap_origins(const struct linkmap *map, uint64_t now_ms)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < map->count; i++)
        count += stands(&map->origins[i], now_ms);
    return count;
}

/* ---- pairs ---- */

/* What `a` says of its link to `b`, not too old. */
static bool said(const struct linkmap *map, const struct pubkey *a,
                 const struct pubkey *b, uint64_t now_ms, struct link *out)
{
    uint32_t at = find(map, a);
    struct linkmap_row wanted = {.peer = *b};
    const struct linkmap_row *row;
    if (at == NONE || !stands(&map->origins[at], now_ms))
        return false;
    row = bsearch(&wanted, map->origins[at].rows, map->origins[at].count,
                  sizeof(wanted), row_order);
    if (row == NULL)
        return false;
    *out = row->link;
    return link_fresh(out, now_ms);
}

bool linkmap_get(const struct linkmap *map, const struct pubkey *a,
                 const struct pubkey *b, uint64_t now_ms, struct link *out)
{
    struct link ours = {0};
    struct link theirs = {0};
    bool any = said(map, a, b, now_ms, &ours);
    any = said(map, b, a, now_ms, &theirs) || any;
    if (!any)
        return false;
    link_turn(&theirs);
    link_join(&ours, pubkey_equal(a, &map->config.self), &theirs,
              pubkey_equal(b, &map->config.self), out);
    return true;
}

bool linkmap_agreed(const struct linkmap *map, const struct pubkey *a,
                    const struct pubkey *b, uint64_t now_ms, struct link *out)
{
    struct link ours;
    struct link theirs;
    if (!said(map, a, b, now_ms, &ours) || !said(map, b, a, now_ms, &theirs))
        return false;
    link_turn(&theirs);
    link_join(&ours, false, &theirs, false, out);
    return true;
}

bool linkmap_peer_next(const struct linkmap *map, const struct pubkey *node,
                       uint32_t *cursor, uint64_t now_ms,
                       struct pubkey *out_peer)
{
    uint32_t at = find(map, node);
    if (at == NONE || !stands(&map->origins[at], now_ms) ||
        *cursor >= map->origins[at].count)
        return false;
    *out_peer = map->origins[at].rows[(*cursor)++].peer;
    return true;
}

bool linkmap_origin_next(const struct linkmap *map, uint32_t *cursor,
                         uint64_t now_ms, struct pubkey *out)
{
    while (*cursor < map->count) {
        const struct origin *origin = &map->origins[(*cursor)++];
        if (!stands(origin, now_ms))
            continue;
        *out = origin->key;
        return true;
    }
    return false;
}

/* ---- estimates ---- */

void linkmap_bounds_add(struct linkmap_bounds *bounds, uint32_t to_a_us,
                        uint32_t to_b_us, uint64_t at_ms)
{
    uint32_t apart = to_a_us > to_b_us ? to_a_us - to_b_us : to_b_us - to_a_us;
    uint64_t sum = (uint64_t)to_a_us + to_b_us;
    if (apart > bounds->lower_us || bounds->landmarks == 0)
        bounds->lower_us = apart;
    if (sum < bounds->upper_us || bounds->landmarks == 0) {
        bounds->upper_us = sum > UINT32_MAX ? UINT32_MAX : (uint32_t)sum;
        bounds->at_ms = at_ms;
    }
    bounds->rtt_us =
        (uint32_t)(((uint64_t)bounds->lower_us + bounds->upper_us + 1) / 2);
    bounds->landmarks++;
}

static void bounds_over(const struct linkmap *map, const struct pubkey *a,
                        const struct pubkey *b, const struct pubkey *c,
                        uint64_t now_ms, struct linkmap_bounds *bounds)
{
    struct link to_a;
    struct link to_b;
    uint64_t at_ms;
    if (pubkey_equal(c, a) || pubkey_equal(c, b) ||
        !linkmap_get(map, c, a, now_ms, &to_a) ||
        !linkmap_get(map, c, b, now_ms, &to_b) ||
        !link_measured(&to_a, LINK_RTT) || !link_measured(&to_b, LINK_RTT))
        return;
    at_ms = to_a.at_ms[LINK_TRIPS] < to_b.at_ms[LINK_TRIPS]
                ? to_a.at_ms[LINK_TRIPS]
                : to_b.at_ms[LINK_TRIPS];
    linkmap_bounds_add(bounds, to_a.of[LINK_RTT].value, to_b.of[LINK_RTT].value,
                       at_ms);
}

/* A leg is measured when both ends state it, or we do: so every landmark but
 * ourselves is among the rows of a or states nothing that counts. */
bool linkmap_estimate(const struct linkmap *map, const struct pubkey *a,
                      const struct pubkey *b, uint64_t now_ms,
                      struct linkmap_bounds *out)
{
    struct linkmap_bounds bounds = {0};
    uint32_t at = find(map, a);
    uint32_t rows = at == NONE ? 0 : map->origins[at].count;
    for (uint32_t i = 0; i < rows; i++) {
        const struct pubkey *c = &map->origins[at].rows[i].peer;
        if (!pubkey_equal(c, &map->config.self))
            bounds_over(map, a, b, c, now_ms, &bounds);
    }
    bounds_over(map, a, b, &map->config.self, now_ms, &bounds);
    if (bounds.landmarks == 0)
        return false;
    *out = bounds;
    return true;
}

bool linkmap_look(const struct linkmap *map, const struct pubkey *a,
                  const struct pubkey *b, uint64_t now_ms, struct link *out)
{
    struct linkmap_bounds bounds;
    struct link link = {0};
    bool any = linkmap_get(map, a, b, now_ms, &link);
    if (!link_has(&link, LINK_RTT) && !pubkey_equal(a, b) &&
        linkmap_estimate(map, a, b, now_ms, &bounds)) {
        uint32_t apart = bounds.upper_us > bounds.lower_us
                             ? bounds.upper_us - bounds.lower_us
                             : bounds.lower_us - bounds.upper_us;
        link_forget(&link, LINK_TRIPS);
        link_set(&link, LINK_RTT, bounds.rtt_us, METRIC_ESTIMATION);
        link_set(&link, LINK_SPREAD, (apart + 1) / 2, METRIC_ESTIMATION);
        link.at_ms[LINK_TRIPS] = bounds.at_ms;
        link.samples[LINK_TRIPS] = bounds.landmarks;
        any = true;
    }
    if (any)
        *out = link;
    return any;
}

/* A pair comes with the origin of the lower key, unless the other alone states
 * it. */
static bool comes_here(const struct linkmap *map, const struct pubkey *origin,
                       const struct pubkey *peer, uint64_t now_ms)
{
    struct link link;
    return said(map, origin, peer, now_ms, &link) &&
           (pubkey_compare(origin, peer) < 0 ||
            !said(map, peer, origin, now_ms, &link));
}

bool linkmap_next(const struct linkmap *map, uint64_t *cursor, uint64_t now_ms,
                  struct pubkey *out_a, struct pubkey *out_b, struct link *out)
{
    uint64_t at = *cursor / LINKMAP_ROWS_MAX;
    uint64_t row = *cursor % LINKMAP_ROWS_MAX;
    for (; at < map->count; at++, row = 0) {
        const struct origin *o = &map->origins[at];
        for (; stands(o, now_ms) && row < o->count; row++) {
            const struct pubkey *peer = &o->rows[row].peer;
            if (!comes_here(map, &o->key, peer, now_ms) ||
                !linkmap_get(map, &o->key, peer, now_ms, out))
                continue;
            *out_a = o->key;
            *out_b = *peer;
            *cursor = at * LINKMAP_ROWS_MAX + row + 1;
            return true;
        }
    }
    *cursor = at * LINKMAP_ROWS_MAX;
    return false;
}
