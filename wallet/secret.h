#ifndef WALLET_SECRET_H
#define WALLET_SECRET_H

/* A secret is a short run of bytes in guarded memory: its own pages with an
 * unreadable page on both sides, kept out of swap and core files, wiped when
 * done. Nothing prints one: there is no formatter, on purpose. */

#include "base/bytes.h"

struct secret {
    uint8_t *ptr;
    size_t len; /* bytes in use */
    size_t cap;
    bool locked; /* false: RLIMIT_MEMLOCK is too small, it may reach swap */
};

/* Guarded memory for cap bytes (1..65536), len 0. The caller calls secret_done.
 * Memory that cannot be locked is still given, with `locked` false: say so to
 * the user once. ERR_NOMEM. */
MUST_USE enum err secret_init(struct secret *secret, size_t cap);

/* Wipes and frees; safe on a zeroed struct, leaves one behind. */
void secret_done(struct secret *secret);

/* Wipes, keeps the memory, len 0. */
void secret_clear(struct secret *secret);

/* Appends; ERR_TOO_LARGE past cap, then nothing changed. */
MUST_USE enum err secret_add(struct secret *secret, struct bytes bytes);

/* The bytes in use, lent until the next change. */
struct bytes secret_bytes(const struct secret *secret);

#endif
