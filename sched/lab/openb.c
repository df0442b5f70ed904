#include "sched/lab/openb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/lab/csv.h"

/* Unpacked; the largest known file of the family has 0.7 MB. */
#define FILE_MAX ((size_t)1 << 30)

/* Makes room for one more, doubling. */
static bool grow(void **items, size_t size, uint32_t count)
{
    void *more;
    if ((count & (count - 1)) != 0)
        return true; /* full only at powers of two */
    more = realloc(*items, size * (count == 0 ? 1 : 2 * (size_t)count));
    if (more == NULL)
        return false;
    *items = more;
    return true;
}

/* The number of a model, given anew where it was not met. 0 after an error. */
static uint32_t model_number(struct openb *openb, struct csv *csv,
                             struct bytes name)
{
    char *text;
    for (uint32_t i = 1; i <= openb->model_count; i++) {
        if (bytes_equal(bytes_str(openb->models[i]), name))
            return i;
    }
    if (name.len > OPENB_MODEL_LEN_MAX ||
        (name.len > 0 && memchr(name.ptr, '\0', name.len) != NULL)) {
        csv_refuse(csv, ERR_PARSE,
                   "the name of a model has 1 to %u letters, not %zu",
                   OPENB_MODEL_LEN_MAX, name.len);
        return 0;
    }
    if (openb->model_count == MODEL_MAX) {
        csv_refuse(csv, ERR_RANGE, "more than %u models of devices", MODEL_MAX);
        return 0;
    }
    text = openb->models[++openb->model_count];
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return openb->model_count;
}

/* ---- nodes ---- */

struct node_columns {
    uint32_t cpu;
    uint32_t mem;
    uint32_t disk;
    uint32_t gpu;
    uint32_t model;
};

static void read_node(struct openb *openb, struct csv *csv,
                      const struct node_columns *at, struct machine *out)
{
    const struct resources total = {
        .cpu_milli = (uint32_t)csv_uint(csv, at->cpu, UINT32_MAX),
        .mem_mib = csv_uint(csv, at->mem, UINT32_MAX),
        .disk_mib = csv_uint(csv, at->disk, UINT32_MAX),
    };
    uint32_t gpu = (uint32_t)csv_uint(csv, at->gpu, MACHINE_DEVICES_MAX);
    uint32_t model = 0;
    struct bytes name = csv_text(csv, at->model);
    if (gpu > 0 && name.len == 0)
        csv_refuse(csv, ERR_PARSE,
                   "the node has devices, but the column model is empty: name "
                   "their model");
    else if (gpu > 0)
        model = model_number(openb, csv, name);
    if (csv->err == OK && machine_init(out, &total, ARCH_X86_64, gpu, model))
        csv_refuse(csv, ERR_RANGE, "no such machine");
}

static void read_nodes(struct openb *openb, struct csv *csv)
{
    const struct node_columns at = {
        csv_need(csv, "cpu_milli"), csv_need(csv, "memory_mib"),
        csv_find(csv, "disk_mib"),  csv_find(csv, "gpu"),
        csv_find(csv, "model"),
    };
    while (csv_next(csv)) {
        void *items = openb->machines;
        if (openb->machine_count == OPENB_NODES_MAX) {
            csv_refuse(csv, ERR_TOO_LARGE, "more than %u nodes",
                       OPENB_NODES_MAX);
            return;
        }
        if (!grow(&items, sizeof(*openb->machines), openb->machine_count)) {
            csv_refuse(csv, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
            return;
        }
        openb->machines = items;
        read_node(openb, csv, &at, &openb->machines[openb->machine_count]);
        openb->machine_count += csv->err == OK;
    }
    if (openb->machine_count == 0)
        csv_refuse(csv, ERR_PARSE, "there is no node after the first line");
}

/* ---- pods ---- */

struct pod_columns {
    uint32_t cpu;
    uint32_t mem;
    uint32_t disk;
    uint32_t num;
    uint32_t milli;
    uint32_t spec;
};

/* "V100M16|V100M32" as a set. */
static uint64_t read_spec(struct openb *openb, struct csv *csv,
                          struct bytes spec)
{
    uint64_t models = 0;
    size_t start = 0;
    for (size_t i = 0; i <= spec.len; i++) {
        if (i < spec.len && spec.ptr[i] != '|')
            continue;
        if (i > start) {
            uint32_t model = model_number(
                openb, csv, bytes_make(spec.ptr + start, i - start));
            models |= model == 0 ? 0 : model_bit(model);
        }
        start = i + 1;
    }
    return models;
}

static void read_pod(struct openb *openb, struct csv *csv,
                     const struct pod_columns *at, struct ask *out)
{
    uint64_t num = csv_uint(csv, at->num, MACHINE_DEVICES_MAX);
    uint64_t milli = csv_uint(csv, at->milli, DEVICE_MILLI);
    struct ask ask = {
        .want = {.cpu_milli = (uint32_t)csv_uint(csv, at->cpu, UINT32_MAX),
                 .mem_mib = csv_uint(csv, at->mem, UINT32_MAX),
                 .disk_mib = csv_uint(csv, at->disk, UINT32_MAX)},
        .devices = (uint16_t)num,
    };
    if (num == 0 && milli > 0)
        csv_refuse(csv, ERR_PARSE,
                   "gpu_milli is given, but num_gpu is 0: a share is of one "
                   "device");
    if (num > 0) {
        ask.milli = (uint16_t)(milli == 0 ? DEVICE_MILLI : milli);
        ask.models = read_spec(openb, csv, csv_text(csv, at->spec));
    }
    if (csv->err == OK && ask_check(&ask) != OK)
        csv_refuse(csv, ERR_RANGE, "no such task");
    *out = ask;
}

static void read_pods(struct openb *openb, struct csv *csv)
{
    const struct pod_columns at = {
        csv_need(csv, "cpu_milli"), csv_need(csv, "memory_mib"),
        csv_find(csv, "disk_mib"),  csv_find(csv, "num_gpu"),
        csv_find(csv, "gpu_milli"), csv_find(csv, "gpu_spec"),
    };
    while (csv_next(csv)) {
        void *items = openb->asks;
        if (openb->ask_count == OPENB_PODS_MAX) {
            csv_refuse(csv, ERR_TOO_LARGE, "more than %u pods", OPENB_PODS_MAX);
            return;
        }
        if (!grow(&items, sizeof(*openb->asks), openb->ask_count)) {
            csv_refuse(csv, ERR_NOMEM, "%s", err_text(ERR_NOMEM));
            return;
        }
        openb->asks = items;
        read_pod(openb, csv, &at, &openb->asks[openb->ask_count]);
        openb->ask_count += csv->err == OK;
    }
    if (openb->ask_count == 0)
        csv_refuse(csv, ERR_PARSE, "there is no pod after the first line");
}

enum err openb_parse(struct bytes nodes, const char *nodes_name,
                     struct bytes pods, const char *pods_name,
                     struct openb *out, char error[LAB_ERROR_MAX])
{
    struct csv csv;
    struct openb openb;
    memset(&openb, 0, sizeof(openb));
    csv_init(&csv, nodes_name, nodes);
    read_nodes(&openb, &csv);
    if (csv.err == OK) {
        csv_init(&csv, pods_name, pods);
        read_pods(&openb, &csv);
    }
    if (csv.err != OK) {
        memcpy(error, csv.error, LAB_ERROR_MAX);
        openb_done(&openb);
        return csv.err;
    }
    *out = openb;
    return OK;
}

enum err openb_read(const char *nodes_path, const char *pods_path,
                    struct openb *out, char error[LAB_ERROR_MAX])
{
    struct buf nodes = {0};
    struct buf pods = {0};
    enum err err = lab_file_read(nodes_path, FILE_MAX, &nodes, error);
    if (err == OK)
        err = lab_file_read(pods_path, FILE_MAX, &pods, error);
    if (err == OK)
        err = openb_parse(buf_bytes(&nodes), nodes_path, buf_bytes(&pods),
                          pods_path, out, error);
    buf_done(&nodes);
    buf_done(&pods);
    return err;
}

void openb_done(struct openb *openb)
{
    free(openb->machines);
    free(openb->asks);
    memset(openb, 0, sizeof(*openb));
}
