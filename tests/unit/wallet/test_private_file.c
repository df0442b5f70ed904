#include "faults.h"
#include "support.h"

#include "wallet/private_file.h"

#define STEPS_MAX 40

static int room_open(const struct room *room)
{
    int fd;
    assert_ok(private_dir_open(room->path, &fd));
    return fd;
}

static void assert_content(int dir, const char *name, const char *expected)
{
    struct secret found;
    assert_ok(private_file_read(dir, name, PRIVATE_FILE_OWN, 100, &found));
    assert_true(bytes_equal(secret_bytes(&found), bytes_str(expected)));
    secret_done(&found);
}

static bool content_is(int dir, const char *name, const char *expected)
{
    struct secret found;
    bool equal;
    if (private_file_read(dir, name, PRIVATE_FILE_OWN, 100, &found) != OK)
        return false;
    equal = bytes_equal(secret_bytes(&found), bytes_str(expected));
    secret_done(&found);
    return equal;
}

/* ---- directories ---- */

static void a_directory_open_to_others_is_refused(void **state)
{
    static const mode_t wide[] = {0750, 0705, 0701, 0710, 0777, 0720};
    const struct room *room = *state;
    int fd = -1;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        assert_int_equal(chmod(room->path, wide[i]), 0);
        assert_err(private_dir_open(room->path, &fd), ERR_MODE);
        assert_err(private_dir_make(room->path, &fd), ERR_MODE);
    }
    assert_int_equal(chmod(room->path, 0700), 0);
    assert_ok(private_dir_open(room->path, &fd));
    close(fd);
}

static void another_user_s_directory_is_refused(void **state)
{
    const struct room *room = *state;
    int fd;
    if (geteuid() != 0)
        skip();
    assert_int_equal(chown(room->path, 65534, 65534), 0);
    assert_err(private_dir_open(room->path, &fd), ERR_MODE);
    assert_int_equal(chown(room->path, 0, 0), 0);
}

static void a_new_directory_is_ours_alone_whatever_the_umask(void **state)
{
    const struct room *room = *state;
    mode_t before = umask(0);
    struct stat st;
    int fd;
    assert_ok(private_dir_make(room_file(room, "keys"), &fd));
    umask(before);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    close(fd);
    assert_ok(private_dir_make(room_file(room, "keys"), &fd)); /* again */
    assert_false(private_dir_is_remote(fd));
    close(fd);
    assert_err(private_dir_open(room_file(room, "none"), &fd), ERR_NOT_FOUND);
    assert_err(private_dir_make(room_file(room, "a/b"), &fd), ERR_NOT_FOUND);
    room_put(room, "file", "x", 1, 0600);
    assert_err(private_dir_open(room_file(room, "file"), &fd), ERR_TYPE);
}

static void a_second_writer_is_kept_out(void **state)
{
    const struct room *room = *state;
    int one = room_open(room), two = room_open(room);
    assert_ok(private_dir_lock(one));
    assert_err(private_dir_lock(two), ERR_BUSY);
    private_dir_unlock(one);
    assert_ok(private_dir_lock(two));
    close(two); /* gone with its holder */
    assert_ok(private_dir_lock(one));
    close(one);
}

/* ---- reading ---- */

static void a_wide_or_foreign_file_is_refused(void **state)
{
    static const mode_t wide[] = {0640, 0604, 0660, 0644, 0620, 0602, 0601};
    const struct room *room = *state;
    struct secret found;
    int dir = room_open(room);
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        room_put(room, "key", "x", 1, wide[i]);
        assert_err(private_file_read(dir, "key", PRIVATE_FILE_OWN, 9, &found),
                   ERR_MODE);
    }
    room_put(room, "key", "x", 1, 0600);
    if (geteuid() == 0) {
        assert_int_equal(chown(room_file(room, "key"), 65534, 65534), 0);
        assert_err(private_file_read(dir, "key", PRIVATE_FILE_OWN, 9, &found),
                   ERR_MODE);
        assert_err(private_file_read(dir, "key", PRIVATE_FILE_ROOT, 9, &found),
                   ERR_MODE);
    }
    close(dir);
}

static void a_link_a_directory_and_a_fifo_are_no_key_files(void **state)
{
    const struct room *room = *state;
    struct secret found;
    int dir = room_open(room);
    room_put(room, "real", "x", 1, 0600);
    assert_int_equal(symlink("real", room_file(room, "link")), 0);
    assert_int_equal(mkfifo(room_file(room, "fifo"), 0600), 0);
    assert_int_equal(mkdir(room_file(room, "dir"), 0700), 0);
    assert_err(private_file_read(dir, "link", PRIVATE_FILE_OWN, 9, &found),
               ERR_TYPE);
    assert_err(private_file_read(dir, "fifo", PRIVATE_FILE_OWN, 9, &found),
               ERR_TYPE);
    assert_err(private_file_read(dir, "dir", PRIVATE_FILE_OWN, 9, &found),
               ERR_TYPE);
    assert_err(private_file_read(dir, "none", PRIVATE_FILE_OWN, 9, &found),
               ERR_NOT_FOUND);
    close(dir);
}

static void the_length_limit_is_exact(void **state)
{
    const struct room *room = *state;
    struct secret found;
    int dir = room_open(room);
    room_put(room, "key", "12345", 5, 0600);
    assert_ok(private_file_read(dir, "key", PRIVATE_FILE_OWN, 5, &found));
    assert_int_equal(found.len, 5);
    secret_done(&found);
    assert_err(private_file_read(dir, "key", PRIVATE_FILE_OWN, 4, &found),
               ERR_TOO_LARGE);
    close(dir);
}

/* ---- writing ---- */

static void a_written_file_is_private_and_keeps_one_old_version(void **state)
{
    const struct room *room = *state;
    int dir = room_open(room);
    mode_t before = umask(0);
    struct stat st;
    assert_ok(private_file_write(dir, "key", BYTES_LIT("one"), false));
    umask(before);
    assert_int_equal(stat(room_file(room, "key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(room_count(room), 1);
    assert_ok(private_file_write(dir, "key", BYTES_LIT("two"), true));
    assert_ok(private_file_write(dir, "key", BYTES_LIT("three"), true));
    assert_content(dir, "key", "three");
    assert_content(dir, "key.old", "two");
    assert_int_equal(room_count(room), 2);
    close(dir);
}

static void without_replace_nothing_is_overwritten(void **state)
{
    const struct room *room = *state;
    int dir = room_open(room);
    assert_ok(private_file_write(dir, "key", BYTES_LIT("one"), false));
    assert_err(private_file_write(dir, "key", BYTES_LIT("two"), false),
               ERR_EXISTS);
    assert_content(dir, "key", "one");
    assert_int_equal(room_count(room), 1);
    close(dir);
}

static void the_content_is_synced_before_it_gets_its_name(void **state)
{
    const struct room *room = *state;
    int dir = room_open(room);
    fault_arm(FAULT_FAIL, -1, 0);
    assert_ok(private_file_write(dir, "key", BYTES_LIT("one"), false));
    fault.mode = FAULT_NONE;
    /* clear temp, write, sync, name it, drop temp, sync the directory */
    assert_string_equal(fault.trace, "UWFLUF");
    fault_arm(FAULT_FAIL, -1, 0);
    assert_ok(private_file_write(dir, "key", BYTES_LIT("two"), true));
    fault.mode = FAULT_NONE;
    /* ..., keep the old one (clear, link, rename, clear), rename, sync */
    assert_string_equal(fault.trace, "UWFULRURF");
    close(dir);
}

struct attempt {
    int dir;
    int at;
    bool replace;
};

static void write_and_crash(void *ctx)
{
    const struct attempt *attempt = ctx;
    fault_arm(FAULT_CRASH, attempt->at, 0);
    if (private_file_write(attempt->dir, "key", BYTES_LIT("new"),
                           attempt->replace) != OK)
        _exit(1);
}

/* Crashes at every step. Afterwards the name holds all of `before` (NULL: is
 * free) or all of "new", and the next write works and leaves no rest. */
static void sweep_crashes(const struct room *room, const char *before)
{
    int status = 0, step = 0;
    for (step = 0; step < STEPS_MAX; step++) {
        struct attempt attempt = {room_open(room), step, before != NULL};
        bool is_new, is_before;
        if (before != NULL)
            assert_ok(private_file_write(attempt.dir, "key", bytes_str(before),
                                         true));
        status = child_status(write_and_crash, &attempt);
        assert_true(WIFEXITED(status));
        is_new = content_is(attempt.dir, "key", "new");
        is_before = before != NULL ? content_is(attempt.dir, "key", before)
                                   : access(room_file(room, "key"), F_OK) != 0;
        assert_true(is_new || is_before);
        if (WEXITSTATUS(status) == 0)
            assert_true(is_new);
        assert_ok(
            private_file_write(attempt.dir, "key", BYTES_LIT("third"), true));
        assert_content(attempt.dir, "key", "third");
        assert_true(room_count(room) <= 2); /* key and key.old */
        room_empty(room->path);
        close(attempt.dir);
        if (WEXITSTATUS(status) == 0)
            break;
        assert_int_equal(WEXITSTATUS(status), FAULT_EXIT);
    }
    assert_in_range(step, 6, STEPS_MAX - 1);
}

static void a_crash_leaves_the_old_file_or_the_new(void **state)
{
    sweep_crashes(*state, "before");
}

static void a_crash_in_the_first_write_leaves_nothing_or_all(void **state)
{
    sweep_crashes(*state, NULL);
}

static void sweep_failures(const struct room *room, int error,
                           enum err expected)
{
    int hits = 0;
    for (int step = 0; step < STEPS_MAX; step++) {
        int dir = room_open(room);
        enum err err;
        bool hit;
        assert_ok(private_file_write(dir, "key", BYTES_LIT("before"), true));
        fault_arm(FAULT_FAIL, step, error);
        err = private_file_write(dir, "key", BYTES_LIT("new"), true);
        hit = fault.step > step;
        fault.mode = FAULT_NONE;
        if (err == OK) {
            assert_content(dir, "key", "new");
        } else if (fault.trace[step] == 'F' && step > 5) {
            assert_err(err, ERR_IO); /* the directory: the new one stands */
            assert_content(dir, "key", "new");
        } else {
            assert_err(err, expected);
            assert_content(dir, "key", "before");
            assert_true(room_count(room) <= 2); /* no temporary left */
            hits++;
        }
        room_empty(room->path);
        close(dir);
        if (!hit) {
            assert_true(hits >= 5);
            return;
        }
    }
    fail();
}

static void a_failing_disk_leaves_the_old_file(void **state)
{
    sweep_failures(*state, EIO, ERR_IO);
}

static void a_full_disk_is_called_full(void **state)
{
    sweep_failures(*state, ENOSPC, ERR_FULL);
}

static void a_read_only_disk_is_a_matter_of_permission(void **state)
{
    sweep_failures(*state, EROFS, ERR_PERM);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        T(a_directory_open_to_others_is_refused),
        T(another_user_s_directory_is_refused),
        T(a_new_directory_is_ours_alone_whatever_the_umask),
        T(a_second_writer_is_kept_out),
        T(a_wide_or_foreign_file_is_refused),
        T(a_link_a_directory_and_a_fifo_are_no_key_files),
        T(the_length_limit_is_exact),
        T(a_written_file_is_private_and_keeps_one_old_version),
        T(without_replace_nothing_is_overwritten),
        T(the_content_is_synced_before_it_gets_its_name),
        T(a_crash_leaves_the_old_file_or_the_new),
        T(a_crash_in_the_first_write_leaves_nothing_or_all),
        T(a_failing_disk_leaves_the_old_file),
        T(a_full_disk_is_called_full),
        T(a_read_only_disk_is_a_matter_of_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
