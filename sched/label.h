#ifndef SCHED_LABEL_H
#define SCHED_LABEL_H

/* A label is a fact a provider states of itself (zone = eu-north); a constraint
 * is what a demand wants of the labels. A set of labels may hold a key more
 * than once: it then has several values. */

#include "base/bytes.h"
#include "base/limits.h"

struct label {
    char key[LIMIT_NAME];
    char value[LIMIT_NAME];
};

enum constraint_op {
    CONSTRAINT_EQUAL = 1,   /* label is there and equals value */
    CONSTRAINT_DIFFERS = 2, /* label is absent or differs */
    CONSTRAINT_EXISTS = 3,
    CONSTRAINT_ABSENT = 4,
};
struct constraint {
    char key[LIMIT_NAME];
    enum constraint_op op;
    char value[LIMIT_NAME]; /* "" for EXISTS and ABSENT */
};

/* Does the set satisfy the constraint? An operation that is not in the table
 * is not satisfied: what is not understood is never treated as met. */
bool constraint_holds(const struct constraint *constraint,
                      const struct label *labels, uint32_t count);

/* Index of the first constraint the set does not satisfy, or count_wanted. */
uint32_t constraint_first_failing(const struct constraint *wanted,
                                  uint32_t count_wanted,
                                  const struct label *labels, uint32_t count);

/* The text people write: "zone=eu", "zone!=eu", "gpu", "!gpu". */
#define CONSTRAINT_TEXT_MAX (2 * LIMIT_NAME + 3)
void constraint_format(const struct constraint *constraint,
                       char out[CONSTRAINT_TEXT_MAX]);
/* ERR_PARSE: no key, a second operator or a control character;
 * ERR_TOO_LARGE: key or value of LIMIT_NAME bytes or more. */
MUST_USE enum err constraint_parse(const char *text, struct constraint *out);

#endif
