#include "sched/grade.h"

#include "base/check.h"

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

bool grade_speed(const struct grade *grade, uint32_t *out_log2_q16)
{
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
