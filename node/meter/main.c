/* suan-meter: measures this machine, or answers a challenge. */

#include "base/check.h"
#include "node/meter/reply.h"
#include "node/meter/team.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define MEM_MIB_DEFAULT 1024u
#define N_DEFAULT       1024u
#define LIMIT_S         300u
#define ROUNDS_MAX      64u

static const char usage[] =
    "Usage: suan-meter [--quick] [--dir DIR] [--mem-mib N] [--kernel NAME]...\n"
    "       suan-meter --challenge HEX --out FILE [--n N] [--kernel NAME]...\n"
    "       suan-meter --check FILE [--challenge HEX]\n"
    "\n"
    "Measures this machine with short kernels, each on one core and on all, "
    "and\n"
    "prints a line of JSON for each: median and median absolute deviation "
    "(MAD)\n"
    "of seven runs after warm-ups. Processor kernels go by processor time. "
    "Three\n"
    "tries; a MAD above 5 % is told and not kept.\n"
    "\n"
    "  --quick        small matrices, one warm-up: about 3 seconds, not 30\n"
    "  --dir DIR      where the disk is measured; without it, it is not\n"
    "  --mem-mib N    memory at most (1024)\n"
    "  --kernel NAME  this one only; again for more: sort sha256 fp64 fp32 "
    "int8\n"
    "                 triad chase disk disk4k\n"
    "  --challenge H  64 hex digits that the work follows from: sha256, fp64,\n"
    "                 fp32 and int8, written to FILE with all results\n"
    "  --rounds R     so many products of one kernel, and only their hashes;\n"
    "                 --index I --out FILE: that one again, to be shown\n"
    "  --n N          side of the matrices of a challenge (1024; 16..2048)\n"
    "  --check FILE   are the results right? Products in O(n^2), hashes again\n"
    "\n"
    "Ends with 0; 1: something failed, 2: misused, 3: a result is wrong.\n";

struct options {
    struct meter meter;
    struct reply_order order;
    bool has_nonce;
    uint32_t rounds; /* 0: write a file */
    const char *out;
    const char *check;
};

static int misuse(const char *what, const char *value)
{
    (void)fprintf(stderr, "suan-meter: %s%s\n  see suan-meter --help\n", what,
                  value);
    return 2;
}

static bool number(const char *text, uint64_t least, uint64_t most,
                   uint64_t *out)
{
    uint64_t value = 0;
    if (text[0] == '\0' || strlen(text) > 9)
        return false;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c < '0' || *c > '9')
            return false;
        value = value * 10 + (uint64_t)(*c - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static int take_value(struct options *o, const char *name, const char *value)
{
    enum meter_kernel kernel;
    uint64_t n;
    if (strcmp(name, "--dir") == 0) {
        o->meter.dir = value;
    } else if (strcmp(name, "--out") == 0) {
        o->out = value;
    } else if (strcmp(name, "--check") == 0) {
        o->check = value;
    } else if (strcmp(name, "--mem-mib") == 0) {
        if (!number(value, 1, 1024 * 1024, &n))
            return misuse("--mem-mib is not a number of MiB: ", value);
        o->meter.mem_bytes = n << 20;
    } else if (strcmp(name, "--n") == 0) {
        if (!number(value, PRODUCT_N_MIN, PRODUCT_N_MAX, &n) || n % 16 != 0)
            return misuse("--n is not a multiple of 16 up to 2048: ", value);
        o->order.n = (uint32_t)n;
    } else if (strcmp(name, "--rounds") == 0) {
        if (!number(value, 1, ROUNDS_MAX, &n))
            return misuse("--rounds is not 1 to 64: ", value);
        o->rounds = (uint32_t)n;
    } else if (strcmp(name, "--index") == 0) {
        if (!number(value, 0, ROUNDS_MAX - 1, &n))
            return misuse("--index is not 0 to 63: ", value);
        o->order.index = (uint32_t)n;
    } else if (strcmp(name, "--challenge") == 0) {
        if (hash_parse(value, &o->order.nonce) != OK)
            return misuse("--challenge is not 64 hex digits: ", value);
        o->has_nonce = true;
    } else if (strcmp(name, "--kernel") == 0) {
        if (meter_kernel_parse(value, &kernel) != OK)
            return misuse("there is no kernel ", value);
        o->order.mask |= UINT32_C(1) << kernel;
    } else {
        return misuse("there is no option ", name);
    }
    return 0;
}

static int take(struct options *o, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        int failed;
        if (strcmp(argv[i], "--quick") == 0) {
            o->meter.quick = true;
            continue;
        }
        if (i + 1 >= argc)
            return misuse("no value follows, or there is no option ", argv[i]);
        failed = take_value(o, argv[i], argv[i + 1]);
        if (failed)
            return failed;
        i++;
    }
    return 0;
}

static void on_stop(int sig)
{
    (void)sig;
    meter_stopped = 1;
}

/* The kernel knows it better than the processor's own words, which in a virtual
 * machine are often of the whole socket. */
static uint64_t told_cache(void)
{
    static const char *const files[] = {
        "/sys/devices/system/cpu/cpu0/cache/index3/size",
        "/sys/devices/system/cpu/cpu0/cache/index2/size"};
    uint64_t bytes = 0;
    for (size_t i = 0; i < 2 && bytes == 0; i++) {
        char text[32] = "";
        char *unit = text;
        FILE *file = fopen(files[i], "re");
        if (file == NULL)
            continue;
        if (fgets(text, sizeof(text), file) != NULL)
            bytes = strtoull(text, &unit, 10);
        bytes *= *unit == 'M' ? 1024u * 1024 : *unit == 'K' ? 1024u : 0u;
        (void)fclose(file);
    }
    return bytes < UINT64_C(1) << 40 ? bytes : 0;
}

static uint64_t last_cache(void)
{
    uint64_t told = told_cache();
    static const int names[] = {_SC_LEVEL4_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE,
                                _SC_LEVEL2_CACHE_SIZE};
    for (size_t i = 0; told == 0 && i < 3; i++) {
        long bytes = sysconf(names[i]);
        if (bytes > 0)
            return (uint64_t)bytes;
    }
    return told;
}

/* Ends with whoever started it, and never runs for ever. */
static void be_a_guest(void)
{
    struct sigaction stop = {.sa_handler = on_stop};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    (void)alarm(LIMIT_S);
}

static enum err act(struct options *o)
{
    const uint32_t checkable =
        UINT32_C(1) << METER_SHA256 | UINT32_C(1) << METER_FP64 |
        UINT32_C(1) << METER_FP32 | UINT32_C(1) << METER_INT8;
    if (o->check != NULL)
        return reply_check(o->check, o->has_nonce ? &o->order.nonce : NULL);
    if (o->has_nonce) {
        o->order.mask &= checkable;
        if (o->order.mask == 0)
            o->order.mask = checkable;
        if (o->rounds > 0)
            return reply_rounds(&o->order, o->rounds);
        return reply_make(&o->order, o->out);
    }
    TRY(cpus_allowed(&o->meter.cpus));
    return meter_measure(&o->meter,
                         o->order.mask != 0 ? o->order.mask : UINT32_MAX);
}

int main(int argc, char **argv)
{
    static struct options o;
    enum err err;
    int failed;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        (void)fputs(usage, stdout);
        return 0;
    }
    o.meter.mem_bytes = (uint64_t)MEM_MIB_DEFAULT << 20;
    o.meter.cache_bytes = last_cache();
    o.order.n = N_DEFAULT;
    failed = take(&o, argc, argv);
    if (failed)
        return failed;
    if (o.has_nonce && o.check == NULL && o.out == NULL && o.rounds == 0)
        return misuse("a challenge needs a file for its answer: ",
                      "--out FILE");
    if (sodium_init() < 0)
        return misuse("no randomness from the system", "");
    be_a_guest();
    err = act(&o);
    if (err == ERR_TERMS)
        (void)fprintf(stderr, "suan-meter: %s answers another challenge\n",
                      o.check);
    else if (err != OK)
        (void)fprintf(stderr, "suan-meter: %s\n",
                      err == ERR_PROOF ? "a result is wrong" : err_text(err));
    return err == OK ? 0 : err == ERR_PROOF ? 3 : 1;
}
