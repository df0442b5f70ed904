#ifndef NODE_EXECUTORS_SANDBOX_RUNTIME_H
#define NODE_EXECUTORS_SANDBOX_RUNTIME_H

/* The OCI runtime, another program, that turns a bundle into a container:
 * crun, or runc where crun does not work. It is used for three verbs only;
 * limits, metering and killing are ours (cgroup.h). */

#include "node/executors/sandbox/cgroup.h"
#include "node/executors/sandbox/stage.h"
#include "node/executors/sandbox/tool.h"

enum runtime_kind { RUNTIME_CRUN, RUNTIME_RUNC };

struct runtime {
    enum runtime_kind kind;
    char path[TOOL_PATH];
};

struct runtime_job {
    const struct stage *stage;
    const struct cgroup *group; /* the container is made inside it */
    const char *id;
    int out_fd, err_fd; /* the job's streams */
    int cancel_fd;      /* readable: give up; -1: none */
};

/* Whether it is installed. */
MUST_USE bool runtime_find(enum runtime_kind kind, struct runtime *out);
const char *runtime_name(enum runtime_kind kind);
/* "crun version 1.8.1", for people. */
void runtime_version(const struct runtime *runtime, char *out, size_t cap);

/* Makes the container; its init waits for runtime_start. `out_pid` becomes a
 * child of the caller, who must be a subreaper. ERR_CANCELLED: cancel_fd. */
MUST_USE enum err runtime_create(const struct runtime *runtime,
                                 const struct runtime_job *job, pid_t *out_pid,
                                 struct fail *fail);
MUST_USE enum err runtime_start(const struct runtime *runtime,
                                const struct runtime_job *job,
                                struct fail *fail);
/* Forgets the container, whose processes are gone. */
void runtime_delete(const struct runtime *runtime,
                    const struct runtime_job *job);

#endif
