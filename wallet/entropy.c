#include "wallet/entropy.h"

#include "base/check.h"

#include <sodium.h>

enum err entropy_fill(const struct entropy *source, uint8_t *out, size_t len)
{
    enum err err = OK;

    CHECK(sodium_init() >= 0);
    if (source == NULL)
        randombytes_buf(out, len);
    else
        err = source->fill(source->ctx, out, len);
    if (err != OK)
        sodium_memzero(out, len);
    return err;
}
