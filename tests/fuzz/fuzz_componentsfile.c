/* links: suan_cli */
/* Components from anywhere: read or refused with their line; what was read is
 * cut or refused, and what is cut passes the checker. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/componentsfile.h"
#include "sched/cut/decompose_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void a_cut_holds(const struct componentsfile *file)
{
    struct decompose_options options = {1, 2, 4};
    struct cut_case cut = {&file->graph, &file->places,
                           file->places.devices ? 7 : 3};
    struct decomposition d;
    struct cut_fault fault;
    enum err err;
    if (file->component_count > 64)
        return; /* the time of one input */
    err = decompose(&cut, &options, &d, &fault);
    CHECK(err == OK || err == ERR_CAPACITY);
    if (err == ERR_CAPACITY) {
        CHECK(fault.component < file->component_count && fault.members > 0);
        return;
    }
    CHECK(decompose_check(&cut, &d) == OK);
    decomposition_done(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct componentsfile *file = malloc(sizeof(*file));
    char error[YAMLFILE_ERROR_MAX];
    enum err err;
    CHECK(file != NULL);
    err = componentsfile_parse(bytes_make(data, len), "f", file, error);
    if (err == OK) {
        a_cut_holds(file);
        componentsfile_done(file);
    }
    CHECK(err == OK || err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    free(file);
    return 0;
}
