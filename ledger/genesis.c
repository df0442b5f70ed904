#include "ledger/genesis.h"

#include "base/address.h"
#include "base/check.h"
#include "ledger/account.h"
#include "ledger/bond.h"

#include <stdlib.h>
#include <string.h>

#define GENESIS_FIELDS 6

void genesis_init(struct genesis *genesis)
{
    memset(genesis, 0, sizeof(*genesis));
    params_init(&genesis->params);
}

void genesis_done(struct genesis *genesis)
{
    free(genesis->accounts);
    memset(genesis, 0, sizeof(*genesis));
}

enum err genesis_add_validator(struct genesis *genesis,
                               const struct pubkey *key, struct amount bonded,
                               const struct pubkey *owner)
{
    struct validators *set = &genesis->validators;
    TRY(validators_add(set, key, amount_figure(bonded)));
    int at = validators_find(set, key);
    CHECK(at >= 0);
    struct pubkey *place = &genesis->owners[at];
    memmove(place + 1, place, (set->count - 1 - (size_t)at) * sizeof(*place));
    *place = owner != NULL ? *owner : *key;
    return OK;
}

/* Room for one more; doubling at powers of two. */
static enum err accounts_grow(struct genesis *genesis)
{
    uint32_t count = genesis->account_count;
    if (count == GENESIS_ACCOUNTS_MAX)
        return ERR_RANGE;
    if ((count & (count - 1)) != 0)
        return OK;
    size_t cap = count == 0 ? 1 : 2 * (size_t)count;
    struct genesis_account *accounts =
        realloc(genesis->accounts, cap * sizeof(*accounts));
    if (accounts == NULL)
        return ERR_NOMEM;
    genesis->accounts = accounts;
    return OK;
}

/* The first account whose key is not below `key`. */
static uint32_t lower_bound(const struct genesis *genesis,
                            const struct pubkey *key)
{
    uint32_t low = 0;
    uint32_t high = genesis->account_count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (pubkey_compare(&genesis->accounts[mid].key, key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

enum err genesis_add_account(struct genesis *genesis, const struct pubkey *key,
                             struct amount balance)
{
    uint32_t at = lower_bound(genesis, key);
    if (at < genesis->account_count &&
        pubkey_equal(&genesis->accounts[at].key, key))
        return ERR_EXISTS;
    if (amount_is_zero(balance))
        return ERR_RANGE;
    TRY(accounts_grow(genesis));
    struct genesis_account *place = &genesis->accounts[at];
    memmove(place + 1, place, (genesis->account_count - at) * sizeof(*place));
    *place = (struct genesis_account){*key, balance};
    genesis->account_count++;
    return OK;
}

static bool network_ok(const char *name)
{
    size_t len = strnlen(name, GENESIS_NETWORK_MAX);
    if (len == 0 || len >= GENESIS_NETWORK_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = name[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
            return false;
    }
    return true;
}

static enum err sum_money(const struct genesis *genesis, struct amount *out)
{
    struct amount sum = amount_micro(genesis->validators.weight);
    for (uint32_t i = 0; i < genesis->account_count; i++)
        TRY(amount_add(sum, genesis->accounts[i].balance, &sum));
    *out = sum;
    return OK;
}

/* Owners filled in, nobody below the minimum. */
static enum err check_bonds(struct genesis *genesis)
{
    uint64_t least = params_need(&genesis->params, "bond_min_micro");
    for (uint32_t i = 0; i < genesis->validators.count; i++) {
        const struct validator *item = &genesis->validators.items[i];
        if (item->weight < least)
            return ERR_BOND_MIN;
        if (pubkey_is_zero(&genesis->owners[i]))
            genesis->owners[i] = item->key;
    }
    return OK;
}

enum err genesis_seal(struct genesis *genesis)
{
    struct amount supply;
    struct buf buf;
    if (!network_ok(genesis->network) || genesis->validators.count == 0)
        return ERR_GENESIS;
    TRY(params_check(&genesis->params));
    TRY(check_bonds(genesis));
    TRY(sum_money(genesis, &supply));
    buf_init(&buf, GENESIS_BYTES_MAX);
    genesis_encode(genesis, &buf);
    enum err err = buf.err;
    if (err == OK)
        hash_bytes(HASH_TAG_GENESIS, buf_bytes(&buf), &genesis->chain);
    buf_done(&buf);
    return err;
}

struct amount genesis_supply(const struct genesis *genesis)
{
    struct amount supply;
    enum err err = sum_money(genesis, &supply);
    CHECK(err == OK);
    return supply;
}

enum err genesis_bonds(const struct genesis *genesis, struct state *state)
{
    TRY(stake_put(state, &(struct stake){0}));
    for (uint32_t i = 0; i < genesis->validators.count; i++) {
        const struct validator *item = &genesis->validators.items[i];
        const struct pubkey *owner = &genesis->owners[i];
        struct amount amount = amount_micro(item->weight);
        TRY(account_credit(state, owner, amount));
        TRY(bond_genesis(state, &item->key, owner, amount));
    }
    return OK;
}

const char *genesis_address_prefix(const struct genesis *genesis)
{
    return genesis->test ? ADDRESS_PREFIX_TEST : ADDRESS_PREFIX_MAIN;
}

/* ---- canonical bytes ---- */

void genesis_encode(const struct genesis *genesis, struct buf *out)
{
    mp_put_message(out, GENESIS_MESSAGE, GENESIS_VERSION, GENESIS_FIELDS);
    mp_put_str(out, genesis->network);
    mp_put_bool(out, genesis->test);
    mp_put_uint(out, genesis->time_ms);
    params_encode(&genesis->params, out);
    mp_put_array(out, genesis->validators.count);
    for (uint32_t i = 0; i < genesis->validators.count; i++) {
        mp_put_array(out, 3);
        mp_put_pubkey(out, &genesis->validators.items[i].key);
        mp_put_uint(out, genesis->validators.items[i].weight);
        mp_put_pubkey(out, &genesis->owners[i]);
    }
    mp_put_array(out, genesis->account_count);
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        mp_put_array(out, 2);
        mp_put_pubkey(out, &genesis->accounts[i].key);
        mp_put_amount(out, genesis->accounts[i].balance);
    }
}

static void note(struct mp_reader *reader, enum err err)
{
    if (err != OK)
        mp_fail(reader, err);
}

static void read_validators(struct mp_reader *reader, struct genesis *out)
{
    struct pubkey last;
    uint32_t count = mp_enter(reader);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        struct pubkey key;
        struct pubkey owner;
        mp_enter_exact(reader, 3);
        mp_get_pubkey(reader, &key);
        struct amount bonded = mp_get_amount(reader);
        mp_get_pubkey(reader, &owner);
        mp_leave(reader);
        /* Zero would be filled in: a second spelling. */
        if (pubkey_is_zero(&owner) && !pubkey_is_zero(&key))
            mp_fail(reader, ERR_NOT_CANONICAL);
        if (i > 0 && pubkey_compare(&last, &key) >= 0)
            mp_fail(reader, ERR_NOT_CANONICAL);
        last = key;
        if (reader->err == OK)
            note(reader, genesis_add_validator(out, &key, bonded, &owner));
    }
    mp_leave(reader);
}

static void read_accounts(struct mp_reader *reader, struct genesis *out)
{
    struct pubkey last;
    uint32_t count = mp_enter(reader);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        struct pubkey key;
        mp_enter_exact(reader, 2);
        mp_get_pubkey(reader, &key);
        struct amount balance = mp_get_amount(reader);
        mp_leave(reader);
        if (i > 0 && pubkey_compare(&last, &key) >= 0)
            mp_fail(reader, ERR_NOT_CANONICAL);
        last = key;
        if (reader->err == OK)
            note(reader, genesis_add_account(out, &key, balance));
    }
    mp_leave(reader);
}

static enum err decode_into(struct bytes bytes, struct arena *arena,
                            struct genesis *out)
{
    struct mp_reader reader;
    TRY(mp_open_message(&reader, bytes, arena, GENESIS_MESSAGE, GENESIS_VERSION,
                        GENESIS_FIELDS));
    mp_get_text(&reader, out->network, sizeof(out->network));
    out->test = mp_get_bool(&reader);
    out->time_ms = mp_get_uint(&reader);
    params_decode(&reader, &out->params);
    read_validators(&reader, out);
    read_accounts(&reader, out);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    return genesis_seal(out);
}

enum err genesis_decode(struct bytes bytes, struct genesis *out)
{
    struct genesis genesis;
    struct arena arena;
    if (bytes.len > GENESIS_BYTES_MAX)
        return ERR_TOO_LARGE;
    memset(&genesis, 0, sizeof(genesis));
    arena_init(&arena, 64 * GENESIS_BYTES_MAX);
    enum err err = decode_into(bytes, &arena, &genesis);
    arena_done(&arena);
    if (err == OK)
        *out = genesis;
    else
        genesis_done(&genesis);
    return err;
}
