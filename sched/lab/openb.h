#ifndef SCHED_LAB_OPENB_H
#define SCHED_LAB_OPENB_H

/* The trace of a cluster with shared accelerators, as the files of the "openb"
 * family state it (alibaba/clusterdata, cluster-trace-gpu-v2023): a list of
 * nodes and a list of pods, both comma-separated with the columns named in the
 * first line.
 *
 *   nodes  cpu_milli, memory_mib; gpu (how many, 0 or empty for none), model
 *          (what they are); disk_mib
 *   pods   cpu_milli, memory_mib; num_gpu, gpu_milli (of each, 1..1000; empty
 *          or 0 with a num_gpu is a whole one), gpu_spec (models it may run on,
 *          with '|' between them; empty is any); disk_mib
 *
 * cpu_milli and memory_mib must be there, the rest may be missing. Other
 * columns, such as names and times, are not read. */

#include "sched/fleet/fleet.h"
#include "sched/lab/lab_file.h"

#define OPENB_NODES_MAX     1000000u
#define OPENB_PODS_MAX      10000000u
#define OPENB_MODEL_LEN_MAX 63u

struct openb {
    struct machine *machines;
    uint32_t machine_count;
    struct ask *asks;
    uint32_t ask_count;
    /* Names of models by number; 0 is not used. A model that only pods name is
     * in it, too. */
    char models[MODEL_MAX + 1][OPENB_MODEL_LEN_MAX + 1];
    uint32_t model_count;
};

/* Reads both files. The texts are lent until it returns; the names are for
 * messages.
 *
 * out     given: openb_done
 * error   on failure "FILE:LINE: what is wrong"; untouched on OK
 *
 * ERR_PARSE, ERR_RANGE (more than 16 devices or MODEL_MAX models, a share above
 * 1000), ERR_TOO_LARGE, ERR_NOMEM. */
MUST_USE enum err openb_parse(struct bytes nodes, const char *nodes_name,
                              struct bytes pods, const char *pods_name,
                              struct openb *out, char error[LAB_ERROR_MAX]);
/* The same from files, plain or packed; also the errors of lab_file_read. */
MUST_USE enum err openb_read(const char *nodes_path, const char *pods_path,
                             struct openb *out, char error[LAB_ERROR_MAX]);
void openb_done(struct openb *openb); /* safe on a zeroed struct */

#endif
