/* sheet: what a damaged one says. What a whole one says is in test_store.c and
 * fuzz_sheet.c. */

#include "fixture.h"

#include "ledger/disk/sheet.h"

#define STARTS (SHEET_TABLES * SHEET_SLICES + 1)
#define HEAD   (4 * (STARTS + 1))

struct paper {
    struct buf buf;
    struct sheet sheet;
};

/* Two rows of one table, in slices 1 and 15, one deleted in another. */
static void paper_open(struct paper *p)
{
    struct store_op ops[] = {
        {.table = STORE_TX, .key = BYTES_LIT("\xf0z"), .value = BYTES_LIT("2")},
        {.table = STORE_ACCOUNT_TX, .key = BYTES_LIT("q"), .is_delete = true},
        {.table = STORE_TX, .key = BYTES_LIT("\x10"), .value = BYTES_LIT("1")},
    };
    buf_init(&p->buf, 4096);
    sheet_encode(ops, 3, &p->buf);
    assert_int_equal(p->buf.err, OK);
    assert_int_equal(sheet_open(buf_bytes(&p->buf), &p->sheet), OK);
    assert_int_equal(p->sheet.count, 3);
}

static void rows_lie_in_the_order_of_tables_and_keys(void **state)
{
    struct paper p;
    struct store_op op;
    uint32_t from;
    uint32_t to;
    (void)state;
    paper_open(&p);
    assert_int_equal(sheet_at(&p.sheet, 0, &op), OK);
    assert_true(bytes_equal(op.value, BYTES_LIT("1")));
    assert_int_equal(sheet_at(&p.sheet, 2, &op), OK);
    assert_true(op.is_delete && op.table == STORE_ACCOUNT_TX);
    assert_int_equal(sheet_deletes(&p.sheet), 1);
    sheet_range(&p.sheet, STORE_TX, 15, &from, &to);
    assert_int_equal(from, 1);
    assert_int_equal(to, 2);
    sheet_range(&p.sheet, STORE_SUBJECT_TX, 0, &from, &to);
    assert_int_equal(from, to);
    assert_int_equal(sheet_seek(&p.sheet, STORE_TX, BYTES_LIT("\x11"), &from),
                     OK);
    assert_int_equal(from, 1);
    assert_int_equal(
        sheet_seek(&p.sheet, STORE_ACCOUNT_TX, bytes_make(NULL, 0), &from), OK);
    assert_int_equal(from, 2);
    buf_done(&p.buf);
}

static enum err with_u32(const struct paper *p, size_t at, uint32_t value)
{
    uint8_t raw[1024];
    struct sheet sheet;
    struct store_op op;
    assert_true(p->buf.len <= sizeof(raw));
    memcpy(raw, p->buf.ptr, p->buf.len);
    u32le_put(raw + at, value);
    TRY(sheet_open(bytes_make(raw, p->buf.len), &sheet));
    for (uint32_t i = 0; i < sheet.count; i++)
        TRY(sheet_at(&sheet, i, &op));
    return OK;
}

static void a_damaged_sheet_is_called_corrupt(void **state)
{
    struct paper p;
    struct sheet sheet;
    (void)state;
    paper_open(&p);
    assert_int_equal(with_u32(&p, HEAD, 0), OK); /* as it was */
    assert_int_equal(with_u32(&p, 0, 1), ERR_CORRUPT);
    assert_int_equal(with_u32(&p, 4, 9), ERR_CORRUPT);
    assert_int_equal(with_u32(&p, 4 * (STARTS - 1), UINT32_MAX), ERR_CORRUPT);
    assert_int_equal(with_u32(&p, 4 * STARTS, 4), ERR_CORRUPT); /* deletes */
    assert_int_equal(with_u32(&p, HEAD, UINT32_MAX), ERR_CORRUPT);
    assert_int_equal(with_u32(&p, HEAD + 8, (uint32_t)p.buf.len), ERR_CORRUPT);
    size_t first = HEAD + 12;
    assert_int_equal(with_u32(&p, first, STORE_BLOCK | 1u << 16), ERR_CORRUPT);
    assert_int_equal(with_u32(&p, first, STORE_TX | 0u << 16), ERR_CORRUPT);
    assert_int_equal(with_u32(&p, first, STORE_TX | 2u << 8 | 1u << 16),
                     ERR_CORRUPT);
    assert_int_equal(with_u32(&p, first + 4, UINT32_MAX), ERR_CORRUPT);
    for (size_t len = 0; len < HEAD + 12; len++)
        assert_int_equal(sheet_open(bytes_make(p.buf.ptr, len), &sheet),
                         ERR_CORRUPT);
    buf_done(&p.buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_lie_in_the_order_of_tables_and_keys),
        cmocka_unit_test(a_damaged_sheet_is_called_corrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
