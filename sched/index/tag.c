#include "sched/index/tag.h"

#include <string.h>

#include "base/check.h"
#include "base/limits.h"

#define NAME_MAX (2 * LIMIT_NAME)

uint64_t tag_bytes(const uint8_t key[SHORT_HASH_KEY_LEN], enum tag_kind kind,
                   struct bytes name)
{
    uint8_t input[1 + NAME_MAX];
    CHECK(name.len <= NAME_MAX);
    input[0] = (uint8_t)kind;
    if (name.len > 0)
        memcpy(input + 1, name.ptr, name.len);
    return short_hash(key, bytes_make(input, 1 + name.len));
}

/* Texts hold no zero, so the one between them keeps "a" "bc" from "ab" "c". */
uint64_t tag_text(const uint8_t key[SHORT_HASH_KEY_LEN], enum tag_kind kind,
                  const char *a, const char *b)
{
    char name[NAME_MAX];
    size_t first = strlen(a);
    size_t second = strlen(b);
    CHECK(first < LIMIT_NAME && second < LIMIT_NAME);
    memcpy(name, a, first + 1);
    memcpy(name + first + 1, b, second);
    return tag_bytes(key, kind, bytes_make(name, first + 1 + second));
}
