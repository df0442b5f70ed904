#include "market/graph/graph.h"

#include <string.h>

#include "base/check.h"
#include "market/message.h"

bool graph_name_ok(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t len = strnlen(name, LIMIT_NAME);
    if (len == 0 || len >= LIMIT_NAME || strchr(letters, name[0]) == NULL)
        return false;
    for (size_t i = 0; i < len; i++)
        if (strchr(letters, name[i]) == NULL && strchr("-_.", name[i]) == NULL)
            return false;
    return true;
}

uint32_t graph_part_of(const struct graph *graph, const char *name)
{
    uint32_t i = 0;
    while (i < graph->part_count && strcmp(graph->parts[i].name, name) != 0)
        i++;
    return i;
}

static bool is_order(const struct graph_link *link)
{
    return link->order && link->from != GRAPH_BUYER;
}

/* One round: parts whose ways are all known. */
static bool settle(const struct graph *graph, uint32_t *level)
{
    bool any = false;
    for (uint32_t i = 0; i < graph->part_count; i++) {
        uint32_t most = 0;
        if (level[i] != UINT32_MAX)
            continue;
        for (uint32_t k = 0; k < graph->link_count; k++) {
            const struct graph_link *link = &graph->links[k];
            if (link->to != i || !is_order(link))
                continue;
            if (level[link->from] == UINT32_MAX) {
                most = UINT32_MAX;
                break;
            }
            if (level[link->from] + 1 > most)
                most = level[link->from] + 1;
        }
        level[i] = most;
        any |= most != UINT32_MAX;
    }
    return any;
}

bool graph_levels(const struct graph *graph, uint32_t out[GRAPH_PARTS_MAX])
{
    CHECK(graph->part_count <= GRAPH_PARTS_MAX);
    for (uint32_t i = 0; i < graph->part_count; i++)
        out[i] = UINT32_MAX;
    while (settle(graph, out))
        continue;
    for (uint32_t i = 0; i < graph->part_count; i++)
        if (out[i] == UINT32_MAX)
            return false;
    return true;
}

/* The walk went against the arrows; the circle begins at its first part. */
static uint32_t unwind(const uint8_t *walk, uint32_t count, uint8_t *out)
{
    uint32_t least = 0;
    for (uint32_t i = 1; i < count; i++)
        if (walk[i] < walk[least])
            least = i;
    for (uint32_t i = 0; i < count; i++)
        out[i] = walk[(least + count - i) % count];
    return count;
}

/* From a part that has no level one always goes back to another such. */
uint32_t graph_circle(const struct graph *graph, uint8_t out[GRAPH_PARTS_MAX])
{
    uint32_t level[GRAPH_PARTS_MAX];
    uint32_t at[GRAPH_PARTS_MAX] = {0};
    uint8_t walk[GRAPH_PARTS_MAX + 1];
    uint32_t count = 0;
    uint32_t part = 0;
    if (graph_levels(graph, level))
        return 0;
    while (level[part] != UINT32_MAX)
        part++;
    while (at[part] == 0) {
        uint32_t k = 0;
        walk[count++] = (uint8_t)part;
        at[part] = count;
        while (graph->links[k].to != part || !is_order(&graph->links[k]) ||
               level[graph->links[k].from] != UINT32_MAX)
            k++;
        part = graph->links[k].from;
    }
    return unwind(walk + at[part] - 1, count + 1 - at[part], out);
}

/* ---- form ---- */

static enum err parts_form(const struct graph *graph)
{
    uint32_t seats = 0;
    if (graph->part_count == 0)
        return ERR_RANGE;
    if (graph->part_count > GRAPH_PARTS_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < graph->part_count; i++) {
        const struct graph_part *part = &graph->parts[i];
        if (!graph_name_ok(part->name) ||
            graph_part_of(graph, part->name) != i || part->tasks == 0 ||
            hash_is_zero(&part->request))
            return ERR_RANGE;
        if (part->tasks > 1 && part->together != 0 && part->apart != 0)
            return ERR_RANGE;
        if (part->tasks > GRAPH_SEATS_MAX - seats)
            return ERR_TOO_LARGE;
        seats += part->tasks;
    }
    return OK;
}

static enum err links_form(const struct graph *graph)
{
    uint32_t ways = 0;
    if (graph->link_count > GRAPH_LINKS_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        uint32_t senders = 1;
        if (link->to >= graph->part_count || link->from == link->to ||
            (link->from >= graph->part_count && link->from != GRAPH_BUYER) ||
            (link->bytes > 0 && link->kbps == 0) ||
            link->bytes > UINT64_MAX / 8000)
            return ERR_RANGE;
        if (link->from != GRAPH_BUYER)
            senders = graph->parts[link->from].tasks;
        ways += senders * graph->parts[link->to].tasks;
    }
    return ways > GRAPH_WAYS_MAX ? ERR_TOO_LARGE : OK;
}

enum err graph_form(const struct graph *graph)
{
    uint32_t level[GRAPH_PARTS_MAX];
    if (!message_text_ok(graph->name, sizeof(graph->name)))
        return ERR_RANGE;
    TRY(parts_form(graph));
    TRY(links_form(graph));
    return graph_levels(graph, level) ? OK : ERR_DEPTH;
}

/* ---- bytes ---- */

#define GRAPH_FIELDS 3

static void graph_put(const struct graph *graph, struct buf *out)
{
    mp_put_message(out, MESSAGE_GRAPH, MESSAGE_VERSION, GRAPH_FIELDS);
    mp_put_str(out, graph->name);
    mp_put_array(out, graph->part_count);
    for (uint32_t i = 0; i < graph->part_count; i++) {
        const struct graph_part *part = &graph->parts[i];
        mp_put_array(out, 5);
        mp_put_str(out, part->name);
        mp_put_hash(out, &part->request);
        mp_put_uint(out, part->tasks);
        mp_put_uint(out, part->together);
        mp_put_uint(out, part->apart);
    }
    mp_put_array(out, graph->link_count);
    for (uint32_t i = 0; i < graph->link_count; i++) {
        const struct graph_link *link = &graph->links[i];
        mp_put_array(out, 7);
        mp_put_uint(out, link->from);
        mp_put_uint(out, link->to);
        mp_put_bool(out, link->order);
        mp_put_uint(out, link->kbps);
        mp_put_uint(out, link->bytes);
        mp_put_uint(out, link->delay_us_max);
        mp_put_uint(out, link->risk_nn_max);
    }
}

enum err graph_encode(const struct graph *graph, struct buf *out)
{
    TRY(graph_form(graph));
    graph_put(graph, out);
    return out->err;
}

static void part_get(struct mp_reader *reader, struct graph_part *out)
{
    mp_enter_exact(reader, 5);
    mp_get_text(reader, out->name, sizeof(out->name));
    mp_get_hash(reader, &out->request);
    out->tasks = (uint32_t)mp_get_uint_max(reader, GRAPH_SEATS_MAX);
    out->together = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    out->apart = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    mp_leave(reader);
}

static void link_get(struct mp_reader *reader, struct graph_link *out)
{
    mp_enter_exact(reader, 7);
    out->from = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    out->to = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    out->order = mp_get_bool(reader);
    out->kbps = mp_get_uint(reader);
    out->bytes = mp_get_uint(reader);
    out->delay_us_max = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    out->risk_nn_max = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    mp_leave(reader);
}

enum err graph_decode(struct bytes bytes, struct arena *arena,
                      struct graph *out)
{
    struct mp_reader reader;
    struct graph *graph = arena_calloc(arena, 1, sizeof(*graph));
    if (graph == NULL)
        return ERR_NOMEM;
    if (bytes.len > GRAPH_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_GRAPH, MESSAGE_VERSION,
                        GRAPH_FIELDS));
    mp_get_text(&reader, graph->name, sizeof(graph->name));
    graph->part_count = mp_enter(&reader);
    if (graph->part_count > GRAPH_PARTS_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < graph->part_count; i++)
        part_get(&reader, &graph->parts[i]);
    mp_leave(&reader);
    graph->link_count = mp_enter(&reader);
    if (graph->link_count > GRAPH_LINKS_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < graph->link_count; i++)
        link_get(&reader, &graph->links[i]);
    mp_leave(&reader);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(graph_form(graph));
    *out = *graph;
    return OK;
}

void graph_id(struct bytes encoded, struct hash *out)
{
    hash_bytes(HASH_TAG_GRAPH, encoded, out);
}
