/* Newcomers become validators by bonds of their owners, grow, and leave again.
 * Client j owns newcomer j. All of them are honest, so that they only add to
 * the weight that is. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/bond_tx.h"

#include <string.h>

/* What one bonds at once: together newcomers stay a minority. */
static uint64_t share(const struct world *world)
{
    uint64_t most = world->plan.weight / (8 * world->plan.newcomers);
    return most == 0 ? 1 : most;
}

static void encode_bond(struct world *world, const struct client *owner,
                        const struct machine *newcomer, uint64_t amount,
                        struct buf *out)
{
    const struct signer *signer = &newcomer->key->signer;
    struct bond_add add = {.validator = signer->key,
                           .amount = amount_micro(amount),
                           .has_proof = true};
    struct hash digest;
    bond_digest(&world->genesis.chain, &owner->key.signer.key, &signer->key,
                &digest);
    CHECK(signer->sign(signer->ctx, HASH_TAG_BOND, &digest, &add.proof) == OK);
    bond_add_encode(&add, out);
}

bool stake_payload(struct world *world, uint32_t client, uint32_t *out_kind,
                   struct buf *out)
{
    struct client *owner = &world->clients[client];
    const struct machine *newcomer =
        &world->machines[world->first_newcomer + client];
    uint64_t amount = dice_between(&world->dice, 1, share(world));
    struct bond_take take = {.validator = newcomer->key->signer.key};
    if (owner->bonded > 0 && dice_chance(&world->dice, 500)) {
        take.amount = amount_micro(
            dice_chance(&world->dice, 500) ? owner->bonded : amount);
        *out_kind = TX_VALIDATOR_UNBOND;
        bond_take_encode(&take, out);
        if (amount_cmp(take.amount, amount_micro(owner->bonded)) < 0)
            owner->bonded -= amount;
        else
            owner->bonded = 0;
        return true;
    }
    if (owner->bonded > 2 * share(world))
        return false;
    *out_kind = TX_VALIDATOR_BOND;
    owner->bonded += amount;
    encode_bond(world, owner, newcomer, amount, out);
    return true;
}
