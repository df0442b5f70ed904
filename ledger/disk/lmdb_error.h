#ifndef LEDGER_DISK_LMDB_ERROR_H
#define LEDGER_DISK_LMDB_ERROR_H

/* What LMDB and the system say, in our words: for the chain's store and for
 * whoever else keeps an environment. */

#include "base/err.h"

/* OK, ERR_NOT_FOUND, and the machine's faults. */
MUST_USE enum err lmdb_error(int rc);
/* Of a write into an environment in `dir`: a short write, which is how a full
 * disk often shows, is reported as EIO; when there is no room it is ERR_FULL.
 */
MUST_USE enum err lmdb_write_error(const char *dir, int rc);

#endif
