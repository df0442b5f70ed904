#ifndef WALLET_DERIVE_H
#define WALLET_DERIVE_H

/* Derivation from one seed to many ed25519 secrets (SLIP-0010). Every step is
 * hardened, the only kind ed25519 has, so no child betrays its parent.
 *
 * Suan's path is m / 44' / 1398096206' / account' / 0'. The coin number is the
 * four ASCII letters "SUAN" read as a big-endian integer (0x5355414e). It is
 * not registered in SLIP-0044; the letters make a clash unlikely and, since the
 * path is part of what a user backs up, the number never changes. The last step
 * is kept at 0 for keys to come beside the account key. */

#include "wallet/secret.h"

#define DERIVE_PURPOSE     44u
#define DERIVE_COIN        0x5355414eu
#define DERIVE_HARDENED    0x80000000u
#define DERIVE_ACCOUNT_MAX (DERIVE_HARDENED - 1)
#define DERIVE_NODE_LEN    64u

/* A node of the tree is 64 bytes: secret 32, chain code 32.
 *
 * seed      16..64 bytes (CHECKed)
 * path      `steps` indices below 2^31 (CHECKed), hardened here
 * out_node  guarded memory; holds DERIVE_NODE_LEN bytes afterwards */
void derive_path(struct bytes seed, const uint32_t *path, size_t steps,
                 struct secret *out_node);

/* The node at Suan's path for an account (0..DERIVE_ACCOUNT_MAX, CHECKed). */
void derive_account(struct bytes seed, uint32_t account,
                    struct secret *out_node);

#endif
