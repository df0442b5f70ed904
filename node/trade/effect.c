#include "node/trade/effect.h"

#include <stdlib.h>
#include <string.h>

#define EFFECT_ARENA_MAX (16u * 1024 * 1024)

void trade_effects_init(struct trade_effects *effects)
{
    memset(effects, 0, sizeof(*effects));
    arena_init(&effects->arena, EFFECT_ARENA_MAX);
}

void trade_effects_done(struct trade_effects *effects)
{
    free(effects->list);
    arena_done(&effects->arena);
    memset(effects, 0, sizeof(*effects));
}

void trade_effects_reset(struct trade_effects *effects)
{
    effects->count = 0;
    effects->err = OK;
    arena_reset(&effects->arena);
}

static bool grow(struct trade_effects *effects)
{
    size_t cap = effects->cap == 0 ? 16 : effects->cap * 2;
    struct trade_effect *list =
        realloc(effects->list, cap * sizeof(*effects->list));
    if (list == NULL) {
        effects->err = ERR_NOMEM;
        return false;
    }
    effects->list = list;
    effects->cap = cap;
    return true;
}

struct trade_effect *trade_effect_add(struct trade_effects *effects,
                                      enum trade_effect_kind kind)
{
    static struct trade_effect nowhere;
    struct trade_effect *effect = &nowhere;
    if (effects->err == OK && (effects->count < effects->cap || grow(effects)))
        effect = &effects->list[effects->count++];
    memset(effect, 0, sizeof(*effect));
    effect->kind = kind;
    return effect;
}

struct bytes trade_effects_keep(struct trade_effects *effects,
                                struct bytes bytes)
{
    struct bytes kept = {NULL, 0};
    enum err err = arena_copy(&effects->arena, bytes, &kept);
    if (err != OK && effects->err == OK)
        effects->err = err;
    return kept;
}
