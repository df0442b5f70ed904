#include "support.h"

#include "wallet/purpose.h"

static void each_purpose_has_exactly_its_tags(void **state)
{
    static const struct {
        const char *tag;
        bool account, node, validator;
    } table[] = {
        {HASH_TAG_TX, true, true, false},
        {HASH_TAG_REQUEST, true, false, false},
        {HASH_TAG_APPROVAL, true, false, false},
        {HASH_TAG_OFFER, false, true, false},
        {HASH_TAG_QUOTE, false, true, false},
        {HASH_TAG_LINKS, false, true, false},
        {HASH_TAG_RECEIPT, false, true, false},
        {HASH_TAG_NOISE, false, true, true},
        {HASH_TAG_VOTE, false, false, true},
        {HASH_TAG_LINK, false, false, true},
        {HASH_TAG_BOND, false, false, true},
        {HASH_TAG_EVIDENCE, false, false, false},
        {HASH_TAG_HEADER, false, false, false},
        {HASH_TAG_KEYFILE, false, false, false},
        {"suan-t", false, false, false},
        {"suan-txx", false, false, false},
        {"", false, false, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        const char *tag = table[i].tag;
        assert_int_equal(purpose_allows(&purpose_account, tag),
                         table[i].account);
        assert_int_equal(purpose_allows(&purpose_node, tag), table[i].node);
        assert_int_equal(purpose_allows(&purpose_validator, tag),
                         table[i].validator);
    }
}

static void a_full_purpose_needs_no_end_mark(void **state)
{
    static const struct purpose full = {
        .name = "full",
        .tags = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"}};
    (void)state;
    assert_true(purpose_allows(&full, "l"));
    assert_false(purpose_allows(&full, "m"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_purpose_has_exactly_its_tags),
        cmocka_unit_test(a_full_purpose_needs_no_end_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
