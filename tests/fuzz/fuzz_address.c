/* links: base */

/* The input as text: refused, or its key prints as the same text in lower case.
 * The input as a key: prints and reads as itself. */

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/check.h"

static void text_round(const uint8_t *data, size_t len)
{
    char *text = malloc(len + 1);
    char again[ADDRESS_TEXT_MAX];
    const char *prefix;
    struct pubkey key;

    CHECK(text != NULL);
    memcpy(text, data, len);
    text[len] = 0;
    if (address_parse(text, &prefix, &key) == OK) {
        for (char *c = text; *c != 0; c++)
            *c = (char)tolower((unsigned char)*c);
        address_format(prefix, &key, again);
        CHECK(strcmp(text, again) == 0);
    }
    free(text);
}

static void key_round(const uint8_t *data, const char *prefix)
{
    char text[ADDRESS_TEXT_MAX];
    const char *prefix_back;
    struct pubkey key;
    struct pubkey back;

    memcpy(key.b, data, sizeof(key.b));
    address_format(prefix, &key, text);
    CHECK(address_parse(text, &prefix_back, &back) == OK);
    CHECK(strcmp(prefix, prefix_back) == 0 && pubkey_equal(&key, &back));
    /* One wrong character never passes. */
    text[strlen(prefix) + 1 + data[0] % 58] ^= 1;
    CHECK(address_parse(text, NULL, &back) == ERR_ADDRESS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    text_round(data, len);
    if (len >= 32) {
        key_round(data, ADDRESS_PREFIX_MAIN);
        key_round(data, ADDRESS_PREFIX_TEST);
    }
    return 0;
}
