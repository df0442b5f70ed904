#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/check.h"

/* What CHECK(n == 1) prints in a child, and how the child ended. */
static int child_checks(int n, char *out, size_t size)
{
    int pipe_fd[2];
    int status = 0;
    size_t len = 0;
    ssize_t got;
    pid_t child;

    assert_int_equal(pipe(pipe_fd), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipe_fd[1], STDERR_FILENO);
        CHECK(n == 1);
        _exit(0);
    }
    close(pipe_fd[1]);
    while ((got = read(pipe_fd[0], out + len, size - 1 - len)) > 0)
        len += (size_t)got;
    out[len] = 0;
    close(pipe_fd[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void a_kept_promise_is_silent(void **state)
{
    char out[512];
    int status = child_checks(1, out, sizeof(out));
    (void)state;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(out, "");
}

static void a_broken_promise_aborts_and_says_where(void **state)
{
    char out[512];
    int status = child_checks(2, out, sizeof(out));
    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(out, "test_check.c:"));
    assert_non_null(strstr(out, "CHECK(n == 1) failed\n"));
}

static void check_is_one_statement(void **state)
{
    int reached = 0;
    (void)state;
    if (reached == 0)
        CHECK(reached == 0);
    else
        reached = 2;
    assert_int_equal(reached, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_promise_is_silent),
        cmocka_unit_test(a_broken_promise_aborts_and_says_where),
        cmocka_unit_test(check_is_one_statement),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
