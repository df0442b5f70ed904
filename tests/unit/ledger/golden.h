#ifndef TESTS_UNIT_LEDGER_GOLDEN_H
#define TESTS_UNIT_LEDGER_GOLDEN_H

/* Bytes of tests/vectors/ledger.hex by name. Include after cmocka.h. */

#include "base/bytes.h"
#include "base/hash.h"

#include <stdio.h>
#include <string.h>

/* Fills out; fails the test when there is no such vector. */
static inline void golden(const char *name, struct buf *out)
{
    static char line[32768];
    static uint8_t raw[16384];
    size_t name_len = strlen(name);
    FILE *file = fopen(SUAN_SOURCE_DIR "/tests/vectors/ledger.hex", "r");
    assert_non_null(file);
    buf_init(out, sizeof(raw));
    while (fgets(line, sizeof(line), file) != NULL) {
        char *hex = line + name_len + 1;
        if (strncmp(line, name, name_len) != 0 || line[name_len] != ' ')
            continue;
        hex[strcspn(hex, "\n")] = 0;
        assert_true(strlen(hex) / 2 <= sizeof(raw));
        assert_int_equal(hex_decode(hex, raw, strlen(hex) / 2), OK);
        buf_add(out, bytes_make(raw, strlen(hex) / 2));
        fclose(file);
        return;
    }
    fclose(file);
    fail_msg("no vector called %s", name);
}

static inline void assert_golden(const char *name, struct bytes got)
{
    struct buf want;
    golden(name, &want);
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.ptr, want.ptr, want.len);
    buf_done(&want);
}

static inline void assert_golden_hash(const char *name, const struct hash *got)
{
    assert_golden(name, hash_as_bytes(got));
}

#endif
