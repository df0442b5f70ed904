#ifndef NODE_EXECUTORS_SANDBOX_FAIL_H
#define NODE_EXECUTORS_SANDBOX_FAIL_H

/* A fail is an error as the reader of a message needs it: what did not work,
 * why, and what to do next. The number comes from base/err.h and is what the
 * other side branches on; the three sentences are for people. */

#include "base/err.h"

#include <jansson.h>

struct fail {
    enum err err;
    char what[200];
    char why[600];
    char fix[300];
};

/* Fills `fail` and returns `err`, so that a refusal is one statement:
 *     return fail_set(fail, ERR_RANGE, "...", "...", "%s", ...);
 * `why` is a printf format; over-long text is cut. */
__attribute__((format(printf, 5, 6))) enum err fail_set(struct fail *fail,
                                                        enum err err,
                                                        const char *what,
                                                        const char *fix,
                                                        const char *why, ...);

/* The same for a failed system call: the number and the reason are taken from
 * errno, `subject` is the file or thing it was about. */
enum err fail_errno(struct fail *fail, const char *what, const char *subject);

/* {"name": "ERR_…", "what": …, "why": …, "fix": …}, given; NULL if no memory.
 * Bytes that are not UTF-8 are replaced by '?'. */
json_t *fail_json(const struct fail *fail);

/* Reads fail_json's object back; an unknown name is ERR_EXECUTOR. */
void fail_read(const json_t *value, struct fail *out);

/* A JSON string of any bytes; what is not UTF-8 becomes '?'. Given. */
json_t *fail_text(const char *text);

#endif
