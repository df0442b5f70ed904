#include "ledger/disk/sheet.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define RANGES      (SHEET_TABLES * SHEET_SLICES)
#define DELETES_AT  (4u * (RANGES + 1))
#define HEAD_BYTES  (DELETES_AT + 4u)
#define ENTRY_BYTES 8u /* before its key */

static const enum store_table tables[SHEET_TABLES] = {
    STORE_TX, STORE_ACCOUNT_TX, STORE_SUBJECT_TX};

/* A table's place among ours; SHEET_TABLES: it is not one of them. */
static unsigned place_of(enum store_table table)
{
    unsigned i = 0;
    while (i < SHEET_TABLES && tables[i] != table)
        i++;
    return i;
}

bool sheet_keeps(enum store_table table)
{
    return place_of(table) < SHEET_TABLES;
}

unsigned sheet_slice(struct bytes key)
{
    CHECK(key.len > 0);
    return key.ptr[0] * SHEET_SLICES / 256;
}

static unsigned range_of(enum store_table table, struct bytes key)
{
    return place_of(table) * SHEET_SLICES + sheet_slice(key);
}

/* ---- writing ---- */

static int compare_place(const struct store_op *a, const struct store_op *b)
{
    unsigned x = place_of(a->table);
    unsigned y = place_of(b->table);
    return x != y ? (x < y ? -1 : 1) : bytes_compare(a->key, b->key);
}

/* Those with one key in the order they were made: later ones lie behind in the
 * batch that lends them. */
static int compare_ops(const void *left, const void *right)
{
    const struct store_op *a = left;
    const struct store_op *b = right;
    int order = compare_place(a, b);
    if (order != 0 || a->key.ptr == b->key.ptr)
        return order;
    return (uintptr_t)a->key.ptr < (uintptr_t)b->key.ptr ? -1 : 1;
}

/* Sorted, each key once. */
static size_t tidy(struct store_op *ops, size_t count)
{
    size_t kept = 0;
    if (count > 0)
        qsort(ops, count, sizeof(*ops), compare_ops);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && compare_place(&ops[i], &ops[i + 1]) == 0)
            continue;
        ops[kept++] = ops[i];
    }
    return kept;
}

static void add_starts(const struct store_op *ops, size_t count,
                       struct buf *out)
{
    size_t at = 0;
    for (unsigned range = 0; range < RANGES; range++) {
        buf_add_u32le(out, (uint32_t)at);
        while (at < count && range_of(ops[at].table, ops[at].key) == range)
            at++;
    }
    CHECK(at == count);
    buf_add_u32le(out, (uint32_t)count);
}

void sheet_encode(struct store_op *ops, size_t count, struct buf *out)
{
    uint32_t deletes = 0;
    uint32_t offset = 0;
    count = tidy(ops, count);
    CHECK(count <= UINT32_MAX);
    add_starts(ops, count, out);
    for (size_t i = 0; i < count; i++)
        deletes += ops[i].is_delete ? 1 : 0;
    buf_add_u32le(out, deletes);
    for (size_t i = 0; i < count; i++) {
        buf_add_u32le(out, offset);
        offset += ENTRY_BYTES + (uint32_t)(ops[i].key.len + ops[i].value.len);
    }
    for (size_t i = 0; i < count; i++) {
        buf_add_u8(out, (uint8_t)ops[i].table);
        buf_add_u8(out, ops[i].is_delete ? 1 : 0);
        buf_add_u16le(out, (uint16_t)ops[i].key.len);
        buf_add_u32le(out, (uint32_t)ops[i].value.len);
        buf_add(out, ops[i].key);
        buf_add(out, ops[i].value);
    }
}

/* ---- reading ---- */

static uint32_t start_of(const struct sheet *sheet, unsigned range)
{
    return u32le_get(sheet->bytes.ptr + (size_t)4 * range);
}

enum err sheet_open(struct bytes bytes, struct sheet *out)
{
    struct sheet sheet = {.bytes = bytes};
    if (bytes.len < HEAD_BYTES || start_of(&sheet, 0) != 0)
        return ERR_CORRUPT;
    for (unsigned i = 0; i < RANGES; i++) {
        if (start_of(&sheet, i) > start_of(&sheet, i + 1))
            return ERR_CORRUPT;
    }
    sheet.count = start_of(&sheet, RANGES);
    if (sheet.count > (bytes.len - HEAD_BYTES) / 4 ||
        sheet_deletes(&sheet) > sheet.count)
        return ERR_CORRUPT;
    *out = sheet;
    return OK;
}

enum err sheet_at(const struct sheet *sheet, uint32_t i, struct store_op *out)
{
    struct cursor cursor;
    struct store_op op = {0};
    size_t entries = HEAD_BYTES + (size_t)4 * sheet->count;
    CHECK(i < sheet->count);
    size_t at =
        entries + u32le_get(sheet->bytes.ptr + HEAD_BYTES + (size_t)4 * i);
    if (at > sheet->bytes.len)
        return ERR_CORRUPT;
    cursor_init(&cursor,
                bytes_make(sheet->bytes.ptr + at, sheet->bytes.len - at));
    uint8_t table = cursor_u8(&cursor);
    uint8_t deleted = cursor_u8(&cursor);
    size_t key_len = cursor_u16le(&cursor);
    size_t value_len = cursor_u32le(&cursor);
    op.table = (enum store_table)table;
    op.is_delete = deleted == 1;
    op.key = cursor_take(&cursor, key_len);
    op.value = cursor_take(&cursor, value_len);
    if (cursor.err != OK || table >= STORE_TABLES || !sheet_keeps(op.table) ||
        deleted > 1 || key_len == 0 || key_len > STORE_KEY_MAX)
        return ERR_CORRUPT;
    *out = op;
    return OK;
}

enum err sheet_seek(const struct sheet *sheet, enum store_table table,
                    struct bytes key, uint32_t *out)
{
    struct store_op sought = {.table = table, .key = key};
    CHECK(sheet_keeps(table));
    if (key.len == 0) {
        *out = start_of(sheet, place_of(table) * SHEET_SLICES);
        return OK;
    }
    uint32_t low = start_of(sheet, range_of(table, key));
    uint32_t high = start_of(sheet, range_of(table, key) + 1);
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        struct store_op op;
        TRY(sheet_at(sheet, middle, &op));
        if (compare_place(&op, &sought) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *out = low;
    return OK;
}

void sheet_range(const struct sheet *sheet, enum store_table table,
                 unsigned slice, uint32_t *from, uint32_t *to)
{
    unsigned range = place_of(table) * SHEET_SLICES + slice;
    CHECK(sheet_keeps(table) && slice < SHEET_SLICES);
    *from = start_of(sheet, range);
    *to = start_of(sheet, range + 1);
}

uint32_t sheet_deletes(const struct sheet *sheet)
{
    return u32le_get(sheet->bytes.ptr + DELETES_AT);
}
