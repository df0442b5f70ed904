#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *cond)
{
    /* Here alone a library speaks up and stops the program. */
    fprintf(stderr, "%s:%d: CHECK(%s) failed\n", /* lint: banned */
            file, line, cond);
    abort(); /* lint: banned */
}
