#ifndef NODE_POLICIES_H
#define NODE_POLICIES_H

/* The policies that this node's user keeps by name, and what they are bound to:
 * an account, jobs of a name, or all that nothing else is said of. A job's
 * policy is found in this order:
 *
 *   1. what the job itself names: an object, or a policy by itself
 *   2. bound to the job's name; of several patterns the longest, then the
 *      first in alphabetical order
 *   3. bound to the account that pays
 *   4. bound as the default
 *   5. cheapest
 *
 * An object that is switched off, or gone, is passed over, and that is told.
 *
 * Pure; whoever changes it writes down what policies_encode says. */

#include "sched/policy_object.h"

#define POLICIES_MAX         64u
#define POLICY_BINDINGS_MAX  128u
#define POLICY_SKIPS_MAX     8u
#define POLICIES_BYTES_MAX   (96u * 1024)
#define POLICIES_ARENA_BYTES (1024u * 1024)

enum policy_binding_kind {
    BIND_JOB = 1,     /* pattern: '*' any letters, '?' any one */
    BIND_ACCOUNT = 2, /* account */
    BIND_DEFAULT = 3,
};

struct policy_binding {
    enum policy_binding_kind kind;
    char pattern[LIMIT_NAME];
    struct pubkey account;
    char policy[LIMIT_NAME]; /* of an object, or a policy by itself */
};

struct policies {
    struct policy_object objects[POLICIES_MAX];
    uint32_t count;
    struct policy_binding bindings[POLICY_BINDINGS_MAX];
    uint32_t binding_count;
};

/* NULL when there is none; lent until the next change. */
const struct policy_object *policies_find(const struct policies *policies,
                                          const char *name);
/* Adds, or puts in place of the one of that name. ERR_RANGE
 * (policy_object_check), ERR_TOO_LARGE. */
MUST_USE enum err policies_set(struct policies *policies,
                               const struct policy_object *object);
/* ERR_NOT_FOUND; ERR_STATE: it is bound to something. */
MUST_USE enum err policies_remove(struct policies *policies, const char *name);
/* ERR_NOT_FOUND. */
MUST_USE enum err policies_enable(struct policies *policies, const char *name,
                                  bool enabled);
/* In place of what the same thing was bound to. ERR_RANGE (no kind, an empty
 * pattern, a zero account), ERR_NOT_FOUND (no such policy), ERR_TOO_LARGE. */
MUST_USE enum err policies_bind(struct policies *policies,
                                const struct policy_binding *binding);
/* The binding's policy is not looked at. ERR_NOT_FOUND. */
MUST_USE enum err policies_unbind(struct policies *policies,
                                  const struct policy_binding *binding);

/* ---- which one holds ---- */

enum policy_source {
    POLICY_BY_JOB = 1, /* the job names it */
    POLICY_BY_PATTERN,
    POLICY_BY_ACCOUNT,
    POLICY_BY_DEFAULT,
    POLICY_BY_NOTHING, /* nothing is said: cheapest */
};
const char *policy_source_text(enum policy_source source);

struct policy_choice {
    struct policy_object object;
    enum policy_source source;
    char pattern[LIMIT_NAME]; /* BY_PATTERN */
    /* Names that were passed over, because they are switched off. */
    char skipped[POLICY_SKIPS_MAX][LIMIT_NAME];
    uint32_t skipped_count;
};

/* named     what the job names; "" nothing
 * job_name  "" has none
 * account   who pays; zero: not said
 *
 * ERR_NOT_FOUND: what the job names is no policy; ERR_RANGE: it is composite by
 * itself, without weights. */
MUST_USE enum err policies_choose(const struct policies *policies,
                                  const char *named, const char *job_name,
                                  const struct pubkey *account,
                                  struct policy_choice *out);

/* ---- on disk ---- */

/* Appends. Less than POLICIES_BYTES_MAX. */
void policies_encode(const struct policies *policies, struct buf *out);
/* What mp refuses, ERR_VERSION, ERR_RANGE. */
MUST_USE enum err policies_decode(struct bytes bytes, struct arena *arena,
                                  struct policies *out);

#endif
