/* A receipt says how much was used so far. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/market/world.h"

#define CAP   amount_micro(43050)
#define HOUR  amount_micro(SAMPLE_HOUR)
#define LIMIT UINT64_C(3600000)

static struct receipt sample(void)
{
    struct hash id = world_hash(0x51);
    return sample_receipt(&id);
}

static enum err check(const struct receipt *receipt,
                      const struct receipt *since)
{
    return receipt_check(receipt, since, HOUR, CAP, 2000, LIMIT);
}

static void a_receipt_within_what_was_agreed_is_good(void **state)
{
    struct receipt r = sample();
    (void)state;
    assert_int_equal(check(&r, NULL), OK);
    r.wall_ms = 0;
    r.cpu_ms = 0;
    r.due = amount_micro(0);
    assert_int_equal(check(&r, NULL), OK);
    r.wall_ms = LIMIT;
    r.due = CAP;
    assert_int_equal(check(&r, NULL), OK);
}

static void more_than_was_reserved_is_refused(void **state)
{
    struct receipt r = sample();
    (void)state;
    r.wall_ms = LIMIT + 1;
    r.due = CAP;
    assert_int_equal(check(&r, NULL), ERR_RECEIPT_BOUND);
    r = sample();
    r.cpu_ms = 2 * r.wall_ms + 200;
    assert_int_equal(check(&r, NULL), OK);
    r.cpu_ms++;
    assert_int_equal(check(&r, NULL), ERR_RECEIPT_BOUND);
    r = sample();
    r.due.micro--;
    assert_int_equal(check(&r, NULL), ERR_RECEIPT_BOUND);
    r.due.micro += 2;
    assert_int_equal(check(&r, NULL), ERR_RECEIPT_BOUND);
}

static void numbers_only_grow(void **state)
{
    struct receipt since = sample();
    struct receipt r = since;
    (void)state;
    assert_int_equal(check(&r, &since), ERR_RECEIPT_SEQ); /* the same again */
    r.seq++;
    assert_int_equal(check(&r, &since), OK); /* no time has passed */
    r.seq = since.seq - 1;
    assert_int_equal(check(&r, &since), ERR_RECEIPT_SEQ);
    r.seq = since.seq + 5;
    r.wall_ms--;
    assert_int_equal(check(&r, &since), ERR_RECEIPT_SEQ);
    r.wall_ms = since.wall_ms;
    r.cpu_ms--;
    assert_int_equal(check(&r, &since), ERR_RECEIPT_SEQ);
    r.wall_ms = LIMIT + 1; /* the sequence is looked at first */
    assert_int_equal(check(&r, &since), ERR_RECEIPT_SEQ);
}

static void cpu_time_is_bounded_by_cores_and_wall(void **state)
{
    (void)state;
    assert_int_equal(receipt_cpu_ms_max(1000, 0), 100);
    assert_int_equal(receipt_cpu_ms_max(1000, 1000), 1100);
    assert_int_equal(receipt_cpu_ms_max(500, 1001), 501 + 100);
    assert_int_equal(receipt_cpu_ms_max(1, 1), 1 + 100);
    assert_int_equal(receipt_cpu_ms_max(2500, 60000), 150000 + 300);
    assert_int_equal(receipt_cpu_ms_max(0, 60000), 0);
    assert_true(receipt_cpu_ms_max(UINT32_MAX, UINT64_MAX) == UINT64_MAX);
    assert_true(receipt_cpu_ms_max(1000, UINT64_MAX) == UINT64_MAX);
}

static void what_is_due_is_rounded_up_and_never_above_the_cap(void **state)
{
    (void)state;
    assert_int_equal(receipt_due(HOUR, CAP, 0).micro, 0);
    assert_int_equal(receipt_due(HOUR, CAP, 1).micro, 1);
    assert_int_equal(receipt_due(HOUR, CAP, 600000).micro, 7175);
    assert_int_equal(receipt_due(HOUR, CAP, 2 * LIMIT).micro, 43050);
    assert_int_equal(
        receipt_due(amount_micro(UINT64_MAX), CAP, UINT64_MAX).micro, 43050);
}

static void both_sign_the_same_bytes(void **state)
{
    struct hash chain = world_chain();
    struct hash other = world_hash(0x12);
    struct pubkey provider = world_pubkey(PROVIDER);
    struct pubkey agent = world_pubkey(AGENT);
    struct receipt r = sample();
    (void)state;
    receipt_sign_both(&r, false);
    assert_false(receipt_is_cosigned(&r));
    assert_int_equal(receipt_verify(&r, &chain, &provider, NULL), OK);
    assert_int_equal(receipt_verify(&r, &chain, &provider, &agent),
                     ERR_SIGNATURE);
    receipt_sign_both(&r, true);
    assert_true(receipt_is_cosigned(&r));
    assert_int_equal(receipt_verify(&r, &chain, &provider, &agent), OK);
    assert_int_equal(receipt_verify(&r, &other, &provider, NULL),
                     ERR_SIGNATURE);
    assert_int_equal(receipt_verify(&r, &chain, &agent, &provider),
                     ERR_SIGNATURE);
    r.mem_peak_mib++;
    assert_int_equal(receipt_verify(&r, &chain, &provider, &agent),
                     ERR_SIGNATURE);
}

static void a_receipt_has_a_number(void **state)
{
    struct receipt r = sample();
    struct receipt out = {.seq = 77};
    struct arena arena;
    struct buf bytes;
    (void)state;
    r.seq = 0;
    arena_init(&arena, 1u << 16);
    buf_init(&bytes, RECEIPT_BYTES_MAX);
    assert_int_equal(receipt_encode(&r, &bytes), ERR_RANGE);
    assert_int_equal(bytes.len, 0);
    r.seq = 1;
    assert_int_equal(receipt_encode(&r, &bytes), OK);
    /* array head, kind, version, the contract's bin: then seq. */
    assert_int_equal(bytes.ptr[1 + 1 + 1 + 34], 1);
    bytes.ptr[1 + 1 + 1 + 34] = 0;
    assert_int_equal(receipt_decode(buf_bytes(&bytes), &arena, &out),
                     ERR_RANGE);
    assert_int_equal(out.seq, 77);
    buf_done(&bytes);
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_receipt_within_what_was_agreed_is_good),
        cmocka_unit_test(more_than_was_reserved_is_refused),
        cmocka_unit_test(numbers_only_grow),
        cmocka_unit_test(cpu_time_is_bounded_by_cores_and_wall),
        cmocka_unit_test(what_is_due_is_rounded_up_and_never_above_the_cap),
        cmocka_unit_test(both_sign_the_same_bytes),
        cmocka_unit_test(a_receipt_has_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
