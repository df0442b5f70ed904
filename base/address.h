#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

/* An address is the bech32m text (BIP 350) of an ed25519 public key: prefix
 * "suan" on main-like networks, "tsuan" on test networks and devnets. */

#include "base/sign.h"

#define ADDRESS_TEXT_MAX 72

#define ADDRESS_PREFIX_MAIN "suan"
#define ADDRESS_PREFIX_TEST "tsuan"

/* Writes prefix, '1', 52 data characters and 6 checksum characters. prefix is
 * one of the two above (CHECKed). */
void address_format(const char *prefix, const struct pubkey *key,
                    char out[ADDRESS_TEXT_MAX]);

/* ERR_ADDRESS for a wrong shape, mixed case, bad character or checksum.
 * out_prefix receives one of the two constants (a foreign prefix is
 * ERR_ADDRESS); may be NULL. */
MUST_USE enum err address_parse(const char *text, const char **out_prefix,
                                struct pubkey *out_key);

#endif
