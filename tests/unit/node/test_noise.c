/* noise: the handshake against public vectors, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>
#include <sodium.h>

#include "node/net/noise.h"

#define VECTORS                                                                \
    SUAN_SOURCE_DIR "/../shared/data/noise/"                                   \
                    "noise-25519-chachapoly-blake2b.json"

enum { FIELD_MAX = 4096 };

struct field {
    uint8_t b[FIELD_MAX];
    size_t len;
};

static struct bytes field_bytes(const struct field *f)
{
    return bytes_make(f->b, f->len);
}

static void field_read(json_t *object, const char *key, struct field *out)
{
    const char *text = json_string_value(json_object_get(object, key));

    assert_non_null(text);
    assert_true(strlen(text) / 2 <= FIELD_MAX);
    out->len = strlen(text) / 2;
    assert_int_equal(hex_decode(text, out->b, out->len), OK);
}

static struct field *secret(json_t *vector, const char *key)
{
    static struct field f;

    field_read(vector, key, &f);
    assert_int_equal(f.len, NOISE_KEY_LEN);
    return &f;
}

static void start_pair(json_t *vector, struct noise *a, struct noise *b)
{
    struct field prologue, s, e;

    field_read(vector, "init_prologue", &prologue);
    s = *secret(vector, "init_static");
    e = *secret(vector, "init_ephemeral");
    noise_init(a, true, field_bytes(&prologue), s.b, e.b);
    field_read(vector, "resp_prologue", &prologue);
    s = *secret(vector, "resp_static");
    e = *secret(vector, "resp_ephemeral");
    noise_init(b, false, field_bytes(&prologue), s.b, e.b);
}

static void check_handshake_message(json_t *message, struct noise *from,
                                    struct noise *to)
{
    struct field payload, want;
    struct buf sent, read;

    field_read(message, "payload", &payload);
    field_read(message, "ciphertext", &want);
    buf_init(&sent, NOISE_MESSAGE_MAX);
    buf_init(&read, NOISE_MESSAGE_MAX);
    assert_int_equal(noise_write(from, field_bytes(&payload), &sent), OK);
    assert_true(bytes_equal(buf_bytes(&sent), field_bytes(&want)));
    assert_int_equal(noise_read(to, buf_bytes(&sent), &read), OK);
    assert_true(bytes_equal(buf_bytes(&read), field_bytes(&payload)));
    buf_done(&sent);
    buf_done(&read);
}

static void check_transport_message(json_t *message, struct noise_cipher *tx,
                                    struct noise_cipher *rx)
{
    struct field payload, want;
    uint8_t text[FIELD_MAX + NOISE_TAG_LEN];

    field_read(message, "payload", &payload);
    field_read(message, "ciphertext", &want);
    assert_int_equal(
        noise_seal(tx, (struct bytes){0}, field_bytes(&payload), text), OK);
    assert_true(bytes_equal(bytes_make(text, payload.len + NOISE_TAG_LEN),
                            field_bytes(&want)));
    assert_int_equal(
        noise_open(rx, (struct bytes){0}, field_bytes(&want), text), OK);
    assert_memory_equal(text, payload.b, payload.len);
}

static void check_vector(json_t *vector)
{
    struct noise a, b;
    struct noise_cipher a_tx, a_rx, b_tx, b_rx;
    json_t *messages = json_object_get(vector, "messages");
    struct field hash;
    size_t i;

    start_pair(vector, &a, &b);
    assert_true(json_array_size(messages) > NOISE_MESSAGE_COUNT);
    for (i = 0; i < NOISE_MESSAGE_COUNT; i++)
        check_handshake_message(json_array_get(messages, i),
                                i % 2 == 0 ? &a : &b, i % 2 == 0 ? &b : &a);
    field_read(vector, "handshake_hash", &hash);
    noise_split(&a, &a_tx, &a_rx);
    noise_split(&b, &b_tx, &b_rx);
    assert_memory_equal(a.hash, hash.b, NOISE_HASH_LEN);
    assert_memory_equal(b.hash, hash.b, NOISE_HASH_LEN);
    for (; i < json_array_size(messages); i++) {
        if (i % 2 == 0)
            check_transport_message(json_array_get(messages, i), &a_tx, &b_rx);
        else
            check_transport_message(json_array_get(messages, i), &b_tx, &a_rx);
    }
}

static void handshake_equals_the_public_vectors(void **state)
{
    json_t *vectors = json_load_file(VECTORS, 0, NULL);
    size_t i, seen = 0;
    json_t *vector;

    (void)state;
    if (vectors == NULL) {
        print_message("skipped: no vectors at %s\n", VECTORS);
        skip();
    }
    json_array_foreach(vectors, i, vector)
    {
        const char *name =
            json_string_value(json_object_get(vector, "protocol_name"));

        if (strcmp(name, "Noise_XX_25519_ChaChaPoly_BLAKE2b") != 0)
            continue;
        check_vector(vector);
        seen++;
    }
    json_decref(vectors);
    assert_int_equal(seen, 1);
}

/* ---- without vectors ---- */

static void fresh_pair(struct noise *a, struct noise *b)
{
    uint8_t s[NOISE_KEY_LEN], e[NOISE_KEY_LEN];

    randombytes_buf(s, sizeof s);
    randombytes_buf(e, sizeof e);
    noise_init(a, true, BYTES_LIT("here"), s, e);
    randombytes_buf(s, sizeof s);
    randombytes_buf(e, sizeof e);
    noise_init(b, false, BYTES_LIT("here"), s, e);
}

static void pass(struct noise *from, struct noise *to)
{
    struct buf message, payload;

    buf_init(&message, NOISE_MESSAGE_MAX);
    buf_init(&payload, NOISE_MESSAGE_MAX);
    assert_int_equal(noise_write(from, BYTES_LIT("x"), &message), OK);
    assert_int_equal(noise_read(to, buf_bytes(&message), &payload), OK);
    buf_done(&message);
    buf_done(&payload);
}

static void a_point_of_low_order_is_refused(void **state)
{
    static const uint8_t zero_message[NOISE_KEY_LEN];
    /* A point of order eight, from the list in RFC 7748's discussion. */
    static const char *order8 = "e0eb7a7c3b41b8ae1656e3faf19fc46a"
                                "da098deb9c32b1fd866205165f49b800";
    uint8_t low[NOISE_KEY_LEN];
    struct noise a, b;
    struct buf out;

    (void)state;
    assert_int_equal(hex_decode(order8, low, sizeof low), OK);
    for (int i = 0; i < 2; i++) {
        fresh_pair(&a, &b);
        buf_init(&out, NOISE_MESSAGE_MAX);
        assert_int_equal(
            noise_read(&b, i == 0 ? BYTES_OF(zero_message) : BYTES_OF(low),
                       &out),
            OK);
        buf_clear(&out);
        assert_int_equal(noise_write(&b, (struct bytes){0}, &out),
                         ERR_HANDSHAKE);
        buf_done(&out);
    }
}

static void any_changed_bit_of_message_two_is_noticed(void **state)
{
    struct noise a, b, copy;
    struct buf message, payload;

    (void)state;
    fresh_pair(&a, &b);
    pass(&a, &b);
    buf_init(&message, NOISE_MESSAGE_MAX);
    buf_init(&payload, NOISE_MESSAGE_MAX);
    assert_int_equal(noise_write(&b, BYTES_LIT("hello"), &message), OK);
    for (size_t i = 0; i < message.len * 8; i++) {
        if (i == 255)
            continue; /* X25519 ignores the top bit of a public key, but
                         the transcript does not: checked below */
        copy = a;
        message.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
        assert_int_not_equal(noise_read(&copy, buf_bytes(&message), &payload),
                             OK);
        message.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    copy = a;
    message.ptr[31] ^= 0x80;
    assert_int_equal(noise_read(&copy, buf_bytes(&message), &payload),
                     ERR_DECRYPT);
    message.ptr[31] ^= 0x80;
    for (size_t len = 0; len < message.len; len++) {
        copy = a;
        assert_int_not_equal(
            noise_read(&copy, bytes_make(message.ptr, len), &payload), OK);
    }
    assert_int_equal(noise_read(&a, buf_bytes(&message), &payload), OK);
    buf_done(&message);
    buf_done(&payload);
}

static void different_prologues_do_not_shake_hands(void **state)
{
    uint8_t key[NOISE_KEY_LEN] = {1, 2, 3};
    struct noise a, b;
    struct buf message, payload;

    (void)state;
    noise_init(&a, true, BYTES_LIT("one"), key, key);
    noise_init(&b, false, BYTES_LIT("two"), key, key);
    pass(&a, &b); /* message 1 is not sealed */
    buf_init(&message, NOISE_MESSAGE_MAX);
    buf_init(&payload, NOISE_MESSAGE_MAX);
    assert_int_equal(noise_write(&b, BYTES_LIT("x"), &message), OK);
    assert_int_equal(noise_read(&a, buf_bytes(&message), &payload),
                     ERR_DECRYPT);
    buf_done(&message);
    buf_done(&payload);
}

static void empty_payloads_pass(void **state)
{
    struct noise a, b;
    struct noise_cipher k[4];
    struct buf message, payload;

    (void)state;
    fresh_pair(&a, &b);
    for (unsigned i = 0; i < NOISE_MESSAGE_COUNT; i++) {
        buf_init(&message, NOISE_MESSAGE_MAX);
        buf_init(&payload, NOISE_MESSAGE_MAX);
        assert_int_equal(
            noise_write(i % 2 ? &b : &a, (struct bytes){0}, &message), OK);
        assert_int_equal(
            noise_read(i % 2 ? &a : &b, buf_bytes(&message), &payload), OK);
        assert_int_equal(payload.len, 0);
        buf_done(&message);
        buf_done(&payload);
    }
    noise_split(&a, &k[0], &k[1]);
    noise_split(&b, &k[2], &k[3]);
    assert_memory_equal(k[0].key, k[3].key, NOISE_KEY_LEN);
    assert_memory_equal(k[1].key, k[2].key, NOISE_KEY_LEN);
    assert_memory_not_equal(k[0].key, k[1].key, NOISE_KEY_LEN);
    assert_memory_equal(a.hash, b.hash, NOISE_HASH_LEN);
}

static void a_new_key_opens_only_with_the_same_step(void **state)
{
    struct noise_cipher tx = {.keyed = true}, rx;
    uint8_t text[5 + NOISE_TAG_LEN];
    struct bytes none = {0};

    (void)state;
    randombytes_buf(tx.key, sizeof tx.key);
    rx = tx;
    noise_rekey(&tx);
    assert_memory_not_equal(tx.key, rx.key, NOISE_KEY_LEN);
    assert_int_equal(tx.nonce, 0); /* REKEY leaves the counter alone */
    assert_int_equal(noise_seal(&tx, none, BYTES_LIT("hello"), text), OK);
    assert_int_equal(noise_open(&rx, none, BYTES_OF(text), text), ERR_DECRYPT);
    noise_rekey(&rx);
    tx.nonce = 0;
    assert_int_equal(noise_seal(&tx, none, BYTES_LIT("hello"), text), OK);
    assert_int_equal(noise_open(&rx, none, BYTES_OF(text), text), OK);
    assert_memory_equal(text, "hello", 5);
}

static void the_last_nonce_is_never_used(void **state)
{
    struct noise_cipher tx = {.keyed = true, .nonce = UINT64_MAX};
    uint8_t text[1 + NOISE_TAG_LEN];
    struct bytes none = {0};

    (void)state;
    assert_int_equal(noise_seal(&tx, none, BYTES_LIT("x"), text), ERR_OVERFLOW);
    assert_int_equal(noise_open(&tx, none, BYTES_OF(text), text), ERR_OVERFLOW);
}

static void secrets_are_wiped(void **state)
{
    struct noise a, b;
    struct noise_cipher tx, rx;

    (void)state;
    fresh_pair(&a, &b);
    pass(&a, &b);
    pass(&b, &a);
    pass(&a, &b);
    noise_split(&a, &tx, &rx);
    assert_true(sodium_is_zero(a.static_secret, NOISE_KEY_LEN));
    assert_true(sodium_is_zero(a.ephemeral_secret, NOISE_KEY_LEN));
    assert_true(sodium_is_zero(a.chaining, NOISE_HASH_LEN));
    noise_cipher_done(&tx);
    assert_true(sodium_is_zero(tx.key, NOISE_KEY_LEN));
    noise_done(&b);
    assert_true(sodium_is_zero(b.static_secret, NOISE_KEY_LEN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handshake_equals_the_public_vectors),
        cmocka_unit_test(a_point_of_low_order_is_refused),
        cmocka_unit_test(any_changed_bit_of_message_two_is_noticed),
        cmocka_unit_test(different_prologues_do_not_shake_hands),
        cmocka_unit_test(empty_payloads_pass),
        cmocka_unit_test(a_new_key_opens_only_with_the_same_step),
        cmocka_unit_test(the_last_nonce_is_never_used),
        cmocka_unit_test(secrets_are_wiped),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
