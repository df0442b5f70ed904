#ifndef TESTS_UNIT_LAB_DATA_H
#define TESTS_UNIT_LAB_DATA_H

/* Where data of others lies: $SUAN_DATA, else ../shared/data beside the
 * checkout. Tests that want it skip, and say so, where it is absent. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"

static inline void data_path(const char *name, char out[4096])
{
    const char *home = getenv("SUAN_DATA");
    if (home != NULL)
        snprintf(out, 4096, "%s/%s", home, name);
    else
        snprintf(out, 4096, "%s/../shared/data/%s", SUAN_SOURCE_DIR, name);
}

/* False: there is no such file. The caller frees *out. */
static inline bool data_read(const char *path, uint8_t **out, size_t *out_len)
{
    FILE *file = fopen(path, "rb");
    long size;
    if (file == NULL)
        return false;
    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    *out = malloc((size_t)size + 1);
    *out_len = *out == NULL ? 0 : fread(*out, 1, (size_t)size, file);
    fclose(file);
    return *out != NULL && *out_len == (size_t)size;
}

#endif
