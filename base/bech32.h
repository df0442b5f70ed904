#ifndef BASE_BECH32_H
#define BASE_BECH32_H

/* The letters and the checksum of bech32m (BIP 350): groups of five bits, each
 * a letter, and six groups of a BCH code over GF(32). Any four wrong letters of
 * up to 89 are caught for certain, any three of up to 1023, and others but for
 * one in 2^30. */

#include <stdint.h>

#define BECH32_CHECKSUM_LEN 6u
#define BECH32_RIGHT        0x2bc830a3u /* the sum of a whole text */

/* The state after the prefix and its '1'. prefix: lower case. */
uint32_t bech32_begin(const char *prefix);
/* Feeds one group (0..31). Feed the checksum's groups as well: the sum of what
 * is whole is BECH32_RIGHT. */
uint32_t bech32_step(uint32_t sum, uint8_t group);
/* Writes the six letters that make the text whole, and no zero. */
void bech32_end(uint32_t sum, char out[BECH32_CHECKSUM_LEN]);

char bech32_letter(uint8_t group); /* 0..31, CHECKed */
/* 0..31, or -1 for what is no letter; lower case only. */
int bech32_group(char letter);

#endif
