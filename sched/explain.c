#include "sched/explain.h"

#include <string.h>

void explain_init(struct explain *explain)
{
    memset(explain, 0, sizeof(*explain));
}

uint64_t explain_shortage(const struct demand *demand,
                          const struct candidate *candidate, uint64_t failing)
{
    uint64_t sum = 0;
    enum reason reason;
    while (reason_next(&failing, &reason))
        sum += feasible_shortage(reason, demand, candidate);
    return sum;
}

static bool is_nearer(const struct explain *e, uint64_t shortage,
                      const struct pubkey *provider)
{
    if (shortage != e->nearest_shortage)
        return shortage < e->nearest_shortage;
    return pubkey_compare(provider, &e->nearest_provider) < 0;
}

static void keep_nearest(struct explain *e, const struct demand *demand,
                         const struct candidate *candidate,
                         const struct verdict *v)
{
    uint32_t reasons = reason_count(v->failing);
    uint32_t fewest = reason_count(e->nearest.failing);
    if (e->has_nearest && reasons > fewest)
        return;
    uint64_t shortage = explain_shortage(demand, candidate, v->failing);
    if (e->has_nearest && reasons == fewest &&
        !is_nearer(e, shortage, &candidate->provider))
        return;
    e->has_nearest = true;
    e->nearest_provider = candidate->provider;
    e->nearest = *v;
    e->nearest_shortage = shortage;
}

/* Other models may be taken, too. */
bool explain_relaxing_helps(const struct demand *demand,
                            const struct candidate *candidate,
                            enum reason reason)
{
    return reason != REASON_DEVICE_MODEL ||
           devices_fit_any_model(candidate->devices, demand->devices);
}

/* Only `reason` stands in the way: remember the figure easiest to reach. */
static void keep_relaxation(struct explain *e, const struct demand *demand,
                            const struct candidate *candidate,
                            enum reason reason)
{
    uint64_t want;
    uint64_t have;
    if (!explain_relaxing_helps(demand, candidate, reason))
        return;
    bool first = e->alone[reason]++ == 0;
    if (!feasible_figures(reason, demand, candidate, &want, &have))
        return;
    uint64_t *best = &e->relax_to[reason];
    bool easier = reason == REASON_PRICE ? have < *best : have > *best;
    if (first || easier)
        *best = have;
}

void explain_add(struct explain *explain, const struct demand *demand,
                 const struct candidate *candidate,
                 const struct verdict *verdict)
{
    explain->offers++;
    for (unsigned i = 1; i < REASON_COUNT; i++)
        explain->any[i] += (verdict->failing & reason_bit((enum reason)i)) != 0;
    if (verdict->reason == REASON_NONE) {
        explain->fits++;
        explain->first[reason_first(verdict->notes)]++;
        return;
    }
    explain->first[verdict->reason]++;
    if (reason_all_later(verdict->failing))
        explain->later++;
    if (reason_count(verdict->failing) == 1)
        keep_relaxation(explain, demand, candidate, verdict->reason);
    keep_nearest(explain, demand, candidate, verdict);
}

enum reason explain_top(const struct explain *explain)
{
    enum reason top = REASON_NONE;
    uint32_t most = 0;
    for (unsigned i = 1; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        uint32_t count = explain->first[i];
        if (count == 0 || reason_class_of(reason) == REASON_NOTE)
            continue;
        if (count > most ||
            (count == most && reason_rank(reason) < reason_rank(top))) {
            top = reason;
            most = count;
        }
    }
    return top;
}

static bool comes_before(const uint32_t counts[REASON_COUNT], enum reason a,
                         enum reason b)
{
    if (counts[a] != counts[b])
        return counts[a] > counts[b];
    return reason_rank(a) < reason_rank(b);
}

/* The reasons with a count, most first; an insertion sort of a few. */
static uint32_t list_by_count(const uint32_t counts[REASON_COUNT],
                              enum reason out[REASON_COUNT])
{
    uint32_t len = 0;
    for (unsigned i = 1; i < REASON_COUNT; i++) {
        if (counts[i] == 0)
            continue;
        uint32_t at = len++;
        while (at > 0 && comes_before(counts, (enum reason)i, out[at - 1])) {
            out[at] = out[at - 1];
            at--;
        }
        out[at] = (enum reason)i;
    }
    return len;
}

uint32_t explain_relaxations(const struct explain *explain,
                             enum reason out[REASON_COUNT])
{
    return list_by_count(explain->alone, out);
}

static void format_counts(const struct explain *e, struct buf *out)
{
    enum reason list[REASON_COUNT];
    uint32_t len = list_by_count(e->first, list);
    buf_addf(out, "%u offer%s, %u fit%s", e->offers, e->offers == 1 ? "" : "s",
             e->fits, e->fits == 1 ? "s" : "");
    for (uint32_t i = 0; i < len; i++)
        buf_addf(out, "%s%u %s", i == 0 ? ": " : ", ", e->first[list[i]],
                 reason_code(list[i]));
    buf_add_u8(out, '\n');
}

/* Its figure is not one to ask for. */
static bool is_only_counted(enum reason reason)
{
    return reason == REASON_SLOTS || reason == REASON_SPREAD ||
           reason == REASON_DEVICE_SPLIT;
}

static void format_relaxation(const struct explain *e, enum reason reason,
                              struct buf *out)
{
    buf_addf(out, "would free %u: %s", e->alone[reason], reason_relax(reason));
    if (reason_unit_of(reason) != UNIT_NONE && !is_only_counted(reason)) {
        buf_add(out,
                bytes_str(reason == REASON_PRICE ? " (from " : " (up to "));
        reason_figure_format(reason_unit_of(reason), e->relax_to[reason], out);
        buf_add_u8(out, ')');
    }
    buf_add_u8(out, '\n');
}

void explain_format(const struct explain *explain, const struct demand *demand,
                    struct buf *out)
{
    enum reason list[REASON_COUNT];
    format_counts(explain, out);
    if (explain->fits == 0 && explain->has_nearest) {
        buf_add(out, bytes_str("nearest miss: "));
        verdict_format(&explain->nearest, demand, out);
        buf_add_u8(out, '\n');
    }
    uint32_t len = explain_relaxations(explain, list);
    for (uint32_t i = 0; i < len; i++)
        format_relaxation(explain, list[i], out);
}
