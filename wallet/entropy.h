#ifndef WALLET_ENTROPY_H
#define WALLET_ENTROPY_H

/* Where unpredictable bytes come from. Handed in, so that tests and golden
 * files repeat; NULL stands for the system's generator everywhere. */

#include "base/bytes.h"

struct entropy {
    /* Fills out with len bytes; ERR_RANDOM when it cannot. */
    enum err (*fill)(void *ctx, uint8_t *out, size_t len);
    void *ctx;
};

/* source NULL: getrandom through libsodium, which cannot fail once seeded. On
 * an error `out` is zeroed. */
MUST_USE enum err entropy_fill(const struct entropy *source, uint8_t *out,
                               size_t len);

#endif
