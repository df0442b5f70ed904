#ifndef NODE_EXECUTORS_SANDBOX_CGROUP_H
#define NODE_EXECUTORS_SANDBOX_CGROUP_H

/* Control groups: what limits a job, meters it, and ends it.
 *
 * A home is the place on this machine where we may make groups: below the
 * group this process itself is in. In it stands one group for this state
 * directory ("suan-<8 hex>"), and in that one group per job. No runtime touches
 * them: the runtime is started inside, so limits and figures outlive it.
 *
 * Version 1 (also beside an empty version 2 mount, "hybrid") has one tree per
 * controller; version 2 has one tree. Both are handled; a machine that splits
 * memory, cpu and pids over the two is refused. */

#include "node/executors/sandbox/dir.h"
#include "node/executors/sandbox/fail.h"
#include "node/executors/sandbox/status.h"

enum cg_kind {
    CG_MEMORY,
    CG_CPU,
    CG_CPUACCT,
    CG_PIDS,
    CG_FREEZER, /* version 1 only; without it the pid namespace's init is all */
    CG_DEVICES, /* version 1 only */
    CG_KINDS
};

/* Directories, one per controller; several may be the same, "" is absent. The
 * same struct is a home, an instance in it, and a job in that. */
struct cgroup {
    int version; /* 1, 2; 0: none */
    char dir[CG_KINDS][DIR_PATH];
};

struct cg_limits {
    uint64_t cpu_milli;
    uint64_t mem_bytes;
    uint64_t pids_max;
    char *const *devices; /* paths of the host; lent */
    size_t devicec;
};

/* Reads the texts of /proc/self/mountinfo and /proc/self/cgroup. Pure. The home
 * may lack controllers: cg_check says which. `out_hybrid`, which may be NULL,
 * receives where an additional version 2 tree is mounted, or "". */
void cg_find(const char *mountinfo, const char *self, struct cgroup *out,
             char *out_hybrid, size_t cap);

/* cg_find on the real files. On a version 2 machine the home is a place whose
 * controllers can be handed down; this may move the calling process, and those
 * beside it, into a group "suan-sup" of their own. `root`: we are uid 0.
 * out_hybrid: as in cg_find. */
MUST_USE enum err cg_home(bool root, struct cgroup *out, char *out_hybrid,
                          size_t cap, struct fail *fail);

/* Whether jobs can be limited below the home: tries it, with a group of its
 * own. */
MUST_USE enum err cg_check(const struct cgroup *home, struct fail *fail);

/* The group `name` in `parent`: names only, nothing is made. */
MUST_USE enum err cg_child(const struct cgroup *parent, const char *name,
                           struct cgroup *out, struct fail *fail);

/* Makes the groups; existing ones are fine. */
MUST_USE enum err cg_make(const struct cgroup *group, struct fail *fail);
/* Hands the controllers down to children (version 2; nothing to do on 1). */
MUST_USE enum err cg_delegate(const struct cgroup *group, struct fail *fail);

/* Memory, pids and devices; and the cpu share, set apart because what is
 * started before the job should not be throttled. */
MUST_USE enum err cg_limit(const struct cgroup *group,
                           const struct cg_limits *limits, struct fail *fail);
MUST_USE enum err cg_limit_cpu(const struct cgroup *group, uint64_t cpu_milli,
                               struct fail *fail);

/* Moves a process in; pid 0 is the caller. Async-signal-safe apart from
 * formatting; 0, or -1 with errno. */
int cg_enter(const struct cgroup *group, pid_t pid);

/* Figures so far; what cannot be read is left as it is in `usage`. */
void cg_meter(const struct cgroup *group, struct usage *usage);

/* Forgets the memory peak so far, where the kernel can (version 1). */
void cg_reset_peak(const struct cgroup *group);

/* Kills every process in the group, again until none is left, for at most
 * timeout_ms: whether it is empty now. A missing group is empty. */
bool cg_kill(const struct cgroup *group, uint32_t timeout_ms);
/* Removes the group, which must be empty; false if something is left. */
bool cg_remove(const struct cgroup *group);
/* Removes it if nothing is in it, without waiting. */
void cg_release(const struct cgroup *group);
bool cg_exists(const struct cgroup *group);

/* Kills and removes every child of `parent` that `keep` does not want; the
 * number of groups removed. */
size_t cg_sweep(const struct cgroup *parent,
                bool (*keep)(void *context, const char *name), void *context);

/* For records; decode gives false when it is not one. */
json_t *cg_encode(const struct cgroup *group);
MUST_USE bool cg_decode(const json_t *value, struct cgroup *out);

const char *cg_kind_name(enum cg_kind kind);

#endif
