#ifndef LEDGER_DISK_LMDB_VAL_H
#define LEDGER_DISK_LMDB_VAL_H

/* Our bytes as LMDB's and back; both lend. Inside ledger/disk. */

#include "base/bytes.h"

#include <lmdb.h>

static inline MDB_val lmdb_val(struct bytes bytes)
{
    /* LMDB takes non-const pointers and does not write through them. */
    union {
        const uint8_t *in;
        void *out;
    } ptr = {.in = bytes.ptr};
    return (MDB_val){bytes.len, ptr.out};
}

static inline struct bytes lmdb_bytes(const MDB_val *val)
{
    return bytes_make(val->mv_size > 0 ? val->mv_data : NULL, val->mv_size);
}

#endif
