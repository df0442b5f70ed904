#include "sched/link/link_meter.h"

#include "base/check.h"

#define Q 16u /* parts of a microsecond */

void link_meter_init(struct link_meter *meter)
{
    *meter = (struct link_meter){0};
}

static void seen(struct link_meter *meter, enum link_kind kind, uint64_t now_ms)
{
    meter->seen.at_ms[kind] = now_ms;
    if (meter->seen.samples[kind] < UINT32_MAX)
        meter->seen.samples[kind]++;
}

void link_meter_trip(struct link_meter *meter, uint64_t rtt_us, uint64_t now_ms)
{
    uint64_t most = link_row(LINK_RTT)->most;
    uint64_t q = (rtt_us < 1 ? 1 : rtt_us > most ? most : rtt_us) * Q;
    uint64_t off = q > meter->rtt_q ? q - meter->rtt_q : meter->rtt_q - q;
    if (meter->seen.samples[LINK_TRIPS] == 0) {
        meter->rtt_q = q;
        meter->spread_q = q / 2; /* one trip says little */
    } else {
        meter->rtt_q = (meter->rtt_q * 7 + q) / 8;
        meter->spread_q = (meter->spread_q * 7 + off) / 8;
    }
    seen(meter, LINK_TRIPS, now_ms);
}

void link_meter_sent(struct link_meter *meter, uint64_t sent, uint64_t lost)
{
    if (sent > UINT32_MAX)
        sent = UINT32_MAX;
    meter->sent += sent;
    meter->lost += lost < sent ? lost : sent;
    while (meter->sent > LINK_METER_SENT_MAX) {
        meter->sent /= 2;
        meter->lost = (meter->lost + 1) / 2;
    }
    CHECK(meter->lost <= meter->sent + 1);
}

/* Brings the times to now. */
static void reckon(struct link_meter *meter, uint64_t now_ms)
{
    uint64_t passed = now_ms > meter->since_ms ? now_ms - meter->since_ms : 0;
    if (passed > LINK_METER_MEMORY_MS)
        passed = LINK_METER_MEMORY_MS;
    if (meter->counting && meter->up)
        meter->up_ms += passed;
    else if (meter->counting)
        meter->down_ms += passed;
    while (meter->up_ms + meter->down_ms > LINK_METER_MEMORY_MS) {
        meter->up_ms /= 2;
        meter->down_ms = (meter->down_ms + 1) / 2;
    }
    meter->since_ms = now_ms;
}

void link_meter_up(struct link_meter *meter, bool up, uint64_t now_ms)
{
    reckon(meter, now_ms);
    meter->counting = true;
    meter->up = up;
}

void link_meter_pause(struct link_meter *meter, uint64_t now_ms)
{
    reckon(meter, now_ms);
    meter->counting = false;
}

void link_meter_volume(struct link_meter *meter, enum link_figure figure,
                       uint64_t kbps, bool full, uint64_t now_ms)
{
    uint64_t known = meter->seen.of[figure].value;
    CHECK(figure == LINK_OUT || figure == LINK_IN);
    if (now_ms - meter->seen.at_ms[LINK_VOLUME] > LINK_VOLUME_AGE_MAX_MS)
        known = 0;
    if (!full && kbps <= known)
        return;
    if (full && known > 0)
        kbps = (kbps > UINT32_MAX ? UINT32_MAX : kbps) / 2 + known / 2;
    link_set(&meter->seen, figure, kbps, METRIC_MEASURED);
    seen(meter, LINK_VOLUME, now_ms);
}

void link_meter_times(const struct link_meter *meter, uint64_t now_ms,
                      uint64_t *out_up_ms, uint64_t *out_down_ms)
{
    struct link_meter m = *meter;
    reckon(&m, now_ms);
    *out_up_ms = m.up_ms;
    *out_down_ms = m.down_ms;
}

void link_meter_link(const struct link_meter *meter, uint64_t now_ms,
                     struct link *out)
{
    struct link_meter m = *meter;
    struct link link = meter->seen;
    uint64_t all;
    reckon(&m, now_ms);
    all = m.up_ms + m.down_ms + LINK_METER_PRIOR_MS;
    if (link.samples[LINK_TRIPS] > 0) {
        link_set(&link, LINK_RTT, (m.rtt_q + Q / 2) / Q, METRIC_MEASURED);
        link_set(&link, LINK_SPREAD, (m.spread_q + Q - 1) / Q, METRIC_MEASURED);
        link_set(&link, LINK_LOSS, (m.lost + 1) * 1000000 / (m.sent + 2),
                 METRIC_MEASURED);
        link_set(&link, LINK_RISK, link_risk_nn(m.up_ms, all), METRIC_MEASURED);
    }
    (void)link_fresh(&link, now_ms);
    *out = link;
}
