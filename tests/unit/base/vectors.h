#ifndef TESTS_UNIT_BASE_VECTORS_H
#define TESTS_UNIT_BASE_VECTORS_H

/* Reads tests/vectors: lines of `name hex`, `-` for no bytes, `#` comments.
 * Include after cmocka.h. */

#include "base/bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VECTOR_BYTES_MAX 1024

struct vector {
    char name[256];
    uint8_t raw[VECTOR_BYTES_MAX];
    struct bytes bytes; /* points into raw */
};

typedef void vector_fn(const struct vector *vector);

static inline void vector_read(char *line, struct vector *out)
{
    char *hex = strchr(line, ' ');
    size_t len;
    assert_non_null(hex);
    *hex++ = 0;
    hex[strcspn(hex, "\n")] = 0;
    if (strcmp(hex, "-") == 0)
        *hex = 0;
    len = strlen(hex) / 2;
    assert_true(len <= VECTOR_BYTES_MAX && strlen(line) < sizeof(out->name));
    snprintf(out->name, sizeof(out->name), "%s", line);
    assert_int_equal(hex_decode(hex, out->raw, len), OK);
    out->bytes = bytes_make(out->raw, len);
}

/* Calls `each` for every vector; an empty file fails. */
static inline void vectors_each(const char *file_name, vector_fn *each)
{
    char path[1024];
    char line[4096];
    size_t count = 0;
    FILE *file;

    snprintf(path, sizeof(path), "%s/tests/vectors/%s", SUAN_SOURCE_DIR,
             file_name);
    file = fopen(path, "r");
    if (file == NULL)
        fail_msg("cannot open %s", path);
    while (fgets(line, sizeof(line), file) != NULL) {
        struct vector vector;
        if (line[0] == '#')
            continue;
        vector_read(line, &vector);
        each(&vector);
        count++;
    }
    fclose(file);
    assert_true(count > 0);
}

#endif
