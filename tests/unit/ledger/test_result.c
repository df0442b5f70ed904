#include "fixture.h"

#include "golden.h"
#include "ledger/result.h"

/* The result of the golden transfer. */
static void make(struct result *out)
{
    struct buf id;
    struct test_key bob;
    memset(out, 0, sizeof(*out));
    golden("tx-id", &id);
    memcpy(out->tx.b, id.ptr, HASH_LEN);
    buf_done(&id);
    test_key_init(&bob, 1);
    out->fee = amount_micro(10000);
    out->effect.moved = amount_micro(500);
    out->effect.accounts[0] = bob.signer.key;
    out->effect.account_count = 1;
}

static void result_bytes_are_the_golden_ones(void **state)
{
    struct result result;
    struct result again;
    struct cursor cursor;
    struct buf buf;
    (void)state;
    make(&result);
    buf_init(&buf, RESULT_BYTES_MAX);
    result_encode(&result, &buf);
    assert_golden("result", buf_bytes(&buf));
    cursor_init(&cursor, buf_bytes(&buf));
    result_decode(&cursor, &again);
    assert_int_equal(cursor_finish(&cursor), OK);
    assert_memory_equal(&again, &result, sizeof(result));
    buf_done(&buf);
}

static void result_decode_refuses_what_no_block_holds(void **state)
{
    struct result result;
    struct cursor cursor;
    struct buf buf;
    (void)state;
    make(&result);
    buf_init(&buf, RESULT_BYTES_MAX);
    result_encode(&result, &buf);
    for (size_t len = 0; len < buf.len; len++) {
        cursor_init(&cursor, bytes_make(buf.ptr, len));
        result_decode(&cursor, &result);
        assert_int_equal(cursor.err, ERR_TRUNCATED);
    }
    buf.ptr[32] = 1; /* a refused transaction */
    cursor_init(&cursor, buf_bytes(&buf));
    result_decode(&cursor, &result);
    assert_int_equal(cursor.err, ERR_RANGE);
    buf.ptr[32] = 0;
    buf.ptr[88] = 4; /* accounts */
    cursor_init(&cursor, buf_bytes(&buf));
    result_decode(&cursor, &result);
    assert_int_equal(cursor.err, ERR_RANGE);
    buf_done(&buf);
}

static void every_field_of_a_result_enters_its_hash(void **state)
{
    struct result result;
    struct hash want;
    struct hash got;
    (void)state;
    make(&result);
    result_hash(&result, &want);
    for (size_t i = 0; i < 6; i++) {
        make(&result);
        switch (i) {
        case 0:
            result.tx.b[0] ^= 1;
            break;
        case 1:
            result.fee = amount_micro(9999);
            break;
        case 2:
            result.effect.subject.b[0] = 1;
            break;
        case 3:
            result.effect.code = 1;
            break;
        case 4:
            result.effect.moved = amount_micro(501);
            break;
        default:
            result.effect.account_count = 2;
        }
        result_hash(&result, &got);
        assert_false(hash_equal(&got, &want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(result_bytes_are_the_golden_ones),
        cmocka_unit_test(result_decode_refuses_what_no_block_holds),
        cmocka_unit_test(every_field_of_a_result_enters_its_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
