#ifndef WALLET_KEYSTORE_H
#define WALLET_KEYSTORE_H

/* The key store: a private directory with one encrypted file per key. Address,
 * label and dates lie in clear, so listing needs no passphrase; all of them are
 * bound to the secret, so changing one is noticed. File format:
 * docs/keystore.md.
 *
 * A wrong passphrase (ERR_PASSPHRASE) is told from a damaged file (ERR_CORRUPT,
 * ERR_CHECKSUM): the file carries a checksum of its own. */

#include "base/address.h"
#include "base/limits.h"
#include "wallet/key.h"

#define KEYSTORE_LABEL_MAX 33u   /* 32 characters and a zero */
#define KEYSTORE_KEYS_MAX  1024u /* files looked at in one directory */
#define KEYSTORE_FILE_MAX  4096u /* bytes of one file */
#define KEYSTORE_NAME_MAX  96u   /* of a file name */

/* What opening costs: memory in bytes and passes over it (Argon2id). */
struct keystore_cost {
    uint64_t opslimit;
    uint64_t memlimit;
};
/* 256 MiB, 3 passes: about half a second. For keys that hold money. */
extern const struct keystore_cost keystore_cost_moderate;
/* 8 MiB, 1 pass: about 5 ms, and weak. Devnets and tests only. */
extern const struct keystore_cost keystore_cost_fast;

/* Above these a file is refused before any memory is taken (ERR_TOO_LARGE): a
 * planted file must not eat the machine. */
#define KEYSTORE_MEM_MAX  (UINT64_C(1) << 30)
#define KEYSTORE_OPS_MAX  64u
#define KEYSTORE_WORK_MAX (UINT64_C(1) << 32) /* opslimit * memlimit */

struct keystore {
    int dir_fd;
    bool remote;                   /* network file system: warn */
    const struct entropy *entropy; /* NULL: the system's; salts and nonces */
};

/* What is known of a key without its passphrase. */
struct keystore_entry {
    char file[KEYSTORE_NAME_MAX]; /* name in the directory, for messages */
    enum err err;                 /* OK, or why the file cannot be used; then
                                     only `file` is set */
    char address[ADDRESS_TEXT_MAX];
    struct pubkey key;
    char label[KEYSTORE_LABEL_MAX];
    uint64_t created_ms; /* wall clock of the creator, ms since 1970 */
    bool has_backup;     /* the owner has shown to have the words */
    struct keystore_cost cost;
};

/* Opens the store at `path`; `create` makes a missing directory (0700). Checks
 * that it is ours and closed to others.
 * ERR_NOT_FOUND, ERR_PERM, ERR_TYPE (no directory), ERR_MODE, ERR_IO. */
MUST_USE enum err keystore_open(const char *path, bool create,
                                struct keystore *out);
void keystore_close(struct keystore *store); /* safe on a zeroed struct */

/* All keys, sorted by label, damaged files last. Given: free(*out).
 * ERR_TOO_LARGE above KEYSTORE_KEYS_MAX, ERR_NOMEM, ERR_IO. */
MUST_USE enum err keystore_list(const struct keystore *store,
                                struct keystore_entry **out, size_t *out_count);

/* The key with this label or address; `name` NULL or "" means the only one.
 * ERR_NO_KEY (none), ERR_AMBIGUOUS (NULL, but there are several), then that
 * file's own error (its address is its name) or a fault. */
MUST_USE enum err keystore_find(const struct keystore *store, const char *name,
                                struct keystore_entry *out);

/* 1..32 of a-z A-Z 0-9 . _ - , starting with a letter or digit, and not of the
 * shape of an address. ERR_RANGE. */
MUST_USE enum err keystore_label_check(const char *label);

/* Seals a key into a new file.
 *
 * prefix      ADDRESS_PREFIX_MAIN or _TEST
 * created_ms  now, by the caller's clock
 * passphrase  1..PASSPHRASE_LEN_MAX bytes (ERR_RANGE)
 *
 * ERR_RANGE (label, passphrase, cost too small), ERR_TOO_LARGE (cost),
 * ERR_BUSY (another process writes), ERR_EXISTS (key or label), ERR_NOMEM,
 * ERR_FULL, ERR_PERM, ERR_IO, ERR_RANDOM. Nothing is left behind unless OK. */
MUST_USE enum err keystore_create(struct keystore *store, struct key *key,
                                  const char *prefix, const char *label,
                                  uint64_t created_ms, bool has_backup,
                                  struct bytes passphrase,
                                  const struct keystore_cost *cost);

/* Opens a key for a purpose. Takes what the file's cost says.
 * As keystore_find, then ERR_PASSPHRASE, ERR_CORRUPT, ERR_NOMEM. */
MUST_USE enum err keystore_unlock(const struct keystore *store,
                                  const char *name, struct bytes passphrase,
                                  const struct purpose *purpose,
                                  struct key **out);

/* Seals the key anew under another passphrase and cost. The old version stays
 * as FILE.old, still under the OLD passphrase: when that one has leaked, call
 * keystore_forget_old once the new one is known to work.
 * As keystore_unlock, then as keystore_create. */
MUST_USE enum err keystore_passwd(struct keystore *store, const char *name,
                                  struct bytes old_passphrase,
                                  struct bytes new_passphrase,
                                  const struct keystore_cost *cost);

/* Records that the owner has the words; keeps passphrase and cost. OK and no
 * write when it is recorded already. Errors as keystore_passwd. */
MUST_USE enum err keystore_mark_backup(struct keystore *store, const char *name,
                                       struct bytes passphrase);

/* Removes the old version of a key's file. OK when there is none.
 * As keystore_find, ERR_BUSY, ERR_PERM, ERR_IO. */
MUST_USE enum err keystore_forget_old(struct keystore *store, const char *name);

#endif
