#ifndef NODE_EXECUTORS_SANDBOX_RECORD_H
#define NODE_EXECUTORS_SANDBOX_RECORD_H

/* What a monitor leaves in the job's directory so that whoever comes after it
 * can meter and end the job without it. Written before anything is started.
 *
 *     jobs/ID/job.json      the plan (plan.h), by the front end
 *             status.json   how it stands (status.h), by the monitor
 *             run.json      this record, by the monitor
 *             lock          held by the monitor as long as it lives
 *             kill          why it is to be ended, by the front end
 *             live          running totals of the streams, by the monitor
 *             stdout stderr what was kept of them
 *             volume.img    its disk; or saved/, out of a tmpfs
 *             monitor.log   what the monitor had to say */

#include "node/executors/sandbox/cgroup.h"

#define RECORD_FILE "run.json"
#define STATUS_FILE "status.json"
#define LOCK_FILE   "lock"
#define KILL_FILE   "kill"
#define LIVE_FILE   "live"
#define SAVED_DIR   "saved"

struct record {
    struct cgroup group;
    struct usage base;        /* of the group when the job was started */
    uint64_t started_boot_ms; /* 0: not yet */
    pid_t init_pid;           /* for people; never signalled by number */
    int loop;                 /* -1: none */
};

MUST_USE bool record_write(int job_fd, const struct record *record);
MUST_USE bool record_read(int job_fd, struct record *out);

/* The group's figures since the start of the job. */
void record_meter(const struct record *record, struct usage *out);

/* Totals of the streams, in a file both sides map. */
struct live {
    uint64_t bytes[2]; /* stdout, stderr: written by the job */
    uint64_t kept[2];
};

MUST_USE bool live_read(int job_fd, struct live *out);

#endif
