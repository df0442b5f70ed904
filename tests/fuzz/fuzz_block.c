/* links: ledger */

/* Any bytes as a block for a chain at its genesis: refused, or executed and
 * then the very same bytes. The chain is not changed by what it refuses. */

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "ledger/chain/chain.h"

static struct chain *chain_once(void)
{
    static struct chain *chain;
    struct genesis genesis;
    struct store *store;
    struct pubkey key;
    uint8_t secret[64];
    if (chain != NULL)
        return chain;
    /* The world of tests/unit/ledger/fixture.h, so that its blocks fit. */
    genesis_init(&genesis);
    memcpy(genesis.network, "unit", 5);
    genesis.test = true;
    genesis.time_ms = UINT64_C(1700000000000);
    CHECK(params_set(&genesis.params, "epoch_blocks", 5) == OK);
    for (uint64_t i = 0; i < 5; i++) {
        uint8_t seed[32] = {0};
        u64le_put(seed, i == 4 ? 1001 : i + 1);
        crypto_sign_seed_keypair(key.b, secret, seed);
        if (i == 4)
            CHECK(genesis_add_validator(&genesis, &key, amount_micro(1000000),
                                        NULL) == OK);
        else
            CHECK(genesis_add_account(&genesis, &key,
                                      amount_micro(100000000)) == OK);
    }
    CHECK(genesis_seal(&genesis) == OK);
    CHECK(store_mem_new(&store) == OK);
    CHECK(chain_open(store, &genesis, NULL, &chain) == OK);
    genesis_done(&genesis);
    return chain;
}

static void decode_alone(struct bytes in)
{
    struct arena arena;
    struct block block;
    struct buf again;
    arena_init(&arena, 64 * in.len + 4096);
    buf_init(&again, LIMIT_BLOCK_BYTES);
    if (block_decode(in, &arena, &block) == OK) {
        block_encode(&block.header, block.evidence, block.evidence_count,
                     block.tx_bytes, block.tx_count, &again);
        CHECK(bytes_equal(buf_bytes(&again), in));
    }
    buf_done(&again);
    arena_done(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in = bytes_make(data, len);
    struct chain *chain = chain_once();
    struct candidate *candidate = NULL;

    decode_alone(in);
    if (chain_execute(chain, NULL, in, true, NULL, &candidate) == OK)
        CHECK(bytes_equal(candidate_bytes(candidate), in));
    else
        CHECK(candidate == NULL);
    candidate_free(candidate);
    CHECK(chain_head(chain).height == 0);
    return 0;
}
