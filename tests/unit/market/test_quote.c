/* A quote is the bill before the work. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/market/world.h"

static enum err check(const struct quote *quote, const struct request *request)
{
    struct hash id = request_id_of(request);
    return quote_check(quote, request, &id);
}

static void a_quote_is_priced_by_the_formulas(void **state)
{
    struct request request = sample_request();
    struct quote quote = sample_quote(&request);
    (void)state;
    assert_int_equal(quote.hour.micro, 40000 + 3000 + 50);
    assert_int_equal(quote.cap.micro, quote.hour.micro);
    request.time_ms_max = 1800001;
    quote = sample_quote(&request);
    assert_int_equal(quote.cap.micro, 21526); /* 21525.01, rounded up */
}

static void a_price_that_overflows_leaves_the_quote_alone(void **state)
{
    struct request request = sample_request();
    struct quote quote = sample_quote(&request);
    struct quote was = quote;
    struct price price = {{UINT64_MAX}, {0}, {0}};
    (void)state;
    assert_int_equal(quote_price(&request, &price, &quote), ERR_OVERFLOW);
    price.cpu_hour = amount_micro(UINT64_MAX / 2);
    request.time_ms_max = 3600002;
    assert_int_equal(quote_price(&request, &price, &quote), ERR_OVERFLOW);
    assert_memory_equal(&quote.price, &was.price, sizeof(was.price));
    assert_int_equal(quote.hour.micro, was.hour.micro);
    assert_int_equal(quote.cap.micro, was.cap.micro);
    /* And a quote that states such a price does not keep to any request. */
    quote.price = price;
    assert_int_equal(check(&quote, &request), ERR_TERMS);
}

static void a_quote_keeps_to_its_request(void **state)
{
    struct request request = sample_request();
    struct quote good = sample_quote(&request);
    struct quote bad = good;
    (void)state;
    assert_int_equal(check(&good, &request), OK);
    bad.request.b[0] ^= 1;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.task = request.tasks;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad.task = request.tasks - 1;
    assert_int_equal(check(&bad, &request), OK);
    bad = good;
    bad.attempt = request.attempts_max;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.hour.micro++;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.cap.micro++;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.price.disk_hour.micro += 2;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
}

/* Two halves of a card at 700 the hour of a whole one. */
static struct quote quote_of_devices(struct request *request)
{
    struct quote quote = sample_quote(request);
    struct price price = quote.price;
    assert_int_equal(
        device_wish_parse("gpu:a100|h100:2x0.5", &request->devices), OK);
    request->devices.mem_mib = 40;
    request->price_max = amount_micro(0);
    quote.request = request_id_of(request);
    memcpy(quote.device.model, "a100", 5);
    quote.device.mem_mib = 40;
    quote.device.hour = amount_micro(700);
    assert_int_equal(quote_price(request, &price, &quote), OK);
    return quote;
}

static void devices_are_in_the_price_and_as_wished(void **state)
{
    struct request request = sample_request();
    struct quote good = quote_of_devices(&request);
    struct quote bad = good;
    (void)state;
    assert_int_equal(good.hour.micro, SAMPLE_HOUR + 700);
    assert_int_equal(good.cap.micro, SAMPLE_HOUR + 700);
    assert_int_equal(check(&good, &request), OK);
    bad.device.hour.micro++; /* 701 is dearer than the hour says */
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    memcpy(bad.device.model, "t4", 3);
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.device.model[0] = '\0'; /* not stated is not one of the wished */
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.device.mem_mib = 39;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    memset(bad.device.model, 'a', sizeof(bad.device.model));
    assert_int_equal(check(&bad, &request), ERR_TERMS);
}

static void devices_that_nobody_wished_are_no_terms(void **state)
{
    struct request request = sample_request();
    struct quote good = sample_quote(&request);
    struct quote bad = good;
    (void)state;
    bad.device.hour = amount_micro(1);
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.device.mem_mib = 1;
    assert_int_equal(check(&bad, &request), ERR_TERMS);
    bad = good;
    bad.device.model[0] = 'a';
    assert_int_equal(check(&bad, &request), ERR_TERMS);
}

static void a_share_of_a_device_is_rounded_up(void **state)
{
    struct request request = sample_request();
    struct quote quote = quote_of_devices(&request);
    struct price price = quote.price;
    (void)state;
    request.devices.count = 1;
    request.devices.milli = 1;
    quote.device.hour = amount_micro(1);
    assert_int_equal(quote_price(&request, &price, &quote), OK);
    assert_int_equal(quote.hour.micro, SAMPLE_HOUR + 1);
    quote.device.hour = amount_micro(UINT64_MAX);
    request.devices.count = 16;
    request.devices.milli = 1000;
    assert_int_equal(quote_price(&request, &price, &quote), ERR_OVERFLOW);
}

static void a_request_for_one_seller_takes_no_other(void **state)
{
    struct request request = sample_request();
    struct quote quote;
    (void)state;
    request.only_seller = world_pubkey(PROVIDER);
    quote = sample_quote(&request);
    assert_int_equal(check(&quote, &request), OK);
    quote.provider = world_pubkey(OTHER);
    assert_int_equal(check(&quote, &request), ERR_TERMS);
}

static void the_price_cap_counts_after_the_terms_and_only_if_stated(
    void **state)
{
    struct request request = sample_request();
    struct quote quote;
    (void)state;
    request.price_max = amount_micro(SAMPLE_HOUR);
    quote = sample_quote(&request);
    assert_int_equal(check(&quote, &request), OK);
    request.price_max = amount_micro(SAMPLE_HOUR - 1);
    quote = sample_quote(&request);
    assert_int_equal(check(&quote, &request), ERR_PRICE);
    quote.task = request.tasks;
    assert_int_equal(check(&quote, &request), ERR_TERMS);
    request.price_max = amount_micro(0);
    quote = sample_quote(&request);
    assert_int_equal(check(&quote, &request), OK);
}

static void times_leave_room_to_start_run_and_publish(void **state)
{
    struct request request = sample_request();
    struct quote q = sample_quote(&request);
    const uint64_t expiry = q.expires_at_ms;
    (void)state;
    q.start_by_ms = expiry;
    q.deadline_ms = q.start_by_ms + request.time_ms_max;
    assert_int_equal(check(&q, &request), OK);
    q.deadline_ms--;
    assert_int_equal(check(&q, &request), ERR_TERMS);
    q.deadline_ms += 1 + QUOTE_PUBLISH_MS_MAX;
    assert_int_equal(check(&q, &request), OK);
    q.deadline_ms++;
    assert_int_equal(check(&q, &request), ERR_TERMS);
    q.start_by_ms = expiry - 1;
    assert_int_equal(check(&q, &request), ERR_TERMS);
    q.start_by_ms = expiry + QUOTE_START_MS_MAX;
    q.deadline_ms = q.start_by_ms + request.time_ms_max;
    assert_int_equal(check(&q, &request), OK);
    q.start_by_ms++;
    q.deadline_ms++;
    assert_int_equal(check(&q, &request), ERR_TERMS);
}

static void who_is_patient_may_be_queued_for_as_long(void **state)
{
    struct request request = sample_request();
    struct quote q = sample_quote(&request);
    (void)state;
    q.start_by_ms = q.expires_at_ms + 1800000 + QUOTE_START_MS_MAX;
    q.deadline_ms = q.start_by_ms + request.time_ms_max;
    assert_int_equal(check(&q, &request), ERR_TERMS);
    request.patience_ms = 1800000 - 1;
    q.request = request_id_of(&request);
    assert_int_equal(check(&q, &request), ERR_TERMS);
    request.patience_ms = 1800000;
    q.request = request_id_of(&request);
    assert_int_equal(check(&q, &request), OK);
    request.patience_ms = UINT64_MAX; /* not of a request that was decoded */
    q.request = request_id_of(&request);
    assert_int_equal(check(&q, &request), ERR_TERMS);
}

static void a_quote_is_good_no_longer_than_its_request(void **state)
{
    struct request request = sample_request();
    struct quote q = sample_quote(&request);
    (void)state;
    q.expires_at_ms = request.expires_at_ms;
    q.start_by_ms = q.expires_at_ms;
    q.deadline_ms = q.start_by_ms + request.time_ms_max;
    assert_int_equal(check(&q, &request), OK);
    q.expires_at_ms++;
    q.start_by_ms++;
    q.deadline_ms++;
    assert_int_equal(check(&q, &request), ERR_TERMS);
}

static void times_at_the_end_of_time_do_not_wrap(void **state)
{
    struct request request = sample_request();
    struct quote q = sample_quote(&request);
    (void)state;
    request.expires_at_ms = UINT64_MAX;
    q.request = request_id_of(&request);
    q.expires_at_ms = UINT64_MAX;
    q.start_by_ms = UINT64_MAX;
    q.deadline_ms = 3599999;
    assert_int_equal(check(&q, &request), ERR_TERMS);
    q.deadline_ms = UINT64_MAX;
    assert_int_equal(check(&q, &request), ERR_TERMS);
    q.expires_at_ms = UINT64_MAX - request.time_ms_max;
    q.start_by_ms = q.expires_at_ms;
    assert_int_equal(check(&q, &request), OK);
}

static void a_quote_is_verified_by_its_provider(void **state)
{
    struct hash chain = world_chain();
    struct hash other = world_hash(0x12);
    struct request request = sample_request();
    struct quote quote = sample_quote(&request);
    (void)state;
    memset(&quote.provider, 0, sizeof(quote.provider));
    assert_int_equal(quote_sign(&quote, &chain, world_signer(PROVIDER)), OK);
    assert_int_equal(quote_verify(&quote, &chain), OK);
    assert_int_equal(quote_verify(&quote, &other), ERR_SIGNATURE);
    quote.retention_ms++;
    assert_int_equal(quote_verify(&quote, &chain), ERR_SIGNATURE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quote_is_priced_by_the_formulas),
        cmocka_unit_test(a_price_that_overflows_leaves_the_quote_alone),
        cmocka_unit_test(a_quote_keeps_to_its_request),
        cmocka_unit_test(devices_are_in_the_price_and_as_wished),
        cmocka_unit_test(devices_that_nobody_wished_are_no_terms),
        cmocka_unit_test(a_share_of_a_device_is_rounded_up),
        cmocka_unit_test(a_request_for_one_seller_takes_no_other),
        cmocka_unit_test(
            the_price_cap_counts_after_the_terms_and_only_if_stated),
        cmocka_unit_test(times_leave_room_to_start_run_and_publish),
        cmocka_unit_test(who_is_patient_may_be_queued_for_as_long),
        cmocka_unit_test(a_quote_is_good_no_longer_than_its_request),
        cmocka_unit_test(times_at_the_end_of_time_do_not_wrap),
        cmocka_unit_test(a_quote_is_verified_by_its_provider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
