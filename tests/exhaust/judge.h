#ifndef TESTS_EXHAUST_JUDGE_H
#define TESTS_EXHAUST_JUDGE_H

/* What must hold. The first thing that does not is kept. */

#include "tests/exhaust/machine.h"

struct broken {
    bool is;
    char what[200];
};
extern struct broken broken;

__attribute__((format(printf, 1, 2))) void judge_fails(const char *format, ...);

/* ---- of one machine, as it happens ---- */

/* A message leaves: its votes are in the log and on the disk, and no other vote
 * that has left contradicts them; its certificates hold. */
void judge_send(struct bytes bytes);
/* A vote is logged. */
void judge_log(uint8_t type, struct bytes body);
/* A finalize certificate is in the store; empty: none. */
void judge_stored(struct bytes cert);
void judge_final(const struct sx_effect *effect);
void judge_effect(const struct sx_effect *effect);

/* ---- of all that was said ---- */

/* Certificates: one notarization a view, none both null and final, final ones
 * on one chain, what they stand on is justified. */
void judge_world(const struct set *around);
/* What a machine calls final was decided by those votes. */
void judge_finals(const struct final *finals, uint32_t count,
                  const struct set *around);

#endif
