/* The record of a graph: what it is, and where the plan puts it. */

#include "node/trade/buy_item.h"

#include <string.h>

#define GRAPH_RECORD 212
#define GRAPH_FIELDS 5u

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

enum err buy_graph_encode(const struct buy_graph_item *graph, struct buf *out)
{
    const struct graph_plan *plan = &graph->face.plan;
    struct buf body;
    enum err err;
    buf_init(&body, GRAPH_BYTES_MAX);
    err = graph_encode(&graph->face.graph, &body);
    mp_put_message(out, GRAPH_RECORD, 1, GRAPH_FIELDS);
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

enum err buy_graph_decode(struct bytes bytes, struct arena *arena,
                          struct buy_graph_item *out)
{
    struct mp_reader reader;
    struct bytes body;
    TRY(mp_open_message(&reader, bytes, arena, GRAPH_RECORD, 1, GRAPH_FIELDS));
    body = mp_get_bin(&reader, GRAPH_BYTES_MAX);
    out->face.created_at_ms = mp_get_uint(&reader);
    out->face.replans = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    if (reader.err != OK)
        return reader.err;
    TRY(graph_decode(body, arena, &out->face.graph));
    get_plan(&reader, &out->face);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    out->face.planned = true;
    graph_id(body, &out->face.id);
    return OK;
}
