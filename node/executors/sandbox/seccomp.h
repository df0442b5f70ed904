#ifndef NODE_EXECUTORS_SANDBOX_SECCOMP_H
#define NODE_EXECUTORS_SANDBOX_SECCOMP_H

/* The system calls a job may make: an allowlist, x86_64 only (no ia32 entry,
 * so no way around the argument filters). Everything that reaches namespaces,
 * mounts, other processes' memory, keys, kernel programs or devices is denied;
 * what is unknown answers ENOSYS so that libraries fall back. */

#include "node/executors/sandbox/fail.h"

#include <jansson.h>
#include <stdbool.h>

/* The "seccomp" object of an OCI config.json; given, NULL without memory. A job
 * with devices may also make the ioctls of accelerators' drivers. */
json_t *seccomp_profile(bool devices);

/* Whether this kernel and the installed libseccomp can enforce the profile:
 * filters supported, every name known, no name both allowed and denied. */
MUST_USE enum err seccomp_check(struct fail *fail);

#endif
