#ifndef NODE_WIRE_H
#define NODE_WIRE_H

/* What peers say to each other: every message is canonical msgpack
 * [kind, version, fields...] in one frame of the channel (docs/protocol.md).
 * Encoders append to a buf; decoders lend from the frame and the arena. */

#include "market/receipt.h"

enum wire_kind {
    /* chain */
    WIRE_SX = 1,         /* consensus: one message of ledger/sx/sx_msg.h */
    WIRE_TXS = 4,        /* transactions on their way to a validator */
    WIRE_TX_REFUSED = 5, /* why it will not enter a block */
    /* market */
    WIRE_OFFER = 10, /* a signed offer, gossiped */
    WIRE_PEERS = 11, /* addresses worth dialling */
    WIRE_LINKS = 12, /* what a node measured of its links, gossiped */
    WIRE_HOLD = 20,  /* buyer asks a provider to reserve for one task */
    WIRE_QUOTE = 21, /* held: the signed bill */
    WIRE_HOLD_REFUSED = 22,
    WIRE_HOLD_RELEASE = 23,
    /* a running contract */
    WIRE_START = 30,     /* buyer to provider: the spec, where blobs are */
    WIRE_JOB_STATE = 31, /* provider to buyer: phase and usage */
    WIRE_LOG_GET = 32,   /* buyer asks for log bytes; answered when there are */
    WIRE_LOG = 33,
    WIRE_RECEIPT = 34,     /* provider-signed */
    WIRE_RECEIPT_ACK = 35, /* the same with the agent's signature */
    WIRE_CANCEL = 36,
    WIRE_ASK = 37,   /* after a restart: tell me about this contract */
    WIRE_GRANT = 38, /* agent to provider: who else may fetch the result */
    /* doubts (node/audit/audit_msg.h) */
    WIRE_AUDIT = 50,         /* do this work */
    WIRE_AUDIT_DONE = 51,    /* it is done: hashes of the results */
    WIRE_AUDIT_OPEN = 52,    /* show me this one */
    WIRE_AUDIT_PART = 53,    /* a piece of it */
    WIRE_AUDIT_REFUSED = 54, /* not now */
};
#define WIRE_VERSION 1

/* Peeks at the kind. ERR_KIND for an unknown one, ERR_VERSION. */
MUST_USE enum err wire_peek(struct bytes message, enum wire_kind *out);

/* For decoders: into the fields of a message of this kind and this version,
 * and out of them. What mp_open_message and mp_close refuse. */
MUST_USE enum err wire_open(struct mp_reader *reader, struct bytes b,
                            struct arena *arena, enum wire_kind kind,
                            uint32_t fields);
MUST_USE enum err wire_close(struct mp_reader *reader);

#define WIRE_TXS_MAX 256u
struct wire_txs {
    uint32_t count; /* 1 at least */
    struct bytes txs[WIRE_TXS_MAX];
};
struct wire_tx_refused {
    struct hash id;
    enum err err;
};
struct wire_peer {
    char address[LIMIT_NAME];
    struct pubkey node;
};
#define WIRE_PEERS_MAX 32u
struct wire_peers {
    uint32_t count;
    struct wire_peer peers[WIRE_PEERS_MAX];
};
struct wire_hold {
    struct bytes request;
    uint32_t task;
    uint32_t attempt;
    uint64_t rtt_us; /* as the buyer's node measured it; 0 = unknown */
};
struct wire_hold_key { /* HOLD_RELEASE */
    struct hash request;
    uint32_t task;
    uint32_t attempt;
};
struct wire_hold_refused {
    struct wire_hold_key key;
    enum err err;          /* ERR_CAPACITY, ERR_NOT_SELLING, ERR_FUNDS, ... */
    struct resources free; /* now, so that the book learns */
};
struct wire_start {
    struct hash contract;
    struct bytes spec;
    char bulk_address[LIMIT_NAME]; /* where image and inputs can be fetched */
};
struct wire_grant {
    struct hash contract; /* whose result */
    struct pubkey reader; /* a node that runs what uses it */
};
enum job_phase {
    JOB_HELD = 1,
    JOB_WAITING_START = 2, /* contract final, spec not here yet */
    JOB_STAGING = 3,
    JOB_STARTING = 4,
    JOB_RUNNING = 5,
    JOB_PUBLISHING = 6,
    JOB_DONE = 7,    /* delivered or on its way to the chain */
    JOB_FAILED = 8,  /* refused; reason says why */
    JOB_UNKNOWN = 9, /* the provider knows nothing of this contract */
    JOB_QUEUED = 10, /* staged; waits for its turn */
};
const char *job_phase_text(enum job_phase phase);
struct wire_job_state {
    struct hash contract;
    enum job_phase phase;
    uint64_t staged; /* bytes */
    uint64_t staged_total;
    uint64_t wall_ms;
    uint64_t cpu_ms;
    uint64_t mem_peak_mib;
    uint64_t stdout_bytes;
    uint64_t stderr_bytes;
    uint32_t reason; /* enum end_reason, 0 while it runs */
    uint32_t exit_code;
    char text[128];    /* for people */
    uint64_t begin_ms; /* it is queued: when it begins by the plan; else 0 */
};
struct wire_log_get {
    struct hash contract;
    uint32_t stream; /* 1 stdout, 2 stderr */
    uint64_t offset;
};
struct wire_log {
    struct hash contract;
    uint32_t stream;
    uint64_t offset;
    struct bytes data; /* <= 64 KiB */
    bool eof;
};

void wire_bytes_encode(enum wire_kind kind, struct bytes body, struct buf *out);
void wire_txs_encode(const struct wire_txs *m, struct buf *out);
void wire_tx_refused_encode(const struct wire_tx_refused *m, struct buf *out);
void wire_peers_encode(const struct wire_peers *m, struct buf *out);
void wire_hold_encode(const struct wire_hold *m, struct buf *out);
void wire_hold_refused_encode(const struct wire_hold_refused *m,
                              struct buf *out);
void wire_hold_release_encode(const struct wire_hold_key *m, struct buf *out);
void wire_start_encode(const struct wire_start *m, struct buf *out);
void wire_job_state_encode(const struct wire_job_state *m, struct buf *out);
void wire_log_get_encode(const struct wire_log_get *m, struct buf *out);
void wire_log_encode(const struct wire_log *m, struct buf *out);
void wire_grant_encode(const struct wire_grant *m, struct buf *out);
/* CANCEL and ASK carry a contract id alone. */
void wire_contract_encode(enum wire_kind kind, const struct hash *contract,
                          struct buf *out);

/* SX, OFFER, LINKS, QUOTE, RECEIPT, RECEIPT_ACK: one bin, the noun's own
 * encoding; of LIMIT_TX_BYTES at most, SX as long as a message may be: it
 * brings blocks.
 */
MUST_USE enum err wire_bytes_decode(enum wire_kind kind, struct bytes b,
                                    struct arena *arena, struct bytes *out);
/* Each of 1 to LIMIT_TX_BYTES. */
MUST_USE enum err wire_txs_decode(struct bytes b, struct arena *arena,
                                  struct wire_txs *out);
MUST_USE enum err wire_tx_refused_decode(struct bytes b, struct arena *arena,
                                         struct wire_tx_refused *out);
MUST_USE enum err wire_peers_decode(struct bytes b, struct arena *arena,
                                    struct wire_peers *out);
MUST_USE enum err wire_hold_decode(struct bytes b, struct arena *arena,
                                   struct wire_hold *out);
MUST_USE enum err wire_hold_refused_decode(struct bytes b, struct arena *arena,
                                           struct wire_hold_refused *out);
MUST_USE enum err wire_hold_release_decode(struct bytes b, struct arena *arena,
                                           struct wire_hold_key *out);
MUST_USE enum err wire_start_decode(struct bytes b, struct arena *arena,
                                    struct wire_start *out);
MUST_USE enum err wire_job_state_decode(struct bytes b, struct arena *arena,
                                        struct wire_job_state *out);
MUST_USE enum err wire_log_get_decode(struct bytes b, struct arena *arena,
                                      struct wire_log_get *out);
MUST_USE enum err wire_log_decode(struct bytes b, struct arena *arena,
                                  struct wire_log *out);
MUST_USE enum err wire_grant_decode(struct bytes b, struct arena *arena,
                                    struct wire_grant *out);
MUST_USE enum err wire_contract_decode(enum wire_kind kind, struct bytes b,
                                       struct arena *arena, struct hash *out);

#endif
