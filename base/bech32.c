#include "base/bech32.h"

#include "base/check.h"

#include <string.h>

static const char charset[] = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";

/* The remainder modulo the generator. */
uint32_t bech32_step(uint32_t sum, uint8_t group)
{
    static const uint32_t generator[5] = {0x3b6a57b2u, 0x26508e6du, 0x1ea119fau,
                                          0x3d4233ddu, 0x2a1462b3u};
    uint32_t top = sum >> 25;
    sum = (sum & 0x1ffffffu) << 5 ^ group;
    for (unsigned i = 0; i < 5; i++) {
        if (top >> i & 1)
            sum ^= generator[i];
    }
    return sum;
}

/* The prefix' high bits, a zero, its low bits. */
uint32_t bech32_begin(const char *prefix)
{
    uint32_t sum = 1;
    for (const char *c = prefix; *c != 0; c++)
        sum = bech32_step(sum, (uint8_t)*c >> 5);
    sum = bech32_step(sum, 0);
    for (const char *c = prefix; *c != 0; c++)
        sum = bech32_step(sum, (uint8_t)*c & 31);
    return sum;
}

void bech32_end(uint32_t sum, char out[BECH32_CHECKSUM_LEN])
{
    for (unsigned i = 0; i < BECH32_CHECKSUM_LEN; i++)
        sum = bech32_step(sum, 0);
    sum ^= BECH32_RIGHT;
    for (unsigned i = 0; i < BECH32_CHECKSUM_LEN; i++)
        out[i] = charset[sum >> (25 - 5 * i) & 31];
}

char bech32_letter(uint8_t group)
{
    CHECK(group < 32);
    return charset[group];
}

int bech32_group(char letter)
{
    const char *found = letter != '\0' ? strchr(charset, letter) : NULL;
    return found != NULL ? (int)(found - charset) : -1;
}
