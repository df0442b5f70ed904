#include "ledger/disk/lmdb_error.h"

#include <errno.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include <lmdb.h>

#define FREE_BYTES_LOW (UINT64_C(4) << 20)

enum err lmdb_error(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return OK;
    case MDB_NOTFOUND:
        return ERR_NOT_FOUND;
    case MDB_MAP_FULL:
        return ERR_MAP_FULL;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_INVALID:
    case MDB_BAD_DBI:
    case MDB_INCOMPATIBLE:
        return ERR_CORRUPT;
    case MDB_VERSION_MISMATCH:
        return ERR_VERSION;
    case ENOMEM:
        return ERR_NOMEM;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EBUSY:
    case EAGAIN:
    case MDB_READERS_FULL:
        return ERR_BUSY;
    default:
        return ERR_IO;
    }
}

enum err lmdb_write_error(const char *dir, int rc)
{
    struct statvfs vfs;
    enum err err = lmdb_error(rc);
    if (err == ERR_IO && statvfs(dir, &vfs) == 0 &&
        (uint64_t)vfs.f_bavail * vfs.f_frsize < FREE_BYTES_LOW)
        return ERR_FULL;
    return err;
}
