#ifndef MARKET_SPEC_H
#define MARKET_SPEC_H

/* A spec says what to run: the part of a job that the executor needs. Its hash
 * stands in the request, so nobody can run something else under the contract.
 */

#include "base/limits.h"
#include "sched/devices.h"
#include "sched/resources.h"

#define SPEC_ARGS_MAX    64u
#define SPEC_ENV_MAX     64u
#define SPEC_OUTPUTS_MAX 32u
#define SPEC_USES_MAX    32u
#define SPEC_RESULTS_MAX 256u  /* of all uses together */
#define SPEC_TEXT_MAX    4096u /* one argument or variable */
#define SPEC_DEST_MAX    255u
#define SPEC_BYTES_MAX   (64u * 1024)

struct spec_env {
    struct bytes name;
    struct bytes value;
};

/* Results of another request of the same buyer, named before they exist: the
 * chain says what they are once they are delivered (contract.h). They appear
 * read-only below /job/in/<dest>; with more than one task each in a directory
 * of its own, named by the task's number. */
struct spec_use {
    struct hash request;
    uint32_t tasks;    /* its tasks 0 .. tasks - 1, all of them delivered with
                          END_DONE before this job may start */
    struct bytes dest; /* relative: no empty, "." or ".." step */
};

/* All pointers are lent from the arena the spec was decoded into. */
struct spec {
    struct hash image;  /* blob id of an OCI archive; zero = provider's default
                           is never implied: refused */
    uint32_t arg_count; /* >= 1 */
    struct bytes *args; /* "%t", "%n" and "%%" are filled in: spec_expand */
    uint32_t env_count;
    struct spec_env *env; /* besides SUAN_TASK, SUAN_TASKS, SUAN_CONTRACT */
    struct hash inputs;   /* blob id of a tree, appears read-only as /job/in;
                             zero = none */
    uint32_t output_count;
    struct bytes *outputs; /* globs below /job/out; none = everything there */
    struct resources resources; /* per task */
    uint32_t pids_max;
    uint64_t time_ms_max; /* wall clock of one task */
    uint64_t log_bytes_max;
    uint32_t use_count;
    struct spec_use *uses;      /* no two the same dest */
    struct device_wish devices; /* per task */
};

/* Every field in its range? ERR_RANGE: counts above their maximum or no
 * argument, a zero image, an empty program, a text above SPEC_TEXT_MAX or with
 * a zero byte, an environment name that is empty, has '=' or starts with
 * "SUAN_", an output that is empty, absolute or has a ".." step, any of the
 * resources, processes or time of zero, time above MESSAGE_TIME_MS_MAX, a use
 * of a zero request or of no task, a dest that is malformed, longer than
 * SPEC_DEST_MAX or there twice, more than SPEC_RESULTS_MAX results, what
 * device_wish_form refuses. The network bandwidth may be zero. */
MUST_USE enum err spec_form(const struct spec *spec);
/* Appends. What spec_form refuses, ERR_TOO_LARGE above SPEC_BYTES_MAX, or what
 * stuck in the buf. */
MUST_USE enum err spec_encode(const struct spec *spec, struct buf *out);
/* ERR_TOO_LARGE, what mp_open_message refuses, then what spec_form does. The
 * input is copied into the arena first: nothing is lent from it. */
MUST_USE enum err spec_decode(struct bytes bytes, struct arena *arena,
                              struct spec *out);
/* The spec's name: hash(HASH_TAG_SPEC, encoding). The same on every chain. */
void spec_hash(struct bytes encoded, struct hash *out);
/* How many results it uses: the tasks of all uses. */
uint32_t spec_result_count(const struct spec *spec);
/* Appends one argument or value with its placeholders filled in: "%t" is the
 * task's index from 0, "%n" the count of tasks, "%%" one "%". Any other "%"
 * stands for itself, so `date +%s` needs no care. What stuck in the buf. */
MUST_USE enum err spec_expand(struct bytes text, uint32_t task, uint32_t tasks,
                              struct buf *out);

#endif
