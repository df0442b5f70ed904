#include "wallet/keystore_codec.h"

#include <inttypes.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "base/check.h"

#define FILE_VERSION 1
#define KDF_NAME     "argon2id13"
#define CIPHER_NAME  "xchacha20poly1305"
#define CREATED_MAX  (UINT64_C(1) << 53) /* what every JSON reader keeps */

_Static_assert(KEYSTORE_SALT_LEN == crypto_pwhash_argon2id_SALTBYTES &&
                   KEYSTORE_NONCE_LEN ==
                       crypto_aead_xchacha20poly1305_ietf_NPUBBYTES &&
                   KEYSTORE_TAG_LEN ==
                       crypto_aead_xchacha20poly1305_ietf_ABYTES,
               "our sizes are libsodium's");

/* ---- writing ---- */

static void hex_line(struct buf *out, const char *name, struct bytes value,
                     const char *end)
{
    char hex[2 * KEYSTORE_BOX_LEN + 1];

    CHECK(value.len <= KEYSTORE_BOX_LEN);
    hex_encode(value, hex);
    buf_addf(out, "  \"%s\": \"%s\"%s\n", name, hex, end);
}

void keystore_header_encode(const struct keystore_file *file, struct buf *out)
{
    buf_addf(out, "{\n  \"v\": %d,\n", FILE_VERSION);
    buf_addf(out, "  \"address\": \"%s\",\n", file->address);
    buf_addf(out, "  \"label\": \"%s\",\n", file->label);
    buf_addf(out, "  \"created\": %" PRIu64 ",\n", file->created_ms);
    buf_addf(out, "  \"has_backup\": %s,\n",
             file->has_backup ? "true" : "false");
    buf_addf(out, "  \"kdf\": \"%s\",\n", KDF_NAME);
    buf_addf(out, "  \"opslimit\": %" PRIu64 ",\n", file->cost.opslimit);
    buf_addf(out, "  \"memlimit\": %" PRIu64 ",\n", file->cost.memlimit);
    hex_line(out, "salt", BYTES_OF(file->salt), ",");
    buf_addf(out, "  \"cipher\": \"%s\",\n", CIPHER_NAME);
    hex_line(out, "nonce", BYTES_OF(file->nonce), ",");
}

void keystore_file_encode(const struct keystore_file *file, struct buf *out)
{
    size_t start = out->len;
    struct bytes all;
    struct hash check;

    keystore_header_encode(file, out);
    hex_line(out, "box", BYTES_OF(file->box), ",");
    all = buf_bytes(out);
    if (out->err != OK)
        return;
    hash_bytes(HASH_TAG_KEYFILE, bytes_make(all.ptr + start, all.len - start),
               &check);
    hex_line(out, "check", hash_as_bytes(&check), "");
    buf_addf(out, "}\n");
}

/* ---- reading ---- */

enum err keystore_cost_check(const struct keystore_cost *cost)
{
    if (cost->memlimit > KEYSTORE_MEM_MAX || cost->memlimit > SIZE_MAX)
        return ERR_TOO_LARGE;
    if (cost->opslimit > KEYSTORE_OPS_MAX)
        return ERR_TOO_LARGE;
    if (cost->opslimit * cost->memlimit > KEYSTORE_WORK_MAX)
        return ERR_TOO_LARGE;
    if (cost->opslimit < crypto_pwhash_argon2id_OPSLIMIT_MIN ||
        cost->memlimit < crypto_pwhash_argon2id_MEMLIMIT_MIN)
        return ERR_RANGE;
    return OK;
}

/* The getters yield ERR_CORRUPT for an absent or wrong field. */
static enum err get_text(const json_t *root, const char *name, char *out,
                         size_t size)
{
    const json_t *value = json_object_get(root, name);
    size_t len = json_string_length(value);
    const char *text = json_string_value(value);

    if (text == NULL || len >= size || strlen(text) != len)
        return ERR_CORRUPT;
    memcpy(out, text, len + 1);
    return OK;
}

static enum err get_constant(const json_t *root, const char *name,
                             const char *expected)
{
    const char *text = json_string_value(json_object_get(root, name));

    if (text == NULL)
        return ERR_CORRUPT;
    return strcmp(text, expected) == 0 ? OK : ERR_VERSION;
}

static enum err get_uint(const json_t *root, const char *name, uint64_t *out)
{
    const json_t *value = json_object_get(root, name);

    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return ERR_CORRUPT;
    *out = (uint64_t)json_integer_value(value);
    return OK;
}

static enum err get_hex(const json_t *root, const char *name, uint8_t *out,
                        size_t len)
{
    const char *text = json_string_value(json_object_get(root, name));

    if (text == NULL || hex_decode(text, out, len) != OK)
        return ERR_CORRUPT;
    return OK;
}

static enum err get_version(const json_t *root)
{
    uint64_t version;

    if (!json_is_object(root))
        return ERR_CORRUPT;
    TRY(get_uint(root, "v", &version));
    return version == FILE_VERSION ? OK : ERR_VERSION;
}

static enum err get_identity(const json_t *root, struct keystore_file *file)
{
    TRY(get_text(root, "address", file->address, sizeof(file->address)));
    if (address_parse(file->address, NULL, &file->key) != OK)
        return ERR_CORRUPT;
    TRY(get_text(root, "label", file->label, sizeof(file->label)));
    if (keystore_label_check(file->label) != OK)
        return ERR_CORRUPT;
    TRY(get_uint(root, "created", &file->created_ms));
    if (file->created_ms > CREATED_MAX)
        return ERR_CORRUPT;
    if (!json_is_boolean(json_object_get(root, "has_backup")))
        return ERR_CORRUPT;
    file->has_backup = json_is_true(json_object_get(root, "has_backup"));
    return OK;
}

static enum err get_sealing(const json_t *root, struct keystore_file *file)
{
    TRY(get_constant(root, "kdf", KDF_NAME));
    TRY(get_uint(root, "opslimit", &file->cost.opslimit));
    TRY(get_uint(root, "memlimit", &file->cost.memlimit));
    TRY(get_hex(root, "salt", file->salt, sizeof(file->salt)));
    TRY(get_constant(root, "cipher", CIPHER_NAME));
    TRY(get_hex(root, "nonce", file->nonce, sizeof(file->nonce)));
    TRY(get_hex(root, "box", file->box, sizeof(file->box)));
    return keystore_cost_check(&file->cost);
}

/* The checksum stands for the bytes before its line. What passes it is spelled
 * anew and compared, so two files never mean the same key. */
static enum err check_spelling(struct bytes text, const json_t *root,
                               const struct keystore_file *file)
{
    struct hash stored;
    struct buf spelled;
    struct bytes all;
    enum err err;
    /* `"check": "` and 64 digits, quote, end of line, brace, end of line */
    size_t tail = strlen("  \"check\": \"") + 2 * HASH_LEN + strlen("\"\n}\n");

    TRY(get_hex(root, "check", stored.b, sizeof(stored.b)));
    buf_init(&spelled, KEYSTORE_FILE_MAX);
    keystore_file_encode(file, &spelled);
    all = buf_bytes(&spelled);
    err = spelled.err;
    if (err == OK && (text.len < tail || all.len < tail))
        err = ERR_CORRUPT;
    if (err == OK) {
        struct hash found;
        hash_bytes(HASH_TAG_KEYFILE, bytes_make(text.ptr, text.len - tail),
                   &found);
        err = hash_equal(&found, &stored) ? OK : ERR_CHECKSUM;
    }
    if (err == OK && !bytes_equal(all, text))
        err = ERR_CORRUPT;
    buf_done(&spelled);
    return err;
}

enum err keystore_file_decode(struct bytes text, struct keystore_file *out)
{
    struct keystore_file file = {.created_ms = 0};
    json_t *root;
    enum err err;

    if (text.len > KEYSTORE_FILE_MAX)
        return ERR_TOO_LARGE;
    root = json_loadb((const char *)text.ptr, text.len, JSON_REJECT_DUPLICATES,
                      NULL);
    err = get_version(root);
    if (err == OK)
        err = get_identity(root, &file);
    if (err == OK)
        err = get_sealing(root, &file);
    if (err == OK)
        err = check_spelling(text, root, &file);
    if (root != NULL)
        json_decref(root);
    if (err == OK)
        *out = file;
    return err;
}
