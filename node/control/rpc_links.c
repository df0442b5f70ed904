/* The link matrix as people see it. */

#include "node/control/rpc_links.h"

#include "base/address.h"
#include "base/check.h"
#include "node/peer/link_agent.h"
#include "node/control/rpc_help.h"
#include "node/shell/trade_shell.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_SHOWN 1000u

static json_t *figure_json(const struct link *link, enum link_figure figure)
{
    return link_has(link, figure) ? json_u64(link->of[figure].value)
                                  : json_null();
}

static json_t *up_json(const struct link *link)
{
    double risk = link->of[LINK_RISK].value * 1e-9;
    return link_has(link, LINK_RISK) ? json_u64((uint64_t)(exp(-risk) * 1e6))
                                     : json_null();
}

static json_t *age_json(const struct link *link, enum link_kind kind,
                        uint64_t now_ms)
{
    if (link->samples[kind] == 0)
        return json_null();
    return json_u64(now_ms > link->at_ms[kind] ? now_ms - link->at_ms[kind]
                                               : 0);
}

/* One word each; the table of metric_source_name has the long ones. */
static const char *source_word(enum metric_source source)
{
    switch (source) {
    case METRIC_MEASURED:
        return "measured";
    case METRIC_ESTIMATION:
        return "estimated";
    case METRIC_NOMINAL:
        return "declared";
    case METRIC_UNKNOWN:
    case METRIC_NORMALIZATION:
    case METRIC_AGGREGATION:
        break;
    }
    return "unknown";
}

/* The name it sells under, ours, or the beginning of its key. */
static void name_of(struct node *node, const struct pubkey *key,
                    char out[LIMIT_NAME])
{
    struct book_offer known;
    char hex[9];
    if (pubkey_equal(key, &node->self)) {
        snprintf(out, LIMIT_NAME, "%s", node->name);
    } else if (book_offer_get(buy_book(node->buy), key,
                              shell_now_ms(node->shell), &known) &&
               known.offer.name[0] != '\0') {
        snprintf(out, LIMIT_NAME, "%s", known.offer.name);
    } else {
        hex_encode(bytes_make(key->b, 4), hex);
        snprintf(out, LIMIT_NAME, "%s", hex);
    }
}

/* Both bandwidths come of one kind: the lesser source is said. */
static enum metric_source volume_source(const struct link *link)
{
    enum metric_source out = link->of[LINK_OUT].source;
    enum metric_source in = link->of[LINK_IN].source;
    if (out == METRIC_UNKNOWN)
        return in;
    return in == METRIC_UNKNOWN || out == METRIC_ESTIMATION ? out : in;
}

static json_t *link_json(struct node *node, const struct pubkey *from,
                         const struct pubkey *to, const struct link *link,
                         uint64_t now_ms)
{
    char from_name[LIMIT_NAME];
    char to_name[LIMIT_NAME];
    enum link_figure volume = link_has(link, LINK_OUT) ? LINK_OUT : LINK_IN;
    name_of(node, from, from_name);
    name_of(node, to, to_name);
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, "
        "s:o, s:o, s:o, s:o, s:s}",
        "from", json_address(node, from), "from_name", json_text(from_name),
        "to", json_address(node, to), "to_name", json_text(to_name), "rtt_us",
        figure_json(link, LINK_RTT), "spread_us",
        figure_json(link, LINK_SPREAD), "loss_ppm",
        figure_json(link, LINK_LOSS), "risk_nn", figure_json(link, LINK_RISK),
        "up_ppm", up_json(link), "age_ms", age_json(link, LINK_TRIPS, now_ms),
        "samples", json_u64(link->samples[LINK_TRIPS]), "confidence_permille",
        json_u64(link_confidence(link, LINK_RTT, now_ms)), "source",
        source_word(link->of[LINK_RTT].source), "out_kbps",
        figure_json(link, LINK_OUT), "in_kbps", figure_json(link, LINK_IN),
        "volume_age_ms", age_json(link, LINK_VOLUME, now_ms),
        "volume_confidence_permille",
        json_u64(link_confidence(link, volume, now_ms)), "volume_source",
        source_word(volume_source(link)));
}

/* ---- who is meant ---- */

bool node_named(struct node *node, const char *text, struct pubkey *out)
{
    struct book_offer known;
    uint32_t cursor = 0;
    if (address_parse(text, NULL, out) == OK)
        return true;
    if (strcmp(text, node->name) == 0) {
        *out = node->self;
        return true;
    }
    while (book_offer_next(buy_book(node->buy), &cursor,
                           shell_now_ms(node->shell), &known)) {
        if (strcmp(known.offer.name, text) == 0) {
            *out = known.offer.provider;
            return true;
        }
    }
    return false;
}

/* Every node some link leads to, each once. */
struct nodes {
    struct pubkey *keys;
    uint32_t count;
    uint32_t room;
};

static int key_order(const void *a, const void *b)
{
    return pubkey_compare(a, b);
}

static enum err nodes_add(struct nodes *nodes, const struct pubkey *key)
{
    if (nodes->count == nodes->room) {
        uint32_t room = nodes->room == 0 ? 64 : nodes->room * 2;
        void *grown = realloc(nodes->keys, room * sizeof(*nodes->keys));
        if (grown == NULL)
            return ERR_NOMEM;
        nodes->keys = grown;
        nodes->room = room;
    }
    nodes->keys[nodes->count++] = *key;
    return OK;
}

static enum err nodes_all(const struct linkmap *map, uint64_t now_ms,
                          struct nodes *out)
{
    struct pubkey a;
    struct pubkey b;
    struct link link;
    uint64_t cursor = 0;
    uint32_t kept = 0;
    while (linkmap_next(map, &cursor, now_ms, &a, &b, &link)) {
        TRY(nodes_add(out, &a));
        TRY(nodes_add(out, &b));
    }
    if (out->count > 0)
        qsort(out->keys, out->count, sizeof(*out->keys), key_order);
    for (uint32_t i = 0; i < out->count; i++)
        if (i == 0 || !pubkey_equal(&out->keys[i], &out->keys[i - 1]))
            out->keys[kept++] = out->keys[i];
    out->count = kept;
    return OK;
}

/* ---- market.links ---- */

/* Of one node, guesses included. */
static enum err links_of(struct node *node, const struct pubkey *from,
                         uint64_t now_ms, json_t *list)
{
    const struct linkmap *map = link_agent_map(node->links);
    struct nodes nodes = {0};
    enum err err = nodes_all(map, now_ms, &nodes);
    for (uint32_t i = 0; err == OK && i < nodes.count; i++) {
        struct link link;
        if (json_array_size(list) < LINKS_SHOWN &&
            linkmap_look(map, from, &nodes.keys[i], now_ms, &link))
            json_array_append_new(
                list, link_json(node, from, &nodes.keys[i], &link, now_ms));
    }
    free(nodes.keys);
    return err;
}

/* Of all pairs that somebody states; our own links are seen from us. */
static void links_all(struct node *node, uint64_t now_ms, json_t *list)
{
    const struct linkmap *map = link_agent_map(node->links);
    uint64_t cursor = 0;
    struct pubkey a;
    struct pubkey b;
    struct link link;
    while (json_array_size(list) < LINKS_SHOWN &&
           linkmap_next(map, &cursor, now_ms, &a, &b, &link)) {
        bool turn = pubkey_equal(&b, &node->self);
        if (turn)
            link_turn(&link);
        json_array_append_new(list, link_json(node, turn ? &b : &a,
                                              turn ? &a : &b, &link, now_ms));
    }
}

void rpc_market_links(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"node", NULL};
    uint64_t now_ms = shell_now_ms(node->shell);
    const char *text = NULL;
    struct pubkey key;
    json_t *list;
    enum err err = OK;
    if (!param_only(call, names) || !param_text_if(call, "node", &text))
        return;
    if (text != NULL && !node_named(node, text, &key)) {
        control_refuse(call, ERR_NOT_FOUND, "suan market links",
                       "no node \"%.80s\" is known: give its address, or the "
                       "name of one that sells",
                       text);
        return;
    }
    list = json_array();
    if (text != NULL)
        err = links_of(node, &key, now_ms, list);
    else
        links_all(node, now_ms, list);
    if (err != OK) {
        json_decref(list);
        control_refuse(call, err, NULL, "the links cannot be listed");
        return;
    }
    control_reply(call, json_pack("{s:o, s:o, s:o}", "links", list, "nodes",
                                  json_u64(linkmap_origins(
                                      link_agent_map(node->links), now_ms)),
                                  "probe_bytes_left",
                                  json_u64(link_agent_budget(node->links))));
}
