#include "node/control/rpc_grade.h"

#include "sched/meter/rating.h"

#include <stdio.h>

#define TEXT_MAX 200u

static json_t *json_rate(uint64_t rate)
{
    return rate > 0 ? json_u64(rate) : json_null();
}

static json_t *json_part(const struct rating_part *part)
{
    return part->known
               ? json_real((double)rating_permille(part->log2_q16) / 1000.0)
               : json_null();
}

static json_t *kernels_json(const struct grade *grade)
{
    json_t *object = json_object();
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++) {
        enum meter_kernel kernel = (enum meter_kernel)i;
        json_t *rates =
            json_pack("{s:s, s:o}", "unit", meter_row(kernel)->unit, "one",
                      json_rate(grade_rate(grade, kernel, METER_ONE)));
        if (meter_scales(kernel))
            json_object_set_new(
                rates, "all", json_rate(grade_rate(grade, kernel, METER_ALL)));
        json_object_set_new(object, meter_row(kernel)->name, rates);
    }
    return object;
}

/* one, all: times the reference machine; score: CATS level L2. */
static json_t *class_json(const struct rating_part *one,
                          const struct rating_part *all)
{
    return json_pack("{s:o, s:o, s:o}", "one", json_part(one), "all",
                     json_part(all), "score",
                     all->known ? json_integer(rating_score(all->log2_q16))
                                : json_null());
}

static json_t *classes_json(const struct grade *grade)
{
    json_t *object = json_object();
    struct rating one;
    struct rating all;
    rating_of(grade, METER_ONE, &one);
    rating_of(grade, METER_ALL, &all);
    for (unsigned i = 0; i < METER_CLASS_COUNT; i++)
        json_object_set_new(object, meter_class_name((enum meter_class)i),
                            class_json(&one.class[i], &all.class[i]));
    json_object_set_new(object, "compute",
                        class_json(&one.compute, &all.compute));
    json_object_set_new(object, "whole", class_json(&one.whole, &all.whole));
    return object;
}

/* Classes of which some figure is not known; null: all are known. */
static json_t *missing_json(const struct grade *grade)
{
    struct rating rating;
    struct buf text;
    json_t *json;
    rating_of(grade, METER_ALL, &rating);
    buf_init(&text, TEXT_MAX);
    for (unsigned i = 0; i < METER_CLASS_COUNT; i++)
        if (!rating.class[i].known)
            buf_addf(&text, "%s%s", text.len > 0 ? ", " : "",
                     meter_class_name((enum meter_class)i));
    json = text.len > 0 ? json_string(buf_cstr(&text)) : json_null();
    buf_done(&text);
    return json;
}

static json_t *tier_json(const struct tier *tier)
{
    return tier != NULL ? json_string(tier->name) : json_null();
}

json_t *json_grade(const struct tiers *tiers, const struct grade *grade)
{
    json_t *object = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "int_ops", json_u64(grade->int_ops),
        "float_ops", json_u64(grade->float_ops), "mem_bps",
        json_u64(grade->mem_bps), "disk_bps", json_u64(grade->disk_bps),
        "measured_at_ms", json_u64(grade->measured_at_ms));
    json_object_set_new(object, "source",
                        json_string(metric_source_name(grade->source)));
    json_object_set_new(object, "quick", json_boolean(grade->quick));
    json_object_set_new(object, "cores", json_u64(grade->cores));
    json_object_set_new(object, "kernels", kernels_json(grade));
    json_object_set_new(object, "classes", classes_json(grade));
    json_object_set_new(object, "missing", missing_json(grade));
    json_object_set_new(object, "tier", tier_json(tier_of(tiers, grade)));
    json_object_set_new(object, "nominal_flops",
                        json_rate(grade->nominal_flops));
    json_object_set_new(object, "nominal_tier",
                        tier_json(tier_nominal(tiers, grade->nominal_flops)));
    return object;
}

static json_t *figure_json(const struct bench_result *result,
                           enum meter_kernel kernel, enum meter_width width)
{
    const struct bench_figure *figure = &result->figures[kernel][width];
    const struct meter_row *row = meter_row(kernel);
    struct rating rating;
    json_t *object;
    rating_of(&result->grade, width, &rating);
    object =
        json_pack("{s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:b, s:s}", "kernel",
                  row->name, "class", meter_class_name(row->class), "width",
                  !meter_scales(kernel) ? "-"
                  : width == METER_ONE  ? "one"
                                        : "all",
                  "unit", row->unit, "median", json_rate(figure->median), "mad",
                  json_u64(figure->mad), "mad_percent",
                  json_real(figure->mad_permille / 10.0), "kept",
                  (int)figure->kept, "note", figure->note);
    json_object_set_new(object, "ratio",
                        figure->kept ? json_part(&rating.kernel[kernel])
                                     : json_null());
    if (figure->err != OK)
        json_object_set_new(object, "error",
                            json_string(err_text(figure->err)));
    return object;
}

json_t *json_figures(const struct bench_result *result)
{
    json_t *list = json_array();
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        for (unsigned w = METER_ONE; w <= METER_ALL; w++) {
            if (result->figures[k][w].seen)
                json_array_append_new(list,
                                      figure_json(result, (enum meter_kernel)k,
                                                  (enum meter_width)w));
        }
    }
    return list;
}

/* ---- the network ---- */

/* Where the figure comes from, or what is missing. */
static json_t *goodput_text(const struct goodput *goodput)
{
    char text[TEXT_MAX];
    if (goodput->kbps > 0)
        snprintf(text, sizeof(text),
                 "median of %u links, measured by both ends", goodput->peers);
    else if (goodput->doubtful > 0)
        snprintf(text, sizeof(text),
                 "both ends measured %u links, of %u needed; %u more by one "
                 "end alone or too long ago",
                 goodput->peers, GOODPUT_PEERS_MIN, goodput->doubtful);
    else
        snprintf(text, sizeof(text),
                 "both ends measured %u links, of %u needed", goodput->peers,
                 GOODPUT_PEERS_MIN);
    return json_string(text);
}

static json_t *goodput_next(const struct goodput *goodput)
{
    if (goodput->kbps > 0)
        return json_null();
    if (goodput->peers + goodput->doubtful >= GOODPUT_PEERS_MIN)
        return json_string("wait a minute or two: peers tell of their links "
                           "once a minute; suan market links shows them");
    return json_string("peers measure who sells, if their net.probe_enabled "
                       "says so: suan sell start, suan node peers");
}

json_t *json_goodput(const struct goodput *goodput, uint64_t declared_bps,
                     uint64_t now_ms)
{
    uint64_t age_ms = now_ms > goodput->at_ms ? now_ms - goodput->at_ms : 0;
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "declared_bps",
        json_rate(declared_bps), "found_bps", json_rate(goodput_bps(goodput)),
        "counts_bps", json_rate(goodput_bound(goodput, declared_bps)), "rtt_us",
        json_rate(goodput->rtt_us), "links", json_u64(goodput->peers),
        "doubtful", json_u64(goodput->doubtful), "needed",
        json_u64(GOODPUT_PEERS_MIN), "age_ms",
        goodput->peers > 0 ? json_u64(age_ms) : json_null(), "text",
        goodput_text(goodput), "next", goodput_next(goodput));
}

json_t *json_net_figure(const struct goodput *goodput)
{
    const struct meter_row *row = meter_row(METER_NET);
    struct grade grade = {.net_bps = goodput_bps(goodput)};
    struct rating rating;
    rating_of(&grade, METER_ONE, &rating);
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:n, s:n, s:b, s:o, s:o}",
                     "kernel", row->name, "class", meter_class_name(row->class),
                     "width", "-", "unit", row->unit, "median",
                     json_rate(grade.net_bps), "mad", "mad_percent", "kept",
                     (int)(goodput->kbps > 0), "note", goodput_text(goodput),
                     "ratio", json_part(&rating.kernel[METER_NET]));
}
