#include "support.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include "wallet/secret.h"

static void a_fresh_secret_is_empty_and_zero(void **state)
{
    struct secret secret;
    (void)state;
    assert_ok(secret_init(&secret, 100));
    assert_int_equal(secret.len, 0);
    assert_int_equal(secret.cap, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(secret.ptr[i], 0);
    secret_done(&secret);
    assert_null(secret.ptr);
    secret_done(&secret); /* safe on a zeroed struct */
}

static void what_does_not_fit_changes_nothing(void **state)
{
    struct secret secret;
    (void)state;
    assert_ok(secret_init(&secret, 4));
    assert_ok(secret_add(&secret, BYTES_LIT("abc")));
    assert_err(secret_add(&secret, BYTES_LIT("de")), ERR_TOO_LARGE);
    assert_true(bytes_equal(secret_bytes(&secret), BYTES_LIT("abc")));
    assert_ok(secret_add(&secret, BYTES_LIT("d")));
    assert_true(bytes_equal(secret_bytes(&secret), BYTES_LIT("abcd")));
    secret_done(&secret);
}

static void clearing_wipes_the_whole_room(void **state)
{
    struct secret secret;
    (void)state;
    assert_ok(secret_init(&secret, 8));
    assert_ok(secret_add(&secret, BYTES_LIT("password")));
    secret_clear(&secret);
    assert_int_equal(secret.len, 0);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(secret.ptr[i], 0);
    secret_done(&secret);
}

/* No instrumentation: the guard itself must catch it, not the sanitizer. */
__attribute__((no_sanitize("address"))) static void read_past(void *ctx)
{
    const volatile uint8_t *ptr = ctx;
    (void)ptr[32];
}

static void one_byte_past_the_end_is_fatal(void **state)
{
    struct secret secret;
    int status;
    (void)state;
    assert_ok(secret_init(&secret, 32));
    status = child_status(read_past, secret.ptr);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    secret_done(&secret);
}

/* As a plain user with no locked memory allowed. */
static void use_without_lock(void *ctx)
{
    const struct rlimit none = {0, 0};
    struct secret secret;
    (void)ctx;
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0)
        _exit(10);
    if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
        _exit(11);
    if (secret_init(&secret, 32) != OK)
        _exit(12);
    if (secret.locked)
        _exit(13);
    if (secret_add(&secret, BYTES_LIT("still works")) != OK)
        _exit(14);
    secret_done(&secret);
}

static void memory_that_cannot_be_locked_is_given_and_told(void **state)
{
    struct secret secret;
    int status;
    (void)state;
    if (SANITIZED)
        skip();
    status = child_status(use_without_lock, NULL);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_ok(secret_init(&secret, 32)); /* and here, where it can */
    if (mlock(secret.ptr, 1) == 0)
        assert_true(secret.locked);
    secret_done(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_secret_is_empty_and_zero),
        cmocka_unit_test(what_does_not_fit_changes_nothing),
        cmocka_unit_test(clearing_wipes_the_whole_room),
        cmocka_unit_test(one_byte_past_the_end_is_fatal),
        cmocka_unit_test(memory_that_cannot_be_locked_is_given_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
