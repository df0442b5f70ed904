#include "support.h"

#include <sodium.h>

#include "wallet/keyfile.h"

#define NODE KEYFILE_NAME_NODE
#define LINK KEYFILE_NAME_TRANSPORT

static const struct hash digest = {{5}};

static void an_identity_key_is_made_once_and_opens_again(void **state)
{
    const struct room *room = *state;
    struct key *made, *again = NULL;
    struct pubkey a, b;
    struct stat st;
    assert_ok(keyfile_create(room->path, NODE, &purpose_node, NULL, &made));
    assert_ok(keyfile_open(room->path, NODE, &purpose_node, &again));
    key_public(made, &a);
    key_public(again, &b);
    assert_true(pubkey_equal(&a, &b));
    key_free(again);
    again = NULL;
    assert_err(keyfile_create(room->path, NODE, &purpose_node, NULL, &again),
               ERR_EXISTS);
    assert_null(again);
    assert_int_equal(stat(room_file(room, NODE), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(room_count(room), 1);
    key_free(made);
}

static void the_file_says_that_it_is_unencrypted(void **state)
{
    const struct room *room = *state;
    char text[1024];
    struct key *key;
    assert_ok(keyfile_create(room->path, NODE, &purpose_node, NULL, &key));
    file_get(room_file(room, NODE), text, sizeof(text));
    text[strcspn(text, "\n")] = 0; /* in the first line */
    assert_non_null(strstr(text, "UNENCRYPTED"));
    assert_non_null(strstr(NODE, "unencrypted"));
    key_free(key);
}

static void a_key_made_for_one_purpose_does_not_open_for_another(void **state)
{
    const struct room *room = *state;
    struct keyfile_transport transport;
    struct signature sig;
    struct key *key;
    assert_ok(keyfile_create(room->path, NODE, &purpose_node, NULL, &key));
    assert_ok(key_sign(key, HASH_TAG_OFFER, &digest, &sig));
    assert_err(key_sign(key, HASH_TAG_VOTE, &digest, &sig), ERR_PURPOSE);
    key_free(key);
    assert_err(keyfile_open(room->path, NODE, &purpose_validator, &key),
               ERR_PURPOSE);
    assert_err(keyfile_open(room->path, NODE, &purpose_account, &key),
               ERR_PURPOSE);
    assert_err(keyfile_transport_open(room->path, NODE, &transport),
               ERR_PURPOSE);
    assert_ok(keyfile_transport_create(room->path, LINK, NULL, &transport));
    keyfile_transport_done(&transport);
    assert_err(keyfile_open(room->path, LINK, &purpose_node, &key),
               ERR_PURPOSE);
}

static void a_transport_key_comes_back_with_its_public_half(void **state)
{
    const struct room *room = *state;
    struct keyfile_transport made, again;
    uint8_t expected[32];
    assert_ok(keyfile_transport_create(room->path, LINK, NULL, &made));
    assert_ok(keyfile_transport_open(room->path, LINK, &again));
    assert_true(
        bytes_equal(secret_bytes(&made.secret), secret_bytes(&again.secret)));
    assert_int_equal(again.secret.len, 32);
    assert_int_equal(crypto_scalarmult_base(expected, again.secret.ptr), 0);
    assert_memory_equal(expected, again.public_key, 32);
    keyfile_transport_done(&again);
    keyfile_transport_done(&made);
    assert_null(made.secret.ptr);
}

static enum err no_fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    (void)out;
    (void)len;
    return ERR_RANDOM;
}

static void without_randomness_nothing_is_written(void **state)
{
    const struct room *room = *state;
    const struct entropy none = {no_fill, NULL};
    struct keyfile_transport transport;
    struct key *key;
    assert_err(keyfile_create(room->path, NODE, &purpose_node, &none, &key),
               ERR_RANDOM);
    assert_err(keyfile_transport_create(room->path, LINK, &none, &transport),
               ERR_RANDOM);
    assert_int_equal(room_count(room), 0);
}

static void a_wide_file_or_directory_is_refused(void **state)
{
    const struct room *room = *state;
    struct keyfile_transport transport;
    struct key *key;
    assert_err(keyfile_open(room->path, NODE, &purpose_node, &key),
               ERR_NOT_FOUND);
    assert_ok(keyfile_create(room->path, NODE, &purpose_node, NULL, &key));
    key_free(key);
    assert_int_equal(chmod(room_file(room, NODE), 0644), 0);
    assert_err(keyfile_open(room->path, NODE, &purpose_node, &key), ERR_MODE);
    assert_int_equal(chmod(room_file(room, NODE), 0600), 0);
    assert_int_equal(chmod(room->path, 0755), 0);
    assert_err(keyfile_open(room->path, NODE, &purpose_node, &key), ERR_MODE);
    assert_err(keyfile_create(room->path, "x", &purpose_node, NULL, &key),
               ERR_MODE);
    assert_err(keyfile_transport_create(room->path, "x", NULL, &transport),
               ERR_MODE);
}

/* Flips every bit of a key file; `open` must refuse each time. */
static void flip_all(const struct room *room, const char *name,
                     enum err (*open)(const struct room *room))
{
    char text[1024];
    size_t len = file_get(room_file(room, name), text, sizeof(text));
    int by_checksum = 0;
    assert_ok(open(room));
    for (size_t i = 0; i < len; i++) {
        for (int bit = 0; bit < 8; bit += 5) { /* 0x01 and 0x20: case too */
            enum err err;
            text[i] = (char)(text[i] ^ (1 << bit));
            room_put(room, name, text, len, 0600);
            text[i] = (char)(text[i] ^ (1 << bit));
            err = open(room);
            assert_true(err == ERR_CORRUPT || err == ERR_CHECKSUM ||
                        err == ERR_VERSION);
            by_checksum += err == ERR_CHECKSUM;
        }
    }
    assert_true(by_checksum > 100);
    for (size_t cut = 0; cut < len; cut++) {
        room_put(room, name, text, cut, 0600);
        assert_int_not_equal(open(room), OK);
    }
    text[len] = '\n';
    room_put(room, name, text, len + 1, 0600);
    assert_err(open(room), ERR_CORRUPT);
}

static enum err open_node(const struct room *room)
{
    struct key *key = NULL;
    enum err err = keyfile_open(room->path, NODE, &purpose_node, &key);
    key_free(key);
    return err;
}

static enum err open_transport(const struct room *room)
{
    struct keyfile_transport transport;
    enum err err = keyfile_transport_open(room->path, LINK, &transport);
    if (err == OK)
        keyfile_transport_done(&transport);
    return err;
}

static void every_flipped_byte_and_every_cut_is_refused(void **state)
{
    const struct room *room = *state;
    struct keyfile_transport transport;
    struct key *key;
    assert_ok(keyfile_create(room->path, NODE, &purpose_node, NULL, &key));
    key_free(key);
    flip_all(room, NODE, open_node);
    assert_ok(keyfile_transport_create(room->path, LINK, NULL, &transport));
    keyfile_transport_done(&transport);
    flip_all(room, LINK, open_transport);
}

/* Two good files, and the public line of one put into the other. */
static void halves_of_two_keys_do_not_make_one(void **state)
{
    const struct room *room = *state;
    char one[1024], two[1024], hex[HASH_TEXT_MAX], *check;
    struct hash digest_new;
    struct key *key;
    size_t len;
    assert_ok(keyfile_create(room->path, "one", &purpose_node, NULL, &key));
    key_free(key);
    assert_ok(keyfile_create(room->path, NODE, &purpose_node, NULL, &key));
    key_free(key);
    len = file_get(room_file(room, "one"), one, sizeof(one));
    assert_int_equal(file_get(room_file(room, NODE), two, sizeof(two)), len);
    memcpy(strstr(one, "public "), strstr(two, "public "), 7 + 64);
    check = strstr(one, "check ");
    hash_bytes(HASH_TAG_KEYFILE, bytes_make(one, (size_t)(check - one)),
               &digest_new);
    hash_format(&digest_new, hex);
    memcpy(check + 6, hex, 64);
    room_put(room, NODE, one, len, 0600);
    assert_err(open_node(room), ERR_CORRUPT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, room_setup, room_teardown)
    const struct CMUnitTest tests[] = {
        T(an_identity_key_is_made_once_and_opens_again),
        T(the_file_says_that_it_is_unencrypted),
        T(a_key_made_for_one_purpose_does_not_open_for_another),
        T(a_transport_key_comes_back_with_its_public_half),
        T(without_randomness_nothing_is_written),
        T(a_wide_file_or_directory_is_refused),
        T(every_flipped_byte_and_every_cut_is_refused),
        T(halves_of_two_keys_do_not_make_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
