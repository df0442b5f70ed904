#ifndef LEDGER_STATE_SMT_PAGE_H
#define LEDGER_STATE_SMT_PAGE_H

/* A page of the state tree as a struct: shared by update, prover and audit, not
 * by the proof verifier. Inside ledger. */

#include "ledger/state/smt.h"

#define SMT_SLOTS 16u

enum smt_kind { SMT_EMPTY = 0, SMT_LEAF = 1, SMT_NODE = 2 };

struct smt_slot {
    enum smt_kind kind;
    struct hash hash;  /* a leaf's path, a node's hash */
    struct hash value; /* a leaf's value hash */
};

struct smt_page {
    struct smt_slot slots[SMT_SLOTS];
};

void smt_slot_hash(const struct smt_slot *slot, struct hash *out);
void smt_combine(const struct smt_slot *left, const struct smt_slot *right,
                 struct smt_slot *out);
/* The subtree over count (a power of two) neighbouring slots. */
void smt_fold(const struct smt_slot *slots, unsigned count,
              struct smt_slot *out);
/* The slot of a path in its page at depth. */
unsigned smt_nibble(const struct hash *path, unsigned depth);
struct bytes smt_page_key(const struct hash *path, unsigned depth,
                          uint8_t out[SMT_PAGE_KEY_MAX]);
/* ERR_CORRUPT unless canonical and at home under path's first depth bits. */
MUST_USE enum err smt_page_decode(struct bytes bytes, const struct hash *path,
                                  unsigned depth, struct smt_page *out);
size_t smt_page_encode(const struct smt_page *page,
                       uint8_t out[SMT_PAGE_BYTES_MAX]);
/* The page that holds path at depth; an empty root page when there is none,
 * ERR_CORRUPT when a deeper one is missing. */
MUST_USE enum err smt_page_load(const struct smt_pages *pages,
                                const struct hash *path, unsigned depth,
                                struct smt_page *out);

#endif
