#ifndef CLI_SERVICEFILE_H
#define CLI_SERVICEFILE_H

/* The instances of a service, for suan sched select.
 *
 *   peers: 4
 *   delay_us: 20000
 *   instances:
 *     alder: {rtt_us: 400, service_us: 1000, in_flight: 3}
 *     birch: {rtt_us: 9000, service_us: 800, load_permille: 350, slots: 4}
 *     cedar: {rtt_us: 700, score: 8}
 *
 * All but the names may be left out: then it is not known. `source` (of
 * service_us; default: directly measured) and `flows` (begun there since it was
 * told of) may be said of an instance, too. */

#include "cli/file/yamlfile.h"
#include "sched/cfn/select.h"

#define SERVICEFILE_FLOWS_MAX 10000u

struct servicefile_instance {
    char name[YAMLFILE_NAME_MAX];
    struct metrics metrics;
    bool has_rtt;
    uint32_t rtt_us;
    uint32_t flows;
};

struct servicefile {
    uint32_t peers;    /* >= 1 */
    uint32_t delay_us; /* 0: no bound */
    uint32_t count;    /* >= 1 */
    struct servicefile_instance instances[SERVICE_INSTANCES_MAX];
};

/* ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: what" in error[
 * YAMLFILE_ERROR_MAX]; ERR_NOMEM. The content is to be thrown away then. */
MUST_USE enum err servicefile_parse(struct bytes text, const char *file_name,
                                    struct servicefile *out, char *error);

/* Tells a table of the instances: the i-th has i in its instance id, as u32 LE,
 * and its flows are begun. The service's id is zeroes; the moment is 0. Given:
 * service_table_done. ERR_NOMEM. */
MUST_USE enum err servicefile_tell(const struct servicefile *file,
                                   struct service_table *out);

#endif
