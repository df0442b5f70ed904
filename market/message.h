#ifndef MARKET_MESSAGE_H
#define MARKET_MESSAGE_H

/* What the nouns of the market share as bytes: their kind numbers, how they are
 * signed, and the bounds that keep every later sum small.
 *
 * Every noun is canonical msgpack [kind, version, fields...]. A signed one is
 * the same array with the signatures appended, so its unsigned bytes are the
 * array without them; what is signed is sign_digest(tag, chain, unsigned).
 *
 *   kind                   fields, in order              signatures
 *   MESSAGE_SPEC      50   spec_codec.c                  -
 *   MESSAGE_OFFER     51   offer_codec.c                 provider
 *   MESSAGE_REQUEST   52   request_codec.c               buyer
 *   MESSAGE_APPROVAL  53   request_codec.c               buyer
 *   MESSAGE_QUOTE     54   quote_codec.c                 provider
 *   MESSAGE_RECEIPT   55   receipt_codec.c               provider, agent
 *   MESSAGE_CONTRACT  56   contract_codec.c (a record)   -
 *   MESSAGE_LINKS     57   links_codec.c                 the node
 *   MESSAGE_GRAPH     58   graph.c (a record)           -
 *   100..105               contract.h (payloads)         the transaction's
 */

#include "base/limits.h"
#include "base/mp.h"

enum message_kind {
    MESSAGE_SPEC = 50,
    MESSAGE_OFFER = 51,
    MESSAGE_REQUEST = 52,
    MESSAGE_APPROVAL = 53,
    MESSAGE_QUOTE = 54,
    MESSAGE_RECEIPT = 55,
    MESSAGE_CONTRACT = 56,
    MESSAGE_LINKS = 57,
    MESSAGE_GRAPH = 58,
};
#define MESSAGE_VERSION 1

/* The longest time limit of a task: 366 days. With it, time and money of one
 * task never leave 64 bits by surprise. */
#define MESSAGE_TIME_MS_MAX (366ull * 24 * 3600 * 1000)

/* The digest of unsigned bytes; takes the buf's memory in any case (buf_done).
 * What stuck in the buf, else OK. */
MUST_USE enum err message_digest(struct buf *unsigned_bytes, const char *tag,
                                 const struct hash *chain, struct hash *out);
/* Signs the digest. What the signer refuses. */
MUST_USE enum err message_sign(const struct signer *signer, const char *tag,
                               const struct hash *digest,
                               struct signature *out);
/* Is it a zero-terminated text of a field of `size` bytes that mp_get_text
 * would read back? No control characters. */
bool message_text_ok(const char *text, size_t size);
bool signature_is_zero(const struct signature *sig);

#endif
