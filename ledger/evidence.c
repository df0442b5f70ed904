#include "ledger/evidence.h"

#include "base/check.h"

#include <string.h>

static bool same_proposal(const struct proposal *a, const struct proposal *b)
{
    return a->epoch == b->epoch && a->view == b->view &&
           a->parent_view == b->parent_view && hash_equal(&a->id, &b->id);
}

bool evidence_pair(const struct vote *a, const struct vote *b)
{
    if (a->index != b->index || a->on.epoch != b->on.epoch ||
        a->on.view != b->on.view)
        return false;
    /* A nullify goes with a notarize (the proposal may come late), never with a
     * finalize. */
    if (a->kind == VOTE_NULLIFY || b->kind == VOTE_NULLIFY)
        return a->kind == VOTE_FINALIZE || b->kind == VOTE_FINALIZE;
    return !same_proposal(&a->on, &b->on);
}
