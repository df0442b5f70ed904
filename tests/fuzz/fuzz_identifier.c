/* links: sched base */
/* An identifier from anywhere, as text and as bytes: what is read is written
 * again as it came. */

#include "base/check.h"
#include "sched/meter/identifier.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void text_again(const char *text)
{
    struct identifier id;
    struct arena arena;
    char again[IDENTIFIER_TEXT_MAX];
    char path[IDENTIFIER_PATH_MAX];
    arena_init(&arena, 64u * 1024);
    if (identifier_parse(text, &arena, &id) == OK) {
        CHECK(identifier_format(&id, again) == OK);
        CHECK(strcasecmp(again, text) == 0);
        identifier_path(&id, path);
        CHECK(identifier_has_prefix(&id, path));
    }
    arena_done(&arena);
}

static void bytes_again(struct bytes bytes)
{
    struct identifier id;
    struct arena arena;
    struct buf again;
    char text[IDENTIFIER_TEXT_MAX];
    arena_init(&arena, 64u * 1024);
    buf_init(&again, IDENTIFIER_BYTES_MAX);
    if (identifier_decode(bytes, &arena, &id) == OK) {
        CHECK(identifier_encode(&id, &again) == OK);
        CHECK(bytes_equal(buf_bytes(&again), bytes));
        CHECK(identifier_format(&id, text) == OK);
        text_again(text);
    }
    buf_done(&again);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char text[IDENTIFIER_TEXT_MAX + 8];
    bytes_again(bytes_make(data, len));
    if (len >= sizeof(text))
        len = sizeof(text) - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    text_again(text);
    return 0;
}
