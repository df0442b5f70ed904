#ifndef BASE_ERR_H
#define BASE_ERR_H

/* One table of everything that can be said no to.
 *
 * A fault (1..99) is the machine's no: out of memory, disk full. It travels up
 * unchanged and node decides to retry or stop. A refusal (100..) is the rules'
 * no: it is part of consensus, so the order of checks that yields it is part of
 * the interface. A bug of ours is neither: see base/check.h.
 *
 * The numbers are stored in receipts and sent to peers: append inside a room's
 * range, never renumber. */

#define ERR_MAP(X)                                                             \
    /* faults */                                                               \
    X(ERR_NOMEM, 1, "out of memory")                                           \
    X(ERR_IO, 2, "the disk or device failed")                                  \
    X(ERR_FULL, 3, "no space left on the disk")                                \
    X(ERR_CORRUPT, 4, "stored data is damaged")                                \
    X(ERR_BUSY, 5, "held by another process")                                  \
    X(ERR_PERM, 6, "the system denied permission")                             \
    X(ERR_NET, 7, "the network failed")                                        \
    X(ERR_RANDOM, 8, "no randomness from the system")                          \
    X(ERR_UNSUPPORTED, 9, "this machine lacks a needed feature")               \
    X(ERR_MAP_FULL, 10, "the database fills the addresses reserved for it")    \
    /* base 100..199: bytes and numbers */                                     \
    X(ERR_OVERFLOW, 100, "the number is too large")                            \
    X(ERR_UNDERFLOW, 101, "the number would fall below zero")                  \
    X(ERR_TRUNCATED, 102, "the bytes end too early")                           \
    X(ERR_TRAILING, 103, "bytes are left over at the end")                     \
    X(ERR_NOT_CANONICAL, 104, "the bytes are not in their one spelling")       \
    X(ERR_TYPE, 105, "a field has the wrong type")                             \
    X(ERR_RANGE, 106, "a field is out of range")                               \
    X(ERR_DEPTH, 107, "the message is nested too deep")                        \
    X(ERR_VERSION, 108, "the version is unknown to this program")              \
    X(ERR_KIND, 109, "the kind is unknown to this program")                    \
    X(ERR_SIGNATURE, 110, "the signature does not verify")                     \
    X(ERR_ADDRESS, 111, "the address is malformed")                            \
    X(ERR_CHECKSUM, 112, "the checksum does not match")                        \
    X(ERR_TOO_LARGE, 113, "larger than the limit")                             \
    X(ERR_CHAIN, 114, "meant for another chain")                               \
    X(ERR_NOT_FOUND, 115, "not found")                                         \
    X(ERR_EXISTS, 116, "already there")                                        \
    X(ERR_PARSE, 117, "the text cannot be read")                               \
    /* ledger 200..299 */                                                      \
    X(ERR_FUNDS, 200, "the balance is too low")                                \
    X(ERR_NONCE, 201, "the nonce was used already or comes too early")         \
    X(ERR_EXPIRED, 202, "it expired")                                          \
    X(ERR_FEE, 203, "the fee is below the minimum")                            \
    X(ERR_PARENT, 204, "the block does not follow its parent")                 \
    X(ERR_HEIGHT, 205, "the height is wrong")                                  \
    X(ERR_TIME, 206, "the block time is outside its window")                   \
    X(ERR_ROOT, 207, "a root in the header does not match")                    \
    X(ERR_QUORUM, 208, "too few valid signatures")                             \
    X(ERR_PROPOSER, 209, "not the proposer's turn")                            \
    X(ERR_GENESIS, 210, "the genesis does not match")                          \
    X(ERR_CONSERVATION, 211, "money was made or lost")                         \
    X(ERR_POOL_FULL, 212, "the transaction pool is full")                      \
    X(ERR_PROOF, 213, "the proof does not hold")                               \
    X(ERR_VALIDATOR, 214, "not a validator of this epoch")                     \
    X(ERR_BOND_MIN, 215, "the validator's bond would be below the minimum")    \
    X(ERR_BOND_SHORT, 216, "less than that is bonded")                         \
    X(ERR_OWNER, 217, "only the validator's owner may do this")                \
    X(ERR_JAILED, 218, "the validator was removed for evidence")               \
    X(ERR_UNBONDING, 219, "too many unbondings wait: withdraw released ones")  \
    X(ERR_LAST_VALIDATOR, 220, "no validator would be left")                   \
    X(ERR_LEAVE_LIMIT, 221, "a third of the weight may leave in one epoch")    \
    X(ERR_NOT_RELEASED, 222, "nothing is released yet")                        \
    X(ERR_EVIDENCE, 223, "the two votes do not prove guilt")                   \
    X(ERR_EVIDENCE_EPOCH, 224, "the evidence is of no epoch still judged")     \
    X(ERR_EVIDENCE_USED, 225, "the evidence was used before")                  \
    /* market 300..399 */                                                      \
    X(ERR_STATE, 300, "not allowed in this state")                             \
    X(ERR_PARTY, 301, "only the other party may do this")                      \
    X(ERR_PRICE, 302, "above the price cap")                                   \
    X(ERR_BOND, 303, "the provider's bond is too low")                         \
    X(ERR_RECEIPT_SEQ, 304, "a newer receipt exists")                          \
    X(ERR_RECEIPT_BOUND, 305, "the receipt claims more than was reserved")     \
    X(ERR_TERMS, 306, "quote, request and approval do not agree")              \
    X(ERR_TOO_EARLY, 307, "the waiting time has not passed yet")               \
    X(ERR_TOO_LATE, 308, "the deadline has passed")                            \
    X(ERR_CAPACITY, 309, "no free capacity for this")                          \
    X(ERR_NOT_SELLING, 310, "the provider does not sell now")                  \
    X(ERR_OFFER_OLD, 311, "a newer version of the offer is known")             \
    X(ERR_NO_OFFER, 312, "no offer fits the request")                          \
    X(ERR_BOOK_FULL, 313, "the order book is full")                            \
    X(ERR_CANCELLED, 314, "it was cancelled")                                  \
    X(ERR_NO_APPROVAL, 315, "the buyer has not approved the bill")             \
    /* wallet 500..599 */                                                      \
    X(ERR_PASSPHRASE, 500, "the passphrase is wrong")                          \
    X(ERR_MNEMONIC, 501, "the backup words are wrong")                         \
    X(ERR_MODE, 502, "the file is open to other users")                        \
    X(ERR_NO_KEY, 503, "no such key")                                          \
    X(ERR_PURPOSE, 504, "the wallet does not sign for this purpose")           \
    X(ERR_LOCKED, 505, "the key is locked")                                    \
    X(ERR_NO_WORDS, 506, "the key was not made from backup words")             \
    X(ERR_AMBIGUOUS, 507, "several keys fit: name one")                        \
    /* node 600..699 */                                                        \
    X(ERR_HANDSHAKE, 600, "the handshake failed")                              \
    X(ERR_PEER_ID, 601, "the peer is not the one expected")                    \
    X(ERR_DECRYPT, 602, "a frame does not decrypt")                            \
    X(ERR_CLOSED, 603, "the connection is closed")                             \
    X(ERR_BANNED, 604, "the peer is banned")                                   \
    X(ERR_TIMEOUT, 605, "no answer in time")                                   \
    X(ERR_RATE, 606, "too many requests")                                      \
    X(ERR_EXECUTOR, 607, "the executor failed")                                \
    X(ERR_SANDBOX, 608, "jobs cannot be isolated on this machine")             \
    X(ERR_BLOB, 609, "a blob is missing or damaged")                           \
    X(ERR_CONFIG, 610, "the configuration is wrong")                           \
    X(ERR_NOT_READY, 611, "the node is not ready yet")                         \
    X(ERR_IMAGE, 612, "the image is missing or malformed")                     \
    X(ERR_SLOW, 613, "the peer reads too slowly")                              \
    X(ERR_PEERS, 614, "no room for more peers")                                \
    X(ERR_DISK, 615, "disk short: too little room at the provider")            \
    X(ERR_UNASKED, 616, "nobody asked for this")

#define X(name, code, text) name = code,
enum err { OK = 0, ERR_MAP(X) };
#undef X

/* A sentence without a full stop; "unknown error" for a number not in the
 * table (a newer peer may send one). Static, never NULL. */
const char *err_text(enum err err);

/* The symbol, "ERR_FUNDS"; "ERR_?" when unknown. Static, never NULL. */
const char *err_name(enum err err);

/* Whether the machine said no, as opposed to the rules. */
static inline int err_is_fault(enum err err)
{
    return err > 0 && (int)err < 100;
}

#define MUST_USE __attribute__((warn_unused_result))

/* Returns the error to the caller: for straight-line code without clean-up. */
#define TRY(expr)                                                              \
    do {                                                                       \
        enum err try_err_ = (expr);                                            \
        if (try_err_ != OK)                                                    \
            return try_err_;                                                   \
    } while (0)

#endif
