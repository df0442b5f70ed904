#include "node/peer/learnt.h"

#include "base/check.h"

#include <string.h>

static bool is_used(const struct learnt_one *one)
{
    return one->address[0] != '\0';
}

bool learnt_fits(const struct learnt *learnt, const char *address,
                 const struct pubkey *node, const struct pubkey *by)
{
    unsigned count = 0;
    unsigned named = 0;
    for (unsigned i = 0; i < LEARNT_MAX; i++) {
        const struct learnt_one *one = &learnt->items[i];
        if (!is_used(one))
            continue;
        if (strcmp(one->address, address) == 0 ||
            pubkey_equal(&one->node, node))
            return false;
        count++;
        named += pubkey_equal(&one->by, by);
    }
    return count < LEARNT_MAX && named < LEARNT_OF_ONE;
}

void learnt_add(struct learnt *learnt, const char *address,
                const struct pubkey *node, const struct pubkey *by,
                uint64_t now_ms)
{
    size_t len = strlen(address);
    unsigned i = 0;
    CHECK(len > 0 && len < LIMIT_NAME);
    while (i < LEARNT_MAX && is_used(&learnt->items[i]))
        i++;
    CHECK(i < LEARNT_MAX);
    learnt->items[i] =
        (struct learnt_one){.node = *node, .by = *by, .seen_ms = now_ms};
    memcpy(learnt->items[i].address, address, len + 1);
}

void learnt_seen(struct learnt *learnt, const struct pubkey *node,
                 uint64_t now_ms)
{
    for (unsigned i = 0; i < LEARNT_MAX; i++) {
        if (pubkey_equal(&learnt->items[i].node, node))
            learnt->items[i].seen_ms = now_ms;
    }
}

bool learnt_drop(struct learnt *learnt, uint64_t now_ms, char out[LIMIT_NAME])
{
    for (unsigned i = 0; i < LEARNT_MAX; i++) {
        struct learnt_one *one = &learnt->items[i];
        if (!is_used(one) || now_ms - one->seen_ms < LEARNT_PATIENCE_MS)
            continue;
        memcpy(out, one->address, LIMIT_NAME);
        *one = (struct learnt_one){.address = ""};
        return true;
    }
    return false;
}
