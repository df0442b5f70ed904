#include "wallet/mnemonic.h"

#include <string.h>

#include <sodium.h>

#include "base/check.h"
#include "wallet/bip39_english.h"

#define WORD_BITS   11u
#define ROUNDS      2048u
#define NEAR_MAX    2u  /* edits; further off, a suggestion only confuses */
#define WORD_TYPED  32u /* letters of a typed word that are compared */
#define PACKED_LEN  33u /* entropy and checksum byte */
#define SALT_PREFIX "mnemonic"

_Static_assert(MNEMONIC_WORDS *WORD_BITS == PACKED_LEN * 8,
               "24 words are 32 bytes and 8 bits of checksum");
_Static_assert(MNEMONIC_WORD_MAX == BIP39_WORD_MAX, "one length of a word");
_Static_assert(1u << WORD_BITS == BIP39_COUNT, "11 bits name a word");

/* ---- words and indices ---- */

const char *mnemonic_word(unsigned index)
{
    CHECK(index < BIP39_COUNT);
    return bip39_english[index];
}

static uint8_t checksum(const uint8_t entropy[MNEMONIC_ENTROPY_LEN])
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    uint8_t first;

    crypto_hash_sha256(digest, entropy, MNEMONIC_ENTROPY_LEN);
    first = digest[0];
    sodium_memzero(digest, sizeof(digest));
    return first;
}

/* The 11 bits of word i, most significant first. A word spans at most three
 * bytes; past the end lies nothing. */
static unsigned bits_get(const uint8_t packed[PACKED_LEN], unsigned i)
{
    unsigned index = 0;
    for (unsigned bit = i * WORD_BITS; bit < (i + 1) * WORD_BITS; bit++)
        index = index << 1 | ((unsigned)packed[bit / 8] >> (7 - bit % 8) & 1u);
    return index;
}

static void bits_put(uint8_t packed[PACKED_LEN], unsigned i, unsigned index)
{
    for (unsigned k = 0; k < WORD_BITS; k++) {
        unsigned bit = i * WORD_BITS + k;
        if (index >> (WORD_BITS - 1 - k) & 1u)
            packed[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
    }
}

void mnemonic_encode(const uint8_t entropy[MNEMONIC_ENTROPY_LEN],
                     struct secret *out)
{
    uint8_t packed[PACKED_LEN];

    CHECK(out->cap >= MNEMONIC_TEXT_MAX);
    memcpy(packed, entropy, MNEMONIC_ENTROPY_LEN);
    packed[MNEMONIC_ENTROPY_LEN] = checksum(entropy);
    secret_clear(out);
    for (unsigned i = 0; i < MNEMONIC_WORDS; i++) {
        const char *word = mnemonic_word(bits_get(packed, i));
        if (i > 0)
            CHECK(secret_add(out, BYTES_LIT(" ")) == OK);
        CHECK(secret_add(out, bytes_str(word)) == OK);
    }
    sodium_memzero(packed, sizeof(packed));
}

/* ---- reading ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' ||
           c == '\f';
}

/* Cuts the next word off `rest`; empty at the end. */
static struct bytes next_word(struct bytes *rest)
{
    struct bytes word;

    while (rest->len > 0 && is_space(rest->ptr[0])) {
        rest->ptr++;
        rest->len--;
    }
    word = bytes_make(rest->ptr, 0);
    while (rest->len > 0 && !is_space(rest->ptr[0])) {
        rest->ptr++;
        rest->len--;
        word.len++;
    }
    return word;
}

static unsigned word_count(struct bytes text)
{
    unsigned count = 0;
    while (next_word(&text).len > 0)
        count++;
    return count;
}

/* Lower-case copy of a word, cut at WORD_TYPED; returns its length. */
static size_t fold(struct bytes word, char out[WORD_TYPED + 1])
{
    size_t len = word.len < WORD_TYPED ? word.len : WORD_TYPED;
    for (size_t i = 0; i < len; i++) {
        uint8_t c = word.ptr[i];
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[len] = 0;
    return len;
}

/* Index of an exact word, or -1. The list is in strcmp order. */
static int find_word(const char *typed)
{
    unsigned low = 0, high = BIP39_COUNT;
    while (low < high) {
        unsigned mid = low + (high - low) / 2;
        int order = strcmp(typed, bip39_english[mid]);
        if (order == 0)
            return (int)mid;
        if (order < 0)
            high = mid;
        else
            low = mid + 1;
    }
    return -1;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters to insert, drop, change or swap with their neighbour: the
 * slips of a hand that copies (optimal string alignment distance). */
static unsigned edits(const char *typed, size_t len, const char *word)
{
    unsigned row[3][BIP39_WORD_MAX];
    size_t word_len = strlen(word);
    unsigned *before = row[0], *above = row[1], *here = row[2];

    for (size_t j = 0; j <= word_len; j++)
        above[j] = (unsigned)j;
    for (size_t i = 1; i <= len; i++) {
        unsigned *spare = before;
        here[0] = (unsigned)i;
        for (size_t j = 1; j <= word_len; j++) {
            unsigned change = typed[i - 1] != word[j - 1];
            here[j] =
                min3(above[j] + 1, here[j - 1] + 1, above[j - 1] + change);
            if (i > 1 && j > 1 && typed[i - 1] == word[j - 2] &&
                typed[i - 2] == word[j - 1] && before[j - 2] + 1 < here[j])
                here[j] = before[j - 2] + 1;
        }
        before = above;
        above = here;
        here = spare;
    }
    return above[word_len];
}

/* The nearest word, the earlier of equals; but one that shares the first four
 * letters wins, since those name a word of the list. */
static void suggest(const char *typed, size_t len, char out[MNEMONIC_WORD_MAX])
{
    unsigned best = NEAR_MAX + 1;

    out[0] = 0;
    for (unsigned i = 0; i < BIP39_COUNT; i++) {
        const char *word = bip39_english[i];
        size_t word_len = strlen(word);
        unsigned far = NEAR_MAX + 1;
        if (len >= 4 && strncmp(typed, word, 4) == 0)
            far = 0;
        else if (len <= word_len + NEAR_MAX && word_len <= len + NEAR_MAX)
            far = edits(typed, len, word);
        if (far < best && far < len) {
            best = far;
            memcpy(out, word, word_len + 1);
        }
    }
}

/* Reads one word into the packed bits. */
static enum err take_word(struct bytes word, unsigned i,
                          uint8_t packed[PACKED_LEN],
                          struct mnemonic_issue *issue)
{
    char typed[WORD_TYPED + 1];
    size_t len = fold(word, typed);
    int index = memchr(typed, 0, len) == NULL ? find_word(typed) : -1;
    enum err err = OK;

    if (index >= 0 && len == word.len) {
        bits_put(packed, i, (unsigned)index);
    } else {
        issue->fault = MNEMONIC_UNKNOWN;
        issue->position = i + 1;
        suggest(typed, len, issue->suggestion);
        err = ERR_MNEMONIC;
    }
    sodium_memzero(typed, sizeof(typed));
    return err;
}

static enum err take_words(struct bytes text, uint8_t packed[PACKED_LEN],
                           struct mnemonic_issue *issue)
{
    issue->word_count = word_count(text);
    if (issue->word_count != MNEMONIC_WORDS) {
        issue->fault = MNEMONIC_COUNT;
        return ERR_MNEMONIC;
    }
    for (unsigned i = 0; i < MNEMONIC_WORDS; i++)
        TRY(take_word(next_word(&text), i, packed, issue));
    if (packed[MNEMONIC_ENTROPY_LEN] != checksum(packed)) {
        issue->fault = MNEMONIC_CHECKSUM;
        return ERR_MNEMONIC;
    }
    return OK;
}

enum err mnemonic_decode(struct bytes text,
                         uint8_t out_entropy[MNEMONIC_ENTROPY_LEN],
                         struct mnemonic_issue *out_issue)
{
    struct mnemonic_issue issue = {.fault = MNEMONIC_FINE};
    uint8_t packed[PACKED_LEN] = {0};
    enum err err = ERR_TOO_LARGE;

    if (text.len <= MNEMONIC_INPUT_MAX)
        err = take_words(text, packed, &issue);
    if (err == OK)
        memcpy(out_entropy, packed, MNEMONIC_ENTROPY_LEN);
    sodium_memzero(packed, sizeof(packed));
    if (out_issue != NULL)
        *out_issue = issue;
    return err;
}

/* ---- the seed ---- */

/* What PBKDF2 works in; lives in guarded memory. */
struct stretch {
    crypto_auth_hmacsha512_state
        keyed; /* after the password, copied per round */
    crypto_auth_hmacsha512_state state;
    uint8_t u[crypto_auth_hmacsha512_BYTES];
    uint8_t sum[crypto_auth_hmacsha512_BYTES];
};

static void stretch_round(struct stretch *s, struct bytes first,
                          struct bytes second)
{
    s->state = s->keyed;
    crypto_auth_hmacsha512_update(&s->state, first.ptr, first.len);
    crypto_auth_hmacsha512_update(&s->state, second.ptr, second.len);
    crypto_auth_hmacsha512_final(&s->state, s->u);
    for (size_t i = 0; i < sizeof(s->sum); i++)
        s->sum[i] ^= s->u[i];
}

/* PBKDF2 (RFC 8018) for a result of exactly one HMAC block: block number 1.
 * salt_tail is the passphrase and the block number. */
static void stretch_run(struct stretch *s, struct bytes password,
                        struct bytes salt_tail)
{
    memset(s, 0, sizeof(*s));
    crypto_auth_hmacsha512_init(&s->keyed, password.ptr, password.len);
    stretch_round(s, BYTES_LIT(SALT_PREFIX), salt_tail);
    for (unsigned i = 1; i < ROUNDS; i++)
        stretch_round(s, BYTES_OF(s->u), bytes_make(s->u, 0));
}

static enum err passphrase_check(struct bytes passphrase)
{
    if (passphrase.len > MNEMONIC_PASSPHRASE_MAX)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < passphrase.len; i++)
        if (passphrase.ptr[i] < 0x20 || passphrase.ptr[i] > 0x7e)
            return ERR_RANGE;
    return OK;
}

enum err mnemonic_seed(const uint8_t entropy[MNEMONIC_ENTROPY_LEN],
                       struct bytes passphrase, struct secret *out_seed)
{
    const uint8_t block_number[4] = {0, 0, 0, 1};
    struct secret words = {0}, tail = {0};
    struct stretch *work = NULL;
    enum err err;

    CHECK(out_seed->cap >= MNEMONIC_SEED_LEN);
    TRY(passphrase_check(passphrase));
    if ((err = secret_init(&words, MNEMONIC_TEXT_MAX)) != OK)
        goto out;
    if ((err = secret_init(&tail, MNEMONIC_PASSPHRASE_MAX + 4)) != OK)
        goto out;
    err = ERR_NOMEM;
    work = sodium_allocarray(1, sizeof(*work));
    if (work == NULL)
        goto out;
    mnemonic_encode(entropy, &words);
    CHECK(secret_add(&tail, passphrase) == OK);
    CHECK(secret_add(&tail, BYTES_OF(block_number)) == OK);
    stretch_run(work, secret_bytes(&words), secret_bytes(&tail));
    secret_clear(out_seed);
    err = secret_add(out_seed, BYTES_OF(work->sum));
out:
    sodium_free(work);
    secret_done(&tail);
    secret_done(&words);
    return err;
}
