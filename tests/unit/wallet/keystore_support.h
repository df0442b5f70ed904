#ifndef TESTS_UNIT_WALLET_KEYSTORE_SUPPORT_H
#define TESTS_UNIT_WALLET_KEYSTORE_SUPPORT_H

#include "support.h"

#include "wallet/keystore.h"
#include "wallet/keystore_codec.h"

#define PASS BYTES_LIT("open sesame")
#define NEXT BYTES_LIT("another one")

#define GOLDEN_ADDRESS                                                         \
    "tsuan1exnn4jhjp04j24svynycvm95fys09vwlgzae26jhduf3xu5s0pvs3qvpx5"

static const struct keystore_cost tiny = {1, 8192}; /* the least there is */

static inline struct key *key_make(uint8_t first)
{
    const uint8_t seed[32] = {first};
    struct key *key;
    assert_ok(key_from_seed(&purpose_account, seed, &key));
    return key;
}

static inline struct keystore store_open(const struct room *room)
{
    struct keystore store;
    assert_ok(keystore_open(room->path, false, &store));
    return store;
}

/* Puts a key named `label` there and writes its address. */
static inline void store_put(struct keystore *store, uint8_t first,
                             const char *label, char address[ADDRESS_TEXT_MAX])
{
    struct key *key = key_make(first);
    struct pubkey public_key;
    assert_ok(keystore_create(store, key, ADDRESS_PREFIX_TEST, label, 1000,
                              false, PASS, &tiny));
    key_public(key, &public_key);
    address_format(ADDRESS_PREFIX_TEST, &public_key, address);
    key_free(key);
}

static inline enum err try_unlock(const struct keystore *store,
                                  const char *name, struct bytes passphrase)
{
    struct key *key = NULL;
    enum err err =
        keystore_unlock(store, name, passphrase, &purpose_account, &key);
    assert_int_equal(key != NULL, err == OK);
    key_free(key);
    return err;
}

#endif
