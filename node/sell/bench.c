#include "node/sell/bench.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MS (280u * 1000) /* the program's own is a little longer */

struct bench {
    struct meter_child *child;
    struct bench_result result;
    struct bench_progress progress;
    bool garbled;
    bool ended; /* it said its last line */
    void *ctx;
    void (*on_done)(void *ctx, enum err err, const struct bench_result *result);
};

/* ---- lines ---- */

static const char *text_of(json_t *line, const char *key)
{
    const char *text = json_string_value(json_object_get(line, key));
    return text != NULL ? text : "";
}

static bool uint_of(json_t *line, const char *key, uint64_t most, uint64_t *out)
{
    json_t *value = json_object_get(line, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0 ||
        (uint64_t)json_integer_value(value) > most)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static bool which(json_t *line, enum meter_kernel *out_kernel,
                  enum meter_width *out_width)
{
    const char *width = text_of(line, "width");
    if (meter_kernel_parse(text_of(line, "kernel"), out_kernel) != OK)
        return false;
    *out_width = strcmp(width, "all") == 0 ? METER_ALL : METER_ONE;
    return *out_width == METER_ALL ? meter_scales(*out_kernel)
                                   : strcmp(width, "one") == 0;
}

static bool take_kernel(struct bench_result *result, json_t *line)
{
    struct bench_figure figure = {.seen = true};
    enum meter_kernel kernel;
    enum meter_width width;
    uint64_t permille;
    uint64_t err;
    if (!which(line, &kernel, &width) ||
        !uint_of(line, "median", INT64_MAX, &figure.median) ||
        !uint_of(line, "mad", INT64_MAX, &figure.mad) ||
        !uint_of(line, "mad_permille", 1000, &permille) ||
        !uint_of(line, "error", 9999, &err))
        return false;
    figure.mad_permille = (uint32_t)permille;
    figure.err = (enum err)err;
    /* It is counted here, whatever the line says of it. */
    figure.kept = err == 0 && figure.median > 0 &&
                  figure.mad_permille <= MEDIAN_PERMILLE_MOST;
    (void)snprintf(figure.note, sizeof(figure.note), "%s",
                   text_of(line, "note"));
    result->figures[kernel][width] = figure;
    grade_rate_set(&result->grade, kernel, width,
                   figure.kept ? figure.median : 0);
    return true;
}

static bool take_end(struct bench_result *result, json_t *line)
{
    uint64_t cores;
    if (!uint_of(line, "cores", GRADE_CORES_MAX, &cores) || cores == 0 ||
        !uint_of(line, "took_ms", INT64_MAX, &result->took_ms))
        return false;
    result->grade.cores = (uint32_t)cores;
    result->grade.quick = json_is_true(json_object_get(line, "quick"));
    result->grade.source = METRIC_MEASURED;
    return true;
}

bool bench_line(struct bench_result *result, json_t *line)
{
    const char *event = text_of(line, "event");
    if (strcmp(event, "kernel") == 0)
        return take_kernel(result, line);
    if (strcmp(event, "end") == 0)
        return take_end(result, line);
    return true;
}

uint32_t bench_spread(const struct bench_result *result)
{
    uint32_t most = 0;
    for (unsigned k = 0; k < METER_KERNEL_COUNT; k++) {
        for (unsigned w = 0; w < 2; w++) {
            const struct bench_figure *figure = &result->figures[k][w];
            if (figure->kept && figure->mad_permille > most)
                most = figure->mad_permille;
        }
    }
    return most;
}

/* ---- the run ---- */

static void take_progress(struct bench *bench, json_t *line)
{
    struct bench_progress progress;
    uint64_t step;
    uint64_t steps;
    if (strcmp(text_of(line, "event"), "progress") != 0 ||
        !which(line, &progress.kernel, &progress.width) ||
        !uint_of(line, "step", 1000, &step) ||
        !uint_of(line, "steps", 1000, &steps))
        return;
    progress.step = (uint32_t)step;
    progress.steps = (uint32_t)steps;
    bench->progress = progress;
}

static void on_line(void *ctx, json_t *line)
{
    struct bench *bench = ctx;
    take_progress(bench, line);
    if (!bench_line(&bench->result, line))
        bench->garbled = true;
    if (strcmp(text_of(line, "event"), "end") == 0)
        bench->ended = true;
}

static void on_end(void *ctx, enum err err, const char *why)
{
    struct bench *bench = ctx;
    if (err == OK && (bench->garbled || !bench->ended)) {
        err = ERR_CORRUPT;
        why = "it said what cannot be read: is it of another version?";
    }
    (void)snprintf(bench->result.why, sizeof(bench->result.why), "%s",
                   err == OK ? "" : why);
    bench->on_done(bench->ctx, err, &bench->result);
    free(bench);
}

enum err bench_start(const struct bench_options *options, struct bench **out)
{
    const char *args[] = {"--dir", options->dir, NULL, NULL};
    struct meter_child_events events = {.on_line = on_line, .on_end = on_end};
    struct bench *bench = calloc(1, sizeof(*bench));
    enum err err;
    if (bench == NULL)
        return ERR_NOMEM;
    if (options->quick)
        args[2] = "--quick";
    bench->ctx = options->ctx;
    bench->on_done = options->on_done;
    events.ctx = bench;
    err = meter_child_start(options->loop, options->program, args, LIMIT_MS,
                            &events, &bench->child);
    if (err != OK)
        free(bench);
    else
        *out = bench;
    return err;
}

void bench_progress_get(const struct bench *bench, struct bench_progress *out)
{
    *out = bench->progress;
}

void bench_cancel(struct bench *bench)
{
    if (bench == NULL)
        return;
    meter_child_drop(bench->child);
    free(bench);
}
