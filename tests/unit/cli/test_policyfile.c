#include "cli/file/policyfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct policy_object object;
static char error[YAMLFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    memset(&object, 0, sizeof(object));
    error[0] = '\0';
    return policyfile_parse(bytes_str(text), "p.yaml", &object, error);
}

static void refuses(const char *text, const char *why)
{
    assert_int_equal(parse(text), ERR_PARSE);
    assert_int_equal(object.policy, 0);
    if (strstr(error, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error, why);
}

static void a_policy_is_a_mapping_of_its_terms(void **state)
{
    (void)state;
    assert_int_equal(parse("name: near\n"
                           "kind: composite\n"
                           "enabled: no\n"
                           "weight: {price: 2, rtt: 1}\n"
                           "speed: logic\n"
                           "divide: static\n"
                           "share: [zone=eu:3, gpu:1]\n"
                           "gang: yes\n"
                           "least: 4\n"),
                     OK);
    assert_string_equal(object.name, "near");
    assert_false(object.enabled);
    assert_int_equal(object.policy, POLICY_COMPOSITE);
    assert_int_equal(object.terms.weights[PART_PRICE], 2);
    assert_int_equal(object.terms.weights[PART_RTT], 1);
    assert_int_equal(object.terms.speed, SPEED_LOGIC);
    assert_int_equal(object.terms.share_count, 2);
    assert_string_equal(object.terms.shares[0].value, "eu");
    assert_true(object.terms.gang);
    assert_int_equal(object.terms.least, 4);
}

static void json_and_single_values_are_read_too(void **state)
{
    (void)state;
    assert_int_equal(parse("{\"kind\": \"composite\", \"weight\": "
                           "\"price=3,load=1\"}"),
                     OK);
    assert_string_equal(object.name, "");
    assert_true(object.enabled);
    assert_int_equal(object.terms.weights[PART_LOAD], 1);
    assert_int_equal(parse("kind: cheapest\ndivide: static\nshare: zone=eu:2"),
                     OK);
}

static void what_is_wrong_is_said_with_its_line(void **state)
{
    (void)state;
    refuses("name: x\n", "p.yaml:1: it has no kind");
    refuses("kind: best\n", "p.yaml:1: kind: \"best\" is not one of");
    refuses("kind: composite\n", "p.yaml:1: these terms do not belong");
    refuses("kind: cheapest\nweight: {price: 1}\n",
            "do not belong to cheapest");
    refuses("kind: composite\nweight: {cost: 1}\n",
            "p.yaml:2: weight: \"cost=1\" is not NAME=NUMBER");
    refuses("kind: composite\nweight: {price: [1]}\n", "p.yaml:2");
    refuses("name: cheapest\nkind: pack\n", "p.yaml:1: name: \"cheapest\"");
    refuses("kind: pack\ngang: perhaps\n", "p.yaml:2: gang");
    refuses("kind: pack\nkind: pack\n", "p.yaml:2");
    refuses("kind: pack\ncolour: red\n", "p.yaml:2");
    refuses("- kind\n", "a policy is a mapping");
    refuses("kind: cheapest\ndivide: static\nshare: [a:1,b:1,c:1,d:1,e:1]\n",
            "p.yaml:3: share");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_is_a_mapping_of_its_terms),
        cmocka_unit_test(json_and_single_values_are_read_too),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
