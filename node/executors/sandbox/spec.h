#ifndef NODE_EXECUTORS_SANDBOX_SPEC_H
#define NODE_EXECUTORS_SANDBOX_SPEC_H

/* What a job is to run and what it may use: the params of job.start. Pure.
 * Every limit is required; there is no unlimited job. */

#include "node/executors/sandbox/fail.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPEC_ID_MAX      64u
#define SPEC_IMAGE_MAX   128u
#define SPEC_ARGS_MAX    1024u
#define SPEC_ENV_MAX     256u
#define SPEC_TEXT_MAX    (128u * 1024) /* bytes of argv, and of env */
#define SPEC_INPUTS_MAX  1024u
#define SPEC_DEST_MAX    255u
#define SPEC_PATH_MAX    1000u
#define SPEC_DEVICES_MAX 64u
#define SPEC_DEVICE_MAX  255u

#define SPEC_CPU_MIN     10u /* milli-cores: the kernel's smallest quota */
#define SPEC_CPU_MAX     1000000u
#define SPEC_MEM_MIN     16u /* MiB: below it the init itself is in danger */
#define SPEC_MEM_MAX     (64u * 1024 * 1024)
#define SPEC_DISK_MIN    4u /* MiB: the smallest file system */
#define SPEC_DISK_MAX    (16u * 1024 * 1024)
#define SPEC_PIDS_MIN    4u
#define SPEC_PIDS_MAX    32768u
#define SPEC_WALL_MS_MAX (366ull * 24 * 3600 * 1000)
#define SPEC_GRACE_MAX   60000u
#define SPEC_OUTPUT_MAX  (256u * 1024 * 1024)

struct spec_input {
    char *path; /* absolute path on the host, a file or a directory */
    char *dest; /* relative, below /job/in */
};

struct spec {
    char id[SPEC_ID_MAX + 1];
    char image[SPEC_IMAGE_MAX + 1];
    char **argv; /* NULL-ended; empty: what the image says */
    size_t argc;
    char **env; /* "NAME=value", NULL-ended */
    size_t envc;
    struct spec_input *inputs;
    size_t inputc;
    char **devices; /* character devices of the host, below /dev; the job finds
                       them at the same place */
    size_t devicec;
    uint64_t cpu_milli;
    uint64_t mem_mib;
    uint64_t disk_mib;
    uint64_t pids_max;
    uint64_t wall_ms;    /* from start to the first signal */
    uint64_t grace_ms;   /* from SIGTERM to SIGKILL; default 2000 */
    uint64_t stdout_max; /* bytes kept; default 1 MiB */
    uint64_t stderr_max;
    bool output_kill; /* going over them ends the job instead of cutting */
};

/* Decodes and checks; params is lent. On OK `out` is given (spec_done);
 * otherwise it is empty and `fail` says which field and what it may be.
 * Refuses: ERR_TYPE, ERR_RANGE, ERR_TOO_LARGE, ERR_NOMEM. Unknown fields are
 * refused (ERR_KIND): a limit misspelt is not a limit. */
MUST_USE enum err spec_decode(json_t *params, struct spec *out,
                              struct fail *fail);
/* Given; NULL when out of memory. spec_decode reads it back. */
json_t *spec_encode(const struct spec *spec);
void spec_done(struct spec *spec);

/* 1..64 of A-Z a-z 0-9 . _ - and not starting with a dot. */
bool spec_id_fits(const char *id);
/* The same, up to 128, and colons. */
bool spec_image_fits(const char *id);
/* A relative path that names itself: no "..", ".", empty part, nor control
 * character, at most 255 bytes. */
bool spec_dest_fits(const char *dest);
/* "/dev/" and such a path, and none that the container has by itself. */
bool spec_device_fits(const char *path);

#endif
