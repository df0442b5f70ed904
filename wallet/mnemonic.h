#ifndef WALLET_MNEMONIC_H
#define WALLET_MNEMONIC_H

/* A mnemonic is 32 bytes of entropy as 24 English words a person can write on
 * paper (BIP39). The last word carries an 8-bit checksum. From the words and an
 * optional extra passphrase comes the 64-byte seed of all keys. */

#include "wallet/secret.h"

#define MNEMONIC_WORDS          24u
#define MNEMONIC_ENTROPY_LEN    32u
#define MNEMONIC_SEED_LEN       64u
#define MNEMONIC_WORD_MAX       9u   /* eight letters and a zero */
#define MNEMONIC_TEXT_MAX       216u /* 24 * 8 letters and 23 spaces, a zero */
#define MNEMONIC_INPUT_MAX      1024u
#define MNEMONIC_PASSPHRASE_MAX 256u

/* Why words were refused, precise enough to mend them, without repeating what
 * was typed. */
enum mnemonic_fault {
    MNEMONIC_FINE = 0,
    MNEMONIC_COUNT,    /* not 24 words */
    MNEMONIC_UNKNOWN,  /* a word is not in the list */
    MNEMONIC_CHECKSUM, /* all 24 are words, but together they do not fit:
                          one is wrong or two are swapped */
};

struct mnemonic_issue {
    enum mnemonic_fault fault;
    unsigned word_count;                /* MNEMONIC_COUNT: how many there were;
                                           capped at MNEMONIC_INPUT_MAX / 2 */
    unsigned position;                  /* MNEMONIC_UNKNOWN: 1..24 */
    char suggestion[MNEMONIC_WORD_MAX]; /* MNEMONIC_UNKNOWN: the nearest word of
                                           the list, "" when none is near */
};

/* The index-th word (0..2047, CHECKed) of the list. Static. */
const char *mnemonic_word(unsigned index);

/* Writes the 24 words, lower case, single spaces, no end of line and no zero,
 * to `out`, which must hold MNEMONIC_TEXT_MAX (CHECKed) and is cleared first.
 */
void mnemonic_encode(const uint8_t entropy[MNEMONIC_ENTROPY_LEN],
                     struct secret *out);

/* Reads 24 words. Any mix of spaces, tabs and line ends may separate and
 * surround them; upper case is accepted.
 *
 * out_entropy  written only on OK
 * out_issue    may be NULL; written always (MNEMONIC_FINE on OK)
 *
 * ERR_TOO_LARGE when text is longer than MNEMONIC_INPUT_MAX, then ERR_MNEMONIC
 * for the wrong count, an unknown word (the first one), the wrong checksum. */
MUST_USE enum err mnemonic_decode(struct bytes text,
                                  uint8_t out_entropy[MNEMONIC_ENTROPY_LEN],
                                  struct mnemonic_issue *out_issue);

/* The seed of the words of `entropy`: PBKDF2-HMAC-SHA512, 2048 rounds, salt
 * "mnemonic" and passphrase (empty: none). Takes a few milliseconds.
 *
 * out_seed  lent guarded memory; on OK holds MNEMONIC_SEED_LEN bytes
 *
 * ERR_TOO_LARGE for a passphrase above MNEMONIC_PASSPHRASE_MAX; ERR_RANGE for
 * one with a byte outside printable ASCII: BIP39 wants Unicode normalised, and
 * two keyboards that disagree would lose the money. ERR_NOMEM. */
MUST_USE enum err mnemonic_seed(const uint8_t entropy[MNEMONIC_ENTROPY_LEN],
                                struct bytes passphrase,
                                struct secret *out_seed);

#endif
