#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "sched/index/tag.h"

static const uint8_t key[SHORT_HASH_KEY_LEN] = {1, 2, 3};

static void names_kinds_and_keys_make_different_tags(void **state)
{
    const uint8_t other[SHORT_HASH_KEY_LEN] = {1, 2, 4};
    uint64_t tag = tag_text(key, TAG_LABEL, "zone", "eu");
    (void)state;
    assert_true(tag == tag_text(key, TAG_LABEL, "zone", "eu"));
    assert_true(tag != tag_text(key, TAG_LABEL, "zone", "us"));
    assert_true(tag != tag_text(key, TAG_LABEL, "zonee", "u"));
    assert_true(tag != tag_text(key, TAG_LABEL_KEY, "zone", "eu"));
    assert_true(tag != tag_text(other, TAG_LABEL, "zone", "eu"));
    assert_true(tag_number(key, TAG_ARCH, 1) != tag_number(key, TAG_ARCH, 2));
}

static void the_longest_names_fit(void **state)
{
    char a[LIMIT_NAME];
    char b[LIMIT_NAME];
    (void)state;
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[LIMIT_NAME - 1] = '\0';
    b[LIMIT_NAME - 1] = '\0';
    assert_true(tag_text(key, TAG_LABEL, a, b) !=
                tag_text(key, TAG_LABEL, b, a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_kinds_and_keys_make_different_tags),
        cmocka_unit_test(the_longest_names_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
