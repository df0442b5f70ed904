/* rpc_table: what docs/control.md specifies is what there is, and no more. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/control/rpc_table.h"

#define METHODS_MAX 100

static char methods[METHODS_MAX][64];
static size_t method_count;

/* Rows of the tables: "| `job.show` | ...". */
static int read_page(void **state)
{
    char line[4096];
    FILE *file = fopen(SUAN_SOURCE_DIR "/docs/control.md", "re");
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        char name[64];
        if (sscanf(line, "| `%63[a-z.]` |", name) != 1)
            continue;
        assert_true(method_count < METHODS_MAX);
        snprintf(methods[method_count++], 64, "%s", name);
    }
    fclose(file);
    return method_count == 0;
}

static bool is_specified(const char *method)
{
    for (size_t i = 0; i < method_count; i++) {
        if (strcmp(methods[i], method) == 0)
            return true;
    }
    return false;
}

static bool is_answered(const char *method)
{
    const char *known;
    for (size_t i = 0; (known = rpc_method(i)) != NULL; i++) {
        if (strcmp(known, method) == 0)
            return true;
    }
    return false;
}

static void every_method_of_the_page_is_answered(void **state)
{
    (void)state;
    for (size_t i = 0; i < method_count; i++) {
        if (!is_answered(methods[i]))
            print_error("%s is specified and not answered\n", methods[i]);
        assert_true(is_answered(methods[i]));
    }
}

static void every_method_that_is_answered_is_on_the_page(void **state)
{
    const char *method;
    (void)state;
    for (size_t i = 0; (method = rpc_method(i)) != NULL; i++) {
        if (!is_specified(method))
            print_error("%s is answered and not specified\n", method);
        assert_true(is_specified(method));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_method_of_the_page_is_answered),
        cmocka_unit_test(every_method_that_is_answered_is_on_the_page),
    };
    return cmocka_run_group_tests(tests, read_page, NULL);
}
