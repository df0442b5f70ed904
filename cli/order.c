#include "cli/order.h"

#include "base/address.h"
#include "base/check.h"
#include "cli/locate.h"
#include "cli/nearest.h"
#include "cli/unit.h"
#include "market/message.h"
#include "sched/policy_object.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ORDER_TEXT_MAX (1024u * 1024)

void order_init(struct order *order)
{
    memset(order, 0, sizeof(*order));
    arena_init(&order->arena, ORDER_TEXT_MAX);
    order->name = "";
    order->image = "default";
    order->seller = "";
    order->resources =
        (struct resources){.cpu_milli = 1000, .mem_mib = 256, .disk_mib = 512};
    order->time_ms = 600000;
    order->expires_ms = 86400000;
    order->tasks = 1;
    order->attempts = 2;
    order->pids_max = 256;
    order->log_bytes_max = 16u * 1024 * 1024;
    order->policy = "";
    order->near = "";
    order->arch = ARCH_ANY;
}

void order_done(struct order *order)
{
    arena_done(&order->arena);
}

/* ---- one setter per field ---- */

struct setting {
    struct order *order;
    const char *field;
    const char *value;
    const char *base_dir;
    char *error;
};

__attribute__((format(printf, 2, 3))) static bool refuse(
    const struct setting *s, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(s->error, ORDER_ERROR_MAX, format, args);
    va_end(args);
    return false;
}

static bool copy(const struct setting *s, const char *text, const char **out)
{
    char *kept = arena_strdup(&s->order->arena, bytes_str(text));
    if (kept == NULL)
        return refuse(s, "the texts of the job are too long together");
    *out = kept;
    return true;
}

/* A text without control characters, for names. */
static bool printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static bool set_name(const struct setting *s)
{
    if (strlen(s->value) >= LIMIT_NAME || !printable(s->value))
        return refuse(s,
                      "\"%.60s\" is not a name: at most %u printable "
                      "characters",
                      s->value, LIMIT_NAME - 1);
    return copy(s, s->value, &s->order->name);
}

static bool set_image(const struct setting *s)
{
    if (s->value[0] == '\0' || strlen(s->value) > 255 || !printable(s->value))
        return refuse(s, "\"%.60s\" is not a name of an image", s->value);
    return copy(s, s->value, &s->order->image);
}

static bool set_seller(const struct setting *s)
{
    struct pubkey key;
    if (address_parse(s->value, NULL, &key) != OK)
        return refuse(s, "\"%.70s\" is not a provider's address", s->value);
    return copy(s, s->value, &s->order->seller);
}

static bool set_cpus(const struct setting *s)
{
    if (unit_parse_milli(s->value, &s->order->resources.cpu_milli) == OK)
        return true;
    return refuse(s, "\"%.20s\" is not a number of cores, such as 0.5 or 2",
                  s->value);
}

static bool set_size(const struct setting *s, uint64_t *out_mib)
{
    uint64_t mib;
    if (unit_parse_mib(s->value, &mib) != OK || mib == 0 ||
        mib > (UINT64_C(1) << 40))
        return refuse(s, "\"%.20s\" is not a size, such as 512M or 2G",
                      s->value);
    *out_mib = mib;
    return true;
}

static bool set_mem(const struct setting *s)
{
    return set_size(s, &s->order->resources.mem_mib);
}

static bool set_disk(const struct setting *s)
{
    return set_size(s, &s->order->resources.disk_mib);
}

static bool set_logs(const struct setting *s)
{
    uint64_t mib = 0;
    if (!set_size(s, &mib))
        return false;
    s->order->log_bytes_max = mib << 20;
    return true;
}

static bool set_time(const struct setting *s)
{
    uint64_t ms;
    if (unit_parse_ms(s->value, &ms) != OK || ms > MESSAGE_TIME_MS_MAX)
        return refuse(s,
                      "\"%.20s\" is not a span of time, such as 90s, 10m "
                      "or 2h (at most 366d)",
                      s->value);
    s->order->time_ms = ms;
    return true;
}

static bool set_expires(const struct setting *s)
{
    uint64_t ms;
    if (unit_parse_ms(s->value, &ms) != OK || ms > MESSAGE_TIME_MS_MAX)
        return refuse(s, "\"%.20s\" is not a span of time, such as 1h or 2d",
                      s->value);
    s->order->expires_ms = ms;
    return true;
}

static bool set_patience(const struct setting *s)
{
    uint64_t ms;
    if (unit_parse_ms(s->value, &ms) != OK || ms > REQUEST_PATIENCE_MS_MAX)
        return refuse(s,
                      "\"%.20s\" is not a span of time, such as 30m or 8h "
                      "(at most 7d)",
                      s->value);
    s->order->patience_ms = ms;
    return true;
}

static bool set_count(const struct setting *s, uint64_t max, uint32_t *out)
{
    uint64_t count;
    if (unit_parse_count(s->value, 1, max, &count) != OK)
        return refuse(s, "\"%.20s\" is not a whole number from 1 to %llu",
                      s->value, (unsigned long long)max);
    *out = (uint32_t)count;
    return true;
}

static bool set_tasks(const struct setting *s)
{
    return set_count(s, LIMIT_TASKS, &s->order->tasks);
}

static bool set_attempts(const struct setting *s)
{
    return set_count(s, REQUEST_ATTEMPTS_MAX, &s->order->attempts);
}

static bool set_pids(const struct setting *s)
{
    return set_count(s, 1000000, &s->order->pids_max);
}

static bool set_arch(const struct setting *s)
{
    if (arch_parse(s->value, &s->order->arch) == OK)
        return true;
    return refuse(s, "\"%.20s\" is not one of any, x86_64, aarch64, riscv64",
                  s->value);
}

static bool set_policy(const struct setting *s)
{
    enum policy policy;
    if (policy_parse(s->value, &policy) == OK ||
        policy_object_name_ok(s->value))
        return copy(s, s->value, &s->order->policy);
    return refuse(s,
                  "\"%.20s\" is not the name of a policy, such as cheapest, "
                  "nearest or one of `suan policy list`",
                  s->value);
}

static bool set_availability(const struct setting *s)
{
    return order_set_availability(s->order, s->value, s->error);
}

static bool set_class(const struct setting *s)
{
    return order_set_class(s->order, s->value, s->error);
}

static bool set_near(const struct setting *s)
{
    if (s->value[0] == '\0' || strlen(s->value) > 255 || !printable(s->value))
        return refuse(s, "\"%.60s\" is no node's address or name", s->value);
    return copy(s, s->value, &s->order->near);
}

static bool set_max_price(const struct setting *s)
{
    struct amount amount;
    if (amount_parse(s->value, &amount) != OK || amount_is_zero(amount))
        return refuse(s, "\"%.30s\" is not an amount of credits, such as 0.25",
                      s->value);
    s->order->price_max = amount;
    s->order->has_price_max = true;
    return true;
}

static bool add_text(const struct setting *s, const char **list,
                     uint32_t *count, uint32_t max)
{
    if (*count == max)
        return refuse(s, "there are more than %u", max);
    if (strlen(s->value) > SPEC_TEXT_MAX)
        return refuse(s, "a text is longer than %u bytes", SPEC_TEXT_MAX);
    if (!copy(s, s->value, &list[*count]))
        return false;
    (*count)++;
    return true;
}

static bool add_command(const struct setting *s)
{
    if (s->order->arg_count == 0 && s->value[0] == '\0')
        return refuse(s, "the program's name is empty");
    return add_text(s, s->order->args, &s->order->arg_count, SPEC_ARGS_MAX);
}

static bool add_env(const struct setting *s)
{
    size_t name = strcspn(s->value, "=");
    if (s->value[name] != '=' || name == 0)
        return refuse(s, "\"%.60s\" is not NAME=VALUE", s->value);
    if (strncmp(s->value, "SUAN_", 5) == 0)
        return refuse(s, "names that begin with SUAN_ are given by the "
                         "market: SUAN_TASK, SUAN_TASKS, SUAN_CONTRACT, "
                         "SUAN_DEVICES, SUAN_DEVICE_MILLI");
    return add_text(s, s->order->env, &s->order->env_count, SPEC_ENV_MAX);
}

/* Relative, without empty, "." or ".." steps. */
bool order_path_is_inner(const char *path)
{
    if (path[0] == '\0' || strlen(path) >= 1024)
        return false;
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        if (len == 0 || (len == 1 && path[0] == '.') ||
            (len == 2 && path[0] == '.' && path[1] == '.'))
            return false;
        path += len;
        if (*path == '/' && *++path == '\0')
            return false;
    }
    return true;
}

/* "HOST[:DEST]": the last colon parts them. */
static bool add_in(const struct setting *s)
{
    struct order_input input = {0};
    char host[PATH_MAX];
    char whole[PATH_MAX];
    const char *colon = strrchr(s->value, ':');
    const char *dest = colon == NULL ? NULL : colon + 1;
    size_t len = colon == NULL ? strlen(s->value) : (size_t)(colon - s->value);
    if (s->order->input_count == ORDER_INPUTS_MAX)
        return refuse(s, "there are more than %u", ORDER_INPUTS_MAX);
    if (len == 0 || len >= sizeof(host))
        return refuse(s, "\"%.60s\" is not HOST[:DEST]", s->value);
    snprintf(host, sizeof(host), "%.*s", (int)len, s->value);
    if (host[0] == '/' || s->base_dir == NULL ||
        !path_join(whole, s->base_dir, host))
        snprintf(whole, sizeof(whole), "%s", host);
    if (dest != NULL && strcmp(dest, ".") == 0)
        dest = "";
    if (dest != NULL && dest[0] != '\0' && !order_path_is_inner(dest))
        return refuse(s, "\"%.60s\" must be a relative path below /job/in",
                      dest);
    if (!copy(s, whole, &input.host) ||
        (dest != NULL && !copy(s, dest, &input.dest)))
        return false;
    s->order->inputs[s->order->input_count++] = input;
    return true;
}

/* "JOB[:DEST]" */
static bool add_use(const struct setting *s)
{
    struct order_use use = {.dest = ""};
    size_t len = strcspn(s->value, ":");
    char job[LIMIT_NAME + 2 * HASH_LEN + 2]; /* GRAPH/NAME at most */
    if (s->order->use_count == SPEC_USES_MAX)
        return refuse(s, "there are more than %u", SPEC_USES_MAX);
    if (len == 0 || len >= sizeof(job) || !printable(s->value))
        return refuse(s,
                      "\"%.60s\" is not JOB[:DEST], a job's id, the first "
                      "digits of it, or its name",
                      s->value);
    snprintf(job, sizeof(job), "%.*s", (int)len, s->value);
    if (s->value[len] == ':' && (!order_path_is_inner(s->value + len + 1) ||
                                 strlen(s->value + len + 1) > SPEC_DEST_MAX))
        return refuse(s, "\"%.60s\" must be a relative path below /job/in",
                      s->value + len + 1);
    if (!copy(s, job, &use.job) ||
        (s->value[len] == ':' && !copy(s, s->value + len + 1, &use.dest)))
        return false;
    s->order->uses[s->order->use_count++] = use;
    return true;
}

static bool add_out(const struct setting *s)
{
    if (!order_path_is_inner(s->value))
        return refuse(s,
                      "\"%.60s\" must be a relative path or glob below "
                      "/job/out",
                      s->value);
    return add_text(s, s->order->outputs, &s->order->output_count,
                    SPEC_OUTPUTS_MAX);
}

static bool add_constraint(const struct setting *s)
{
    struct order *order = s->order;
    if (order->constraint_count == LIMIT_CONSTRAINTS)
        return refuse(s, "there are more than %u", LIMIT_CONSTRAINTS);
    if (constraint_parse(s->value,
                         &order->constraints[order->constraint_count]) != OK)
        return refuse(s,
                      "\"%.60s\" is not a constraint, such as zone=eu, "
                      "zone!=us, gpu or !spot",
                      s->value);
    order->constraint_count++;
    return true;
}

/* ---- devices, and where work may be ---- */

/* The memory that was asked for stays, whichever is said first. */
static bool set_devices(const struct setting *s)
{
    struct device_wish wish;
    if (device_wish_parse(s->value, &wish) != OK)
        return refuse(s,
                      "\"%.60s\" is no device, such as gpu, gpu:2, "
                      "gpu:a100|h100:1, npu:0.5 or fpga:4x0.25 (at most %u)",
                      s->value, MACHINE_DEVICES_MAX);
    wish.mem_mib = s->order->devices.mem_mib;
    s->order->devices = wish;
    return true;
}

static bool set_gpu(const struct setting *s)
{
    struct setting as_device = *s;
    char text[32];
    if (strlen(s->value) > 8 || s->value[0] < '0' || s->value[0] > '9')
        return refuse(s, "\"%.20s\" is not a number of GPUs, such as 1 or 0.5",
                      s->value);
    snprintf(text, sizeof(text), "gpu:%s", s->value);
    as_device.value = text;
    return set_devices(&as_device);
}

static bool set_device_mem(const struct setting *s)
{
    return set_size(s, &s->order->devices.mem_mib);
}

static bool set_nic(const struct setting *s)
{
    if (unit_parse_kbit(s->value, &s->order->resources.nic_kbit) == OK)
        return true;
    return refuse(s, "\"%.20s\" is not a bandwidth, such as 100M or 1G bit/s",
                  s->value);
}

static bool add_toleration(const struct setting *s)
{
    struct order *order = s->order;
    struct constraint toleration;
    if (order->toleration_count == LIMIT_TOLERATIONS)
        return refuse(s, "there are more than %u", LIMIT_TOLERATIONS);
    if (constraint_parse(s->value, &toleration) != OK ||
        (toleration.op != CONSTRAINT_EQUAL &&
         toleration.op != CONSTRAINT_EXISTS))
        return refuse(s,
                      "\"%.60s\" is no toleration, such as gpu=only or gpu "
                      "(any value)",
                      s->value);
    order->tolerations[order->toleration_count++] = toleration;
    return true;
}

static bool add_zone(const struct setting *s)
{
    struct order *order = s->order;
    if (order->zone_count == LIMIT_ZONES)
        return refuse(s, "there are more than %u", LIMIT_ZONES);
    if (s->value[0] == '\0' || strlen(s->value) >= LIMIT_NAME ||
        strpbrk(s->value, "=!") != NULL)
        return refuse(s, "\"%.60s\" is no zone, such as eu or eu/north",
                      s->value);
    snprintf(order->zones[order->zone_count++], LIMIT_NAME, "%s", s->value);
    return true;
}

static bool add_spread(const struct setting *s)
{
    enum err err = spread_parse(s->value, &s->order->spread);
    if (err == ERR_EXISTS)
        return refuse(s,
                      "tasks are spread over providers and by one label, not "
                      "by two");
    if (err != OK)
        return refuse(s,
                      "\"%.60s\" is no spread, such as provider:1 or zone:2 "
                      "(at most so many tasks in one)",
                      s->value);
    return true;
}

static bool add_affinity(const struct setting *s, bool apart)
{
    struct order *order = s->order;
    struct affinity affinity = {.apart = apart};
    if (order->affinity_count == REQUEST_AFFINITY_MAX)
        return refuse(s, "there are more than %u", REQUEST_AFFINITY_MAX);
    if (hash_parse(s->value, &affinity.request) != OK ||
        hash_is_zero(&affinity.request))
        return refuse(s, "\"%.70s\" is not a whole job id (suan ps --json)",
                      s->value);
    order->affinities[order->affinity_count++] = affinity;
    return true;
}

static bool add_with(const struct setting *s)
{
    return add_affinity(s, false);
}

static bool add_apart(const struct setting *s)
{
    return add_affinity(s, true);
}

static const struct {
    const char *name;
    bool list;
    bool (*set)(const struct setting *s);
} fields[] = {
    {"name", false, set_name},
    {"image", false, set_image},
    {"command", true, add_command},
    {"cpus", false, set_cpus},
    {"mem", false, set_mem},
    {"disk", false, set_disk},
    {"time", false, set_time},
    {"expires", false, set_expires},
    {"patience", false, set_patience},
    {"tasks", false, set_tasks},
    {"attempts", false, set_attempts},
    {"env", true, add_env},
    {"in", true, add_in},
    {"use", true, add_use},
    {"out", true, add_out},
    {"policy", false, set_policy},
    {"availability", false, set_availability},
    {"class", false, set_class},
    {"near", false, set_near},
    {"max_price", false, set_max_price},
    {"constraints", true, add_constraint},
    {"seller", false, set_seller},
    {"arch", false, set_arch},
    {"pids", false, set_pids},
    {"logs", false, set_logs},
    {"devices", false, set_devices},
    {"gpu", false, set_gpu},
    {"device_mem", false, set_device_mem},
    {"nic", false, set_nic},
    {"tolerate", true, add_toleration},
    {"zones", true, add_zone},
    {"spread", true, add_spread},
    {"with", true, add_with},
    {"apart", true, add_apart},
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

bool order_field(const char *field, bool *out_list)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(fields[i].name, field) == 0) {
            *out_list = fields[i].list;
            return true;
        }
    }
    return false;
}

const char *order_field_near(const char *field)
{
    struct nearest nearest;
    nearest_init(&nearest, field);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        nearest_try(&nearest, fields[i].name);
    return nearest.best;
}

bool order_set(struct order *order, const char *field, const char *value,
               const char *base_dir, char error[ORDER_ERROR_MAX])
{
    struct setting s = {order, field, value, base_dir, error};
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].set(&s);
    }
    return refuse(&s, "there is no such field");
}

bool order_check(const struct order *order, char error[ORDER_ERROR_MAX])
{
    if (order->arg_count == 0) {
        snprintf(error, ORDER_ERROR_MAX, "no command was given");
        return false;
    }
    if (order->devices.count == 0 && order->devices.mem_mib != 0) {
        snprintf(error, ORDER_ERROR_MAX,
                 "device_mem says how large a device must be, but no device "
                 "was asked for");
        return false;
    }
    if (order->has_price_max && amount_is_zero(order_task_cap(order))) {
        snprintf(error, ORDER_ERROR_MAX,
                 "max_price leaves nothing for each of %u tasks", order->tasks);
        return false;
    }
    return true;
}

struct amount order_task_cap(const struct order *order)
{
    struct amount share;
    CHECK(order->tasks > 0);
    /* Rounded down, as ceil((a - (n - 1)) / n): all tasks together must stay
     * below the cap. */
    if (!order->has_price_max ||
        amount_sub(order->price_max, amount_micro(order->tasks - 1), &share) !=
            OK ||
        amount_scale_up(share, 1, order->tasks, &share) != OK)
        return amount_micro(0);
    return share;
}

enum err order_spec(struct order *order, const struct hash *image,
                    const struct hash *inputs, struct spec *out)
{
    struct spec spec = {0};
    spec.args =
        arena_calloc(&order->arena, order->arg_count, sizeof(*spec.args));
    spec.env = arena_calloc(&order->arena, order->env_count, sizeof(*spec.env));
    spec.outputs =
        arena_calloc(&order->arena, order->output_count, sizeof(*spec.outputs));
    if (spec.args == NULL || spec.env == NULL || spec.outputs == NULL)
        return ERR_NOMEM;
    spec.image = *image;
    spec.inputs = *inputs;
    spec.arg_count = order->arg_count;
    spec.env_count = order->env_count;
    spec.output_count = order->output_count;
    for (uint32_t i = 0; i < order->arg_count; i++)
        spec.args[i] = bytes_str(order->args[i]);
    for (uint32_t i = 0; i < order->env_count; i++) {
        size_t name = strcspn(order->env[i], "=");
        spec.env[i].name = bytes_make(order->env[i], name);
        spec.env[i].value = bytes_str(order->env[i] + name + 1);
    }
    for (uint32_t i = 0; i < order->output_count; i++)
        spec.outputs[i] = bytes_str(order->outputs[i]);
    spec.uses =
        arena_calloc(&order->arena, order->use_count + 1, sizeof(*spec.uses));
    if (spec.uses == NULL)
        return ERR_NOMEM;
    spec.use_count = order->use_count;
    for (uint32_t i = 0; i < order->use_count; i++) {
        CHECK(!hash_is_zero(&order->uses[i].request));
        spec.uses[i].request = order->uses[i].request;
        spec.uses[i].tasks = order->uses[i].tasks;
        spec.uses[i].dest = bytes_str(order->uses[i].dest);
    }
    spec.resources = order->resources;
    spec.devices = order->devices;
    spec.pids_max = order->pids_max;
    spec.time_ms_max = order->time_ms;
    spec.log_bytes_max = order->log_bytes_max;
    *out = spec;
    return OK;
}
