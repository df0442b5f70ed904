#ifndef SCHED_TAINT_H
#define SCHED_TAINT_H

/* A taint is a mark by which a provider keeps its machine for those who say
 * that they tolerate it: the opposite of a label, which a demand must ask for.
 * A toleration is a constraint that the taint's key and value must satisfy:
 * EQUAL tolerates one value of the key, EXISTS all. */

#include "sched/label.h"

#define LIMIT_TAINTS      8u
#define LIMIT_TOLERATIONS 8u

enum taint_effect {
    TAINT_REFUSE = 1, /* no task runs there that does not tolerate it */
};
struct taint {
    struct label label; /* the key is not empty; the value may be */
    enum taint_effect effect;
};

/* Index of the first taint that none of the tolerations meets, or taint_count.
 * An effect that is not in the table is never tolerated: what is not understood
 * is never treated as good. */
uint32_t taint_first_failing(const struct taint *taints, uint32_t taint_count,
                             const struct constraint *tolerations,
                             uint32_t count);

/* "key=value:refuse", "key=value", "key:refuse", "key"; the effect is refuse
 * where none is written. ERR_PARSE, ERR_TOO_LARGE. */
MUST_USE enum err taint_parse(const char *text, struct taint *out);
#define TAINT_TEXT_MAX (2 * LIMIT_NAME + 12)
void taint_format(const struct taint *taint, char out[TAINT_TEXT_MAX]);

#endif
