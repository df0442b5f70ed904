/* Records: old or new, never half, and nothing else in between. */

#define _XOPEN_SOURCE 700 /* nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ftw.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/records.h"

struct place {
    char root[64];
    struct records records;
};

static int remove_entry(const char *path, const struct stat *info, int flag,
                        struct FTW *walk)
{
    (void)info;
    (void)flag;
    (void)walk;
    return remove(path);
}

static int setup(void **state)
{
    struct place *place = calloc(1, sizeof(*place));
    if (place == NULL)
        return -1;
    snprintf(place->root, sizeof(place->root), "/tmp/test_records.XXXXXX");
    if (mkdtemp(place->root) == NULL)
        return -1;
    records_init(&place->records, place->root);
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    nftw(place->root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(place);
    return 0;
}

static void put(struct place *place, const char *key, const char *text)
{
    assert_int_equal(records_put(&place->records, key, bytes_str(text)), OK);
}

static void reads(struct place *place, const char *key, const char *text)
{
    struct buf buf;
    buf_init(&buf, RECORD_BYTES_MAX + 1);
    assert_int_equal(records_get(&place->records, key, &buf), OK);
    assert_string_equal(buf_cstr(&buf), text);
    buf_done(&buf);
}

static void path_of(const struct place *place, const char *key, char out[256])
{
    snprintf(out, 256, "%s/%s", place->root, key);
}

static bool there(const struct place *place, const char *key)
{
    char path[256];
    path_of(place, key, path);
    return access(path, F_OK) == 0;
}

static void touch(const struct place *place, const char *key, const char *text)
{
    char path[256];
    FILE *file;
    path_of(place, key, path);
    file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* The keys that a walk meets, joined by spaces. */
struct met {
    struct buf text;
    unsigned left; /* records until the walker says no; 0 = never */
};
static enum err meet(void *ctx, const char *key, struct bytes value)
{
    struct met *met = ctx;
    buf_addf(&met->text, "%s=%.*s ", key, (int)value.len,
             (const char *)value.ptr);
    return met->left > 0 && --met->left == 0 ? ERR_CANCELLED : OK;
}

static void meets(struct place *place, const char *prefix, const char *text)
{
    struct met met = {.left = 0};
    buf_init(&met.text, 4096);
    assert_int_equal(records_each(&place->records, prefix, meet, &met), OK);
    assert_string_equal(buf_cstr(&met.text), text);
    buf_done(&met.text);
}

static void a_record_reads_as_it_was_put(void **state)
{
    struct place *place = *state;
    put(place, "buy/0a/job", "one");
    reads(place, "buy/0a/job", "one");
    put(place, "buy/0a/job", "another");
    reads(place, "buy/0a/job", "another");
}

static void what_was_never_put_is_not_found(void **state)
{
    struct place *place = *state;
    struct buf buf;
    buf_init(&buf, 100);
    assert_int_equal(records_get(&place->records, "sell/1", &buf),
                     ERR_NOT_FOUND);
    assert_int_equal(buf.len, 0);
    meets(place, "sell", "");
    buf_done(&buf);
}

static void records_are_for_their_owner_alone(void **state)
{
    struct place *place = *state;
    struct stat info;
    char path[256];
    put(place, "sell/1", "x");
    path_of(place, "sell/1", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    path_of(place, "sell", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void nothing_in_it_deletes_a_record_and_its_empty_folders(void **state)
{
    struct place *place = *state;
    put(place, "buy/0a/job", "one");
    put(place, "buy/0a/t0", "two");
    put(place, "buy/0b/job", "three");
    put(place, "buy/0a/job", "");
    put(place, "buy/0a/job", ""); /* twice is fine */
    reads(place, "buy/0a/t0", "two");
    put(place, "buy/0a/t0", "");
    assert_false(there(place, "buy/0a"));
    reads(place, "buy/0b/job", "three");
    put(place, "buy/0b/job", "");
    assert_false(there(place, "buy"));
    assert_true(there(place, ""));
    put(place, "buy/0b/job", "again");
    reads(place, "buy/0b/job", "again");
}

static void a_walk_meets_all_in_byte_order(void **state)
{
    struct place *place = *state;
    put(place, "buy/0b/job", "3");
    put(place, "buy/0a/t1", "2");
    put(place, "buy/0a/job", "0");
    put(place, "buy/0a/t0", "1");
    put(place, "sell/zz", "4");
    meets(place, "buy", "buy/0a/job=0 buy/0a/t0=1 buy/0a/t1=2 buy/0b/job=3 ");
    meets(place, "sell", "sell/zz=4 ");
}

static void a_walk_ends_where_it_is_told(void **state)
{
    struct place *place = *state;
    struct met met = {.left = 2};
    put(place, "sell/1", "a");
    put(place, "sell/2", "b");
    put(place, "sell/3", "c");
    buf_init(&met.text, 4096);
    assert_int_equal(records_each(&place->records, "sell", meet, &met),
                     ERR_CANCELLED);
    assert_string_equal(buf_cstr(&met.text), "sell/1=a sell/2=b ");
    buf_done(&met.text);
}

static void what_was_half_written_is_swept_away(void **state)
{
    struct place *place = *state;
    put(place, "sell/1", "whole");
    touch(place, "sell/1.new", "ha");
    touch(place, "sell/2.new", "lf");
    meets(place, "sell", "sell/1=whole ");
    assert_false(there(place, "sell/1.new"));
    assert_false(there(place, "sell/2.new"));
}

static void what_others_left_is_passed_over(void **state)
{
    struct place *place = *state;
    put(place, "sell/1", "ours");
    touch(place, "sell/1~", "an editor's copy");
    touch(place, "sell/.1.swp", "another's");
    touch(place, "sell/a b", "a space");
    meets(place, "sell", "sell/1=ours ");
    assert_true(there(place, "sell/1~"));
}

static void a_record_that_grew_too_large_is_refused(void **state)
{
    struct place *place = *state;
    static char much[RECORD_BYTES_MAX + 2];
    struct buf buf;
    memset(much, 'x', sizeof(much) - 1);
    put(place, "sell/1", "a");
    touch(place, "sell/1", much);
    buf_init(&buf, 4 * RECORD_BYTES_MAX);
    assert_int_equal(records_get(&place->records, "sell/1", &buf),
                     ERR_TOO_LARGE);
    buf_done(&buf);
}

/* As a full disk does it: the write comes back short. */
static void a_write_that_fails_leaves_the_old_record(void **state)
{
    struct place *place = *state;
    pid_t pid;
    int status = 0;
    put(place, "sell/1", "old");
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static char much[4096];
        struct rlimit limit = {1000, 1000};
        memset(much, 'y', sizeof(much));
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &limit);
        _exit(records_put(&place->records, "sell/1",
                          bytes_make(much, sizeof(much))) == OK
                  ? 1
                  : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    reads(place, "sell/1", "old");
    assert_false(there(place, "sell/1.new"));
}

/* Killed at any moment, over and over: always a whole record. */
static void a_kill_leaves_the_old_or_the_new(void **state)
{
    struct place *place = *state;
    char a[2001];
    char b[3001];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[2000] = b[3000] = '\0';
    put(place, "sell/1", a);
    for (useconds_t i = 0; i < 40; i++) {
        struct buf buf;
        pid_t pid = fork();
        if (pid == 0) {
            for (;;) {
                (void)!records_put(&place->records, "sell/1", bytes_str(b));
                (void)!records_put(&place->records, "sell/1", bytes_str(a));
            }
        }
        usleep(200 + 173 * i);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        buf_init(&buf, 8192);
        assert_int_equal(records_get(&place->records, "sell/1", &buf), OK);
        assert_true(strcmp(buf_cstr(&buf), a) == 0 ||
                    strcmp(buf_cstr(&buf), b) == 0);
        buf_done(&buf);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_record_reads_as_it_was_put),
        T(what_was_never_put_is_not_found),
        T(records_are_for_their_owner_alone),
        T(nothing_in_it_deletes_a_record_and_its_empty_folders),
        T(a_walk_meets_all_in_byte_order),
        T(a_walk_ends_where_it_is_told),
        T(what_was_half_written_is_swept_away),
        T(what_others_left_is_passed_over),
        T(a_record_that_grew_too_large_is_refused),
        T(a_write_that_fails_leaves_the_old_record),
        T(a_kill_leaves_the_old_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
