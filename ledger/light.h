#ifndef LEDGER_LIGHT_H
#define LEDGER_LIGHT_H

/* A proof file: all it takes to convince somebody who has no node and no store,
 * only the hash of the genesis (the chain's id), or the id of one block that he
 * trusts. From there each epoch's last block, signed by the epoch's validators,
 * names the validators of the next; the last of them have signed the block that
 * the proof of proof.h stands on.
 *
 * Bytes, little-endian:
 *   "suan-proof" 10 | version u8 = 1 | start | step ... | proof
 *   start   1 u8 | len u32 | genesis, the canonical bytes
 *        or 2 u8 | header | set_len u16 | validators of the epoch after it
 *   step    'E' | header | cert_len u32 | cert | set_len u16 | validators of
 *           the epoch after it; len 0: the same as before
 *   proof   'S' or 'T', see proof.h
 * The genesis names the validators of epochs 1 and 2, so its first step is of
 * epoch 2; a trusted block of epoch t names those of t + 1. Every step is of
 * the epoch after the last one's. The certified header of the proof is of the
 * last epoch whose validators are named, or of epoch 1.
 *
 * Whoever starts from long ago trusts that the validators of then, who may have
 * left and taken their bond with them, have not sold their keys since: a block
 * of the last unbond_epochs is the better start. */

#include "ledger/genesis.h"
#include "ledger/state/proof.h"

#define LIGHT_MAGIC     "suan-proof"
#define LIGHT_VERSION   1
#define LIGHT_BYTES_MAX (64u * 1024 * 1024)

enum light_start { LIGHT_GENESIS = 1, LIGHT_BLOCK = 2 };

struct light_proof {
    enum light_start start;
    struct hash trusted;  /* the chain's id, or the block's */
    struct bytes genesis; /* lent; empty when it starts from a block */
    uint64_t start_epoch; /* of the block; 0 for the genesis */
    uint64_t steps;
    struct hash chain;
    char kind;                /* 'S' or 'T': which of the two is filled */
    struct state_proof state; /* lent from the file's bytes */
    struct tx_proof tx;
};

/* ---- the way, step by step: for whoever fetches steps from others ---- */

/* Who signs which epochs, as far as one has come. */
struct light_walk {
    struct hash chain;
    struct validators set;
    uint64_t epoch_low; /* the set signs these, both inclusive */
    uint64_t epoch;     /* of the next step */
};
/* The step, as it was read. */
struct light_step {
    struct header header; /* of the epoch's last block */
    struct hash id;
    struct bytes cert; /* lent */
};
void light_walk_start(struct light_walk *walk, const struct genesis *genesis);
/* One step where the cursor stands, on the 'E'. The walk's set is then that of
 * the epoch after. What light_check refuses of a step; the walk is garbage
 * then. Pure. */
MUST_USE enum err light_walk_step(struct light_walk *walk,
                                  struct cursor *cursor,
                                  struct light_step *out);

/* ---- files ---- */

/* Where a file says it starts, before anything of it is believed: to ask for
 * the right hash. ERR_TOO_LARGE, ERR_PARSE (not a proof file), ERR_VERSION,
 * ERR_TRUNCATED, ERR_KIND. */
MUST_USE enum err light_start(struct bytes file, enum light_start *out_start,
                              struct hash *out_trusted);

/* Checks it all. trusted: the chain's id where the file starts from a genesis,
 * the block's id where it starts from a block; nothing else is taken for
 * granted. chain: NULL, or what the chain's id has to be, too.
 * What light_start refuses, ERR_CHAIN (trusted or chain is another), what
 * genesis_decode and the codecs refuse, ERR_NOT_CANONICAL (a set spelled out
 * that has not changed), ERR_PROOF (an epoch out of order, a certificate of
 * another header, a set that the header does not name), what cert_verify
 * refuses, then what proof.h refuses. Pure. */
MUST_USE enum err light_check(struct bytes file, const struct hash *trusted,
                              const struct hash *chain, struct arena *arena,
                              struct light_proof *out);

#endif
