#ifndef TESTS_UNIT_MARKET_LINKS_SAMPLE_H
#define TESTS_UNIT_MARKET_LINKS_SAMPLE_H

/* A statement of links, as tests/vectors/market.hex has it. */

#include "market/links.h"
#include "tests/unit/market/world.h"

static inline struct links sample_links(void)
{
    struct links links = {
        .version = 9, .issued_at_ms = T0, .ttl_ms = 180000, .count = 2};
    struct link *near = &links.rows[0].link;
    struct link *far = &links.rows[1].link;
    memset(links.rows[0].peer.b, 0x51, sizeof(links.rows[0].peer.b));
    memset(links.rows[1].peer.b, 0x52, sizeof(links.rows[1].peer.b));
    link_set(near, LINK_RTT, 850, METRIC_MEASURED);
    link_set(near, LINK_SPREAD, 0, METRIC_MEASURED);
    link_set(near, LINK_LOSS, 120, METRIC_MEASURED);
    link_set(near, LINK_RISK, 694200, METRIC_MEASURED);
    link_set(near, LINK_OUT, 940000, METRIC_MEASURED);
    near->at_ms[LINK_TRIPS] = 2500;
    near->samples[LINK_TRIPS] = 1200;
    near->at_ms[LINK_VOLUME] = 600000;
    near->samples[LINK_VOLUME] = 3;
    link_set(far, LINK_RTT, 145000, METRIC_MEASURED);
    far->samples[LINK_TRIPS] = 1;
    return links;
}

#endif
