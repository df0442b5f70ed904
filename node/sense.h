#ifndef NODE_SENSE_H
#define NODE_SENSE_H

/* What this machine has: read from the kernel, honouring the limits this
 * process itself runs under (affinity, memory cgroup). */

#include "sched/resources.h"

struct sensed {
    enum arch arch;
    uint32_t cpus;         /* cores this process may use */
    uint64_t mem_mib;      /* total, or the cgroup's limit if smaller */
    uint64_t mem_free_mib; /* available now */
    uint64_t disk_mib;     /* of the file system that holds `dir` */
    uint64_t disk_free_mib;
    char cpu_model[64]; /* for people; "" when unknown */
    char host[64];
};

/* dir: where jobs and blobs live. ERR_IO when /proc cannot be read. */
MUST_USE enum err sense_read(const char *dir, struct sensed *out);

#endif
