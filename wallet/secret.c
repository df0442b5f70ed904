#include "wallet/secret.h"

#include "base/check.h"

#include <string.h>

#include <sodium.h>

#define SECRET_CAP_MAX 65536u

enum err secret_init(struct secret *secret, size_t cap)
{
    uint8_t *ptr;

    CHECK(cap > 0 && cap <= SECRET_CAP_MAX);
    CHECK(sodium_init() >= 0);
    ptr = sodium_malloc(cap);
    if (ptr == NULL)
        return ERR_NOMEM;
    /* sodium_malloc has tried to lock the pages and keeps quiet about it; a
     * second lock of the same pages changes nothing and tells. */
    secret->locked = sodium_mlock(ptr, cap) == 0;
    sodium_memzero(ptr, cap);
    secret->ptr = ptr;
    secret->cap = cap;
    secret->len = 0;
    return OK;
}

void secret_done(struct secret *secret)
{
    sodium_free(secret->ptr); /* wipes; NULL is fine */
    memset(secret, 0, sizeof(*secret));
}

void secret_clear(struct secret *secret)
{
    CHECK(secret->ptr != NULL);
    sodium_memzero(secret->ptr, secret->cap);
    secret->len = 0;
}

enum err secret_add(struct secret *secret, struct bytes bytes)
{
    CHECK(secret->ptr != NULL && secret->len <= secret->cap);
    if (bytes.len > secret->cap - secret->len)
        return ERR_TOO_LARGE;
    if (bytes.len > 0)
        memcpy(secret->ptr + secret->len, bytes.ptr, bytes.len);
    secret->len += bytes.len;
    return OK;
}

struct bytes secret_bytes(const struct secret *secret)
{
    return bytes_make(secret->ptr, secret->len);
}
