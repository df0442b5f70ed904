#ifndef NODE_TRADE_JOB_H
#define NODE_TRADE_JOB_H

/* A contract's job at the executor, from its image to its collected outputs.
 * Shared by trade_job.c (the table, watching, live logs), trade_job_start.c and
 * trade_job_collect.c; nobody else. Each step's end starts the next. */

#include "node/shell/trade_shell_inner.h"

#include "market/spec.h"

#define JOB_LOG_PIECE (48u * 1024)
#define JOB_PATH_MAX  1300u

enum job_step {
    STEP_IMAGE = 1, /* waits for its image to be at the executor */
    STEP_STARTING,  /* inputs, job.start */
    STEP_STARTED,   /* the executor has it */
    STEP_COLLECTING,
    STEP_ENDED
};

/* A reader that waits for more of a stream. */
struct log_wait {
    bool open;
    bool asked; /* job.logs is on its way */
    uint64_t offset;
    struct pubkey peer;
};

struct job {
    struct job *next;
    struct shell *shell;
    struct hash contract;
    enum job_step step;
    struct buf spec_bytes;
    struct buf results; /* ids of what it uses, as in EFFECT_EXEC_START */
    uint32_t task;
    uint32_t tasks;
    uint32_t devices;  /* of the offer, a mask */
    struct hash image; /* from STEP_IMAGE on */
    bool image_again;  /* it was given to the executor a second time */
    bool polling;      /* job.status is on its way */
    bool finished;     /* the executor said so */
    bool removed;      /* free it once nothing is on its way */
    unsigned open;     /* calls and work on their way */
    struct log_wait logs[2];
    /* collecting */
    uint64_t log_offset[2];
    bool log_done[2];
    bool outputs_done;
    enum err err;
    struct hash result;
    struct hash log;
    uint64_t result_bytes;
};

/* ---- trade_job.c ---- */
struct job *job_find(struct shell *shell, const struct hash *contract);
struct job *job_get(struct shell *shell, const struct hash *contract);
/* Something that was on its way has come back: true if the job still lives and
 * the node does not stop. */
bool job_back(struct job *job);
void job_tell(struct job *job, const struct exec_state *exec);
/* err: some are not to be blamed on this machine (job_is_unfit). */
void job_tell_failed(struct job *job, enum err err, const char *what,
                     const char *why);
/* params is taken; done must begin with job_back. */
void job_call(struct job *job, const char *method, json_t *params,
              executor_done_fn done);
json_t *job_params(const struct job *job);
json_t *job_log_params(const struct job *job, unsigned which, uint64_t offset);
/* Inits the arena in any case. */
bool job_read_spec(const struct job *job, struct arena *arena,
                   struct spec *out);
void job_poll(struct job *job);

/* Work on the worker pool: run there, after on the loop; the job is NULL when
 * it was removed meanwhile. */
struct job_work {
    uv_work_t work; /* first */
    struct shell *shell;
    struct job *job;
    void (*run)(struct job_work *work);
    void (*after)(struct job *job, struct job_work *work);
    struct blob_store *blobs;
    struct hash id;
    char path[JOB_PATH_MAX];
    char log_path[JOB_PATH_MAX];
    char owner[80];
    enum err err;
    struct hash result;
    struct hash log;
    struct buf spec;    /* inputs: what is laid out, and */
    struct buf results; /* as in struct job; both freed with the work */
};
struct job_work *job_work_new(struct job *job,
                              void (*run)(struct job_work *work),
                              void (*after)(struct job *job,
                                            struct job_work *work));
void job_work_start(struct job_work *work);
void job_mkdirs(const char *path);

/* ---- trade_job_inputs.c ---- */
/* Does a job that fails for this to start fail so at every seller: by what the
 * buyer sent? An image that is none, or on which nothing can be mounted;
 * figures that no executor takes; inputs and used results that are in each
 * other's place. */
bool job_is_unfit(enum err err);

struct job_inputs {
    struct blob_store *blobs;
    struct bytes results; /* ids, in the order of the spec's uses */
    const char *path;     /* shorter than JOB_PATH_MAX */
};
/* Writes them below the path. ERR_EXISTS: one is where another should be;
 * ERR_CORRUPT: another number of results; as blob_store_export_tree. */
MUST_USE enum err job_inputs_write(const struct job_inputs *inputs,
                                   const struct spec *spec);
/* Lays out inputs and used results in the contract's own directory, on the
 * worker pool; then `after`. */
void job_lay_out(struct job *job,
                 void (*after)(struct job *job, struct job_work *work));
/* An EFFECT_EXEC_START's spec and results, copied. */
void job_take_spec(struct job *job, const struct trade_effect *effect);

/* ---- trade_job_start.c ---- */
/* From the image on; the spec is in the job. */
void job_start(struct job *job);
/* The executor is new or back: what images it has is not known. */
void job_images_forget(struct shell *shell);

#endif
