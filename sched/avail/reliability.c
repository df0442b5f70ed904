#include "sched/avail/reliability.h"

#include "base/check.h"
#include "sched/target.h"

uint32_t reliability_class(uint64_t time_ms)
{
    uint64_t most = RELIABILITY_CLASS_MS;
    uint32_t class_ = 0;
    while (class_ + 1 < RELIABILITY_CLASSES && time_ms > most) {
        most *= 4;
        class_++;
    }
    return class_;
}

static void fade(uint32_t served[RELIABILITY_CLASSES], uint32_t *failed)
{
    uint32_t sum = *failed;
    for (uint32_t i = 0; i < RELIABILITY_CLASSES; i++)
        sum += served[i];
    if (sum < RELIABILITY_COUNT_MAX)
        return;
    *failed -= *failed / 2; /* one stays */
    for (uint32_t i = 0; i < RELIABILITY_CLASSES; i++)
        served[i] /= 2;
}

static void fade_these(struct reliability *r, bool own)
{
    if (own)
        fade(r->own, &r->failed);
    else
        fade(r->heard, &r->heard_failed);
}

void reliability_served(struct reliability *r, uint64_t time_ms, bool own)
{
    uint32_t class_ = reliability_class(time_ms);
    if (own)
        r->own[class_]++;
    else
        r->heard[class_]++;
    fade_these(r, own);
}

void reliability_failed(struct reliability *r, bool own)
{
    if (own)
        r->failed++;
    else
        r->heard_failed++;
    fade_these(r, own);
}

/* Thousandths of contracts: one of a shorter class is a quarter of one. */
static uint64_t weigh(const uint32_t *counts, uint32_t class_)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < RELIABILITY_CLASSES; i++) {
        uint32_t below = i < class_ ? class_ - i : 0;
        sum += (UINT64_C(1000) * counts[i]) >> (2 * below);
    }
    return sum;
}

bool reliability_reckon(const struct reliability *r, uint64_t time_ms,
                        struct reliability_account *out)
{
    uint32_t class_ = reliability_class(time_ms);
    uint64_t own = weigh(r->own, class_);
    uint64_t heard = weigh(r->heard, class_);
    uint64_t failed = UINT64_C(1000) * (r->failed + r->heard_failed);
    if (!r->forged && own + heard + failed == 0)
        return false;
    if (heard > RELIABILITY_HEARD_MAX * UINT64_C(1000))
        heard = RELIABILITY_HEARD_MAX * UINT64_C(1000);
    uint64_t all = own + heard + failed + 2000;
    uint64_t down = ((failed + 1000) * TARGET_ONE + all - 1) / all;
    out->served = (uint32_t)((own + heard) / 1000);
    out->failed = r->failed + r->heard_failed;
    out->by_link = r->link_ppb > down;
    if (out->by_link)
        down = r->link_ppb;
    out->down_ppb = r->forged ? TARGET_ONE : (uint32_t)down;
    CHECK(out->down_ppb > 0 && out->down_ppb <= TARGET_ONE);
    return true;
}
