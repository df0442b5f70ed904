#include "sched/meter/identifier.h"

#include "base/check.h"
#include "base/mp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define KIND    1
#define VERSION 1

enum shape { TEXT, NUMBER, DIGEST };

struct row {
    const char *name;
    const char *help;
    enum shape shape;
    size_t at;
};

static const struct row rows[IDENTIFIER_FIELDS] = {
#define X(field, name, shape, help)                                            \
    {name, help, shape, offsetof(struct identifier, field)},
    IDENTIFIER_MAP(X)
#undef X
};

static const struct row *row_of(unsigned field)
{
    CHECK(field < IDENTIFIER_FIELDS);
    return &rows[field];
}

static const void *value(const struct identifier *id, const struct row *row)
{
    return (const uint8_t *)id + row->at;
}

static void *place(struct identifier *id, const struct row *row)
{
    return (uint8_t *)id + row->at;
}

static uint64_t number_of(const struct identifier *id, const struct row *row)
{
    uint64_t number;
    memcpy(&number, value(id, row), sizeof(number));
    return number;
}

static bool text_ok(const char *text)
{
    size_t len = strnlen(text, IDENTIFIER_NAME_MAX);
    return len > 0 && len < IDENTIFIER_NAME_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

const char *identifier_field_name(unsigned field)
{
    return row_of(field)->name;
}

const char *identifier_field_help(unsigned field)
{
    return row_of(field)->help;
}

void identifier_field_format(const struct identifier *id, unsigned field,
                             struct buf *out)
{
    const struct row *row = row_of(field);
    char hex[2 * HASH16_LEN + 1];
    switch (row->shape) {
    case TEXT:
        buf_addf(out, "%s", (const char *)value(id, row));
        break;
    case NUMBER:
        buf_addf(out, "%" PRIu64, number_of(id, row));
        break;
    case DIGEST:
        hex_encode(bytes_make(value(id, row), HASH16_LEN), hex);
        buf_addf(out, "%s", hex);
        break;
    }
}

static enum err number_parse(const char *text, uint64_t *out)
{
    uint64_t number = 0;
    if (text[0] == '\0' || (text[0] == '0' && text[1] != '\0'))
        return ERR_PARSE;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return ERR_PARSE;
        if (__builtin_mul_overflow(number, 10u, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*c - '0'), &number))
            return ERR_TOO_LARGE;
    }
    *out = number;
    return OK;
}

enum err identifier_field_set(struct identifier *id, unsigned field,
                              const char *text)
{
    const struct row *row = row_of(field);
    uint64_t number = 0;
    switch (row->shape) {
    case TEXT:
        if (strlen(text) >= IDENTIFIER_NAME_MAX)
            return ERR_TOO_LARGE;
        if (!text_ok(text))
            return ERR_PARSE;
        memset(place(id, row), 0, IDENTIFIER_NAME_MAX);
        memcpy(place(id, row), text, strlen(text));
        return OK;
    case NUMBER:
        TRY(number_parse(text, &number));
        memcpy(place(id, row), &number, sizeof(number));
        return OK;
    case DIGEST:
        if (strlen(text) != (size_t)2 * HASH16_LEN)
            return ERR_PARSE;
        return hex_decode(text, place(id, row), HASH16_LEN);
    }
    return ERR_PARSE;
}

enum err identifier_form(const struct identifier *id, unsigned *out_field)
{
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++) {
        if (rows[i].shape == TEXT && !text_ok(value(id, &rows[i]))) {
            *out_field = i;
            return ERR_RANGE;
        }
    }
    return OK;
}

void identifier_number(const char *salt, const char *chip_number,
                       uint8_t out[HASH16_LEN])
{
    struct hasher hasher;
    struct hash whole;
    hasher_init(&hasher, HASH_TAG_CHIP);
    hasher_add_u64(&hasher, strlen(salt)); /* where one ends is no question */
    hasher_add(&hasher, bytes_str(salt));
    hasher_add(&hasher, bytes_str(chip_number));
    hasher_finish(&hasher, &whole);
    hash16_bytes(HASH_TAG_CHIP, hash_as_bytes(&whole), out);
}

enum err identifier_encode(const struct identifier *id, struct buf *out)
{
    unsigned field;
    TRY(identifier_form(id, &field));
    mp_put_message(out, KIND, VERSION, IDENTIFIER_FIELDS);
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++) {
        const struct row *row = &rows[i];
        switch (row->shape) {
        case TEXT:
            mp_put_str(out, value(id, row));
            break;
        case NUMBER:
            mp_put_uint(out, number_of(id, row));
            break;
        case DIGEST:
            mp_put_bin(out, bytes_make(value(id, row), HASH16_LEN));
            break;
        }
    }
    return out->err;
}

static void field_get(struct mp_reader *reader, const struct row *row,
                      struct identifier *out)
{
    uint64_t number;
    struct bytes digest;
    switch (row->shape) {
    case TEXT:
        mp_get_text(reader, place(out, row), IDENTIFIER_NAME_MAX);
        break;
    case NUMBER:
        number = mp_get_uint(reader);
        memcpy(place(out, row), &number, sizeof(number));
        break;
    case DIGEST:
        digest = mp_get_bin(reader, HASH16_LEN);
        if (reader->err == OK && digest.len != HASH16_LEN)
            mp_fail(reader, ERR_RANGE);
        if (reader->err == OK)
            memcpy(place(out, row), digest.ptr, HASH16_LEN);
        break;
    }
}

enum err identifier_decode(struct bytes bytes, struct arena *arena,
                           struct identifier *out)
{
    struct mp_reader reader;
    struct identifier id = {0};
    unsigned field;
    if (bytes.len > IDENTIFIER_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, KIND, VERSION,
                        IDENTIFIER_FIELDS));
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++)
        field_get(&reader, &rows[i], &id);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(identifier_form(&id, &field));
    *out = id;
    return OK;
}

void identifier_code(const struct identifier *id, char out[IDENTIFIER_CODE_MAX])
{
    uint8_t digest[HASH16_LEN];
    struct buf bytes;
    buf_init(&bytes, IDENTIFIER_BYTES_MAX);
    CHECK(identifier_encode(id, &bytes) == OK);
    hash16_bytes(HASH_TAG_IDENT, buf_bytes(&bytes), digest);
    buf_done(&bytes);
    hex_encode(BYTES_OF(digest), out);
}

void identifier_path(const struct identifier *id, char out[IDENTIFIER_PATH_MAX])
{
    struct buf text;
    buf_init(&text, IDENTIFIER_PATH_MAX - 1);
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++) {
        if (i > 0)
            buf_add(&text, BYTES_LIT("/"));
        identifier_field_format(id, i, &text);
    }
    CHECK(text.err == OK);
    (void)snprintf(out, IDENTIFIER_PATH_MAX, "%s", buf_cstr(&text));
    buf_done(&text);
}

bool identifier_has_prefix(const struct identifier *id, const char *prefix)
{
    char path[IDENTIFIER_PATH_MAX];
    identifier_path(id, path);
    return strncmp(path, prefix, strlen(prefix)) == 0;
}
