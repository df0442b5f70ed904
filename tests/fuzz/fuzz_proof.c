/* links: ledger */

/* Any bytes as a proof: without the validator's key nothing new is proven, and
 * nothing is read past the end. */

#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "ledger/state/mmr.h"
#include "ledger/state/proof.h"
#include "ledger/state/smt.h"

static void whole(struct bytes in)
{
    struct validators set;
    struct state_proof state;
    struct tx_proof tx;
    struct header header;
    struct pubkey key;
    struct cursor cursor;
    struct arena arena;
    uint8_t secret[64];
    uint8_t seed[32] = {0};

    u64le_put(seed, 1001); /* the validator of the corpus */
    crypto_sign_seed_keypair(key.b, secret, seed);
    memset(&set, 0, sizeof(set));
    CHECK(validators_add(&set, &key, 1) == OK);
    if (in.len < 2)
        return;
    /* The chain the proof itself names: so the check goes on to what is in it.
     */
    cursor_init(&cursor, bytes_make(in.ptr + 2, in.len - 2));
    header_decode(&cursor, &header);
    arena_init(&arena, 64 * in.len + 4096);
    if (proof_check_state(in, &header.chain, &set, &state) == OK)
        CHECK(state.key.ptr >= in.ptr &&
              state.key.ptr + state.key.len <= in.ptr + in.len);
    if (proof_check_tx(in, &header.chain, &set, &arena, &tx) == OK)
        CHECK(tx_verify(&tx.tx, &header.chain) == OK);
    arena_done(&arena);
}

/* The paths alone, with roots taken from the input: no signature in the way. */
static void parts(struct bytes in)
{
    struct hash root;
    struct hash path;
    struct hash value;
    struct merkle_proof merkle;
    struct cursor cursor;
    cursor_init(&cursor, in);
    cursor_copy(&cursor, root.b, HASH_LEN);
    cursor_copy(&cursor, path.b, HASH_LEN);
    cursor_copy(&cursor, value.b, HASH_LEN);
    struct bytes rest = cursor.rest;
    /* A random root is no hash of anything; the empty tree's root is zero, and
     * there nothing is a member. */
    if (smt_check(rest, &root, &path, &value) == OK)
        CHECK(!hash_is_zero(&root));
    if (smt_check(rest, &root, &path, NULL) == OK)
        CHECK(smt_check(rest, &root, &path, &value) == ERR_PROOF);
    uint64_t index = path.b[0];
    uint64_t count = path.b[1];
    if (mmr_check(rest, index, count, &value, &root) == OK)
        CHECK(index < count);
    merkle_decode(&cursor, &merkle);
    if (cursor.err == OK && merkle_check(&merkle, &value, &root) == OK)
        CHECK(merkle.index < merkle.count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    whole(in);
    parts(in);
    return 0;
}
