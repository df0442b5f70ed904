#include "sched/cfn/advert.h"

#include "base/check.h"

enum err advert_init(struct advert *advert, const struct advert_rules *rules,
                     const struct service_update *names, uint64_t seq_first)
{
    if (rules->refresh_ms <= rules->rest_ms ||
        rules->life_ms <= rules->refresh_ms ||
        rules->life_ms > SERVICE_LIFE_MAX_MS)
        return ERR_RANGE;
    if (seq_first == 0 || seq_first == UINT64_MAX)
        return ERR_RANGE;
    *advert = (struct advert){.rules = *rules, .seq_next = seq_first};
    advert->last.service = names->service;
    advert->last.instance = names->instance;
    advert->last.egress = names->egress;
    advert->last.address = names->address;
    return OK;
}

static void tell(struct advert *a, uint64_t now_ms, struct service_update *out)
{
    CHECK(a->seq_next > 0 && a->seq_next < UINT64_MAX);
    a->last.seq = a->seq_next++;
    a->last.life_ms = a->rules.life_ms;
    a->told_at_ms = now_ms;
    *out = a->last;
}

static bool due(const struct advert *a, const struct metrics *metrics,
                uint64_t now_ms)
{
    uint64_t since_ms = now_ms - a->told_at_ms;
    if (a->last.seq == 0 || a->last.withdrawn)
        return true;
    if (since_ms >= a->rules.refresh_ms)
        return true;
    return since_ms >= a->rules.rest_ms &&
           metrics_differ(&a->last.metrics, metrics);
}

bool advert_step(struct advert *advert, const struct metrics *metrics,
                 uint64_t now_ms, struct service_update *out)
{
    CHECK(now_ms >= advert->told_at_ms);
    CHECK(metrics_check(metrics) == OK);
    if (!due(advert, metrics, now_ms))
        return false;
    advert->last.metrics = *metrics;
    advert->last.withdrawn = false;
    tell(advert, now_ms, out);
    return true;
}

void advert_withdraw(struct advert *advert, uint64_t now_ms,
                     struct service_update *out)
{
    advert->last.withdrawn = true;
    advert->last.metrics = (struct metrics){0};
    tell(advert, now_ms, out);
    out->life_ms = SERVICE_LIFE_MAX_MS; /* outlives all that was told before */
}

void advert_heard(struct advert *advert, uint64_t seq)
{
    if (seq < advert->seq_next || seq >= UINT64_MAX - 1)
        return;
    advert->seq_next = seq + 1;
    advert->last.seq = 0;
}
