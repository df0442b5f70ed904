#ifndef NODE_EXECUTORS_SANDBOX_MONITOR_H
#define NODE_EXECUTORS_SANDBOX_MONITOR_H

/* The process that stands by one job: it puts the container up, reads its
 * streams, keeps its time, meters it and ends it. It has a session of its own
 * and needs nobody: when the front end or the node dies, it goes on, and what
 * it learns is in the job's directory (record.h). */

#include "node/executors/sandbox/plan.h"
#include "node/executors/sandbox/record.h"
#include "node/executors/sandbox/stage.h"

#define STREAMS 2u

struct monitor {
    int job_fd; /* the job's directory */
    struct plan plan;
    struct record record;
    struct status status;
    struct idrange range;
    struct stage stage;
    struct volume volume;
    bool staged; /* the volume is mounted */
    struct live *live;
    int read_fd[STREAMS];  /* our end of the pipes, -1: at its end */
    int write_fd[STREAMS]; /* the job's, until it has it */
    int log_fd[STREAMS];
    int init_fd;   /* pidfd, -1: not started */
    int signal_fd; /* SIGTERM: end the job */
    int timer_fd;
    int epoll_fd;
    enum reason forced; /* why we are ending it */
};

/* Runs the job of this directory to its end, or, if `recover`, ends and books a
 * job whose monitor died. The exit code: 0 when status.json says finished. */
int monitor_main(const char *job_dir, bool recover);

/* launch.c: everything up to the job's first instruction. On failure what was
 * made is still there for monitor_clear. */
MUST_USE enum err monitor_launch(struct monitor *monitor, struct fail *fail);

/* Ends every process of the job at once. */
void monitor_slay(struct monitor *monitor);
/* Books the disk, and gives back all that the job held of this machine. */
void monitor_clear(struct monitor *monitor);
/* Writes status.json. */
void monitor_tell(struct monitor *monitor);

#endif
