/* blob: manifests, trees and the paths in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mp.h"
#include "node/blob/blob.h"

static void sizes_and_chunks_fit_together(void **state)
{
    (void)state;
    assert_int_equal(blob_chunk_count(0), 0);
    assert_int_equal(blob_chunk_count(1), 1);
    assert_int_equal(blob_chunk_count(BLOB_CHUNK_BYTES), 1);
    assert_int_equal(blob_chunk_count(BLOB_CHUNK_BYTES + 1), 2);
    assert_int_equal(blob_chunk_count(BLOB_BYTES_MAX), BLOB_CHUNKS_MAX);
    assert_int_equal(blob_chunk_len(BLOB_CHUNK_BYTES + 7, 0), BLOB_CHUNK_BYTES);
    assert_int_equal(blob_chunk_len(BLOB_CHUNK_BYTES + 7, 1), 7);
    assert_int_equal(blob_chunk_len(2 * BLOB_CHUNK_BYTES, 1), BLOB_CHUNK_BYTES);
}

static void a_manifest_comes_back_as_it_went(void **state)
{
    struct hash hashes[3] = {{{1}}, {{2}}, {{3}}};
    struct blob_manifest m = {2 * (uint64_t)BLOB_CHUNK_BYTES + 5, 3, hashes};
    struct blob_manifest back;
    struct buf one, two;
    struct hash id1, id2;

    (void)state;
    buf_init(&one, BLOB_MANIFEST_MAX);
    buf_init(&two, BLOB_MANIFEST_MAX);
    blob_manifest_encode(&m, &one);
    assert_int_equal(one.err, OK);
    assert_int_equal(blob_manifest_decode(buf_bytes(&one), &back), OK);
    assert_int_equal(back.bytes, m.bytes);
    assert_int_equal(back.chunk_count, 3);
    assert_memory_equal(back.chunks, hashes, sizeof hashes);
    blob_manifest_encode(&back, &two);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    blob_id(buf_bytes(&one), &id1);
    one.ptr[one.len - 1] ^= 1;
    blob_id(buf_bytes(&one), &id2);
    assert_false(hash_equal(&id1, &id2));
    blob_manifest_done(&back);
    buf_done(&one);
    buf_done(&two);
}

static void the_largest_manifest_fits_its_bound(void **state)
{
    struct blob_manifest m = {BLOB_BYTES_MAX, BLOB_CHUNKS_MAX, NULL}, back;
    struct buf text;

    (void)state;
    m.chunks = calloc(BLOB_CHUNKS_MAX, sizeof(struct hash));
    buf_init(&text, BLOB_MANIFEST_MAX);
    blob_manifest_encode(&m, &text);
    assert_int_equal(text.err, OK);
    assert_int_equal(blob_manifest_decode(buf_bytes(&text), &back), OK);
    blob_manifest_done(&back);
    blob_manifest_done(&m);
    buf_done(&text);
}

static enum err decode_of(uint64_t bytes, size_t hash_bytes)
{
    static uint8_t zeros[BLOB_CHUNKS_MAX * HASH_LEN + HASH_LEN];
    struct blob_manifest back = {0};
    struct buf text;
    enum err err;

    buf_init(&text, 4 * 1024 * 1024);
    mp_put_message(&text, 1, 1, 2);
    mp_put_uint(&text, bytes);
    mp_put_bin(&text, bytes_make(zeros, hash_bytes));
    err = blob_manifest_decode(buf_bytes(&text), &back);
    blob_manifest_done(&back);
    buf_done(&text);
    return err;
}

static void a_manifest_that_does_not_add_up_is_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_of(0, 0), OK);
    assert_int_equal(decode_of(1, HASH_LEN), OK);
    assert_int_equal(decode_of(0, HASH_LEN), ERR_RANGE);
    assert_int_equal(decode_of(1, 0), ERR_RANGE);
    assert_int_equal(decode_of(1, HASH_LEN - 1), ERR_RANGE);
    assert_int_equal(decode_of(BLOB_CHUNK_BYTES + 1, HASH_LEN), ERR_RANGE);
    assert_int_equal(decode_of(BLOB_CHUNK_BYTES, 2 * HASH_LEN), ERR_RANGE);
    assert_int_equal(decode_of(BLOB_BYTES_MAX + 1, HASH_LEN), ERR_TOO_LARGE);
    assert_int_equal(decode_of(UINT64_MAX, HASH_LEN), ERR_TOO_LARGE);
    assert_int_equal(
        decode_of(BLOB_BYTES_MAX, (BLOB_CHUNKS_MAX + 1) * HASH_LEN),
        ERR_TOO_LARGE);
}

/* ---- paths ---- */

static void only_plain_relative_paths_are_accepted(void **state)
{
    static const char *good[] = {"a",       "a/b",      ".hidden", "a..b/c...",
                                 "a b/c d", "\xc3\xa9", "..a",     "-rf"};
    static const char *bad[] = {"",     "/",    "/a",   "a/",    "a//b",
                                ".",    "..",   "a/..", "../a",  "a/./b",
                                "a\nb", "a\\b", "\x7f", "a/../b"};
    char deep[200], longest[400];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(blob_path_check(bytes_str(good[i])), OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(blob_path_check(bytes_str(bad[i])), ERR_RANGE);
    assert_int_equal(blob_path_check(BYTES_LIT("a\0b")), ERR_RANGE);
    memset(longest, 'x', sizeof longest);
    assert_int_equal(blob_path_check(bytes_make(longest, 255)), OK);
    assert_int_equal(blob_path_check(bytes_make(longest, 256)), ERR_RANGE);
    for (size_t i = 0; i < sizeof deep; i++)
        deep[i] = i % 2 == 0 ? 'd' : '/';
    assert_int_equal(blob_path_check(bytes_make(deep, 63)), OK);
    assert_int_equal(blob_path_check(bytes_make(deep, 65)), ERR_RANGE);
}

/* ---- trees ---- */

static const struct hash ID = {{9}};

static void put(struct blob_tree *tree, const char *path)
{
    assert_int_equal(blob_tree_add(tree, path, 0644, 10, &ID), OK);
}

static void a_tree_comes_back_sorted(void **state)
{
    struct blob_tree tree, back;
    struct buf one, two;

    (void)state;
    blob_tree_init(&tree);
    put(&tree, "z");
    put(&tree, "a/b");
    put(&tree, "a-b");
    assert_int_equal(blob_tree_add(&tree, "bin/x", 0755, 7, &ID), OK);
    assert_int_equal(blob_tree_sort(&tree, NULL), OK);
    assert_string_equal(tree.files[0].path, "a-b");
    buf_init(&one, 1 << 20);
    buf_init(&two, 1 << 20);
    blob_tree_encode(&tree, &one);
    assert_int_equal(blob_tree_decode(buf_bytes(&one), &back), OK);
    blob_tree_encode(&back, &two);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    assert_int_equal(back.count, 4);
    assert_string_equal(back.files[2].path, "bin/x");
    assert_int_equal(back.files[2].mode, 0755);
    assert_int_equal(blob_tree_bytes(&back), 37);
    blob_tree_done(&tree);
    blob_tree_done(&back);
    buf_done(&one);
    buf_done(&two);
}

static void an_empty_tree_is_a_tree(void **state)
{
    struct blob_tree tree, back;
    struct buf text;

    (void)state;
    blob_tree_init(&tree);
    assert_int_equal(blob_tree_sort(&tree, NULL), OK);
    buf_init(&text, 100);
    blob_tree_encode(&tree, &text);
    assert_int_equal(blob_tree_decode(buf_bytes(&text), &back), OK);
    assert_int_equal(back.count, 0);
    blob_tree_done(&back);
    buf_done(&text);
}

static void a_path_is_there_once_and_is_one_thing(void **state)
{
    struct blob_tree tree;
    uint32_t index = 99;

    (void)state;
    blob_tree_init(&tree);
    put(&tree, "b");
    put(&tree, "a");
    put(&tree, "b");
    assert_int_equal(blob_tree_sort(&tree, &index), ERR_EXISTS);
    assert_int_equal(index, 2);
    blob_tree_done(&tree);

    blob_tree_init(&tree);
    put(&tree, "a");   /* a file, */
    put(&tree, "a!x"); /* something that sorts in between, */
    put(&tree, "a/b"); /* and a directory of the same name */
    assert_int_equal(blob_tree_sort(&tree, NULL), ERR_EXISTS);
    blob_tree_done(&tree);
}

static void modes_are_two(void **state)
{
    struct blob_tree tree;

    (void)state;
    blob_tree_init(&tree);
    assert_int_equal(blob_tree_add(&tree, "a", 04755, 1, &ID), ERR_RANGE);
    assert_int_equal(blob_tree_add(&tree, "a", 0600, 1, &ID), ERR_RANGE);
    assert_int_equal(blob_tree_add(&tree, "../a", 0644, 1, &ID), ERR_RANGE);
    assert_int_equal(tree.count, 0);
    blob_tree_done(&tree);
}

static enum err decode_two(const char *a, const char *b, uint64_t bytes)
{
    struct blob_tree back;
    const char *paths[] = {a, b};
    struct buf text;
    enum err err;

    buf_init(&text, 10000);
    mp_put_message(&text, 2, 1, 1);
    mp_put_array(&text, 2);
    for (int i = 0; i < 2; i++) {
        mp_put_array(&text, 4);
        mp_put_str(&text, paths[i]);
        mp_put_uint(&text, 0644);
        mp_put_uint(&text, bytes);
        mp_put_hash(&text, &ID);
    }
    err = blob_tree_decode(buf_bytes(&text), &back);
    if (err == OK)
        blob_tree_done(&back);
    buf_done(&text);
    return err;
}

static void a_hostile_tree_is_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_two("a", "b", 1), OK);
    assert_int_equal(decode_two("b", "a", 1), ERR_NOT_CANONICAL);
    assert_int_equal(decode_two("a", "a", 1), ERR_EXISTS);
    assert_int_equal(decode_two("a", "a/b", 1), ERR_EXISTS);
    assert_int_equal(decode_two("../x", "a", 1), ERR_RANGE);
    assert_int_equal(decode_two("/etc/passwd", "a", 1), ERR_RANGE);
    assert_int_equal(decode_two("a", "b", BLOB_BYTES_MAX + 1), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_and_chunks_fit_together),
        cmocka_unit_test(a_manifest_comes_back_as_it_went),
        cmocka_unit_test(the_largest_manifest_fits_its_bound),
        cmocka_unit_test(a_manifest_that_does_not_add_up_is_refused),
        cmocka_unit_test(only_plain_relative_paths_are_accepted),
        cmocka_unit_test(a_tree_comes_back_sorted),
        cmocka_unit_test(an_empty_tree_is_a_tree),
        cmocka_unit_test(a_path_is_there_once_and_is_one_thing),
        cmocka_unit_test(modes_are_two),
        cmocka_unit_test(a_hostile_tree_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
