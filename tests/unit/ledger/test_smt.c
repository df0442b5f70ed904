#include "fixture.h"

#include "golden.h"
#include "ledger/state/map.h"
#include "ledger/state/smt_page.h"

/* ---- pages in a plain map ---- */

struct kept {
    struct map_leaf leaf;
    uint8_t key[SMT_PAGE_KEY_MAX];
    uint8_t bytes[SMT_PAGE_BYTES_MAX];
    size_t len;
};

struct shelf {
    struct map map;
    unsigned calls;
    unsigned fail_at;
};

static enum err shelf_get(void *ctx, struct bytes key,
                          uint8_t out[SMT_PAGE_BYTES_MAX], size_t *out_len)
{
    struct shelf *shelf = ctx;
    if (++shelf->calls == shelf->fail_at)
        return ERR_IO;
    struct kept *kept = (struct kept *)(void *)map_find(&shelf->map, key);
    *out_len = kept == NULL ? 0 : kept->len;
    if (kept != NULL)
        memcpy(out, kept->bytes, kept->len);
    return OK;
}

static enum err shelf_put(void *ctx, struct bytes key, struct bytes page)
{
    struct shelf *shelf = ctx;
    if (++shelf->calls == shelf->fail_at)
        return ERR_IO;
    free(map_remove(&shelf->map, key));
    if (page.len == 0)
        return OK;
    struct kept *kept = calloc(1, sizeof(*kept));
    assert_non_null(kept);
    memcpy(kept->key, key.ptr, key.len);
    memcpy(kept->bytes, page.ptr, page.len);
    kept->len = page.len;
    kept->leaf.key = bytes_make(kept->key, key.len);
    assert_null(map_insert(&shelf->map, &kept->leaf));
    return OK;
}

static struct smt_pages shelf_pages(struct shelf *shelf)
{
    return (struct smt_pages){shelf_get, shelf_put, shelf};
}

static void shelf_clear(struct shelf *shelf)
{
    struct map_leaf *leaf;
    while ((leaf = map_first(&shelf->map)) != NULL)
        free(map_remove(&shelf->map, leaf->key));
    memset(shelf, 0, sizeof(*shelf));
}

/* ---- the tree again, naively: straight from the rules, no pages ---- */

struct pair {
    struct hash path;
    struct hash value;
};

static unsigned bit_of(const struct hash *path, unsigned depth)
{
    return ((unsigned)path->b[depth / 8] >> (7 - depth % 8)) & 1u;
}

static void naive_hash(uint8_t tag, const struct hash *a, const struct hash *b,
                       struct hash *out)
{
    uint8_t data[65];
    data[0] = tag;
    memcpy(data + 1, a->b, 32);
    memcpy(data + 33, b->b, 32);
    hash_bytes(HASH_TAG_NODE, BYTES_OF(data), out);
}

/* pairs sorted by path */
static void naive_root(const struct pair *pairs, size_t count, unsigned depth,
                       struct hash *out)
{
    struct hash left;
    struct hash right;
    size_t split = 0;
    memset(out, 0, sizeof(*out));
    if (count == 0)
        return;
    if (count == 1) {
        naive_hash(0, &pairs->path, &pairs->value, out);
        return;
    }
    while (split < count && bit_of(&pairs[split].path, depth) == 0)
        split++;
    naive_root(pairs, split, depth + 1, &left);
    naive_root(pairs + split, count - split, depth + 1, &right);
    naive_hash(1, &left, &right, out);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *x = a;
    const struct pair *y = b;
    return hash_compare(&x->path, &y->path);
}

/* ---- a model: which of M paths are in, with which value ---- */

#define M 300

struct model {
    struct hash path[M];
    struct hash value[M]; /* zero: out */
};

/* Half of the paths are random, half share long prefixes, down to the last
 * bit. */
static void model_init(struct model *model, uint64_t *seed)
{
    memset(model, 0, sizeof(*model));
    for (unsigned i = 0; i < M; i++) {
        for (unsigned j = 0; j < 32; j++)
            model->path[i].b[j] = (uint8_t)test_random(seed);
        if (i % 2 == 0 || i == 1)
            continue;
        model->path[i] = model->path[i - 1];
        unsigned bit = (unsigned)(test_random(seed) % 256);
        if (i % 10 == 1)
            bit = 255;
        model->path[i].b[bit / 8] ^= (uint8_t)(1u << (7 - bit % 8));
        for (unsigned j = 0; j < i; j++) {
            if (hash_equal(&model->path[i], &model->path[j])) {
                model->path[i].b[0] ^= (uint8_t)(1 + test_random(seed) % 255);
                j = 0;
            }
        }
    }
}

static size_t model_pairs(const struct model *model, struct pair pairs[M])
{
    size_t count = 0;
    for (unsigned i = 0; i < M; i++) {
        if (hash_is_zero(&model->value[i]))
            continue;
        pairs[count++] = (struct pair){model->path[i], model->value[i]};
    }
    if (count > 0)
        qsort(pairs, count, sizeof(pairs[0]), compare_pairs);
    return count;
}

static void model_root(const struct model *model, struct hash *out)
{
    struct pair pairs[M];
    size_t count = model_pairs(model, pairs);
    naive_root(pairs, count, 0, out);
}

/* Changes some of the model, and says which. */
static size_t model_change(struct model *model, uint64_t *seed, size_t max,
                           struct smt_change *changes)
{
    size_t count = 0;
    bool used[M] = {false};
    size_t want = 1 + test_random(seed) % max;
    while (count < want) {
        unsigned i = (unsigned)(test_random(seed) % M);
        if (used[i])
            continue;
        used[i] = true;
        memset(&model->value[i], 0, sizeof(model->value[i]));
        if (test_random(seed) % 3 != 0)
            model->value[i].b[3] = (uint8_t)(1 + test_random(seed) % 255);
        changes[count++] = (struct smt_change){model->path[i], model->value[i]};
    }
    return count;
}

/* ---- the tests ---- */

static void smt_roots_are_the_golden_ones(void **state)
{
    static const size_t counts[] = {0, 1, 2, 3, 5, 8, 100};
    struct hash ids[100];
    struct hash root;
    char name[32];
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        uint8_t raw[4];
        u32le_put(raw, i);
        hash_bytes(HASH_TAG_HEADER, BYTES_OF(raw), &ids[i]);
    }
    for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
        struct shelf shelf = {0};
        struct smt_pages pages = shelf_pages(&shelf);
        struct smt_change changes[100];
        for (size_t i = 0; i < counts[c]; i++)
            changes[i] = (struct smt_change){ids[i], ids[99 - i]};
        assert_int_equal(smt_update(&pages, changes, counts[c], &root), OK);
        snprintf(name, sizeof(name), "smt:%zu", counts[c]);
        assert_golden_hash(name, &root);
        shelf_clear(&shelf);
    }
}

static void smt_path_is_keyed_by_chain_and_table(void **state)
{
    struct hash chain = {{1}};
    struct hash other = {{2}};
    struct hash a;
    struct hash b;
    (void)state;
    smt_path(&chain, STATE_ACCOUNT, BYTES_LIT("key"), &a);
    smt_path(&chain, STATE_VAULT, BYTES_LIT("key"), &b);
    assert_false(hash_equal(&a, &b));
    smt_path(&other, STATE_ACCOUNT, BYTES_LIT("key"), &b);
    assert_false(hash_equal(&a, &b));
    smt_path(&chain, STATE_ACCOUNT, BYTES_LIT("key"), &b);
    assert_true(hash_equal(&a, &b));
}

static void smt_root_equals_the_naive_tree_under_random_changes(void **state)
{
    static struct model model;
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[M];
    struct hash root;
    struct hash want;
    uint64_t seed = 7;
    (void)state;
    model_init(&model, &seed);
    for (int step = 0; step < 400; step++) {
        size_t max = step % 5 == 0 ? M : 6;
        size_t count = model_change(&model, &seed, max, changes);
        assert_int_equal(smt_update(&pages, changes, count, &root), OK);
        model_root(&model, &want);
        assert_true(hash_equal(&root, &want));
        assert_int_equal(smt_root(&pages, &root), OK);
        assert_true(hash_equal(&root, &want));
    }
    shelf_clear(&shelf);
}

static void smt_pages_depend_only_on_the_set(void **state)
{
    static struct model model;
    struct shelf one = {0};
    struct shelf two = {0};
    struct smt_pages pages = shelf_pages(&one);
    struct smt_pages direct = shelf_pages(&two);
    struct smt_change changes[M];
    struct pair pairs[M];
    struct hash root;
    struct hash again;
    uint64_t seed = 99;
    (void)state;
    model_init(&model, &seed);
    for (int step = 0; step < 100; step++) {
        size_t count = model_change(&model, &seed, 20, changes);
        assert_int_equal(smt_update(&pages, changes, count, &root), OK);
    }
    /* The same set, built at once and in reverse. */
    size_t count = model_pairs(&model, pairs);
    for (size_t i = 0; i < count; i++)
        changes[count - 1 - i] =
            (struct smt_change){pairs[i].path, pairs[i].value};
    assert_int_equal(smt_update(&direct, changes, count, &again), OK);
    assert_true(hash_equal(&root, &again));
    assert_int_equal(one.map.count, two.map.count);
    struct map_leaf *leaf = map_first(&one.map);
    for (; leaf != NULL; leaf = map_after(&one.map, leaf->key)) {
        struct kept *a = (struct kept *)(void *)leaf;
        struct kept *b = (struct kept *)(void *)map_find(&two.map, leaf->key);
        assert_non_null(b);
        assert_int_equal(a->len, b->len);
        assert_memory_equal(a->bytes, b->bytes, a->len);
    }
    shelf_clear(&one);
    shelf_clear(&two);
}

static void smt_of_all_deleted_keeps_no_page(void **state)
{
    static struct model model;
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[M];
    struct hash root;
    uint64_t seed = 3;
    (void)state;
    model_init(&model, &seed);
    for (unsigned i = 0; i < M; i++)
        changes[i] = (struct smt_change){model.path[i], {{1}}};
    assert_int_equal(smt_update(&pages, changes, M, &root), OK);
    assert_true(shelf.map.count > 10);
    for (unsigned i = 0; i < M; i++)
        memset(&changes[i].value, 0, sizeof(changes[i].value));
    assert_int_equal(smt_update(&pages, changes, M, &root), OK);
    assert_true(hash_is_zero(&root));
    assert_int_equal(shelf.map.count, 0);
}

static void smt_proofs_hold_for_members_and_strangers(void **state)
{
    static struct model model;
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[M];
    struct hash root;
    struct hash other = {{9}};
    struct buf proof;
    uint64_t seed = 21;
    (void)state;
    model_init(&model, &seed);
    buf_init(&proof, SMT_PROOF_BYTES_MAX);
    for (int step = 0; step < 12; step++) {
        size_t count = model_change(&model, &seed, M / 2, changes);
        assert_int_equal(smt_update(&pages, changes, count, &root), OK);
        for (unsigned i = 0; i < M; i++) {
            const struct hash *path = &model.path[i];
            const struct hash *value =
                hash_is_zero(&model.value[i]) ? NULL : &model.value[i];
            buf_clear(&proof);
            assert_int_equal(smt_prove(&pages, path, &proof), OK);
            struct bytes bytes = buf_bytes(&proof);
            assert_int_equal(smt_check(bytes, &root, path, value), OK);
            assert_int_equal(
                smt_check(bytes, &root, path, value == NULL ? &other : NULL),
                ERR_PROOF);
            assert_int_equal(smt_check(bytes, &root, path, &other), ERR_PROOF);
        }
    }
    buf_done(&proof);
    shelf_clear(&shelf);
}

/* No changed byte, cut or tail makes a proof say anything, for any claim about
 * its own path. */
static void damage_all(struct buf *proof, const struct hash *root,
                       const struct hash *path, const struct hash *value)
{
    struct bytes bytes = buf_bytes(proof);
    assert_int_equal(smt_check(bytes, root, path, value), OK);
    for (size_t i = 0; i < proof->len * 8; i++) {
        proof->ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_equal(smt_check(bytes, root, path, value), ERR_PROOF);
        proof->ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    for (size_t len = 0; len < proof->len; len++)
        assert_int_equal(
            smt_check(bytes_make(proof->ptr, len), root, path, value),
            ERR_PROOF);
    buf_add_u8(proof, 0);
    assert_int_equal(smt_check(buf_bytes(proof), root, path, value), ERR_PROOF);
}

static void smt_check_refuses_every_damaged_proof(void **state)
{
    static struct model model;
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[M];
    struct hash root;
    struct buf proof;
    uint64_t seed = 5;
    (void)state;
    model_init(&model, &seed);
    size_t count = model_change(&model, &seed, M, changes);
    assert_int_equal(smt_update(&pages, changes, count, &root), OK);
    for (unsigned i = 0; i < 16; i++) {
        buf_init(&proof, SMT_PROOF_BYTES_MAX + 1);
        assert_int_equal(smt_prove(&pages, &model.path[i], &proof), OK);
        damage_all(&proof, &root, &model.path[i],
                   hash_is_zero(&model.value[i]) ? NULL : &model.value[i]);
        buf_done(&proof);
    }
    shelf_clear(&shelf);
}

static void a_leaf_of_another_path_does_not_prove_absence_elsewhere(
    void **state)
{
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[2] = {{{{0x80}}, {{1}}}, {{{0xc0}}, {{2}}}};
    struct hash stranger = {{0xe0}}; /* shares 11 with 0xc0 */
    struct hash root;
    struct buf proof;
    (void)state;
    assert_int_equal(smt_update(&pages, changes, 2, &root), OK);
    buf_init(&proof, SMT_PROOF_BYTES_MAX);
    assert_int_equal(smt_prove(&pages, &stranger, &proof), OK);
    assert_int_equal(smt_check(buf_bytes(&proof), &root, &stranger, NULL), OK);
    /* 0xc0 is there: its neighbour's proof of absence is no proof for it. */
    assert_int_equal(
        smt_check(buf_bytes(&proof), &root, &changes[1].path, NULL), ERR_PROOF);
    /* Nor for a path that leaves the walk above the terminal. */
    struct hash elsewhere = {{0x90}};
    assert_int_equal(smt_check(buf_bytes(&proof), &root, &elsewhere, NULL),
                     ERR_PROOF);
    buf_done(&proof);
    shelf_clear(&shelf);
}

/* Two trees that no honest node has; a verifier does not rely on that. */

static void a_leaf_in_a_foreign_place_proves_no_absence(void **state)
{
    struct hash foreign = {{0x80}}; /* belongs to the right */
    struct hash right = {{0xc0}};
    struct hash absent = {{0x10}};
    struct hash value = {{1}};
    struct hash left_hash;
    struct hash right_hash;
    struct hash root;
    struct buf proof;
    (void)state;
    naive_hash(0, &foreign, &value, &left_hash);
    naive_hash(0, &right, &value, &right_hash);
    naive_hash(1, &left_hash, &right_hash, &root);
    buf_init(&proof, SMT_PROOF_BYTES_MAX);
    buf_add_u16le(&proof, 1);
    buf_add_u8(&proof, 1);
    buf_add(&proof, hash_as_bytes(&right_hash));
    buf_add_u8(&proof, 2);
    buf_add(&proof, hash_as_bytes(&foreign));
    buf_add(&proof, hash_as_bytes(&value));
    assert_int_equal(smt_check(buf_bytes(&proof), &root, &absent, NULL),
                     ERR_PROOF);
    buf_done(&proof);
}

static void an_empty_sibling_has_one_spelling(void **state)
{
    struct hash path = {{0x10}};
    struct hash near = {{0x18}};
    struct hash value = {{1}};
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[2] = {{path, value}, {near, value}};
    struct hash root;
    struct hash zero = {{0}};
    struct buf proof;
    struct buf other;
    (void)state;
    assert_int_equal(smt_update(&pages, changes, 2, &root), OK);
    buf_init(&proof, SMT_PROOF_BYTES_MAX);
    buf_init(&other, SMT_PROOF_BYTES_MAX);
    assert_int_equal(smt_prove(&pages, &path, &proof), OK);
    struct bytes good = buf_bytes(&proof);
    assert_int_equal(smt_check(good, &root, &path, &value), OK);
    /* Depth 5; four empty siblings above the one that is there. */
    assert_int_equal(good.len, 2 + 1 + 32 + 1 + 32);
    assert_int_equal(good.ptr[2], 0x10);
    buf_add(&other, bytes_make(good.ptr, 2));
    buf_add_u8(&other, 0x11);
    buf_add(&other, bytes_make(good.ptr + 3, 32));
    buf_add(&other, hash_as_bytes(&zero));
    buf_add(&other, bytes_make(good.ptr + 35, 33));
    assert_int_equal(smt_check(buf_bytes(&other), &root, &path, &value),
                     ERR_PROOF);
    /* The same with the siblings in the order the bitmap is read. */
    buf_clear(&other);
    buf_add(&other, bytes_make(good.ptr, 2));
    buf_add_u8(&other, 0x11);
    buf_add(&other, hash_as_bytes(&zero));
    buf_add(&other, bytes_make(good.ptr + 3, 65));
    assert_int_equal(smt_check(buf_bytes(&other), &root, &path, &value),
                     ERR_PROOF);
    buf_done(&other);
    buf_done(&proof);
    shelf_clear(&shelf);
}

static void smt_passes_every_fault_of_its_pages_on(void **state)
{
    static struct model model;
    struct smt_change changes[M];
    struct hash root;
    uint64_t seed = 8;
    unsigned calls = 0;
    const size_t count = 40;
    (void)state;
    model_init(&model, &seed);
    for (unsigned i = 0; i < count; i++)
        changes[i] = (struct smt_change){model.path[i], {{1}}};
    for (unsigned fail_at = 1;; fail_at++) {
        struct shelf shelf = {.fail_at = fail_at};
        struct smt_pages pages = shelf_pages(&shelf);
        memset(&root, 0x77, sizeof(root));
        enum err err = smt_update(&pages, changes, count, &root);
        calls = shelf.calls;
        shelf_clear(&shelf);
        if (err == OK)
            break;
        assert_int_equal(err, ERR_IO);
        assert_int_equal(root.b[5], 0x77);
    }
    assert_true(calls > 20);
}

static enum err count_leaf(void *ctx, const struct hash *path,
                           const struct hash *value)
{
    size_t *count = ctx;
    (void)path;
    assert_false(hash_is_zero(value));
    (*count)++;
    return OK;
}

static void smt_audit_notices_a_changed_page(void **state)
{
    static struct model model;
    struct shelf shelf = {0};
    struct smt_pages pages = shelf_pages(&shelf);
    struct smt_change changes[M];
    struct pair pairs[M];
    struct hash root;
    size_t count = 0;
    uint64_t seed = 12;
    (void)state;
    model_init(&model, &seed);
    size_t changed = model_change(&model, &seed, M, changes);
    assert_int_equal(smt_update(&pages, changes, changed, &root), OK);
    assert_int_equal(smt_audit(&pages, &root, count_leaf, &count), OK);
    assert_int_equal(count, model_pairs(&model, pairs));
    struct map_leaf *leaf = map_first(&shelf.map);
    for (; leaf != NULL; leaf = map_after(&shelf.map, leaf->key)) {
        struct kept *kept = (struct kept *)(void *)leaf;
        kept->bytes[kept->len - 1] ^= 1;
        assert_int_equal(smt_audit(&pages, &root, NULL, NULL), ERR_CORRUPT);
        kept->bytes[kept->len - 1] ^= 1;
        kept->bytes[0] ^= 1;
        assert_int_equal(smt_audit(&pages, &root, NULL, NULL), ERR_CORRUPT);
        kept->bytes[0] ^= 1;
    }
    shelf_clear(&shelf);
}

static void smt_page_decode_refuses_all_but_the_one_spelling(void **state)
{
    struct hash path = {{0x12, 0x34}};
    struct smt_page page = {0};
    struct smt_page got;
    uint8_t raw[SMT_PAGE_BYTES_MAX];
    (void)state;
    page.slots[3].kind = SMT_LEAF;
    page.slots[3].hash = (struct hash){{0x12, 0x3f}};
    page.slots[3].value = (struct hash){{5}};
    page.slots[9].kind = SMT_NODE;
    page.slots[9].hash = (struct hash){{6}};
    size_t len = smt_page_encode(&page, raw);
    struct bytes bytes = bytes_make(raw, len);
    assert_int_equal(smt_page_decode(bytes, &path, 8, &got), OK);
    assert_memory_equal(&got, &page, sizeof(page));
    /* Not at home under another prefix, depth or slot. */
    path.b[0] = 0x13;
    assert_int_equal(smt_page_decode(bytes, &path, 8, &got), ERR_CORRUPT);
    path.b[0] = 0x12;
    assert_int_equal(smt_page_decode(bytes, &path, 12, &got), ERR_CORRUPT);
    raw[2] = 0x10; /* a leaf in a slot that is not used */
    assert_int_equal(smt_page_decode(bytes, &path, 8, &got), ERR_CORRUPT);
    page.slots[9].kind = SMT_EMPTY; /* a lone leaf needs no page */
    len = smt_page_encode(&page, raw);
    bytes = bytes_make(raw, len);
    assert_int_equal(smt_page_decode(bytes, &path, 8, &got), ERR_CORRUPT);
    assert_int_equal(smt_page_decode(bytes_make(raw, 3), &path, 8, &got),
                     ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smt_roots_are_the_golden_ones),
        cmocka_unit_test(smt_path_is_keyed_by_chain_and_table),
        cmocka_unit_test(smt_root_equals_the_naive_tree_under_random_changes),
        cmocka_unit_test(smt_pages_depend_only_on_the_set),
        cmocka_unit_test(smt_of_all_deleted_keeps_no_page),
        cmocka_unit_test(smt_proofs_hold_for_members_and_strangers),
        cmocka_unit_test(smt_check_refuses_every_damaged_proof),
        cmocka_unit_test(
            a_leaf_of_another_path_does_not_prove_absence_elsewhere),
        cmocka_unit_test(a_leaf_in_a_foreign_place_proves_no_absence),
        cmocka_unit_test(an_empty_sibling_has_one_spelling),
        cmocka_unit_test(smt_passes_every_fault_of_its_pages_on),
        cmocka_unit_test(smt_audit_notices_a_changed_page),
        cmocka_unit_test(smt_page_decode_refuses_all_but_the_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
