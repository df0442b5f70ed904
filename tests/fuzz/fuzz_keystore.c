/* links: wallet base */

/* The text of a key store file: whatever it holds, it is refused or has exactly
 * one spelling, and its cost is within the limits. */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "wallet/keystore_codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The input as it is, and once more with a checksum that fits, so that the
 * fuzzer gets past it. */
static void decode(struct bytes text)
{
    struct keystore_file file;
    struct buf again;

    if (keystore_file_decode(text, &file) != OK)
        return;
    CHECK(keystore_cost_check(&file.cost) == OK);
    CHECK(keystore_label_check(file.label) == OK);
    buf_init(&again, KEYSTORE_FILE_MAX);
    keystore_file_encode(&file, &again);
    CHECK(bytes_equal(buf_bytes(&again), text));
    buf_done(&again);
}

static void decode_with_check(struct bytes text)
{
    static const char tail[] = "  \"check\": \"";
    size_t room = 64 + strlen("\"\n}\n");
    struct hash check;
    char hex[HASH_TEXT_MAX];
    uint8_t *copy;
    size_t at;

    if (text.len < strlen(tail) + room || text.len > KEYSTORE_FILE_MAX)
        return;
    at = text.len - room - strlen(tail);
    if (memcmp(text.ptr + at, tail, strlen(tail)) != 0)
        return;
    copy = malloc(text.len);
    if (copy == NULL)
        return;
    memcpy(copy, text.ptr, text.len);
    hash_bytes(HASH_TAG_KEYFILE, bytes_make(text.ptr, at), &check);
    hash_format(&check, hex);
    memcpy(copy + at + strlen(tail), hex, 64);
    decode(bytes_make(copy, text.len));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    decode(bytes_make(data, len));
    decode_with_check(bytes_make(data, len));
    return 0;
}
