/* links: suan_cli */
/* A graph's file from anywhere: read or refused with its line, and what was
 * read is a graph but for its requests' ids. */

#include "cli/file/graphfile.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void is_a_graph(struct graphfile *file)
{
    uint64_t tails[GRAPH_PARTS_MAX];
    for (uint32_t i = 0; i < file->graph.part_count; i++)
        file->graph.parts[i].request.b[0] = 1;
    CHECK(graph_form(&file->graph) == OK);
    graphfile_tails(file, tails);
    for (uint32_t i = 0; i < file->graph.part_count; i++)
        CHECK(!file->has_deadline || tails[i] < file->deadline_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct graphfile file;
    char error[YAMLFILE_ERROR_MAX];
    enum err err;
    (void)graphfile_is(bytes_make(data, len));
    err = graphfile_parse(bytes_make(data, len), "f", "/base", &file, error);
    if (err == OK)
        is_a_graph(&file);
    else
        CHECK(err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    graphfile_done(&file);
    return 0;
}
