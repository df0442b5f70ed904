#ifndef WALLET_KEY_H
#define WALLET_KEY_H

/* A key is one ed25519 secret, opened for a stated purpose. It lies in guarded,
 * locked memory that is unreadable, even to this process, except during the
 * microseconds of a signature; it is wiped when freed and never printed.
 *
 * A key serves one thread at a time: two signatures at once would close the
 * page under each other. The caller serialises. */

#include "base/sign.h"
#include "wallet/entropy.h"
#include "wallet/mnemonic.h"
#include "wallet/purpose.h"

struct key;

/* How a key came to be; decides what a backup of it looks like. */
struct key_origin {
    bool has_words;        /* born from 24 words: key_words gives them */
    bool words_passphrase; /* ... and an extra passphrase that is not kept */
    uint32_t account;      /* ... at this account of the path */
};

/* A fresh key with backup words: 32 bytes of entropy, their words without an
 * extra passphrase, account 0 of the path (wallet/derive.h).
 *
 * purpose  lent for the life of the key (usually one of wallet/purpose.h)
 * entropy  NULL: the system's
 * out      given; the caller calls key_free
 *
 * ERR_RANDOM, ERR_NOMEM. */
MUST_USE enum err key_new_random(const struct purpose *purpose,
                                 const struct entropy *entropy,
                                 struct key **out);

/* The key of a raw 32-byte seed (RFC 8032); it has no words. The caller wipes
 * its own copy. ERR_NOMEM. */
MUST_USE enum err key_from_seed(const struct purpose *purpose,
                                const uint8_t seed[32], struct key **out);

/* The key of 24 words.
 *
 * words       as mnemonic_decode reads them
 * passphrase  the extra BIP39 passphrase; empty for none
 * account     0 unless told otherwise; at most DERIVE_ACCOUNT_MAX (ERR_RANGE)
 * out_issue   may be NULL; what is wrong with the words
 *
 * ERR_RANGE, then what mnemonic_decode and mnemonic_seed refuse. */
MUST_USE enum err key_from_mnemonic(const struct purpose *purpose,
                                    struct bytes words, struct bytes passphrase,
                                    uint32_t account, struct key **out,
                                    struct mnemonic_issue *out_issue);

/* Wipes and frees; NULL is fine. */
void key_free(struct key *key);

void key_public(const struct key *key, struct pubkey *out);
const struct purpose *key_purpose(const struct key *key);
struct key_origin key_origin(const struct key *key);

/* False when the memory could not be locked (RLIMIT_MEMLOCK): the secret may
 * reach swap. Worth one warning, not a refusal. */
bool key_memory_locked(const struct key *key);

/* Signs a digest made with `tag` (base/sign.h: sign_digest).
 * ERR_PURPOSE when the key's purpose does not have the tag. ERR_UNSUPPORTED
 * when the system does not let the page be opened; the key stays closed. */
MUST_USE enum err key_sign(struct key *key, const char *tag,
                           const struct hash *digest, struct signature *out);

/* The key as a signer to hand to another library. Holds the key, lent: the
 * signer must not outlive it. */
struct signer key_signer(struct key *key);

/* The 24 backup words, to be shown to their owner once. `out` is an empty
 * secret of MNEMONIC_TEXT_MAX bytes.
 * ERR_NO_WORDS for a key that was not born from words. */
MUST_USE enum err key_words(struct key *key, struct secret *out);

#endif
