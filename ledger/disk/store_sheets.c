#include "ledger/disk/store_sheets.h"

#include "ledger/disk/lmdb_val.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_LEN 8u
#define WRITE_MAX  (512u * 1024 * 1024) /* a batch is at most half of it */

/* A change that a sheet names, and which one: the newest counts. */
struct due {
    struct store_op op;
    uint64_t number;
};

struct dues {
    struct due *items;
    size_t count;
    size_t cap;
};

/* ---- the table of sheets ---- */

static int walk_first(const struct sheets *sheets, MDB_txn *txn,
                      MDB_cursor **out, MDB_cursor_op which, MDB_val *key,
                      MDB_val *value)
{
    int rc = mdb_cursor_open(txn, sheets->dbi, out);
    if (rc != MDB_SUCCESS)
        return rc;
    rc = mdb_cursor_get(*out, key, value, which);
    if (rc != MDB_SUCCESS)
        mdb_cursor_close(*out);
    return rc;
}

static int read_entry(const MDB_val *key, const MDB_val *value,
                      uint64_t *out_number, struct sheet *out)
{
    if (key->mv_size != NUMBER_LEN || sheet_open(lmdb_bytes(value), out) != OK)
        return MDB_CORRUPTED;
    *out_number = u64be_get(key->mv_data);
    return MDB_SUCCESS;
}

typedef int (*each_fn)(void *ctx, uint64_t number, const struct sheet *sheet);

/* The newest first; fn ends it with anything but MDB_SUCCESS. */
static int each_sheet(const struct sheets *sheets, MDB_txn *txn, each_fn fn,
                      void *ctx)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    int rc = walk_first(sheets, txn, &cursor, MDB_LAST, &key, &value);
    if (rc != MDB_SUCCESS)
        return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
    while (rc == MDB_SUCCESS) {
        struct sheet sheet;
        uint64_t number = 0;
        rc = read_entry(&key, &value, &number, &sheet);
        if (rc == MDB_SUCCESS)
            rc = fn(ctx, number, &sheet);
        if (rc == MDB_SUCCESS)
            rc = mdb_cursor_get(cursor, &key, &value, MDB_PREV);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

/* ---- what is due ---- */

static int dues_add(struct dues *dues, const struct store_op *op,
                    uint64_t number)
{
    if (dues->count == dues->cap) {
        size_t cap = dues->cap == 0 ? 64 : 2 * dues->cap;
        struct due *items = realloc(dues->items, cap * sizeof(*items));
        if (items == NULL)
            return ENOMEM;
        dues->items = items;
        dues->cap = cap;
    }
    dues->items[dues->count++] = (struct due){*op, number};
    return MDB_SUCCESS;
}

static int compare_dues(const void *left, const void *right)
{
    const struct due *a = left;
    const struct due *b = right;
    if (a->op.table != b->op.table)
        return a->op.table < b->op.table ? -1 : 1;
    int order = bytes_compare(a->op.key, b->op.key);
    if (order != 0 || a->number == b->number)
        return order;
    return a->number > b->number ? -1 : 1;
}

/* In order of table and key, of those with one key the newest. */
static void dues_tidy(struct dues *dues)
{
    size_t kept = 0;
    if (dues->count > 0)
        qsort(dues->items, dues->count, sizeof(*dues->items), compare_dues);
    for (size_t i = 0; i < dues->count; i++) {
        const struct store_op *op = &dues->items[i].op;
        const struct store_op *last =
            kept > 0 ? &dues->items[kept - 1].op : NULL;
        if (last != NULL && last->table == op->table &&
            bytes_equal(last->key, op->key))
            continue;
        dues->items[kept++] = dues->items[i];
    }
    dues->count = kept;
}

/* ---- putting in place ---- */

struct collecting {
    struct dues *dues;
    unsigned from; /* slices from..to */
    unsigned to;
};

static int collect_range(struct collecting *c, uint64_t number,
                         const struct sheet *sheet, enum store_table table,
                         unsigned slice)
{
    uint32_t from;
    uint32_t to;
    sheet_range(sheet, table, slice, &from, &to);
    for (uint32_t i = from; i < to; i++) {
        struct store_op op;
        if (sheet_at(sheet, i, &op) != OK || op.table != table)
            return MDB_CORRUPTED;
        int rc = dues_add(c->dues, &op, number);
        if (rc != MDB_SUCCESS)
            return rc;
    }
    return MDB_SUCCESS;
}

static int collect(void *ctx, uint64_t number, const struct sheet *sheet)
{
    struct collecting *c = ctx;
    int rc = MDB_SUCCESS;
    for (unsigned slice = c->from; slice < c->to; slice++) {
        for (unsigned t = 0; t < STORE_TABLES && rc == MDB_SUCCESS; t++) {
            if (sheet_keeps((enum store_table)t))
                rc =
                    collect_range(c, number, sheet, (enum store_table)t, slice);
        }
    }
    return rc;
}

static int place_one(MDB_cursor *cursor, const struct store_op *op)
{
    MDB_val key = lmdb_val(op->key);
    MDB_val value = lmdb_val(op->value);
    if (!op->is_delete)
        return mdb_cursor_put(cursor, &key, &value, 0);
    int rc = mdb_cursor_get(cursor, &key, &value, MDB_SET);
    if (rc == MDB_SUCCESS)
        rc = mdb_cursor_del(cursor, 0);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

/* What is read from LMDB may move when something is put: keys and values are
 * copied first. */
static int copy_all(struct dues *dues, uint8_t **out)
{
    size_t size = 1;
    for (size_t i = 0; i < dues->count; i++)
        size += dues->items[i].op.key.len + dues->items[i].op.value.len;
    uint8_t *at = malloc(size);
    *out = at;
    if (at == NULL)
        return ENOMEM;
    for (size_t i = 0; i < dues->count; i++) {
        struct bytes *parts[] = {&dues->items[i].op.key,
                                 &dues->items[i].op.value};
        for (unsigned p = 0; p < 2; p++) {
            if (parts[p]->len > 0)
                memcpy(at, parts[p]->ptr, parts[p]->len);
            parts[p]->ptr = at;
            at += parts[p]->len;
        }
    }
    return MDB_SUCCESS;
}

/* In the order of keys one cursor finds most of them on the page it is on. */
static int place_all(const struct sheets *sheets, MDB_txn *txn,
                     const struct dues *dues)
{
    MDB_cursor *cursor = NULL;
    int rc = MDB_SUCCESS;
    for (size_t i = 0; i < dues->count && rc == MDB_SUCCESS; i++) {
        const struct store_op *op = &dues->items[i].op;
        if (i == 0 || dues->items[i - 1].op.table != op->table) {
            if (cursor != NULL)
                mdb_cursor_close(cursor);
            cursor = NULL;
            rc = mdb_cursor_open(txn, sheets->tables[op->table], &cursor);
        }
        if (rc == MDB_SUCCESS)
            rc = place_one(cursor, op);
    }
    if (cursor != NULL)
        mdb_cursor_close(cursor);
    return rc;
}

static int place_slices(const struct sheets *sheets, MDB_txn *txn,
                        unsigned from, unsigned to)
{
    struct dues dues = {0};
    struct collecting c = {&dues, from, to};
    uint8_t *copy = NULL;
    int rc = each_sheet(sheets, txn, collect, &c);
    if (rc == MDB_SUCCESS) {
        dues_tidy(&dues);
        rc = copy_all(&dues, &copy);
    }
    if (rc == MDB_SUCCESS)
        rc = place_all(sheets, txn, &dues);
    free(copy);
    free(dues.items);
    return rc;
}

/* ---- writing ---- */

static int next_number(const struct sheets *sheets, MDB_txn *txn, uint64_t *out)
{
    MDB_cursor *cursor;
    MDB_val key;
    MDB_val value;
    *out = 0;
    int rc = walk_first(sheets, txn, &cursor, MDB_LAST, &key, &value);
    if (rc != MDB_SUCCESS)
        return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
    if (key.mv_size == NUMBER_LEN)
        *out = u64be_get(key.mv_data) + 1;
    else
        rc = MDB_CORRUPTED;
    mdb_cursor_close(cursor);
    return rc;
}

static int put_sheet(const struct sheets *sheets, MDB_txn *txn, uint64_t number,
                     struct store_op *ops, size_t count)
{
    uint8_t raw[NUMBER_LEN];
    struct buf buf;
    buf_init(&buf, WRITE_MAX);
    sheet_encode(ops, count, &buf);
    int rc = buf.err == OK ? MDB_SUCCESS : ENOMEM;
    u64be_put(raw, number);
    MDB_val key = lmdb_val(BYTES_OF(raw));
    MDB_val value = lmdb_val(buf_bytes(&buf));
    if (rc == MDB_SUCCESS)
        rc = mdb_put(txn, sheets->dbi, &key, &value, MDB_APPEND);
    buf_done(&buf);
    return rc;
}

static int drop_sheet(const struct sheets *sheets, MDB_txn *txn,
                      uint64_t number)
{
    uint8_t raw[NUMBER_LEN];
    u64be_put(raw, number);
    MDB_val key = lmdb_val(BYTES_OF(raw));
    int rc = mdb_del(txn, sheets->dbi, &key, NULL);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

int sheets_write(const struct sheets *sheets, MDB_txn *txn,
                 struct store_op *ops, size_t count)
{
    uint64_t number;
    if (count == 0)
        return MDB_SUCCESS;
    int rc = next_number(sheets, txn, &number);
    if (rc != MDB_SUCCESS)
        return rc;
    unsigned slice = (unsigned)(number % SHEET_SLICES);
    rc = place_slices(sheets, txn, slice, slice + 1);
    if (rc == MDB_SUCCESS && number >= SHEET_SLICES)
        rc = drop_sheet(sheets, txn, number - SHEET_SLICES);
    if (rc == MDB_SUCCESS)
        rc = put_sheet(sheets, txn, number, ops, count);
    return rc;
}

int sheets_settle(const struct sheets *sheets, MDB_txn *txn)
{
    int rc = place_slices(sheets, txn, 0, SHEET_SLICES);
    return rc == MDB_SUCCESS ? mdb_drop(txn, sheets->dbi, 0) : rc;
}

/* ---- reading ---- */

#define FOUND (-1) /* ends a walk; LMDB's own codes are below -30000 */

struct seeking {
    enum store_table table;
    struct bytes key;
    struct store_op *out;
};

static int seek(void *ctx, uint64_t number, const struct sheet *sheet)
{
    struct seeking *s = ctx;
    struct store_op op;
    uint32_t at;
    (void)number;
    if (sheet_seek(sheet, s->table, s->key, &at) != OK)
        return MDB_CORRUPTED;
    if (at == sheet->count)
        return MDB_SUCCESS;
    if (sheet_at(sheet, at, &op) != OK)
        return MDB_CORRUPTED;
    if (op.table != s->table || !bytes_equal(op.key, s->key))
        return MDB_SUCCESS;
    *s->out = op;
    return FOUND;
}

int sheets_find(const struct sheets *sheets, MDB_txn *txn,
                enum store_table table, struct bytes key, struct store_op *out)
{
    struct seeking s = {table, key, out};
    int rc = each_sheet(sheets, txn, seek, &s);
    if (rc == FOUND)
        return MDB_SUCCESS;
    return rc == MDB_SUCCESS ? MDB_NOTFOUND : rc;
}

struct gathering {
    struct dues *dues;
    const struct store_range *range;
};

/* Whether a key lies on the right side of where the range begins. */
static bool is_ahead(const struct store_range *range, struct bytes key)
{
    if (range->from.len == 0)
        return true;
    int order = bytes_compare(key, range->from);
    return range->down ? order <= 0 : order >= 0;
}

static int gather(void *ctx, uint64_t number, const struct sheet *sheet)
{
    struct gathering *g = ctx;
    uint32_t at;
    if (sheet_seek(sheet, g->range->table, g->range->prefix, &at) != OK)
        return MDB_CORRUPTED;
    for (; at < sheet->count; at++) {
        struct store_op op;
        if (sheet_at(sheet, at, &op) != OK)
            return MDB_CORRUPTED;
        if (op.table != g->range->table || !store_range_has(g->range, op.key))
            break;
        int rc = is_ahead(g->range, op.key) ? dues_add(g->dues, &op, number)
                                            : MDB_SUCCESS;
        if (rc != MDB_SUCCESS)
            return rc;
    }
    return MDB_SUCCESS;
}

/* The same entries as a plain list, the other way round for a range downwards.
 * Nobody asks for none. */
static int list_of(const struct dues *dues, bool down, struct store_op **out)
{
    *out = NULL;
    if (dues->count == 0)
        return MDB_SUCCESS;
    struct store_op *list = malloc(dues->count * sizeof(*list));
    if (list == NULL)
        return ENOMEM;
    for (size_t i = 0; i < dues->count; i++)
        list[i] = dues->items[down ? dues->count - 1 - i : i].op;
    *out = list;
    return MDB_SUCCESS;
}

int sheets_gather(const struct sheets *sheets, MDB_txn *txn,
                  const struct store_range *range, struct store_op **out,
                  size_t *out_count)
{
    struct dues dues = {0};
    struct gathering g = {&dues, range};
    *out = NULL;
    *out_count = 0;
    int rc = each_sheet(sheets, txn, gather, &g);
    if (rc == MDB_SUCCESS) {
        dues_tidy(&dues);
        rc = list_of(&dues, range->down, out);
    }
    if (rc == MDB_SUCCESS)
        *out_count = dues.count;
    free(dues.items);
    return rc;
}

/* ---- counting ---- */

struct counting {
    enum store_table table;
    uint64_t newest; /* number; UINT64_MAX: not seen yet */
    int64_t sum;
};

/* Of slices that were put in place by no sheet after this one. */
static int count_waiting(void *ctx, uint64_t number, const struct sheet *sheet)
{
    struct counting *c = ctx;
    if (c->newest == UINT64_MAX)
        c->newest = number;
    for (uint64_t later = c->newest + 1; later <= number + SHEET_SLICES;
         later++) {
        uint32_t from;
        uint32_t to;
        sheet_range(sheet, c->table, (unsigned)(later % SHEET_SLICES), &from,
                    &to);
        c->sum += to - from;
        for (uint32_t i = from; i < to && sheet_deletes(sheet) > 0; i++) {
            struct store_op op;
            if (sheet_at(sheet, i, &op) != OK)
                return MDB_CORRUPTED;
            c->sum -= op.is_delete ? 2 : 0;
        }
    }
    return MDB_SUCCESS;
}

int sheets_waiting(const struct sheets *sheets, MDB_txn *txn,
                   enum store_table table, int64_t *out)
{
    struct counting c = {table, UINT64_MAX, 0};
    int rc = each_sheet(sheets, txn, count_waiting, &c);
    *out = c.sum;
    return rc;
}
