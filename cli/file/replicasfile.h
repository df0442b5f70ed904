#ifndef CLI_REPLICASFILE_H
#define CLI_REPLICASFILE_H

/* Candidates for the replicas of a redundant job, for suan sched replicas.
 *
 *   candidates:
 *     alder: 99%
 *     birch: {availability: 97%, price: 0.12, domain: north}
 *     cedar: {availability: 96%, price: 0.08, domain: north}
 *
 * A price is in credits (default: 0). Candidates of one domain fail together;
 * without one a candidate fails by itself. */

#include "cli/file/yamlfile.h"
#include "sched/avail/replicas.h"

struct replicasfile {
    uint32_t count;
    uint32_t domains;
    bool has_prices;
    struct replicas_candidate candidates[REPLICAS_CANDIDATES_MAX];
    char names[REPLICAS_CANDIDATES_MAX][YAMLFILE_NAME_MAX];
    char domain_names[REPLICAS_CANDIDATES_MAX][YAMLFILE_NAME_MAX]; /* id - 1 */
};

/* ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: what" in error[
 * YAMLFILE_ERROR_MAX]; ERR_NOMEM. The content is to be thrown away then. */
MUST_USE enum err replicasfile_parse(struct bytes text, const char *file_name,
                                     struct replicasfile *out, char *error);

#endif
