/* suan sell identifier: made and read without a network; what the node measured
 * and sells is asked where it is not given. */

#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/meter/identifier.h"
#include "sched/meter/tier.h"

#include <string.h>

enum { CITY, INDUSTRY, ENTERPRISE, RESOURCE, CENTRE, SERVICE };
#define ABILITY 6u
#define STORAGE 7u
#define NETWORK 8u
#define CHIP    9u

#define BYTES_OF_KBIT 125u /* a second of one kbit/s */

static json_t *fields_json(const struct identifier *id)
{
    json_t *object = json_object();
    struct buf text;
    buf_init(&text, IDENTIFIER_PATH_MAX);
    for (unsigned i = 0; i < IDENTIFIER_FIELDS; i++) {
        json_t *value;
        buf_clear(&text);
        identifier_field_format(id, i, &text);
        value = json_string(buf_cstr(&text));
        if (i >= ABILITY && i <= NETWORK) {
            json_decref(value);
            value =
                json_integer((json_int_t)(i == ABILITY   ? id->ability_flops
                                          : i == STORAGE ? id->storage_mib
                                                         : id->network_kbps));
        }
        json_object_set_new(object, identifier_field_name(i), value);
    }
    buf_done(&text);
    return object;
}

/* What an offer would carry, to be found by field. */
static json_t *labels_json(const struct identifier *id, const char *code)
{
    static const unsigned found_by[] = {CITY,   INDUSTRY, ENTERPRISE, RESOURCE,
                                        CENTRE, SERVICE,  CHIP};
    json_t *list = json_array();
    struct buf text;
    buf_init(&text, IDENTIFIER_PATH_MAX);
    for (size_t i = 0; i < sizeof(found_by) / sizeof(found_by[0]); i++) {
        buf_clear(&text);
        buf_addf(&text, "id.%s=", identifier_field_name(found_by[i]));
        identifier_field_format(id, found_by[i], &text);
        json_array_append_new(list, json_string(buf_cstr(&text)));
    }
    buf_clear(&text);
    buf_addf(&text, "id.code=%s", code);
    json_array_append_new(list, json_string(buf_cstr(&text)));
    buf_done(&text);
    return list;
}

static int show(struct cli *cli, const struct identifier *id)
{
    char text[IDENTIFIER_TEXT_MAX];
    char code[IDENTIFIER_CODE_MAX];
    char path[IDENTIFIER_PATH_MAX];
    json_t *result;
    int failed;
    if (identifier_format(id, text) != OK)
        return cli_nomem(cli);
    identifier_code(id, code);
    identifier_path(id, path);
    result = json_pack("{s:s, s:s, s:s, s:o, s:o}", "text", text, "code", code,
                       "path", path, "fields", fields_json(id), "labels",
                       labels_json(id, code));
    failed = view_print(cli, &view_identifier, result);
    json_decref(result);
    return failed;
}

static int check(struct cli *cli, const struct args *args)
{
    const char *prefix = args_text(args, "prefix", "");
    struct identifier id;
    struct arena arena;
    enum err err;
    int failed;
    arena_init(&arena, 64u * 1024);
    err = identifier_parse(args_text(args, "check", ""), &arena, &id);
    arena_done(&arena);
    if (err != OK)
        return cli_fail_err(cli, err, "copying it once more, letter by letter",
                            "this is no whole identifier");
    failed = show(cli, &id);
    if (!failed && !identifier_has_prefix(&id, prefix))
        failed = cli_fail(cli, EXIT_POLICY, NULL, NULL,
                          "its path does not begin with \"%.80s\"", prefix);
    return failed;
}

static int set_text(struct cli *cli, const struct args *args, unsigned field,
                    struct identifier *id)
{
    const char *name = identifier_field_name(field);
    const char *text = args_text(args, name, NULL);
    if (text == NULL)
        return cli_usage(cli, "suan sell identifier --help",
                         "--%s is missing: %s", name,
                         identifier_field_help(field));
    if (identifier_field_set(id, field, text) != OK)
        return cli_usage(cli,
                         "lower-case letters, digits, '.' and '-', 1 to 23",
                         "--%s \"%.40s\" is not a name", name, text);
    return 0;
}

/* What the node knows: 0 and *out, which stays where it does not. */
static int ask(struct cli *cli, const char *method, json_t *params,
               const char *key, const char *option, uint64_t *out)
{
    json_t *result = NULL;
    const json_t *value;
    int failed = cli_call(cli, method, params, &result);
    if (failed)
        return failed;
    value = js_at(result, key);
    if (json_is_integer(value) && json_integer_value(value) > 0)
        *out = (uint64_t)json_integer_value(value);
    json_decref(result);
    if (*out == 0)
        return cli_usage(cli, "suan sell bench, or to name it",
                         "--%s is not given, and the node does not know it",
                         option);
    return 0;
}

static int set_numbers(struct cli *cli, const struct args *args,
                       struct identifier *id)
{
    const char *ability = args_text(args, "ability", NULL);
    const char *storage = args_text(args, "storage", NULL);
    const char *network = args_text(args, "network", NULL);
    int failed = 0;
    if (ability != NULL && tier_rate_parse(ability, &id->ability_flops) != OK)
        return cli_usage(cli, "--ability 200G",
                         "--ability \"%.40s\" is not a rate", ability);
    if (storage != NULL && unit_parse_mib(storage, &id->storage_mib) != OK)
        return cli_usage(cli, "--storage 512G",
                         "--storage \"%.40s\" is not a size", storage);
    if (network != NULL &&
        unit_parse_count(network, 1, INT64_MAX, &id->network_kbps) != OK)
        return cli_usage(cli, "--network 1000000 for 1 Gbit/s",
                         "--network wants a number of kbit/s");
    if (ability == NULL)
        failed = ask(cli, "sell.bench", json_pack("{s:b}", "run", 0),
                     "grade.kernels.fp32.all", "ability", &id->ability_flops);
    if (!failed && storage == NULL)
        failed = ask(cli, "sell.offer.show", NULL, "total.disk_mib", "storage",
                     &id->storage_mib);
    if (!failed && network == NULL) {
        failed = ask(cli, "sell.bench", json_pack("{s:b}", "run", 0),
                     "network.counts_bps", "network", &id->network_kbps);
        id->network_kbps /= BYTES_OF_KBIT;
    }
    return failed;
}

int verb_sell_identifier(struct cli *cli, const struct args *args)
{
    static const unsigned texts[] = {CITY,   INDUSTRY, ENTERPRISE, RESOURCE,
                                     CENTRE, SERVICE,  CHIP};
    const char *number = args_text(args, "chip-number", NULL);
    const char *salt = args_text(args, "salt", NULL);
    struct identifier id;
    int failed = 0;
    if (args_text(args, "check", NULL) != NULL)
        return check(cli, args);
    memset(&id, 0, sizeof(id));
    for (size_t i = 0; !failed && i < sizeof(texts) / sizeof(texts[0]); i++)
        failed = set_text(cli, args, texts[i], &id);
    if (failed)
        return failed;
    if (number == NULL || salt == NULL || salt[0] == '\0')
        return cli_usage(cli, "a salt that only you know, kept for later",
                         "--chip-number and --salt are needed: only their hash "
                         "leaves");
    identifier_number(salt, number, id.number);
    failed = set_numbers(cli, args, &id);
    return failed ? failed : show(cli, &id);
}
