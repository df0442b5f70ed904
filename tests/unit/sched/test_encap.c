#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sched/cfn/encap.h"
#include "tests/unit/sched/cfn_sample.h"

static void what_was_wrapped_opens_at_its_machine(void **state)
{
    struct service_instance i = {.told = sample_update(4, 1)};
    struct cfn_address client = {{1, 2, 3}};
    struct cfn_address got = {{0}};
    struct service_id service = {{0}};
    struct encap e;
    (void)state;
    encap_wrap(&client, &i, &e);
    assert_true(cfn_address_equal(&e.outer_target, &i.told.address));
    assert_true(cfn_address_equal(&e.outer_source, &client));
    assert_int_equal(encap_open(&e, &i.told.address, &got, &service), OK);
    assert_true(cfn_address_equal(&got, &client));
    assert_true(service_id_equal(&service, &sample_service));
}

static void the_wrong_machine_and_two_clients_are_refused(void **state)
{
    struct service_instance i = {.told = sample_update(4, 1)};
    struct cfn_address client = {{1, 2, 3}};
    struct cfn_address got = {{7}};
    struct service_id service = {{8}};
    struct encap e;
    (void)state;
    encap_wrap(&client, &i, &e);
    e.inner_source.b[15] ^= 1;
    assert_int_equal(encap_open(&e, &i.told.egress, &got, &service),
                     ERR_NOT_FOUND);
    assert_int_equal(encap_open(&e, &i.told.address, &got, &service),
                     ERR_RANGE);
    assert_int_equal(got.b[0], 7);
    assert_int_equal(service.b[0], 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_wrapped_opens_at_its_machine),
        cmocka_unit_test(the_wrong_machine_and_two_clients_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
