/* suan chain prove|check: a file that convinces whoever has no node. */

#include "base/address.h"
#include "base/check.h"
#include "cli/network.h"
#include "cli/proof_tell.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#include <errno.h>
#include <string.h>

/* ---- files ---- */

static int read_file(struct cli *cli, const char *path, const char *what,
                     struct buf *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    uint8_t block[8192];
    size_t got;
    bool failed;
    if (file == NULL)
        return cli_fail(cli, EXIT_NOT_FOUND, strerror(errno),
                        "the path of the file", "%s %s", what, path);
    while ((got = fread(block, 1, sizeof(block), file)) > 0 && out->err == OK)
        buf_add(out, bytes_make(block, got));
    failed = ferror(file) != 0;
    if (file != stdin)
        fclose(file);
    if (failed)
        return cli_fail(cli, EXIT_FAILED, strerror(errno), NULL,
                        "%s %s cannot be read", what, path);
    if (out->err == ERR_TOO_LARGE)
        return cli_fail_err(cli, out->err, NULL, "%s %s", what, path);
    return out->err == OK ? 0 : cli_nomem(cli);
}

static int write_file(struct cli *cli, const char *path, struct bytes bytes)
{
    bool failed = false;
    FILE *file = strcmp(path, "-") == 0 ? cli->out : fopen(path, "we");
    if (file != NULL)
        failed = fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len;
    if (file == cli->out)
        return failed ? out_flush(cli) : 0;
    if (file == NULL || failed || fclose(file) != 0)
        return cli_fail(cli, EXIT_FAILED, strerror(errno), "--out FILE",
                        "the proof cannot be written to %s", path);
    return 0;
}

/* ---- proving ---- */

/* KEY as people type it: "tsuan1...", "account:tsuan1...", "tx:ID", "ID". */
struct subject {
    const char *kind; /* the parameter's name */
    const char *key;
};

static bool is_kind(const char *word, size_t len, const char *kind)
{
    return strlen(kind) == len && strncmp(word, kind, len) == 0;
}

static int read_subject(struct cli *cli, const char *text, struct subject *out)
{
    static const char *const kinds[] = {"account", "validator", "contract",
                                        "tx"};
    const char *colon = strchr(text, ':');
    const char *key = colon != NULL ? colon + 1 : text;
    struct pubkey pubkey;
    struct hash hash;
    bool address = address_parse(key, NULL, &pubkey) == OK;
    out->key = key;
    out->kind = colon == NULL ? (address ? "account" : "tx") : NULL;
    for (size_t i = 0; colon != NULL && i < sizeof(kinds) / sizeof(kinds[0]);
         i++) {
        if (is_kind(text, (size_t)(colon - text), kinds[i]))
            out->kind = kinds[i];
    }
    if (out->kind == NULL)
        return cli_usage(cli, "account:, validator:, contract: or tx:",
                         "\"%.20s\" names nothing that can be proven", text);
    bool wants_address = strcmp(out->kind, "account") == 0 ||
                         strcmp(out->kind, "validator") == 0;
    if (wants_address && !address)
        return cli_usage(cli, "copying it once more",
                         "\"%.80s\" is not an address", key);
    if (!wants_address && hash_parse(key, &hash) != OK)
        return cli_usage(cli,
                         "suan wallet history --json, suan job show --json",
                         "\"%.80s\" is neither an address nor an id of 64 hex "
                         "digits",
                         key);
    return 0;
}

static int add_part(struct cli *cli, const json_t *result, const char *name,
                    struct buf *file)
{
    if (rpc_bytes_json(json_object_get(result, name), file) != OK)
        return cli_fail(cli, EXIT_FAILED, NULL, "suan version, on both sides",
                        "the node's answer makes no sense");
    if (file->err != OK)
        return cli_fail_err(cli, file->err,
                            "--from with the last block of a later epoch",
                            "the proof goes over too many epochs");
    return 0;
}

static int add_steps(struct cli *cli, uint64_t from, uint64_t to,
                     struct buf *file)
{
    int failed = 0;
    while (from < to && !failed) {
        json_t *result = NULL;
        failed = cli_call(cli, "chain.prove.steps",
                          json_pack("{s:I, s:I}", "from", (json_int_t)from,
                                    "to", (json_int_t)to),
                          &result);
        if (failed)
            break;
        uint64_t next = js_uint(result, "next");
        failed = add_part(cli, result, "steps", file);
        if (!failed && next <= from)
            failed =
                cli_fail(cli, EXIT_FAILED, NULL, "suan version, on both sides",
                         "the node's answer makes no sense");
        from = next;
        json_decref(result);
    }
    return failed;
}

static int join(struct cli *cli, const json_t *answer, struct buf *file)
{
    int failed = add_part(cli, answer, "start", file);
    if (!failed)
        failed = add_steps(cli, js_uint(answer, "first_epoch"),
                           js_uint(answer, "epoch"), file);
    if (!failed)
        failed = add_part(cli, answer, "proof", file);
    return failed;
}

/* ---- checking ---- */

static const char *prefix_of(const struct light_proof *proof)
{
    struct genesis genesis;
    if (proof->start != LIGHT_GENESIS ||
        genesis_decode(proof->genesis, &genesis) != OK)
        return NULL;
    const char *prefix = genesis_address_prefix(&genesis);
    genesis_done(&genesis);
    return prefix;
}

/* Checks a file and says what it proves: *out given. chain NULL: any. */
static int check_file(struct cli *cli, const struct buf *file,
                      const struct hash *trusted, const struct hash *chain,
                      const char *prefix, json_t **out)
{
    struct light_proof proof;
    struct arena arena;
    arena_init(&arena, 1024u * 1024);
    enum err err = light_check(buf_bytes(file), trusted, chain, &arena, &proof);
    json_t *object = NULL;
    if (err == OK) {
        const char *own = prefix_of(&proof);
        object = proof_json(&proof, own != NULL ? own : prefix);
    }
    arena_done(&arena);
    *out = object;
    if (err == OK && object != NULL)
        return 0;
    return cli_fail(cli, EXIT_POLICY,
                    err == OK ? "the record in it cannot be read"
                              : err_text(err),
                    "asking for it again, and do not rely on this one",
                    "the proof is damaged or forged");
}

/* The file's name where none is given: "tx-7f3a21c0.proof". */
static void default_name(const struct subject *subject, char out[64])
{
    size_t len = strlen(subject->key);
    bool address = strcmp(subject->kind, "account") == 0 ||
                   strcmp(subject->kind, "validator") == 0;
    CHECK(len >= 8); /* addresses are told apart by their ends */
    snprintf(out, 64, "%s-%.8s.proof", subject->kind,
             subject->key + (address ? len - 8 : 0));
}

/* Before anybody else sees it: is it what we would believe ourselves? */
static int own_check(struct cli *cli, const struct buf *file,
                     const json_t *answer, json_t **out)
{
    struct network network; /* of which a proof from a block says nothing */
    enum light_start start;
    struct hash trusted;
    struct hash chain;
    int failed = network_get(cli, &network);
    if (failed)
        return failed;
    if (hash_parse(js_text(answer, "chain"), &chain) != OK ||
        light_start(buf_bytes(file), &start, &trusted) != OK)
        return cli_fail(cli, EXIT_FAILED, NULL, "suan version, on both sides",
                        "the node's answer makes no sense");
    return check_file(cli, file, &trusted, &chain, network.prefix, out);
}

/* What was proven, and where it lies. */
static int tell_written(struct cli *cli, json_t *object, const char *path,
                        size_t bytes)
{
    bool from_block = strcmp(js_text(object, "start"), "block") == 0;
    bool to_file = strcmp(path, "-") != 0;
    char size[UNIT_TEXT_MAX];
    if (cli->form == FORM_JSON && to_file) {
        json_object_set_new(object, "file", json_string(path));
        json_object_set_new(object, "bytes", json_integer((json_int_t)bytes));
        return out_json(cli, object);
    }
    unit_format_bytes(bytes, size);
    cli_note(cli, "%s", js_text(object, "says"));
    cli_note(cli, "%s, in block %llu; check it with: suan chain check %s %s %s",
             size, (unsigned long long)js_uint(object, "height"), path,
             from_block ? "--trust" : "--genesis", js_text(object, "trusted"));
    if (to_file)
        fprintf(cli->out, "%s\n", path);
    return out_flush(cli);
}

static int prove(struct cli *cli, const struct args *args,
                 const struct subject *subject, struct buf *file)
{
    const char *from = args_text(args, "from", NULL);
    json_t *params = json_pack("{s:s}", subject->kind, subject->key);
    json_t *answer = NULL;
    json_t *object = NULL;
    char name[64];
    if (from != NULL)
        json_object_set_new(params, "from", json_string(from));
    int failed = cli_call(cli, "chain.prove", params, &answer);
    if (failed)
        return failed;
    failed = join(cli, answer, file);
    if (!failed)
        failed = own_check(cli, file, answer, &object);
    default_name(subject, name);
    const char *path = args_text(args, "out", name);
    if (!failed)
        failed = write_file(cli, path, buf_bytes(file));
    if (!failed)
        failed = tell_written(cli, object, path, file->len);
    json_decref(object);
    json_decref(answer);
    return failed;
}

int verb_chain_prove(struct cli *cli, const struct args *args)
{
    struct subject subject;
    struct buf file;
    struct hash hash;
    const char *from = args_text(args, "from", NULL);
    int failed = read_subject(cli, args_operand(args, 0), &subject);
    if (failed)
        return failed;
    if (from != NULL && hash_parse(from, &hash) != OK)
        return cli_usage(cli, "suan chain block HEIGHT --json",
                         "--from: \"%.70s\" is not a block's hash", from);
    buf_init(&file, LIGHT_BYTES_MAX);
    failed = prove(cli, args, &subject, &file);
    buf_done(&file);
    return failed;
}

/* --genesis: the chain's id, or the genesis file it is the hash of. */
static int read_genesis(struct cli *cli, const char *text, struct hash *out,
                        const char **out_prefix)
{
    struct genesis genesis;
    struct buf file;
    unsigned line = 0;
    *out_prefix = NULL;
    if (hash_parse(text, out) == OK)
        return 0;
    buf_init(&file, GENESIS_BYTES_MAX);
    int failed = read_file(cli, text, "the genesis file", &file);
    if (!failed) {
        enum err err = genesis_parse(buf_bytes(&file), &genesis, &line);
        if (err != OK)
            failed = cli_fail_err(cli, err, "the hash of the genesis",
                                  "line %u of %s", line, text);
        if (err == OK) {
            *out = genesis.chain;
            *out_prefix = genesis_address_prefix(&genesis);
            genesis_done(&genesis);
        }
    }
    buf_done(&file);
    return failed;
}

/* What the person trusts. */
struct trust {
    bool has_chain;
    bool has_block;
    struct hash chain;
    struct hash block;
    const char *prefix;
};

static int read_trust(struct cli *cli, const struct args *args,
                      struct trust *out)
{
    const char *genesis = args_text(args, "genesis", NULL);
    const char *block = args_text(args, "trust", NULL);
    memset(out, 0, sizeof(*out));
    if (genesis == NULL && block == NULL)
        return cli_usage(cli, "--genesis HASH, from a source you trust",
                         "a proof is checked against what you know already");
    if (genesis != NULL) {
        int failed = read_genesis(cli, genesis, &out->chain, &out->prefix);
        if (failed)
            return failed;
        out->has_chain = true;
    }
    if (block != NULL && hash_parse(block, &out->block) != OK)
        return cli_usage(cli, "the block's 64 hex digits",
                         "--trust: \"%.70s\" is not a block's hash", block);
    out->has_block = block != NULL;
    return 0;
}

/* Does the file start from something that is trusted? */
static int match_trust(struct cli *cli, const struct buf *file,
                       const struct trust *trust, struct hash *out)
{
    enum light_start start;
    enum err err = light_start(buf_bytes(file), &start, out);
    char text[HASH_TEXT_MAX];
    bool genesis = start == LIGHT_GENESIS;
    if (err != OK)
        return cli_fail(cli, EXIT_POLICY, err_text(err),
                        "a file made by suan chain prove",
                        "this is not a proof that can be read");
    hash_format(out, text);
    if (genesis ? !trust->has_chain : !trust->has_block)
        return cli_usage(
            cli, genesis ? "--genesis HASH" : "--trust BLOCK",
            "the proof starts from the %s %s: say whether you trust it",
            genesis ? "genesis" : "block", text);
    if (!hash_equal(out, genesis ? &trust->chain : &trust->block))
        return cli_fail(cli, EXIT_POLICY, "it is not the one you trust",
                        "a proof of the right chain",
                        "the proof starts from the %s %s",
                        genesis ? "genesis" : "block", text);
    return 0;
}

static int tell_result(struct cli *cli, json_t *object)
{
    if (cli->form == FORM_JSON)
        return out_json(cli, object);
    if (cli->form == FORM_NAME)
        fprintf(cli->out, "%s\n", js_text(object, js_text(object, "proves")));
    else
        proof_tell(cli, object);
    return out_flush(cli);
}

int verb_chain_check(struct cli *cli, const struct args *args)
{
    struct trust trust;
    struct buf file;
    struct hash trusted;
    json_t *object = NULL;
    int failed = read_trust(cli, args, &trust);
    if (failed)
        return failed;
    buf_init(&file, LIGHT_BYTES_MAX);
    failed = read_file(cli, args_operand(args, 0), "the proof", &file);
    if (!failed)
        failed = match_trust(cli, &file, &trust, &trusted);
    if (!failed)
        failed = check_file(cli, &file, &trusted,
                            trust.has_chain ? &trust.chain : NULL, trust.prefix,
                            &object);
    if (!failed)
        failed = tell_result(cli, object);
    json_decref(object);
    buf_done(&file);
    return failed;
}
