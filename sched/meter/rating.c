#include "sched/meter/rating.h"

#include "base/check.h"

#include <string.h>

#define STEP_SHIFT  12
#define STEP_ORIGIN (INT32_C(32) << 16)

/* Rounded down, also below zero. */
static int32_t divide(int64_t sum, int64_t by)
{
    int64_t quotient = sum / by;
    CHECK(by > 0);
    if (sum % by != 0 && sum < 0)
        quotient--;
    return (int32_t)quotient;
}

static struct rating_part rate_kernel(const struct grade *grade,
                                      enum meter_kernel kernel,
                                      enum meter_width width)
{
    enum meter_width from = meter_scales(kernel) ? width : METER_ONE;
    uint64_t rate = grade_rate(grade, kernel, from);
    uint64_t reference = meter_row(kernel)->reference[from];
    struct rating_part part = {rate > 0, 0};
    CHECK(reference > 0);
    if (rate > 0)
        part.log2_q16 =
            (int32_t)grade_log2_q16(rate) - (int32_t)grade_log2_q16(reference);
    return part;
}

static struct rating_part rate_class(const struct rating *rating,
                                     enum meter_class class)
{
    struct rating_part part = {true, 0};
    int64_t sum = 0;
    int64_t weights = 0;
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++) {
        const struct meter_row *row = meter_row((enum meter_kernel)i);
        if (row->class != class)
            continue;
        part.known = part.known && rating->kernel[i].known;
        sum += (int64_t)row->weight * rating->kernel[i].log2_q16;
        weights += row->weight;
    }
    CHECK(weights > 0);
    part.log2_q16 = part.known ? divide(sum, weights) : 0;
    return part;
}

static struct rating_part mean3(const struct rating_part *a,
                                const struct rating_part *b,
                                const struct rating_part *c)
{
    struct rating_part part = {a->known && b->known && c->known, 0};
    if (part.known)
        part.log2_q16 =
            divide((int64_t)a->log2_q16 + b->log2_q16 + c->log2_q16, 3);
    return part;
}

void rating_of(const struct grade *grade, enum meter_width width,
               struct rating *out)
{
    memset(out, 0, sizeof(*out));
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++)
        out->kernel[i] = rate_kernel(grade, (enum meter_kernel)i, width);
    for (unsigned i = 0; i < METER_CLASS_COUNT; i++)
        out->class[i] = rate_class(out, (enum meter_class)i);
    out->compute =
        mean3(&out->class[METER_LOGIC], &out -> class[METER_PARALLEL],
              &out -> class[METER_NEURAL]);
    out->whole = mean3(&out->compute, &out->class[METER_STORAGE],
                       &out -> class[METER_NETWORK]);
}

bool rating_class(const struct grade *grade, enum meter_class class,
                  int32_t *out_log2_q16)
{
    struct rating rating;
    struct rating_part part;
    CHECK((unsigned)class < METER_CLASS_COUNT);
    if (!grade_is_measured(grade))
        return false;
    for (unsigned i = 0; i < METER_KERNEL_COUNT; i++) {
        enum meter_kernel kernel = (enum meter_kernel)i;
        if (meter_row(kernel)->class == class)
            rating.kernel[i] = rate_kernel(grade, kernel, METER_ONE);
    }
    part = rate_class(&rating, class);
    if (part.known)
        *out_log2_q16 = part.log2_q16;
    return part.known;
}

bool rating_step(const struct grade *grade, enum meter_class class,
                 uint32_t *out_step)
{
    int32_t above = 0;
    if (!rating_class(grade, class, &above))
        return false;
    above += STEP_ORIGIN;
    *out_step = above < 0 ? 0 : (uint32_t)above >> STEP_SHIFT;
    return true;
}

/* 2^(2^-i) in 1/2^31, i = 1..16, rounded to nearest. */
static const uint32_t roots[16] = {
    0xb504f334u, 0x9837f052u, 0x8b95c1e4u, 0x85aac368u,
    0x82cd8699u, 0x8164d1f4u, 0x80b1ed50u, 0x8058d7d3u,
    0x802c6437u, 0x8016302fu, 0x800b179du, 0x80058bafu,
    0x8002c5d0u, 0x800162e6u, 0x8000b173u, 0x800058b9u};

uint64_t rating_permille(int32_t log2_q16)
{
    int32_t whole = divide(log2_q16, 65536);
    uint32_t part = (uint32_t)(log2_q16 - whole * 65536);
    uint64_t value = UINT64_C(1) << 31;
    for (unsigned i = 0; i < 16; i++) {
        if (part >> (15 - i) & 1)
            value = value * roots[i] >> 31;
    }
    value = value * 1000; /* below 2^42 */
    if (whole - 31 >= 22)
        return UINT64_MAX;
    if (whole >= 31)
        return value << (whole - 31);
    return 31 - whole > 63 ? 0 : value >> (31 - whole);
}

uint8_t rating_score(int32_t log2_q16)
{
    if (log2_q16 <= RATING_SCORE_LEAST)
        return 0;
    if (log2_q16 >= RATING_SCORE_LEAST + (int32_t)RATING_SCORE_MOST * 65536)
        return RATING_SCORE_MOST;
    return (uint8_t)((log2_q16 - RATING_SCORE_LEAST) / 65536);
}
