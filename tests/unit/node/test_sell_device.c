/* The seller's devices: which one a hold gets, what is left of each, and that
 * it stays so over a kill, a new configuration and the end of the job. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

/* Two cards at 900 000 an hour, a board at 100 000. */
static void sell_devices(struct shop *shop)
{
    struct sell_config *config = &shop->config;
    config->devices = (struct devices){
        .group_count = 2,
        .groups = {{.kind = DEVICE_GPU,
                    .model = "a100",
                    .count = 2,
                    .mem_mib = 40960,
                    .hour = {900000}},
                   {.kind = DEVICE_FPGA, .count = 1, .hour = {100000}}},
    };
    snprintf(config->device_names[0], LIMIT_NAME, "/dev/gpu0");
    snprintf(config->device_names[1], LIMIT_NAME, "/dev/gpu1");
    snprintf(config->device_names[2], LIMIT_NAME, "/dev/fpga0");
    config->slots = 10;
    config->total = (struct resources){10000, 10000, 10000, 0};
    sell_configure(shop->sell, config);
}

static void want(struct shop *shop, const char *devices)
{
    struct buf bytes;
    assert_int_equal(device_wish_parse(devices, &shop->request.devices), OK);
    shop->spec.devices = shop->request.devices;
    rig_spec_bytes(&shop->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &shop->request.spec);
    buf_done(&bytes);
}

static uint32_t free_milli(const struct shop *shop, uint32_t device)
{
    struct sell_capacity capacity;
    sell_capacity(shop->sell, &capacity);
    return capacity.devices.free_milli[device];
}

static const struct trade_effect *started(const struct shop *shop)
{
    return rig_need(&shop->fx, EFFECT_EXEC_START);
}

static void the_quote_names_the_device_and_its_price_has_it_in(void **state)
{
    struct shop *shop = *state;
    struct hash id;
    sell_devices(shop);
    want(shop, "gpu:a100|h100:0.5");
    to_held(shop);
    id = rig_request_id(&shop->request);
    assert_string_equal(shop->quote.device.model, "a100");
    assert_int_equal(shop->quote.device.mem_mib, 40960);
    assert_int_equal(quote_check(&shop->quote, &shop->request, &id), OK);
    assert_true(shop->quote.hour.micro > 450000);
    assert_int_equal(free_milli(shop, 0), 500);
    assert_int_equal(free_milli(shop, 1), 1000);
}

static void a_share_goes_where_least_is_left_so_that_cards_stay_whole(
    void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "gpu:0.5");
    ask_hold(shop, RIG_AGENT, 0, 0);
    ask_hold(shop, RIG_AGENT, 1, 0);
    assert_int_equal(free_milli(shop, 0), 0);
    assert_int_equal(free_milli(shop, 1), 1000);
    ask_hold(shop, RIG_AGENT, 2, 0);
    assert_int_equal(free_milli(shop, 1), 500);
}

static void no_device_is_promised_more_than_once(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "gpu:a100:0.6");
    ask_hold(shop, RIG_AGENT, 0, 0);
    ask_hold(shop, RIG_AGENT, 1, 0);
    assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
    ask_hold(shop, RIG_AGENT, 2, 0); /* 0.8 is free, in two pieces */
    refused_with(shop, ERR_CAPACITY);
    want(shop, "gpu:a100:2x0.4");
    ask_hold(shop, RIG_AGENT, 3, 0);
    assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
    assert_int_equal(free_milli(shop, 0), 0);
    assert_int_equal(free_milli(shop, 1), 0);
}

static void what_is_not_there_is_not_promised(void **state)
{
    static const char *const wishes[] = {"gpu:h100:1", "npu", "gpu:3",
                                         "fpga:2"};
    struct shop *shop = *state;
    sell_devices(shop);
    for (size_t i = 0; i < 4; i++) {
        want(shop, wishes[i]);
        ask_hold(shop, RIG_AGENT, 0, 0);
        refused_with(shop, ERR_CAPACITY);
    }
    want(shop, "gpu");
    shop->request.devices.mem_mib = 40961;
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_CAPACITY);
    assert_true(empty(shop));
}

static void the_job_starts_with_what_it_was_assigned(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "fpga");
    to_starting(shop);
    assert_int_equal(started(shop)->devices, 4);
    assert_string_equal(view_of(shop).devices[0], "/dev/fpga0");
}

/* A spec that asks for something else is not what was agreed. */
static void a_spec_with_other_devices_is_not_run(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "fpga");
    shop->spec.devices = (struct device_wish){0};
    struct buf bytes;
    rig_spec_bytes(&shop->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &shop->request.spec);
    buf_done(&bytes);
    to_waiting(shop);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    assert_null(rig_find(&shop->fx, EFFECT_FETCH));
}

static void a_device_is_free_again_when_its_job_has_ended(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "gpu");
    to_publishing(shop);
    assert_int_equal(free_milli(shop, 0), 0);
    collected(shop, OK);
    assert_int_equal(free_milli(shop, 0), 1000);
}

static void a_device_is_free_again_when_the_hold_lapses(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "gpu:2");
    to_held(shop);
    assert_int_equal(free_milli(shop, 1), 0);
    at(shop, shop->quote.expires_at_ms + SELL_HOLD_MARGIN_MS);
    assert_true(empty(shop));
    assert_int_equal(free_milli(shop, 1), 1000);
}

static void what_runs_keeps_its_device_over_a_kill(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "gpu");
    to_running(shop);
    restart(shop);
    at(shop, shop->now_ms + 1);
    assert_int_equal(free_milli(shop, 0), 0);
    assert_int_equal(free_milli(shop, 1), 1000);
    assert_string_equal(view_of(shop).devices[0], "/dev/gpu0");
}

/* The owner puts a card in front: numbers change, names do not. */
static void a_device_keeps_its_job_when_its_number_changes(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "fpga");
    to_staging(shop);
    shop->config.devices.groups[0].count = 1; /* and one card goes */
    snprintf(shop->config.device_names[1], LIMIT_NAME, "/dev/fpga0");
    snprintf(shop->config.device_names[2], LIMIT_NAME, "%s", "");
    restart(shop);
    at(shop, shop->now_ms + 1);
    assert_int_equal(free_milli(shop, 0), 1000);
    assert_int_equal(free_milli(shop, 1), 0);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
    assert_int_equal(started(shop)->devices, 2);
}

static void a_job_whose_device_is_gone_is_given_back(void **state)
{
    struct shop *shop = *state;
    sell_devices(shop);
    want(shop, "fpga");
    to_staging(shop);
    shop->config.devices.group_count = 1;
    snprintf(shop->config.device_names[2], LIMIT_NAME, "%s", "");
    restart(shop);
    at(shop, shop->now_ms + 1);
    fetched(shop, &shop->spec.image, OK);
    fetched(shop, &shop->spec.inputs, OK);
    assert_int_equal(refusal_reason(shop), END_EXECUTOR_FAILED);
    assert_null(rig_find(&shop->fx, EFFECT_EXEC_START));
}

static void who_does_not_tolerate_the_taint_is_not_served(void **state)
{
    struct shop *shop = *state;
    shop->config.taint_count = 1;
    shop->config.taints[0] = (struct taint){{"gpu", "only"}, TAINT_REFUSE};
    sell_configure(shop->sell, &shop->config);
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_TERMS);
    shop->request.toleration_count = 1;
    shop->request.tolerations[0] =
        (struct constraint){"gpu", CONSTRAINT_EXISTS, ""};
    ask_hold(shop, RIG_AGENT, 0, 0);
    assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
}

static void work_bound_to_other_zones_is_not_taken(void **state)
{
    struct shop *shop = *state;
    shop->request.zone_count = 1;
    snprintf(shop->request.zones[0], LIMIT_NAME, "eu");
    ask_hold(shop, RIG_AGENT, 0, 0);
    refused_with(shop, ERR_TERMS);
    shop->config.label_count = 1;
    shop->config.labels[0] = (struct label){"zone", "eu/north"};
    sell_configure(shop->sell, &shop->config);
    ask_hold(shop, RIG_AGENT, 0, 0);
    assert_non_null(rig_sent(&shop->fx, WIRE_QUOTE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_quote_names_the_device_and_its_price_has_it_in),
        T(a_share_goes_where_least_is_left_so_that_cards_stay_whole),
        T(no_device_is_promised_more_than_once),
        T(what_is_not_there_is_not_promised),
        T(the_job_starts_with_what_it_was_assigned),
        T(a_spec_with_other_devices_is_not_run),
        T(a_device_is_free_again_when_its_job_has_ended),
        T(a_device_is_free_again_when_the_hold_lapses),
        T(what_runs_keeps_its_device_over_a_kill),
        T(a_device_keeps_its_job_when_its_number_changes),
        T(a_job_whose_device_is_gone_is_given_back),
        T(who_does_not_tolerate_the_taint_is_not_served),
        T(work_bound_to_other_zones_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
