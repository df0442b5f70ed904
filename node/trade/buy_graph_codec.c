/* The record of a graph: what it is, and where the plan puts it. */

#include "node/trade/buy_item.h"

#include <string.h>

#define GRAPH_RECORD  212
#define GRAPH_VERSION 2
#define GRAPH_FIELDS  7u
#define FIELDS_OF_1   5u /* without the last two: plans that never moved */

static void put_place(struct buf *out, const struct graph_place *place)
{
    mp_put_array(out, 6);
    mp_put_pubkey(out, &place->provider);
    mp_put_str(out, place->name);
    mp_put_amount(out, place->hour);
    mp_put_amount(out, place->bill);
    mp_put_amount(out, place->spare);
    mp_put_uint(out, place->rtt_us);
}

static void put_way(struct buf *out, const struct graph_way *way)
{
    mp_put_array(out, 5);
    mp_put_uint(out, way->link);
    mp_put_uint(out, way->from);
    mp_put_uint(out, way->to);
    mp_put_uint(out, way->steps);
    mp_put_uint(out, way->delay_us);
}

/* The moves of its own will that are remembered, the oldest first. */
static void put_history(struct buf *out, const struct graph_history *history)
{
    const struct adjust_history *h = &history->moves;
    uint32_t first =
        h->left_count > ADJUST_LEFT_MAX ? h->left_count - ADJUST_LEFT_MAX : 0;
    mp_put_array(out, 4);
    mp_put_uint(out, h->willing_ms);
    mp_put_uint(out, h->spent_milli);
    mp_put_uint(out, h->spent_ms);
    mp_put_array(out, h->left_count - first);
    for (uint32_t i = first; i < h->left_count; i++) {
        mp_put_array(out, 3);
        mp_put_uint(out, h->left[i % ADJUST_LEFT_MAX].at_ms);
        mp_put_uint(out, h->left[i % ADJUST_LEFT_MAX].component);
        mp_put_pubkey(out, &history->left[i % ADJUST_LEFT_MAX]);
    }
}

enum err buy_graph_encode(const struct buy_graph_item *graph, struct buf *out)
{
    const struct graph_plan *plan = &graph->face.plan;
    struct buf body;
    enum err err;
    buf_init(&body, GRAPH_BYTES_MAX);
    err = graph_encode(&graph->face.graph, &body);
    mp_put_message(out, GRAPH_RECORD, GRAPH_VERSION, GRAPH_FIELDS);
    mp_put_bin(out, buf_bytes(&body));
    buf_done(&body);
    if (err != OK)
        return err;
    mp_put_uint(out, graph->face.created_at_ms);
    mp_put_uint(out, graph->face.replans);
    mp_put_array(out, plan->seat_count);
    for (uint32_t i = 0; i < plan->seat_count; i++)
        put_place(out, &plan->places[i]);
    mp_put_array(out, plan->way_count);
    for (uint32_t i = 0; i < plan->way_count; i++)
        put_way(out, &plan->ways[i]);
    mp_put_uint(out, graph->face.moved);
    put_history(out, &graph->history);
    return out->err;
}

static void get_place(struct mp_reader *reader, struct graph_place *out)
{
    mp_enter_exact(reader, 6);
    mp_get_pubkey(reader, &out->provider);
    mp_get_text(reader, out->name, sizeof(out->name));
    out->hour = mp_get_amount(reader);
    out->bill = mp_get_amount(reader);
    out->spare = mp_get_amount(reader);
    out->rtt_us = mp_get_uint(reader);
    mp_leave(reader);
}

static void get_way(struct mp_reader *reader, const struct graph *graph,
                    uint32_t seats, struct graph_way *out)
{
    mp_enter_exact(reader, 5);
    out->link = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    out->from = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    out->to = (uint8_t)mp_get_uint_max(reader, UINT8_MAX);
    out->steps = (uint8_t)mp_get_uint_max(reader, 2);
    out->delay_us = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    if (out->link >= graph->link_count || out->to >= seats ||
        (out->from >= seats && out->from != GRAPH_BUYER))
        mp_fail(reader, ERR_RANGE);
    mp_leave(reader);
}

static void get_plan(struct mp_reader *reader, struct buy_graph *face)
{
    struct graph_plan *plan = &face->plan;
    uint32_t seats = 0;
    for (uint32_t i = 0; i < face->graph.part_count; i++)
        seats += face->graph.parts[i].tasks;
    plan->seat_count = seats;
    mp_enter_exact(reader, seats);
    for (uint32_t i = 0; i < seats; i++)
        get_place(reader, &plan->places[i]);
    mp_leave(reader);
    plan->way_count = mp_enter(reader);
    if (plan->way_count > GRAPH_WAYS_MAX) {
        mp_fail(reader, ERR_RANGE);
        plan->way_count = 0;
    }
    for (uint32_t i = 0; i < plan->way_count; i++)
        get_way(reader, &face->graph, seats, &plan->ways[i]);
    mp_leave(reader);
}

static void get_history(struct mp_reader *reader, struct graph_history *out)
{
    struct adjust_history *h = &out->moves;
    mp_enter_exact(reader, 4);
    h->willing_ms = mp_get_uint(reader);
    h->spent_milli = mp_get_uint(reader);
    h->spent_ms = mp_get_uint(reader);
    h->left_count = mp_enter(reader);
    if (h->left_count > ADJUST_LEFT_MAX) {
        mp_fail(reader, ERR_RANGE);
        h->left_count = 0;
    }
    for (uint32_t i = 0; i < h->left_count; i++) {
        mp_enter_exact(reader, 3);
        h->left[i].at_ms = mp_get_uint(reader);
        h->left[i].component =
            (uint8_t)mp_get_uint_max(reader, GRAPH_SEATS_MAX - 1);
        mp_get_pubkey(reader, &out->left[i]);
        mp_leave(reader);
    }
    mp_leave(reader);
    mp_leave(reader);
}

static enum err open_record(struct mp_reader *reader, struct bytes bytes,
                            struct arena *arena, bool *out_has_history)
{
    enum err err = mp_open_message(reader, bytes, arena, GRAPH_RECORD,
                                   GRAPH_VERSION, GRAPH_FIELDS);
    *out_has_history = err == OK;
    if (err != ERR_VERSION)
        return err;
    return mp_open_message(reader, bytes, arena, GRAPH_RECORD, 1, FIELDS_OF_1);
}

enum err buy_graph_decode(struct bytes bytes, struct arena *arena,
                          struct buy_graph_item *out)
{
    struct mp_reader reader;
    struct bytes body;
    bool has_history;
    TRY(open_record(&reader, bytes, arena, &has_history));
    body = mp_get_bin(&reader, GRAPH_BYTES_MAX);
    out->face.created_at_ms = mp_get_uint(&reader);
    out->face.replans = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    if (reader.err != OK)
        return reader.err;
    TRY(graph_decode(body, arena, &out->face.graph));
    get_plan(&reader, &out->face);
    if (has_history) {
        out->face.moved = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
        get_history(&reader, &out->history);
    }
    mp_leave(&reader);
    TRY(mp_close(&reader));
    out->face.planned = true;
    graph_id(body, &out->face.id);
    return OK;
}
