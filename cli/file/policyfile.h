#ifndef CLI_POLICYFILE_H
#define CLI_POLICYFILE_H

/* A policy object in YAML, or in JSON:
 *
 *   name: cheap-and-near
 *   kind: composite
 *   weight: {price: 2, rtt: 1}
 *   divide: static
 *   share: [zone=eu:3, zone=us:1]
 *   gang: yes
 *
 * The fields are name, kind, enabled and those of policy_terms_set. */

#include "cli/file/yamlfile.h"
#include "sched/policy_object.h"

/* `error` has room for YAMLFILE_ERROR_MAX. A file without a name keeps that of
 * out->name, which may be "": then it stays so, and only the rest is checked.
 * ERR_PARSE, ERR_TOO_LARGE with "FILE:LINE: what" in error; ERR_NOMEM. out is
 * touched on OK only. */
MUST_USE enum err policyfile_parse(struct bytes text, const char *file_name,
                                   struct policy_object *out, char *error);

#endif
