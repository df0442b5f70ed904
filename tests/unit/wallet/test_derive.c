#include "support.h"

#include "base/sign.h"
#include "wallet/derive.h"
#include "wallet/key.h"

static size_t path_parse(const char *text, uint32_t *out)
{
    size_t steps = 0;
    while (*text != 0) {
        char *end;
        out[steps++] = (uint32_t)strtoul(text, &end, 10);
        text = *end == '/' ? end + 1 : end;
    }
    return steps;
}

/* One line of tests/vectors/slip10.txt. Returns whether it was Suan's path. */
static int check_vector(char *line)
{
    uint8_t seed[64], chain[32], secret[32];
    uint32_t path[8];
    const char *seed_hex = field_next(&line), *path_text = field_next(&line);
    const char *chain_hex = field_next(&line), *secret_hex = field_next(&line);
    const char *public_hex = field_next(&line);
    size_t seed_len = strlen(seed_hex) / 2;
    size_t steps = path_parse(path_text, path);
    struct pubkey public_key, found;
    struct secret node;
    struct key *key;
    int ours = steps == 4 && path[1] == DERIVE_COIN;

    assert_ok(hex_decode(seed_hex, seed, seed_len));
    assert_ok(hex_decode(chain_hex, chain, 32));
    assert_ok(hex_decode(secret_hex, secret, 32));
    assert_ok(hex_decode(public_hex, public_key.b, 32));
    assert_ok(secret_init(&node, DERIVE_NODE_LEN));
    derive_path(bytes_make(seed, seed_len), path, steps, &node);
    assert_memory_equal(node.ptr, secret, 32);
    assert_memory_equal(node.ptr + 32, chain, 32);
    if (ours) {
        secret_clear(&node);
        derive_account(bytes_make(seed, seed_len), path[2], &node);
        assert_memory_equal(node.ptr, secret, 32);
    }
    assert_ok(key_from_seed(&purpose_account, node.ptr, &key));
    key_public(key, &found);
    assert_true(pubkey_equal(&found, &public_key));
    key_free(key);
    secret_done(&node);
    return ours;
}

static void the_published_vectors_and_our_own_path_hold(void **state)
{
    FILE *file = fopen(VECTORS "slip10.txt", "r");
    char line[1024];
    int count = 0, ours = 0;
    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (line[0] == '#')
            continue;
        ours += check_vector(line);
        count++;
    }
    fclose(file);
    assert_int_equal(count, 26);
    assert_int_equal(ours, 14);
}

static void the_coin_number_spells_suan(void **state)
{
    uint8_t letters[4];
    (void)state;
    u32be_put(letters, DERIVE_COIN);
    assert_memory_equal(letters, "SUAN", 4);
    assert_int_equal(DERIVE_COIN, 1398096206);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vectors_and_our_own_path_hold),
        cmocka_unit_test(the_coin_number_spells_suan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
