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

/* The disk alone, quickly. */
struct sensed_disk {
    uint64_t total_mib;
    uint64_t free_mib; /* for this process */
};
/* Of the file system that holds `dir`. ERR_IO. */
MUST_USE enum err sense_disk(const char *dir, struct sensed_disk *out);

/* What is left free for the node's own records and the chain when nothing else
 * was configured: a twentieth of the disk, at least 1 GiB and at most 10 GiB,
 * but never more than an eighth. Pure. */
uint64_t sense_disk_reserve_mib(uint64_t total_mib);

/* Is the disk too short to sell? From below the reserve on, until there is a
 * quarter more than it: a disk at the edge does not flap. Pure. */
bool sense_disk_short(bool was_short, uint64_t free_mib, uint64_t reserve_mib);

/* What is said in public of a figure that moves all the time: never more than
 * `now`, down at once, up only after two steps, else what was said before.
 * step > 0. Pure. */
uint64_t sense_disk_said(uint64_t said_mib, uint64_t now_mib,
                         uint64_t step_mib);

#endif
