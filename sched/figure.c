#include "sched/figure.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "sched/meter/rating.h"

#define MILLION   1000000u
#define WATTS_MAX 100000u

/* Of the class that the kernels of that name are in. */
static enum meter_class class_of(enum speed_class class_)
{
    switch (class_) {
    case SPEED_LOGIC:
        return METER_LOGIC;
    case SPEED_PARALLEL:
        return METER_PARALLEL;
    case SPEED_NEURAL:
        return METER_NEURAL;
    case SPEED_MEMORY:
        return METER_MEMORY;
    case SPEED_DISK:
        return METER_STORAGE;
    case SPEED_NETWORK:
        return METER_NETWORK;
    case SPEED_MEAN:
    case SPEED_CLASSES:
        break;
    }
    CHECK(false);
    return METER_LOGIC;
}

bool figure_speed(const struct grade *grade, enum speed_class class_,
                  uint64_t *out)
{
    uint32_t mean = 0;
    int32_t rating = 0;
    if (class_ == SPEED_MEAN) {
        if (!grade_is_measured(grade) || !grade_speed(grade, &mean))
            return false;
        *out = mean;
        return true;
    }
    if (!rating_class(grade, class_of(class_), &rating))
        return false;
    rating += FIGURE_RATING_ONE;
    *out = rating > 0 ? (uint64_t)rating : 0;
    return true;
}

/* used * 10^6 / total, at most 10^6; no total has no load. */
static uint32_t share(uint64_t total, uint64_t free, uint64_t want)
{
    uint64_t left = free > want ? free - want : 0;
    if (total == 0)
        return 0;
    if (left >= total)
        return 0;
    /* Above 2^44 the low bits change no millionth. */
    unsigned shift = total >> 44 ? 20 : 0;
    return (uint32_t)(((total - left) >> shift) * MILLION / (total >> shift));
}

static uint32_t max_of(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

uint32_t figure_load(const struct candidate *candidate,
                     const struct resources *want)
{
    const struct resources *total = &candidate->total;
    const struct resources *free = &candidate->free;
    const struct resources nothing = {0};
    if (want == NULL)
        want = &nothing;
    uint32_t load = share(total->cpu_milli, free->cpu_milli, want->cpu_milli);
    load = max_of(load, share(total->mem_mib, free->mem_mib, want->mem_mib));
    load = max_of(load, share(total->disk_mib, free->disk_mib, want->disk_mib));
    return load < MILLION ? load : MILLION;
}

bool figure_idle(const struct candidate *candidate)
{
    return resources_cover(&candidate->free, &candidate->total);
}

bool figure_way(const struct candidate *candidate, const struct resources *want,
                uint32_t *out)
{
    uint64_t cap = candidate->way_kbps;
    uint64_t used = candidate->way_used_kbps;
    uint64_t more = want != NULL ? want->nic_kbit : 0;
    if (cap == 0)
        return false;
    *out = used >= cap || more >= cap - used ? MILLION
                                             : share(cap, cap - used, more);
    return true;
}

/* A label that is a whole number of watts. */
static bool watts(const struct candidate *c, const char *key, uint64_t *out_mw)
{
    for (uint32_t i = 0; i < c->label_count; i++) {
        const char *text = c->labels[i].value;
        uint64_t value = 0;
        size_t len = strspn(text, "0123456789");
        if (strcmp(c->labels[i].key, key) != 0)
            continue;
        if (len == 0 || len > 6 || text[len] != '\0')
            return false;
        for (size_t k = 0; k < len; k++)
            value = value * 10 + (uint64_t)(text[k] - '0');
        *out_mw = value * 1000;
        return value <= WATTS_MAX;
    }
    return false;
}

bool figure_energy(const struct candidate *candidate,
                   const struct resources *want, uint64_t *out_added_mw,
                   uint64_t *out_full_mw)
{
    uint64_t total = candidate->total.cpu_milli;
    uint64_t idle = 0;
    uint64_t full = 0;
    if (!watts(candidate, "watts-idle", &idle) ||
        !watts(candidate, "watts-full", &full) || full < idle || full == 0 ||
        total == 0)
        return false;
    uint64_t added = (full - idle) * want->cpu_milli / total;
    *out_added_mw = added + (figure_idle(candidate) ? idle : 0);
    *out_full_mw = full;
    return true;
}

static bool rtt_of(const struct candidate *c, const struct pubkey *near,
                   uint64_t *out)
{
    if (!pubkey_is_zero(near)) {
        bool there = pubkey_equal(&c->provider, near);
        *out = there ? 1 : c->near_us;
        return there || c->near_us != 0;
    }
    *out = c->rtt_us;
    return candidate_rtt_known(c);
}

bool figure_get(const struct candidate *candidate, enum policy_part part,
                const struct resources *want, const struct policy_terms *terms,
                uint64_t *out)
{
    uint64_t full = 0;
    uint32_t way = 0;
    switch (part) {
    case PART_PRICE:
        *out = amount_figure(candidate->hour);
        return true;
    case PART_RTT:
        return rtt_of(candidate, &terms->near, out);
    case PART_SPEED:
        return figure_speed(&candidate->grade, terms->speed, out);
    case PART_LOAD:
        *out = figure_load(candidate, want);
        return true;
    case PART_ENERGY:
        return figure_energy(candidate, want, out, &full);
    case PART_LINK:
        if (!figure_way(candidate, want, &way))
            return false;
        *out = way;
        return true;
    case PART_COUNT:
        return false;
    }
    return false;
}

/* 2^(value / 65536), the fraction as a straight line: at most 6 % too much. */
static uint64_t power_of_two(uint64_t value)
{
    uint64_t whole = value >> 16;
    uint64_t mantissa = 65536 + (value & 0xffff);
    if (whole > 46)
        return UINT64_MAX;
    return whole >= 16 ? mantissa << (whole - 16) : mantissa >> (16 - whole);
}

static void format_rate(uint64_t value, struct buf *out)
{
    static const char units[] = " kMGTP";
    size_t unit = 0;
    while (value >= 10000 && unit + 2 < sizeof(units)) {
        value /= 1000;
        unit++;
    }
    buf_addf(out, "%" PRIu64, value);
    if (unit > 0)
        buf_addf(out, "%c", units[unit]);
    buf_addf(out, "/s");
}

/* Times the reference machine, in hundredths. */
static void format_rating(enum speed_class class_, uint64_t value,
                          struct buf *out)
{
    int64_t log2_q16 = (int64_t)value - FIGURE_RATING_ONE;
    uint64_t permille =
        rating_permille(log2_q16 < INT32_MAX ? (int32_t)log2_q16 : INT32_MAX);
    buf_addf(out, "%s %" PRIu64 ".%02" PRIu64 "x", speed_class_text(class_),
             permille / 1000, permille % 1000 / 10);
}

void figure_format(enum policy_part part, enum speed_class class_,
                   uint64_t value, struct buf *out)
{
    char amount[AMOUNT_TEXT_MAX];
    switch (part) {
    case PART_PRICE:
        amount_format(amount_micro(value), amount);
        buf_addf(out, "%s", amount);
        return;
    case PART_RTT:
        buf_addf(out, "%" PRIu64 " us", value);
        return;
    case PART_LOAD:
    case PART_LINK:
        buf_addf(out, "%" PRIu64 ".%" PRIu64 " %%", value / 10000,
                 value / 1000 % 10);
        return;
    case PART_ENERGY:
        buf_addf(out, "%" PRIu64 ".%" PRIu64 " W", value / 1000,
                 value / 100 % 10);
        return;
    case PART_SPEED:
        if (class_ == SPEED_MEAN)
            format_rate(power_of_two(value), out);
        else
            format_rating(class_, value, out);
        return;
    case PART_COUNT:
        buf_addf(out, "%" PRIu64, value);
        return;
    }
}
