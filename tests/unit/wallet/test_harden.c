#include "support.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include "wallet/harden.h"

static void harden_and_look(void *ctx)
{
    struct rlimit core;
    (void)ctx;
    if (wallet_process_harden() != OK)
        _exit(1);
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 ||
        core.rlim_max != 0)
        _exit(2);
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
        _exit(3);
    if (wallet_process_harden() != OK) /* twice is no error */
        _exit(4);
}

static void a_hardened_process_leaves_no_core_and_is_not_dumpable(void **state)
{
    int status = child_status(harden_and_look, NULL);
    (void)state;
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void harden_and_abort(void *ctx)
{
    (void)ctx;
    if (wallet_process_harden() == OK)
        abort();
}

static void a_hardened_process_that_aborts_dumps_nothing(void **state)
{
    int status = child_status(harden_and_abort, NULL);
    (void)state;
    assert_true(WIFSIGNALED(status));
    assert_int_equal(status & 0x80, 0); /* the core bit */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hardened_process_leaves_no_core_and_is_not_dumpable),
        cmocka_unit_test(a_hardened_process_that_aborts_dumps_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
