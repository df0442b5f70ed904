#include "cli/sched/avail_tell.h"

#include <string.h>

#include "base/check.h"
#include "cli/share.h"

#define LINE_MAX_TEXT 78u
#define TEXT_MAX      (4u * 1024 * 1024)

/* Prints what the buffer has as lines: names come from a file of anybody. */
static void put_lines(struct cli *cli, struct buf *text)
{
    const char *at = buf_cstr(text);
    char line[512];
    while (*at != '\0') {
        size_t len = strcspn(at, "\n");
        CHECK(len < sizeof(line));
        memcpy(line, at, len);
        line[len] = '\0';
        cli_put(cli->out, line);
        fputc('\n', cli->out);
        at += len;
        at += *at == '\n';
    }
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

static bool equal_instances(const struct avail_system *system)
{
    for (uint32_t m = 1; m < system->count; m++) {
        if (system->modules[m].instances != system->modules[0].instances)
            return false;
    }
    return true;
}

/* ---- the plan for people ---- */

static void head(const struct avail_report *r, struct buf *out)
{
    char share[SHARE_TEXT_MAX];
    char year[UNIT_TEXT_MAX];
    double down = avail_down(r->step->nats);
    uint32_t n = r->system->modules[0].instances;
    share_format(down, share);
    share_format_year(down, year);
    buf_addf(out, "%s in %u service%s", share, r->step->services,
             plural(r->step->services));
    if (equal_instances(r->system))
        buf_addf(out, " of %u instance%s", n, plural(n));
    if (r->costs)
        buf_addf(out, ", cost %u", r->step->cost);
    buf_addf(out, "\nnot available: %s of a year\n", year);
    if (r->file->domain_down > 0) {
        share_format_short(r->file->domain_down, share);
        buf_addf(out, "domains are up %s each; every service is in %s%u\n",
                 share, n == 1 ? "" : "the same ", n);
    }
}

/* Is it the best, and how far at most from it? */
static void proof(const struct avail_report *r, struct buf *out)
{
    const char *unit = r->costs ? "cost" : "services";
    char share[SHARE_TEXT_MAX];
    if (r->has_target) {
        uint32_t least =
            avail_cost_least(r->frontier, avail_nats(r->target_down));
        share_format_short(r->target_down, share);
        buf_addf(out, "target %s: reached", share);
        if (least == r->step->cost)
            buf_addf(out, "; no lower %s reach%s it\n",
                     r->costs ? "cost" : "number of services", "es");
        else
            buf_addf(out,
                     "; below %s %u it is out of reach, between it is "
                     "not proven\n",
                     unit, least);
    }
    if (avail_reaches(r->step->nats, r->step->nats_least)) {
        buf_addf(out, "the best division there is for that %s\n",
                 r->costs ? "cost" : "number");
        return;
    }
    buf_addf(out,
             "a division found by search: at most %.6f %% of the time it loses "
             "can be saved\n",
             100 - 100 * avail_down(r->step->nats_least) /
                       avail_down(r->step->nats));
}

/* The submodules of one service, wrapped under the branch. */
static void branch(const struct availfile_module *module,
                   const struct avail_division *d, uint32_t service,
                   struct buf *out)
{
    bool last = service + 1 == d->services;
    size_t width = 3;
    const char *between = "";
    buf_addf(out, "%s ", last ? "└─" : "├─");
    for (uint32_t j = 0; j < module->count; j++) {
        size_t len = strlen(module->parts[j].name);
        if (d->service_of[j] != service)
            continue;
        if (between[0] != '\0' && width + 3 + len > LINE_MAX_TEXT) {
            buf_addf(out, " +\n%s  ", last ? " " : "│");
            width = 3;
            between = "";
        }
        buf_addf(out, "%s%s", between, module->parts[j].name);
        width += len + strlen(between);
        between = " + ";
    }
    buf_addf(out, "\n");
}

static void tree(const struct avail_report *r, struct buf *out)
{
    struct avail_division plan[AVAIL_MODULES_MAX];
    bool equal = equal_instances(r->system);
    char share[SHARE_TEXT_MAX];
    avail_plan(r->frontier, r->step, plan);
    if (r->file->domain_down > 0)
        buf_addf(out, "modules, while all domains are up:\n");
    for (uint32_t m = 0; m < r->system->count; m++) {
        uint32_t n = r->system->modules[m].instances;
        share_format(avail_down(plan[m].nats), share);
        buf_addf(out, "%s  %s", r->file->modules[m].name, share);
        if (!equal)
            buf_addf(out, ", %u instance%s", n, plural(n));
        buf_addf(out, "\n");
        for (uint32_t i = 0; i < plan[m].services; i++)
            branch(&r->file->modules[m], &plan[m], i, out);
    }
}

void avail_tell_plan(struct cli *cli, const struct avail_report *report)
{
    struct buf text;
    buf_init(&text, TEXT_MAX);
    head(report, &text);
    proof(report, &text);
    buf_addf(&text, "\n");
    tree(report, &text);
    put_lines(cli, &text);
    buf_done(&text);
}

void avail_tell_frontier(struct cli *cli, const struct avail_report *report)
{
    const struct avail_frontier *f = report->frontier;
    char share[SHARE_TEXT_MAX];
    char year[UNIT_TEXT_MAX];
    if (cli->headers)
        fprintf(cli->out, "%sSERVICES  %-22s NOT AVAILABLE IN A YEAR\n",
                report->costs ? "   COST  " : "", "AVAILABILITY");
    for (uint32_t i = 0; i < f->count; i++) {
        const struct avail_step *step = &f->steps[i];
        bool best = avail_reaches(step->nats, step->nats_least);
        share_format(avail_down(step->nats), share);
        share_format_year(avail_down(step->nats), year);
        if (report->costs)
            fprintf(cli->out, "%7u  ", step->cost);
        fprintf(cli->out, "%8u  %-22s %s%s%s\n", step->services, share, year,
                best ? "" : "  (not proven to be the best)",
                step == report->step ? "  <- the plan" : "");
    }
}

/* ---- for programs ---- */

static json_t *share_json(double nats)
{
    double down = avail_down(nats);
    return json_pack("{s:f, s:f}", "availability", 1 - down, "unavailability",
                     down);
}

static json_t *step_json(const struct avail_step *step)
{
    json_t *object = share_json(step->nats);
    bool best = avail_reaches(step->nats, step->nats_least);
    json_t *more = json_pack(
        "{s:I, s:I, s:b, s:f}", "services", (json_int_t)step->services, "cost",
        (json_int_t)step->cost, "exact", best ? 1 : 0, "unavailability_least",
        avail_down(step->nats_least));
    json_object_update(object, more);
    json_decref(more);
    return object;
}

static json_t *service_json(const struct avail_report *r, uint32_t m,
                            const struct avail_division *d, uint32_t service)
{
    const struct availfile_module *module = &r->file->modules[m];
    json_t *names = json_array();
    json_t *object;
    double series = 0;
    for (uint32_t j = 0; j < module->count; j++) {
        if (d->service_of[j] != service)
            continue;
        json_array_append_new(names, json_string(module->parts[j].name));
        series += avail_nats(r->system->modules[m].down[j]);
    }
    object =
        share_json(avail_parallel(series, r->system->modules[m].instances));
    json_object_set_new(object, "submodules", names);
    return object;
}

static json_t *modules_json(const struct avail_report *r)
{
    struct avail_division plan[AVAIL_MODULES_MAX];
    json_t *modules = json_array();
    avail_plan(r->frontier, r->step, plan);
    for (uint32_t m = 0; m < r->system->count; m++) {
        json_t *object = share_json(plan[m].nats);
        json_t *services = json_array();
        for (uint32_t i = 0; i < plan[m].services; i++)
            json_array_append_new(services, service_json(r, m, &plan[m], i));
        json_object_set_new(object, "name",
                            json_string(r->file->modules[m].name));
        json_object_set_new(
            object, "instances",
            json_integer((json_int_t)r->system->modules[m].instances));
        json_object_set_new(object, "services", services);
        json_array_append_new(modules, object);
    }
    return modules;
}

json_t *avail_tell_json(const struct avail_report *report)
{
    const struct avail_report *r = report;
    json_t *object = json_object();
    if (r->step != NULL) {
        json_t *step = step_json(r->step);
        json_object_update(object, step);
        json_decref(step);
        json_object_set_new(object, "modules", modules_json(r));
        json_object_set_new(object, "domain_availability",
                            json_real(1 - r->file->domain_down));
    }
    if (r->has_target) {
        uint32_t least =
            avail_cost_least(r->frontier, avail_nats(r->target_down));
        json_object_set_new(object, "target", json_real(1 - r->target_down));
        json_object_set_new(object, "cost_least",
                            json_integer((json_int_t)least));
    }
    if (r->frontier_too) {
        json_t *steps = json_array();
        for (uint32_t i = 0; i < r->frontier->count; i++)
            json_array_append_new(steps, step_json(&r->frontier->steps[i]));
        json_object_set_new(object, "frontier", steps);
    }
    return object;
}

/* ---- for Graphviz ---- */

static void quoted(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_u8(out, '\\');
        buf_add_u8(out, (uint8_t)*text);
    }
}

static void dot_service(const struct avail_report *r, uint32_t m,
                        const struct avail_division *d, uint32_t service,
                        struct buf *out)
{
    const struct availfile_module *module = &r->file->modules[m];
    uint32_t n = r->system->modules[m].instances;
    buf_addf(out, "    s%u_%u [peripheries=%u, label=\"", m, service,
             n < 4 ? n : 4);
    for (uint32_t j = 0; j < module->count; j++) {
        if (d->service_of[j] != service)
            continue;
        quoted(module->parts[j].name, out);
        buf_addf(out, "\\n");
    }
    buf_addf(out, "x %u\"];\n", n);
}

void avail_tell_dot(const struct avail_report *report, struct buf *out)
{
    const struct avail_report *r = report;
    struct avail_division plan[AVAIL_MODULES_MAX];
    char share[SHARE_TEXT_MAX];
    avail_plan(r->frontier, r->step, plan);
    share_format(avail_down(r->step->nats), share);
    buf_addf(out,
             "digraph system {\n  rankdir=LR;\n  node [shape=box];\n"
             "  label=\"%s in %u service%s\";\n",
             share, r->step->services, plural(r->step->services));
    for (uint32_t m = 0; m < r->system->count; m++) {
        share_format(avail_down(plan[m].nats), share);
        buf_addf(out, "  subgraph cluster_%u {\n    label=\"", m);
        quoted(r->file->modules[m].name, out);
        buf_addf(out, "\\n%s\";\n", share);
        for (uint32_t i = 0; i < plan[m].services; i++)
            dot_service(r, m, &plan[m], i, out);
        buf_addf(out, "  }\n");
    }
    for (uint32_t m = 0; m + 1 < r->system->count; m++)
        buf_addf(out, "  s%u_0 -> s%u_0;\n", m, m + 1);
    buf_addf(out, "}\n");
}

/* ---- the table ---- */

static void row_name(const struct avail_table *t, uint32_t row, char out[32])
{
    char share[SHARE_TEXT_MAX];
    if (row == 0) {
        snprintf(out, 32, "whole");
        return;
    }
    if (row == t->rows - 1) {
        snprintf(out, 32, "full");
        return;
    }
    share_format_short(t->target_down[row - 1], share);
    snprintf(out, 32, "%.31s", share);
}

/* The share without its unit. */
static void bare(double nats, char out[SHARE_TEXT_MAX])
{
    size_t len;
    share_format(avail_down(nats), out);
    len = strlen(out);
    CHECK(len > 2);
    out[len - 2] = '\0';
}

static void table_head(struct cli *cli, const struct avail_table *t,
                       const char *title)
{
    fprintf(cli->out, "%-10s", title);
    for (uint32_t c = 0; c < t->columns; c++)
        fprintf(cli->out, " %12.10g", 1 - t->part_down[c]);
    fputc('\n', cli->out);
}

static void put_cell(struct cli *cli, const struct avail_cell *cell,
                     const char *text)
{
    char marked[SHARE_TEXT_MAX + 1];
    snprintf(marked, sizeof(marked), "%s%s", cell->reached ? "" : "!", text);
    fprintf(cli->out, " %12s", marked);
}

void avail_tell_table(struct cli *cli, const struct avail_table *table)
{
    const struct avail_table *t = table;
    char text[SHARE_TEXT_MAX];
    char name[32];
    fprintf(cli->out, "Availability in per cent; ! the target is out of reach, "
                      "this is the full split.\nColumns: availability of a "
                      "submodule. Rows: one service a module, the target,\n"
                      "one service a submodule.\n\n");
    table_head(cli, t, "");
    for (uint32_t row = 0; row < t->rows; row++) {
        row_name(t, row, name);
        fprintf(cli->out, "%-10s", name);
        for (uint32_t c = 0; c < t->columns; c++) {
            const struct avail_cell *cell = &t->cells[row][c];
            bare(cell->nats, text);
            put_cell(cli, cell, text);
        }
        fputc('\n', cli->out);
    }
    fputc('\n', cli->out);
    table_head(cli, t, t->costs ? "cost" : "services");
    for (uint32_t row = 0; row < t->rows; row++) {
        row_name(t, row, name);
        fprintf(cli->out, "%-10s", name);
        for (uint32_t c = 0; c < t->columns; c++) {
            snprintf(text, sizeof(text), "%u", t->cells[row][c].cost);
            put_cell(cli, &t->cells[row][c], text);
        }
        fputc('\n', cli->out);
    }
}

json_t *avail_tell_table_json(const struct avail_table *table)
{
    json_t *rows = json_array();
    for (uint32_t row = 0; row < table->rows; row++) {
        json_t *cells = json_array();
        char name[32];
        row_name(table, row, name);
        for (uint32_t c = 0; c < table->columns; c++) {
            const struct avail_cell *cell = &table->cells[row][c];
            json_t *object = share_json(cell->nats);
            json_object_set_new(object, "submodule",
                                json_real(1 - table->part_down[c]));
            json_object_set_new(object, table->costs ? "cost" : "services",
                                json_integer((json_int_t)cell->cost));
            json_object_set_new(object, "reached", json_boolean(cell->reached));
            json_array_append_new(cells, object);
        }
        json_array_append_new(
            rows, json_pack("{s:s, s:o}", "row", name, "cells", cells));
    }
    return json_pack("{s:o}", "rows", rows);
}
