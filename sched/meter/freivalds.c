/* The check of sched/meter/product.h. */

#include "base/check.h"
#include "base/dice.h"
#include "sched/meter/product.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

#define FIELD  ((UINT64_C(1) << 61) - 1)
#define ROUNDS PRODUCT_ROUNDS
#define ROOM   32.0 /* standard deviations */

/* ---- exact ---- */

static uint64_t reduce(wide value)
{
    wide rest = value % (wide)FIELD;
    return (uint64_t)(rest < 0 ? rest + (wide)FIELD : rest);
}

/* |entries| < 2^32, numbers < 2^61, n <= 2^11: sums stay below 2^104. */
static uint64_t row_u8(const uint8_t *row, const uint64_t *r, uint32_t n)
{
    wide sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += (wide)row[k] * (wide)r[k];
    return reduce(sum);
}

static uint64_t row_s8(const int8_t *row, const uint64_t *r, uint32_t n)
{
    wide sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += (wide)row[k] * (wide)r[k];
    return reduce(sum);
}

static uint64_t row_s32(const uint8_t *row, const uint64_t *r, uint32_t n)
{
    wide sum = 0;
    for (uint32_t k = 0; k < n; k++)
        sum += (wide)(int32_t)u32le_get(row + 4u * k) * (wide)r[k];
    return reduce(sum);
}

static enum err verify_int8(uint32_t n, const uint8_t *a, const int8_t *b,
                            const uint8_t *c, uint64_t seed)
{
    uint64_t *r = malloc(2u * n * sizeof(*r));
    uint64_t *br;
    struct dice dice;
    enum err err = OK;
    if (r == NULL)
        return ERR_NOMEM;
    br = r + n;
    dice_init(&dice, seed);
    for (uint32_t k = 0; k < n; k++)
        r[k] = dice_below(&dice, FIELD);
    for (uint32_t k = 0; k < n; k++)
        br[k] = row_s8(b + (size_t)k * n, r, n);
    for (uint32_t i = 0; i < n && err == OK; i++) {
        if (row_s32(c + (size_t)i * n * 4, r, n) !=
            row_u8(a + (size_t)i * n, br, n))
            err = ERR_PROOF;
    }
    free(r);
    return err;
}

/* ---- within rounding ---- */

/* Entries in the width they come in, as double. */
struct floats {
    const uint8_t *at;
    size_t width; /* 4 or 8 */
};

static inline double entry(struct floats m, size_t i)
{
    float single;
    double twice;
    if (m.width == 4) {
        memcpy(&single, m.at + 4 * i, sizeof(single));
        return (double)single;
    }
    memcpy(&twice, m.at + 8 * i, sizeof(twice));
    return twice;
}

/* out[0..ROUNDS) = the row times the n x ROUNDS matrix. */
static inline __attribute__((always_inline)) void row_body(
    struct floats m, size_t row, uint32_t n, const double *vectors, double *out)
{
    double sum[ROUNDS] = {0};
    for (uint32_t k = 0; k < n; k++) {
        double x = entry(m, row * n + k);
        const double *v = vectors + (size_t)k * ROUNDS;
        for (unsigned s = 0; s < ROUNDS; s++)
            sum[s] += x * v[s];
    }
    memcpy(out, sum, sizeof(sum));
}

static void row_plain(struct floats m, size_t row, uint32_t n,
                      const double *vectors, double *out)
{
    row_body(m, row, n, vectors, out);
}

#if defined(__GNUC__) && defined(__x86_64__)
/* The same where the processor adds and multiplies in one: a last bit may
 * differ, which is what the bound is for. */
__attribute__((target("avx2,fma"))) static void row_fma(struct floats m,
                                                        size_t row, uint32_t n,
                                                        const double *vectors,
                                                        double *out)
{
    row_body(m, row, n, vectors, out);
}
#endif

static void row_times(struct floats m, size_t row, uint32_t n,
                      const double *vectors, double *out)
{
#if defined(__GNUC__) && defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        row_fma(m, row, n, vectors, out);
        return;
    }
#endif
    row_plain(m, row, n, vectors, out);
}

static double square_sum(struct floats m, size_t row, uint32_t n,
                         const double *weights)
{
    double sum = 0;
    for (uint32_t k = 0; k < n; k++) {
        double x = entry(m, row * n + k);
        sum += x * x * (weights != NULL ? weights[k] : 1);
    }
    return sum;
}

/* What is not a number is not within anything. */
static bool row_holds(const double *left, const double *right, double bound)
{
    bool holds = true;
    for (unsigned s = 0; s < ROUNDS; s++)
        holds = holds && fabs(left[s] - right[s]) <= bound;
    return holds;
}

struct work {
    double *signs;   /* n x ROUNDS */
    double *br;      /* n x ROUNDS */
    double *squares; /* n: of each row of B */
};

static void draw_signs(double *signs, size_t count, uint64_t seed)
{
    struct dice dice;
    uint64_t throw = 0;
    dice_init(&dice, seed);
    for (size_t i = 0; i < count; i++) {
        if (i % 64 == 0)
            throw = dice_next(&dice);
        signs[i] = throw >> (i % 64) & 1 ? 1.0 : -1.0;
    }
}

static enum err compare_rows(uint32_t n, struct floats a, struct floats c,
                             const struct work *w)
{
    double left[ROUNDS];
    double right[ROUNDS];
    double unit = c.width == 4 ? 0x1p-24 : 0x1p-53;
    for (uint32_t i = 0; i < n; i++) {
        double bound = ROOM * unit * sqrt(n * square_sum(a, i, n, w->squares));
        row_times(c, i, n, w->signs, left);
        row_times(a, i, n, w->br, right);
        if (!row_holds(left, right, bound))
            return ERR_PROOF;
    }
    return OK;
}

static enum err verify_floats(uint32_t n, struct floats a, struct floats b,
                              struct floats c, uint64_t seed)
{
    size_t many = (size_t)n * ROUNDS;
    double *memory = calloc(2 * many + n, sizeof(*memory));
    struct work w;
    enum err err;
    if (memory == NULL)
        return ERR_NOMEM;
    w = (struct work){memory, memory + many, memory + 2 * many};
    draw_signs(w.signs, many, seed);
    for (uint32_t k = 0; k < n; k++) {
        row_times(b, k, n, w.signs, w.br + (size_t)k * ROUNDS);
        w.squares[k] = square_sum(b, k, n, NULL);
    }
    err = compare_rows(n, a, c, &w);
    free(memory);
    return err;
}

enum err product_verify(const struct product *product, const struct hash *nonce,
                        struct bytes c, uint64_t seed)
{
    size_t width;
    size_t count;
    uint8_t *inputs;
    enum err err;
    TRY(product_form(product));
    if (c.len != product_bytes(product))
        return ERR_RANGE;
    width = product_in_width(product->kernel);
    count = (size_t)product->n * product->n;
    inputs = malloc(2 * count * width);
    if (inputs == NULL)
        return ERR_NOMEM;
    product_inputs(product, nonce, inputs, inputs + count * width);
    if (product->kernel == METER_INT8)
        err = verify_int8(product->n, inputs, (const int8_t *)(inputs + count),
                          c.ptr, seed);
    else
        err = verify_floats(product->n, (struct floats){inputs, width},
                            (struct floats){inputs + count * width, width},
                            (struct floats){c.ptr, width}, seed);
    free(inputs);
    return err;
}
