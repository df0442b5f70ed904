#ifndef NODE_EXECUTORS_SANDBOX_SERVER_H
#define NODE_EXECUTORS_SANDBOX_SERVER_H

/* The front end: reads requests from the node, answers them, tells it what
 * changes. It holds nothing that matters: jobs belong to their monitors and
 * images to the disk, so it can be killed at any moment and started again.
 *
 *     stdin ─► server ─► methods ─► jobs ──► monitors (a process per job)
 *     stdout ◄───┘           └────► tasks ─► workers  (a process per slow
 *                                                      request) */

#include "node/executors/sandbox/doctor.h"
#include "node/executors/sandbox/image.h"
#include "node/executors/sandbox/rpc.h"

#include "base/bytes.h"

#include <stdbool.h>

#define SERVER_JOBS_MAX    1024u
#define SERVER_TASKS_MAX   64u /* slow requests, running or waiting */
#define SERVER_WORKERS_MAX 4u  /* of them running at once */
#define SERVER_OUT_MAX     (16u * 1024 * 1024)
#define SERVER_ANSWER_MAX  (900u * 1024) /* a worker's answer */

struct server;

/* What a worker does, in a process of its own: the result, given, or NULL with
 * `fail` set. */
typedef json_t *task_work(const struct server *server, json_t *params,
                          struct fail *fail);

struct task {
    bool used;
    json_t *id; /* of the request; NULL: nobody waits */
    json_t *params;
    task_work *work;
    pid_t pid; /* 0: waiting for a free worker */
    int pipe_fd;
    struct buf answer;
};

struct job {
    bool used;
    char id[SPEC_ID_MAX + 1];
    char rootfs[DIR_PATH]; /* of its image; "" once finished and reloaded */
    enum phase phase;
    int monitor_fd;  /* pidfd; -1: none */
    pid_t child;     /* to reap; 0: not our child */
    int watch;       /* inotify; -1: none */
    int recoveries;  /* how often a dead monitor was replaced */
    bool output;     /* told of by the next tick */
    json_t *starter; /* the id of a job.start still to be answered */
};

struct server_options {
    char state[DIR_PATH]; /* absolute */
    uint32_t jobs_max;
    uint64_t reserve_mib; /* of the disk: neither for jobs nor images */
    struct oci_limits image;
};

struct server {
    struct server_options options;
    struct doctor doctor;
    struct job jobs[SERVER_JOBS_MAX];
    struct task tasks[SERVER_TASKS_MAX];
    int epoll_fd, inotify_fd, beat_fd, tick_fd, signal_fd;
    struct buf in, out;
    bool in_open, in_plain; /* plain: a file, always readable */
    bool in_paused, out_armed, skipping;
    bool out_broken; /* nobody reads us any more */
    bool stop;
};

/* Serves until stdin ends or SIGTERM; the exit code. */
int server_main(const struct server_options *options);

/* -- server.c: telling -------------------------------------------------------
 */
void server_send(struct server *server, json_t *message); /* taken */
/* The same, dropped when the reader is slow. */
void server_notify(struct server *server, const char *method, json_t *params);
bool server_watch(const struct server *server, int fd, uint64_t tag);

/* -- methods.c: one request ---------------------------------------------------
 */
void methods_handle(struct server *server, struct rpc_request *request);

/* -- jobs.c: the table
 * ---------------------------------------------------------- */
/* Finds what runs and what has ended since; ends what nobody watches. */
void jobs_load(struct server *server);
/* Reads the status again; tells the node if it changed. */
void jobs_refresh(struct server *server, struct job *job);
struct job *jobs_find(struct server *server, const char *id);
bool jobs_path(const struct server *server, const char *id, char *out);
/* Starts a monitor; `starter` (taken) is answered when it is known to run. */
MUST_USE enum err jobs_start(struct server *server, const struct plan *plan,
                             json_t *starter, struct fail *fail);
MUST_USE enum err jobs_kill(struct server *server, struct job *job,
                            const char *why, struct fail *fail);
/* Forgets a finished job; its directory is in `out_trash` then. */
MUST_USE enum err jobs_remove(struct server *server, struct job *job,
                              char *out_trash, struct fail *fail);
void jobs_on_monitor(struct server *server, struct job *job);
void jobs_on_inotify(struct server *server);
void jobs_on_tick(struct server *server);
/* Whether an unfinished job lives in this root directory. */
bool jobs_use(const struct server *server, const char *rootfs);
size_t jobs_running(const struct server *server);
size_t jobs_starting(const struct server *server);

/* -- tasks.c: slow requests
 * ------------------------------------------------------ */
/* Queues it; id and params are taken. ERR_BUSY when too many wait. */
MUST_USE enum err tasks_add(struct server *server, json_t *id, json_t *params,
                            task_work *work, struct fail *fail);
void tasks_on_pipe(struct server *server, struct task *task);
size_t tasks_open(const struct server *server);
void tasks_abandon(struct server *server);

/* -- work.c: what workers do
 * ----------------------------------------------------- */
task_work work_image_add, work_collect, work_doctor, work_trash;

/* Tags of the event loop: a kind above, an index below. */
enum tag {
    TAG_IN = 1,
    TAG_OUT,
    TAG_BEAT,
    TAG_TICK,
    TAG_INOTIFY,
    TAG_SIGNAL,
    TAG_MONITOR,
    TAG_TASK
};
#define TAG(kind, index) (((uint64_t)(kind) << 32) | (uint32_t)(index))

#endif
