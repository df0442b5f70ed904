/* suan market record: offers and requests to a file as they come. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cli.h"
#include "cli/follow.h"
#include "cli/file/tapefile.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"

/* What the recorder remembers is what it has written. */
struct recorder {
    struct cli *cli;
    FILE *file;
    json_t *offers; /* by provider: the line as it was written */
    json_t *jobs;   /* by id: has its end been written? */
    uint64_t zero_ms;
    uint64_t lines;
    int failed;
};

static const char *const offer_keys[] = {
    "provider",   "payout",      "name",  "arch",  "total",
    "slots_free", "time_ms_max", "price", "grade", "labels",
    "rtt_us",     "devices",     "taints"};
static const char *const request_keys[] = {
    "id",          "salt",     "name",         "buyer",           "agent",
    "tasks",       "arch",     "time_ms_max",  "cpu_milli",       "mem_mib",
    "disk_mib",    "policy",   "policy_terms", "price_max_micro", "only_seller",
    "constraints", "nic_kbit", "devices",      "device_mem_mib",  "zones",
    "tolerate",    "spread"};

static json_t *pick(const json_t *from, const char *const *keys, size_t count)
{
    json_t *out = json_object();
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, keys[i]);
        if (value != NULL && !json_is_null(value))
            json_object_set(out, keys[i], value);
    }
    return out;
}

static void write_line(struct recorder *r, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(line);
    if (r->failed == 0 && text == NULL)
        r->failed = cli_nomem(r->cli);
    if (r->failed == 0 &&
        (fprintf(r->file, "%s\n", text) < 0 || fflush(r->file) != 0))
        r->failed = cli_fail(r->cli, EXIT_FAILED, strerror(errno),
                             "room on the disk", "the recording");
    free(text);
    r->lines++;
}

static json_int_t since(const struct recorder *r, uint64_t now_ms)
{
    return (json_int_t)(now_ms > r->zero_ms ? now_ms - r->zero_ms : 0);
}

/* Prices, figures and labels that changed; what is free comes and goes. */
static bool is_news(const json_t *before, const json_t *now)
{
    json_t *a;
    json_t *b;
    bool same;
    if (before == NULL)
        return true;
    a = json_copy((json_t *)(uintptr_t)before);
    b = json_copy((json_t *)(uintptr_t)now);
    if (js_uint(before, "slots_free") >= js_uint(now, "slots_free")) {
        json_object_del(a, "slots_free");
        json_object_del(b, "slots_free");
    }
    if (js_uint(before, "rtt_us") > 0 && js_uint(now, "rtt_us") > 0) {
        json_object_del(a, "rtt_us"); /* each measurement differs a little */
        json_object_del(b, "rtt_us");
    }
    same = json_equal(a, b) == 1;
    json_decref(a);
    json_decref(b);
    return !same;
}

/* What is free of devices comes and goes, too. */
static void forget_free(json_t *devices)
{
    json_t *group;
    size_t i;
    json_array_foreach(devices, i, group)
    {
        json_object_del(group, "free_milli");
    }
}

/* What policies go by, of all that was measured. */
static void put_grade(json_t *line)
{
    static const char *const keys[] = {"int_ops", "float_ops", "mem_bps",
                                       "disk_bps", "source"};
    const json_t *grade = json_object_get(line, "grade");
    static const struct {
        const char *path;
        const char *key;
    } kernels[] = {
        {"kernels.int8.one", "int8_ops"},
        {"kernels.fp32.one", "fp32_ops"},
        {"kernels.sha256.one", "sha256_bps"},
        {"kernels.chase.one", "chase_ops"},
        {"kernels.disk4k.one", "disk_iops"},
        {"kernels.net.one", "net_bps"},
    };
    json_t *short_one = pick(grade, keys, sizeof(keys) / sizeof(keys[0]));
    for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
        const json_t *rate = js_at(grade, kernels[i].path);
        if (json_is_integer(rate))
            json_object_set_new(short_one, kernels[i].key,
                                json_integer(json_integer_value(rate)));
    }
    json_object_set_new(line, "grade", short_one);
}

static void see_offers(struct recorder *r, json_t *list, uint64_t now_ms,
                       json_t *here)
{
    json_t *offer;
    size_t i;
    json_array_foreach(list, i, offer)
    {
        const char *provider = js_text(offer, "provider");
        json_t *line =
            pick(offer, offer_keys, sizeof(offer_keys) / sizeof(offer_keys[0]));
        forget_free(json_object_get(line, "devices"));
        put_grade(line);
        json_object_set_new(here, provider, json_true());
        if (is_news(json_object_get(r->offers, provider), line)) {
            json_object_set(r->offers, provider, line);
            write_line(r, json_pack("{s:I, s:O}", "t", since(r, now_ms),
                                    "offer", line));
        }
        json_decref(line);
    }
}

static void see_gone(struct recorder *r, const json_t *here, uint64_t now_ms)
{
    const char *provider;
    json_t *line;
    void *next;
    json_object_foreach_safe(r->offers, next, provider, line)
    {
        if (json_object_get(here, provider) != NULL)
            continue;
        write_line(r, json_pack("{s:I, s:s}", "t", since(r, now_ms), "gone",
                                provider));
        json_object_del(r->offers, provider);
    }
}

static void see_jobs(struct recorder *r, json_t *list, uint64_t now_ms)
{
    json_t *job;
    size_t i;
    json_array_foreach(list, i, job)
    {
        const char *id = js_text(job, "id");
        const json_t *known = json_object_get(r->jobs, id);
        if (known == NULL) {
            json_t *line = pick(job, request_keys,
                                sizeof(request_keys) / sizeof(request_keys[0]));
            uint64_t made = js_uint(job, "created_at_ms");
            uint64_t expires = js_uint(job, "expires_at_ms");
            json_object_set_new(line, "patience_ms",
                                json_integer((json_int_t)(expires - made)));
            write_line(r, json_pack("{s:I, s:o}", "t", since(r, now_ms),
                                    "request", line));
            json_object_set_new(r->jobs, id, json_false());
        }
        if (!js_bool(job, "ended") || json_is_true(known))
            continue;
        json_object_set_new(r->jobs, id, json_true());
        if (js_uint(job, "run_ms") > 0)
            write_line(r, json_pack("{s:I, s:s, s:I}", "t", since(r, now_ms),
                                    "ran", id, "ms",
                                    (json_int_t)js_uint(job, "run_ms")));
    }
}

/* Everything once. */
static int look(struct recorder *r)
{
    json_t *here = json_object();
    uint64_t cursor = 0;
    uint64_t now_ms = 0;
    do {
        json_t *result = NULL;
        int failed =
            cli_call(r->cli, "market.tape",
                     json_pack("{s:I, s:I}", "cursor", (json_int_t)cursor,
                               "since_ms", (json_int_t)r->zero_ms),
                     &result);
        if (failed) {
            json_decref(here);
            return failed;
        }
        now_ms = js_uint(result, "now_ms");
        see_offers(r, json_object_get(result, "offers"), now_ms, here);
        if (cursor == 0)
            see_jobs(r, json_object_get(result, "jobs"), now_ms);
        cursor = js_uint(result, "next");
        json_decref(result);
    } while (cursor != 0 && r->failed == 0);
    see_gone(r, here, now_ms);
    json_decref(here);
    return r->failed;
}

static void pause_ms(uint64_t ms)
{
    const struct timespec span = {.tv_sec = (time_t)(ms / 1000),
                                  .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&span, NULL); /* a signal ends it early: as wanted */
}

static int record(struct recorder *r, uint64_t for_ms, uint64_t every_ms)
{
    uint64_t start = r->cli->now_ms();
    int failed;
    write_line(r, json_pack("{s:i}", "suan_market", TAPEFILE_VERSION));
    failed = look(r);
    while (!failed && follow_interrupts() == 0 &&
           (for_ms == 0 || r->cli->now_ms() - start < for_ms)) {
        pause_ms(every_ms);
        failed = look(r);
    }
    return failed;
}

static int span_of(struct cli *cli, const struct args *args, const char *option,
                   uint64_t *out)
{
    const char *text = args_text(args, option, NULL);
    if (text != NULL && (unit_parse_ms(text, out) != OK || *out == 0))
        return cli_usage(cli, "a span of time such as 1s or 10m",
                         "--%s \"%.20s\" is none", option, text);
    return 0;
}

int verb_market_record(struct cli *cli, const struct args *args)
{
    const char *path = args_operand(args, 0);
    struct recorder r = {.cli = cli};
    uint64_t for_ms = 0;
    uint64_t every_ms = 1000;
    int failed = span_of(cli, args, "for", &for_ms);
    if (!failed)
        failed = span_of(cli, args, "every", &every_ms);
    if (failed)
        return failed;
    r.file = strcmp(path, "-") == 0 ? cli->out : fopen(path, "we");
    if (r.file == NULL)
        return cli_fail(cli, EXIT_FAILED, strerror(errno), "another FILE",
                        "%s cannot be written", path);
    follow_catch();
    r.zero_ms = cli->now_ms();
    r.offers = json_object();
    r.jobs = json_object();
    failed = record(&r, for_ms, every_ms);
    if (!failed)
        cli_note(cli,
                 "%llu lines. Try: suan sched replay --format market --log %s "
                 "--policy cheapest --policy nearest",
                 (unsigned long long)r.lines, path);
    json_decref(r.offers);
    json_decref(r.jobs);
    if (r.file != cli->out && fclose(r.file) != 0 && !failed)
        failed = cli_fail(cli, EXIT_FAILED, strerror(errno), NULL,
                          "%s cannot be written", path);
    return failed;
}
