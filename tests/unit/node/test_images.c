/* images: the registry and its records. */
#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/blob/images.h"

static char root[64];
static struct records records;
static struct images *images;

static void load(void)
{
    assert_int_equal(records_open(&records, root), OK);
    assert_int_equal(images_new(&records, &images), OK);
}

static int open_place(void **state)
{
    (void)state;
    snprintf(root, sizeof(root), "/tmp/suan-images-XXXXXX");
    assert_non_null(mkdtemp(root));
    load();
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

static int close_place(void **state)
{
    (void)state;
    images_free(images);
    records_close(&records);
    return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct image make(const char *name, uint8_t seed)
{
    struct image image;
    memset(&image, 0, sizeof(image));
    snprintf(image.name, sizeof(image.name), "%s", name);
    memset(image.id.b, seed, sizeof(image.id.b));
    snprintf(image.digest, sizeof(image.digest), "sha256:%064d", seed);
    image.bytes = 1000u + seed;
    image.imported_at_ms = 5;
    return image;
}

static void put(const char *name, uint8_t seed, const char *about)
{
    struct image image = make(name, seed);
    assert_int_equal(images_put(images, &image, bytes_str(about)), OK);
}

static void lists_in_the_order_of_names_and_finds_by_name(void **state)
{
    (void)state;
    put("middle", 2, "{}");
    put("zebra", 3, "{}");
    put("alpha", 1, "{}");
    assert_string_equal(image_at(images, 0)->name, "alpha");
    assert_string_equal(image_at(images, 1)->name, "middle");
    assert_string_equal(image_at(images, 2)->name, "zebra");
    assert_null(image_at(images, 3));
    assert_int_equal(image_find(images, "zebra")->bytes, 1003);
    assert_null(image_find(images, "beta"));
}

static void a_second_import_takes_the_place_of_the_first(void **state)
{
    (void)state;
    put("one", 1, "{\"v\":1}");
    put("one", 9, "{\"v\":2}");
    assert_null(image_at(images, 1));
    assert_int_equal(image_find(images, "one")->id.b[0], 9);
}

static void is_the_same_after_a_restart(void **state)
{
    struct buf about;
    (void)state;
    put("kept", 4, "{\"layers\":[]}");
    put("gone", 5, "{}");
    assert_int_equal(images_remove(images, "gone"), OK);
    images_free(images);
    records_close(&records);
    load();
    assert_null(image_find(images, "gone"));
    assert_int_equal(image_find(images, "kept")->bytes, 1004);
    assert_int_equal(image_find(images, "kept")->imported_at_ms, 5);
    buf_init(&about, IMAGE_ABOUT_MAX);
    assert_int_equal(image_about(images, "kept", &about), OK);
    assert_string_equal(buf_cstr(&about), "{\"layers\":[]}");
    buf_done(&about);
}

static void a_damaged_record_costs_only_its_own_image(void **state)
{
    (void)state;
    put("good", 1, "{}");
    assert_int_equal(
        records_put(&records, "images/62616421", BYTES_LIT("no record")), OK);
    images_free(images);
    records_close(&records);
    load();
    assert_non_null(image_find(images, "good"));
    assert_null(image_at(images, 1));
}

static void removing_what_is_not_there_says_so(void **state)
{
    (void)state;
    assert_int_equal(images_remove(images, "nothing"), ERR_NOT_FOUND);
}

static void names_are_plain_and_fit_an_owner(void **state)
{
    static const char *const good[] = {"a", "alpine:3.20", "A-b_c.D", "9"};
    static const char *const bad[] = {"",    ".hidden",  "-x",   "a/b",
                                      "a b", "\xc3\xa4", "a\nb", ":x"};
    char owner[IMAGE_OWNER_MAX];
    char name[IMAGE_NAME_MAX + 1];
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(image_name_check(good[i]), OK);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(image_name_check(bad[i]), ERR_RANGE);
    memset(name, 'n', sizeof(name));
    name[IMAGE_NAME_MAX] = '\0';
    assert_int_equal(image_name_check(name), ERR_RANGE);
    name[IMAGE_NAME_MAX - 1] = '\0';
    assert_int_equal(image_name_check(name), OK);
    image_owner(name, owner);
    assert_int_equal(strlen(owner), strlen("image:") + IMAGE_NAME_MAX - 1);
}

static void refuses_what_is_too_long_and_changes_nothing(void **state)
{
    struct image image = make("big", 1);
    char *about = calloc(1, IMAGE_ABOUT_MAX + 1);
    (void)state;
    assert_int_equal(
        images_put(images, &image, bytes_make(about, IMAGE_ABOUT_MAX + 1)),
        ERR_TOO_LARGE);
    assert_null(image_find(images, "big"));
    image.name[0] = '/';
    assert_int_equal(images_put(images, &image, bytes_str("{}")), ERR_RANGE);
    free(about);
}

static void a_record_has_one_spelling(void **state)
{
    struct image image = make("one", 7);
    struct image back;
    struct bytes about;
    struct arena arena;
    struct buf first;
    struct buf again;
    (void)state;
    buf_init(&first, 4096);
    buf_init(&again, 4096);
    arena_init(&arena, 65536);
    image_encode(&image, BYTES_LIT("{\"x\":1}"), &first);
    assert_int_equal(image_decode(buf_bytes(&first), &arena, &back, &about),
                     OK);
    image_encode(&back, about, &again);
    assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&again)));
    for (size_t len = 0; len < first.len; len++)
        assert_int_not_equal(
            image_decode(bytes_make(first.ptr, len), &arena, &back, &about),
            OK);
    arena_done(&arena);
    buf_done(&first);
    buf_done(&again);
}

int main(void)
{
#define PLACED(test)                                                           \
    cmocka_unit_test_setup_teardown(test, open_place, close_place)
    const struct CMUnitTest tests[] = {
        PLACED(lists_in_the_order_of_names_and_finds_by_name),
        PLACED(a_second_import_takes_the_place_of_the_first),
        PLACED(is_the_same_after_a_restart),
        PLACED(a_damaged_record_costs_only_its_own_image),
        PLACED(removing_what_is_not_there_says_so),
        PLACED(refuses_what_is_too_long_and_changes_nothing),
        cmocka_unit_test(names_are_plain_and_fit_an_owner),
        cmocka_unit_test(a_record_has_one_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
