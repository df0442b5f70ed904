#ifndef LEDGER_VOTE_CODEC_H
#define LEDGER_VOTE_CODEC_H

/* The bytes a vote and a certificate share: kind and proposal. Inside ledger.
 */

#include "ledger/vote.h"

void vote_signed_encode(enum vote_kind kind, const struct proposal *on,
                        struct buf *out);
/* Sets the cursor's error: ERR_KIND, ERR_RANGE, ERR_NOT_CANONICAL. */
void vote_signed_decode(struct cursor *cursor, enum vote_kind *out_kind,
                        struct proposal *out_on);
/* View 0, or a parent that is not earlier. */
bool proposal_is_malformed(const struct proposal *on);

#endif
