#include "sched/feasible.h"

#include "sched/figure.h"

#include "base/check.h"

/* Sets `total` when the whole is too small, else `now` when what is free is:
 * waiting helps only the second. */
static uint64_t check_dimension(uint64_t want, uint64_t whole, uint64_t is_free,
                                enum reason total, enum reason now)
{
    if (want > whole)
        return reason_bit(total);
    return want > is_free ? reason_bit(now) : 0;
}

static uint64_t check_amounts(const struct demand *d, const struct candidate *c)
{
    const struct resources *want = &d->want;
    uint64_t failing = 0;
    failing |=
        check_dimension(want->cpu_milli, c->total.cpu_milli, c->free.cpu_milli,
                        REASON_CPU_TOTAL, REASON_CPU_FREE);
    failing |= check_dimension(want->mem_mib, c->total.mem_mib, c->free.mem_mib,
                               REASON_MEM_TOTAL, REASON_MEM_FREE);
    failing |=
        check_dimension(want->disk_mib, c->total.disk_mib, c->free.disk_mib,
                        REASON_DISK_TOTAL, REASON_DISK_FREE);
    return failing;
}

static uint64_t check_terms(const struct demand *d, const struct candidate *c)
{
    uint64_t failing = 0;
    if (c->age_ms >= c->ttl_ms)
        failing |= reason_bit(REASON_STALE);
    if (d->arch != ARCH_ANY && d->arch != c->arch)
        failing |= reason_bit(REASON_ARCH);
    if (d->time_ms > c->time_ms_max)
        failing |= reason_bit(REASON_TIME);
    if (!amount_is_zero(d->price_max) && amount_cmp(c->bill, d->price_max) > 0)
        failing |= reason_bit(REASON_PRICE);
    if (c->slots_free == 0)
        failing |= reason_bit(REASON_SLOTS);
    return failing;
}

static uint64_t check_notes(const struct demand *d, const struct candidate *c)
{
    const struct policy_terms *terms = d->terms;
    uint64_t speed = 0;
    bool near_us = terms == NULL || pubkey_is_zero(&terms->near);
    if (d->policy == POLICY_NEAREST && near_us)
        return candidate_rtt_known(c) ? 0 : reason_bit(REASON_RTT_UNKNOWN);
    if (d->policy == POLICY_NEAREST)
        return pubkey_equal(&terms->near, &c->provider)
                   ? 0
                   : reason_bit(REASON_RTT_UNKNOWN);
    if (d->policy == POLICY_FASTEST)
        return figure_speed(&c->grade,
                            terms != NULL ? terms->speed : SPEED_MEAN, &speed)
                   ? 0
                   : reason_bit(REASON_GRADE_UNKNOWN);
    return 0;
}

static uint64_t at_most(uint64_t count, uint64_t is_free, uint64_t want)
{
    if (want == 0 || is_free / want >= count)
        return count;
    return is_free / want;
}

static uint32_t tasks_that_fit(const struct demand *d,
                               const struct candidate *c)
{
    uint64_t count = c->slots_free;
    count = at_most(count, c->free.cpu_milli, d->want.cpu_milli);
    count = at_most(count, c->free.mem_mib, d->want.mem_mib);
    count = at_most(count, c->free.disk_mib, d->want.disk_mib);
    return (uint32_t)count;
}

void feasible_check(const struct demand *demand,
                    const struct candidate *candidate, struct verdict *out)
{
    struct verdict v = {0};
    v.constraint =
        constraint_first_failing(demand->constraints, demand->constraint_count,
                                 candidate->labels, candidate->label_count);
    v.failing = candidate->refused | check_terms(demand, candidate) |
                check_amounts(demand, candidate);
    if (v.constraint < demand->constraint_count)
        v.failing |= reason_bit(REASON_LABEL);
    v.notes = check_notes(demand, candidate);
    v.reason = reason_first(v.failing);
    (void)feasible_figures(v.reason, demand, candidate, &v.want, &v.have);
    if (v.failing == 0)
        v.tasks = tasks_that_fit(demand, candidate);
    CHECK((v.tasks == 0) == (v.reason != REASON_NONE));
    *out = v;
}

bool feasible_figures(enum reason reason, const struct demand *demand,
                      const struct candidate *candidate, uint64_t *out_want,
                      uint64_t *out_have)
{
    const struct resources *want = &demand->want;
    switch (reason) {
    case REASON_CPU_TOTAL:
        *out_want = want->cpu_milli;
        *out_have = candidate->total.cpu_milli;
        return true;
    case REASON_MEM_TOTAL:
        *out_want = want->mem_mib;
        *out_have = candidate->total.mem_mib;
        return true;
    case REASON_DISK_TOTAL:
        *out_want = want->disk_mib;
        *out_have = candidate->total.disk_mib;
        return true;
    case REASON_TIME:
        *out_want = demand->time_ms;
        *out_have = candidate->time_ms_max;
        return true;
    case REASON_PRICE:
        *out_want = amount_figure(demand->price_max);
        *out_have = amount_figure(candidate->bill);
        return true;
    case REASON_SLOTS:
        *out_want = 1;
        *out_have = candidate->slots_free;
        return true;
    case REASON_CPU_FREE:
        *out_want = want->cpu_milli;
        *out_have = candidate->free.cpu_milli;
        return true;
    case REASON_MEM_FREE:
        *out_want = want->mem_mib;
        *out_have = candidate->free.mem_mib;
        return true;
    case REASON_DISK_FREE:
        *out_want = want->disk_mib;
        *out_have = candidate->free.disk_mib;
        return true;
    case REASON_NONE:
    case REASON_STALE:
    case REASON_SELF:
    case REASON_SELLER:
    case REASON_EXCLUDED:
    case REASON_UNREACHABLE:
    case REASON_ARCH:
    case REASON_LABEL:
    case REASON_RTT_UNKNOWN:
    case REASON_GRADE_UNKNOWN:
        return false;
    }
    return false;
}

__extension__ typedef unsigned __int128 wide;

/* ceil(1000 * part / whole), for 0 < part <= whole. */
static uint32_t thousandths(uint64_t part, uint64_t whole)
{
    CHECK(part <= whole && whole > 0);
    return (uint32_t)(((wide)part * 1000 + whole - 1) / whole);
}

uint32_t feasible_shortage(enum reason reason, const struct demand *demand,
                           const struct candidate *candidate)
{
    uint64_t want;
    uint64_t have;
    if (!feasible_figures(reason, demand, candidate, &want, &have))
        return 1000;
    if (reason == REASON_PRICE) /* too much instead of too little */
        return have > want ? thousandths(have - want, have) : 1000;
    return want > have ? thousandths(want - have, want) : 1000;
}

static void add_figures(const struct verdict *v, struct buf *out)
{
    enum reason_unit unit = reason_unit_of(v->reason);
    bool price = v->reason == REASON_PRICE;
    buf_add(out, bytes_str(price ? ": bill " : ": needs "));
    reason_figure_format(unit, price ? v->have : v->want, out);
    buf_add(out, bytes_str(price ? ", cap " : ", has "));
    reason_figure_format(unit, price ? v->want : v->have, out);
}

void verdict_format(const struct verdict *verdict, const struct demand *demand,
                    struct buf *out)
{
    char text[CONSTRAINT_TEXT_MAX];
    if (verdict->reason == REASON_NONE) {
        buf_addf(out, "fits %u task%s", verdict->tasks,
                 verdict->tasks == 1 ? "" : "s");
        return;
    }
    buf_add(out, bytes_str(reason_text(verdict->reason)));
    if (verdict->reason == REASON_LABEL &&
        verdict->constraint < demand->constraint_count) {
        constraint_format(&demand->constraints[verdict->constraint], text);
        buf_addf(out, ": wants %s", text);
    } else if (reason_unit_of(verdict->reason) != UNIT_NONE) {
        add_figures(verdict, out);
    }
}
