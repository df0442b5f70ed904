#include "support.h"

#include <sodium.h>

#include "wallet/key.h"
#include "wallet/key_secret.h"

#define ART                                                                    \
    "abandon abandon abandon abandon abandon abandon abandon abandon "         \
    "abandon abandon abandon abandon abandon abandon abandon abandon "         \
    "abandon abandon abandon abandon abandon abandon abandon art"

static const uint8_t seed_one[32] = {1, 2, 3, 4, 5};
static const struct hash digest = {{42}};

static struct key *key_make(const struct purpose *purpose)
{
    struct key *key = NULL;
    assert_ok(key_from_seed(purpose, seed_one, &key));
    return key;
}

static void a_signature_verifies_under_the_public_half(void **state)
{
    struct key *key = key_make(&purpose_account);
    struct signature sig;
    struct hash other = digest;
    struct pubkey public_key;
    (void)state;
    key_public(key, &public_key);
    assert_ok(key_sign(key, HASH_TAG_TX, &digest, &sig));
    assert_ok(sign_verify(&public_key, &digest, &sig));
    other.b[31] ^= 1;
    assert_err(sign_verify(&public_key, &other, &sig), ERR_SIGNATURE);
    key_free(key);
}

static void a_key_refuses_the_tags_of_another_purpose(void **state)
{
    struct key *account = key_make(&purpose_account);
    struct key *node = key_make(&purpose_node);
    struct key *validator = key_make(&purpose_validator);
    struct signature sig, before;
    (void)state;
    memset(&sig, 0xaa, sizeof(sig));
    before = sig;
    assert_err(key_sign(account, HASH_TAG_OFFER, &digest, &sig), ERR_PURPOSE);
    assert_err(key_sign(account, HASH_TAG_VOTE, &digest, &sig), ERR_PURPOSE);
    assert_err(key_sign(node, HASH_TAG_APPROVAL, &digest, &sig), ERR_PURPOSE);
    assert_err(key_sign(node, HASH_TAG_VOTE, &digest, &sig), ERR_PURPOSE);
    assert_err(key_sign(validator, HASH_TAG_TX, &digest, &sig), ERR_PURPOSE);
    assert_err(key_sign(account, "suan-nonsense", &digest, &sig), ERR_PURPOSE);
    assert_memory_equal(&sig, &before, sizeof(sig)); /* untouched */
    key_free(validator);
    key_free(node);
    key_free(account);
}

static void the_signer_is_the_key(void **state)
{
    struct key *key = key_make(&purpose_node);
    struct signer signer = key_signer(key);
    struct signature by_key, by_signer;
    (void)state;
    assert_ok(key_sign(key, HASH_TAG_OFFER, &digest, &by_key));
    assert_ok(signer.sign(signer.ctx, HASH_TAG_OFFER, &digest, &by_signer));
    assert_memory_equal(&by_key, &by_signer, sizeof(by_key));
    assert_ok(sign_verify(&signer.key, &digest, &by_signer));
    assert_err(signer.sign(signer.ctx, HASH_TAG_REQUEST, &digest, &by_signer),
               ERR_PURPOSE);
    key_free(key);
}

/* ---- where keys come from ---- */

static enum err counting_fill(void *ctx, uint8_t *out, size_t len)
{
    unsigned *calls = ctx;
    for (size_t i = 0; i < len; i++)
        out[i] = (uint8_t)i;
    (*calls)++;
    return OK;
}

static enum err failing_fill(void *ctx, uint8_t *out, size_t len)
{
    (void)ctx;
    memset(out, 1, len);
    return ERR_RANDOM;
}

static void a_random_key_uses_the_entropy_it_is_given(void **state)
{
    unsigned calls = 0;
    const struct entropy counting = {counting_fill, &calls};
    const struct entropy failing = {failing_fill, NULL};
    struct key *a = NULL, *b = NULL, *c = NULL;
    struct pubkey pa, pb, pc;
    (void)state;
    assert_ok(key_new_random(&purpose_account, &counting, &a));
    assert_ok(key_new_random(&purpose_account, &counting, &b));
    assert_ok(key_new_random(&purpose_account, NULL, &c));
    assert_int_equal(calls, 2);
    key_public(a, &pa);
    key_public(b, &pb);
    key_public(c, &pc);
    assert_true(pubkey_equal(&pa, &pb));
    assert_false(pubkey_equal(&pa, &pc));
    key_free(c);
    c = NULL;
    assert_err(key_new_random(&purpose_account, &failing, &c), ERR_RANDOM);
    assert_null(c);
    key_free(b);
    key_free(a);
    key_free(NULL);
}

static void a_random_key_comes_back_from_its_words(void **state)
{
    struct key *key, *again;
    struct secret words;
    struct pubkey before, after;
    (void)state;
    assert_ok(secret_init(&words, MNEMONIC_TEXT_MAX));
    assert_ok(key_new_random(&purpose_account, NULL, &key));
    assert_ok(key_words(key, &words));
    assert_ok(key_from_mnemonic(&purpose_account, secret_bytes(&words),
                                bytes_str(""), 0, &again, NULL));
    key_public(key, &before);
    key_public(again, &after);
    assert_true(pubkey_equal(&before, &after));
    assert_true(key_origin(key).has_words);
    assert_false(key_origin(key).words_passphrase);
    key_free(again);
    key_free(key);
    secret_done(&words);
}

static void passphrase_and_account_make_other_keys_of_the_same_words(
    void **state)
{
    static const struct {
        const char *passphrase;
        uint32_t account;
    } table[] = {{"", 0}, {"", 1}, {"TREZOR", 0}, {"TREZOR", 1}, {"trezor", 0}};
    struct pubkey keys[5];
    (void)state;
    for (size_t i = 0; i < 5; i++) {
        struct key *key;
        assert_ok(key_from_mnemonic(&purpose_account, BYTES_LIT(ART),
                                    bytes_str(table[i].passphrase),
                                    table[i].account, &key, NULL));
        assert_int_equal(key_origin(key).account, table[i].account);
        assert_int_equal(key_origin(key).words_passphrase,
                         table[i].passphrase[0] != 0);
        key_public(key, &keys[i]);
        key_free(key);
        for (size_t j = 0; j < i; j++)
            assert_false(pubkey_equal(&keys[i], &keys[j]));
    }
}

static void wrong_words_make_no_key_and_say_why(void **state)
{
    struct mnemonic_issue issue;
    struct key *key = NULL;
    (void)state;
    assert_err(key_from_mnemonic(&purpose_account, BYTES_LIT("abandon art"),
                                 bytes_str(""), 0, &key, &issue),
               ERR_MNEMONIC);
    assert_int_equal(issue.fault, MNEMONIC_COUNT);
    assert_err(key_from_mnemonic(&purpose_account, BYTES_LIT(ART),
                                 bytes_str(""), 0x80000000u, &key, &issue),
               ERR_RANGE);
    assert_err(key_from_mnemonic(&purpose_account, BYTES_LIT(ART),
                                 BYTES_LIT("\xc3\xa9"), 0, &key, &issue),
               ERR_RANGE);
    assert_null(key);
}

static void a_key_from_a_raw_seed_has_no_words(void **state)
{
    struct key *key = key_make(&purpose_account);
    struct secret words;
    (void)state;
    assert_ok(secret_init(&words, MNEMONIC_TEXT_MAX));
    assert_false(key_origin(key).has_words);
    assert_err(key_words(key, &words), ERR_NO_WORDS);
    assert_int_equal(words.len, 0);
    secret_done(&words);
    key_free(key);
}

/* ---- the page ---- */

/* No instrumentation: the page itself must refuse, not the sanitizer. */
__attribute__((no_sanitize("address"))) static void touch(void *ctx)
{
    const volatile uint8_t *secret = ctx;
    (void)secret[0];
}

__attribute__((no_sanitize("address"))) static void touch_last(void *ctx)
{
    const volatile uint8_t *secret = ctx;
    (void)secret[sizeof(struct key_secret) - 1];
}

static const void *page_of(struct key *key)
{
    const struct key_secret *secret = key_secret_open(key);
    const void *page = secret;
    assert_non_null(secret);
    key_secret_close(key);
    return page;
}

static void assert_unreadable(const void *page)
{
    void *ctx;
    int status;
    memcpy(&ctx, &page, sizeof(ctx));
    status = child_status(touch, ctx);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    status = child_status(touch_last, ctx);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void the_page_is_unreadable_outside_a_signature(void **state)
{
    struct key *key = key_make(&purpose_account);
    const void *page = page_of(key);
    struct signature sig;
    struct secret words;
    (void)state;
    assert_unreadable(page); /* after birth */
    assert_ok(key_sign(key, HASH_TAG_TX, &digest, &sig));
    assert_unreadable(page); /* after a signature */
    assert_err(key_sign(key, HASH_TAG_VOTE, &digest, &sig), ERR_PURPOSE);
    assert_unreadable(page); /* after a refusal */
    assert_ok(secret_init(&words, MNEMONIC_TEXT_MAX));
    assert_err(key_words(key, &words), ERR_NO_WORDS);
    assert_unreadable(page);
    secret_done(&words);
    key_free(key);
}

static void the_test_of_the_page_can_tell_an_open_one(void **state)
{
    struct key *key = key_make(&purpose_account);
    const struct key_secret *secret = key_secret_open(key);
    const void *page = secret;
    void *ctx;
    int status;
    (void)state;
    assert_memory_equal(secret->sk, seed_one, 32);
    memcpy(&ctx, &page, sizeof(ctx));
    status = child_status(touch, ctx);
    assert_true(WIFEXITED(status));
    key_secret_close(key);
    key_free(key);
}

/* ---- what is left behind ---- */

#define MASK       0x5au
#define REGION_MAX ((size_t)64 << 20) /* the sanitizer's shadow is larger */

/* A needle kept masked, so that looking for it does not plant it. */
struct needle {
    uint8_t masked[32];
};

static unsigned nibble(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static struct needle needle_make(const char *hex)
{
    struct needle needle;
    for (size_t i = 0; i < 32; i++) {
        unsigned byte = nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]);
        needle.masked[i] = (uint8_t)(byte ^ MASK);
    }
    return needle;
}

/* How often 16 bytes of the needle, from any even place, occur in a region. */
__attribute__((no_sanitize("address"))) static int region_count(
    const volatile uint8_t *start, size_t len, const struct needle *needle)
{
    int count = 0;
    for (size_t i = 0; i + 16 <= len; i++) {
        size_t half = 0, k = 0;
        if ((start[i] ^ MASK) == needle->masked[16])
            half = 16;
        else if ((start[i] ^ MASK) != needle->masked[0])
            continue;
        while (k < 16 && (start[i + k] ^ MASK) == needle->masked[half + k])
            k++;
        count += k == 16;
    }
    return count;
}

static int memory_count(const struct needle *needle)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    int count = 0;
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL) {
        unsigned long from, to;
        char mode[8];
        uintptr_t address;
        const volatile uint8_t *start;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3)
            continue;
        if (mode[0] != 'r' || to - from > REGION_MAX ||
            strstr(line, "[v") != NULL)
            continue;
        address = from;
        memcpy(&start, &address, sizeof(start));
        count += region_count(start, to - from, needle);
    }
    fclose(maps);
    return count;
}

static void no_copy_of_a_secret_is_left_in_memory(void **state)
{
    /* The words of SHA-256("suan-bip39-0"): tests/vectors, second group. */
    char line[1024], *rest = line;
    const char *words, *passphrase;
    FILE *file = fopen(VECTORS "bip39.txt", "r");
    struct needle entropy, bip39_seed, secret;
    struct signature sig;
    struct key *key;
    (void)state;
    assert_non_null(file);
    for (int rows = 0; rows < 9 && fgets(line, sizeof(line), file) != NULL;)
        rows += line[0] != '#';
    fclose(file);
    entropy = needle_make(field_next(&rest));
    words = field_next(&rest);
    passphrase = field_next(&rest);
    assert_ok(key_from_mnemonic(&purpose_account, bytes_str(words),
                                bytes_str(passphrase), 0, &key, NULL));
    bip39_seed = needle_make(field_next(&rest));
    assert_ok(key_sign(key, HASH_TAG_TX, &digest, &sig));
    {
        char hex[65];
        const struct key_secret *open = key_secret_open(key);
        hex_encode(bytes_make(open->sk, 32), hex);
        secret = needle_make(hex);
        /* The search finds what is there: the open page. */
        assert_true(memory_count(&secret) >= 1);
        assert_true(memory_count(&entropy) >= 1);
        key_secret_close(key);
    }
    assert_int_equal(memory_count(&entropy), 0);
    assert_int_equal(memory_count(&bip39_seed), 0);
    assert_int_equal(memory_count(&secret), 0);
    key_free(key);
    assert_int_equal(memory_count(&secret), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_verifies_under_the_public_half),
        cmocka_unit_test(a_key_refuses_the_tags_of_another_purpose),
        cmocka_unit_test(the_signer_is_the_key),
        cmocka_unit_test(a_random_key_uses_the_entropy_it_is_given),
        cmocka_unit_test(a_random_key_comes_back_from_its_words),
        cmocka_unit_test(
            passphrase_and_account_make_other_keys_of_the_same_words),
        cmocka_unit_test(wrong_words_make_no_key_and_say_why),
        cmocka_unit_test(a_key_from_a_raw_seed_has_no_words),
        cmocka_unit_test(the_page_is_unreadable_outside_a_signature),
        cmocka_unit_test(the_test_of_the_page_can_tell_an_open_one),
        cmocka_unit_test(no_copy_of_a_secret_is_left_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
