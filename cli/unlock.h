#ifndef CLI_UNLOCK_H
#define CLI_UNLOCK_H

/* Passphrases from wherever they may come, and the keys they open. */

#include "cli/locate.h"
#include "wallet/keystore.h"
#include "wallet/passphrase.h"

/* Reads a passphrase. First match: --password-fd, --password-file, the systemd
 * credential "suan-wallet", the devnet's own file, a prompt. Without a terminal
 * and without any of these: exit 4, naming the flags.
 *
 * place  NULL: no wallet of its own
 * out    an uninitialised secret; on 0 the caller calls secret_done */
int unlock_passphrase(struct cli *cli, const struct wallet_place *place,
                      const char *prompt, struct secret *out);
/* A new passphrase: the same sources, but a prompt asks twice. `option` is the
 * name of the options for it: "password" or "new-password" (then only those and
 * the prompt count). */
int unlock_passphrase_new(struct cli *cli, const struct args *args,
                          const char *option, const struct wallet_place *place,
                          struct secret *out);

/* Reads one line from the terminal into guarded memory; `echo` shows it. 0, or
 * EXIT_LOCKED without a terminal, or 130 after Ctrl-C. */
int unlock_prompt(struct cli *cli, const char *prompt, bool echo, size_t cap,
                  const char *instead, struct secret *out);

/* Opens the wallet's directory. `create` makes it. Exit 3 when there is none.
 */
int unlock_store(struct cli *cli, bool create, struct wallet_place *place,
                 struct keystore *out);
/* The entry of a key by name, address, or (NULL) the only one. */
int unlock_find(struct cli *cli, const struct keystore *store, const char *name,
                struct keystore_entry *out);
/* All at once: the key `name` (NULL: the only one) for the account's purpose.
 * The caller calls key_free. */
int unlock_key(struct cli *cli, const char *name, struct key **out);

/* What a key store's error means for a person: prints and returns the exit. */
int unlock_fail(struct cli *cli, enum err err, const char *name);

#endif
