/* What a job reads, laid out for it: on a real directory. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/shell/trade_job.h"

struct bench {
    char root[64];
    struct blob_store *blobs;
    struct hash file; /* a tree of one file, a */
    struct hash deep; /* .. of one file, a/b */
    unsigned count;
};

static struct hash tree_of(const struct bench *p, const char *as)
{
    struct blob_source source = {.as = as};
    struct hash id;
    char path[128];
    FILE *f;
    snprintf(path, sizeof(path), "%s/file", p->root);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fputs("text", f) < 0, 0);
    assert_int_equal(fclose(f), 0);
    source.path = path;
    assert_int_equal(
        blob_store_import_tree(p->blobs, &source, 1, "test", &id, NULL), OK);
    return id;
}

static int setup(void **state)
{
    static struct bench bench;
    struct bench *p = &bench;
    char dir[128];
    struct blob_store_config config = {dir, 1u << 24, false};
    memset(p, 0, sizeof(*p));
    strcpy(p->root, "/tmp/suan-inputs-XXXXXX");
    assert_non_null(mkdtemp(p->root));
    snprintf(dir, sizeof(dir), "%s/blobs", p->root);
    assert_int_equal(blob_store_open(&config, &p->blobs), OK);
    p->file = tree_of(p, "a");
    p->deep = tree_of(p, "a/b");
    *state = p;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    struct bench *p = *state;
    blob_store_close(p->blobs);
    return nftw(p->root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct used {
    const char *dest;
    struct hash id;
};

/* Results beside the inputs, written again as after a crash. */
static enum err write_all(struct bench *p, const struct hash *inputs,
                          const struct used *list, uint32_t count)
{
    struct spec_use uses[2] = {{.tasks = 1}, {.tasks = 1}};
    struct spec spec = {.inputs = *inputs, .uses = uses, .use_count = count};
    uint8_t ids[2 * HASH_LEN];
    char in[128];
    const struct job_inputs all = {p->blobs, {ids, count * HASH_LEN}, in};
    enum err err;
    snprintf(in, sizeof(in), "%s/in-%u", p->root, p->count++);
    for (uint32_t i = 0; i < count; i++) {
        uses[i].dest = bytes_str(list[i].dest);
        memcpy(ids + (size_t)i * HASH_LEN, list[i].id.b, HASH_LEN);
    }
    err = job_inputs_write(&all, &spec);
    assert_int_equal(job_inputs_write(&all, &spec), err);
    return err;
}

static enum err write_with(struct bench *p, const struct hash *inputs,
                           const char *dest, const struct hash *result)
{
    const struct used one = {dest, *result};
    return write_all(p, inputs, &one, 1);
}

static void results_stand_beside_the_inputs(void **state)
{
    struct bench *p = *state;
    const struct hash none = {{0}};
    assert_int_equal(write_with(p, &p->file, "c/d", &p->deep), OK);
    assert_int_equal(write_with(p, &p->deep, "a", &p->file), OK);
    assert_int_equal(write_with(p, &none, "e", &none), OK);
    assert_int_equal(write_with(p, &p->deep, "a/c/d", &none), OK);
}

static void one_in_the_place_of_another_is_the_buyers_fault(void **state)
{
    struct bench *p = *state;
    const struct hash none = {{0}};
    const struct used turned[] = {{"c/a", p->file}, {"c", p->file}};
    assert_int_equal(write_with(p, &p->file, "a", &p->file), ERR_EXISTS);
    assert_int_equal(write_with(p, &p->file, "a/b", &p->file), ERR_EXISTS);
    assert_int_equal(write_with(p, &p->file, "a/b/c", &p->file), ERR_EXISTS);
    assert_int_equal(write_with(p, &p->file, "a", &none), ERR_EXISTS);
    assert_int_equal(write_with(p, &p->file, "a/b", &none), ERR_EXISTS);
    assert_int_equal(write_with(p, &p->deep, "a/b/c", &p->file), ERR_EXISTS);
    assert_int_equal(write_all(p, &none, turned, 2), ERR_EXISTS);
    assert_true(job_is_unfit(ERR_EXISTS));
}

static void what_this_machine_lacks_is_its_own_fault(void **state)
{
    struct bench *p = *state;
    const struct hash unknown = {{7}};
    enum err err = write_with(p, &p->file, "c", &unknown);
    assert_int_equal(err, ERR_BLOB);
    assert_false(job_is_unfit(err));
    assert_false(job_is_unfit(ERR_FULL));
    assert_false(job_is_unfit(ERR_IO));
    assert_false(job_is_unfit(ERR_SANDBOX));
    assert_false(job_is_unfit(ERR_PERM));
    assert_false(job_is_unfit(ERR_TYPE)); /* of a device */
    assert_true(job_is_unfit(ERR_IMAGE));
    assert_true(job_is_unfit(ERR_RANGE));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(results_stand_beside_the_inputs),
        T(one_in_the_place_of_another_is_the_buyers_fault),
        T(what_this_machine_lacks_is_its_own_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
