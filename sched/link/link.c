#include "sched/link/link.h"

#include "base/check.h"

#define LN2_NN 693147181u /* ln 2 in nano-nats, rounded up */

static const struct link_row rows[LINK_FIGURES] = {
#define X(name, kind, text, unit, most, more_is_worse)                         \
    {kind, text, unit, most, more_is_worse},
    LINK_MAP(X)
#undef X
};

const struct link_row *link_row(enum link_figure figure)
{
    CHECK((unsigned)figure < LINK_FIGURES);
    return &rows[figure];
}

uint64_t link_age_max_ms(enum link_kind kind)
{
    CHECK(kind == LINK_TRIPS || kind == LINK_VOLUME);
    return kind == LINK_TRIPS ? LINK_TRIPS_AGE_MAX_MS : LINK_VOLUME_AGE_MAX_MS;
}

static bool source_ok(enum metric_source source)
{
    return source == METRIC_UNKNOWN || source == METRIC_NOMINAL ||
           source == METRIC_ESTIMATION || source == METRIC_MEASURED;
}

/* Is 0 a claim of perfection, or no way at all? */
static bool needs_value(enum link_figure figure)
{
    return figure == LINK_RTT || figure == LINK_OUT || figure == LINK_IN;
}

enum err link_form(const struct link *link)
{
    for (unsigned f = 0; f < LINK_FIGURES; f++) {
        const struct metric *m = &link->of[f];
        if (!source_ok(m->source) || m->value > rows[f].most)
            return ERR_RANGE;
        if (m->source == METRIC_UNKNOWN && m->value != 0)
            return ERR_RANGE;
        if (m->source == METRIC_UNKNOWN)
            continue;
        if (m->value == 0 && needs_value((enum link_figure)f))
            return ERR_RANGE;
        if (link->samples[rows[f].kind] == 0)
            return ERR_RANGE;
    }
    return OK;
}

void link_set(struct link *link, enum link_figure figure, uint64_t value,
              enum metric_source source)
{
    uint32_t most = link_row(figure)->most;
    CHECK(source != METRIC_UNKNOWN && source_ok(source));
    if (value == 0 && needs_value(figure))
        value = 1;
    link->of[figure].value = value > most ? most : (uint32_t)value;
    link->of[figure].source = source;
}

void link_forget(struct link *link, enum link_kind kind)
{
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        if (rows[f].kind == kind)
            link->of[f] = (struct metric){0, METRIC_UNKNOWN};
    link->at_ms[kind] = 0;
    link->samples[kind] = 0;
}

void link_turn(struct link *link)
{
    struct metric out = link->of[LINK_OUT];
    link->of[LINK_OUT] = link->of[LINK_IN];
    link->of[LINK_IN] = out;
}

static bool knows(const struct link *link, enum link_kind kind)
{
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        if (rows[f].kind == kind && link_has(link, (enum link_figure)f))
            return true;
    return false;
}

/* A measurement of a moment to come is one of now: clocks were set. */
static uint64_t age_of(const struct link *link, enum link_kind kind,
                       uint64_t now_ms)
{
    return now_ms > link->at_ms[kind] ? now_ms - link->at_ms[kind] : 0;
}

bool link_fresh(struct link *link, uint64_t now_ms)
{
    bool any = false;
    for (unsigned k = 0; k < LINK_KINDS; k++) {
        enum link_kind kind = (enum link_kind)k;
        if (age_of(link, kind, now_ms) > link_age_max_ms(kind))
            link_forget(link, kind);
        any = knows(link, kind) || any;
    }
    return any;
}

/* Figures whose worth rests on one end's word. */
static struct metric claim(struct metric said, bool trusted)
{
    if (said.source == METRIC_MEASURED && !trusted)
        said.source = METRIC_ESTIMATION;
    return said;
}

static struct metric worse(enum link_figure figure, struct metric a,
                           struct metric b)
{
    bool a_more = a.value > b.value;
    struct metric out = {
        .value = a_more == rows[figure].more_is_worse ? a.value : b.value,
        .source = METRIC_MEASURED};
    if (a.source == METRIC_ESTIMATION || b.source == METRIC_ESTIMATION)
        out.source = METRIC_ESTIMATION;
    else if (a.source == METRIC_NOMINAL || b.source == METRIC_NOMINAL)
        out.source = METRIC_NOMINAL;
    return out;
}

void link_join(const struct link *ours, bool ours_trusted,
               const struct link *theirs, bool theirs_trusted, struct link *out)
{
    struct link link = {0};
    for (unsigned f = 0; f < LINK_FIGURES; f++) {
        struct metric a = ours->of[f];
        struct metric b = theirs->of[f];
        if (a.source == METRIC_UNKNOWN)
            link.of[f] = claim(b, theirs_trusted);
        else if (b.source == METRIC_UNKNOWN)
            link.of[f] = claim(a, ours_trusted);
        else
            link.of[f] = worse((enum link_figure)f, a, b);
    }
    for (unsigned k = 0; k < LINK_KINDS; k++) {
        bool a = knows(ours, (enum link_kind)k);
        bool b = knows(theirs, (enum link_kind)k);
        bool take_b = b && (!a || theirs->at_ms[k] < ours->at_ms[k]);
        link.at_ms[k] = take_b ? theirs->at_ms[k] : a ? ours->at_ms[k] : 0;
        take_b = b && (!a || theirs->samples[k] < ours->samples[k]);
        link.samples[k] = take_b ? theirs->samples[k]
                          : a    ? ours->samples[k]
                                 : 0;
    }
    *out = link;
}

/* ---- confidence ---- */

static uint32_t trust_of(enum metric_source source)
{
    switch (source) {
    case METRIC_MEASURED:
        return LINK_TRUST_MEASURED;
    case METRIC_NOMINAL:
        return LINK_TRUST_NOMINAL;
    case METRIC_ESTIMATION:
        return LINK_TRUST_ESTIMATION;
    case METRIC_UNKNOWN:
    case METRIC_NORMALIZATION:
    case METRIC_AGGREGATION:
        return 0;
    }
    return 0;
}

/* 2^(-4 * age / max) in millionths, straight between the halvings. */
static uint64_t decay_ppm(uint64_t age_ms, uint64_t max_ms)
{
    uint64_t half_ms = max_ms / 4;
    uint64_t halvings = age_ms / half_ms;
    uint64_t within = age_ms % half_ms;
    return (1000000 - 500000 * within / half_ms) >> halvings;
}

uint32_t link_confidence(const struct link *link, enum link_figure figure,
                         uint64_t now_ms)
{
    enum link_kind kind = link_row(figure)->kind;
    uint64_t age_ms = age_of(link, kind, now_ms);
    uint64_t n = link->samples[kind];
    uint64_t trust = trust_of(link->of[figure].source);
    uint64_t half = kind == LINK_TRIPS ? LINK_TRIPS_HALF : LINK_VOLUME_HALF;
    if (age_ms > link_age_max_ms(kind))
        return 0;
    trust = trust * decay_ppm(age_ms, link_age_max_ms(kind));
    return (uint32_t)(trust * n / (n + half) / 1000000);
}

/* ---- reliability ---- */

/* -ln(1 - x) in nano-nats, x in 2^-32 and at most a half: x + x^2/2 + x^3/3...,
 * and what the shifts lost on top. */
static uint64_t minus_ln(uint64_t x)
{
    uint64_t power = x;
    uint64_t sum = 4;
    CHECK(x <= UINT64_C(1) << 31);
    for (uint64_t i = 1; power > 0; i++) {
        sum += power / i + 2;
        power = power * x >> 32;
    }
    return (sum * 1000000000u >> 32) + 1;
}

uint32_t link_risk_nn(uint64_t up, uint64_t all)
{
    uint64_t most = rows[LINK_RISK].most;
    uint64_t risk = 0;
    CHECK(all > 0 && up <= all);
    if (up == all)
        return 0;
    while (all >= UINT64_C(1) << 31) {
        all = (all >> 1) + (all & 1);
        up >>= 1;
    }
    for (; up > 0 && up * 2 < all && risk < most; up *= 2)
        risk += LN2_NN;
    if (up == 0 || risk >= most)
        return (uint32_t)most;
    risk += minus_ln((((all - up) << 32) + all - 1) / all);
    return risk > most ? (uint32_t)most : (uint32_t)risk;
}

/* ---- distance ---- */

uint64_t link_rtt_cautious(const struct link *link)
{
    uint64_t rtt_us = link->of[LINK_RTT].value;
    CHECK(link_has(link, LINK_RTT));
    if (!link_measured(link, LINK_RTT) && link_has(link, LINK_SPREAD))
        rtt_us += link->of[LINK_SPREAD].value;
    return rtt_us > 0 ? rtt_us : 1;
}
