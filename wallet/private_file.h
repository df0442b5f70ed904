#ifndef WALLET_PRIVATE_FILE_H
#define WALLET_PRIVATE_FILE_H

/* A private file belongs to us alone: regular, our own, mode 0600 or narrower,
 * in a directory of ours of mode 0700 or narrower. It is replaced whole and
 * survives a crash at any instruction: the reader finds the old one or the new
 * one, never a piece. */

#include "wallet/secret.h"

/* Which modes and owners a reader puts up with beyond the rule above. */
enum private_file_trust {
    PRIVATE_FILE_OWN = 0,    /* the rule */
    PRIVATE_FILE_ROOT,       /* root may own it too: handed out by the system */
    PRIVATE_FILE_CREDENTIAL, /* the same, and group may read (ACL mask) */
};

/* Opens a directory and checks owner and mode.
 * ERR_NOT_FOUND, ERR_PERM, ERR_TYPE (no directory), ERR_MODE, ERR_IO.
 * out_fd: given, the caller closes. */
MUST_USE enum err private_dir_open(const char *path, int *out_fd);

/* Makes the directory (0700, parents must exist) unless it is there, then as
 * private_dir_open. The new name is on disk when this returns. */
MUST_USE enum err private_dir_make(const char *path, int *out_fd);

/* One writer at a time: an advisory lock on the directory itself, gone with the
 * process. ERR_BUSY when another holds it, ERR_IO. */
MUST_USE enum err private_dir_lock(int dir_fd);
void private_dir_unlock(int dir_fd);

/* True on NFS, CIFS, 9p and their like: locks and crash safety are then the
 * server's promise, and keys cross the network. Worth a warning. */
bool private_dir_is_remote(int dir_fd);

/* Reads a whole file into guarded memory of len_max bytes at most.
 *
 * name  relative to dir_fd (AT_FDCWD: a path); a symbolic link is refused
 *       (ERR_TYPE) unless trust says the file was handed out by the system
 * out   an uninitialised secret, on OK the caller calls secret_done
 *
 * ERR_NOT_FOUND, ERR_PERM, ERR_TYPE (no regular file), ERR_MODE,
 * ERR_TOO_LARGE, ERR_IO, ERR_NOMEM. */
MUST_USE enum err private_file_read(int dir_fd, const char *name,
                                    enum private_file_trust trust,
                                    size_t len_max, struct secret *out);

/* Reads an open descriptor to its end, else the same. */
MUST_USE enum err private_file_read_fd(int fd, size_t len_max,
                                       struct secret *out);

/* Puts `content` under `name`: temporary file beside it, fsync, rename, fsync
 * of the directory. The caller holds private_dir_lock.
 *
 * name     a plain name in dir_fd, at most 200 bytes (CHECKed)
 * replace  false: ERR_EXISTS when the name is taken
 *          true: what was there stays as `name`.old (one old version)
 *
 * ERR_EXISTS, ERR_FULL (disk or quota), ERR_PERM, ERR_IO: the old file stands.
 * ERR_IO after the rename means the new one stands but may not outlive a power
 * cut. */
MUST_USE enum err private_file_write(int dir_fd, const char *name,
                                     struct bytes content, bool replace);

#endif
