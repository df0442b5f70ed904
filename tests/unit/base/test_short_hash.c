#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/short_hash.h"

/* The designers' own vectors: key 00..0f, input 00..n-1. */
static void golden_values_of_siphash(void **state)
{
    uint8_t bytes[16];
    (void)state;
    for (uint8_t i = 0; i < 16; i++)
        bytes[i] = i;
    assert_true(short_hash(bytes, bytes_make(bytes, 0)) == 0x726fdb47dd0e0e31);
    assert_true(short_hash(bytes, bytes_make(bytes, 1)) == 0x74f839c593dc67fd);
    assert_true(short_hash(bytes, bytes_make(bytes, 15)) == 0xa129ca6149be45e5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_values_of_siphash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
