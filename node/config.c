#include "node/config.h"

#include "base/amount.h"
#include "base/check.h"
#include "node/log.h"
#include "sched/queue/line.h"

#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a value must look like, by key. */
enum shape {
    SHAPE_TEXT,
    SHAPE_BOOL,
    SHAPE_UINT,
    SHAPE_DECIMAL,
    SHAPE_LEVEL,
    SHAPE_SYNC,
    SHAPE_GRADES,
    SHAPE_RATE,
    SHAPE_LINE,
};

static const struct {
    const char *section;
    const char *key;
    const char *name;
    const char *def;
    const char *help;
} table[CONFIG_KEY_COUNT] = {
#define X(section, key, def, help)                                             \
    {#section, #key, #section "." #key, def, help},
    CONFIG_MAP(X)
#undef X
};

static enum shape shape_of(enum config_key key)
{
    switch ((int)key) {
    case CONFIG_sell_enabled:
    case CONFIG_net_probe_enabled:
        return SHAPE_BOOL;
    case CONFIG_node_log_level:
        return SHAPE_LEVEL;
    case CONFIG_node_sync:
        return SHAPE_SYNC;
    case CONFIG_node_peers_max:
    case CONFIG_node_blobs_max_mib:
    case CONFIG_node_images_max_mib:
    case CONFIG_node_disk_reserve_mib:
    case CONFIG_net_links_s:
    case CONFIG_net_probe_kib:
    case CONFIG_net_probe_s:
    case CONFIG_net_probe_mib_day:
    case CONFIG_sell_mem_mib:
    case CONFIG_sell_disk_mib:
    case CONFIG_sell_slots:
    case CONFIG_sell_nic_mbit:
    case CONFIG_sell_time_max_s:
    case CONFIG_sell_offer_ttl_s:
    case CONFIG_sell_receipt_s:
    case CONFIG_sell_retention_s:
    case CONFIG_buy_keep_s:
        return SHAPE_UINT;
    case CONFIG_sell_cpus:
    case CONFIG_sell_cpu_hour:
    case CONFIG_sell_mem_hour:
    case CONFIG_sell_disk_hour:
        return SHAPE_DECIMAL;
    case CONFIG_meter_grades:
        return SHAPE_GRADES;
    case CONFIG_meter_nominal:
        return SHAPE_RATE;
    case CONFIG_sell_queue:
        return SHAPE_LINE;
    default: /* every other key is free text */
        return SHAPE_TEXT;
    }
}

static const char *shape_text(enum shape shape)
{
    static const char *const texts[] = {
        "text",
        "true or false",
        "a whole number",
        "a decimal number",
        "debug, info, odd or broken",
        "pages or blocks",
        "a table such as small:fp32:0, big:fp32:10T",
        "a whole number such as 20T",
        "off, easy or conservative"};
    return texts[shape];
}

static bool uint_ok(const char *text)
{
    size_t len = strlen(text);
    return len > 0 && len <= 18 && strspn(text, "0123456789") == len;
}

static bool shape_ok(enum shape shape, const char *text)
{
    struct amount amount;
    enum log_level level;
    struct tiers tiers;
    char why[TIER_ERR_MAX];
    uint64_t rate;
    enum line_rule rule;
    switch (shape) {
    case SHAPE_TEXT:
        return strlen(text) < CONFIG_TEXT_MAX;
    case SHAPE_BOOL:
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0;
    case SHAPE_UINT:
        return uint_ok(text);
    case SHAPE_DECIMAL:
        return amount_parse(text, &amount) == OK;
    case SHAPE_LEVEL:
        return log_level_parse(text, &level) == OK;
    case SHAPE_GRADES:
        return tiers_parse(text, &tiers, why) == OK;
    case SHAPE_RATE:
        return tier_rate_parse(text, &rate) == OK;
    case SHAPE_LINE:
        return line_rule_parse(text, &rule) == OK;
    case SHAPE_SYNC:
        return strcmp(text, "pages") == 0 || strcmp(text, "blocks") == 0;
    }
    return false;
}

const char *config_name(enum config_key key)
{
    return table[key].name;
}

const char *config_default(enum config_key key)
{
    return table[key].def;
}

const char *config_help(enum config_key key)
{
    return table[key].help;
}

static enum err value_set(struct config *config, enum config_key key,
                          const char *text, const char *source)
{
    struct config_value *value = &config->values[key];
    char *copy;
    if (!shape_ok(shape_of(key), text)) {
        snprintf(config->error, sizeof(config->error),
                 "%s: %s = \"%.60s\" is not %s; the default is \"%s\"", source,
                 table[key].name, text, shape_text(shape_of(key)),
                 table[key].def);
        return ERR_CONFIG;
    }
    copy = strdup(text);
    if (copy == NULL)
        return ERR_NOMEM;
    free(value->text);
    value->text = copy;
    snprintf(value->source, sizeof(value->source), "%s", source);
    return OK;
}

enum err config_init(struct config *config)
{
    memset(config, 0, sizeof(*config));
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        enum err err =
            value_set(config, (enum config_key)i, table[i].def, "default");
        if (err != OK) {
            config_done(config);
            return err;
        }
    }
    return OK;
}

void config_done(struct config *config)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++)
        free(config->values[i].text);
    memset(config->values, 0, sizeof(config->values));
}

/* How many leading characters two names share: enough to suggest by. */
static size_t likeness(const char *a, const char *b)
{
    size_t n = 0;
    while (a[n] != '\0' && a[n] == b[n])
        n++;
    return n;
}

static enum err unknown(struct config *config, const char *source,
                        const char *name)
{
    int best = 0;
    for (int i = 1; i < CONFIG_KEY_COUNT; i++) {
        if (likeness(table[i].name, name) > likeness(table[best].name, name))
            best = i;
    }
    snprintf(config->error, sizeof(config->error),
             "%s: there is no setting \"%.60s\" (nearest: %s); "
             "`suan config list` shows them all",
             source, name, table[best].name);
    return ERR_CONFIG;
}

static enum err named_set(struct config *config, const char *name,
                          const char *value, const char *source)
{
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        if (strcmp(table[i].name, name) == 0)
            return value_set(config, (enum config_key)i, value, source);
    }
    return unknown(config, source, name);
}

enum err config_set(struct config *config, const char *name, const char *value)
{
    return named_set(config, name, value, "flag");
}

struct loading {
    struct config *config;
    const char *path;
    enum err err;
    FILE *file;
    int line;
    int long_line; /* a line that inih would cut in two; 0 = none */
    bool seen[CONFIG_KEY_COUNT];
};

/* Lists may be spread over lines: each further one of the same key adds. */
static bool is_list(enum config_key key)
{
    switch ((int)key) {
    case CONFIG_node_peers:
    case CONFIG_sell_labels:
    case CONFIG_sell_devices:
    case CONFIG_sell_device_hour:
    case CONFIG_sell_taints:
        return true;
    default: /* one value */
        return false;
    }
}

static enum err list_add(struct loading *loading, const char *name,
                         const char *value, const char *source)
{
    struct config *config = loading->config;
    struct buf joined;
    enum err err;
    int key = 0;
    while (key < CONFIG_KEY_COUNT && strcmp(table[key].name, name) != 0)
        key++;
    if (key == CONFIG_KEY_COUNT || !is_list((enum config_key)key) ||
        !loading->seen[key]) {
        if (key < CONFIG_KEY_COUNT)
            loading->seen[key] = true;
        return named_set(config, name, value, source);
    }
    buf_init(&joined, CONFIG_TEXT_MAX);
    buf_addf(&joined, "%s,%s", config->values[key].text, value);
    err = joined.err == OK ? value_set(config, (enum config_key)key,
                                       buf_cstr(&joined), source)
                           : ERR_CONFIG;
    if (joined.err != OK)
        snprintf(config->error, sizeof(config->error),
                 "%.150s: %.120s is longer than %u characters in all", source,
                 name, CONFIG_TEXT_MAX);
    buf_done(&joined);
    return err;
}

/* inih calls this for every key = value, in order; it returns 0 to stop with
 * the line's number. */
static int on_value(void *user, const char *section, const char *key,
                    const char *value)
{
    struct loading *loading = user;
    char name[128];
    char source[160];
    snprintf(name, sizeof(name), "%s.%s", section, key);
    snprintf(source, sizeof(source), "%.140s:%d", loading->path, loading->line);
    if (loading->long_line == 0)
        loading->err = list_add(loading, name, value, source);
    return loading->err == OK && loading->long_line == 0;
}

/* inih does not hand out line numbers: count them as they are read. */
static char *read_line(char *text, int size, void *stream)
{
    struct loading *loading = stream;
    char *got = fgets(text, size, loading->file);
    if (got == NULL)
        return NULL;
    loading->line++;
    if (strlen(text) == (size_t)size - 1 && text[size - 2] != '\n')
        loading->long_line = loading->line;
    return got;
}

/* inih passes one pointer to the reader and one to the handler: the same. */
enum err config_load(struct config *config, const char *path)
{
    struct loading loading = {.config = config, .path = path, .err = OK};
    int bad;
    loading.file = fopen(path, "re");
    if (loading.file == NULL)
        return ERR_NOT_FOUND;
    bad = ini_parse_stream(read_line, &loading, on_value, &loading);
    fclose(loading.file);
    if (loading.long_line > 0) {
        snprintf(config->error, sizeof(config->error),
                 "%s:%d: the line is too long (190 characters); lists may be "
                 "spread over several lines of the same key",
                 path, loading.long_line);
        return ERR_CONFIG;
    }
    if (loading.err != OK)
        return loading.err;
    if (bad == 0)
        return OK;
    snprintf(config->error, sizeof(config->error),
             "%s:%d: not a \"key = value\" line, a [section] or a # comment",
             path, bad);
    return ERR_CONFIG;
}

const char *config_text(const struct config *config, enum config_key key)
{
    CHECK(config->values[key].text != NULL);
    return config->values[key].text;
}

bool config_bool(const struct config *config, enum config_key key)
{
    CHECK(shape_of(key) == SHAPE_BOOL);
    return strcmp(config_text(config, key), "true") == 0;
}

uint64_t config_uint(const struct config *config, enum config_key key)
{
    CHECK(shape_of(key) == SHAPE_UINT);
    return strtoull(config_text(config, key), NULL, 10);
}

uint64_t config_micro(const struct config *config, enum config_key key)
{
    struct amount amount;
    CHECK(shape_of(key) == SHAPE_DECIMAL);
    CHECK(amount_parse(config_text(config, key), &amount) == OK);
    return amount.micro; /* lint: micro (a decimal, not always money) */
}

void config_tiers(const struct config *config, struct tiers *out)
{
    char why[TIER_ERR_MAX];
    CHECK(tiers_parse(config_text(config, CONFIG_meter_grades), out, why) ==
          OK);
}

uint64_t config_nominal(const struct config *config)
{
    uint64_t flops;
    CHECK(tier_rate_parse(config_text(config, CONFIG_meter_nominal), &flops) ==
          OK);
    return flops;
}
