#include "sched/link/goodput.h"

#include <stdlib.h>

#include "base/check.h"

#define BYTES_OF_KBIT 125u /* a second of one kbit/s */

struct sample {
    uint32_t count;
    uint32_t of[LINKMAP_ROWS_MAX];
};

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static uint32_t lower_median(struct sample *sample)
{
    if (sample->count == 0)
        return 0;
    qsort(sample->of, sample->count, sizeof(sample->of[0]), by_value);
    return sample->of[(sample->count - 1) / 2];
}

static void add(struct sample *sample, uint64_t value)
{
    CHECK(sample->count < LINKMAP_ROWS_MAX && value <= UINT32_MAX);
    sample->of[sample->count++] = (uint32_t)value;
}

static bool counts(const struct link *link, uint64_t now_ms)
{
    return link_measured(link, LINK_OUT) &&
           link_confidence(link, LINK_OUT, now_ms) >= GOODPUT_CONFIDENCE_MIN;
}

/* Is what arrives at the peer told at all, by anybody and at any time? */
static bool is_told(const struct linkmap *map, const struct pubkey *node,
                    const struct pubkey *peer, uint64_t now_ms)
{
    struct link link;
    return linkmap_get(map, node, peer, now_ms, &link) &&
           link_has(&link, LINK_OUT);
}

void goodput_of(const struct linkmap *map, const struct pubkey *node,
                uint64_t now_ms, struct goodput *out)
{
    struct goodput goodput = {0};
    struct sample rates = {0};
    struct sample trips = {0};
    struct pubkey peer;
    struct link link;
    uint32_t cursor = 0;
    while (linkmap_peer_next(map, node, &cursor, now_ms, &peer)) {
        if (!linkmap_agreed(map, node, &peer, now_ms, &link) ||
            !counts(&link, now_ms)) {
            goodput.doubtful += is_told(map, node, &peer, now_ms);
            continue;
        }
        if (rates.count == 0 || link.at_ms[LINK_VOLUME] < goodput.at_ms)
            goodput.at_ms = link.at_ms[LINK_VOLUME];
        add(&rates, link.of[LINK_OUT].value);
        if (link_measured(&link, LINK_RTT))
            add(&trips, link.of[LINK_RTT].value);
    }
    goodput.peers = rates.count;
    if (rates.count >= GOODPUT_PEERS_MIN) {
        goodput.kbps = lower_median(&rates);
        goodput.rtt_us = lower_median(&trips);
    }
    *out = goodput;
}

uint64_t goodput_bps(const struct goodput *goodput)
{
    return goodput->kbps * BYTES_OF_KBIT;
}

uint64_t goodput_bound(const struct goodput *goodput, uint64_t declared_bps)
{
    uint64_t found = goodput_bps(goodput);
    return declared_bps < found ? declared_bps : found;
}

bool goodput_moved(uint64_t said_bps, uint64_t found_bps)
{
    uint64_t apart =
        said_bps > found_bps ? said_bps - found_bps : found_bps - said_bps;
    if (said_bps == 0 || found_bps == 0)
        return said_bps != found_bps;
    return apart > said_bps / 8;
}
