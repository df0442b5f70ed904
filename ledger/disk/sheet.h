#ifndef LEDGER_DISK_SHEET_H
#define LEDGER_DISK_SHEET_H

/* A sheet: changes of the tables whose keys come in no order, written down in
 * the order of their keys, to be put in their place later, many together. An
 * index by account or by hash has each of its changes on a page of its own, and
 * a page is written whole: put in place one block at a time, 90 bytes of index
 * cost 4096. So each commit writes one sheet, and puts in place what the last
 * SHEET_SLICES sheets have for one slice of the keys; after so many commits a
 * sheet has nothing left that waits. Inside ledger/disk.
 *
 * Numbers are little-endian: for each table and slice, where its entries begin,
 * and their number, u32 each; deletes u32; offset u32 of each entry; then the
 * entries: table u8 | 0 u8, or 1: deleted | key_len u16 | value_len u32 | key |
 * value. */

#include "ledger/disk/store_backend.h"

#define SHEET_SLICES 16u
#define SHEET_TABLES 3u

/* Do this table's changes go onto sheets? */
bool sheet_keeps(enum store_table table);
/* By its first bits. Keys are not empty. */
unsigned sheet_slice(struct bytes key);

/* Puts and deletes of such tables, in the order they were made: of several with
 * one key the last one counts. Reorders ops. Errors stick to out. */
void sheet_encode(struct store_op *ops, size_t count, struct buf *out);

/* Lent from the bytes it was opened on. */
struct sheet {
    struct bytes bytes;
    uint32_t count;
};
/* Each of these: ERR_CORRUPT when it is not what was written. */
MUST_USE enum err sheet_open(struct bytes bytes, struct sheet *out);
/* Entry i < count, in order of table and key. */
MUST_USE enum err sheet_at(const struct sheet *sheet, uint32_t i,
                           struct store_op *out);
/* The first entry with this key or a higher one, of this table or a later one;
 * an empty key: the table's first. */
MUST_USE enum err sheet_seek(const struct sheet *sheet, enum store_table table,
                             struct bytes key, uint32_t *out);
/* A table's entries of a slice: from..to. */
void sheet_range(const struct sheet *sheet, enum store_table table,
                 unsigned slice, uint32_t *from, uint32_t *to);
/* How many entries are deletes. */
uint32_t sheet_deletes(const struct sheet *sheet);

#endif
