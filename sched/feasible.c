#include "sched/feasible.h"

#include "sched/figure.h"

#include "base/check.h"
#include "sched/devices_machine.h"

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
    failing |=
        check_dimension(want->nic_kbit, c->total.nic_kbit, c->free.nic_kbit,
                        REASON_NIC_TOTAL, REASON_NIC_FREE);
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
    if (c->spread_most != 0 && c->spread_used >= c->spread_most)
        failing |= reason_bit(REASON_SPREAD);
    if (!zones_admit(d->zones, d->zone_count, c->labels, c->label_count))
        failing |= reason_bit(REASON_ZONE);
    return failing;
}

static void check_taints(const struct demand *d, const struct candidate *c,
                         struct verdict *v)
{
    uint32_t i = taint_first_failing(c->taints, c->taint_count, d->tolerations,
                                     d->toleration_count);
    if (i == c->taint_count)
        return;
    v->failing |= reason_bit(REASON_TAINT);
    v->taint = c->taints[i].label;
}

/* What is not there has no group. */
static void check_devices(const struct demand *d, const struct candidate *c,
                          struct devices_verdict *out)
{
    static const struct devices none;
    devices_check(c->devices != NULL ? c->devices : &none, d->devices, out);
}

static void add_devices(const struct demand *d, const struct candidate *c,
                        struct verdict *v)
{
    struct devices_verdict devices;
    if (!demand_has_devices(d))
        return;
    check_devices(d, c, &devices);
    v->group = devices.group;
    if (devices.reason != REASON_NONE)
        v->failing |= reason_bit(devices.reason);
}

static uint64_t check_notes(const struct demand *d, const struct candidate *c)
{
    const struct policy_terms *terms = d->terms;
    uint64_t speed = 0;
    bool near_us = terms == NULL || pubkey_is_zero(&terms->near);
    if (d->policy == POLICY_NEAREST && near_us)
        return candidate_rtt_known(c) ? 0 : reason_bit(REASON_RTT_UNKNOWN);
    if (d->policy == POLICY_NEAREST)
        return pubkey_equal(&terms->near, &c->provider) || c->near_us != 0
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

/* All of one group, so that all have the price they were told. */
static uint32_t tasks_with_devices(const struct demand *d,
                                   const struct candidate *c, uint32_t group,
                                   uint32_t most)
{
    struct machine machine;
    struct ask ask;
    devices_machine(c->devices, &c->total, &c->free, &machine);
    device_wish_ask(d->devices, &d->want, group, &ask);
    return machine_room(&machine, &ask, most);
}

static uint32_t tasks_that_fit(const struct demand *d,
                               const struct candidate *c, uint32_t group)
{
    uint64_t count = c->slots_free;
    if (c->spread_most != 0 && count > c->spread_most - c->spread_used)
        count = c->spread_most - c->spread_used;
    if (demand_has_devices(d))
        return tasks_with_devices(d, c, group, (uint32_t)count);
    count = at_most(count, c->free.cpu_milli, d->want.cpu_milli);
    count = at_most(count, c->free.mem_mib, d->want.mem_mib);
    count = at_most(count, c->free.disk_mib, d->want.disk_mib);
    count = at_most(count, c->free.nic_kbit, d->want.nic_kbit);
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
    check_taints(demand, candidate, &v);
    add_devices(demand, candidate, &v);
    v.notes = check_notes(demand, candidate);
    v.reason = reason_first(v.failing);
    (void)feasible_figures(v.reason, demand, candidate, &v.want, &v.have);
    if (v.failing == 0)
        v.tasks = tasks_that_fit(demand, candidate, v.group);
    CHECK((v.tasks == 0) == (v.reason != REASON_NONE));
    *out = v;
}

/* Only for the reason the devices are refused for. */
static bool devices_figures(enum reason reason, const struct demand *demand,
                            const struct candidate *candidate,
                            uint64_t *out_want, uint64_t *out_have)
{
    struct devices_verdict v;
    if (!demand_has_devices(demand))
        return false;
    check_devices(demand, candidate, &v);
    if (v.reason != reason)
        return false;
    *out_want = v.want;
    *out_have = v.have;
    return true;
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
    case REASON_NIC_TOTAL:
        *out_want = want->nic_kbit;
        *out_have = candidate->total.nic_kbit;
        return true;
    case REASON_NIC_FREE:
        *out_want = want->nic_kbit;
        *out_have = candidate->free.nic_kbit;
        return true;
    case REASON_SPREAD:
        *out_want = (uint64_t)candidate->spread_used + 1;
        *out_have = candidate->spread_most;
        return true;
    case REASON_DEVICE_MEM:
    case REASON_DEVICE_TOTAL:
    case REASON_DEVICE_FREE:
    case REASON_DEVICE_SPLIT:
        return devices_figures(reason, demand, candidate, out_want, out_have);
    case REASON_NONE:
    case REASON_STALE:
    case REASON_SELF:
    case REASON_SELLER:
    case REASON_EXCLUDED:
    case REASON_UNREACHABLE:
    case REASON_ARCH:
    case REASON_LABEL:
    case REASON_ZONE:
    case REASON_TAINT:
    case REASON_DEVICE_KIND:
    case REASON_DEVICE_MODEL:
    case REASON_DOMAIN:
    case REASON_AFFINITY:
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
    if (reason == REASON_DEVICE_MODEL)
        return 500;
    if (reason == REASON_DEVICE_SPLIT &&
        feasible_figures(reason, demand, candidate, &want, &have))
        return (thousandths(want - have, want) + 1) / 2;
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

static void add_zones(const struct demand *d, struct buf *out)
{
    for (uint32_t i = 0; i < d->zone_count; i++)
        buf_addf(out, "%s%s", i == 0 ? ": wants " : " or ", d->zones[i]);
}

static void add_taint(const struct verdict *v, struct buf *out)
{
    buf_addf(out, ": %s%s%s", v->taint.key,
             v->taint.value[0] != '\0' ? "=" : "", v->taint.value);
}

static void add_wish(const struct demand *d, struct buf *out)
{
    buf_add(out, bytes_str(": wants "));
    device_wish_format(d->devices, out);
}

/* What goes with the sentence. */
static void add_details(const struct verdict *v, const struct demand *d,
                        struct buf *out)
{
    char text[CONSTRAINT_TEXT_MAX];
    if (v->reason == REASON_LABEL && v->constraint < d->constraint_count) {
        constraint_format(&d->constraints[v->constraint], text);
        buf_addf(out, ": wants %s", text);
    } else if (v->reason == REASON_ZONE) {
        add_zones(d, out);
    } else if (v->reason == REASON_TAINT) {
        add_taint(v, out);
    } else if ((v->reason == REASON_DEVICE_MODEL ||
                v->reason == REASON_DEVICE_KIND) &&
               demand_has_devices(d)) {
        add_wish(d, out);
    } else if (reason_unit_of(v->reason) != UNIT_NONE) {
        add_figures(v, out);
    }
}

void verdict_format(const struct verdict *verdict, const struct demand *demand,
                    struct buf *out)
{
    if (verdict->reason == REASON_NONE) {
        buf_addf(out, "fits %u task%s", verdict->tasks,
                 verdict->tasks == 1 ? "" : "s");
        return;
    }
    buf_add(out, bytes_str(reason_text(verdict->reason)));
    add_details(verdict, demand, out);
}
