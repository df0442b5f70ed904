/* Transactions: taken in, handed on, thrown out. */

#include "ledger/sx/sx_room.h"

#include "base/check.h"

void sx_refuse(struct sx *core, const struct hash *id, uint64_t token,
               enum err err, uint64_t height)
{
    struct sx_effect *effect = sx_effect_add(core, SX_TX_REFUSED);
    if (effect == NULL)
        return;
    effect->id = *id;
    effect->token = token;
    effect->err = err;
    effect->height = height;
}

/* Something came, went, or is in a block now. */
void sx_pool_touched(struct sx *core)
{
    core->pool_changes++;
    if (pool_count(core->pool) == 0)
        core->patience = core->calm = 0; /* what is new is not in that crowd */
    if (pool_fresh(core->pool) == 0)
        core->fresh_since_ms = UINT64_MAX;
    else if (core->fresh_since_ms == UINT64_MAX)
        core->fresh_since_ms = core->mono_ms;
}

/* ---- taking in ---- */

/* The fees of all that waits must be payable, else one account could fill the
 * pool with promises. */
static enum err check_fees(struct sx *core, const struct tx *tx,
                           uint64_t *out_nonce)
{
    struct account account;
    struct amount fees;
    TRY(account_get(chain_head_state(core->chain), &tx->sender, &account));
    TRY(amount_add(pool_fees(core->pool, &tx->sender), tx->fee, &fees));
    *out_nonce = account.nonce;
    return amount_cmp(account.balance, fees) < 0 ? ERR_FUNDS : OK;
}

static void throw_out(struct sx *core, const struct pool_entry *entry,
                      enum err err);

/* What would the rules say, were it its turn? */
static enum err check_as_next(struct sx *core, const struct tx *tx)
{
    struct account account;
    struct tx next = *tx;
    TRY(account_get(chain_head_state(core->chain), &tx->sender, &account));
    next.nonce = account.nonce;
    return chain_check_tx(core->chain, &next, core->wall_ms);
}

/* Its number is taken. What holds it keeps it, first come, first served; but
 * where the rules would refuse that and not this, no block is helped by it, and
 * all behind it would wait for nothing. */
static enum err take_over(struct sx *core, const struct tx *tx,
                          const struct sx_tx *given, uint64_t next_nonce)
{
    const struct pool_entry *holder =
        pool_account_next(core->pool, &tx->sender, tx->nonce);
    if (SX_MUTANT(NUMBER_KEPT) || holder == NULL || tx->nonce < next_nonce ||
        holder->tx.nonce != tx->nonce || holder->carried > 0)
        return ERR_NONCE;
    enum err err = check_as_next(core, &holder->tx);
    if (err == OK || err_is_fault(err))
        return err == OK ? ERR_NONCE : err;
    enum err mine = check_as_next(core, tx);
    if (mine != OK)
        return err_is_fault(mine) ? mine : ERR_NONCE;
    throw_out(core, holder, err);
    return pool_add(core->pool, tx, given->bytes, next_nonce, given->token,
                    core->mono_ms);
}

static enum err admit(struct sx *core, const struct tx *tx,
                      const struct sx_tx *given)
{
    uint64_t next_nonce = 0;
    if (pool_find(core->pool, &tx->id) != NULL)
        return ERR_EXISTS;
    if (!given->verified)
        TRY(tx_verify(tx, chain_id(core->chain)));
    TRY(chain_check_tx(core->chain, tx, core->wall_ms));
    TRY(check_fees(core, tx, &next_nonce));
    enum err err = pool_add(core->pool, tx, given->bytes, next_nonce,
                            given->token, core->mono_ms);
    return err == ERR_NONCE ? take_over(core, tx, given, next_nonce) : err;
}

/* Those that gave way to it. */
static void tell_gone(struct sx *core)
{
    const struct pool_entry *entry;
    while ((entry = pool_gone(core->pool)) != NULL)
        if (!SX_MUTANT(POOL_SILENT))
            sx_refuse(core, &entry->tx.id, entry->token, ERR_POOL_FULL, 0);
}

static void submit_one(struct sx *core, const struct sx_tx *given)
{
    struct tx_place place = {0};
    struct tx tx = {0};
    enum err err = OK;
    if (given->tx != NULL)
        tx = *given->tx;
    else
        err = tx_decode(given->bytes, &core->arena, &tx);
    if (err == OK && sx_fetching(core))
        err = ERR_NOT_READY; /* there is no state to check it on */
    if (err == OK)
        err = admit(core, &tx, given);
    /* It came in a block first, or its sender missed the answer and tries
     * again: it is final or about to be. */
    if (err == ERR_NONCE && (chain_find_tx(core->chain, &tx.id, &place) == OK ||
                             pool_carried(core->pool, &tx.id)))
        err = ERR_EXISTS;
    if (err_is_fault(err)) {
        sx_halt(core, err);
        return;
    }
    if (err != OK) {
        sx_refuse(core, &tx.id, given->token, err, place.height);
        return;
    }
    tell_gone(core);
    struct sx_effect *effect = sx_effect_add(core, SX_TX_TAKEN);
    if (effect == NULL)
        return;
    effect->id = tx.id;
    effect->token = given->token;
    effect->bytes = pool_find(core->pool, &tx.id)->bytes;
    if (core->relay_due_ms > core->mono_ms + core->relay_ms)
        core->relay_due_ms = core->mono_ms + core->relay_ms;
    sx_pool_touched(core);
}

/* Effects lend the pool's bytes until the next step; what is removed within the
 * step stays readable until the sweep. All are looked at in one state. */
void sx_on_submit(struct sx *core, const struct sx_event *event)
{
    struct store *store = chain_store(core->chain);
    enum err err = store_hold(store);
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    for (size_t i = 0; i < event->tx_count && core->halted == OK; i++) {
        arena_reset(&core->arena);
        submit_one(core, &event->txs[i]);
    }
    store_release(store);
}

/* ---- looking through what waits ---- */

static void throw_out(struct sx *core, const struct pool_entry *entry,
                      enum err err)
{
    struct hash id = entry->tx.id;
    sx_refuse(core, &id, entry->token, err, 0);
    pool_remove(core->pool, &id);
    sx_pool_touched(core);
}

/* Checked at the head; false: it was thrown out, or the machine failed. */
static bool still_good(struct sx *core, const struct pool_entry *entry)
{
    if (SX_MUTANT(POOL_STALE))
        return true;
    enum err err = chain_check_tx(core->chain, &entry->tx, core->wall_ms);
    if (err_is_fault(err))
        sx_halt(core, err);
    else if (err != OK)
        throw_out(core, entry, err);
    return err == OK;
}

bool sx_has_work(struct sx *core)
{
    struct pool_entry *entry = pool_next(core->pool, NULL);
    while (entry != NULL && core->halted == OK) {
        struct pool_entry *next = pool_next(core->pool, entry);
        struct account account;
        if (entry->carried == 0 && still_good(core, entry)) {
            enum err err = account_get(chain_head_state(core->chain),
                                       &entry->tx.sender, &account);
            if (err != OK)
                sx_halt(core, err);
            else if (core->block_count > 0 || entry->tx.nonce == account.nonce)
                return true;
        }
        entry = next;
    }
    return false;
}

/* One that waits for too long is checked again, then handed on again. */
static void relay_one(struct sx *core, struct pool_entry *entry)
{
    if (!still_good(core, entry))
        return;
    struct sx_effect *effect = sx_effect_add(core, SX_RELAY);
    if (effect == NULL)
        return;
    effect->id = entry->tx.id;
    effect->bytes = entry->bytes;
    entry->added_ms = core->mono_ms;
}

void sx_relay(struct sx *core)
{
    struct pool_entry *entry;
    uint64_t next_due = UINT64_MAX;
    uint32_t burst = 0;
    if (core->me >= 0 && core->set.count == 1)
        return; /* nobody else could take them */
    if (core->mono_ms < core->relay_due_ms) {
        sx_wake(core, core->relay_due_ms);
        return;
    }
    entry = pool_next(core->pool, NULL);
    while (entry != NULL && core->halted == OK) {
        struct pool_entry *next = pool_next(core->pool, entry);
        uint64_t due = entry->added_ms + core->relay_ms;
        if (core->mono_ms >= due && entry->carried == 0) {
            /* What does not fit in now is the next oldest later. */
            if (burst == SX_RELAY_BURST) {
                next_due = core->mono_ms + core->relay_ms / 8;
                break;
            }
            burst++;
            relay_one(core, entry);
            due = core->mono_ms + core->relay_ms;
        } else if (core->mono_ms >= due) {
            due = core->mono_ms + core->relay_ms / 8;
        }
        next_due = due < next_due ? due : next_due;
        entry = next;
    }
    core->relay_due_ms = next_due;
    sx_wake(core, next_due);
}

/* ---- after a block ---- */

/* Only accounts that a block touched can have waiting transactions that it made
 * worthless. The disk may be ahead of what was told of it: what stands in a
 * block that is decided, and not told as stored, is not stale but about to be
 * final. What an undecided sibling holds is looked at when that dies. */
static void drop_stale(struct sx *core, const struct pubkey *sender)
{
    struct account account;
    struct pool_entry *entry;
    uint64_t from = 0;
    enum err err = account_get(chain_state(core->chain), sender, &account);
    if (err != OK) {
        sx_halt(core, err);
        return;
    }
    pool_account_at(core->pool, sender, account.nonce);
    while ((entry = pool_account_next(core->pool, sender, from)) != NULL &&
           entry->tx.nonce < account.nonce && !SX_MUTANT(POOL_STALE)) {
        from = entry->tx.nonce + 1;
        if (entry->carried == 0)
            throw_out(core, entry, ERR_NONCE);
    }
}

/* All that is final goes before anything is judged: the state is the one after
 * the whole run, and what its later blocks hold is not stale. */
void sx_clean_pool(struct sx *core, const struct candidate *const *run,
                   size_t count)
{
    for (size_t b = 0; b < count; b++) {
        const struct block *block = candidate_block(run[b]);
        for (uint32_t i = 0; i < block->tx_count; i++)
            pool_remove(core->pool, &block->txs[i].id);
    }
    for (size_t b = 0; b < count; b++) {
        const struct block *block = candidate_block(run[b]);
        for (uint32_t i = 0; i < block->tx_count && core->halted == OK; i++)
            drop_stale(core, &block->txs[i].sender);
    }
    sx_pool_touched(core);
}
