#ifndef NODE_CONFIG_H
#define NODE_CONFIG_H

/* The node's configuration: <data-dir>/suan.conf (ini) and flags over it. Every
 * value is in one table with its default and a sentence; `suan config list`
 * prints the effective table and where each value came from. */

#include "base/bytes.h"
#include "sched/meter/tier.h"

#include <stdbool.h>

/* A value, joined of all its lines, has fewer bytes: room for 100 peers with
 * their addresses. */
#define CONFIG_TEXT_MAX 16384u

/* section, key, default, help */
#define CONFIG_MAP(X)                                                          \
    X(node, name, "", "a name for people; default: the host's")                \
    X(node, roles, "buyer",                                                    \
      "comma list of validator, provider, buyer; any node relays")             \
    X(node, listen, "127.0.0.1:27100", "host:port for peers")                  \
    X(node, bulk, "127.0.0.1:27101", "host:port for blobs")                    \
    X(node, public_host, "",                                                   \
      "host that others reach us by; default: that of listen")                 \
    X(node, peers, "", "comma list of host:port[@node-address] to dial")       \
    X(node, genesis, "genesis",                                                \
      "file of the network's genesis, relative to the data directory")         \
    X(node, sync, "pages",                                                     \
      "pages: a new node fetches the state of the last epoch and goes on "     \
      "from "                                                                  \
      "there; blocks: it executes all blocks and has all of history")          \
    X(node, log_level, "info", "debug, info, odd or broken")                   \
    X(node, peers_max, "64", "peer connections at most")                       \
    X(node, blobs_max_mib, "0", "disk for blobs; 0 = a quarter of the disk")   \
    X(node, images_max_mib, "0",                                               \
      "disk for unpacked images that no job runs in; 0 = a tenth of the disk") \
    X(node, disk_reserve_mib, "0",                                             \
      "disk never sold: for the node itself; 0 = a twentieth, at least 1 GiB " \
      "and at most 10, but never above an eighth of the disk")                 \
    X(net, links_s, "60", "peers are told of our links this often; 0 = never") \
    X(net, probe_enabled, "true",                                              \
      "measure the bandwidth to sellers by short transfers, and let peers "    \
      "measure ours")                                                          \
    X(net, probe_kib, "1024", "size of one such transfer, 128 to 2048")        \
    X(net, probe_s, "1800", "a peer is measured this often, at most")          \
    X(net, probe_mib_day, "256",                                               \
      "for such transfers in a day, each way; a peer gets an eighth of it")    \
    X(sell, enabled, "false", "advertise the offer when the node starts")      \
    X(sell, cpus, "0", "cores to sell, 0.5 allowed; 0 = all that was found")   \
    X(sell, mem_mib, "0", "memory to sell; 0 = half of what was found")        \
    X(sell, disk_mib, "0", "disk to sell; 0 = a quarter of what is free")      \
    X(sell, slots, "16", "jobs at the same time, at most")                     \
    X(sell, queue, "off",                                                      \
      "who finds no room waits in line: off, easy or conservative")            \
    X(sell, time_max_s, "86400", "longest job")                                \
    X(sell, cpu_hour, "0.05", "credits per core-hour")                         \
    X(sell, mem_hour, "0.01", "credits per GiB-hour of memory")                \
    X(sell, disk_hour, "0.001", "credits per GiB-hour of disk")                \
    X(sell, labels, "", "comma list of key=value")                             \
    X(sell, devices, "",                                                       \
      "accelerators, a comma list of "                                         \
      "KIND[:MODEL][:COUNT][@MEM]=PATH[+PATH][=SHARED[+SHARED]]")              \
    X(sell, device_hour, "",                                                   \
      "credits per device-hour: a comma list of PRICE, KIND=PRICE or "         \
      "KIND:MODEL=PRICE; needed where devices are sold")                       \
    X(sell, nic_mbit, "0", "network bandwidth to sell; 0 = none is stated")    \
    X(sell, taints, "",                                                        \
      "comma list of key=value: jobs that do not tolerate one stay out")       \
    X(sell, payout, "", "address that is paid; default: the node's")           \
    X(sell, offer_ttl_s, "60", "an offer lapses after this without news")      \
    X(sell, receipt_s, "60", "a receipt is cut this often")                    \
    X(sell, retention_s, "86400", "outputs are kept this long")                \
    X(buy, keep_s, "0",                                                        \
      "ended jobs, their results and logs are forgotten so long after; 0 = "   \
      "the newest 4096 stay")                                                  \
    X(meter, program, "suan-meter",                                            \
      "the measuring program: a path, or a name beside suand or in PATH")      \
    X(meter, grades, TIERS_DEFAULT,                                            \
      "comma list of NAME:PRECISION:BOUND, what machines are graded by; the "  \
      "default bounds are unverified")                                         \
    X(meter, nominal, "0",                                                     \
      "FLOP/s in single precision by the data sheet, 20T for instance: shown " \
      "beside what was measured")                                              \
    X(exec, sandbox, "suan-exec-sandbox",                                      \
      "the executor's program: a path, or a name beside suand or in PATH")     \
    X(exec, state_dir, "exec", "its state, relative to the data directory")

enum config_key {
#define X(section, key, def, help) CONFIG_##section##_##key,
    CONFIG_MAP(X)
#undef X
        CONFIG_KEY_COUNT
};

struct config_value {
    char *text;       /* owned */
    char source[160]; /* "default", "file:LINE", "flag" */
};
struct config {
    struct config_value values[CONFIG_KEY_COUNT];
    char error[320]; /* after a failed call: file:line, what, what to do */
};

/* All defaults. ERR_NOMEM. */
MUST_USE enum err config_init(struct config *config);
void config_done(struct config *config);
/* ERR_NOT_FOUND, ERR_CONFIG with config->error set: unknown section or key
 * (nearest match named), value of the wrong shape. */
MUST_USE enum err config_load(struct config *config, const char *path);
/* "section.key" = value from the command line. ERR_CONFIG, error set. */
MUST_USE enum err config_set(struct config *config, const char *name,
                             const char *value);

const char *config_name(enum config_key key); /* "sell.cpus" */
const char *config_default(enum config_key key);
const char *config_help(enum config_key key);

const char *config_text(const struct config *config, enum config_key key);
bool config_bool(const struct config *config, enum config_key key);
/* Shapes were checked at load: these do not fail. */
uint64_t config_uint(const struct config *config, enum config_key key);
/* A decimal with up to six places, in millionths: "0.05" -> 50000. */
uint64_t config_micro(const struct config *config, enum config_key key);
/* meter.grades, and meter.nominal. */
void config_tiers(const struct config *config, struct tiers *out);
uint64_t config_nominal(const struct config *config);

#endif
