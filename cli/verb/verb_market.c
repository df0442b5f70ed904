/* suan market offers|links|watch (quote stands in verb_run.c), suan sell ... */

#include "base/address.h"
#include "cli/labels.h"
#include "cli/network.h"
#include "cli/offers_identifier.h"
#include "cli/stream.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/devices.h"

#include <string.h>

/* ---- readers of options into params ---- */

static int put_milli(struct cli *cli, const struct args *args,
                     const char *option, const char *key, json_t *params)
{
    const char *text = args_text(args, option, NULL);
    uint32_t milli;
    if (text == NULL)
        return 0;
    if (unit_parse_milli(text, &milli) != OK)
        return cli_usage(cli, "a number of cores such as 0.5 or 2",
                         "--%s \"%.20s\" is not a number of cores", option,
                         text);
    json_object_set_new(params, key, json_integer(milli));
    return 0;
}

static int put_mib(struct cli *cli, const struct args *args, const char *option,
                   const char *key, json_t *params)
{
    const char *text = args_text(args, option, NULL);
    uint64_t mib;
    if (text == NULL)
        return 0;
    if (unit_parse_mib(text, &mib) != OK || mib > INT64_MAX)
        return cli_usage(cli, "a size such as 512M or 2G",
                         "--%s \"%.20s\" is not a size", option, text);
    json_object_set_new(params, key, json_integer((json_int_t)mib));
    return 0;
}

static int put_nic(struct cli *cli, const struct args *args, json_t *params)
{
    const char *text = args_text(args, "nic", NULL);
    uint64_t kbit;
    if (text == NULL)
        return 0;
    if (unit_parse_kbit(text, &kbit) != OK)
        return cli_usage(cli, "a bandwidth such as 100M or 1G",
                         "--nic \"%.20s\" is not a bandwidth in bit/s", text);
    json_object_set_new(params, "nic_kbit", json_integer((json_int_t)kbit));
    return 0;
}

/* All values of a repeated option, as a list; none is nothing. */
static void put_texts(const struct args *args, const char *option,
                      const char *key, json_t *params)
{
    json_t *list = json_array();
    const char *text;
    for (size_t i = 0; (text = args_nth(args, option, i)) != NULL; i++)
        json_array_append_new(list, json_string(text));
    if (json_array_size(list) > 0)
        json_object_set(params, key, list);
    json_decref(list);
}

/* --gpu N is --device gpu:N. */
static int put_devices(struct cli *cli, const struct args *args, json_t *params)
{
    const char *device = args_text(args, "device", NULL);
    const char *gpu = args_text(args, "gpu", NULL);
    struct device_wish wish;
    char text[400];
    if (device == NULL && gpu == NULL)
        return 0;
    if (device != NULL)
        snprintf(text, sizeof(text), "%s", device);
    else
        snprintf(text, sizeof(text), "gpu:%s", gpu);
    if (device_wish_parse(text, &wish) != OK)
        return cli_usage(cli, "--device gpu:a100:0.5",
                         "\"%.60s\" is no device, such as gpu, gpu:2, "
                         "gpu:a100|h100:1 or npu:0.5",
                         text);
    json_object_set_new(params, "devices", json_string(text));
    return 0;
}

static int put_money(struct cli *cli, const struct args *args,
                     const char *option, const char *key, json_t *params)
{
    const char *text = args_text(args, option, NULL);
    char what[48];
    struct amount amount;
    int failed;
    if (text == NULL)
        return 0;
    snprintf(what, sizeof(what), "--%s", option);
    failed = read_amount(cli, what, text, &amount);
    if (failed)
        return failed;
    json_object_set_new(params, key,
                        json_integer((json_int_t)amount_figure(amount)));
    return 0;
}

static int put_labels(struct cli *cli, const struct args *args, json_t *params)
{
    json_t *labels = json_object();
    const char *text;
    int failed = 0;
    for (size_t i = 0; !failed && (text = args_nth(args, "label", i)) != NULL;
         i++) {
        struct label label;
        if (label_parse(text, &label) != OK)
            failed = cli_usage(cli, "--label zone=eu",
                               "--label \"%.60s\" is not KEY=VALUE", text);
        else
            json_object_set_new(labels, label.key, json_string(label.value));
    }
    if (!failed && json_object_size(labels) > 0)
        json_object_set(params, "labels", labels);
    json_decref(labels);
    return failed;
}

/* ---- market ---- */

int verb_market_offers(struct cli *cli, const struct args *args)
{
    const char *texts[] = {"arch", "policy", "class", "near"};
    const char *identifier = args_text(args, "identifier", NULL);
    json_t *params = json_object();
    json_t *result = NULL;
    const char *text;
    int failed = put_milli(cli, args, "cpus", "cpu_milli", params);
    if (!failed)
        failed = put_mib(cli, args, "mem", "mem_mib", params);
    if (!failed)
        failed = put_mib(cli, args, "disk", "disk_mib", params);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        text = args_text(args, texts[i], NULL);
        if (text != NULL)
            json_object_set_new(params, texts[i], json_string(text));
    }
    put_texts(args, "constraint", "labels", params);
    put_texts(args, "zone", "zones", params);
    put_texts(args, "tolerate", "tolerate", params);
    if (!failed)
        failed = put_devices(cli, args, params);
    if (!failed)
        failed = put_mib(cli, args, "device-mem", "device_mem_mib", params);
    if (!failed)
        failed = put_nic(cli, args, params);
    if (!failed && identifier != NULL)
        failed = offers_identifier_ask(cli, identifier, params);
    if (failed) {
        json_decref(params);
        return failed;
    }
    failed = cli_call(cli, "market.offers", params, &result);
    if (failed)
        return failed;
    if (identifier != NULL)
        offers_identifier_keep(identifier, result);
    if (identifier != NULL && cli->form != FORM_JSON &&
        json_array_size(json_object_get(result, "offers")) == 0)
        cli_note(cli, "no offer carries an identifier that begins with %s",
                 identifier);
    else
        failed = view_print(cli, &view_offers, result);
    json_decref(result);
    return failed;
}

int verb_market_links(struct cli *cli, const struct args *args)
{
    json_t *params = json_object();
    json_t *result = NULL;
    int failed;
    if (args->operand_count > 0)
        json_object_set_new(params, "node", json_string(args->operands[0]));
    failed = cli_call(cli, "market.links", params, &result);
    if (failed)
        return failed;
    failed = view_print(cli, &view_links, result);
    json_decref(result);
    return failed;
}

int verb_market_watch(struct cli *cli, const struct args *args)
{
    return stream_events(cli, "market.watch",
                         json_pack("[s, s]", "offer", "trade"), NULL, 0,
                         args_flag(args, "once"), stream_print_event, NULL);
}

/* ---- sell ---- */

int verb_sell_start(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "sell.start", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    if (js_text(result, "why_not")[0] != '\0')
        cli_note(cli, "selling starts soon: %s", js_text(result, "why_not"));
    else
        cli_note(cli, "selling. Try: suan sell status");
    json_decref(result);
    return 0;
}

int verb_sell_stop(struct cli *cli, const struct args *args)
{
    bool drain = !args_flag(args, "now");
    json_t *result = NULL;
    int failed = cli_call(cli, "sell.stop",
                          json_pack("{s:b}", "drain", (int)drain), &result);
    if (failed)
        return failed;
    json_decref(result);
    cli_note(cli, drain ? "no new jobs are taken; running ones go on"
                        : "selling has ended");
    return 0;
}

int verb_sell_status(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "sell.status", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    failed = view_print(cli, &view_sell, result);
    if (!failed && (cli->form == FORM_TABLE || cli->form == FORM_WIDE) &&
        json_array_size(json_object_get(result, "contracts")) > 0) {
        fputc('\n', cli->out);
        failed = view_print(cli, &view_contracts, result);
    }
    if (!failed && (cli->form == FORM_TABLE || cli->form == FORM_WIDE) &&
        json_array_size(json_object_get(result, "queue")) > 0) {
        fputc('\n', cli->out);
        failed = view_print(cli, &view_queue, result);
    }
    json_decref(result);
    return failed;
}

/* The offer stands in the result itself or under "offer". */
static int show_offer(struct cli *cli, json_t *result)
{
    json_t *offer = json_object_get(result, "offer");
    return view_print(cli, &view_offer, offer != NULL ? offer : result);
}

static int set_params(struct cli *cli, const struct args *args, json_t *params)
{
    static const struct {
        const char *option;
        const char *key;
    } prices[] = {{"cpu-hour", "cpu_hour_micro"},
                  {"mem-hour", "mem_hour_micro"},
                  {"disk-hour", "disk_hour_micro"}};
    const char *slots = args_text(args, "slots", NULL);
    const char *time = args_text(args, "time-max", NULL);
    const char *name = args_text(args, "name", NULL);
    const char *payout = args_text(args, "payout", NULL);
    const char *device_hour = args_text(args, "device-hour", NULL);
    const char *queue = args_text(args, "queue", NULL);
    struct pubkey key;
    uint64_t number;
    int failed = put_milli(cli, args, "cpus", "cpu_milli", params);
    if (!failed)
        failed = put_mib(cli, args, "mem", "mem_mib", params);
    if (!failed)
        failed = put_mib(cli, args, "disk", "disk_mib", params);
    for (size_t i = 0; i < 3 && !failed; i++)
        failed = put_money(cli, args, prices[i].option, prices[i].key, params);
    if (!failed)
        failed = put_labels(cli, args, params);
    if (!failed)
        failed = put_nic(cli, args, params);
    if (failed)
        return failed;
    put_texts(args, "taint", "taints", params);
    if (device_hour != NULL)
        json_object_set_new(params, "device_hour", json_string(device_hour));
    if (queue != NULL)
        json_object_set_new(params, "queue", json_string(queue));
    if (slots != NULL) {
        if (unit_parse_count(slots, 1, 10000, &number) != OK)
            return cli_usage(cli, "--slots 4",
                             "--slots \"%.20s\" is not a number of jobs",
                             slots);
        json_object_set_new(params, "slots", json_integer((json_int_t)number));
    }
    if (time != NULL) {
        if (unit_parse_ms(time, &number) != OK)
            return cli_usage(cli, "--time-max 2h",
                             "--time-max \"%.20s\" is not a span of time",
                             time);
        json_object_set_new(params, "time_ms_max",
                            json_integer((json_int_t)number));
    }
    if (payout != NULL && address_parse(payout, NULL, &key) != OK)
        return cli_usage(cli, "copying it once more",
                         "--payout \"%.80s\" is not an address", payout);
    if (payout != NULL)
        json_object_set_new(params, "payout", json_string(payout));
    if (name != NULL)
        json_object_set_new(params, "name", json_string(name));
    if (json_object_size(params) == 0)
        return cli_usage(cli, "suan sell offer set --cpu-hour 0.04",
                         "nothing to set was named");
    return 0;
}

int verb_sell_offer_set(struct cli *cli, const struct args *args)
{
    json_t *params = json_object();
    json_t *result = NULL;
    int failed = set_params(cli, args, params);
    if (failed) {
        json_decref(params);
        return failed;
    }
    failed = cli_call(cli, "sell.offer.set", params, &result);
    if (failed)
        return failed;
    failed = show_offer(cli, result);
    json_decref(result);
    return failed;
}

int verb_sell_offer_show(struct cli *cli, const struct args *args)
{
    json_t *result = NULL;
    int failed = cli_call(cli, "sell.offer.show", NULL, &result);
    (void)args;
    if (failed)
        return failed;
    failed = show_offer(cli, result);
    json_decref(result);
    return failed;
}
