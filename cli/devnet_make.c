/* Making a devnet: keys, wallets, genesis and configuration. */

#include "base/check.h"
#include "cli/devnet.h"
#include "cli/locate.h"
#include "ledger/genesis.h"
#include "ledger/sx/sx.h"
#include "market/params.h"
#include "wallet/entropy.h"
#include "wallet/keyfile.h"
#include "wallet/keystore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUYER_MICRO    UINT64_C(1000000000) /* 1000 credits */
#define BOND_MICRO     UINT64_C(1000000000) /* 1000, of each validator */
#define PROVIDER_MICRO UINT64_C(100000000)  /* 100, for bonds */
#define OWNER_MICRO    UINT64_C(100000000)  /* 100, to bond more and for fees */
/* So many nodes find room at the first one, which all others dial: three
 * quarters of node.peers_max. */
#define DEVNET_PEERS_USUAL 48u
/* Up to so many tell of their links every few seconds: it grows with the cube.
 */
#define DEVNET_FEW 12u
/* A devnet's user does not wait ten minutes for a silent buyer. */
#define REVIEW_MS 60000u
#define CLAIM_MS  10000u

static int fail_at(struct cli *cli, enum err err, const char *path)
{
    return cli_fail_err(cli, err,
                        err == ERR_FULL ? "making room on the disk"
                                        : "SUAN_HOME=DIR for another place",
                        "the devnet cannot be made at %s", path);
}

static enum err write_file(const char *path, struct bytes text, mode_t mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    enum err err = OK;
    if (fd < 0)
        return path_errno(errno);
    if (write(fd, text.ptr, text.len) != (ssize_t)text.len)
        err = errno == ENOSPC || errno == 0 ? ERR_FULL : path_errno(errno);
    if (close(fd) != 0 && err == OK)
        err = path_errno(errno);
    return err;
}

/* ---- keys ---- */

static enum err make_node_key(struct devnet_node *node)
{
    char dir[PATH_MAX];
    struct key *key = NULL;
    if (!path_join(dir, node->daemon.data_dir, "keys"))
        return ERR_TOO_LARGE;
    TRY(path_make(dir, 0700));
    TRY(keyfile_create(dir, KEYFILE_NAME_NODE, &purpose_node, NULL, &key));
    key_public(key, &node->key);
    key_free(key);
    address_format(ADDRESS_PREFIX_TEST, &node->key, node->address);
    if (strcmp(node->roles, "validator") != 0)
        return OK;
    TRY(keyfile_create(dir, KEYFILE_NAME_VALIDATOR, &purpose_validator, NULL,
                       &key));
    key_public(key, &node->vote);
    key_free(key);
    return OK;
}

/* A passphrase nobody has to know, in a file of its own. */
static enum err make_passphrase(const char *path, char out[2 * 16 + 1])
{
    uint8_t raw[16];
    TRY(entropy_fill(NULL, raw, sizeof(raw)));
    hex_encode(BYTES_OF(raw), out);
    return write_file(path, bytes_str(out), 0600);
}

/* A wallet with one key in the devnet's directory, and its passphrase. */
static enum err make_wallet(struct cli *cli, const struct devnet *net,
                            const char *name, const char *label,
                            char out_address[ADDRESS_TEXT_MAX])
{
    char dir[PATH_MAX];
    char pass_file[PATH_MAX + 8];
    char passphrase[33];
    struct pubkey account;
    struct keystore store;
    struct key *key = NULL;
    enum err err;
    if (!path_join(dir, net->dir, name))
        return ERR_TOO_LARGE;
    snprintf(pass_file, sizeof(pass_file), "%s.pass", dir);
    TRY(make_passphrase(pass_file, passphrase));
    TRY(keystore_open(dir, true, &store));
    err = key_new_random(&purpose_account, NULL, &key);
    if (err == OK)
        err = keystore_create(&store, key, ADDRESS_PREFIX_TEST, label,
                              cli->now_ms(), true, bytes_str(passphrase),
                              &keystore_cost_fast);
    if (err == OK) {
        key_public(key, &account);
        address_format(ADDRESS_PREFIX_TEST, &account, out_address);
    }
    key_free(key);
    keystore_close(&store);
    return err;
}

/* ---- genesis ---- */

void devnet_params(struct params *out)
{
    params_init(out);
    enum err err = params_set(out, "review_ms", REVIEW_MS);
    if (err == OK)
        err = params_set(out, "claim_ms", CLAIM_MS);
    if (err == OK)
        err = market_params_fill(out);
    CHECK(err == OK);
}

enum err devnet_param(struct params *params, const char *name, uint64_t value)
{
    struct params fresh = *params;
    struct market_params market;
    uint64_t there;
    if (params_get(params, name, &there) != OK)
        return ERR_NOT_FOUND;
    TRY(params_set(&fresh, name, value));
    TRY(market_params_of(&fresh, &market));
    *params = fresh;
    return OK;
}

static enum err fill_genesis(struct cli *cli, const struct devnet *net,
                             const struct params *params,
                             struct genesis *genesis)
{
    struct pubkey buyer;
    struct pubkey owner;
    TRY(address_parse(net->buyer, NULL, &buyer));
    TRY(address_parse(net->owner, NULL, &owner));
    snprintf(genesis->network, sizeof(genesis->network), "devnet");
    genesis->test = true;
    genesis->time_ms = cli->now_ms();
    genesis->params = *params;
    for (uint32_t i = 0; i < net->validators; i++)
        TRY(genesis_add_validator(genesis, &net->nodes[i].vote,
                                  amount_micro(BOND_MICRO), &owner));
    TRY(genesis_add_account(genesis, &buyer, amount_micro(BUYER_MICRO)));
    TRY(genesis_add_account(genesis, &owner, amount_micro(OWNER_MICRO)));
    for (uint32_t i = 0; i < net->providers; i++)
        TRY(genesis_add_account(genesis, &net->nodes[net->validators + i].key,
                                amount_micro(PROVIDER_MICRO)));
    return genesis_seal(genesis);
}

static enum err write_genesis(const struct devnet *net, struct bytes text)
{
    char path[PATH_MAX];
    if (!path_join(path, net->dir, "genesis"))
        return ERR_TOO_LARGE;
    TRY(write_file(path, text, 0600));
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (!path_join(path, net->nodes[i].daemon.data_dir, "genesis"))
            return ERR_TOO_LARGE;
        TRY(write_file(path, text, 0600));
    }
    return OK;
}

/* The safety logs belong to the vote keys: made with them, before anything can
 * be signed. */
static enum err make_logs(const struct devnet *net, const struct hash *chain)
{
    for (uint32_t i = 0; i < net->validators; i++) {
        struct wal_owner owner = {.key = net->nodes[i].vote, .chain = *chain};
        char dir[PATH_MAX];
        if (!path_join(dir, net->nodes[i].daemon.data_dir, "votes"))
            return ERR_TOO_LARGE;
        TRY(sx_make_log(dir, &owner));
    }
    return OK;
}

static enum err make_genesis(struct cli *cli, const struct devnet *net,
                             const struct params *params)
{
    struct genesis genesis;
    struct buf text;
    enum err err;
    genesis_init(&genesis);
    buf_init(&text, GENESIS_BYTES_MAX);
    err = fill_genesis(cli, net, params, &genesis);
    if (err == OK) {
        genesis_format(&genesis, &text);
        err = text.err;
    }
    if (err == OK)
        err = write_genesis(net, buf_bytes(&text));
    if (err == OK)
        err = make_logs(net, &genesis.chain);
    buf_done(&text);
    genesis_done(&genesis);
    return err;
}

int devnet_create(struct cli *cli, struct devnet *net,
                  const struct params *params)
{
    enum err err = path_make(net->dir, 0700);
    for (uint32_t i = 0; i < net->node_count && err == OK; i++) {
        err = path_make(net->nodes[i].daemon.data_dir, 0700);
        if (err == OK)
            err = make_node_key(&net->nodes[i]);
    }
    if (err == OK)
        err = make_wallet(cli, net, DEVNET_BUYERS_WALLET, "buyer", net->buyer);
    if (err == OK)
        err = make_wallet(cli, net, DEVNET_VALIDATORS_WALLET, "validators",
                          net->owner);
    if (err == OK)
        err = make_genesis(cli, net, params);
    return err == OK ? 0 : fail_at(cli, err, net->dir);
}

/* ---- configuration ---- */

/* What the i-th provider sells. They differ, so that there is a market: a
 * bigger one is dearer by the hour. */
struct stand {
    uint32_t cpu_milli;
    uint64_t mem_mib;
    uint64_t disk_mib;
    const char *cpu_hour;
    const char *mem_hour;
    const char *disk_hour;
    const char *zone;
};

static struct stand stand_of(uint32_t i, uint32_t providers)
{
    static const struct stand kinds[] = {
        {500, 768, 2048, "0.040", "0.008", "0.0010", "a"},
        {750, 1024, 3072, "0.050", "0.010", "0.0010", "b"},
        {1000, 1536, 4096, "0.070", "0.012", "0.0012", "c"},
    };
    struct stand stand = kinds[i % 3];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    long pages = sysconf(_SC_PHYS_PAGES);
    long page = sysconf(_SC_PAGESIZE);
    uint64_t share;
    /* Thousandths of the machine, of two cores at most. */
    stand.cpu_milli *= cores < 2 ? 1 : 2;
    if (pages > 0 && page > 0) {
        share = (uint64_t)pages / 1024 * (uint64_t)page / 1024 / 2 / providers;
        if (stand.mem_mib > share)
            stand.mem_mib = share < 64 ? 64 : share;
    }
    return stand;
}

static void put_node(const struct devnet *net, uint32_t i, struct buf *out)
{
    const struct devnet_node *node = &net->nodes[i];
    buf_addf(out,
             "# Written by suan devnet up. See docs/operator.md.\n"
             "[node]\n"
             "name = %s\n"
             "roles = %s\n"
             "listen = 127.0.0.1:%u\n"
             "bulk = 127.0.0.1:%u\n"
             "genesis = genesis\n",
             node->name, node->roles, node->listen, node->bulk);
    if (net->node_count > DEVNET_PEERS_USUAL)
        buf_addf(out, "peers_max = %u\n", 2 * net->node_count);
    buf_addf(out, "# one peer a line\n");
    /* Each dials those before it: one connection between any two. */
    for (uint32_t j = 0; j < i; j++)
        buf_addf(out, "peers = 127.0.0.1:%u@%s\n", net->nodes[j].listen,
                 net->nodes[j].address);
    buf_addf(out,
             "\n[net]\n"
             "links_s = %u\n"
             "probe_s = 120\n",
             net->node_count <= DEVNET_FEW ? 5 : 60);
}

static void put_sell(const struct devnet *net, uint32_t provider,
                     const char *sandbox, struct buf *out)
{
    struct stand s = stand_of(provider, net->providers);
    buf_addf(out,
             "\n[sell]\n"
             "enabled = true\n"
             "cpus = %u.%03u\n"
             "mem_mib = %llu\n"
             "disk_mib = %llu\n"
             "slots = 4\n"
             "time_max_s = 3600\n"
             "cpu_hour = %s\n"
             "mem_hour = %s\n"
             "disk_hour = %s\n"
             "labels = zone=%s,kind=devnet\n"
             "offer_ttl_s = 30\n"
             "receipt_s = 10\n",
             s.cpu_milli / 1000, s.cpu_milli % 1000,
             (unsigned long long)s.mem_mib, (unsigned long long)s.disk_mib,
             s.cpu_hour, s.mem_hour, s.disk_hour, s.zone);
    if (sandbox[0] != '\0')
        buf_addf(out, "\n[exec]\nsandbox = %s\n", sandbox);
}

int devnet_configure(struct cli *cli, const struct devnet *net,
                     const char *sandbox)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        const struct devnet_node *node = &net->nodes[i];
        char path[PATH_MAX];
        struct buf text;
        enum err err = ERR_TOO_LARGE;
        buf_init(&text, 64u * 1024);
        put_node(net, i, &text);
        if (i >= net->validators && i < net->validators + net->providers)
            put_sell(net, i - net->validators, sandbox, &text);
        if (path_join(path, node->daemon.data_dir, "suan.conf"))
            err = text.err != OK ? text.err
                                 : write_file(path, buf_bytes(&text), 0600);
        buf_done(&text);
        if (err != OK)
            return fail_at(cli, err, node->daemon.data_dir);
    }
    return 0;
}
