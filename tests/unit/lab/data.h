#ifndef TESTS_UNIT_LAB_DATA_H
#define TESTS_UNIT_LAB_DATA_H

/* Where data that others recorded lies: $SUAN_DATA, or beside the checkout. It
 * is not part of the project; tests that need it skip where it is absent. */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DATA_PATH_MAX 4096

/* The path of a file of it; false where it is not there. */
static inline bool data_path(const char *name, char out[DATA_PATH_MAX])
{
    const char *home = getenv("SUAN_DATA");
    if (home == NULL)
        home = SUAN_SOURCE_DIR "/../shared/data";
    snprintf(out, DATA_PATH_MAX, "%s/%s", home, name);
    return access(out, R_OK) == 0;
}

/* All of a file of it; false where it is not there. The caller frees *out. */
static inline bool data_read(const char *name, uint8_t **out, size_t *out_len)
{
    char path[DATA_PATH_MAX];
    FILE *file = data_path(name, path) ? fopen(path, "rb") : NULL;
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
