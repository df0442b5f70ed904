/* links: ledger */

/* A sheet of the store: any bytes are refused or read within their bounds; and
 * what is written on one is found again. */

#include "base/check.h"
#include "ledger/disk/sheet.h"

#define OPS_MAX 200u

/* Whatever is on it: nothing outside is read. */
static void look_through(const struct sheet *sheet)
{
    struct store_op op;
    uint32_t at;
    for (uint32_t i = 0; i < sheet->count; i++) {
        if (sheet_at(sheet, i, &op) != OK)
            continue;
        CHECK(op.key.len > 0 && sheet_keeps(op.table));
        CHECK(sheet_slice(op.key) < SHEET_SLICES);
        if (sheet_seek(sheet, op.table, op.key, &at) == OK)
            CHECK(at <= sheet->count);
    }
    for (unsigned slice = 0; slice < SHEET_SLICES; slice++) {
        uint32_t to;
        sheet_range(sheet, STORE_ACCOUNT_TX, slice, &at, &to);
        CHECK(at <= to && to <= sheet->count);
    }
}

static void any_bytes(struct bytes bytes)
{
    struct sheet sheet;
    if (sheet_open(bytes, &sheet) == OK)
        look_through(&sheet);
}

/* Changes as the bytes say: what u8, one of three tables and whether it is a
 * delete | key_len u8 | key | value_len u8 | value. */
static size_t changes_of(struct bytes bytes, struct store_op ops[OPS_MAX])
{
    static const enum store_table tables[] = {STORE_TX, STORE_ACCOUNT_TX,
                                              STORE_SUBJECT_TX};
    struct cursor cursor;
    size_t count = 0;
    cursor_init(&cursor, bytes);
    while (count < OPS_MAX && cursor.rest.len > 0 && cursor.err == OK) {
        struct store_op op = {0};
        uint8_t what = cursor_u8(&cursor);
        op.table = tables[what % 3];
        op.is_delete = what >= 128;
        op.key = cursor_take(&cursor, 1u + cursor_u8(&cursor) % 40u);
        if (!op.is_delete)
            op.value = cursor_take(&cursor, cursor_u8(&cursor));
        if (cursor.err == OK)
            ops[count++] = op;
    }
    return count;
}

static bool same_place(const struct store_op *a, const struct store_op *b)
{
    return a->table == b->table && bytes_equal(a->key, b->key);
}

/* The last change of each key is what is found. */
static void changes(struct bytes bytes)
{
    static struct store_op made[OPS_MAX];
    static struct store_op ops[OPS_MAX];
    struct sheet sheet;
    struct buf buf;
    size_t count = changes_of(bytes, made);
    for (size_t i = 0; i < count; i++)
        ops[i] = made[i];
    buf_init(&buf, 1u << 20);
    sheet_encode(ops, count, &buf);
    CHECK(buf.err == OK && sheet_open(buf_bytes(&buf), &sheet) == OK);
    look_through(&sheet);
    for (size_t i = 0; i < count; i++) {
        struct store_op found;
        uint32_t at;
        size_t last = i;
        for (size_t k = i + 1; k < count; k++)
            last = same_place(&made[k], &made[i]) ? k : last;
        CHECK(sheet_seek(&sheet, made[i].table, made[i].key, &at) == OK);
        CHECK(at < sheet.count && sheet_at(&sheet, at, &found) == OK);
        CHECK(same_place(&found, &made[i]));
        CHECK(found.is_delete == made[last].is_delete &&
              bytes_equal(found.value, made[last].value));
    }
    buf_done(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    any_bytes(bytes_make(data, size));
    changes(bytes_make(data, size));
    return 0;
}
