#ifndef CLI_ORDER_H
#define CLI_ORDER_H

/* An order is what a buyer wants, as written on a command line or in a job
 * file, before anything is hashed or signed. Both write it through the same two
 * calls, so that they accept the same values and refuse with the same words. */

#include "base/amount.h"
#include "base/arena.h"
#include "base/limits.h"
#include "market/request.h"

#define ORDER_INPUTS_MAX 256u
#define ORDER_ERROR_MAX  320

/* A file or directory of this machine and its place below /job/in ("": its
 * content at the top). */
struct order_input {
    const char *host;
    const char *dest;
};

/* Results of another job and their place below /job/in. */
struct order_use {
    const char *job;     /* as job_resolve takes it; "" once it is known: */
    struct hash request; /* zero: not known yet */
    uint32_t tasks;
    const char *dest; /* "": the job's name or its first digits */
};

struct order {
    struct arena arena; /* holds all texts */
    const char *name;   /* "" none */
    const char *image;
    const char *seller; /* address; "" any */
    const char *args[SPEC_ARGS_MAX];
    uint32_t arg_count;
    const char *env[SPEC_ENV_MAX]; /* NAME=VALUE */
    uint32_t env_count;
    struct order_input inputs[ORDER_INPUTS_MAX];
    uint32_t input_count;
    struct order_use uses[SPEC_USES_MAX];
    uint32_t use_count;
    const char *outputs[SPEC_OUTPUTS_MAX];
    uint32_t output_count;
    struct resources resources; /* per task */
    uint64_t time_ms;
    uint64_t expires_ms;  /* what has not started by then is not started */
    uint64_t patience_ms; /* may wait so long in a seller's queue */
    uint32_t tasks;
    uint32_t attempts;
    uint32_t pids_max;
    uint64_t log_bytes_max;
    enum arch arch;
    const char *policy; /* by name; "" none: what is bound to the job */
    const char *near;   /* address or name of a node; "" nobody */
    bool has_class;
    enum speed_class class_; /* of work */
    uint32_t down_ppb;       /* availability: sched/target.h; 0: not asked */
    bool has_price_max;
    struct amount price_max; /* of the whole job */
    struct constraint constraints[LIMIT_CONSTRAINTS];
    uint32_t constraint_count;
    struct device_wish devices; /* per task */
    struct constraint tolerations[LIMIT_TOLERATIONS];
    uint32_t toleration_count;
    char zones[LIMIT_ZONES][LIMIT_NAME];
    uint32_t zone_count;
    struct spread spread;
    struct affinity affinities[REQUEST_AFFINITY_MAX];
    uint32_t affinity_count;
};

/* Defaults: image "default", 1 core, 256 MiB of memory, 512 MiB of disk, 10
 * minutes, 1 task, 2 attempts, expires in a day; no policy is named. */
void order_init(struct order *order);
void order_done(struct order *order);

/* The fields, by name: name image cpus mem disk time expires patience tasks
 * attempts pids logs arch policy max_price seller devices gpu device_mem nic
 * class near availability take one value; command env in use out constraints
 * tolerate zones spread with apart take one value a call. Texts are copied.
 * False with one sentence in `error` that says what is wrong and how it is
 * written; then nothing changed.
 *
 * base_dir  relative `in` paths start there; NULL: the current directory */
bool order_set(struct order *order, const char *field, const char *value,
               const char *base_dir, char error[ORDER_ERROR_MAX]);
/* Is there such a field; does it take a list? */
bool order_field(const char *field, bool *out_list);
/* The field most like this one; NULL. */
const char *order_field_near(const char *field);

/* What a whole order must have. False with a sentence. */
bool order_check(const struct order *order, char error[ORDER_ERROR_MAX]);

/* The share of the price cap that one task may cost: the market caps tasks.
 * Zero when no cap is given. */
struct amount order_task_cap(const struct order *order);

/* Of those, what order_terms.c has. */
bool order_set_availability(struct order *order, const char *value,
                            char error[ORDER_ERROR_MAX]);
bool order_set_class(struct order *order, const char *value,
                     char error[ORDER_ERROR_MAX]);

/* Is it a place below /job/in: relative, no empty, "." or ".." step? */
bool order_path_is_inner(const char *path);

/* Fills a spec that lends from the order. image and inputs are blob ids; what
 * it uses is known by now (CHECKed). The arrays come from the order's arena.
 * ERR_NOMEM. */
MUST_USE enum err order_spec(struct order *order, const struct hash *image,
                             const struct hash *inputs, struct spec *out);

#endif
