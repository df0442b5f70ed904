#include "support.h"

#include "wallet/passphrase.h"

static void put(const struct room *room, const char *text, mode_t mode)
{
    room_put(room, "pass", text, strlen(text), mode);
}

static void assert_reads(const struct room *room, const char *expected)
{
    struct secret found;
    assert_ok(passphrase_from_file(room_file(room, "pass"), &found));
    assert_true(bytes_equal(secret_bytes(&found), bytes_str(expected)));
    secret_done(&found);
}

static void one_line_end_is_not_part_of_the_passphrase(void **state)
{
    const struct room *room = *state;
    put(room, "open sesame", 0600);
    assert_reads(room, "open sesame");
    put(room, "open sesame\n", 0600);
    assert_reads(room, "open sesame");
    put(room, "open sesame\r\n", 0600);
    assert_reads(room, "open sesame");
    put(room, " spaces count \n", 0400);
    assert_reads(room, " spaces count ");
    put(room, "a\rb\r", 0600);
    assert_reads(room, "a\rb\r");
}

static void an_empty_or_two_line_file_is_refused(void **state)
{
    const struct room *room = *state;
    struct secret found = {0};
    const char *path;
    put(room, "", 0600);
    path = room_file(room, "pass");
    assert_err(passphrase_from_file(path, &found), ERR_TRUNCATED);
    put(room, "\n", 0600);
    assert_err(passphrase_from_file(path, &found), ERR_TRUNCATED);
    put(room, "\r\n", 0600);
    assert_err(passphrase_from_file(path, &found), ERR_TRUNCATED);
    put(room, "a\n\n", 0600);
    assert_err(passphrase_from_file(path, &found), ERR_RANGE);
    put(room, "first\nsecond\n", 0600);
    assert_err(passphrase_from_file(path, &found), ERR_RANGE);
    room_put(room, "pass", "a\0b", 3, 0600);
    assert_err(passphrase_from_file(path, &found), ERR_RANGE);
    assert_null(found.ptr);
}

static void the_length_is_bounded(void **state)
{
    const struct room *room = *state;
    static char text[PASSPHRASE_LEN_MAX + 4];
    struct secret found;
    memset(text, 'x', sizeof(text));
    room_put(room, "pass", text, PASSPHRASE_LEN_MAX, 0600);
    assert_ok(passphrase_from_file(room_file(room, "pass"), &found));
    assert_int_equal(found.len, PASSPHRASE_LEN_MAX);
    secret_done(&found);
    text[PASSPHRASE_LEN_MAX] = '\n';
    room_put(room, "pass", text, PASSPHRASE_LEN_MAX + 1, 0600);
    assert_ok(passphrase_from_file(room_file(room, "pass"), &found));
    secret_done(&found);
    text[PASSPHRASE_LEN_MAX] = 'x';
    room_put(room, "pass", text, PASSPHRASE_LEN_MAX + 1, 0600);
    assert_err(passphrase_from_file(room_file(room, "pass"), &found),
               ERR_TOO_LARGE);
    room_put(room, "pass", text, PASSPHRASE_LEN_MAX + 4, 0600);
    assert_err(passphrase_from_file(room_file(room, "pass"), &found),
               ERR_TOO_LARGE);
}

static void a_file_open_to_others_is_refused(void **state)
{
    static const mode_t wide[] = {0640, 0604, 0602, 0620, 0610, 0601, 0666};
    const struct room *room = *state;
    struct secret found;
    for (size_t i = 0; i < sizeof(wide) / sizeof(wide[0]); i++) {
        put(room, "secret", wide[i]);
        assert_err(passphrase_from_file(room_file(room, "pass"), &found),
                   ERR_MODE);
    }
}

static void another_user_s_file_is_refused(void **state)
{
    const struct room *room = *state;
    struct secret found;
    if (geteuid() != 0)
        skip();
    put(room, "secret", 0600);
    assert_int_equal(chown(room_file(room, "pass"), 65534, 65534), 0);
    assert_err(passphrase_from_file(room_file(room, "pass"), &found), ERR_MODE);
}

static void what_is_no_plain_file_is_refused_without_waiting(void **state)
{
    const struct room *room = *state;
    struct secret found;
    assert_err(passphrase_from_file(room_file(room, "none"), &found),
               ERR_NOT_FOUND);
    assert_err(passphrase_from_file(room->path, &found), ERR_TYPE);
    assert_int_equal(mkfifo(room_file(room, "fifo"), 0600), 0);
    assert_err(passphrase_from_file(room_file(room, "fifo"), &found), ERR_TYPE);
}

static void a_descriptor_gives_all_it_has(void **state)
{
    struct secret found;
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "in ", 3), 3);
    assert_int_equal(write(ends[1], "pieces\n", 7), 7);
    close(ends[1]);
    assert_ok(passphrase_from_fd(ends[0], &found));
    assert_true(bytes_equal(secret_bytes(&found), BYTES_LIT("in pieces")));
    secret_done(&found);
    assert_err(passphrase_from_fd(ends[0], &found), ERR_TRUNCATED);
    close(ends[0]);
    assert_err(passphrase_from_fd(ends[0], &found), ERR_IO);
}

static void a_credential_may_show_a_group_bit_and_no_more(void **state)
{
    const struct room *room = *state;
    struct secret found;
    put(room, "secret\n", 0440);
    assert_err(passphrase_from_file(room_file(room, "pass"), &found), ERR_MODE);
    assert_ok(passphrase_from_credential(room->path, "pass", &found));
    assert_true(bytes_equal(secret_bytes(&found), BYTES_LIT("secret")));
    secret_done(&found);
    put(room, "secret\n", 0444);
    assert_err(passphrase_from_credential(room->path, "pass", &found),
               ERR_MODE);
    put(room, "secret\n", 0460);
    assert_err(passphrase_from_credential(room->path, "pass", &found),
               ERR_MODE);
    assert_err(passphrase_from_credential(room->path, "none", &found),
               ERR_NOT_FOUND);
    assert_err(passphrase_from_credential("/nowhere", "pass", &found),
               ERR_NOT_FOUND);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        T(one_line_end_is_not_part_of_the_passphrase),
        T(an_empty_or_two_line_file_is_refused),
        T(the_length_is_bounded),
        T(a_file_open_to_others_is_refused),
        T(another_user_s_file_is_refused),
        T(what_is_no_plain_file_is_refused_without_waiting),
        T(a_descriptor_gives_all_it_has),
        T(a_credential_may_show_a_group_bit_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
