#include "ledger/state/map.h"

#include "base/check.h"

#define KEY_MAX (UINT32_C(1) << 24)

static bool is_inner(uintptr_t ref)
{
    return (ref & 1u) != 0;
}

static struct map_node *inner_of(uintptr_t ref)
{
    return (struct map_node *)(ref - 1);
}

static struct map_leaf *leaf_of(uintptr_t ref)
{
    return (struct map_leaf *)ref;
}

static uintptr_t ref_inner(struct map_node *node)
{
    return (uintptr_t)node + 1;
}

/* A key's byte with a ninth bit that says it is there at all. So a prefix sorts
 * before what it begins. */
static uint32_t key_unit(struct bytes key, uint32_t byte)
{
    return byte < key.len ? 0x100u | key.ptr[byte] : 0;
}

static unsigned key_side(struct bytes key, const struct map_node *node)
{
    return (key_unit(key, node->byte) & node->mask) != 0;
}

/* The leaf a search for key ends at: the only candidate for equality. */
static struct map_leaf *best_match(uintptr_t ref, struct bytes key)
{
    while (is_inner(ref)) {
        struct map_node *node = inner_of(ref);
        ref = node->child[key_side(key, node)];
    }
    return leaf_of(ref);
}

/* Where two keys differ first; false when they are equal. */
static bool first_difference(struct bytes a, struct bytes b, uint32_t *out_byte,
                             uint32_t *out_mask)
{
    uint32_t shorter = (uint32_t)(a.len < b.len ? a.len : b.len);
    uint32_t byte = 0;
    while (byte < shorter && a.ptr[byte] == b.ptr[byte])
        byte++;
    uint32_t diff = key_unit(a, byte) ^ key_unit(b, byte);
    if (diff == 0)
        return false;
    *out_byte = byte;
    *out_mask = UINT32_C(1) << (31 - __builtin_clz(diff));
    return true;
}

/* Does the node decide earlier in the key than (byte, mask)? */
static bool node_before(const struct map_node *node, uint32_t byte,
                        uint32_t mask)
{
    return node->byte < byte || (node->byte == byte && node->mask > mask);
}

static struct map_leaf *outermost(uintptr_t ref, unsigned side)
{
    while (is_inner(ref))
        ref = inner_of(ref)->child[side];
    return leaf_of(ref);
}

struct map_leaf *map_find(const struct map *map, struct bytes key)
{
    if (map->root == 0)
        return NULL;
    struct map_leaf *leaf = best_match(map->root, key);
    return bytes_equal(leaf->key, key) ? leaf : NULL;
}

struct map_leaf *map_insert(struct map *map, struct map_leaf *leaf)
{
    uint32_t byte = 0;
    uint32_t mask = 0;
    CHECK(leaf->key.len < KEY_MAX);
    leaf->node_used = false;
    if (map->root == 0) {
        map->root = (uintptr_t)leaf;
        map->count = 1;
        return NULL;
    }
    struct map_leaf *near = best_match(map->root, leaf->key);
    if (!first_difference(near->key, leaf->key, &byte, &mask))
        return near;
    uintptr_t *at = &map->root;
    while (is_inner(*at) && node_before(inner_of(*at), byte, mask)) {
        struct map_node *node = inner_of(*at);
        at = &node->child[key_side(leaf->key, node)];
    }
    struct map_node *node = &leaf->node;
    node->byte = byte;
    node->mask = mask;
    unsigned side = key_side(leaf->key, node);
    node->child[side] = (uintptr_t)leaf;
    node->child[1 - side] = *at;
    leaf->node_used = true;
    *at = ref_inner(node);
    map->count++;
    return NULL;
}

/* The leaf a node lies in. */
static struct map_leaf *owner_of(struct map_node *node)
{
    return (struct map_leaf *)(void *)((char *)node -
                                       offsetof(struct map_leaf, node));
}

/* A leaf that leaves may own a node still needed above it; the node freed by
 * its going takes over. (A leaf's node is always one of its ancestors.) */
static void hand_over_node(struct map *map, struct map_leaf *leaf,
                           struct map_node *freed)
{
    uintptr_t *at = &map->root;
    struct map_node *mine = &leaf->node;
    while (*at != ref_inner(mine)) {
        CHECK(is_inner(*at));
        struct map_node *node = inner_of(*at);
        at = &node->child[key_side(leaf->key, node)];
    }
    *freed = *mine;
    *at = ref_inner(freed);
}

struct map_leaf *map_remove(struct map *map, struct bytes key)
{
    if (map->root == 0)
        return NULL;
    uintptr_t *at = &map->root;
    uintptr_t *parent_at = NULL;
    while (is_inner(*at)) {
        struct map_node *node = inner_of(*at);
        parent_at = at;
        at = &node->child[key_side(key, node)];
    }
    struct map_leaf *leaf = leaf_of(*at);
    if (!bytes_equal(leaf->key, key))
        return NULL;
    map->count--;
    if (parent_at == NULL) {
        map->root = 0;
        return leaf;
    }
    struct map_node *parent = inner_of(*parent_at);
    *parent_at = parent->child[at == &parent->child[0] ? 1 : 0];
    if (parent == &leaf->node)
        return leaf;
    if (leaf->node_used)
        hand_over_node(map, leaf, parent);
    else
        owner_of(parent)->node_used = false;
    leaf->node_used = false;
    return leaf;
}

/* The nearest leaf on one side. side 1: upwards. */
static struct map_leaf *neighbour(const struct map *map, struct bytes key,
                                  unsigned side, bool or_equal)
{
    uint32_t byte = 0;
    uint32_t mask = 0;
    uintptr_t ref = map->root;
    uintptr_t beyond = 0; /* the last subtree passed on that side */
    if (ref == 0)
        return NULL;
    struct map_leaf *near = best_match(ref, key);
    bool differs = first_difference(near->key, key, &byte, &mask);
    if (!differs && or_equal)
        return near;
    while (is_inner(ref) &&
           (!differs || node_before(inner_of(ref), byte, mask))) {
        struct map_node *node = inner_of(ref);
        unsigned turn = key_side(key, node);
        if (turn != side)
            beyond = node->child[side];
        ref = node->child[turn];
    }
    if (differs) {
        unsigned key_bit = (key_unit(key, byte) & mask) != 0;
        /* Everything below ref has the other bit there. */
        if (key_bit != side)
            return outermost(ref, 1 - side);
    }
    return beyond == 0 ? NULL : outermost(beyond, 1 - side);
}

struct map_leaf *map_ceiling(const struct map *map, struct bytes key)
{
    return neighbour(map, key, 1, true);
}

struct map_leaf *map_floor(const struct map *map, struct bytes key)
{
    return neighbour(map, key, 0, true);
}

struct map_leaf *map_after(const struct map *map, struct bytes key)
{
    return neighbour(map, key, 1, false);
}

struct map_leaf *map_before(const struct map *map, struct bytes key)
{
    return neighbour(map, key, 0, false);
}

struct map_leaf *map_first(const struct map *map)
{
    return map->root == 0 ? NULL : outermost(map->root, 0);
}

struct map_leaf *map_last(const struct map *map)
{
    return map->root == 0 ? NULL : outermost(map->root, 1);
}

/* As deep as the keys have bits that tell them apart. */
static enum err each(uintptr_t ref, map_each_fn fn, void *ctx)
{
    while (is_inner(ref)) {
        struct map_node *node = inner_of(ref);
        TRY(each(node->child[0], fn, ctx));
        ref = node->child[1];
    }
    return fn(ctx, leaf_of(ref));
}

enum err map_each(const struct map *map, map_each_fn fn, void *ctx)
{
    return map->root == 0 ? OK : each(map->root, fn, ctx);
}
