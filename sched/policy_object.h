#ifndef SCHED_POLICY_OBJECT_H
#define SCHED_POLICY_OBJECT_H

/* A policy as an object: a policy with its terms under a name, that can be
 * switched off. What requests carry is the policy and the terms alone. */

#include "sched/policy.h"
#include "sched/policy_terms.h"

struct policy_object {
    char name[LIMIT_NAME];
    bool enabled;
    enum policy policy;
    struct policy_terms terms;
};

/* Letters, digits, '-', '_' and '.', not the first a '-' or '.', shorter than
 * LIMIT_NAME, and not the name of a policy: those stand for themselves. */
bool policy_object_name_ok(const char *name);
/* The policy of that name by itself, as an object; ERR_NOT_FOUND when there is
 * none, ERR_RANGE for composite, which needs weights. */
MUST_USE enum err policy_object_builtin(const char *name,
                                        struct policy_object *out);
/* ERR_RANGE: the name, or what policy_terms_check refuses. */
MUST_USE enum err policy_object_check(const struct policy_object *object);

#define POLICY_OBJECT_BYTES_MAX 1024u
/* [1, name, enabled, policy, terms]; checked (CHECKed). */
void policy_object_encode(const struct policy_object *object, struct buf *out);
/* The same inside of another value. What mp refuses, ERR_VERSION, then what
 * policy_object_check does. */
void policy_object_get(struct mp_reader *reader, struct policy_object *out);
/* ERR_TOO_LARGE above POLICY_OBJECT_BYTES_MAX, then as above. */
MUST_USE enum err policy_object_decode(struct bytes bytes, struct arena *arena,
                                       struct policy_object *out);

#endif
