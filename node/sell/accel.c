#define _GNU_SOURCE
#include "node/sell/accel.h"

#include "base/check.h"
#include "sched/taint.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define ENTRY_MAX 1024u

__attribute__((format(printf, 3, 4))) static enum err say(
    char fault[ACCEL_FAULT_MAX], enum err err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(fault, ACCEL_FAULT_MAX, format, args);
    va_end(args);
    return err;
}

/* The next entry of a comma list, trimmed; false at the end. Longer ones are
 * cut, which no reader of entries takes for a good one. */
static bool next_entry(const char **at, char out[ENTRY_MAX])
{
    size_t len;
    *at += strspn(*at, ", ");
    len = strcspn(*at, ",");
    if (len == 0)
        return false;
    snprintf(out, ENTRY_MAX, "%.*s", (int)(len < 4096 ? len : 4096), *at);
    *at += len;
    for (len = strlen(out); len > 0 && out[len - 1] == ' '; len--)
        out[len - 1] = '\0';
    return true;
}

/* ---- devices ---- */

static bool path_fits(const char *path)
{
    return strncmp(path, "/dev/", 5) == 0 && path[5] != '\0' &&
           strlen(path) < LIMIT_NAME && strstr(path, "/../") == NULL &&
           strstr(path, "//") == NULL;
}

static bool path_taken(const struct accel *accel, uint32_t count,
                       const char *path)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(accel->paths[i], path) == 0)
            return true;
    }
    return false;
}

/* Splits "a+b" in place into at most `max` pieces; 0 when there are more, or an
 * empty one. */
static uint32_t split(char *text, const char *by, char **out, uint32_t max)
{
    uint32_t count = 0;
    char *piece;
    while ((piece = strsep(&text, by)) != NULL) {
        if (count == max || *piece == '\0')
            return 0;
        out[count++] = piece;
    }
    return count;
}

static enum err read_paths(char *text, struct accel *accel, uint32_t first,
                           uint32_t *out_count, char fault[ACCEL_FAULT_MAX])
{
    char *paths[MACHINE_DEVICES_MAX];
    uint32_t count = split(text, "+", paths, MACHINE_DEVICES_MAX);
    if (count == 0 || first + count > MACHINE_DEVICES_MAX)
        return say(fault, ERR_TOO_LARGE,
                   "a machine has 1 to %u devices, each with a path",
                   MACHINE_DEVICES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (!path_fits(paths[i]))
            return say(fault, ERR_PARSE, "\"%.60s\" is no path below /dev",
                       paths[i]);
        if (path_taken(accel, first + i, paths[i]))
            return say(fault, ERR_RANGE, "%.60s is declared twice", paths[i]);
        snprintf(accel->paths[first + i], LIMIT_NAME, "%s", paths[i]);
    }
    *out_count = count;
    return OK;
}

static enum err read_shared(char *text, struct accel *accel, uint32_t group,
                            char fault[ACCEL_FAULT_MAX])
{
    char *paths[ACCEL_SHARED_MAX];
    uint32_t count = split(text, "+", paths, ACCEL_SHARED_MAX);
    if (count == 0)
        return say(fault, ERR_TOO_LARGE, "at most %u shared nodes, each a path",
                   ACCEL_SHARED_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (!path_fits(paths[i]))
            return say(fault, ERR_PARSE, "\"%.60s\" is no path below /dev",
                       paths[i]);
        snprintf(accel->shared[group][i], LIMIT_NAME, "%s", paths[i]);
    }
    accel->shared_count[group] = count;
    return OK;
}

/* "40G" -> MiB; only whole figures. */
static bool read_mib(const char *text, uint64_t *out)
{
    char *end;
    unsigned long long value;
    if (!isdigit((unsigned char)text[0]) || strlen(text) > 8)
        return false;
    value = strtoull(text, &end, 10);
    if (strcmp(end, "G") == 0)
        value *= 1024;
    else if (strcmp(end, "T") == 0)
        value *= 1024 * 1024;
    else if (strcmp(end, "M") != 0)
        return false;
    *out = value;
    return value > 0;
}

static bool is_number(const char *text)
{
    return text[0] != '\0' && strspn(text, "0123456789") == strlen(text) &&
           strlen(text) < 3;
}

/* KIND[:MODEL][:COUNT][@MEM]; *out_count 0 when none is given. */
static enum err read_head(char *text, struct device_group *out,
                          uint32_t *out_count, char fault[ACCEL_FAULT_MAX])
{
    char *mem = strchr(text, '@');
    char *parts[4];
    uint32_t count;
    *out_count = 0;
    if (mem != NULL) {
        *mem++ = '\0';
        if (!read_mib(mem, &out->mem_mib))
            return say(fault, ERR_PARSE, "\"@%.40s\" is no memory like @40G",
                       mem);
    }
    for (char *c = text; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    count = split(text, ":", parts, 4);
    if (count == 0 || device_kind_parse(parts[0], &out->kind) != OK)
        return say(fault, ERR_PARSE,
                   "\"%.40s\" is no kind: gpu, npu, fpga or p4",
                   count == 0 ? "" : parts[0]);
    if (count > 1 && is_number(parts[count - 1]))
        *out_count = (uint32_t)strtoul(parts[--count], NULL, 10);
    if (count < 2)
        return OK;
    if (count > 2 || !device_name_ok(parts[1]))
        return say(fault, ERR_PARSE,
                   "\"%.60s\" is no model: a-z 0-9 . _ - only",
                   parts[count - 1]);
    memcpy(out->model, parts[1], strlen(parts[1]) + 1);
    return OK;
}

static enum err read_group(char *entry, struct accel *accel,
                           char fault[ACCEL_FAULT_MAX])
{
    struct devices *devices = &accel->devices;
    struct device_group group;
    uint32_t said;
    char *paths = strchr(entry, '=');
    char *shared;
    memset(&group, 0, sizeof(group));
    if (devices->group_count == DEVICE_GROUPS_MAX)
        return say(fault, ERR_TOO_LARGE, "at most %u groups of devices",
                   DEVICE_GROUPS_MAX);
    if (paths == NULL)
        return say(fault, ERR_PARSE,
                   "\"%.60s\" names no device: gpu:a100:1=/dev/nvidia0", entry);
    *paths++ = '\0';
    shared = strchr(paths, '=');
    if (shared != NULL)
        *shared++ = '\0';
    TRY(read_head(entry, &group, &said, fault));
    TRY(read_paths(paths, accel, devices_count(devices), &group.count, fault));
    if (said != 0 && said != group.count)
        return say(fault, ERR_RANGE, "%u devices are said and %u paths given",
                   said, group.count);
    if (shared != NULL)
        TRY(read_shared(shared, accel, devices->group_count, fault));
    devices->groups[devices->group_count++] = group;
    return OK;
}

enum err accel_parse(const char *text, struct accel *out,
                     char fault[ACCEL_FAULT_MAX])
{
    struct accel accel;
    char entry[ENTRY_MAX];
    memset(&accel, 0, sizeof(accel));
    fault[0] = '\0';
    while (next_entry(&text, entry))
        TRY(read_group(entry, &accel, fault));
    if (devices_form(&accel.devices) != OK)
        return say(fault, ERR_RANGE,
                   "two groups are of the same kind, model and memory: make "
                   "one of them");
    devices_all_free(&accel.devices);
    *out = accel;
    return OK;
}

/* ---- prices ---- */

/* 0: not about this group; else the more exact, the higher. */
static unsigned exactness(const char *who, const struct device_group *group)
{
    const char *model = strchr(who, ':');
    size_t len = model != NULL ? (size_t)(model - who) : strlen(who);
    const char *kind = device_kind_text(group->kind);
    if (who[0] == '\0')
        return 1;
    if (strlen(kind) != len || strncmp(who, kind, len) != 0)
        return 0;
    if (model == NULL)
        return 2;
    return strcmp(model + 1, group->model) == 0 ? 3 : 0;
}

static enum err price_apply(char *entry, struct devices *devices,
                            unsigned best[DEVICE_GROUPS_MAX],
                            char fault[ACCEL_FAULT_MAX])
{
    char *price = strchr(entry, '=');
    const char *who = price != NULL ? entry : "";
    struct amount amount;
    if (price != NULL)
        *price++ = '\0';
    else
        price = entry;
    if (amount_parse(price, &amount) != OK)
        return say(fault, ERR_PARSE, "\"%.60s\" is no price in credits", price);
    if (amount_cmp(amount, amount_micro(UINT64_C(1000000000) *
                                        AMOUNT_MICRO_PER_CREDIT)) > 0)
        return say(fault, ERR_RANGE,
                   "the price is too high to be computed with");
    for (char *c = entry; who[0] != '\0' && *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    for (uint32_t i = 0; i < devices->group_count; i++) {
        unsigned exact = exactness(who, &devices->groups[i]);
        if (exact < best[i] || exact == 0)
            continue;
        best[i] = exact;
        devices->groups[i].hour = amount;
    }
    return OK;
}

enum err accel_price(const char *text, struct devices *devices,
                     char fault[ACCEL_FAULT_MAX])
{
    unsigned best[DEVICE_GROUPS_MAX] = {0};
    struct devices priced = *devices;
    char entry[ENTRY_MAX];
    fault[0] = '\0';
    while (next_entry(&text, entry))
        TRY(price_apply(entry, &priced, best, fault));
    for (uint32_t i = 0; i < priced.group_count; i++) {
        const struct device_group *group = &priced.groups[i];
        if (best[i] == 0)
            return say(fault, ERR_RANGE, "%s%s%.60s has no price of an hour",
                       device_kind_text(group->kind),
                       group->model[0] != '\0' ? ":" : "", group->model);
    }
    *devices = priced;
    return OK;
}

/* ---- the machine ---- */

static enum err check_node(const char *path, char fault[ACCEL_FAULT_MAX])
{
    const mode_t want = S_IROTH | S_IWOTH;
    struct stat st;
    if (lstat(path, &st) != 0)
        return say(fault, ERR_NOT_FOUND, "%.60s: %s", path, strerror(errno));
    if (!S_ISCHR(st.st_mode))
        return say(fault, ERR_TYPE, "%.60s is not a character device", path);
    if ((st.st_mode & want) != want)
        return say(fault, ERR_PERM,
                   "jobs run as users nobody knows and could not open %.60s "
                   "(mode %04o): chmod o+rw it, by a udev rule",
                   path, (unsigned)(st.st_mode & 07777));
    return OK;
}

enum err accel_check(const struct accel *accel, char fault[ACCEL_FAULT_MAX])
{
    fault[0] = '\0';
    for (uint32_t i = 0; i < devices_count(&accel->devices); i++)
        TRY(check_node(accel->paths[i], fault));
    for (uint32_t g = 0; g < accel->devices.group_count; g++) {
        for (uint32_t i = 0; i < accel->shared_count[g]; i++)
            TRY(check_node(accel->shared[g][i], fault));
    }
    return OK;
}

/* Does the name begin so and go on with a number? */
static bool is_numbered(const char *name, const char *prefix)
{
    size_t len = strlen(prefix);
    return strncmp(name, prefix, len) == 0 && isdigit((unsigned char)name[len]);
}

static int in_order(const struct dirent **a, const struct dirent **b)
{
    return strverscmp((*a)->d_name, (*b)->d_name);
}

static void sense_in(const char *dir, const char *const *prefixes,
                     struct buf *out)
{
    struct dirent **names = NULL;
    int count = scandir(dir, &names, NULL, in_order);
    for (int i = 0; i < count; i++) {
        for (size_t k = 0; prefixes[k] != NULL; k++) {
            if (is_numbered(names[i]->d_name, prefixes[k]))
                buf_addf(out, "%s%s/%s", out->len > 0 ? ", " : "", dir,
                         names[i]->d_name);
        }
        free(names[i]);
    }
    free(names);
}

void accel_sense(const char *dev, struct buf *out)
{
    static const char *const top[] = {"nvidia", "davinci", "dfl-fme.", "xdma",
                                      NULL};
    static const char *const dri[] = {"renderD", NULL};
    static const char *const accel[] = {"accel", NULL};
    char path[ENTRY_MAX];
    sense_in(dev, top, out);
    snprintf(path, sizeof(path), "%.900s/dri", dev);
    sense_in(path, dri, out);
    snprintf(path, sizeof(path), "%.900s/accel", dev);
    sense_in(path, accel, out);
}

/* ---- taints ---- */

enum err accel_taints_parse(const char *text, struct taint *out,
                            uint32_t *out_count)
{
    char entry[ENTRY_MAX];
    uint32_t count = 0;
    while (next_entry(&text, entry)) {
        if (count == LIMIT_TAINTS)
            return ERR_TOO_LARGE;
        TRY(taint_parse(entry, &out[count]));
        count++;
    }
    *out_count = count;
    return OK;
}
