/* offering_set: what may be sold on which machine, and how it is kept. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "market/message.h"
#include "node/sell/offering_inner.h"

static const struct sensed machine = {.arch = ARCH_X86_64,
                                      .cpus = 4,
                                      .mem_mib = 8000,
                                      .mem_free_mib = 6000,
                                      .disk_mib = 100000,
                                      .disk_free_mib = 40000};

static struct offering_set make(void)
{
    struct offering_set set;
    memset(&set, 0, sizeof(set));
    set.mask = OFFERING_ALL;
    snprintf(set.name, sizeof(set.name), "workshop");
    set.total = (struct resources){2500, 4000, 10000, 0};
    set.slots = 8;
    set.time_ms_max = 3600000;
    set.price.cpu_hour = amount_micro(50000);
    set.price.mem_hour = amount_micro(10000);
    set.price.disk_hour = amount_micro(1000);
    memset(set.payout.b, 7, sizeof(set.payout.b));
    set.label_count = 1;
    snprintf(set.labels[0].key, LIMIT_NAME, "zone");
    snprintf(set.labels[0].value, LIMIT_NAME, "eu");
    set.taint_count = 1;
    set.taints[0] = (struct taint){{"gpu", "only"}, TAINT_REFUSE};
    snprintf(set.device_hour, sizeof(set.device_hour), "gpu=0.5");
    set.queue = LINE_CONSERVATIVE;
    return set;
}

static void takes_what_the_machine_has(void **state)
{
    struct offering_set set = make();
    struct offering_fault fault;
    (void)state;
    assert_int_equal(offering_set_check(&set, &machine, &fault), OK);
    set.total = (struct resources){4000, 8000, 100000, 0};
    assert_int_equal(offering_set_check(&set, &machine, &fault), OK);
}

static void refuse(struct offering_set set, const char *words)
{
    struct offering_fault fault;
    assert_int_equal(offering_set_check(&set, &machine, &fault), ERR_RANGE);
    assert_non_null(strstr(fault.what, words));
    assert_true(fault.next[0] != '\0');
}

static void refuses_what_the_machine_does_not_have(void **state)
{
    struct offering_set set = make();
    (void)state;
    set.total.cpu_milli = 4001;
    refuse(set, "4.001 cores");
    set.total.cpu_milli = 9;
    refuse(set, "0.009 cores");
    set = make();
    set.total.mem_mib = 8001;
    refuse(set, "memory");
    set.total.mem_mib = 0;
    refuse(set, "memory");
    set = make();
    set.total.disk_mib = 100001;
    refuse(set, "disk");
}

static void refuses_terms_nobody_could_use(void **state)
{
    struct offering_set set = make();
    (void)state;
    set.slots = 0;
    refuse(set, "jobs");
    set = make();
    set.time_ms_max = 999;
    refuse(set, "longest");
    set = make();
    set.time_ms_max = MESSAGE_TIME_MS_MAX + 1;
    refuse(set, "longest");
    set = make();
    set.price.mem_hour = amount_micro(UINT64_MAX);
    refuse(set, "price");
    set = make();
    set.name[0] = '\033';
    refuse(set, "name");
}

static void refuses_labels_that_are_not_its_own_to_give(void **state)
{
    struct offering_set set = make();
    (void)state;
    snprintf(set.labels[0].key, LIMIT_NAME, "arch");
    refuse(set, "arch");
    set.labels[0].key[0] = '\0';
    refuse(set, "label 1");
    set = make();
    set.label_count = LIMIT_LABELS;
    refuse(set, "labels");
}

static void only_the_named_fields_change(void **state)
{
    struct offering_set set = make();
    struct offering_set over = make();
    (void)state;
    over.mask = OFFERING_CPU | OFFERING_CPU_HOUR;
    over.total.cpu_milli = 1000;
    over.total.mem_mib = 1;
    over.price.cpu_hour = amount_micro(1);
    over.price.mem_hour = amount_micro(2);
    over.label_count = 0;
    offering_set_merge(&set, &over);
    assert_int_equal(set.total.cpu_milli, 1000);
    assert_int_equal(set.total.mem_mib, 4000);
    assert_int_equal(set.price.cpu_hour.micro, 1);
    assert_int_equal(set.price.mem_hour.micro, 10000);
    assert_int_equal(set.label_count, 1);
    over.mask = OFFERING_LABELS;
    offering_set_merge(&set, &over);
    assert_int_equal(set.label_count, 0);
    over.taint_count = 0;
    over.device_hour[0] = '\0';
    over.total.nic_kbit = 7;
    assert_int_equal(set.taint_count, 1);
    over.queue = LINE_EASY;
    assert_int_equal(set.queue, LINE_CONSERVATIVE);
    over.mask =
        OFFERING_TAINTS | OFFERING_NIC | OFFERING_DEVICE_HOUR | OFFERING_QUEUE;
    offering_set_merge(&set, &over);
    assert_int_equal(set.queue, LINE_EASY);
    assert_int_equal(set.taint_count, 0);
    assert_int_equal(set.total.nic_kbit, 7);
    assert_string_equal(set.device_hour, "");
}

static void a_record_has_one_spelling(void **state)
{
    struct offering_set set = make();
    struct offering_set back;
    struct arena arena;
    struct buf first;
    struct buf again;
    (void)state;
    buf_init(&first, 8192);
    buf_init(&again, 8192);
    arena_init(&arena, 65536);
    offering_set_encode(&set, &first);
    assert_int_equal(offering_set_decode(buf_bytes(&first), &arena, &back), OK);
    assert_memory_equal(&back.payout, &set.payout, sizeof(set.payout));
    assert_int_equal(back.queue, LINE_CONSERVATIVE);
    offering_set_encode(&back, &again);
    assert_true(bytes_equal(buf_bytes(&first), buf_bytes(&again)));
    for (size_t len = 0; len < first.len; len++)
        assert_int_not_equal(
            offering_set_decode(bytes_make(first.ptr, len), &arena, &back), OK);
    arena_done(&arena);
    buf_done(&first);
    buf_done(&again);
}

static void labels_are_read_as_people_write_them(void **state)
{
    struct label labels[LIMIT_LABELS];
    uint32_t count = 99;
    (void)state;
    assert_int_equal(
        offering_labels_parse(" zone=eu , disk=nvme,", labels, &count), OK);
    assert_int_equal(count, 2);
    assert_string_equal(labels[1].key, "disk");
    assert_string_equal(labels[1].value, "nvme");
    assert_int_equal(offering_labels_parse("", labels, &count), OK);
    assert_int_equal(count, 0);
    count = 5;
    assert_int_equal(offering_labels_parse("zone!=eu", labels, &count),
                     ERR_PARSE);
    assert_int_equal(offering_labels_parse("zone", labels, &count), ERR_PARSE);
    assert_int_equal(offering_labels_parse("a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1,"
                                           "a=1,a=1,a=1,a=1,a=1,a=1,a=1,a=1",
                                           labels, &count),
                     ERR_TOO_LARGE);
    assert_int_equal(count, 5);
}

/* ---- from the configuration ---- */

static struct node node;

static void configure(const char *name, const char *value)
{
    memset(&node, 0, sizeof(node));
    node.sensed = machine;
    node.prefix = ADDRESS_PREFIX_TEST;
    snprintf(node.name, sizeof(node.name), "host");
    assert_int_equal(config_init(&node.config), OK);
    if (name != NULL)
        assert_int_equal(config_set(&node.config, name, value), OK);
}

static void zero_means_a_fair_part_of_what_was_found(void **state)
{
    struct offering_set set;
    struct offering_terms terms;
    struct accel accel;
    (void)state;
    configure(NULL, NULL);
    assert_int_equal(offering_from_config(&node, &set, &terms, &accel), OK);
    assert_int_equal(set.total.cpu_milli, 4000);
    assert_int_equal(set.total.mem_mib, 4000);
    assert_int_equal(set.total.disk_mib, 10000);
    assert_int_equal(set.price.cpu_hour.micro, 50000);
    assert_string_equal(set.name, "host");
    assert_int_equal(terms.ttl_ms, 60000);
    config_done(&node.config);
}

static void bad_config(const char *name, const char *value)
{
    struct offering_set set = {.slots = 77};
    struct offering_terms terms;
    struct accel accel;
    configure(name, value);
    assert_int_equal(offering_from_config(&node, &set, &terms, &accel),
                     ERR_CONFIG);
    assert_true(node.config.error[0] != '\0');
    assert_int_equal(set.slots, 77);
    config_done(&node.config);
}

static void a_configuration_that_cannot_be_sold_is_told_by_name(void **state)
{
    (void)state;
    bad_config("sell.cpus", "4.5");
    bad_config("sell.mem_mib", "9000");
    bad_config("sell.slots", "0");
    bad_config("sell.labels", "just words");
    assert_non_null(strstr(node.config.error, "sell.labels"));
    bad_config("sell.payout", "tsuan1nonsense");
    assert_non_null(strstr(node.config.error, "sell.payout"));
    bad_config("sell.devices", "gpu=/dev/not-there");
    assert_non_null(strstr(node.config.error, "sell.devices"));
    assert_non_null(strstr(node.config.error, "/dev/not-there"));
    bad_config("sell.devices", "fpga=/dev/full"); /* for how much? */
    assert_non_null(strstr(node.config.error, "sell.device_hour"));
    bad_config("sell.taints", "a!=b");
    bad_config("sell.nic_mbit", "1000000001");
    bad_config("sell.offer_ttl_s", "2");
    bad_config("sell.offer_ttl_s", "601");
    bad_config("sell.receipt_s", "0");
    bad_config("sell.time_max_s", "0");
}

static void devices_taints_and_bandwidth_come_from_the_configuration(
    void **state)
{
    struct offering_set set;
    struct offering_terms terms;
    struct accel accel;
    (void)state;
    configure("sell.devices", "fpga:board@1G=/dev/full");
    assert_int_equal(config_set(&node.config, "sell.device_hour", "0.25"), OK);
    assert_int_equal(config_set(&node.config, "sell.taints", "gpu=only"), OK);
    assert_int_equal(config_set(&node.config, "sell.nic_mbit", "100"), OK);
    assert_int_equal(offering_from_config(&node, &set, &terms, &accel), OK);
    assert_int_equal(accel.devices.groups[0].mem_mib, 1024);
    assert_string_equal(accel.paths[0], "/dev/full");
    assert_string_equal(set.device_hour, "0.25");
    assert_int_equal(set.taint_count, 1);
    assert_int_equal(set.total.nic_kbit, 100000);
    config_done(&node.config);
}

static void half_a_core_can_be_sold(void **state)
{
    struct offering_set set;
    struct offering_terms terms;
    struct accel accel;
    (void)state;
    configure("sell.cpus", "0.5");
    assert_int_equal(offering_from_config(&node, &set, &terms, &accel), OK);
    assert_int_equal(set.total.cpu_milli, 500);
    config_done(&node.config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_the_machine_has),
        cmocka_unit_test(refuses_what_the_machine_does_not_have),
        cmocka_unit_test(refuses_terms_nobody_could_use),
        cmocka_unit_test(refuses_labels_that_are_not_its_own_to_give),
        cmocka_unit_test(only_the_named_fields_change),
        cmocka_unit_test(a_record_has_one_spelling),
        cmocka_unit_test(labels_are_read_as_people_write_them),
        cmocka_unit_test(zero_means_a_fair_part_of_what_was_found),
        cmocka_unit_test(a_configuration_that_cannot_be_sold_is_told_by_name),
        cmocka_unit_test(
            devices_taints_and_bandwidth_come_from_the_configuration),
        cmocka_unit_test(half_a_core_can_be_sold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
