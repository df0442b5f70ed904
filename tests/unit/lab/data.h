#ifndef TESTS_UNIT_LAB_DATA_H
#define TESTS_UNIT_LAB_DATA_H

/* Where data that others recorded lies: $SUAN_DATA, or beside the checkout. It
 * is not part of the project; tests that need it skip where it is absent. */

#include <stdbool.h>
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

#endif
