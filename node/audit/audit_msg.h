#ifndef NODE_AUDIT_MSG_H
#define NODE_AUDIT_MSG_H

/* What is said in an audit (docs/protocol.md): a buyer's node asks a seller for
 * products that follow from a nonce (sched/meter/product.h), is told the hash
 * of each, picks one by chance, and has it shown, in pieces. */

#include "node/peer/wire.h"
#include "sched/meter/product.h"

#define AUDIT_ROUNDS_MAX 64u
#define AUDIT_N_MAX      1024u
#define AUDIT_PIECE      (128u * 1024)
/* 2 n^3 * rounds of an audit at most: seconds of one core. */
#define AUDIT_WORK_MAX (UINT64_C(1) << 38)

struct audit_ask {
    struct hash nonce;
    enum meter_kernel kernel; /* METER_FP32 or METER_FP64: products of bytes are
                                 made quicker than they are hashed */
    uint32_t n;
    uint32_t rounds; /* products of index 0, 1, ... */
};
struct audit_done {
    struct hash nonce;
    uint32_t count;
    struct hash hashes[AUDIT_ROUNDS_MAX]; /* H("suan-answer", product) */
};
struct audit_open {
    struct hash nonce;
    uint32_t index;
    uint64_t offset; /* in bytes; a multiple of AUDIT_PIECE */
};
struct audit_part {
    struct hash nonce;
    uint32_t index;
    uint64_t offset;
    struct bytes data; /* 1..AUDIT_PIECE; lent */
};
struct audit_refused {
    struct hash nonce;
    enum err err;
};

/* ERR_RANGE: a kernel, n, number of rounds or work that is not allowed. */
MUST_USE enum err audit_ask_form(const struct audit_ask *ask);

void audit_ask_encode(const struct audit_ask *m, struct buf *out);
void audit_done_encode(const struct audit_done *m, struct buf *out);
void audit_open_encode(const struct audit_open *m, struct buf *out);
void audit_part_encode(const struct audit_part *m, struct buf *out);
void audit_refused_encode(const struct audit_refused *m, struct buf *out);
/* What mp_open_message refuses, ERR_RANGE. */
MUST_USE enum err audit_ask_decode(struct bytes b, struct arena *arena,
                                   struct audit_ask *out);
MUST_USE enum err audit_done_decode(struct bytes b, struct arena *arena,
                                    struct audit_done *out);
MUST_USE enum err audit_open_decode(struct bytes b, struct arena *arena,
                                    struct audit_open *out);
MUST_USE enum err audit_part_decode(struct bytes b, struct arena *arena,
                                    struct audit_part *out);
MUST_USE enum err audit_refused_decode(struct bytes b, struct arena *arena,
                                       struct audit_refused *out);

#endif
