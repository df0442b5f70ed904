#ifndef WALLET_PASSPHRASE_H
#define WALLET_PASSPHRASE_H

/* A passphrase read without a terminal: from a descriptor, a private file or a
 * systemd credential. Straight into guarded memory, never through argv or the
 * environment. The prompt belongs to cli.
 *
 * One line end at the end of the input ("\n" or "\r\n") is not part of it. All
 * else is, spaces included. */

#include "wallet/secret.h"

#define PASSPHRASE_LEN_MAX 1024u

/* Reads fd to its end; the descriptor stays open and belongs to the caller.
 *
 * out  an uninitialised secret; on OK the caller calls secret_done
 *
 * Refuses: ERR_IO (read failed), ERR_TOO_LARGE (above PASSPHRASE_LEN_MAX),
 * ERR_TRUNCATED (empty), ERR_RANGE (a zero byte or a second line). ERR_NOMEM.
 */
MUST_USE enum err passphrase_from_fd(int fd, struct secret *out);

/* Reads a regular file of mode 0600 or narrower that belongs to us or to root.
 * ERR_NOT_FOUND, ERR_PERM (may not be opened), ERR_TYPE (no regular file),
 * ERR_MODE (others may read or write it, or it is another user's), then as
 * above. */
MUST_USE enum err passphrase_from_file(const char *path, struct secret *out);

/* Reads the credential `name` from systemd's $CREDENTIALS_DIRECTORY, handed in
 * as `dir`. systemd keeps that directory private and may show a group read bit
 * (the mask of an ACL) on its files, so 0440 is accepted here, nothing wider.
 * Errors as above. */
MUST_USE enum err passphrase_from_credential(const char *dir, const char *name,
                                             struct secret *out);

#endif
