/* The kernels of logic: a branchy sort, and a chain of hashes. */

#include "base/check.h"
#include "node/meter/chain.h"
#include "node/meter/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEYS        (1u << 16)
#define SORTS_FULL  24u
#define SORTS_QUICK 4u
#define LINKS_FULL  32768u
#define LINKS_QUICK 8192u

struct sort {
    unsigned rounds;
    uint32_t *keys; /* two lots of KEYS for each thread */
};

static uint32_t next_key(uint32_t *state)
{
    uint32_t x = *state;
    x ^= x << 13;
    x ^= x >> 17;
    x ^= x << 5;
    return *state = x;
}

static void merge(const uint32_t *from, uint32_t *to, size_t middle, size_t end)
{
    size_t left = 0;
    size_t right = middle;
    for (size_t i = 0; i < end; i++) {
        if (right >= end || (left < middle && from[left] <= from[right]))
            to[i] = from[left++];
        else
            to[i] = from[right++];
    }
}

/* Bottom up; sixteen passes for 2^16 keys, so the result is in `keys`. */
static void merge_sort(uint32_t *keys, uint32_t *other)
{
    for (size_t width = 1; width < KEYS; width *= 2) {
        uint32_t *swap = keys;
        for (size_t at = 0; at < KEYS; at += 2 * width)
            merge(keys + at, other + at, width, 2 * width);
        keys = other;
        other = swap;
    }
}

static void sort_work(void *ctx, unsigned index)
{
    const struct sort *sort = ctx;
    uint32_t *keys = sort->keys + (size_t)index * 2 * KEYS;
    uint32_t state = 2463534242u + index;
    for (unsigned round = 0; round < sort->rounds; round++) {
        for (size_t i = 0; i < KEYS; i++)
            keys[i] = next_key(&state);
        merge_sort(keys, keys + KEYS);
        for (size_t i = 1; i < KEYS; i++)
            CHECK(keys[i - 1] <= keys[i]);
    }
}

static enum err sort_open(struct bout *bout)
{
    struct sort *sort = calloc(1, sizeof(*sort));
    bout->own = sort;
    if (sort == NULL)
        return ERR_NOMEM;
    sort->rounds = bout->meter->quick ? SORTS_QUICK : SORTS_FULL;
    sort->keys = calloc((size_t)bout->threads * 2 * KEYS, sizeof(*sort->keys));
    return sort->keys != NULL ? OK : ERR_NOMEM;
}

static enum err sort_lap(struct bout *bout, uint64_t *out_rate)
{
    struct sort *sort = bout->own;
    return team_rate(&bout->meter->cpus, bout->threads, sort_work, sort,
                     (uint64_t)sort->rounds * KEYS, out_rate);
}

static void sort_close(struct bout *bout)
{
    struct sort *sort = bout->own;
    if (sort != NULL)
        free(sort->keys);
    free(sort);
}

const struct kernel_ops sort_ops = {sort_open, sort_lap, sort_close};

/* ---- hashes ---- */

static void hash_work(void *ctx, unsigned index)
{
    uint8_t state[HASH_LEN] = {(uint8_t)index};
    chain_run(state, *(const uint32_t *)ctx);
    CHECK(memcmp(state, (uint8_t[HASH_LEN]){0}, HASH_LEN) != 0);
}

static enum err hash_open(struct bout *bout)
{
    uint32_t *links = malloc(sizeof(*links));
    bout->own = links;
    if (links == NULL)
        return ERR_NOMEM;
    *links = bout->meter->quick ? LINKS_QUICK : LINKS_FULL;
    return OK;
}

static enum err hash_lap(struct bout *bout, uint64_t *out_rate)
{
    uint32_t *links = bout->own;
    return team_rate(&bout->meter->cpus, bout->threads, hash_work, links,
                     (uint64_t)*links * CHAIN_LINK_BYTES, out_rate);
}

static void hash_close(struct bout *bout)
{
    free(bout->own);
}

const struct kernel_ops sha256_ops = {hash_open, hash_lap, hash_close};
