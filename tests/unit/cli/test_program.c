/* The whole program against a node that answers by script: exit codes, what
 * goes to stdout and what to stderr, what is signed. The program is this very
 * executable, started anew with SUAN_AS_PROGRAM set. */

#include "cli/cli.h"
#include "cli/devnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "base/address.h"
#include "market/quote.h"
#include "tests/unit/cli/fake_node.h"
#include "wallet/keystore.h"

#define OUT_MAX 65536

static const struct hash chain = {{7, 7, 7}};
static struct key *provider;
static struct key *agent;
static char wallet[128];
static char passphrase_file[160];

/* What the scripted node does, and what it was told. */
struct script {
    uint64_t cpu_hour;    /* price in micro-credits; 0: nobody sells */
    bool wrong_signature; /* of the quote */
    bool wrong_cap;
    uint64_t balance;
    unsigned quotes; /* tasks that get one */
    enum err verified;
    int exit_code;
    const char *end_state;
    const char *reason;
    /* told */
    bool submitted;
    bool approved;
    bool dropped;
    bool cancelled;
    struct request request;
    struct hash id;
    struct amount task_cap;
    unsigned shown;
    char args[128];
};
static struct script script;

static json_t *hex(const struct hash *hash)
{
    char text[HASH_TEXT_MAX];
    hash_format(hash, text);
    return json_string(text);
}

static json_t *info(void)
{
    char address[ADDRESS_TEXT_MAX];
    struct pubkey key;
    key_public(agent, &key);
    address_format(ADDRESS_PREFIX_TEST, &key, address);
    return json_pack("{s:o, s:s, s:s, s:I, s:i, s:I}", "chain", hex(&chain),
                     "node", address, "prefix", "tsuan", "chain_time_ms",
                     (json_int_t)1000, "height", 3, "open_fee_micro",
                     (json_int_t)3000);
}

static void take_spec(const json_t *params)
{
    struct arena arena;
    struct spec spec;
    struct buf raw;
    struct hash hash;
    buf_init(&raw, SPEC_BYTES_MAX);
    arena_init(&arena, 1u << 20);
    assert_int_equal(rpc_bytes_json(json_object_get(params, "spec"), &raw), OK);
    assert_int_equal(spec_decode(buf_bytes(&raw), &arena, &spec), OK);
    spec_hash(buf_bytes(&raw), &hash);
    assert_true(hash_equal(&hash, &script.request.spec));
    snprintf(script.args, sizeof(script.args), "%.*s", (int)spec.args[0].len,
             (const char *)spec.args[0].ptr);
    arena_done(&arena);
    buf_done(&raw);
}

static json_t *submit(const json_t *params)
{
    struct arena arena;
    struct buf raw;
    buf_init(&raw, REQUEST_BYTES_MAX);
    arena_init(&arena, 1u << 16);
    assert_int_equal(rpc_bytes_json(json_object_get(params, "request"), &raw),
                     OK);
    assert_int_equal(request_decode(buf_bytes(&raw), &arena, &script.request),
                     OK);
    assert_int_equal(request_verify(&script.request, &chain), OK);
    assert_int_equal(request_id(&script.request, &chain, &script.id), OK);
    take_spec(params);
    script.submitted = true;
    arena_done(&arena);
    buf_done(&raw);
    return json_pack("{s:o}", "id", hex(&script.id));
}

static json_t *quote_json(uint32_t task)
{
    struct quote quote = {.request = script.id, .task = task};
    struct price price = {.cpu_hour = {script.cpu_hour}};
    struct signer signer = key_signer(provider);
    struct buf raw;
    json_t *item;
    uint64_t now = script.request.created_at_ms;
    assert_int_equal(quote_price(&script.request, &price, &quote), OK);
    quote.task = task;
    quote.request = script.id;
    quote.bond = amount_micro(10);
    quote.expires_at_ms = now + 60000;
    quote.start_by_ms = now + 120000;
    quote.deadline_ms = quote.start_by_ms + script.request.time_ms_max + 1000;
    quote.retention_ms = 3600000;
    if (script.wrong_cap)
        quote.cap.micro += 1;
    assert_int_equal(quote_sign(&quote, &chain, &signer), OK);
    if (script.wrong_signature)
        quote.sig.b[5] ^= 1;
    buf_init(&raw, QUOTE_BYTES_MAX);
    assert_int_equal(quote_encode(&quote, &raw), OK);
    item = json_pack("{s:i, s:o, s:s}", "task", (int)task, "quote",
                     rpc_json_bytes(buf_bytes(&raw)), "name", "seller-1");
    buf_done(&raw);
    return item;
}

static bool too_dear(void)
{
    struct amount cap = {0};
    struct quote quote = {0};
    struct price price = {.cpu_hour = {script.cpu_hour}};
    assert_int_equal(quote_price(&script.request, &price, &quote), OK);
    cap = script.request.price_max;
    return !amount_is_zero(cap) && amount_cmp(quote.cap, cap) > 0;
}

static json_t *quotes(void)
{
    json_t *list = json_array();
    json_t *offers = json_array();
    uint32_t count = script.quotes;
    if (script.cpu_hour == 0 || too_dear())
        count = 0;
    if (script.cpu_hour != 0)
        json_array_append_new(offers, json_pack("{s:s, s:s, s:s}", "name", "p1",
                                                "code", "ERR_PRICE", "text",
                                                "above the price cap"));
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, quote_json(i));
    return json_pack("{s:s, s:o, s:i, s:s, s:{s:o}}", "state", "QUOTED",
                     "quotes", list, "unplaced",
                     (int)(script.request.tasks - count), "waiting_for", "",
                     "explain", "offers", offers);
}

static void approve(const json_t *params)
{
    struct arena arena;
    struct approval approval;
    struct buf raw;
    buf_init(&raw, APPROVAL_BYTES_MAX);
    arena_init(&arena, 1u << 16);
    assert_int_equal(rpc_bytes_json(json_object_get(params, "approval"), &raw),
                     OK);
    assert_int_equal(approval_decode(buf_bytes(&raw), &arena, &approval), OK);
    assert_int_equal(approval_verify(&approval, &script.request.buyer, &chain),
                     OK);
    assert_true(hash_equal(&approval.request, &script.id));
    script.task_cap = approval.task_cap;
    script.approved = true;
    arena_done(&arena);
    buf_done(&raw);
}

static json_t *show(void)
{
    bool ended = script.shown++ >= 2;
    return json_pack("{s:s, s:s, s:{s:i, s:i}, s:{s:i}, s:[{s:i, s:s, s:s, "
                     "s:s}]}",
                     "state", ended ? script.end_state : "RUNNING", "reason",
                     script.reason, "spec", "mem_mib", 256, "time_ms_max",
                     600000, "tasks_by_state", "RUNNING", 1, "tasks", "task", 0,
                     "state", ended ? script.end_state : "RUNNING",
                     "provider_name", "p1", "reason", script.reason);
}

static json_t *logs(const json_t *params)
{
    bool is_out = strcmp(js_text(params, "stream"), "stdout") == 0;
    const char *text = is_out ? "hello\n" : "warned\n";
    bool first = js_uint(params, "offset") == 0;
    return json_pack("{s:o, s:i, s:b}", "data",
                     rpc_json_bytes(bytes_str(first ? text : "")), "next",
                     (int)strlen(text), "eof", (int)!first);
}

/* After a while, as a node does. */
static json_t *something_happened(void)
{
    struct timespec span = {.tv_nsec = 50000000};
    nanosleep(&span, NULL);
    return json_pack("{s:[{s:s}], s:i}", "events", "kind", "job", "next", 1);
}

/* Cheapest, as no policy is kept. */
static json_t *choice(void)
{
    const struct policy_terms none = {.speed = SPEED_MEAN};
    struct buf terms;
    json_t *json;
    buf_init(&terms, POLICY_TERMS_BYTES_MAX);
    policy_terms_encode(&none, &terms);
    json = json_pack("{s:s, s:s, s:s, s:[], s:o}", "name", "cheapest", "kind",
                     "cheapest", "by", "nothing", "skipped", "terms_bytes",
                     rpc_json_bytes(buf_bytes(&terms)));
    buf_done(&terms);
    return json;
}

static json_t *answer_of(const char *method, json_t *params)
{
    if (strcmp(method, "node.info") == 0)
        return info();
    if (strcmp(method, "image.list") == 0)
        return json_pack("{s:[{s:s, s:o}]}", "images", "name", "default", "id",
                         hex(&chain));
    if (strcmp(method, "policy.choose") == 0)
        return choice();
    if (strcmp(method, "job.submit") == 0)
        return submit(params);
    if (strcmp(method, "job.quotes") == 0)
        return quotes();
    if (strcmp(method, "market.offers") == 0)
        return json_pack("{s:[{s:b, s:I}]}", "offers", "feasible", 1,
                         "hour_micro", (json_int_t)script.cpu_hour);
    if (strcmp(method, "chain.account") == 0)
        return json_pack("{s:I, s:i}", "balance_micro",
                         (json_int_t)script.balance, "nonce", 0);
    if (strcmp(method, "chain.verify") == 0)
        return json_pack(
            "{s:s, s:i, s:{s:s, s:s, s:s, s:i}}", "state", "failed", "height",
            41, "error", "code", err_name(script.verified), "message",
            err_text(script.verified), "what", "results", "height", 41);
    if (strcmp(method, "job.show") == 0)
        return show();
    if (strcmp(method, "job.logs") == 0)
        return logs(params);
    if (strcmp(method, "job.wait") == 0)
        return json_pack("{s:b, s:i}", "done", 1, "exit_code",
                         script.exit_code);
    if (strcmp(method, "job.receipt") == 0)
        return json_pack("{s:[{s:i, s:i, s:i, s:i, s:i}]}", "receipts",
                         "fee_micro", 3000, "paid_micro", 250000,
                         "refunded_micro", 750000, "wall_ms", 1200, "cpu_ms",
                         900);
    if (strcmp(method, "events.poll") == 0)
        return something_happened();
    if (strcmp(method, "job.list") == 0)
        return json_pack("{s:[{s:s, s:s, s:s}, {s:s, s:s, s:s}]}", "jobs", "id",
                         "aaaa0000000000000000000000000000000000000000000000000"
                         "00000000000",
                         "name", "one", "state", "RUNNING", "id",
                         "aaaa1111111111111111111111111111111111111111111111111"
                         "11111111111",
                         "name", "two", "state", "DONE");
    return NULL;
}

static enum err answer(struct fake_node *node, const char *method,
                       json_t *params, json_t **out_result,
                       struct rpc_error *out_error)
{
    (void)node;
    if (strcmp(method, "job.approve") == 0)
        approve(params);
    script.dropped = script.dropped || strcmp(method, "job.drop") == 0;
    script.cancelled = script.cancelled || strcmp(method, "job.cancel") == 0;
    *out_result = answer_of(method, params);
    if (*out_result == NULL && strcmp(method, "chain.block") == 0) {
        rpc_error_set(out_error, ERR_NOT_FOUND, "suan chain status",
                      "there is no block 99");
        return ERR_NOT_FOUND;
    }
    if (*out_result == NULL)
        *out_result = json_object();
    return OK;
}

/* ---- running ---- */

static char out[OUT_MAX];
static char err[OUT_MAX];

static void slurp(const char *path, char *text)
{
    FILE *file = fopen(path, "r");
    size_t len;
    assert_non_null(file);
    len = fread(text, 1, OUT_MAX - 1, file);
    text[len] = '\0';
    fclose(file);
    remove(path);
}

static struct fake_node node = {.answer = answer};

/* Runs `suan WORDS...` without a terminal; fills out and err. */
static int suan(const char *const *words)
{
    char out_path[160], err_path[160], data_dir[96], wallet_dir[160];
    char pass[192];
    char *argv[40];
    int argc = 0;
    int status;
    pid_t pid;
    snprintf(out_path, sizeof(out_path), "%s.out", wallet);
    snprintf(err_path, sizeof(err_path), "%s.err", wallet);
    snprintf(data_dir, sizeof(data_dir), "--data-dir=%s", node.dir);
    snprintf(wallet_dir, sizeof(wallet_dir), "--wallet=%s", wallet);
    snprintf(pass, sizeof(pass), "--password-file=%s", passphrase_file);
    argv[argc++] = strdup("suan");
    argv[argc++] = data_dir;
    argv[argc++] = wallet_dir;
    argv[argc++] = pass;
    for (; *words != NULL; words++)
        argv[argc++] = strdup(*words);
    argv[argc] = NULL;
    pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDONLY);
        int o = open(out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        int e = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        dup2(null, 0);
        dup2(o, 1);
        dup2(e, 2);
        setenv("SUAN_AS_PROGRAM", "1", 1);
        execv("/proc/self/exe", argv);
        _exit(99);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    slurp(out_path, out);
    slurp(err_path, err);
    free(argv[0]);
    for (int i = 4; i < argc; i++)
        free(argv[i]);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}
#define SUAN(...) suan((const char *const[]){__VA_ARGS__, NULL})

static int setup(void **state)
{
    (void)state;
    script = (struct script){.cpu_hour = 60000,
                             .balance = 1000000,
                             .quotes = 1,
                             .end_state = "DONE",
                             .reason = ""};
    return fake_start(&node);
}

static int teardown(void **state)
{
    (void)state;
    fake_stop(&node);
    return 0;
}

static void said(const char *text)
{
    if (strstr(err, text) == NULL)
        fail_msg("not said: %s\nbut: %s", text, err);
}

/* ---- the tests ---- */

static void a_job_within_its_cap_runs_without_a_question(void **state)
{
    (void)state;
    assert_int_equal(SUAN("run", "--max-price", "0.05", "--", "echo", "hello"),
                     0);
    assert_string_equal(out, "hello\n");
    said("warned");
    said("paid 0.25, 0.75 came back; fees 0.003; ran");
    assert_true(script.approved);
    assert_string_equal(script.args, "echo");
    assert_int_equal(script.task_cap.micro, 50000);
    assert_false(script.dropped);
}

static void without_a_terminal_the_bill_needs_a_flag(void **state)
{
    (void)state;
    assert_int_equal(SUAN("run", "--", "echo"), EXIT_LOCKED);
    said("error: the bill has to be approved: there is no terminal to ask on. "
         "Try: --yes, or --max-price AMOUNT");
    assert_true(script.submitted);
    assert_false(script.approved);
    assert_true(script.dropped); /* the hold is let go */
    assert_string_equal(out, "");
}

static void yes_approves_what_the_bill_says(void **state)
{
    (void)state;
    /* 0.06 an hour for ten minutes */
    assert_int_equal(SUAN("run", "--yes", "--", "echo"), 0);
    assert_int_equal(script.task_cap.micro, 10000);
    said("At most 0.01; only the time used is paid");
}

static void the_bill_names_the_provider_and_the_chains_fee(void **state)
{
    (void)state;
    assert_int_equal(SUAN("run", "--yes", "--tasks", "2", "--", "echo"), 0);
    said("seller-1");
    said("At most 0.01 a task, 0.02 for all 2 tasks");
    said("The chain's fee: 0.003 a contract, 0.006 for all tasks.");
}

static void the_fee_has_to_be_there_too(void **state)
{
    (void)state;
    script.balance = 12999; /* the cap is 10000 */
    assert_int_equal(SUAN("run", "-y", "--", "x"), EXIT_FUNDS);
    assert_false(script.approved);
    script.balance = 13000;
    assert_int_equal(SUAN("run", "-y", "--", "x"), 0);
}

static void the_jobs_own_code_is_passed_on(void **state)
{
    (void)state;
    script.exit_code = 3;
    script.end_state = "FAILED";
    assert_int_equal(SUAN("run", "-y", "--", "false"), 3);
    script.shown = 0;
    script.exit_code = 137;
    assert_int_equal(SUAN("run", "-y", "--", "false"), 137);
    said("the memory limit of 256 MiB was reached. Try: --mem more");
    script.shown = 0;
    script.exit_code = 124;
    assert_int_equal(SUAN("run", "-y", "--", "false"), 124);
    said("the time limit of 10m00s was reached. Try: --time more");
    script.shown = 0;
    script.exit_code = 125;
    script.reason = "the provider was lost";
    assert_int_equal(SUAN("run", "-y", "--", "false"), 125);
    said("the market failed the job: the provider was lost.");
}

static void a_cap_too_low_names_the_best_price(void **state)
{
    (void)state;
    assert_int_equal(SUAN("run", "--max-price", "0.001", "--", "x"),
                     EXIT_NO_OFFER);
    said("error: no provider does this for at most 0.001 (best: 0.01). Try: "
         "--max-price 0.01");
    assert_true(script.dropped);
}

static void an_empty_market_says_so(void **state)
{
    (void)state;
    script.cpu_hour = 0;
    assert_int_equal(SUAN("run", "-y", "--", "x"), EXIT_NO_OFFER);
    said("error: nobody sells: no provider's offer is known. Try: suan market "
         "offers, suan node peers");
}

static void too_little_money_is_told_before_anything_is_locked(void **state)
{
    (void)state;
    script.balance = 5000;
    assert_int_equal(SUAN("run", "-y", "--", "x"), EXIT_FUNDS);
    said("the balance is 0.005, and the bill's cap and fees are 0.013");
    assert_false(script.approved);
    assert_true(script.dropped);
}

/* What the node could not look at is not called wrong. */
static void a_verification_tells_a_difference_from_its_own_end(void **state)
{
    (void)state;
    script.verified = ERR_CORRUPT;
    assert_int_equal(SUAN("chain", "verify"), EXIT_FAILED);
    said("error: the chain does not verify: results, after block 41: stored "
         "data is damaged. Try: moving <data-dir>/chain away");
    script.verified = ERR_NOMEM;
    assert_int_equal(SUAN("chain", "verify"), EXIT_FAILED);
    said("error: the verification did not come to its end: results, after "
         "block 41: out of memory. Try: suan chain verify, once more");
}

static void a_quote_that_does_not_hold_is_never_approved(void **state)
{
    (void)state;
    script.wrong_signature = true;
    assert_int_equal(SUAN("run", "-y", "--", "x"), EXIT_POLICY);
    said("the quote for task 0 does not hold: the signature does not verify");
    assert_false(script.approved);
    script.wrong_signature = false;
    script.wrong_cap = true;
    assert_int_equal(SUAN("run", "-y", "--", "x"), EXIT_POLICY);
    said("quote, request and approval do not agree");
    assert_false(script.approved);
    assert_true(script.dropped);
}

static void a_bag_is_approved_by_its_dearest_task(void **state)
{
    (void)state;
    script.quotes = 2;
    assert_int_equal(SUAN("run", "-y", "-d", "--tasks", "5", "--", "x"), 0);
    assert_int_equal(script.request.tasks, 5);
    assert_int_equal(script.task_cap.micro, 10000);
    said("At most 0.01 a task, 0.05 for all 5 tasks.");
    said("3 tasks wait until capacity is free.");
    assert_int_equal(strlen(out), 65); /* the id and a line end, alone */
}

static void a_cap_is_shared_among_the_tasks(void **state)
{
    (void)state;
    script.quotes = 2;
    assert_int_equal(
        SUAN("run", "--max-price", "0.05", "--tasks", "2", "-d", "--", "x"), 0);
    assert_int_equal(script.request.price_max.micro, 25000);
    assert_int_equal(script.task_cap.micro, 25000);
}

static void json_is_one_object_a_line_and_nothing_else(void **state)
{
    unsigned lines = 0;
    char *at = out;
    (void)state;
    assert_int_equal(SUAN("run", "--json", "-y", "--", "x"), 0);
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        json_t *line = json_loadb(at, len, 0, NULL);
        if (!json_is_object(line))
            fail_msg("not JSON: %.*s", (int)len, at);
        json_decref(line);
        lines++;
        at += len + 1;
    }
    assert_true(lines >= 4); /* bill, task, logs, end */
    assert_non_null(strstr(out, "\"event\":\"end\""));
    assert_non_null(strstr(out, "\"exit_code\":0"));
}

static void quiet_leaves_only_the_jobs_own_words(void **state)
{
    (void)state;
    assert_int_equal(SUAN("run", "-q", "-y", "--", "x"), 0);
    assert_string_equal(out, "hello\n");
    assert_string_equal(err, "warned\n");
}

static void a_quote_is_asked_for_and_let_go(void **state)
{
    (void)state;
    assert_int_equal(SUAN("market", "quote", "-o", "name"), 0);
    assert_string_equal(out, "0.01\n");
    assert_true(script.dropped);
    assert_false(script.approved);
}

static void an_unknown_image_is_not_found(void **state)
{
    (void)state;
    assert_int_equal(SUAN("run", "--image", "nope", "--", "x"), EXIT_NOT_FOUND);
    said("error: there is no image named \"nope\". Try: suan image ls, or suan "
         "image import FILE --name nope");
    assert_false(script.submitted);
}

static void a_job_is_found_by_prefix_or_name(void **state)
{
    (void)state;
    assert_int_equal(SUAN("wait", "aaaa0"), 0);
    assert_int_equal(SUAN("wait", "two"), 0);
    assert_int_equal(SUAN("wait", "aaaa"), EXIT_USAGE);
    said("\"aaaa\" fits 2 jobs");
    assert_int_equal(SUAN("wait", "bbbb"), EXIT_NOT_FOUND);
    script.exit_code = 7;
    assert_int_equal(SUAN("wait", "one"), 7);
}

static void a_refusal_of_the_node_keeps_its_words_and_code(void **state)
{
    (void)state;
    assert_int_equal(SUAN("chain", "block", "99"), EXIT_NOT_FOUND);
    said("error: there is no block 99: not found. Try: suan chain status");
    assert_int_equal(SUAN("chain", "block", "99", "--json"), EXIT_NOT_FOUND);
    said("\"code\":\"ERR_NOT_FOUND\"");
    assert_string_equal(out, "");
}

static void no_node_is_code_seven(void **state)
{
    (void)state;
    assert_int_equal(SUAN("ps", "--node", "/tmp/suan-none/control.sock"),
                     EXIT_UNREACHABLE);
    said("error: the node is not running");
    said("Try: suan node start / suan devnet up");
}

static void wrong_use_is_code_two(void **state)
{
    (void)state;
    assert_int_equal(SUAN("rnu"), EXIT_USAGE);
    said("there is no command \"rnu\". Try: suan run");
    assert_int_equal(SUAN("wallet", "balence"), EXIT_USAGE);
    said("there is no command \"wallet balence\". Try: suan wallet balance");
    assert_int_equal(SUAN("run", "--mem", "512", "--", "x"), EXIT_USAGE);
    said("--mem: \"512\" is not a size, such as 512M or 2G");
    assert_int_equal(SUAN("run"), EXIT_USAGE);
}

static void a_wrong_passphrase_is_code_four(void **state)
{
    char path[200];
    FILE *file;
    (void)state;
    snprintf(path, sizeof(path), "%s.bad", wallet);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("not it\n", file);
    fclose(file);
    chmod(path, 0644);
    assert_int_equal(SUAN("run", "--password-fd", "9", "--", "x"), EXIT_USAGE);
    said("exclude each other");
    snprintf(passphrase_file, sizeof(passphrase_file), "%s.bad", wallet);
    assert_int_equal(SUAN("run", "--", "x"), EXIT_LOCKED);
    said("the file is open to other users. Try: chmod 600 on it");
    chmod(path, 0600);
    assert_int_equal(SUAN("run", "--", "x"), EXIT_LOCKED);
    said("the passphrase is wrong");
    assert_false(script.submitted);
    remove(path);
    snprintf(passphrase_file, sizeof(passphrase_file), "%s.pass", wallet);
}

static void a_job_file_is_refused_with_its_line(void **state)
{
    char path[200];
    FILE *file;
    char want[300];
    (void)state;
    snprintf(path, sizeof(path), "%s.yaml", wallet);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("command: [x]\nmem: lots\n", file);
    fclose(file);
    assert_int_equal(SUAN("submit", path), EXIT_USAGE);
    snprintf(want, sizeof(want), "%s:2: mem: \"lots\" is not a size", path);
    said(want);
    file = fopen(path, "w");
    fputs("command: [x]\ntasks: 3\n", file);
    fclose(file);
    script.quotes = 3;
    assert_int_equal(SUAN("submit", path, "--yes"), 0);
    assert_int_equal(script.request.tasks, 3);
    remove(path);
    assert_int_equal(SUAN("submit", path), EXIT_NOT_FOUND);
}

/* ---- */

static int make_wallet(void **state)
{
    struct keystore store;
    struct key *key = NULL;
    FILE *file;
    (void)state;
    snprintf(wallet, sizeof(wallet), "/tmp/suan-test-%ld", (long)getpid());
    snprintf(passphrase_file, sizeof(passphrase_file), "%s.pass", wallet);
    file = fopen(passphrase_file, "w");
    assert_non_null(file);
    fputs("open sesame\n", file);
    fclose(file);
    chmod(passphrase_file, 0600);
    assert_int_equal(keystore_open(wallet, true, &store), OK);
    assert_int_equal(key_new_random(&purpose_account, NULL, &key), OK);
    assert_int_equal(keystore_create(&store, key, ADDRESS_PREFIX_TEST, "main",
                                     1, true, BYTES_LIT("open sesame"),
                                     &keystore_cost_fast),
                     OK);
    key_free(key);
    keystore_close(&store);
    assert_int_equal(key_new_random(&purpose_node, NULL, &provider), OK);
    assert_int_equal(key_new_random(&purpose_node, NULL, &agent), OK);
    return 0;
}

static int remove_wallet(void **state)
{
    (void)state;
    key_free(provider);
    key_free(agent);
    remove(passphrase_file);
    return remove_tree(wallet) == OK ? 0 : -1;
}

int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_job_within_its_cap_runs_without_a_question),
        T(without_a_terminal_the_bill_needs_a_flag),
        T(yes_approves_what_the_bill_says),
        T(the_bill_names_the_provider_and_the_chains_fee),
        T(the_fee_has_to_be_there_too),
        T(the_jobs_own_code_is_passed_on),
        T(a_cap_too_low_names_the_best_price),
        T(an_empty_market_says_so),
        T(too_little_money_is_told_before_anything_is_locked),
        T(a_verification_tells_a_difference_from_its_own_end),
        T(a_quote_that_does_not_hold_is_never_approved),
        T(a_bag_is_approved_by_its_dearest_task),
        T(a_cap_is_shared_among_the_tasks),
        T(json_is_one_object_a_line_and_nothing_else),
        T(quiet_leaves_only_the_jobs_own_words),
        T(a_quote_is_asked_for_and_let_go),
        T(an_unknown_image_is_not_found),
        T(a_job_is_found_by_prefix_or_name),
        T(a_refusal_of_the_node_keeps_its_words_and_code),
        T(no_node_is_code_seven),
        T(wrong_use_is_code_two),
        T(a_wrong_passphrase_is_code_four),
        T(a_job_file_is_refused_with_its_line),
    };
    if (getenv("SUAN_AS_PROGRAM") != NULL)
        return cli_main(argc, argv);
    return cmocka_run_group_tests(tests, make_wallet, remove_wallet);
}
