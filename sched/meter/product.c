#include "sched/meter/product.h"

#include "base/check.h"
#include "base/dice.h"

#include <string.h>

enum err product_form(const struct product *product)
{
    if (product->kernel != METER_INT8 && product->kernel != METER_FP32 &&
        product->kernel != METER_FP64)
        return ERR_RANGE;
    if (product->n < PRODUCT_N_MIN || product->n > PRODUCT_N_MAX ||
        product->n % 16 != 0)
        return ERR_RANGE;
    return OK;
}

size_t product_in_width(enum meter_kernel kernel)
{
    return kernel == METER_INT8 ? 1 : kernel == METER_FP32 ? 4 : 8;
}

size_t product_out_width(enum meter_kernel kernel)
{
    return kernel == METER_FP64 ? 8 : 4;
}

size_t product_bytes(const struct product *product)
{
    return (size_t)product->n * product->n * product_out_width(product->kernel);
}

static void dice_of(const struct product *product, const struct hash *nonce,
                    uint8_t which, struct dice *out)
{
    struct hasher hasher;
    struct hash seed;
    uint8_t text[10] = {(uint8_t)product->kernel};
    u32le_put(text + 1, product->n);
    u32le_put(text + 5, product->index);
    text[9] = which;
    hasher_init(&hasher, HASH_TAG_PRODUCT);
    hasher_add(&hasher, hash_as_bytes(nonce));
    hasher_add(&hasher, BYTES_OF(text));
    hasher_finish(&hasher, &seed);
    dice_init(out, u64le_get(seed.b));
}

static void fill_bytes(struct dice *dice, size_t count, uint8_t *out)
{
    for (size_t i = 0; i < count; i += 8)
        u64le_put(out + i, dice_next(dice));
}

static void fill_floats(struct dice *dice, size_t count, float *out)
{
    for (size_t i = 0; i < count; i += 2) {
        uint64_t throw = dice_next(dice);
        out[i] = (float)((int32_t)(throw &0xffffffu) - 0x800000) * 0x1p-23f;
        out[i + 1] =
            (float)((int32_t)(throw >> 32 & 0xffffffu) - 0x800000) * 0x1p-23f;
    }
}

static void fill_doubles(struct dice *dice, size_t count, double *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] =
            (double)((int64_t)(dice_next(dice) >> 11) - (INT64_C(1) << 52)) *
            0x1p-52;
}

static void fill(const struct product *product, const struct hash *nonce,
                 uint8_t which, void *out)
{
    struct dice dice;
    size_t count = (size_t)product->n * product->n;
    dice_of(product, nonce, which, &dice);
    if (product->kernel == METER_INT8)
        fill_bytes(&dice, count, out);
    else if (product->kernel == METER_FP32)
        fill_floats(&dice, count, out);
    else
        fill_doubles(&dice, count, out);
}

void product_inputs(const struct product *product, const struct hash *nonce,
                    void *out_a, void *out_b)
{
    CHECK(product_form(product) == OK);
    fill(product, nonce, 0, out_a);
    fill(product, nonce, 1, out_b);
}
