#include "market/links.h"

#include <string.h>

#include "base/check.h"

static bool kind_ok(const struct link *link, enum link_kind kind)
{
    bool known = false;
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        if (link_row((enum link_figure)f)->kind == kind)
            known = known || link_has(link, (enum link_figure)f);
    if (!known)
        return link->at_ms[kind] == 0 && link->samples[kind] == 0;
    return link->at_ms[kind] <= link_age_max_ms(kind);
}

static bool row_ok(const struct links_row *row)
{
    bool any = false;
    for (unsigned f = 0; f < LINK_FIGURES; f++) {
        enum metric_source source = row->link.of[f].source;
        if (source != METRIC_UNKNOWN && source != METRIC_MEASURED)
            return false;
        any = any || source == METRIC_MEASURED;
    }
    return any && link_form(&row->link) == OK &&
           kind_ok(&row->link, LINK_TRIPS) && kind_ok(&row->link, LINK_VOLUME);
}

enum err links_form(const struct links *links)
{
    if (links->version == 0 || links->ttl_ms == 0 ||
        links->ttl_ms > LINKS_TTL_MAX_MS || links->count > LINKS_ROWS_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < links->count; i++) {
        const struct links_row *row = &links->rows[i];
        if (pubkey_equal(&row->peer, &links->origin) || !row_ok(row) ||
            (i > 0 && pubkey_compare(&row->peer, &row[-1].peer) <= 0))
            return ERR_RANGE;
    }
    return OK;
}

/* Only what we measured, in ages; what is left is in `out`. */
static bool aged(const struct link *link, uint64_t now_ms, struct link *out)
{
    struct link l = *link;
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        if (l.of[f].source != METRIC_MEASURED)
            l.of[f] = (struct metric){0, METRIC_UNKNOWN};
    if (!link_fresh(&l, now_ms))
        return false;
    for (unsigned k = 0; k < LINK_KINDS; k++) {
        l.at_ms[k] = now_ms > l.at_ms[k] ? now_ms - l.at_ms[k] : 0;
        if (!kind_ok(&l, (enum link_kind)k)) /* nothing known of it */
            link_forget(&l, (enum link_kind)k);
    }
    *out = l;
    return true;
}

enum err links_add(struct links *links, const struct pubkey *peer,
                   const struct link *link, uint64_t now_ms)
{
    struct links_row row = {.peer = *peer};
    uint32_t at = 0;
    CHECK(links->count <= LINKS_ROWS_MAX);
    if (!aged(link, now_ms, &row.link))
        return ERR_NOT_FOUND;
    while (at < links->count && pubkey_compare(&links->rows[at].peer, peer) < 0)
        at++;
    if (at < links->count && pubkey_equal(&links->rows[at].peer, peer))
        return ERR_EXISTS;
    if (links->count == LINKS_ROWS_MAX)
        return ERR_TOO_LARGE;
    memmove(&links->rows[at + 1], &links->rows[at],
            (links->count - at) * sizeof(row));
    links->rows[at] = row;
    links->count++;
    return OK;
}

static bool in_time(const struct links *links, uint64_t wall_ms)
{
    if (wall_ms == 0)
        return true;
    if (links->issued_at_ms > wall_ms)
        return links->issued_at_ms - wall_ms <= LINKS_SKEW_MAX_MS;
    return wall_ms - links->issued_at_ms <= links->ttl_ms + LINKS_SKEW_MAX_MS;
}

enum err links_put(const struct links *links, enum linkmap_standing standing,
                   uint64_t wall_ms, uint64_t now_ms, struct linkmap *map)
{
    struct linkmap_row rows[LINKS_ROWS_MAX];
    struct linkmap_statement statement = {.origin = links->origin,
                                          .version = links->version,
                                          .life_ms = links->ttl_ms,
                                          .standing = standing,
                                          .rows = rows,
                                          .count = links->count};
    if (!in_time(links, wall_ms))
        return ERR_EXPIRED;
    CHECK(links->count <= LINKS_ROWS_MAX);
    for (uint32_t i = 0; i < links->count; i++) {
        rows[i].peer = links->rows[i].peer;
        rows[i].link = links->rows[i].link;
        for (unsigned k = 0; k < LINK_KINDS; k++) {
            uint64_t age_ms = rows[i].link.at_ms[k];
            rows[i].link.at_ms[k] = now_ms > age_ms ? now_ms - age_ms : 0;
        }
    }
    return linkmap_put(map, &statement, now_ms);
}
