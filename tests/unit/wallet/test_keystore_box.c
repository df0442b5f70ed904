#include "support.h"

#include <sodium.h>

#include "wallet/keystore_box.h"

#define PASS BYTES_LIT("open sesame")

static const uint8_t seed[32] = {1, 2, 3};

/* A file for the key of `seed`, all fields set but the sealed ones. */
static struct keystore_file file_make(struct key **out_key)
{
    struct keystore_file file = {
        .label = "main", .created_ms = 9, .cost = {1, 8192}};
    assert_ok(key_from_seed(&purpose_account, seed, out_key));
    key_public(*out_key, &file.key);
    address_format(ADDRESS_PREFIX_TEST, &file.key, file.address);
    return file;
}

/* Seals bytes of our own choice, as someone who knows the passphrase could. */
static void seal_plain(struct keystore_file *file,
                       const uint8_t plain[KEYSTORE_PLAIN_LEN])
{
    uint8_t key[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
    struct bytes pass = PASS;
    struct buf header;
    assert_int_equal(crypto_pwhash(key, sizeof(key), (const char *)pass.ptr,
                                   pass.len, file->salt, file->cost.opslimit,
                                   (size_t)file->cost.memlimit,
                                   crypto_pwhash_ALG_ARGON2ID13),
                     0);
    buf_init(&header, KEYSTORE_FILE_MAX);
    keystore_header_encode(file, &header);
    crypto_aead_xchacha20poly1305_ietf_encrypt(
        file->box, NULL, plain, KEYSTORE_PLAIN_LEN, header.ptr, header.len,
        NULL, file->nonce, key);
    buf_done(&header);
}

static enum err try_open(const struct keystore_file *file)
{
    struct key *key = NULL;
    enum err err = keystore_box_open(file, PASS, &purpose_account, &key);
    assert_int_equal(key != NULL, err == OK);
    key_free(key);
    return err;
}

static void a_sealed_box_opens_with_its_passphrase_only(void **state)
{
    struct key *key, *none = NULL;
    struct keystore_file file = file_make(&key);
    (void)state;
    assert_ok(keystore_box_seal(&file, key, PASS, NULL));
    assert_ok(try_open(&file));
    assert_err(keystore_box_open(&file, BYTES_LIT("open sesam"),
                                 &purpose_account, &none),
               ERR_PASSPHRASE);
    assert_null(none);
    key_free(key);
}

static void the_layout_of_the_box_is_the_documented_one(void **state)
{
    struct key *key;
    struct keystore_file file = file_make(&key);
    uint8_t plain[KEYSTORE_PLAIN_LEN] = {KEYSTORE_PLAIN_VERSION};
    (void)state;
    memcpy(plain + 6, seed, sizeof(seed));
    seal_plain(&file, plain);
    assert_ok(try_open(&file));
    key_free(key);
}

static void a_box_with_another_key_than_the_address_is_corrupt(void **state)
{
    struct key *key;
    struct keystore_file file = file_make(&key);
    uint8_t plain[KEYSTORE_PLAIN_LEN] = {KEYSTORE_PLAIN_VERSION};
    (void)state;
    memcpy(plain + 6, seed, sizeof(seed));
    plain[6] ^= 1;
    seal_plain(&file, plain);
    assert_err(try_open(&file), ERR_CORRUPT);
    key_free(key);
}

static void a_box_of_a_later_layout_is_told_apart(void **state)
{
    struct key *key;
    struct keystore_file file = file_make(&key);
    uint8_t plain[KEYSTORE_PLAIN_LEN] = {KEYSTORE_PLAIN_VERSION + 1};
    (void)state;
    memcpy(plain + 6, seed, sizeof(seed));
    seal_plain(&file, plain);
    assert_err(try_open(&file), ERR_VERSION);
    plain[0] = KEYSTORE_PLAIN_VERSION;
    plain[1] = 0x80; /* a flag that we do not know */
    seal_plain(&file, plain);
    assert_err(try_open(&file), ERR_VERSION);
    key_free(key);
}

static void every_flipped_byte_of_the_box_is_refused(void **state)
{
    struct key *key;
    struct keystore_file file = file_make(&key);
    (void)state;
    assert_ok(keystore_box_seal(&file, key, PASS, NULL));
    for (size_t i = 0; i < sizeof(file.box); i++) {
        file.box[i] ^= 0x80;
        assert_err(try_open(&file), ERR_PASSPHRASE);
        file.box[i] ^= 0x80;
    }
    assert_ok(try_open(&file));
    key_free(key);
}

static void a_passphrase_has_one_to_1024_bytes(void **state)
{
    static const char text[1025];
    (void)state;
    assert_err(keystore_passphrase_check(bytes_make(text, 0)), ERR_RANGE);
    assert_ok(keystore_passphrase_check(bytes_make(text, 1)));
    assert_ok(keystore_passphrase_check(bytes_make(text, 1024)));
    assert_err(keystore_passphrase_check(bytes_make(text, 1025)), ERR_RANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sealed_box_opens_with_its_passphrase_only),
        cmocka_unit_test(the_layout_of_the_box_is_the_documented_one),
        cmocka_unit_test(a_box_with_another_key_than_the_address_is_corrupt),
        cmocka_unit_test(a_box_of_a_later_layout_is_told_apart),
        cmocka_unit_test(every_flipped_byte_of_the_box_is_refused),
        cmocka_unit_test(a_passphrase_has_one_to_1024_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
