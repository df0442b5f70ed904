/* The verifier of state proofs. On purpose it shares nothing with the prover:
 * it is written from the format in smt.h alone, so that a mistake in the tree's
 * code does not vouch for itself. */

#include "ledger/state/smt.h"

#include <string.h>

static bool path_bit(const struct hash *path, unsigned i)
{
    return ((path->b[i / 8] >> (7 - i % 8)) & 1) != 0;
}

static bool same_prefix(const struct hash *a, const struct hash *b,
                        unsigned bits)
{
    for (unsigned i = 0; i < bits; i++) {
        if (path_bit(a, i) != path_bit(b, i))
            return false;
    }
    return true;
}

static void digest(uint8_t domain, const struct hash *a, const struct hash *b,
                   struct hash *out)
{
    struct hasher hasher;
    hasher_init(&hasher, HASH_TAG_NODE);
    hasher_add(&hasher, bytes_make(&domain, 1));
    hasher_add(&hasher, hash_as_bytes(a));
    hasher_add(&hasher, hash_as_bytes(b));
    hasher_finish(&hasher, out);
}

/* Reads the terminal and gives its hash; false: it does not show what is
 * claimed. */
static bool read_terminal(struct cursor *cursor, unsigned depth,
                          const struct hash *path, const struct hash *value,
                          struct hash *out)
{
    struct hash leaf_path;
    struct hash leaf_value;
    uint8_t kind = cursor_u8(cursor);
    memset(out, 0, sizeof(*out));
    if (kind == 0)
        return value == NULL;
    if (kind == 1) {
        cursor_copy(cursor, leaf_value.b, HASH_LEN);
        if (value == NULL || !hash_equal(&leaf_value, value))
            return false;
        digest(0, path, &leaf_value, out);
        return true;
    }
    if (kind != 2 || value != NULL)
        return false;
    cursor_copy(cursor, leaf_path.b, HASH_LEN);
    cursor_copy(cursor, leaf_value.b, HASH_LEN);
    if (hash_equal(&leaf_path, path) || !same_prefix(&leaf_path, path, depth))
        return false;
    digest(0, &leaf_path, &leaf_value, out);
    return true;
}

/* Climbs from the terminal to the root. */
static void climb(const struct hash *siblings, const uint8_t bitmap[32],
                  unsigned depth, const struct hash *path, struct hash *acc)
{
    static const struct hash empty;
    for (unsigned i = depth; i-- > 0;) {
        bool there = (((unsigned)bitmap[i / 8] >> (i % 8)) & 1u) != 0;
        const struct hash *sibling = there ? siblings++ : &empty;
        struct hash below = *acc;
        if (path_bit(path, i))
            digest(1, sibling, &below, acc);
        else
            digest(1, &below, sibling, acc);
    }
}

enum err smt_check(struct bytes proof, const struct hash *root,
                   const struct hash *path, const struct hash *value)
{
    struct cursor cursor;
    struct hash siblings[256];
    struct hash acc;
    uint8_t bitmap[32];
    unsigned count = 0;
    memset(bitmap, 0, sizeof(bitmap));
    cursor_init(&cursor, proof);
    unsigned depth = cursor_u16le(&cursor);
    if (depth > 256)
        return ERR_PROOF;
    cursor_copy(&cursor, bitmap, (depth + 7) / 8);
    for (unsigned i = 0; i < 256; i++) {
        if ((((unsigned)bitmap[i / 8] >> (i % 8)) & 1u) == 0)
            continue;
        if (i >= depth)
            return ERR_PROOF;
        cursor_copy(&cursor, siblings[count].b, HASH_LEN);
        /* An empty sibling is said by the bitmap, not by zeros. */
        if (hash_is_zero(&siblings[count++]))
            return ERR_PROOF;
    }
    if (!read_terminal(&cursor, depth, path, value, &acc) ||
        cursor_finish(&cursor) != OK)
        return ERR_PROOF;
    climb(siblings, bitmap, depth, path, &acc);
    return hash_equal(&acc, root) ? OK : ERR_PROOF;
}
