#include "keystore_support.h"

#include <sys/file.h>

/* ---- round trips ---- */

static void a_sealed_key_opens_and_is_the_same(void **state)
{
    struct keystore store = store_open(*state);
    struct key *before, *after;
    struct pubkey a, b;
    struct secret words, again;
    assert_ok(key_new_random(&purpose_account, NULL, &before));
    assert_ok(keystore_create(&store, before, ADDRESS_PREFIX_MAIN, "main", 5,
                              false, PASS, &keystore_cost_fast));
    assert_ok(keystore_unlock(&store, "main", PASS, &purpose_account, &after));
    key_public(before, &a);
    key_public(after, &b);
    assert_true(pubkey_equal(&a, &b));
    assert_ok(secret_init(&words, MNEMONIC_TEXT_MAX));
    assert_ok(secret_init(&again, MNEMONIC_TEXT_MAX));
    assert_ok(key_words(before, &words));
    assert_ok(key_words(after, &again));
    assert_true(bytes_equal(secret_bytes(&words), secret_bytes(&again)));
    secret_done(&again);
    secret_done(&words);
    key_free(after);
    key_free(before);
    keystore_close(&store);
}

static void a_key_opens_for_the_purpose_that_is_stated(void **state)
{
    struct keystore store = store_open(*state);
    const struct hash digest = {{1}};
    char address[ADDRESS_TEXT_MAX];
    struct signature sig;
    struct key *key;
    store_put(&store, 1, "main", address);
    assert_ok(keystore_unlock(&store, address, PASS, &purpose_node, &key));
    assert_err(key_sign(key, HASH_TAG_APPROVAL, &digest, &sig), ERR_PURPOSE);
    assert_ok(key_sign(key, HASH_TAG_OFFER, &digest, &sig));
    key_free(key);
    keystore_close(&store);
}

static void the_origin_of_a_key_is_kept(void **state)
{
    struct keystore store = store_open(*state);
    struct key *raw = key_make(3), *key;
    struct secret words;
    assert_ok(keystore_create(&store, raw, ADDRESS_PREFIX_TEST, "raw", 5, false,
                              PASS, &tiny));
    key_free(raw);
    assert_ok(keystore_unlock(&store, "raw", PASS, &purpose_account, &key));
    assert_false(key_origin(key).has_words);
    assert_ok(secret_init(&words, MNEMONIC_TEXT_MAX));
    assert_err(key_words(key, &words), ERR_NO_WORDS);
    key_free(key);
    assert_ok(key_new_random(&purpose_account, NULL, &key));
    assert_ok(key_words(key, &words));
    key_free(key);
    assert_ok(key_from_mnemonic(&purpose_account, secret_bytes(&words),
                                BYTES_LIT("extra"), 77, &key, NULL));
    assert_ok(keystore_create(&store, key, ADDRESS_PREFIX_TEST, "extra", 5,
                              true, PASS, &tiny));
    key_free(key);
    assert_ok(keystore_unlock(&store, "extra", PASS, &purpose_account, &key));
    assert_true(key_origin(key).has_words);
    assert_true(key_origin(key).words_passphrase);
    assert_int_equal(key_origin(key).account, 77);
    key_free(key);
    secret_done(&words);
    keystore_close(&store);
}

/* Made by other programs from docs/keystore.md: Argon2id and ChaCha20-Poly1305
 * of OpenSSL, HChaCha20 and bech32m written apart in Python. */
static void a_file_of_another_implementation_opens(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char text[KEYSTORE_FILE_MAX];
    size_t len = file_get(VECTORS "keystore_golden.json", text, sizeof(text));
    struct key *key;
    struct secret words;
    room_put(room, GOLDEN_ADDRESS ".key", text, len, 0600);
    assert_ok(keystore_unlock(&store, "golden", PASS, &purpose_account, &key));
    assert_true(key_origin(key).words_passphrase);
    assert_ok(secret_init(&words, MNEMONIC_TEXT_MAX));
    assert_ok(key_words(key, &words));
    assert_true(words.len > 24 * 3);
    secret_done(&words);
    key_free(key);
    keystore_close(&store);
}

static enum err fixed_fill(void *ctx, uint8_t *out, size_t len)
{
    uint8_t *next = ctx;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)(*next + i);
    *next = 100;
    return OK;
}

static void with_the_same_salt_and_nonce_we_write_the_golden_bytes(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char golden[KEYSTORE_FILE_MAX], ours[KEYSTORE_FILE_MAX];
    uint8_t next = 0;
    const struct entropy entropy = {fixed_fill, &next};
    struct key *key;
    size_t len =
        file_get(VECTORS "keystore_golden.json", golden, sizeof(golden));
    room_put(room, GOLDEN_ADDRESS ".key", golden, len, 0600);
    assert_ok(keystore_unlock(&store, "golden", PASS, &purpose_account, &key));
    unlink(room_file(room, GOLDEN_ADDRESS ".key"));
    store.entropy = &entropy;
    assert_ok(keystore_create(&store, key, ADDRESS_PREFIX_TEST, "golden",
                              1700000000123, true, PASS, &keystore_cost_fast));
    file_get(room_file(room, GOLDEN_ADDRESS ".key"), ours, sizeof(ours));
    assert_string_equal(ours, golden);
    key_free(key);
    keystore_close(&store);
}

/* ---- finding ---- */

static void listing_needs_no_passphrase_and_is_sorted_by_label(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char a[ADDRESS_TEXT_MAX], b[ADDRESS_TEXT_MAX], c[ADDRESS_TEXT_MAX];
    struct keystore_entry *list;
    size_t count;
    assert_ok(keystore_list(&store, &list, &count));
    assert_int_equal(count, 0);
    free(list);
    store_put(&store, 1, "zebra", a);
    store_put(&store, 2, "ant", b);
    store_put(&store, 3, "main", c);
    room_put(room, "node-identity.unencrypted", "x", 1, 0600);
    room_put(room, ".hidden.key", "x", 1, 0600);
    room_put(room, "broken.key", "x", 1, 0600);
    assert_ok(keystore_list(&store, &list, &count));
    assert_int_equal(count, 4);
    assert_string_equal(list[0].label, "ant");
    assert_string_equal(list[1].label, "main");
    assert_string_equal(list[2].label, "zebra");
    assert_string_equal(list[0].address, b);
    assert_int_equal(list[0].created_ms, 1000);
    assert_false(list[0].has_backup);
    assert_string_equal(list[3].file, "broken.key");
    assert_err(list[3].err, ERR_CORRUPT);
    free(list);
    keystore_close(&store);
}

static void a_key_is_found_by_label_by_address_or_alone(void **state)
{
    struct keystore store = store_open(*state);
    char a[ADDRESS_TEXT_MAX], b[ADDRESS_TEXT_MAX];
    struct keystore_entry entry;
    assert_err(keystore_find(&store, NULL, &entry), ERR_NO_KEY);
    assert_err(keystore_find(&store, "main", &entry), ERR_NO_KEY);
    store_put(&store, 1, "main", a);
    assert_ok(keystore_find(&store, NULL, &entry));
    assert_string_equal(entry.address, a);
    store_put(&store, 2, "spare", b);
    assert_err(keystore_find(&store, "", &entry), ERR_AMBIGUOUS);
    assert_ok(keystore_find(&store, "spare", &entry));
    assert_string_equal(entry.address, b);
    assert_ok(keystore_find(&store, a, &entry));
    assert_string_equal(entry.label, "main");
    assert_err(keystore_find(&store, "mai", &entry), ERR_NO_KEY);
    keystore_close(&store);
}

static void a_label_is_plain_and_no_address(void **state)
{
    static const char *const good[] = {"a",
                                       "main",
                                       "Key_1.x-y",
                                       "0",
                                       "suan2",
                                       "tsuan",
                                       "01234567890123456789012345678901"};
    static const char *const bad[] = {
        "",       ".x",        "-x",
        "_x",     "a b",       "a/b",
        "a\"b",   "a\n",       "caf\xc3\xa9",
        "suan1x", "tsuan1qqq", "012345678901234567890123456789012"};
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_ok(keystore_label_check(good[i]));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_err(keystore_label_check(bad[i]), ERR_RANGE);
}

/* ---- refusals ---- */

static void a_key_or_label_is_not_taken_twice(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char address[ADDRESS_TEXT_MAX], name[KEYSTORE_NAME_MAX];
    struct key *same = key_make(1), *other = key_make(2);
    store_put(&store, 1, "main", address);
    assert_err(keystore_create(&store, same, ADDRESS_PREFIX_TEST, "twin", 1,
                               false, PASS, &tiny),
               ERR_EXISTS);
    assert_err(keystore_create(&store, other, ADDRESS_PREFIX_TEST, "main", 1,
                               false, PASS, &tiny),
               ERR_EXISTS);
    /* A damaged file is in the way too: it may be all there is of a key. */
    snprintf(name, sizeof(name), "%s.key", address);
    room_put(room, name, "rubbish", 7, 0600);
    assert_err(keystore_create(&store, same, ADDRESS_PREFIX_TEST, "twin", 1,
                               false, PASS, &tiny),
               ERR_EXISTS);
    assert_int_equal(room_count(room), 1);
    key_free(other);
    key_free(same);
    keystore_close(&store);
}

static void what_cannot_be_sealed_is_refused_before_anything(void **state)
{
    static const char big[1025];
    static const struct keystore_cost hungry = {1, KEYSTORE_MEM_MAX + 1};
    static const struct keystore_cost meek = {1, 8191};
    const struct room *room = *state;
    struct keystore store = store_open(room);
    struct key *key = key_make(1);
    const char *test = ADDRESS_PREFIX_TEST;
    assert_err(keystore_create(&store, key, test, "a b", 1, false, PASS, &tiny),
               ERR_RANGE);
    assert_err(
        keystore_create(&store, key, test, "a", 1, false, BYTES_LIT(""), &tiny),
        ERR_RANGE);
    assert_err(keystore_create(&store, key, test, "a", 1, false,
                               bytes_make(big, sizeof(big)), &tiny),
               ERR_RANGE);
    assert_err(keystore_create(&store, key, test, "a", 1, false, PASS, &hungry),
               ERR_TOO_LARGE);
    assert_err(keystore_create(&store, key, test, "a", 1, false, PASS, &meek),
               ERR_RANGE);
    assert_int_equal(room_count(room), 0);
    key_free(key);
    keystore_close(&store);
}

static void a_wrong_passphrase_is_not_called_damage(void **state)
{
    struct keystore store = store_open(*state);
    char address[ADDRESS_TEXT_MAX];
    store_put(&store, 1, "main", address);
    assert_err(try_unlock(&store, "main", NEXT), ERR_PASSPHRASE);
    assert_err(try_unlock(&store, "main", BYTES_LIT("")), ERR_PASSPHRASE);
    assert_err(try_unlock(&store, "main", BYTES_LIT("open sesame ")),
               ERR_PASSPHRASE);
    assert_err(try_unlock(&store, "none", PASS), ERR_NO_KEY);
    assert_ok(try_unlock(&store, "main", PASS));
    keystore_close(&store);
}

static void a_file_or_directory_open_to_others_is_refused(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room), again;
    char address[ADDRESS_TEXT_MAX], name[KEYSTORE_NAME_MAX];
    struct keystore_entry *list;
    size_t count;
    store_put(&store, 1, "main", address);
    snprintf(name, sizeof(name), "%s.key", address);
    assert_int_equal(chmod(room_file(room, name), 0640), 0);
    assert_err(try_unlock(&store, address, PASS), ERR_MODE);
    assert_ok(keystore_list(&store, &list, &count));
    assert_err(list[0].err, ERR_MODE);
    free(list);
    assert_int_equal(chmod(room_file(room, name), 0600), 0);
    assert_ok(try_unlock(&store, address, PASS));
    keystore_close(&store);
    assert_int_equal(chmod(room->path, 0750), 0);
    assert_err(keystore_open(room->path, false, &again), ERR_MODE);
    assert_err(keystore_open(room->path, true, &again), ERR_MODE);
    assert_err(keystore_open("/nowhere/keys", false, &again), ERR_NOT_FOUND);
}

/* ---- changes ---- */

static void passwd_changes_the_passphrase_and_keeps_the_old_file(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char address[ADDRESS_TEXT_MAX];
    struct keystore_entry entry;
    store_put(&store, 1, "main", address);
    assert_err(keystore_passwd(&store, "main", NEXT, NEXT, &tiny),
               ERR_PASSPHRASE);
    assert_err(keystore_passwd(&store, "main", PASS, BYTES_LIT(""), &tiny),
               ERR_RANGE);
    assert_err(keystore_passwd(&store, "none", PASS, NEXT, &tiny), ERR_NO_KEY);
    assert_int_equal(room_count(room), 1);
    assert_ok(keystore_passwd(&store, "main", PASS, NEXT, &keystore_cost_fast));
    assert_err(try_unlock(&store, "main", PASS), ERR_PASSPHRASE);
    assert_ok(try_unlock(&store, "main", NEXT));
    assert_ok(keystore_find(&store, "main", &entry));
    assert_int_equal(entry.cost.memlimit, keystore_cost_fast.memlimit);
    assert_int_equal(entry.created_ms, 1000);
    assert_int_equal(room_count(room), 2);
    assert_ok(keystore_forget_old(&store, "main"));
    assert_int_equal(room_count(room), 1);
    assert_ok(keystore_forget_old(&store, "main")); /* none left: fine */
    assert_ok(try_unlock(&store, "main", NEXT));
    keystore_close(&store);
}

static void two_seals_of_one_key_share_no_salt_or_nonce(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char address[ADDRESS_TEXT_MAX], name[KEYSTORE_NAME_MAX];
    char text[KEYSTORE_FILE_MAX];
    struct keystore_file one, two;
    store_put(&store, 1, "main", address);
    snprintf(name, sizeof(name), "%s.key", address);
    assert_ok(keystore_file_decode(
        bytes_make(text, file_get(room_file(room, name), text, sizeof(text))),
        &one));
    assert_ok(keystore_passwd(&store, "main", PASS, PASS, &tiny));
    assert_ok(keystore_file_decode(
        bytes_make(text, file_get(room_file(room, name), text, sizeof(text))),
        &two));
    assert_memory_not_equal(one.salt, two.salt, sizeof(one.salt));
    assert_memory_not_equal(one.nonce, two.nonce, sizeof(one.nonce));
    assert_memory_not_equal(one.box, two.box, sizeof(one.box));
    keystore_close(&store);
}

static void a_shown_backup_is_recorded_once(void **state)
{
    const struct room *room = *state;
    struct keystore store = store_open(room);
    char address[ADDRESS_TEXT_MAX];
    struct keystore_entry entry;
    store_put(&store, 1, "main", address);
    assert_err(keystore_mark_backup(&store, "main", NEXT), ERR_PASSPHRASE);
    assert_ok(keystore_find(&store, "main", &entry));
    assert_false(entry.has_backup);
    assert_ok(keystore_mark_backup(&store, "main", PASS));
    assert_ok(keystore_find(&store, "main", &entry));
    assert_true(entry.has_backup);
    assert_ok(try_unlock(&store, "main", PASS));
    assert_ok(keystore_forget_old(&store, "main"));
    assert_ok(keystore_mark_backup(&store, "main", PASS)); /* no write */
    assert_int_equal(room_count(room), 1);
    keystore_close(&store);
}

static void a_second_writer_is_told_to_wait(void **state)
{
    struct keystore one = store_open(*state), two = store_open(*state);
    struct key *key = key_make(9);
    int lock_fd = one.dir_fd;
    assert_int_equal(flock(lock_fd, LOCK_EX), 0);
    assert_err(keystore_create(&two, key, ADDRESS_PREFIX_TEST, "a", 1, false,
                               PASS, &tiny),
               ERR_BUSY);
    assert_err(keystore_passwd(&two, "a", PASS, NEXT, &tiny), ERR_BUSY);
    assert_int_equal(flock(lock_fd, LOCK_UN), 0);
    assert_ok(keystore_create(&two, key, ADDRESS_PREFIX_TEST, "a", 1, false,
                              PASS, &tiny));
    key_free(key);
    keystore_close(&two);
    keystore_close(&one);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        T(a_sealed_key_opens_and_is_the_same),
        T(a_key_opens_for_the_purpose_that_is_stated),
        T(the_origin_of_a_key_is_kept),
        T(a_file_of_another_implementation_opens),
        T(with_the_same_salt_and_nonce_we_write_the_golden_bytes),
        T(listing_needs_no_passphrase_and_is_sorted_by_label),
        T(a_key_is_found_by_label_by_address_or_alone),
        T(a_label_is_plain_and_no_address),
        T(a_key_or_label_is_not_taken_twice),
        T(what_cannot_be_sealed_is_refused_before_anything),
        T(a_wrong_passphrase_is_not_called_damage),
        T(a_file_or_directory_open_to_others_is_refused),
        T(passwd_changes_the_passphrase_and_keeps_the_old_file),
        T(two_seals_of_one_key_share_no_salt_or_nonce),
        T(a_shown_backup_is_recorded_once),
        T(a_second_writer_is_told_to_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
