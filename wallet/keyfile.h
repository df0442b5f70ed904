#ifndef WALLET_KEYFILE_H
#define WALLET_KEYFILE_H

/* A key file holds one hot key UNENCRYPTED: a node's or validator's identity
 * (ed25519) or its transport key (X25519). A daemon must start without a human,
 * so these lie open, mode 0600, under a name and a first line that say so. They
 * hold no account's money and can be replaced (docs/decisions/001-keys.md).
 *
 * The file says what it is for and what its public half is; both are checked.
 */

#include "wallet/key.h"

#define KEYFILE_NAME_NODE      "node-identity.unencrypted"
#define KEYFILE_NAME_VALIDATOR "validator.unencrypted"
#define KEYFILE_NAME_TRANSPORT "transport-x25519.unencrypted"

/* Makes a fresh identity key, writes it and opens it.
 *
 * dir      a private directory (0700, ours)
 * name     a plain file name in it
 * purpose  &purpose_node, &purpose_validator or one's own: its name is kept
 *
 * ERR_NOT_FOUND, ERR_MODE ... of the directory, ERR_BUSY, ERR_EXISTS: a key is
 * never overwritten. ERR_FULL, ERR_PERM, ERR_IO, ERR_NOMEM, ERR_RANDOM. */
MUST_USE enum err keyfile_create(const char *dir, const char *name,
                                 const struct purpose *purpose,
                                 const struct entropy *entropy,
                                 struct key **out);

/* Opens an identity key.
 * ERR_NOT_FOUND, ERR_PERM, ERR_TYPE, ERR_MODE (directory, then file),
 * ERR_TOO_LARGE, ERR_VERSION, ERR_CORRUPT (not of the form), ERR_CHECKSUM,
 * ERR_PURPOSE (made for another purpose), ERR_CORRUPT (halves do not match). */
MUST_USE enum err keyfile_open(const char *dir, const char *name,
                               const struct purpose *purpose, struct key **out);

/* The transport key: a raw X25519 secret, which the handshake itself needs, so
 * it is handed out in guarded (readable) memory rather than as a signer. */
struct keyfile_transport {
    struct secret secret; /* 32 bytes */
    uint8_t public_key[32];
};
MUST_USE enum err keyfile_transport_create(const char *dir, const char *name,
                                           const struct entropy *entropy,
                                           struct keyfile_transport *out);
MUST_USE enum err keyfile_transport_open(const char *dir, const char *name,
                                         struct keyfile_transport *out);
void keyfile_transport_done(struct keyfile_transport *transport);

#endif
