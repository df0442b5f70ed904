#ifndef WALLET_BIP39_ENGLISH_H
#define WALLET_BIP39_ENGLISH_H

/* The 2048 words of wallet/mnemonic.h, alphabetical; no two share their first
 * four letters. Not for other folders. */

#define BIP39_COUNT    2048u
#define BIP39_WORD_MAX 9u

extern const char bip39_english[BIP39_COUNT][BIP39_WORD_MAX];

#endif
