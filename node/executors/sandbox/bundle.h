#ifndef NODE_EXECUTORS_SANDBOX_BUNDLE_H
#define NODE_EXECUTORS_SANDBOX_BUNDLE_H

/* config.json: the container as the runtime is to make it. Every lock of
 * docs/executors.md, "What a job is kept from", that the runtime turns is
 * written here. Pure. */

#include "node/executors/sandbox/spec.h"

#include <jansson.h>
#include <stdbool.h>

struct bundle {
    const struct spec *spec;
    const char *stage;        /* stage root, "/mnt" */
    const char *cgroups_path; /* for a runtime that insists; or NULL */
    uint32_t uid, gid;        /* what 0 becomes, as the runtime sees ids */
    uint64_t nofile_max;      /* our own hard limit */
};

#define BUNDLE_UID 1000u /* whom the job runs as, inside */

/* Given; NULL when out of memory. */
json_t *bundle_config(const struct bundle *bundle);

#endif
