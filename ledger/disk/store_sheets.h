#ifndef LEDGER_DISK_STORE_SHEETS_H
#define LEDGER_DISK_STORE_SHEETS_H

/* The sheets (sheet.h) of an LMDB store: a table of its own, number u64
 * big-endian -> sheet. Each commit that changes a table they are kept for
 * writes sheet n, puts slice n mod SHEET_SLICES of the sheets before it in
 * place, and drops sheet n - SHEET_SLICES, of which all slices were. So all of
 * it is in the one transaction of the commit, and a reader finds in its moment
 * the sheets that belong to it. What a sheet has hides what its table has, and
 * what the sheets before it have.
 *
 * Return codes are LMDB's or errno's; MDB_CORRUPTED: a sheet is not what was
 * written. Inside ledger/disk. */

#include "ledger/disk/sheet.h"

#include <lmdb.h>

struct sheets {
    MDB_dbi dbi;
    const MDB_dbi *tables; /* by enum store_table; lent */
};

/* Changes of such tables, in the order they were made; reorders ops. No clears:
 * before one of those, sheets_settle. */
int sheets_write(const struct sheets *sheets, MDB_txn *txn,
                 struct store_op *ops, size_t count);
/* Puts all that waits in place: no sheet is left. */
int sheets_settle(const struct sheets *sheets, MDB_txn *txn);

/* What the newest sheet with this key says; MDB_NOTFOUND: ask the table. *out
 * is lent as long as txn sees this moment. */
int sheets_find(const struct sheets *sheets, MDB_txn *txn,
                enum store_table table, struct bytes key, struct store_op *out);

/* All that waits in a range, each key once, in the range's direction. The
 * caller frees *out (NULL when there is nothing). */
int sheets_gather(const struct sheets *sheets, MDB_txn *txn,
                  const struct store_range *range, struct store_op **out,
                  size_t *out_count);

/* How many entries more there are in a table than it holds: puts that wait,
 * less deletes that do; what was put twice while it waited counts twice. */
int sheets_waiting(const struct sheets *sheets, MDB_txn *txn,
                   enum store_table table, int64_t *out);

#endif
