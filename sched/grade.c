#include "sched/grade.h"

#include "base/check.h"

#include <stddef.h>
#include <string.h>

#define WEIGHT_INT   2u
#define WEIGHT_FLOAT 2u
#define WEIGHT_MEM   1u
#define WEIGHT_SUM   (WEIGHT_INT + WEIGHT_FLOAT + WEIGHT_MEM)

/* The whole part is the position of the top bit. Each squaring of the mantissa,
 * held as a fixed-point number in [1, 2), then yields one binary digit: whether
 * the square reached 2. */
uint32_t grade_log2_q16(uint64_t value)
{
    CHECK(value > 0);
    unsigned whole = 63u - (unsigned)__builtin_clzll(value);
    uint64_t mantissa = (value << (63u - whole)) >> 32; /* 31 fraction bits */
    uint32_t digits = 0;
    for (unsigned i = 0; i < 16; i++) {
        mantissa = (mantissa * mantissa) >> 31;
        unsigned carry = (unsigned)(mantissa >> 32);
        mantissa >>= carry;
        digits = digits << 1 | carry;
    }
    return (uint32_t)whole << 16 | digits;
}

/* The field of a figure of one core, or of a kernel that does not scale. */
static const uint64_t *field(const struct grade *grade,
                             enum meter_kernel kernel)
{
    switch (kernel) {
    case METER_SORT:
        return &grade->int_ops;
    case METER_SHA256:
        return &grade->sha256_bps;
    case METER_FP64:
        return &grade->float_ops;
    case METER_FP32:
        return &grade->fp32_ops;
    case METER_INT8:
        return &grade->int8_ops;
    case METER_TRIAD:
        return &grade->mem_bps;
    case METER_CHASE:
        return &grade->chase_ops;
    case METER_DISK:
        return &grade->disk_bps;
    case METER_DISK4K:
        return &grade->disk_iops;
    case METER_NET:
        return &grade->net_bps;
    case METER_KERNEL_COUNT:
        break;
    }
    CHECK(false);
    return NULL;
}

static const uint64_t *figure(const struct grade *grade,
                              enum meter_kernel kernel, enum meter_width width)
{
    CHECK((unsigned)kernel < METER_KERNEL_COUNT);
    if (width == METER_ALL && meter_scales(kernel))
        return &grade->all[kernel];
    return field(grade, kernel);
}

uint64_t grade_rate(const struct grade *grade, enum meter_kernel kernel,
                    enum meter_width width)
{
    return *figure(grade, kernel, width);
}

void grade_rate_set(struct grade *grade, enum meter_kernel kernel,
                    enum meter_width width, uint64_t rate)
{
    size_t at = (size_t)((const uint8_t *)figure(grade, kernel, width) -
                         (const uint8_t *)grade);
    memcpy((uint8_t *)grade + at, &rate, sizeof(rate));
}

void grade_bound(struct grade *grade, const struct grade *audited)
{
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        for (unsigned w = METER_ONE; w <= METER_ALL; w++) {
            uint64_t found =
                grade_rate(audited, (enum meter_kernel)k, (enum meter_width)w);
            if (found > 0 && found < grade_rate(grade, (enum meter_kernel)k,
                                                (enum meter_width)w))
                grade_rate_set(grade, (enum meter_kernel)k, (enum meter_width)w,
                               found);
        }
    }
}

bool grade_speed(const struct grade *grade, uint32_t *out_log2_q16)
{
    if (!grade_is_measured(grade))
        return false;
    if (grade->int_ops == 0 || grade->float_ops == 0 || grade->mem_bps == 0)
        return false;
    uint32_t sum = WEIGHT_INT * grade_log2_q16(grade->int_ops) +
                   WEIGHT_FLOAT * grade_log2_q16(grade->float_ops) +
                   WEIGHT_MEM * grade_log2_q16(grade->mem_bps);
    *out_log2_q16 = sum / WEIGHT_SUM;
    return true;
}

bool grade_step(const struct grade *grade, uint32_t *out_step)
{
    uint32_t speed;
    if (!grade_speed(grade, &speed))
        return false;
    *out_step = speed >> GRADE_STEP_SHIFT;
    return true;
}
