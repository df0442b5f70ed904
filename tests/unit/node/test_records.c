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
    uv_loop_t loop;
    uint64_t ticket; /* what on_saved was told last */
    enum err err;
    unsigned told;
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
    if (records_open(&place->records, place->root) != OK)
        return -1;
    *state = place;
    return 0;
}

static int teardown(void **state)
{
    struct place *place = *state;
    records_close(&place->records);
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
    path_of(place, "data.mdb", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    path_of(place, "", path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void nothing_in_it_deletes_a_record(void **state)
{
    struct place *place = *state;
    put(place, "buy/0a/job", "one");
    put(place, "buy/0a/t0", "two");
    put(place, "buy/0a/job", "");
    put(place, "buy/0a/job", ""); /* twice is fine */
    meets(place, "buy", "buy/0a/t0=two ");
    put(place, "buy/0a/t0", "");
    meets(place, "buy", "");
    put(place, "buy/0a/job", "again");
    reads(place, "buy/0a/job", "again");
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

static void a_walk_meets_nothing_of_its_neighbours(void **state)
{
    struct place *place = *state;
    put(place, "buy-x/1", "a");
    put(place, "buy", "b");
    put(place, "buy/1", "c");
    put(place, "buy0/1", "d");
    meets(place, "buy", "buy/1=c ");
}

static void a_place_that_is_no_environment_is_refused(void **state)
{
    struct place *place = *state;
    struct records other = {NULL};
    char path[256];
    FILE *file;
    snprintf(path, sizeof(path), "%s/other", place->root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof(path), "%s/other/data.mdb", place->root);
    file = fopen(path, "we");
    assert_non_null(file);
    for (int i = 0; i < 9000; i++)
        fputc('x', file);
    assert_int_equal(fclose(file), 0);
    snprintf(path, sizeof(path), "%s/other", place->root);
    assert_int_equal(records_open(&other, path), ERR_CORRUPT);
    assert_null(other.store);
}

/* ---- without waiting ---- */

static void on_saved(void *ctx, uint64_t ticket, enum err err)
{
    struct place *place = ctx;
    assert_true(ticket >= place->ticket);
    place->ticket = ticket;
    place->err = err;
    place->told++;
}

static void start(struct place *place)
{
    assert_int_equal(uv_loop_init(&place->loop), 0);
    assert_int_equal(
        records_start(&place->records, &place->loop, on_saved, place), OK);
}

static void stop(struct place *place)
{
    records_stop(&place->records);
    assert_int_equal(uv_run(&place->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(uv_loop_close(&place->loop), 0);
}

static void save(struct place *place, const char *key, const char *text)
{
    assert_int_equal(records_save(&place->records, key, bytes_str(text)), OK);
}

static void what_was_committed_is_told_once_it_is_on_the_disk(void **state)
{
    struct place *place = *state;
    uint64_t ticket;
    start(place);
    save(place, "sell/1", "a");
    save(place, "sell/2", "b");
    meets(place, "sell", ""); /* only collected */
    ticket = records_commit(&place->records);
    assert_int_equal(records_commit(&place->records), ticket); /* nothing new */
    while (place->ticket < ticket)
        uv_run(&place->loop, UV_RUN_ONCE);
    assert_int_equal(place->err, OK);
    meets(place, "sell", "sell/1=a sell/2=b ");
    stop(place);
}

static void the_last_save_of_a_record_is_what_stays(void **state)
{
    struct place *place = *state;
    start(place);
    for (int i = 0; i < 500; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        save(place, "sell/1", text);
        if (i % 3 == 0)
            records_commit(&place->records);
        save(place, "sell/2", i % 2 == 0 ? "x" : "");
    }
    records_commit(&place->records);
    records_catch_up(&place->records);
    meets(place, "sell", "sell/1=499 ");
    stop(place);
    assert_true(place->told <= 168); /* never more than commits */
}

static void what_was_committed_before_the_end_is_written(void **state)
{
    struct place *place = *state;
    start(place);
    for (int i = 0; i < 50; i++) {
        char key[16];
        snprintf(key, sizeof(key), "sell/%d", i);
        save(place, key, "x");
        records_commit(&place->records);
    }
    stop(place);
    reads(place, "sell/49", "x");
}

/* ---- bad times ---- */

/* As a full disk does it: the write comes back short. A process of its own, as
 * an environment is never shared across a fork. */
static int write_much(const struct place *place, bool thread)
{
    static char much[RECORD_BYTES_MAX];
    struct rlimit limit = {20000, 20000};
    struct place child = {.records = {NULL}};
    enum err err;
    memset(much, 'y', sizeof(much));
    if (records_open(&child.records, place->root) != OK)
        return 1;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    if (!thread) {
        err = records_put(&child.records, "sell/1",
                          bytes_make(much, sizeof(much)));
        return err == ERR_FULL || err == ERR_IO ? 0 : 2;
    }
    start(&child);
    if (records_save(&child.records, "sell/1",
                     bytes_make(much, sizeof(much))) != OK)
        return 3;
    records_commit(&child.records);
    save(&child, "sell/2", "too late");
    records_commit(&child.records);
    records_catch_up(&child.records);
    while (child.told == 0)
        uv_run(&child.loop, UV_RUN_ONCE);
    records_stop(&child.records);
    return child.err != OK && child.ticket == 0 ? 0 : 4;
}

static void a_write_that_fails_leaves_the_old_record(void **state)
{
    struct place *place = *state;
    for (int thread = 0; thread < 2; thread++) {
        pid_t pid;
        int status = 0;
        put(place, "sell/1", "old");
        records_close(&place->records);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
            _exit(write_much(place, thread == 1));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(records_open(&place->records, place->root), OK);
        meets(place, "sell", "sell/1=old ");
    }
}

static void write_for_ever(const struct place *place, const char *a,
                           const char *b)
{
    struct place child = {.records = {NULL}};
    if (records_open(&child.records, place->root) != OK)
        _exit(1);
    start(&child);
    for (unsigned i = 0;; i++) {
        save(&child, "sell/1", i % 2 == 0 ? b : a);
        save(&child, "sell/2", i % 2 == 0 ? b : a);
        records_commit(&child.records);
        if (i % 16 == 0)
            records_catch_up(&child.records);
    }
}

/* Killed at any moment, over and over: always whole records, and what was
 * committed together is there together. */
static void a_kill_leaves_the_old_or_the_new(void **state)
{
    struct place *place = *state;
    char a[2001];
    char b[3001];
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[2000] = b[3000] = '\0';
    put(place, "sell/1", a);
    put(place, "sell/2", a);
    for (useconds_t i = 0; i < 40; i++) {
        struct buf one;
        struct buf two;
        int status;
        pid_t pid;
        records_close(&place->records);
        pid = fork();
        if (pid == 0)
            write_for_ever(place, a, b);
        usleep(1000 + 573 * i);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        assert_true(WIFSIGNALED(status));
        assert_int_equal(records_open(&place->records, place->root), OK);
        buf_init(&one, 8192);
        buf_init(&two, 8192);
        assert_int_equal(records_get(&place->records, "sell/1", &one), OK);
        assert_int_equal(records_get(&place->records, "sell/2", &two), OK);
        assert_true(strcmp(buf_cstr(&one), a) == 0 ||
                    strcmp(buf_cstr(&one), b) == 0);
        assert_string_equal(buf_cstr(&one), buf_cstr(&two));
        buf_done(&one);
        buf_done(&two);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_record_reads_as_it_was_put),
        T(what_was_never_put_is_not_found),
        T(records_are_for_their_owner_alone),
        T(nothing_in_it_deletes_a_record),
        T(a_walk_meets_all_in_byte_order),
        T(a_walk_ends_where_it_is_told),
        T(a_walk_meets_nothing_of_its_neighbours),
        T(a_place_that_is_no_environment_is_refused),
        T(what_was_committed_is_told_once_it_is_on_the_disk),
        T(the_last_save_of_a_record_is_what_stays),
        T(what_was_committed_before_the_end_is_written),
        T(a_write_that_fails_leaves_the_old_record),
        T(a_kill_leaves_the_old_or_the_new),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
