#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/executors/sandbox/collect.h"
#include "node/executors/sandbox/dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void stars_stay_within_a_name(void **state)
{
    (void)state;
    assert_true(collect_matches("*.png", "a.png"));
    assert_false(collect_matches("*.png", "d/a.png"));
    assert_true(collect_matches("d/*.png", "d/a.png"));
    assert_true(collect_matches("?.png", "a.png"));
    assert_false(collect_matches("?.png", "ab.png"));
    assert_false(collect_matches("d?a.png", "d/a.png"));
    assert_false(collect_matches("a", "ab"));
    assert_false(collect_matches("ab", "a"));
}

static void two_stars_cross_directories(void **state)
{
    (void)state;
    assert_true(collect_matches("**", "a"));
    assert_true(collect_matches("**", "a/b/c"));
    assert_true(collect_matches("**/c", "a/b/c"));
    assert_true(collect_matches("**/c", "c"));
    assert_false(collect_matches("**/c", "a/bc"));
    assert_true(collect_matches("a/**/c", "a/c"));
    assert_true(collect_matches("a/**/c", "a/x/y/c"));
    assert_false(collect_matches("a/**/c", "b/x/c"));
}

static void a_directory_takes_all_that_is_in_it(void **state)
{
    (void)state;
    assert_true(collect_matches("d", "d/a/b"));
    assert_true(collect_matches("d/", "d/a"));
    assert_true(collect_matches("*", "d/a"));
    assert_false(collect_matches("d", "dd/a"));
}

static void the_place_itself_may_be_named(void **state)
{
    (void)state;
    assert_true(collect_matches("out/a", "a"));
    assert_true(collect_matches("/job/out/a", "a"));
    assert_true(collect_matches("./a", "a"));
    assert_true(collect_matches("out", "x/y"));
    assert_true(collect_matches("", "x"));
    assert_false(collect_matches("../a", "a"));
    assert_false(collect_matches("/etc/passwd", "etc/passwd"));
}

static void hostile_patterns_end_soon(void **state)
{
    char pattern[257], path[1024];

    (void)state;
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    for (size_t i = 0; i < 256; i++)
        pattern[i] = i % 2 == 0 ? '*' : 'a';
    pattern[255] = 'b';
    pattern[256] = '\0';
    assert_false(collect_matches(pattern, path));
}

/* -- a real directory -------------------------------------------------------
 */

struct place {
    char root[64], dest[80];
    int fd;
};

static void put(const struct place *place, const char *name, const char *text)
{
    int fd = openat(place->fd, name, O_WRONLY | O_CREAT, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static int make_place(void **state)
{
    static struct place place;

    strcpy(place.root, "/tmp/test-collect-XXXXXX");
    assert_non_null(mkdtemp(place.root));
    snprintf(place.dest, sizeof(place.dest), "%s/dest", place.root);
    place.fd = open(place.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(place.fd, "out", 0700), 0);
    put(&place, "outside", "private");
    put(&place, "out/good", "good");
    *state = &place;
    return place.fd < 0;
}

static int remove_place(void **state)
{
    struct place *place = *state;

    close(place->fd);
    return dir_remove(AT_FDCWD, place->root);
}

static json_t *collect(const struct place *place, const char *name,
                       uint64_t bytes, uint64_t files)
{
    static const char *const all[] = {"**"};
    struct collect want = {
        .patterns = all, .patternc = 1, .bytes_max = bytes, .files_max = files};
    json_t *result = NULL;
    struct fail fail;

    assert_int_equal(
        collect_run(place->fd, name, place->dest, &want, &result, &fail), OK);
    return result;
}

static size_t taken(const json_t *result)
{
    return json_array_size(json_object_get(result, "files"));
}

static bool refused(const json_t *result, const char *path)
{
    json_t *list = json_object_get(result, "refused"), *entry;
    size_t i;

    json_array_foreach(list, i, entry)
    {
        const char *got = json_string_value(json_object_get(entry, "path"));
        if (got != NULL && strcmp(got, path) == 0)
            return true;
    }
    return false;
}

static void only_plain_files_are_taken(void **state)
{
    struct place *place = *state;
    json_t *result;

    assert_int_equal(symlinkat("../outside", place->fd, "out/link"), 0);
    assert_int_equal(symlinkat("..", place->fd, "out/up"), 0);
    assert_int_equal(mkfifoat(place->fd, "out/fifo", 0666), 0);
    assert_int_equal(linkat(place->fd, "outside", place->fd, "out/twin", 0), 0);
    result = collect(place, "out", 1000, 10);
    assert_int_equal(taken(result), 1);
    assert_true(refused(result, "link"));
    assert_true(refused(result, "up"));
    assert_true(refused(result, "fifo"));
    assert_true(refused(result, "twin"));
    assert_int_equal(access(place->dest, F_OK), 0);
    json_decref(result);
}

static void sizes_and_numbers_are_bounded(void **state)
{
    struct place *place = *state;
    int fd = openat(place->fd, "out/sparse", O_WRONLY | O_CREAT, 0600);
    json_t *result;

    assert_int_equal(ftruncate(fd, 1ll << 40), 0);
    close(fd);
    put(place, "out/z", "z");
    result = collect(place, "out", 100, 10);
    assert_int_equal(taken(result), 2);
    assert_true(refused(result, "sparse"));
    json_decref(result);
    result = collect(place, "out", 100, 1);
    assert_int_equal(taken(result), 1);
    assert_true(refused(result, "z"));
    json_decref(result);
}

static void a_link_in_place_of_the_directory_gives_nothing(void **state)
{
    struct place *place = *state;
    json_t *result;

    assert_int_equal(symlinkat("/etc", place->fd, "linked"), 0);
    result = collect(place, "linked", 100000, 10);
    assert_int_equal(taken(result), 0);
    json_decref(result);
    result = collect(place, "missing", 100000, 10);
    assert_int_equal(taken(result), 0);
    json_decref(result);
}

static void a_second_try_replaces_what_the_first_left(void **state)
{
    struct place *place = *state;
    char path[128];
    char text[16];

    json_decref(collect(place, "out", 100, 10));
    put(place, "out/good", "better");
    json_decref(collect(place, "out", 100, 10));
    snprintf(path, sizeof(path), "%s/good", place->dest);
    assert_int_equal(dir_read(AT_FDCWD, path, text, sizeof(text)), 6);
    assert_string_equal(text, "better");
}

#define IN_PLACE(test)                                                         \
    cmocka_unit_test_setup_teardown(test, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stars_stay_within_a_name),
        cmocka_unit_test(two_stars_cross_directories),
        cmocka_unit_test(a_directory_takes_all_that_is_in_it),
        cmocka_unit_test(the_place_itself_may_be_named),
        cmocka_unit_test(hostile_patterns_end_soon),
        IN_PLACE(only_plain_files_are_taken),
        IN_PLACE(sizes_and_numbers_are_bounded),
        IN_PLACE(a_link_in_place_of_the_directory_gives_nothing),
        IN_PLACE(a_second_try_replaces_what_the_first_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
