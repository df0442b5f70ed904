#include "base/address.h"

#include <string.h>

#include "base/bech32.h"
#include "base/check.h"

#define DATA_LEN     52 /* 256 bits and four bits of padding */
#define CHECKSUM_LEN BECH32_CHECKSUM_LEN

_Static_assert(sizeof(ADDRESS_PREFIX_TEST) + 1 + DATA_LEN + CHECKSUM_LEN <=
                   ADDRESS_TEXT_MAX,
               "the longest address fits");

/* Five bits of the key from bit 5 * index on; zeros past its end. */
static uint8_t group_get(const struct pubkey *key, size_t index)
{
    size_t bit = 5 * index;
    unsigned pair = (unsigned)key->b[bit / 8] << 8;
    if (bit / 8 + 1 < sizeof(key->b))
        pair |= key->b[bit / 8 + 1];
    return (uint8_t)(pair >> (11 - bit % 8) & 31);
}

static void group_put(struct pubkey *key, size_t index, uint8_t group)
{
    size_t bit = 5 * index;
    unsigned pair = (unsigned)group << (11 - bit % 8);
    key->b[bit / 8] |= (uint8_t)(pair >> 8);
    if (bit / 8 + 1 < sizeof(key->b))
        key->b[bit / 8 + 1] |= (uint8_t)pair;
}

void address_format(const char *prefix, const struct pubkey *key,
                    char out[ADDRESS_TEXT_MAX])
{
    uint32_t sum;
    size_t len = strlen(prefix);

    CHECK(strcmp(prefix, ADDRESS_PREFIX_MAIN) == 0 ||
          strcmp(prefix, ADDRESS_PREFIX_TEST) == 0);
    memcpy(out, prefix, len);
    out[len++] = '1';
    sum = bech32_begin(prefix);
    for (size_t i = 0; i < DATA_LEN; i++) {
        uint8_t group = group_get(key, i);
        sum = bech32_step(sum, group);
        out[len++] = bech32_letter(group);
    }
    bech32_end(sum, out + len);
    len += CHECKSUM_LEN;
    out[len] = 0;
}

/* Copies `text` in lower case; false when too long or of mixed case. */
static bool lower_copy(const char *text, char out[ADDRESS_TEXT_MAX])
{
    bool has_upper = false;
    bool has_lower = false;
    size_t len = strlen(text);

    if (len >= ADDRESS_TEXT_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        char c = text[i];
        if (c >= 'A' && c <= 'Z') {
            has_upper = true;
            c = (char)(c - 'A' + 'a');
        } else if (c >= 'a' && c <= 'z') {
            has_lower = true;
        }
        out[i] = c;
    }
    return !(has_upper && has_lower);
}

/* The constant that `text` begins with, followed by '1', or NULL. */
static const char *prefix_of(const char *text)
{
    static const char *const known[] = {ADDRESS_PREFIX_MAIN,
                                        ADDRESS_PREFIX_TEST};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t len = strlen(known[i]);
        if (strncmp(text, known[i], len) == 0 && text[len] == '1')
            return known[i];
    }
    return NULL;
}

/* Reads data and checksum; `sum` is the state after the prefix. */
static enum err data_parse(const char *data, uint32_t sum, struct pubkey *out)
{
    struct pubkey key = {{0}};
    uint8_t last = 0;

    if (strlen(data) != DATA_LEN + CHECKSUM_LEN)
        return ERR_ADDRESS;
    for (size_t i = 0; i < DATA_LEN + CHECKSUM_LEN; i++) {
        int group = bech32_group(data[i]);
        if (group < 0)
            return ERR_ADDRESS;
        last = (uint8_t)group;
        sum = bech32_step(sum, last);
        if (i < DATA_LEN)
            group_put(&key, i, last);
        if (i == DATA_LEN - 1 && (last & 15) != 0)
            return ERR_ADDRESS; /* the padding has one spelling */
    }
    if (sum != BECH32_RIGHT)
        return ERR_ADDRESS;
    *out = key;
    return OK;
}

enum err address_parse(const char *text, const char **out_prefix,
                       struct pubkey *out_key)
{
    char lower[ADDRESS_TEXT_MAX] = {0};
    const char *prefix;

    CHECK(text != NULL);
    if (!lower_copy(text, lower))
        return ERR_ADDRESS;
    prefix = prefix_of(lower);
    if (prefix == NULL)
        return ERR_ADDRESS;
    TRY(data_parse(lower + strlen(prefix) + 1, bech32_begin(prefix), out_key));
    if (out_prefix != NULL)
        *out_prefix = prefix;
    return OK;
}
