#include "support.h"

#include "wallet/keystore_codec.h"

static char golden[KEYSTORE_FILE_MAX];
static size_t golden_len;

static int golden_read(void **state)
{
    (void)state;
    golden_len =
        file_get(VECTORS "keystore_golden.json", golden, sizeof(golden));
    return golden_len > 0 ? 0 : -1;
}

/* The golden text with its first `from` replaced; checksum as it was. */
static struct bytes edited(const char *from, const char *to)
{
    static char text[2 * KEYSTORE_FILE_MAX];
    const char *at = strstr(golden, from);
    assert_non_null(at);
    snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - golden), golden, to,
             at + strlen(from));
    return bytes_str(text);
}

/* The same with a checksum that fits. */
static struct bytes edited_well(const char *from, const char *to)
{
    static char text[2 * KEYSTORE_FILE_MAX];
    struct bytes plain = edited(from, to);
    struct hash check;
    char hex[HASH_TEXT_MAX], *line;
    memcpy(text, plain.ptr, plain.len);
    text[plain.len] = 0;
    line = strstr(text, "  \"check\"");
    assert_non_null(line);
    hash_bytes(HASH_TAG_KEYFILE, bytes_make(text, (size_t)(line - text)),
               &check);
    hash_format(&check, hex);
    memcpy(line + strlen("  \"check\": \""), hex, 64);
    return bytes_str(text);
}

static void a_file_has_one_spelling_both_ways(void **state)
{
    struct keystore_file file;
    struct buf again;
    (void)state;
    assert_ok(keystore_file_decode(bytes_make(golden, golden_len), &file));
    assert_string_equal(file.label, "golden");
    assert_int_equal(file.created_ms, 1700000000123);
    assert_true(file.has_backup);
    assert_int_equal(file.cost.opslimit, 1);
    assert_int_equal(file.cost.memlimit, 8 << 20);
    buf_init(&again, KEYSTORE_FILE_MAX);
    keystore_file_encode(&file, &again);
    assert_true(bytes_equal(buf_bytes(&again), bytes_make(golden, golden_len)));
    buf_done(&again);
}

static void every_flipped_bit_is_refused(void **state)
{
    struct keystore_file file;
    (void)state;
    for (size_t i = 0; i < golden_len; i++) {
        for (int bit = 0; bit < 8; bit++) {
            golden[i] = (char)(golden[i] ^ (1 << bit));
            assert_int_not_equal(
                keystore_file_decode(bytes_make(golden, golden_len), &file),
                OK);
            golden[i] = (char)(golden[i] ^ (1 << bit));
        }
    }
    assert_ok(keystore_file_decode(bytes_make(golden, golden_len), &file));
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
    struct keystore_file file;
    (void)state;
    for (size_t len = 0; len + 1 < golden_len; len++)
        assert_err(keystore_file_decode(bytes_make(golden, len), &file),
                   ERR_CORRUPT);
    /* Still JSON, but the checksum stands for other bytes now. */
    assert_err(keystore_file_decode(bytes_make(golden, golden_len - 1), &file),
               ERR_CHECKSUM);
    golden[golden_len] = '\n';
    assert_err(keystore_file_decode(bytes_make(golden, golden_len + 1), &file),
               ERR_CHECKSUM);
    golden[golden_len] = 0;
}

static void what_differs_in_meaning_fails_the_checksum(void **state)
{
    static const struct {
        const char *from, *to;
    } table[] = {
        {"\"golden\"", "\"silver\""},
        {"1700000000123", "1700000000124"},
        {"true", "false"},
        {"\"memlimit\": 8388608", "\"memlimit\": 8388609"},
        {"\"salt\": \"00", "\"salt\": \"01"},
        {"\"nonce\": \"64", "\"nonce\": \"65"},
        {"\"box\": \"3e", "\"box\": \"3f"},
        {"\"check\": \"c6", "\"check\": \"c7"},
    };
    struct keystore_file file;
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_err(
            keystore_file_decode(edited(table[i].from, table[i].to), &file),
            ERR_CHECKSUM);
}

static void a_broken_form_is_corrupt(void **state)
{
    static const struct {
        const char *from, *to;
    } table[] = {
        {"\"v\": 1", "\"v\": \"1\""},
        {"\"v\": 1,", ""},
        {"tsuan1e", "tsuan1q"},
        {"\"golden\"", "\"\""},
        {"\"golden\"", "\"go lden\""},
        {"\"golden\"", "7"},
        {"\"golden\"", "\"0123456789012345678901234567890123\""},
        {"\"golden\"", "\"gol\\u0000den\""},
        {"1700000000123", "-1"},
        {"1700000000123", "1.5"},
        {"1700000000123", "9007199254740993"},
        {"true", "1"},
        {"\"opslimit\": 1,", "\"opslimit\": 1, \"opslimit\": 1,"},
        {"\"salt\": \"00", "\"salt\": \""},
        {"\"box\": \"3e", "\"box\": \"zz"},
        {"\"check\": \"c6", "\"check\": \""},
    };
    struct keystore_file file;
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_err(
            keystore_file_decode(edited(table[i].from, table[i].to), &file),
            ERR_CORRUPT);
}

static void another_spelling_of_the_same_is_corrupt(void **state)
{
    static const struct {
        const char *from, *to;
    } table[] = {
        {"  \"label\"", " \"label\""},
        {"\"golden\"", "\"g\\u006flden\""},
        {"\"has_backup\": true,", "\"has_backup\": true,\n  \"more\": 1,"},
        {"3ec6b84a", "3EC6b84a"},
        {"8388608", "8388608 "},
    };
    struct keystore_file file;
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_err(keystore_file_decode(edited_well(table[i].from, table[i].to),
                                        &file),
                   ERR_CORRUPT);
}

static void a_later_version_is_told_from_damage(void **state)
{
    struct keystore_file file;
    (void)state;
    assert_err(keystore_file_decode(edited_well("\"v\": 1", "\"v\": 2"), &file),
               ERR_VERSION);
    assert_err(
        keystore_file_decode(edited_well("argon2id13", "argon2id14"), &file),
        ERR_VERSION);
    assert_err(
        keystore_file_decode(edited_well("xchacha20poly1305", "aegis"), &file),
        ERR_VERSION);
}

static void a_hostile_cost_is_refused_though_all_else_fits(void **state)
{
    static const struct {
        const char *from, *to;
        enum err err;
    } table[] = {
        {"\"memlimit\": 8388608", "\"memlimit\": 68719476736", ERR_TOO_LARGE},
        {"\"memlimit\": 8388608", "\"memlimit\": 1073741825", ERR_TOO_LARGE},
        {"\"memlimit\": 8388608", "\"memlimit\": 9223372036854775807",
         ERR_TOO_LARGE},
        {"\"memlimit\": 8388608", "\"memlimit\": 9223372036854775808",
         ERR_CORRUPT}, /* past what JSON integers hold */
        {"\"memlimit\": 8388608", "\"memlimit\": 8191", ERR_RANGE},
        {"\"memlimit\": 8388608", "\"memlimit\": 0", ERR_RANGE},
        {"\"memlimit\": 8388608", "\"memlimit\": -1", ERR_CORRUPT},
        {"\"opslimit\": 1", "\"opslimit\": 65", ERR_TOO_LARGE},
        {"\"opslimit\": 1", "\"opslimit\": 4294967296", ERR_TOO_LARGE},
        {"\"opslimit\": 1", "\"opslimit\": 0", ERR_RANGE},
        {"\"opslimit\": 1,\n  \"memlimit\": 8388608",
         "\"opslimit\": 5,\n  \"memlimit\": 1073741824", ERR_TOO_LARGE},
        {"\"opslimit\": 1,\n  \"memlimit\": 8388608",
         "\"opslimit\": 4,\n  \"memlimit\": 1073741824", OK},
    };
    struct keystore_file file;
    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_err(keystore_file_decode(edited_well(table[i].from, table[i].to),
                                        &file),
                   table[i].err);
}

static void what_is_too_long_or_nested_is_refused(void **state)
{
    static char text[KEYSTORE_FILE_MAX + 1];
    struct keystore_file file;
    (void)state;
    memset(text, ' ', sizeof(text));
    assert_err(keystore_file_decode(BYTES_OF(text), &file), ERR_TOO_LARGE);
    memset(text, '[', sizeof(text));
    assert_err(keystore_file_decode(bytes_make(text, KEYSTORE_FILE_MAX), &file),
               ERR_CORRUPT);
    assert_err(keystore_file_decode(BYTES_LIT("[1]"), &file), ERR_CORRUPT);
    assert_err(keystore_file_decode(BYTES_LIT("7"), &file), ERR_CORRUPT);
    assert_err(keystore_file_decode(BYTES_LIT(""), &file), ERR_CORRUPT);
    assert_err(keystore_file_decode(BYTES_LIT("{\"v\": 1}"), &file),
               ERR_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_one_spelling_both_ways),
        cmocka_unit_test(every_flipped_bit_is_refused),
        cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
        cmocka_unit_test(what_differs_in_meaning_fails_the_checksum),
        cmocka_unit_test(a_broken_form_is_corrupt),
        cmocka_unit_test(another_spelling_of_the_same_is_corrupt),
        cmocka_unit_test(a_later_version_is_told_from_damage),
        cmocka_unit_test(a_hostile_cost_is_refused_though_all_else_fits),
        cmocka_unit_test(what_is_too_long_or_nested_is_refused),
    };
    return cmocka_run_group_tests(tests, golden_read, NULL);
}
