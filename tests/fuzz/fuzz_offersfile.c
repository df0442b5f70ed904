/* links: suan_cli */
/* Offers from anywhere: read or refused with their line, and what was read
 * makes a set that a solver takes. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/offersfile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct offersfile *file = malloc(sizeof(*file));
    char error[YAMLFILE_ERROR_MAX];
    struct offerset set;
    enum err err;
    CHECK(file != NULL);
    err = offersfile_parse(bytes_make(data, len), "f", file, error);
    if (err == OK) {
        CHECK(offersfile_offers(file, &set) == OK);
        CHECK(set.count == file->offer_count && set.count > 0);
        for (uint32_t i = 0; i < file->input_count; i++)
            CHECK(file->inputs[i].zones != 0);
        offerset_done(&set);
    }
    CHECK(err == OK || err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    free(file);
    return 0;
}
