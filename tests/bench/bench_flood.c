/* links: suan_node suan_cli */
/* As many transfers as validators on this machine make final.
 * Part of consensus.sh.
 *
 *   bench_flood verify SECONDS          signatures checked per second, by all
 *                                       cores at once; how many cores; what
 *                                       one takes, in us of processor time
 *   bench_flood address DIR             who pays for all of it
 *   bench_flood fund DIR                gives each of the senders some money
 *   bench_flood people DIR COUNT        gives as many new accounts some
 *   bench_flood run SECONDS HOW DIR...  transfers made final per second; how
 *                                       many; in how many blocks; seconds of
 *                                       processor time of all validators, ours;
 *                                       us of one signature check meanwhile
 *
 * DIR is a validator's data directory. Everything is signed before the clock
 * runs. HOW is `link`: as a peer of every validator, as another node would; or
 * `socket`: over the control sockets. Each validator gets its share of the
 * senders; WINDOW transfers are on their way at any time. What was final
 * between two blocks is read from the blocks after the end. */

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/address.h"
#include "base/check.h"
#include "cli/client.h"
#include "node/net/link.h"
#include "node/peer/wire.h"
#include "tests/bench/check_rate.h"
#include "tests/bench/sender.h"

#define SENDERS    2000u
#define WINDOW     8000u  /* transfers that are not final yet */
#define PER_SECOND 30000u /* signed beforehand: more than can be final */
#define SHARE_MICRO                                                            \
    420000u               /* of each sender: for its fees of a run of 15 s     \
                           */
#define WARM_MS     3000u /* before the first block that counts */
#define TARGETS_MAX 31u
#define ANSWER_MS   20000u
#define SAMPLES     8u
#define FUND_CHUNK  200u
#define PATH_ROOM   256u
#define CORES_MAX   64
#define STALLED_MS  20000u
#define REASONS_MAX 16u

struct target {
    struct client *client;
    struct net_peer *peer;
    char listen[CHANNEL_ADDR_MAX];
    struct pubkey node;
    long pid;
    struct wire_txs waiting; /* to be sent to it */
};

static struct {
    struct sender_chain chain;
    struct sender senders[SENDERS];
    struct target targets[TARGETS_MAX];
    uint32_t target_count;
    struct bytes *txs; /* in the order they are sent */
    size_t tx_count;
    size_t sent;
    atomic_size_t final; /* by a sample of the senders' nonces */
    atomic_bool over;
    uint64_t refused[REASONS_MAX]; /* over links, by the reason */
    enum err reasons[REASONS_MAX];
    uint64_t from_height, to_height;
    double from_ms, to_ms;
    double from_cpu, to_cpu;   /* seconds the validators worked */
    double from_self, to_self; /* and we */
    unsigned seconds;
} flood;

static double now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static void nap_ms(long ms)
{
    nanosleep(
        &(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000},
        NULL);
}

__attribute__((noreturn)) static void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_flood: %s: %s\n", what, why);
    exit(1);
}

/* ---- how fast this machine checks signatures ---- */

static int command_verify(double seconds)
{
    static struct check_rate rates[CORES_MAX];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t all = 0;
    double us = 0;
    if (cores > CORES_MAX)
        cores = CORES_MAX;
    for (long i = 0; i < cores; i++) {
        rates[i].until_ms = now_ms() + seconds * 1e3;
        check_rate_start(&rates[i]);
    }
    for (long i = 0; i < cores; i++) {
        us += check_rate_us(&rates[i]) / (double)cores;
        all += rates[i].done;
    }
    printf("%.0f %ld %.3f\n", (double)all / seconds, cores, us);
    return 0;
}

/* ---- asking ---- */

static json_t *ask(struct client *client, const char *method, json_t *params)
{
    struct rpc_error error;
    json_t *result = NULL;
    if (client_call(client, method, params, ANSWER_MS, &result, &error) != OK) {
        fprintf(stderr, "bench_flood: %s: ", method);
        fail(error.what, error.why);
    }
    return result;
}

static uint64_t ask_uint(struct client *client, const char *method,
                         json_t *params, const char *name)
{
    json_t *result = ask(client, method, params);
    uint64_t value =
        (uint64_t)json_integer_value(json_object_get(result, name));
    json_decref(result);
    return value;
}

/* What was refused and why: an account's next ones then wait for ever. */
static void tell_refused(void)
{
    for (size_t i = 0; i < REASONS_MAX && flood.refused[i] > 0; i++)
        fprintf(stderr, "bench_flood: %llu were refused: %s\n",
                (unsigned long long)flood.refused[i],
                err_text(flood.reasons[i]));
}

static uint64_t ask_nonce(struct client *client, const char *address)
{
    return ask_uint(client, "chain.account",
                    json_pack("{s:s}", "address", address), "nonce");
}

static void target_open(struct target *target, const char *dir)
{
    char path[PATH_ROOM];
    const char *prefix;
    struct rpc_error error;
    snprintf(path, sizeof(path), "%s/run/control.sock", dir);
    if (client_open(path, &target->client, &error) != OK)
        fail(error.what, error.why);
    json_t *info = ask(target->client, "node.info", NULL);
    snprintf(flood.chain.prefix, sizeof(flood.chain.prefix), "%s",
             json_string_value(json_object_get(info, "prefix")));
    snprintf(target->listen, sizeof(target->listen), "%s",
             json_string_value(json_object_get(info, "listen")));
    CHECK(address_parse(json_string_value(json_object_get(info, "node")),
                        &prefix, &target->node) == OK);
    CHECK(hash_parse(json_string_value(json_object_get(info, "chain")),
                     &flood.chain.id) == OK);
    flood.chain.height =
        (uint64_t)json_integer_value(json_object_get(info, "height"));
    target->pid = (long)json_integer_value(json_object_get(info, "pid"));
    json_decref(info);
}

static void open_all(char **dirs, uint32_t count)
{
    if (count == 0 || count > TARGETS_MAX)
        fail("directories", "1 to 31 of them");
    for (uint32_t i = 0; i < count; i++)
        target_open(&flood.targets[i], dirs[i]);
    flood.target_count = count;
    for (uint32_t i = 0; i < SENDERS; i++)
        sender_init(&flood.senders[i], &flood.chain, i + 1);
}

/* ---- money for all ---- */

static void submit_and_wait(struct client *client, struct bytes tx, bool wait)
{
    json_t *result = ask(client, "tx.submit",
                         json_pack("{s:o, s:i}", "tx", rpc_json_bytes(tx),
                                   "wait_ms", wait ? (int)ANSWER_MS : 0));
    const char *state = json_string_value(json_object_get(result, "state"));
    if (wait && (state == NULL || strcmp(state, "final") != 0))
        fail("fund", "a transfer did not become final");
    json_decref(result);
}

static int command_fund(void)
{
    static struct sender payer;
    struct client *client = flood.targets[0].client;
    sender_init(&payer, &flood.chain, 0);
    payer.nonce = ask_nonce(client, payer.address);
    for (uint32_t i = 0; i < SENDERS; i++) {
        bool last = i % FUND_CHUNK == FUND_CHUNK - 1 || i == SENDERS - 1;
        submit_and_wait(
            client,
            sender_pays(&payer, &flood.senders[i].signer.key, SHARE_MICRO),
            last);
    }
    return 0;
}

/* Nobody has their keys: they fill the state. */
static int command_people(unsigned long count)
{
    static struct sender payer;
    struct client *client = flood.targets[0].client;
    sender_init(&payer, &flood.chain, 0);
    payer.nonce = ask_nonce(client, payer.address);
    for (unsigned long i = 0; i < count; i++) {
        bool last = i % FUND_CHUNK == FUND_CHUNK - 1 || i == count - 1;
        struct pubkey nobody = {{0}};
        u64le_put(nobody.b, payer.nonce + 1);
        submit_and_wait(client, sender_pays(&payer, &nobody, 1), last);
    }
    return 0;
}

/* ---- what becomes final: a thread that asks ---- */

/* Asked only after a block: whoever is measured should not be kept busy with
 * questions. */
static void sample_final(struct client *client)
{
    static uint64_t seen;
    uint64_t height = ask_uint(client, "node.info", NULL, "height");
    uint64_t sum = 0;
    if (height == seen)
        return;
    seen = height;
    for (uint32_t i = 0; i < SAMPLES; i++) {
        struct sender *sender = &flood.senders[i * (SENDERS / SAMPLES)];
        sum += ask_nonce(client, sender->address) - sender->base;
    }
    atomic_store(&flood.final, (size_t)sum * SENDERS / SAMPLES);
}

/* Processor time of a process, in seconds. */
static double cpu_of(long pid)
{
    char path[64];
    char line[1024];
    unsigned long user = 0;
    unsigned long system = 0;
    snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(line, sizeof(line), file) == NULL)
        fail(path, "cannot be read");
    fclose(file);
    const char *at = strrchr(line, ')');
    if (at == NULL || sscanf(at,
                             ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
                             "%lu %lu",
                             &user, &system) != 2)
        fail(path, "is no process");
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static double cpu_of_all(void)
{
    double sum = 0;
    for (uint32_t i = 0; i < flood.target_count; i++)
        sum += cpu_of(flood.targets[i].pid);
    return sum;
}

__attribute__((noreturn)) static void stalled(void)
{
    tell_refused();
    if (flood.sent == flood.tx_count)
        fail("run", "all that was signed is sent; more a second are final than "
                    "PER_SECOND");
    fail("run", "no block for 20 seconds");
}

/* The moment when the height changes, and what it is then. */
static uint64_t next_block(struct client *client, double *out_ms)
{
    uint64_t height = ask_uint(client, "node.info", NULL, "height");
    uint64_t now = height;
    double until = now_ms() + STALLED_MS;
    while (now == height) {
        if (now_ms() > until)
            stalled();
        nap_ms(5);
        now = ask_uint(client, "node.info", NULL, "height");
        *out_ms = now_ms();
    }
    return now;
}

static void *watch_main(void *arg)
{
    struct client *client = flood.targets[0].client;
    double began = now_ms();
    (void)arg;
    while (now_ms() < began + WARM_MS) {
        sample_final(client);
        nap_ms(50);
    }
    flood.from_height = next_block(client, &flood.from_ms);
    flood.from_cpu = cpu_of_all();
    flood.from_self = clock_ms(CLOCK_PROCESS_CPUTIME_ID) / 1e3;
    while (now_ms() < flood.from_ms + flood.seconds * 1e3) {
        sample_final(client);
        nap_ms(50);
    }
    flood.to_height = next_block(client, &flood.to_ms);
    flood.to_cpu = cpu_of_all();
    flood.to_self = clock_ms(CLOCK_PROCESS_CPUTIME_ID) / 1e3;
    atomic_store(&flood.over, true);
    return NULL;
}

static size_t may_send(void)
{
    size_t most = atomic_load(&flood.final) + WINDOW;
    if (most > flood.tx_count)
        most = flood.tx_count;
    return most > flood.sent ? most - flood.sent : 0;
}

/* ---- sending as a peer ---- */

static struct target *target_of(size_t tx)
{
    return &flood.targets[tx % SENDERS % flood.target_count];
}

static void on_up(void *ctx, struct net_peer *peer,
                  const struct channel_identity *identity)
{
    (void)ctx;
    for (uint32_t i = 0; i < flood.target_count; i++) {
        if (pubkey_equal(&flood.targets[i].node, &identity->id))
            flood.targets[i].peer = peer;
    }
}

static void on_down(void *ctx, struct net_peer *peer, enum err err)
{
    (void)ctx;
    (void)peer;
    if (err != ERR_CLOSED && !atomic_load(&flood.over))
        fail("a validator closed the link", err_text(err));
}

static void note_refused(enum err err)
{
    size_t i = 0;
    while (i < REASONS_MAX - 1 && flood.refused[i] > 0 &&
           flood.reasons[i] != err)
        i++;
    flood.reasons[i] = err;
    flood.refused[i]++;
}

static void on_message(void *ctx, struct net_peer *peer, struct bytes payload)
{
    struct wire_tx_refused refused;
    enum wire_kind kind;
    struct arena arena;
    (void)ctx;
    (void)peer;
    if (wire_peek(payload, &kind) != OK || kind != WIRE_TX_REFUSED)
        return;
    arena_init(&arena, 4096);
    if (wire_tx_refused_decode(payload, &arena, &refused) == OK)
        note_refused(refused.err);
    arena_done(&arena);
}

static void send_waiting(struct target *target)
{
    struct buf message;
    if (target->waiting.count == 0)
        return;
    buf_init(&message, LIMIT_MESSAGE_BYTES);
    wire_txs_encode(&target->waiting, &message);
    target->waiting.count = 0;
    enum err err = net_send(target->peer, buf_bytes(&message));
    buf_done(&message);
    if (err != OK)
        fail("sending", err_text(err));
}

/* As a node does: what there is at once goes together. */
static void send_some(void)
{
    for (size_t left = may_send(); left > 0; left--) {
        struct target *target = target_of(flood.sent);
        struct wire_txs *waiting = &target->waiting;
        waiting->txs[waiting->count++] = flood.txs[flood.sent++];
        if (waiting->count == WIRE_TXS_MAX)
            send_waiting(target);
    }
    for (uint32_t i = 0; i < flood.target_count; i++)
        send_waiting(&flood.targets[i]);
}

static void on_tick(uv_timer_t *timer)
{
    send_some();
    if (atomic_load(&flood.over))
        uv_stop(timer->loop);
}

static bool all_up(void)
{
    for (uint32_t i = 0; i < flood.target_count; i++) {
        if (flood.targets[i].peer == NULL)
            return false;
    }
    return true;
}

static struct net *link_up(uv_loop_t *loop)
{
    static struct sender self;
    static uint8_t secret[NOISE_KEY_LEN];
    struct net_config config = {
        .chain = flood.chain.id,
        .static_secret = secret,
        .roles = CHANNEL_ROLE_BUYER,
        .agent = "bench_flood",
        .callbacks = {.on_peer_up = on_up,
                      .on_peer_down = on_down,
                      .on_message = on_message},
    };
    struct net_error error;
    struct net *net = NULL;
    double until = now_ms() + ANSWER_MS;
    sender_init(&self, &flood.chain, UINT32_MAX);
    randombytes_buf(secret, sizeof(secret));
    config.signer = self.signer;
    if (net_new(loop, &config, &net, &error) != OK)
        fail("the network", error.text);
    for (uint32_t i = 0; i < flood.target_count; i++)
        CHECK(net_dial(net, flood.targets[i].listen, &flood.targets[i].node) ==
              OK);
    while (!all_up()) {
        uv_run(loop, UV_RUN_NOWAIT);
        if (now_ms() > until)
            fail("linking", "not every validator answers");
        nap_ms(1);
    }
    return net;
}

static void run_links(void)
{
    static uv_timer_t timer;
    uv_loop_t *loop = uv_default_loop();
    pthread_t watch;
    CHECK(link_up(loop) != NULL);
    uv_timer_init(loop, &timer);
    uv_timer_start(&timer, on_tick, 1, 5);
    CHECK(pthread_create(&watch, NULL, watch_main, NULL) == 0);
    uv_run(loop, UV_RUN_DEFAULT);
    pthread_join(watch, NULL);
}

/* ---- sending over the control sockets ---- */

/* One thread a validator, each with a socket of its own. */
struct pusher {
    pthread_t thread;
    uint32_t target;
    struct client *client;
};

static void *push_main(void *arg)
{
    struct pusher *pusher = arg;
    struct target *mine = &flood.targets[pusher->target];
    for (size_t i = 0; i < flood.tx_count && !atomic_load(&flood.over);) {
        if (target_of(i) != mine) {
            i++;
        } else if (i >= atomic_load(&flood.final) + WINDOW) {
            nap_ms(2);
        } else {
            submit_and_wait(pusher->client, flood.txs[i++], false);
        }
    }
    return NULL;
}

static void run_sockets(char **dirs)
{
    static struct pusher pushers[TARGETS_MAX];
    pthread_t watch;
    CHECK(pthread_create(&watch, NULL, watch_main, NULL) == 0);
    for (uint32_t i = 0; i < flood.target_count; i++) {
        struct target own;
        memset(&own, 0, sizeof(own));
        target_open(&own, dirs[i]);
        pushers[i].target = i;
        pushers[i].client = own.client;
        CHECK(pthread_create(&pushers[i].thread, NULL, push_main,
                             &pushers[i]) == 0);
    }
    for (uint32_t i = 0; i < flood.target_count; i++)
        pthread_join(pushers[i].thread, NULL);
    pthread_join(watch, NULL);
}

/* ---- the run ---- */

static void sign_all(void)
{
    struct client *client = flood.targets[0].client;
    flood.tx_count = (size_t)PER_SECOND * (flood.seconds + WARM_MS / 1000 + 2);
    flood.tx_count -= flood.tx_count % SENDERS;
    flood.txs = calloc(flood.tx_count, sizeof(*flood.txs));
    CHECK(flood.txs != NULL);
    for (uint32_t i = 0; i < SENDERS; i++) {
        struct sender *sender = &flood.senders[i];
        sender->base = sender->nonce = ask_nonce(client, sender->address);
        sender->micro = ask_uint(client, "chain.account",
                                 json_pack("{s:s}", "address", sender->address),
                                 "balance_micro");
    }
    /* To somebody else each time. */
    for (size_t i = 0; i < flood.tx_count; i++) {
        size_t to = (i * 7 + i / SENDERS * 13 + 1) % SENDERS;
        flood.txs[i] = sender_pays(&flood.senders[i % SENDERS],
                                   &flood.senders[to].signer.key, 1);
    }
    for (uint32_t i = 0; i < SENDERS; i++) {
        if (flood.senders[i].micro < flood.senders[i].cost)
            fail("run", "the senders cannot pay for so long a run; see "
                        "SHARE_MICRO");
    }
}

static uint64_t count_final(uint64_t *out_blocks)
{
    struct client *client = flood.targets[0].client;
    uint64_t count = 0;
    for (uint64_t h = flood.from_height + 1; h <= flood.to_height; h++) {
        json_t *block = ask(client, "chain.block",
                            json_pack("{s:I}", "height", (json_int_t)h));
        count += json_array_size(json_object_get(block, "txs"));
        count +=
            (uint64_t)json_integer_value(json_object_get(block, "left_out"));
        json_decref(block);
    }
    *out_blocks = flood.to_height - flood.from_height;
    return count;
}

static int command_run(const char *how, char **dirs)
{
    static struct check_rate probe = {.end = &flood.over};
    uint64_t blocks;
    sign_all();
    check_rate_start(&probe);
    if (strcmp(how, "link") == 0)
        run_links();
    else
        run_sockets(dirs);
    double seconds = (flood.to_ms - flood.from_ms) / 1e3;
    uint64_t count = count_final(&blocks);
    if (flood.sent == flood.tx_count)
        fprintf(stderr, "bench_flood: ran out of transfers\n");
    printf("%.1f %llu %llu %.3f %.3f %.3f\n", (double)count / seconds,
           (unsigned long long)count, (unsigned long long)blocks,
           flood.to_cpu - flood.from_cpu, flood.to_self - flood.from_self,
           check_rate_us(&probe));
    tell_refused();
    return 0;
}

static int usage(void)
{
    fprintf(stderr,
            "usage: bench_flood verify SECONDS | address DIR | "
            "fund DIR | people DIR COUNT | run SECONDS link|socket DIR...\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *command = argc > 2 ? argv[1] : "";
    CHECK(sodium_init() >= 0);
    if (strcmp(command, "verify") == 0)
        return command_verify(strtod(argv[2], NULL));
    if (strcmp(command, "people") == 0 && argc == 4) {
        open_all(argv + 2, 1);
        return command_people(strtoul(argv[3], NULL, 10));
    }
    if (strcmp(command, "address") == 0 || strcmp(command, "fund") == 0) {
        static struct sender payer;
        open_all(argv + 2, 1);
        if (command[0] == 'f')
            return command_fund();
        sender_init(&payer, &flood.chain, 0);
        printf("%s\n", payer.address);
        return 0;
    }
    if (strcmp(command, "run") != 0 || argc < 5)
        return usage();
    flood.seconds = (unsigned)strtoul(argv[2], NULL, 10);
    open_all(argv + 4, (uint32_t)(argc - 4));
    return command_run(argv[3], argv + 4);
}
