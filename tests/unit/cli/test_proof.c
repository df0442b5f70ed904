/* suan chain check: what it says of a proof that somebody else wrote (the
 * golden ones), and how it refuses. */

#include "cli/verb/verbs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/cli.h"
#include "tests/unit/ledger/golden.h"

struct desk {
    struct cli cli;
    char file[64];
    char *out;
    char *err;
    size_t out_len;
    size_t err_len;
    struct buf proof;
};

static void desk_open(struct desk *d, const char *vector)
{
    memset(d, 0, sizeof(*d));
    cli_init(&d->cli);
    d->cli.out = open_memstream(&d->out, &d->out_len);
    d->cli.err = open_memstream(&d->err, &d->err_len);
    assert_true(d->cli.out != NULL && d->cli.err != NULL);
    strcpy(d->file, "/tmp/suan-proof-XXXXXX");
    int fd = mkstemp(d->file);
    assert_true(fd >= 0);
    close(fd);
    golden(vector, &d->proof);
}

static void desk_close(struct desk *d)
{
    fclose(d->cli.out);
    fclose(d->cli.err);
    free(d->out);
    free(d->err);
    buf_done(&d->proof);
    unlink(d->file);
}

/* The exit code of suan chain check FILE [ARG...]; NULL ends. */
static int check(struct desk *d, const char *a, const char *b, const char *c,
                 const char *e)
{
    char error[PARSE_ERROR_MAX];
    char check_word[] = "check";
    char chain_word[] = "chain";
    char *words[] = {chain_word, check_word};
    char *argv[] = {check_word,
                    d->file,
                    (char *)(uintptr_t)a,
                    (char *)(uintptr_t)b,
                    (char *)(uintptr_t)c,
                    (char *)(uintptr_t)e,
                    NULL};
    static struct args args;
    int argc = 2;
    int used = 0;
    FILE *file = fopen(d->file, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(d->proof.ptr, 1, d->proof.len, file), d->proof.len);
    assert_int_equal(fclose(file), 0);
    while (argv[argc] != NULL)
        argc++;
    memset(&args, 0, sizeof(args));
    args.verb = verb_find(2, words, &used);
    assert_non_null(args.verb);
    assert_int_equal(args_parse(args.verb, argc, argv, &args, error), 0);
    rewind(d->cli.out);
    rewind(d->cli.err);
    int exit_code = args.verb->run(&d->cli, &args);
    fflush(d->cli.out);
    fflush(d->cli.err);
    return exit_code;
}

static const char *hex_of(const char *vector)
{
    static char text[HASH_TEXT_MAX];
    struct buf raw;
    golden(vector, &raw);
    assert_int_equal(raw.len, HASH_LEN);
    hex_encode(buf_bytes(&raw), text);
    buf_done(&raw);
    return text;
}

static void assert_says(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("not said: \"%s\" in: %s", part, text);
}

static void a_balance_is_told_in_words(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "proof-balance");
    assert_int_equal(check(&d, "--genesis", hex_of("chain"), NULL, NULL), 0);
    assert_says(d.out, "has a balance of 100.0005");
    assert_says(d.out, "tsuan1");
    assert_says(d.out, "in block 1 of 2023-11-14T22:13:20.001Z");
    assert_says(d.out, "1 of 1 validators of epoch 1, 100.0%");
    assert_int_equal(d.err_len, 0);
    desk_close(&d);
}

static void an_absent_account_is_told_as_such(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "proof-absent");
    d.cli.form = FORM_JSON;
    assert_int_equal(check(&d, "--genesis", hex_of("chain"), NULL, NULL), 0);
    json_t *object = json_loads(d.out, 0, NULL);
    assert_non_null(object);
    assert_string_equal(js_text(object, "proves"), "account");
    assert_false(js_bool(object, "present"));
    assert_int_equal(js_uint(object, "balance_micro"), 0);
    assert_int_equal(js_uint(object, "epochs"), 3);
    assert_string_equal(js_text(object, "start"), "genesis");
    json_decref(object);
    desk_close(&d);
}

static void an_old_payment_is_told_with_the_block_that_vouches(void **state)
{
    struct desk d;
    char block[HASH_TEXT_MAX];
    (void)state;
    strcpy(block, hex_of("proof-old-trusted"));
    desk_open(&d, "proof-old");
    assert_int_equal(check(&d, "--trust", block, NULL, NULL), 0);
    assert_says(d.out, "sent 0.0005 to ");
    assert_says(d.out, "in block 1 of");
    assert_says(d.out, "under block 22, whose history has it");
    assert_int_equal(check(&d, "--trust", block, "--genesis", hex_of("chain")),
                     0);
    desk_close(&d);
}

static void what_is_not_trusted_proves_nothing(void **state)
{
    struct desk d;
    char block[HASH_TEXT_MAX];
    (void)state;
    strcpy(block, hex_of("proof-old-trusted"));
    desk_open(&d, "proof-old");
    assert_int_equal(check(&d, NULL, NULL, NULL, NULL), EXIT_USAGE);
    assert_int_equal(check(&d, "--trust", "12", NULL, NULL), EXIT_USAGE);
    assert_int_equal(check(&d, "--genesis", hex_of("chain"), NULL, NULL),
                     EXIT_USAGE);
    assert_says(d.err, "--trust BLOCK");
    assert_int_equal(check(&d, "--trust", hex_of("chain"), NULL, NULL),
                     EXIT_POLICY);
    assert_says(d.err, "it is not the one you trust");
    assert_int_equal(check(&d, "--trust", block, "--genesis", hex_of("tx-id")),
                     EXIT_POLICY);
    assert_int_equal(d.out_len, 0);
    desk_close(&d);
}

static void a_damaged_file_is_refused_in_one_sentence(void **state)
{
    struct desk d;
    (void)state;
    desk_open(&d, "proof-balance");
    for (size_t i = 0; i < d.proof.len; i += 97) {
        d.proof.ptr[i] ^= 4;
        assert_int_equal(check(&d, "--genesis", hex_of("chain"), NULL, NULL),
                         EXIT_POLICY);
        assert_says(d.err, "error: ");
        assert_int_equal(d.out_len, 0);
        d.proof.ptr[i] ^= 4;
    }
    d.proof.len = 0;
    assert_int_equal(check(&d, "--genesis", hex_of("chain"), NULL, NULL),
                     EXIT_POLICY);
    unlink(d.file);
    desk_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_balance_is_told_in_words),
        cmocka_unit_test(an_absent_account_is_told_as_such),
        cmocka_unit_test(an_old_payment_is_told_with_the_block_that_vouches),
        cmocka_unit_test(what_is_not_trusted_proves_nothing),
        cmocka_unit_test(a_damaged_file_is_refused_in_one_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
