/* blob_store: on a real directory under $TMPDIR. */
#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/blob/blob_store.h"

enum { CHUNK = BLOB_CHUNK_BYTES };

/* A place of its own for each test. */
struct place {
    char root[64];
    char dir[128];
    struct blob_store *store;
};

static void place_open(struct place *p, uint64_t quota)
{
    struct blob_store_config config = {p->dir, quota, false};

    assert_int_equal(blob_store_open(&config, &p->store), OK);
}

static void place_make(struct place *p, uint64_t quota)
{
    const char *tmp = getenv("TMPDIR");

    snprintf(p->root, sizeof p->root, "%s/suan-blob-XXXXXX",
             tmp == NULL || strlen(tmp) > 30 ? "/tmp" : tmp);
    assert_non_null(mkdtemp(p->root));
    snprintf(p->dir, sizeof p->dir, "%s/blobs", p->root);
    place_open(p, quota);
}

static void place_reopen(struct place *p, uint64_t quota)
{
    blob_store_close(p->store);
    place_open(p, quota);
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void place_done(struct place *p)
{
    blob_store_close(p->store);
    assert_int_equal(nftw(p->root, remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* Deterministic content that does not repeat. */
static uint8_t *content_make(size_t len, uint32_t seed)
{
    uint8_t *p = malloc(len > 0 ? len : 1);
    uint64_t x = seed * 2654435761u + 1;

    assert_non_null(p);
    for (size_t i = 0; i < len; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        p[i] = (uint8_t)(x >> 56);
    }
    return p;
}

static struct hash import_content(struct place *p, size_t len, uint32_t seed,
                                  const char *owner)
{
    uint8_t *content = content_make(len, seed);
    struct hash id;

    assert_int_equal(
        blob_store_import_bytes(p->store, bytes_make(content, len), owner, &id),
        OK);
    free(content);
    return id;
}

static void in_place(const struct place *p, const char *name, char out[256])
{
    snprintf(out, 256, "%s/%s", p->root, name);
}

static void write_file(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void assert_file(const char *path, const void *data, size_t len)
{
    uint8_t *got = malloc(len + 1);
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(got, 1, len + 1, f), len);
    assert_memory_equal(got, data, len);
    fclose(f);
    free(got);
}

static void chunk_path(const struct place *p, const struct hash *chunk,
                       char out[256])
{
    char text[HASH_TEXT_MAX];

    hash_format(chunk, text);
    snprintf(out, 256, "%s/chunks/%02x/%s", p->dir, chunk->b[0], text);
}

static struct blob_manifest manifest_of(struct place *p, const struct hash *id)
{
    struct blob_manifest m = {0};
    struct buf text;

    buf_init(&text, BLOB_MANIFEST_MAX);
    assert_int_equal(blob_store_manifest(p->store, id, &text), OK);
    assert_int_equal(blob_manifest_decode(buf_bytes(&text), &m), OK);
    buf_done(&text);
    return m;
}

/* ---- in and out ---- */

static void content_of_any_size_comes_back(void **state)
{
    static const size_t sizes[] = {0,         1,         CHUNK - 1,      CHUNK,
                                   CHUNK + 1, 2 * CHUNK, 5 * CHUNK + 123};
    struct place p;
    char in[256], out[256];

    (void)state;
    place_make(&p, 0);
    in_place(&p, "in", in);
    in_place(&p, "out", out);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t *content = content_make(sizes[i], (uint32_t)i);
        struct hash id, again;
        struct blob_info info;
        uint64_t bytes;
        struct stat st;

        write_file(in, content, sizes[i]);
        assert_int_equal(blob_store_import_file(p.store, in, "t", &id, &bytes),
                         OK);
        assert_int_equal(bytes, sizes[i]);
        assert_int_equal(blob_store_info(p.store, &id, &info), OK);
        assert_true(info.complete);
        assert_int_equal(info.bytes, sizes[i]);
        assert_int_equal(blob_store_export_file(p.store, &id, out, 0750), OK);
        assert_file(out, content, sizes[i]);
        assert_int_equal(stat(out, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0750);
        assert_int_equal(blob_store_import_bytes(p.store,
                                                 bytes_make(content, sizes[i]),
                                                 "t", &again),
                         OK);
        assert_true(hash_equal(&id, &again));
        free(content);
    }
    place_done(&p);
}

static void the_id_is_fixed_for_ever(void **state)
{
    char text[HASH_TEXT_MAX];
    struct place p;
    struct hash id;

    (void)state;
    place_make(&p, 0);
    assert_int_equal(
        blob_store_import_bytes(p.store, BYTES_LIT("hello\n"), "t", &id), OK);
    hash_format(&id, text);
    assert_string_equal(text, "aa4dda238dbe66740a3c8d87226ee7fe"
                              "2f22db06d645a902020e3d2d0141e273");
    place_done(&p);
}

static void an_import_over_its_limit_leaves_nothing(void **state)
{
    struct blob_stats stats;
    struct place p;
    struct hash id = {{77}};
    char in[256];
    uint8_t *content = content_make(3 * CHUNK, 1);
    int fd;

    (void)state;
    place_make(&p, 0);
    in_place(&p, "in", in);
    write_file(in, content, 3 * CHUNK);
    fd = open(in, O_RDONLY);
    assert_int_equal(
        blob_store_import_fd(p.store, fd, 3 * CHUNK - 1, "t", &id, NULL),
        ERR_TOO_LARGE);
    assert_int_equal(id.b[0], 77);
    close(fd);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.used_bytes, 0);
    assert_int_equal(stats.chunks, 0);
    free(content);
    place_done(&p);
}

static void only_regular_files_are_imported(void **state)
{
    struct place p;
    struct hash id;
    char path[256];

    (void)state;
    place_make(&p, 0);
    in_place(&p, "fifo", path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(blob_store_import_file(p.store, path, "t", &id, NULL),
                     ERR_KIND);
    assert_int_equal(blob_store_import_file(p.store, p.root, "t", &id, NULL),
                     ERR_KIND);
    assert_int_equal(
        blob_store_import_file(p.store, "/dev/null", "t", &id, NULL), ERR_KIND);
    in_place(&p, "none", path);
    assert_int_equal(blob_store_import_file(p.store, path, "t", &id, NULL),
                     ERR_NOT_FOUND);
    place_done(&p);
}

static void equal_chunks_are_kept_once(void **state)
{
    struct blob_stats stats;
    struct place p;
    uint8_t *zeros = calloc(10, CHUNK);
    struct hash id;

    (void)state;
    place_make(&p, 0);
    assert_int_equal(blob_store_import_bytes(
                         p.store, bytes_make(zeros, 10 * CHUNK), "t", &id),
                     OK);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.chunks, 1);
    assert_true(stats.used_bytes < 2 * CHUNK);
    free(zeros);
    place_done(&p);
}

/* ---- damage ---- */

static void a_damaged_chunk_is_noticed_dropped_and_can_come_again(void **state)
{
    struct place p;
    struct hash id;
    struct blob_manifest m;
    struct blob_info info;
    struct blob_stats stats;
    uint8_t *content = content_make(3 * CHUNK, 5);
    uint8_t *chunk = malloc(CHUNK);
    uint32_t len, missing[4], count;
    char path[256];

    (void)state;
    place_make(&p, 0);
    id = import_content(&p, 3 * CHUNK, 5, "t");
    m = manifest_of(&p, &id);
    chunk_path(&p, &m.chunks[1], path);
    content[CHUNK] ^= 1;
    write_file(path, content + CHUNK, CHUNK);
    content[CHUNK] ^= 1;
    assert_int_equal(blob_store_get_chunk(p.store, &id, 0, chunk, &len), OK);
    assert_int_equal(blob_store_get_chunk(p.store, &id, 1, chunk, &len),
                     ERR_BLOB);
    assert_int_equal(blob_store_get_chunk(p.store, &id, 1, chunk, &len),
                     ERR_NOT_FOUND);
    in_place(&p, "out", path);
    assert_int_equal(blob_store_export_file(p.store, &id, path, 0644),
                     ERR_BLOB);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(blob_store_info(p.store, &id, &info), OK);
    assert_false(info.complete);
    assert_int_equal(blob_store_missing(p.store, &id, 0, missing, 4, &count),
                     OK);
    assert_int_equal(count, 1);
    assert_int_equal(missing[0], 1);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.damaged, 1);
    assert_int_equal(
        blob_store_put_chunk(p.store, &id, 1, bytes_make(content, CHUNK)),
        ERR_BLOB); /* the wrong one */
    assert_int_equal(blob_store_put_chunk(p.store, &id, 1,
                                          bytes_make(content + CHUNK, CHUNK)),
                     OK);
    assert_int_equal(blob_store_export_file(p.store, &id, path, 0644), OK);
    assert_file(path, content, 3 * CHUNK);
    blob_manifest_done(&m);
    free(content);
    free(chunk);
    place_done(&p);
}

static void damage_during_an_export_leaves_the_old_file(void **state)
{
    struct place p;
    struct hash id;
    struct blob_manifest m;
    char path[256], out[256];

    (void)state;
    place_make(&p, 0);
    id = import_content(&p, 3 * CHUNK, 5, "t");
    m = manifest_of(&p, &id);
    chunk_path(&p, &m.chunks[2], path);
    assert_int_equal(truncate(path, 100), 0);
    in_place(&p, "out", out);
    write_file(out, "old", 3);
    assert_int_equal(blob_store_export_file(p.store, &id, out, 0644), ERR_BLOB);
    assert_file(out, "old", 3);
    blob_manifest_done(&m);
    place_done(&p);
}

static void a_damaged_manifest_is_forgotten_when_opened(void **state)
{
    struct place p;
    struct hash id, other;
    struct blob_info info;
    struct blob_stats stats;
    char path[256], text[HASH_TEXT_MAX];

    (void)state;
    place_make(&p, 0);
    id = import_content(&p, 1000, 5, "t");
    other = import_content(&p, 1000, 6, "t");
    hash_format(&id, text);
    snprintf(path, sizeof path, "%s/manifests/%s", p.dir, text);
    write_file(path, "junk", 4);
    place_reopen(&p, 0);
    assert_int_equal(blob_store_info(p.store, &id, &info), ERR_NOT_FOUND);
    assert_int_equal(blob_store_info(p.store, &other, &info), OK);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.damaged, 1);
    assert_int_equal(stats.chunks, 1); /* the orphan is gone */
    place_done(&p);
}

/* ---- keeping ---- */

static void everything_is_there_after_opening_again(void **state)
{
    struct place p;
    struct hash id;
    struct blob_info info;
    struct blob_stats before, after;

    (void)state;
    place_make(&p, 0);
    id = import_content(&p, 3 * CHUNK + 9, 1, "contract:7");
    blob_store_stats(p.store, &before);
    place_reopen(&p, 0);
    blob_store_stats(p.store, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(blob_store_info(p.store, &id, &info), OK);
    assert_true(info.complete);
    assert_true(blob_store_is_pinned(p.store, &id, "contract:7"));
    assert_false(blob_store_is_pinned(p.store, &id, "contract:8"));
    place_done(&p);
}

static void only_what_somebody_pins_is_kept(void **state)
{
    struct place p;
    struct hash a, b;
    struct blob_info info;
    struct blob_stats stats;

    (void)state;
    place_make(&p, 0);
    a = import_content(&p, 2 * CHUNK, 1, "one");
    b = import_content(&p, 2 * CHUNK + 5, 1, "one"); /* shares two chunks */
    assert_int_equal(blob_store_pin(p.store, &a, "two"), OK);
    assert_int_equal(blob_store_pin(p.store, &a, "two"), OK);
    assert_int_equal(blob_store_collect(p.store), 0);
    assert_int_equal(blob_store_unpin_owner(p.store, "one"), 2);
    assert_true(blob_store_collect(p.store) > 0);
    assert_int_equal(blob_store_info(p.store, &b, &info), ERR_NOT_FOUND);
    assert_int_equal(blob_store_info(p.store, &a, &info), OK);
    assert_true(info.complete);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.chunks, 2);
    assert_int_equal(blob_store_unpin(p.store, &a, "one"), ERR_NOT_FOUND);
    assert_int_equal(blob_store_unpin(p.store, &a, "two"), OK);
    assert_true(blob_store_collect(p.store) >= 2 * CHUNK);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.used_bytes, 0);
    place_reopen(&p, 0);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.chunks + stats.blobs + stats.used_bytes, 0);
    place_done(&p);
}

static void a_held_blob_is_not_collected(void **state)
{
    struct place p;
    struct hash id;
    struct blob_info info;

    (void)state;
    place_make(&p, 0);
    id = import_content(&p, 10, 1, NULL);
    assert_int_equal(blob_store_collect(p.store), 0);
    assert_int_equal(blob_store_info(p.store, &id, &info), OK);
    blob_store_release(p.store, &id);
    assert_true(blob_store_collect(p.store) > 0);
    assert_int_equal(blob_store_info(p.store, &id, &info), ERR_NOT_FOUND);
    place_done(&p);
}

static void the_quota_holds_and_says_full(void **state)
{
    struct place p;
    struct hash id;
    struct blob_stats before, after;
    uint8_t *content = content_make(4 * CHUNK, 2);

    (void)state;
    place_make(&p, 5 * CHUNK);
    id = import_content(&p, 3 * CHUNK, 1, "t");
    blob_store_stats(p.store, &before);
    assert_int_equal(blob_store_import_bytes(
                         p.store, bytes_make(content, 4 * CHUNK), "t", &id),
                     ERR_FULL);
    blob_store_stats(p.store, &after);
    assert_memory_equal(&before, &after, sizeof before);
    assert_int_equal(blob_store_unpin_owner(p.store, "t"), 1);
    (void)blob_store_collect(p.store);
    assert_int_equal(blob_store_import_bytes(
                         p.store, bytes_make(content, 4 * CHUNK), "t", &id),
                     OK);
    place_reopen(&p, CHUNK); /* a smaller quota loses nothing */
    assert_true(blob_store_is_pinned(p.store, &id, "t"));
    free(content);
    place_done(&p);
}

/* What comes is counted until it is written; what is written is missing until
 * the room is told anew. */
static void the_disk_s_room_bounds_what_may_come(void **state)
{
    struct place p, other;
    struct hash id, more;
    struct blob_stats stats;
    struct buf manifest;

    (void)state;
    place_make(&p, 0);
    place_make(&other, 0);
    id = import_content(&other, 3 * CHUNK, 1, "t");
    more = import_content(&other, CHUNK, 2, "t");
    blob_store_room_set(p.store, 4 * CHUNK, CHUNK);
    buf_init(&manifest, 1u << 20);
    assert_int_equal(blob_store_manifest(other.store, &id, &manifest), OK);
    assert_int_equal(blob_store_add_manifest(p.store, &id, buf_bytes(&manifest),
                                             UINT64_MAX, "t"),
                     OK);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.coming_bytes, 3 * CHUNK);
    buf_clear(&manifest);
    assert_int_equal(blob_store_manifest(other.store, &more, &manifest), OK);
    assert_int_equal(blob_store_add_manifest(
                         p.store, &more, buf_bytes(&manifest), UINT64_MAX, "t"),
                     ERR_FULL);
    assert_int_equal(blob_store_unpin_owner(p.store, "t"), 1);
    (void)blob_store_collect(p.store);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.coming_bytes, 0);
    (void)import_content(&p, 4 * CHUNK, 3, "t"); /* our own: all of it */
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.coming_bytes, 0);
    assert_int_equal(blob_store_import_bytes(p.store, bytes_str("x"), "t", &id),
                     ERR_FULL);
    blob_store_room_set(p.store, 1, 1);
    assert_int_equal(blob_store_import_bytes(p.store, bytes_str("x"), "t", &id),
                     OK);
    buf_done(&manifest);
    place_done(&p);
    place_done(&other);
}

static void owners_are_names(void **state)
{
    static const char *bad[] = {"", ".", "../x", "a/b", "a b", ".x", "\xc3"};
    struct place p;
    struct hash id;

    (void)state;
    place_make(&p, 0);
    id = import_content(&p, 10, 1, "ok:A.b_c-1");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(blob_store_pin(p.store, &id, bad[i]), ERR_RANGE);
    place_done(&p);
}

/* ---- transfers ---- */

static void a_transfer_is_resumed_where_it_stopped(void **state)
{
    struct place from, to;
    struct hash id;
    struct buf text;
    struct blob_info info;
    uint8_t *chunk = malloc(CHUNK);
    uint32_t missing[10], count, len;

    (void)state;
    place_make(&from, 0);
    place_make(&to, 0);
    id = import_content(&from, 4 * CHUNK + 3, 1, "t");
    buf_init(&text, BLOB_MANIFEST_MAX);
    assert_int_equal(blob_store_manifest(from.store, &id, &text), OK);
    assert_int_equal(blob_store_add_manifest(to.store, &id, buf_bytes(&text),
                                             BLOB_BYTES_MAX, "fetch"),
                     OK);
    for (uint32_t i = 0; i < 5; i += 2) {
        assert_int_equal(blob_store_get_chunk(from.store, &id, i, chunk, &len),
                         OK);
        assert_int_equal(
            blob_store_put_chunk(to.store, &id, i, bytes_make(chunk, len)), OK);
    }
    place_reopen(&to, 0);
    assert_int_equal(blob_store_missing(to.store, &id, 0, missing, 10, &count),
                     OK);
    assert_int_equal(count, 2);
    assert_int_equal(missing[0], 1);
    assert_int_equal(missing[1], 3);
    assert_false(blob_store_has_chunk(to.store, &id, 1));
    assert_true(blob_store_has_chunk(to.store, &id, 4));
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(
            blob_store_get_chunk(from.store, &id, missing[i], chunk, &len), OK);
        assert_int_equal(blob_store_put_chunk(to.store, &id, missing[i],
                                              bytes_make(chunk, len)),
                         OK);
    }
    assert_int_equal(blob_store_info(to.store, &id, &info), OK);
    assert_true(info.complete);
    buf_done(&text);
    free(chunk);
    place_done(&from);
    place_done(&to);
}

static void a_wrong_or_too_large_manifest_is_refused(void **state)
{
    struct place from, to;
    struct hash id, other = {{1}};
    struct blob_stats stats;
    struct buf text;

    (void)state;
    place_make(&from, 0);
    place_make(&to, 2 * CHUNK);
    id = import_content(&from, 4 * CHUNK, 1, "t");
    buf_init(&text, BLOB_MANIFEST_MAX);
    assert_int_equal(blob_store_manifest(from.store, &id, &text), OK);
    assert_int_equal(blob_store_add_manifest(to.store, &other, buf_bytes(&text),
                                             BLOB_BYTES_MAX, "f"),
                     ERR_BLOB);
    assert_int_equal(blob_store_add_manifest(to.store, &id, buf_bytes(&text),
                                             4 * CHUNK - 1, "f"),
                     ERR_TOO_LARGE);
    assert_int_equal(blob_store_add_manifest(to.store, &id, buf_bytes(&text),
                                             BLOB_BYTES_MAX, "f"),
                     ERR_FULL);
    blob_store_stats(to.store, &stats);
    assert_int_equal(stats.blobs + stats.used_bytes, 0);
    buf_done(&text);
    place_done(&from);
    place_done(&to);
}

static void a_killed_import_leaves_nothing_half_done(void **state)
{
    struct blob_stats stats;
    struct place p;

    (void)state;
    place_make(&p, 0);
    for (useconds_t us = 500; us < 40000; us *= 3) {
        pid_t pid = fork();

        if (pid == 0) {
            struct hash id;
            uint8_t *content = content_make(64 * CHUNK, us);

            for (;;) {
                content[0]++;
                if (blob_store_import_bytes(p.store,
                                            bytes_make(content, 64 * CHUNK),
                                            "t", &id) != OK)
                    _exit(1);
                (void)blob_store_unpin_owner(p.store, "t");
                (void)blob_store_collect(p.store);
            }
        }
        usleep(us);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        place_reopen(&p, 0);
        (void)blob_store_unpin_owner(p.store, "t");
        (void)blob_store_collect(p.store);
        blob_store_stats(p.store, &stats);
        assert_int_equal(stats.damaged, 0);
        assert_int_equal(stats.chunks + stats.used_bytes, 0);
    }
    place_done(&p);
}

/* ---- threads ---- */

struct worker {
    struct place *p;
    uint32_t seed;
    int failures;
};

static void *work(void *arg)
{
    struct worker *w = arg;
    uint8_t *content = content_make(2 * CHUNK, 3); /* the same for all */
    uint8_t *chunk = malloc(CHUNK);
    char owner[16];

    snprintf(owner, sizeof owner, "w%u", w->seed);
    for (int i = 0; i < 20; i++) {
        struct hash id;
        uint32_t len;

        w->failures +=
            blob_store_import_bytes(w->p->store, bytes_make(content, 2 * CHUNK),
                                    owner, &id) != OK;
        w->failures +=
            blob_store_get_chunk(w->p->store, &id, 1, chunk, &len) != OK;
        w->failures += blob_store_unpin(w->p->store, &id, owner) != OK;
        (void)blob_store_collect(w->p->store);
    }
    free(content);
    free(chunk);
    return NULL;
}

static void many_threads_may_use_it(void **state)
{
    struct place p;
    struct worker workers[4];
    pthread_t threads[4];
    struct blob_stats stats;

    (void)state;
    place_make(&p, 0);
    for (uint32_t i = 0; i < 4; i++) {
        workers[i] = (struct worker){&p, i, 0};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]),
                         0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(workers[i].failures, 0);
    }
    (void)blob_store_collect(p.store);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.blobs + stats.chunks + stats.used_bytes, 0);
    assert_int_equal(stats.damaged, 0);
    place_done(&p);
}

/* ---- trees ---- */

static void make_input(const struct place *p)
{
    char path[256];

    in_place(p, "in", path);
    assert_int_equal(mkdir(path, 0755), 0);
    in_place(p, "in/sub", path);
    assert_int_equal(mkdir(path, 0755), 0);
    in_place(p, "in/b.txt", path);
    write_file(path, "bee", 3);
    in_place(p, "in/sub/run.sh", path);
    write_file(path, "#!/bin/sh\n", 10);
    assert_int_equal(chmod(path, 0700), 0);
}

static void a_directory_and_files_become_one_id(void **state)
{
    struct place p;
    char in[256], single[256], out[256], path[256];
    struct blob_source sources[2] = {{in, ""}, {single, "extra/one"}};
    struct blob_tree tree;
    struct hash id, again;
    struct stat st;

    (void)state;
    place_make(&p, 0);
    make_input(&p);
    in_place(&p, "in", in);
    in_place(&p, "single", single);
    write_file(single, "one", 3);
    assert_int_equal(
        blob_store_import_tree(p.store, sources, 2, "job", &id, NULL), OK);
    assert_int_equal(
        blob_store_import_tree(p.store, sources, 2, "job", &again, NULL), OK);
    assert_true(hash_equal(&id, &again));
    assert_int_equal(blob_store_tree(p.store, &id, &tree), OK);
    assert_int_equal(tree.count, 3);
    assert_string_equal(tree.files[0].path, "b.txt");
    assert_string_equal(tree.files[1].path, "extra/one");
    assert_string_equal(tree.files[2].path, "sub/run.sh");
    assert_int_equal(tree.files[2].mode, 0755);
    blob_tree_done(&tree);
    assert_int_equal(blob_store_collect(p.store), 0);
    in_place(&p, "out", out);
    for (int i = 0; i < 2; i++) { /* the second time over the first */
        assert_int_equal(blob_store_export_tree(p.store, &id, out, NULL), OK);
        in_place(&p, "out/extra/one", path);
        assert_file(path, "one", 3);
        in_place(&p, "out/sub/run.sh", path);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0755);
    }
    assert_int_equal(blob_store_unpin_owner(p.store, "job"), 4);
    place_done(&p);
}

static void links_and_odd_files_are_named_and_refused(void **state)
{
    struct place p;
    char in[256], path[256];
    struct blob_source source = {in, ""};
    struct blob_where where;
    struct blob_stats stats;
    struct hash id;

    (void)state;
    place_make(&p, 0);
    make_input(&p);
    in_place(&p, "in", in);
    in_place(&p, "in/sub/link", path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(
        blob_store_import_tree(p.store, &source, 1, "job", &id, &where),
        ERR_KIND);
    assert_non_null(strstr(where.path, "sub/link"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(
        blob_store_import_tree(p.store, &source, 1, "job", &id, &where),
        ERR_KIND);
    assert_int_equal(blob_store_unpin_owner(p.store, "job"), 0);
    (void)blob_store_collect(p.store);
    blob_store_stats(p.store, &stats);
    assert_int_equal(stats.blobs, 0);
    assert_int_equal(unlink(path), 0);
    source.as = "../up";
    assert_int_equal(
        blob_store_import_tree(p.store, &source, 1, "job", &id, &where),
        ERR_RANGE);
    place_done(&p);
}

static void the_same_name_twice_is_refused(void **state)
{
    struct place p;
    char single[256];
    struct blob_source sources[2] = {{single, "x"}, {single, "x"}};
    struct blob_where where;
    struct hash id;

    (void)state;
    place_make(&p, 0);
    in_place(&p, "single", single);
    write_file(single, "one", 3);
    assert_int_equal(
        blob_store_import_tree(p.store, sources, 2, "job", &id, &where),
        ERR_EXISTS);
    assert_string_equal(where.path, "x");
    sources[1].as = ""; /* a file needs a name */
    assert_int_equal(
        blob_store_import_tree(p.store, sources, 2, "job", &id, &where),
        ERR_RANGE);
    place_done(&p);
}

static void an_export_never_follows_a_link(void **state)
{
    struct place p;
    char single[256], out[256], path[256], target[256];
    struct blob_source sources[2] = {{single, "d/x"}, {single, "y"}};
    struct hash id;

    (void)state;
    place_make(&p, 0);
    in_place(&p, "single", single);
    write_file(single, "new", 3);
    assert_int_equal(
        blob_store_import_tree(p.store, sources, 2, "job", &id, NULL), OK);
    in_place(&p, "out", out);
    in_place(&p, "target", target);
    assert_int_equal(mkdir(out, 0755), 0);
    assert_int_equal(mkdir(target, 0755), 0);
    in_place(&p, "out/d", path);
    assert_int_equal(symlink(target, path), 0); /* a directory elsewhere */
    assert_int_not_equal(blob_store_export_tree(p.store, &id, out, NULL), OK);
    in_place(&p, "target/x", path);
    assert_int_not_equal(access(path, F_OK), 0);
    in_place(&p, "out/d", path);
    assert_int_equal(unlink(path), 0);
    in_place(&p, "victim", target);
    write_file(target, "old", 3);
    in_place(&p, "out/y", path);
    assert_int_equal(symlink(target, path), 0); /* a file elsewhere */
    assert_int_equal(blob_store_export_tree(p.store, &id, out, NULL), OK);
    assert_file(target, "old", 3);
    assert_file(path, "new", 3);
    place_done(&p);
}

static void a_tree_or_a_blob_is_pinned_again(void **state)
{
    struct place p;
    struct blob_tree tree;
    struct hash file, id;
    struct buf text;

    (void)state;
    place_make(&p, 0);
    file = import_content(&p, 10, 1, "t");
    blob_tree_init(&tree);
    assert_int_equal(blob_tree_add(&tree, "a", 0644, 10, &file), OK);
    buf_init(&text, 1000);
    blob_tree_encode(&tree, &text);
    assert_int_equal(
        blob_store_import_bytes(p.store, buf_bytes(&text), "t", &id), OK);
    assert_int_equal(blob_store_pin_again(p.store, &id, "job"), OK);
    assert_true(blob_store_is_pinned(p.store, &file, "job"));
    assert_true(blob_store_is_pinned(p.store, &id, "job"));
    assert_int_equal(blob_store_pin_again(p.store, &file, "other"), OK);
    assert_true(blob_store_is_pinned(p.store, &file, "other"));
    buf_done(&text);
    blob_tree_done(&tree);
    place_done(&p);
}

static void a_tree_with_a_missing_file_cannot_be_pinned(void **state)
{
    struct place p;
    struct blob_tree tree;
    struct hash known, unknown = {{5}}, id;
    struct buf text;

    (void)state;
    place_make(&p, 0);
    known = import_content(&p, 10, 1, "t");
    blob_tree_init(&tree);
    assert_int_equal(blob_tree_add(&tree, "a", 0644, 10, &known), OK);
    assert_int_equal(blob_tree_add(&tree, "b", 0644, 10, &unknown), OK);
    buf_init(&text, 1000);
    blob_tree_encode(&tree, &text);
    assert_int_equal(
        blob_store_import_bytes(p.store, buf_bytes(&text), "t", &id), OK);
    assert_int_equal(blob_store_pin_tree(p.store, &id, "job"), ERR_BLOB);
    assert_false(blob_store_is_pinned(p.store, &known, "job"));
    assert_false(blob_store_is_pinned(p.store, &id, "job"));
    buf_done(&text);
    blob_tree_done(&tree);
    place_done(&p);
}

static void flushing_works_too(void **state)
{
    struct blob_store_config config = {NULL, 0, true};
    struct place p;
    struct hash id;

    (void)state;
    place_make(&p, 0);
    blob_store_close(p.store);
    config.dir = p.dir;
    assert_int_equal(blob_store_open(&config, &p.store), OK);
    id = import_content(&p, 2 * CHUNK, 1, "t");
    assert_int_equal(blob_store_pin(p.store, &id, "u"), OK);
    place_done(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_of_any_size_comes_back),
        cmocka_unit_test(the_id_is_fixed_for_ever),
        cmocka_unit_test(an_import_over_its_limit_leaves_nothing),
        cmocka_unit_test(only_regular_files_are_imported),
        cmocka_unit_test(equal_chunks_are_kept_once),
        cmocka_unit_test(a_damaged_chunk_is_noticed_dropped_and_can_come_again),
        cmocka_unit_test(damage_during_an_export_leaves_the_old_file),
        cmocka_unit_test(a_damaged_manifest_is_forgotten_when_opened),
        cmocka_unit_test(everything_is_there_after_opening_again),
        cmocka_unit_test(only_what_somebody_pins_is_kept),
        cmocka_unit_test(a_held_blob_is_not_collected),
        cmocka_unit_test(the_quota_holds_and_says_full),
        cmocka_unit_test(the_disk_s_room_bounds_what_may_come),
        cmocka_unit_test(owners_are_names),
        cmocka_unit_test(a_transfer_is_resumed_where_it_stopped),
        cmocka_unit_test(a_wrong_or_too_large_manifest_is_refused),
        cmocka_unit_test(a_killed_import_leaves_nothing_half_done),
        cmocka_unit_test(many_threads_may_use_it),
        cmocka_unit_test(a_directory_and_files_become_one_id),
        cmocka_unit_test(links_and_odd_files_are_named_and_refused),
        cmocka_unit_test(the_same_name_twice_is_refused),
        cmocka_unit_test(an_export_never_follows_a_link),
        cmocka_unit_test(a_tree_or_a_blob_is_pinned_again),
        cmocka_unit_test(a_tree_with_a_missing_file_cannot_be_pinned),
        cmocka_unit_test(flushing_works_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
