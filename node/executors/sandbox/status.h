#ifndef NODE_EXECUTORS_SANDBOX_STATUS_H
#define NODE_EXECUTORS_SANDBOX_STATUS_H

/* How a job stands: what job.status answers and status.json holds.
 *
 *     starting ──► running ──► finished
 *         └────────────────────────▲      (failed_to_start, killed, lost)
 *
 * The monitor of the job writes it, by rename; everybody else reads. */

#include "node/executors/sandbox/fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum phase { PHASE_STARTING, PHASE_RUNNING, PHASE_FINISHED };

enum reason {
    REASON_NONE,   /* not finished */
    REASON_EXIT,   /* the program ended by itself */
    REASON_SIGNAL, /* a signal nobody of us sent */
    REASON_TIME,   /* wall_ms was over */
    REASON_OOM,    /* the memory limit killed and the job failed */
    REASON_OUTPUT, /* stdout_max or stderr_max, with output_policy kill */
    REASON_DISK,   /* the job failed with its disk full */
    REASON_KILLED, /* job.kill */
    REASON_FAILED_TO_START,
    REASON_LOST, /* the monitor died: killed, as nobody watched its limits */
};

/* What the job has used; zeros until it runs. */
struct usage {
    uint64_t cpu_us; /* user and system, of all processes since the start */
    uint64_t cpu_user_us;
    uint64_t cpu_sys_us;
    uint64_t mem_now;  /* bytes */
    uint64_t mem_peak; /* bytes */
    uint64_t oom_kills;
    uint64_t throttled_us;
    uint64_t pids_refused; /* forks the pids limit refused */
};

struct status {
    enum phase phase;
    enum reason reason;
    int exit_code; /* -1 unless the program ended; 128+N: signal N */
    int signal;    /* 0: none */
    uint64_t created_at_ms, started_at_ms, finished_at_ms; /* since 1970 */
    uint64_t wall_ms;
    struct usage usage;
    uint64_t stdout_bytes, stderr_bytes; /* written by the job */
    uint64_t stdout_kept, stderr_kept;   /* held for job.logs */
    uint64_t disk_used;                  /* bytes of /job at the end */
    bool disk_full;
    char kill_reason[128]; /* as job.kill gave it */
    bool has_fail;
    struct fail fail; /* failed_to_start, lost */
};

const char *phase_name(enum phase phase);
const char *reason_name(enum reason reason);

/* Given; NULL when out of memory. */
json_t *status_encode(const struct status *status);
/* False when the object is not a status; then `out` is untouched. */
MUST_USE bool status_decode(const json_t *value, struct status *out);

/* The code of a program that init could not begin, as shells spell it: 127 when
 * there is none of that name, 126 when it cannot be run. 0: it did begin.
 *
 * said   all that came out of stderr of a job whose init ended with code 1 */
int status_not_begun(const char *said);

/* Settles exit_code, signal and reason of a job whose init gave this wait
 * status, when `forced` (REASON_NONE: nobody) is what made us end it. usage and
 * disk_full must be final. */
void status_settle(struct status *status, int wait_status, enum reason forced);

#endif
