#include "wallet/keyfile.h"

#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "wallet/key_secret.h"
#include "wallet/private_file.h"

/* The whole file, each line once, in this order:
 *
 *   # Suan key, UNENCRYPTED. Whoever reads this file can pose as its owner.
 *   suan-key 1
 *   use node
 *   type ed25519
 *   public <64 hex digits>
 *   secret <64 hex digits>
 *   check <64 hex digits: BLAKE2b-256 of all lines above>
 */
#define FIRST_LINES                                                            \
    "# Suan key, UNENCRYPTED. Whoever reads this file can pose as its "        \
    "owner.\nsuan-key "
#define VERSION_LINE   "1\n"
#define TYPE_IDENTITY  "ed25519"
#define TYPE_TRANSPORT "x25519"
#define USE_TRANSPORT  "transport"
#define USE_MAX        24u
#define FILE_MAX       512u

_Static_assert(crypto_scalarmult_BYTES == 32 &&
                   crypto_scalarmult_SCALARBYTES == 32,
               "our sizes are libsodium's");

/* What a file says; the secret half is apart, in guarded memory. */
struct keyfile {
    const char *use;
    const char *type;
    uint8_t public_key[32];
};

/* ---- writing ---- */

static void add_text(struct secret *out, const char *text)
{
    CHECK(secret_add(out, bytes_str(text)) == OK);
}

/* hex_encode writes a zero after the digits; the next append overwrites it. */
static void add_hex(struct secret *out, const char *name, const uint8_t *value)
{
    add_text(out, name);
    CHECK(out->len + 65 <= out->cap);
    hex_encode(bytes_make(value, 32), (char *)out->ptr + out->len);
    out->len += 64;
    add_text(out, "\n");
}

static void spell(const struct keyfile *file, const uint8_t *secret,
                  struct secret *out)
{
    struct hash check;

    CHECK(strlen(file->use) < USE_MAX);
    secret_clear(out);
    add_text(out, FIRST_LINES VERSION_LINE "use ");
    add_text(out, file->use);
    add_text(out, "\ntype ");
    add_text(out, file->type);
    add_text(out, "\n");
    add_hex(out, "public ", file->public_key);
    add_hex(out, "secret ", secret);
    hash_bytes(HASH_TAG_KEYFILE, secret_bytes(out), &check);
    add_hex(out, "check ", check.b);
}

static enum err put(int dir_fd, const char *name, const struct keyfile *file,
                    const uint8_t *secret)
{
    struct secret text;
    enum err err;

    TRY(secret_init(&text, FILE_MAX));
    spell(file, secret, &text);
    err = private_dir_lock(dir_fd);
    if (err == OK) {
        err = private_file_write(dir_fd, name, secret_bytes(&text), false);
        private_dir_unlock(dir_fd);
    }
    secret_done(&text);
    return err;
}

static enum err put_in(const char *dir, const char *name,
                       const struct keyfile *file, const uint8_t *secret)
{
    enum err err;
    int dir_fd;

    TRY(private_dir_open(dir, &dir_fd));
    err = put(dir_fd, name, file, secret);
    close(dir_fd);
    return err;
}

/* ---- reading ---- */

static bool skip(struct bytes *rest, const char *text)
{
    size_t len = strlen(text);

    if (rest->len < len || memcmp(rest->ptr, text, len) != 0)
        return false;
    rest->ptr += len;
    rest->len -= len;
    return true;
}

/* The rest of the line, without its end, as text in `out`. */
static bool take_line(struct bytes *rest, char *out, size_t size)
{
    const uint8_t *end = memchr(rest->ptr, '\n', rest->len);
    size_t len = end == NULL ? 0 : (size_t)(end - rest->ptr);

    if (end == NULL || len >= size || memchr(rest->ptr, 0, len) != NULL)
        return false;
    memcpy(out, rest->ptr, len);
    out[len] = 0;
    rest->ptr += len + 1;
    rest->len -= len + 1;
    return true;
}

static bool take_hex(struct bytes *rest, const char *name, uint8_t *out)
{
    char digits[65];
    bool ok = skip(rest, name) && take_line(rest, digits, sizeof(digits)) &&
              hex_decode(digits, out, 32) == OK;

    sodium_memzero(digits, sizeof(digits));
    return ok;
}

/* Everything below the version line. out_secret: 32 bytes. */
static enum err parse(struct bytes text, char use[USE_MAX], char type[USE_MAX],
                      uint8_t out_public[32], uint8_t *out_secret)
{
    struct bytes rest = text;
    struct hash check, found;
    size_t checked;

    if (!skip(&rest, FIRST_LINES))
        return ERR_CORRUPT;
    if (!skip(&rest, VERSION_LINE))
        return ERR_VERSION;
    if (!skip(&rest, "use ") || !take_line(&rest, use, USE_MAX) ||
        !skip(&rest, "type ") || !take_line(&rest, type, USE_MAX) ||
        !take_hex(&rest, "public ", out_public) ||
        !take_hex(&rest, "secret ", out_secret))
        return ERR_CORRUPT;
    checked = text.len - rest.len;
    if (!take_hex(&rest, "check ", check.b) || rest.len > 0)
        return ERR_CORRUPT;
    hash_bytes(HASH_TAG_KEYFILE, bytes_make(text.ptr, checked), &found);
    return hash_equal(&check, &found) ? OK : ERR_CHECKSUM;
}

/* Reads a file that must be for `expected->use` and of its type.
 * out_secret: an initialised secret of 32 bytes. */
static enum err get(int dir_fd, const char *name,
                    const struct keyfile *expected, uint8_t out_public[32],
                    struct secret *out_secret)
{
    char use[USE_MAX], type[USE_MAX];
    struct secret text, again = {0};
    struct keyfile found;
    enum err err;

    TRY(private_file_read(dir_fd, name, PRIVATE_FILE_OWN, FILE_MAX - 1, &text));
    err = parse(secret_bytes(&text), use, type, out_public, out_secret->ptr);
    out_secret->len = 32;
    if (err == OK)
        err = secret_init(&again, FILE_MAX);
    if (err == OK) {
        /* One spelling: no upper-case digit passes either. */
        found = (struct keyfile){.use = use, .type = type};
        memcpy(found.public_key, out_public, 32);
        spell(&found, out_secret->ptr, &again);
        if (!bytes_equal(secret_bytes(&again), secret_bytes(&text)))
            err = ERR_CORRUPT;
        else if (strcmp(use, expected->use) != 0 ||
                 strcmp(type, expected->type) != 0)
            err = ERR_PURPOSE;
    }
    secret_done(&again);
    secret_done(&text);
    return err;
}

static enum err get_from(const char *dir, const char *name,
                         const struct keyfile *expected, uint8_t out_public[32],
                         struct secret *out_secret)
{
    enum err err;
    int dir_fd;

    TRY(private_dir_open(dir, &dir_fd));
    err = get(dir_fd, name, expected, out_public, out_secret);
    close(dir_fd);
    return err;
}

/* ---- identity ---- */

enum err keyfile_create(const char *dir, const char *name,
                        const struct purpose *purpose,
                        const struct entropy *entropy, struct key **out)
{
    struct keyfile file = {.use = purpose->name, .type = TYPE_IDENTITY};
    struct secret seed = {0};
    struct pubkey public_key;
    struct key *key = NULL;
    enum err err;

    TRY(secret_init(&seed, 32));
    if ((err = entropy_fill(entropy, seed.ptr, 32)) != OK)
        goto out;
    if ((err = key_from_seed(purpose, seed.ptr, &key)) != OK)
        goto out;
    key_public(key, &public_key);
    memcpy(file.public_key, public_key.b, 32);
    err = put_in(dir, name, &file, seed.ptr);
out:
    secret_done(&seed);
    if (err != OK) {
        key_free(key);
        return err;
    }
    *out = key;
    return OK;
}

enum err keyfile_open(const char *dir, const char *name,
                      const struct purpose *purpose, struct key **out)
{
    const struct keyfile expected = {.use = purpose->name,
                                     .type = TYPE_IDENTITY};
    struct secret seed;
    struct pubkey stored, found;
    struct key *key = NULL;
    enum err err;

    TRY(secret_init(&seed, 32));
    err = get_from(dir, name, &expected, stored.b, &seed);
    if (err == OK)
        err = key_from_seed(purpose, seed.ptr, &key);
    secret_done(&seed);
    TRY(err);
    key_public(key, &found);
    if (!pubkey_equal(&found, &stored)) {
        key_free(key);
        return ERR_CORRUPT;
    }
    *out = key;
    return OK;
}

/* ---- transport ---- */

static const struct keyfile transport_form = {.use = USE_TRANSPORT,
                                              .type = TYPE_TRANSPORT};

enum err keyfile_transport_create(const char *dir, const char *name,
                                  const struct entropy *entropy,
                                  struct keyfile_transport *out)
{
    struct keyfile_transport made = {.public_key = {0}};
    struct keyfile file = transport_form;
    enum err err;

    TRY(secret_init(&made.secret, 32));
    err = entropy_fill(entropy, made.secret.ptr, 32);
    made.secret.len = 32;
    if (err == OK) {
        CHECK(crypto_scalarmult_base(made.public_key, made.secret.ptr) == 0);
        memcpy(file.public_key, made.public_key, 32);
        err = put_in(dir, name, &file, made.secret.ptr);
    }
    if (err != OK) {
        secret_done(&made.secret);
        return err;
    }
    *out = made;
    return OK;
}

enum err keyfile_transport_open(const char *dir, const char *name,
                                struct keyfile_transport *out)
{
    struct keyfile_transport read = {.public_key = {0}};
    uint8_t found[32];
    enum err err;

    TRY(secret_init(&read.secret, 32));
    err = get_from(dir, name, &transport_form, read.public_key, &read.secret);
    if (err == OK) {
        CHECK(crypto_scalarmult_base(found, read.secret.ptr) == 0);
        if (memcmp(found, read.public_key, sizeof(found)) != 0)
            err = ERR_CORRUPT;
    }
    if (err != OK) {
        secret_done(&read.secret);
        return err;
    }
    *out = read;
    return OK;
}

void keyfile_transport_done(struct keyfile_transport *transport)
{
    secret_done(&transport->secret);
    memset(transport, 0, sizeof(*transport));
}
