#include "cli/file/replicasfile.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct replicasfile file;
static char error[YAMLFILE_ERROR_MAX];

static enum err parse(const char *text)
{
    return replicasfile_parse(bytes_str(text), "f.yaml", &file, error);
}

static void assert_refused(const char *text, const char *expected)
{
    assert_int_equal(parse(text), ERR_PARSE);
    if (strncmp(error, expected, strlen(expected)) != 0)
        fail_msg("\"%s\", not \"%s\"", error, expected);
}

static void candidates_are_read(void **state)
{
    (void)state;
    assert_int_equal(
        parse("candidates:\n"
              "  alder: 99%\n"
              "  birch: {availability: 0.97, price: 0.12, domain: north}\n"
              "  cedar: {domain: north, availability: 96%}\n"
              "  elm: {domain: south, availability: 96%}\n"),
        OK);
    assert_int_equal(file.count, 4);
    assert_true(file.has_prices);
    assert_true(file.candidates[0].down == 0.01);
    assert_true(file.candidates[1].down == 0.03);
    assert_int_equal(file.candidates[0].domain, 0);
    assert_int_equal(file.candidates[1].domain, 1);
    assert_int_equal(file.candidates[2].domain, 1);
    assert_int_equal(file.candidates[3].domain, 2);
    assert_string_equal(file.domain_names[1], "south");
    assert_int_equal(file.candidates[1].price.micro, 120000);
    assert_int_equal(file.candidates[2].price.micro, 0);
    assert_int_equal(parse("{candidates: {alder: 99%}}"), OK);
    assert_false(file.has_prices);
}

static void bad_files_are_refused_with_their_line(void **state)
{
    (void)state;
    assert_refused("", "f.yaml:1: the file is empty");
    assert_refused("candidates: {}\n", "f.yaml:1: there are no candidates");
    assert_refused("candidates: [alder]\n",
                   "f.yaml:1: candidates: a mapping belongs here");
    assert_refused("sellers: {}\n",
                   "f.yaml:1: there is no field \"sellers\" here; there are "
                   "candidates");
    assert_refused("candidates:\n  alder: 99.9\n",
                   "f.yaml:2: availability: \"99.9\" is not an availability");
    assert_refused("candidates:\n  alder: {price: 1}\n",
                   "f.yaml:2: a candidate has no availability");
    assert_refused("candidates:\n  alder: {price: -1}\n",
                   "f.yaml:2: price: \"-1\" is not an amount of credits");
    assert_refused("candidates:\n  alder: {price: 99999999999}\n",
                   "f.yaml:2: price: \"99999999999\" is not an amount");
    assert_refused("candidates:\n  alder: {cost: 1}\n",
                   "f.yaml:2: there is no field \"cost\" here; there are "
                   "availability, price, domain");
    assert_refused("candidates:\n  alder: {price: 1, price: 2}\n",
                   "f.yaml:2: price stands here a second time");
    assert_refused("candidates:\n  alder: 99%\n  alder: 98%\n",
                   "f.yaml:3: the candidate alder stands here a second time");
    assert_refused("candidates: {a: 99%}\ncandidates: {b: 99%}\n",
                   "f.yaml:2: candidates stands here a second time");
}

static void too_many_are_refused(void **state)
{
    struct buf text;
    (void)state;
    buf_init(&text, 1u << 16);
    buf_addf(&text, "candidates:\n");
    for (unsigned i = 0; i < REPLICAS_CANDIDATES_MAX; i++)
        buf_addf(&text, "  c%u: {availability: 99%%, domain: d%u}\n", i, i);
    assert_int_equal(parse(buf_cstr(&text)), OK);
    assert_int_equal(file.domains, REPLICAS_CANDIDATES_MAX);
    buf_addf(&text, "  one-more: 99%%\n");
    assert_refused(buf_cstr(&text), "f.yaml:258: there are more than 256");
    buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(candidates_are_read),
        cmocka_unit_test(bad_files_are_refused_with_their_line),
        cmocka_unit_test(too_many_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
