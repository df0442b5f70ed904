/* suan sched availability: a system split into services. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/sched/avail_tell.h"
#include "cli/share.h"
#include "cli/file/textfile.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#define DOT_BYTES_MAX (4u * 1024 * 1024)

/* What was asked. */
struct question {
    const char *path;
    bool has_target;
    double target_down;
    bool has_budget;
    uint32_t budget;
    bool frontier;
    const char *dot;
};

/* ---- what was given ---- */

static int read_down(struct cli *cli, const char *option, const char *text,
                     double *out)
{
    enum err err = share_parse(text, out);
    if (err == ERR_RANGE)
        return cli_usage(cli, "99.9% or 0.999",
                         "--%s: \"%.40s\" is not above 0 and at most 1", option,
                         text);
    if (err != OK)
        return cli_usage(cli, "99.9% or 0.999",
                         "--%s: \"%.40s\" is not an availability", option,
                         text);
    return 0;
}

/* The shares of an option that may be repeated, or a list of our own. */
static int read_downs(struct cli *cli, const struct args *args,
                      const char *option, uint32_t max, double *out,
                      uint32_t *out_count)
{
    const char *text;
    uint32_t count = 0;
    while ((text = args_nth(args, option, count)) != NULL) {
        int failed;
        if (count == max)
            return cli_usage(cli, "a table for each part of them",
                             "a table has room for %u times --%s", max, option);
        failed = read_down(cli, option, text, &out[count]);
        if (failed)
            return failed;
        count++;
    }
    if (count > 0)
        *out_count = count;
    return 0;
}

static int read_count(struct cli *cli, const struct args *args,
                      const char *option, uint32_t min, uint32_t max,
                      uint32_t *out, bool *out_given)
{
    const char *text = args_text(args, option, NULL);
    uint64_t count = 0;
    if (out_given != NULL && text != NULL)
        *out_given = true;
    if (text == NULL)
        return 0;
    if (unit_parse_count(text, min, max, &count) != OK)
        return cli_usage(cli, "a whole number",
                         "--%s: \"%.40s\" is not a number from %u to %u",
                         option, text, min, max);
    *out = (uint32_t)count;
    return 0;
}

static int read_question(struct cli *cli, const struct args *args,
                         struct question *q)
{
    const char *target = args_nth(args, "target", 0);
    int failed = 0;
    memset(q, 0, sizeof(*q));
    q->path = args_operand(args, 0);
    q->dot = args_text(args, "dot", NULL);
    if (args_nth(args, "target", 1) != NULL ||
        args_nth(args, "availability", 1) != NULL)
        return cli_usage(cli, "--table, which takes several",
                         "one plan has one --target and one --availability");
    if (target != NULL) {
        q->has_target = true;
        failed = read_down(cli, "target", target, &q->target_down);
    }
    if (!failed)
        failed = read_count(cli, args, "budget", 1, AVAIL_COST_MAX, &q->budget,
                            &q->has_budget);
    if (failed)
        return failed;
    if (q->has_target && q->has_budget)
        return cli_usage(cli, "one of them, and --frontier for all answers",
                         "--target asks for the fewest services, --budget for "
                         "the best availability");
    q->frontier =
        args_flag(args, "frontier") || (!q->has_target && !q->has_budget);
    if (q->dot != NULL && !q->has_target && !q->has_budget)
        return cli_usage(cli, "--target 99.9%, or --budget N",
                         "--dot draws a plan, and none is asked for");
    if (q->dot != NULL && strcmp(q->dot, "-") == 0 && cli->form == FORM_JSON)
        return cli_usage(cli, "a path for the drawing",
                         "standard output takes one of --dot - and --json");
    return 0;
}

/* The file, and what the options say instead of its defaults. */
static int read_system(struct cli *cli, const struct args *args,
                       struct availfile *out)
{
    const char *path = args_operand(args, 0);
    const char *share = args_nth(args, "availability", 0);
    char error[YAMLFILE_ERROR_MAX];
    struct buf text;
    enum err err = OK;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, path, "the system file", &text);
    if (!failed)
        err = availfile_parse(buf_bytes(&text), path, out, error);
    buf_done(&text);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (!failed && err != OK)
        return cli_usage(cli, "suan sched availability --help", "%s", error);
    if (!failed && share != NULL)
        failed = read_down(cli, "availability", share, &out->down);
    if (!failed)
        failed = read_count(cli, args, "backups", 0, AVAIL_INSTANCES_MAX - 1,
                            &out->backups, &out->has_backups);
    if (!failed)
        failed =
            read_count(cli, args, "domains", 1, 1000000, &out->domains, NULL);
    share = args_text(args, "domain-availability", NULL);
    if (!failed && share != NULL)
        failed =
            read_down(cli, "domain-availability", share, &out->domain_down);
    return failed;
}

static int solve(struct cli *cli, struct availfile *file, const char *path,
                 struct arena *arena, struct avail_system *out_system,
                 struct avail_frontier *out)
{
    char error[YAMLFILE_ERROR_MAX];
    enum err err = availfile_system(file, path, out_system, error);
    if (err == ERR_CAPACITY)
        return cli_fail(cli, EXIT_POLICY, NULL,
                        "fewer --backups, or --domains with what there is",
                        "%s", error);
    if (err != OK)
        return cli_usage(cli, "suan sched availability --help", "%s", error);
    err = file->domain_down > 0
              ? avail_solve_domains(out_system, file->domain_down, arena, out)
              : avail_solve(out_system, arena, out);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    CHECK(err == OK); /* the system was checked */
    return 0;
}

/* ---- no such plan ---- */

/* Fully split, with n instances where a module does not say. */
static double split_nats(const struct availfile *file,
                         const struct avail_system *system, uint32_t n)
{
    double nats = 0;
    for (uint32_t m = 0; m < system->count; m++) {
        const struct avail_module *module = &system->modules[m];
        for (uint32_t j = 0; j < module->count; j++)
            nats += avail_parallel(
                avail_nats(module->down[j]),
                file->modules[m].has_backups ? module->instances : n);
    }
    return nats;
}

/* Nothing is more available with k backups. */
static double best_nats(const struct availfile *file,
                        const struct avail_system *system, uint32_t backups)
{
    double up[AVAIL_INSTANCES_MAX];
    for (uint32_t k = 0; k <= backups; k++)
        up[k] = split_nats(file, system, k + 1);
    return avail_domains_nats(up, backups + 1, file->domain_down);
}

static int out_of_reach(struct cli *cli, const struct avail_report *r)
{
    const struct avail_frontier *f = r->frontier;
    double nats_max = avail_nats(r->target_down);
    uint32_t most =
        r->file->domain_down > 0 ? AVAIL_DOMAINS_MAX : AVAIL_INSTANCES_MAX;
    uint32_t k = 0;
    char target[SHARE_TEXT_MAX];
    char best[SHARE_TEXT_MAX];
    char why[160];
    char next[80] = "more available submodules";
    while (k < most &&
           !avail_reaches(best_nats(r->file, r->system, k), nats_max))
        k++;
    if (k < most)
        snprintf(next, sizeof(next), "--backups %u%s", k,
                 r->system->domains > 0 && k >= r->system->domains
                     ? ", and as many domains and one"
                     : "");
    share_format_short(r->target_down, target);
    share_format(avail_down(f->steps[f->count - 1].nats), best);
    snprintf(why, sizeof(why), "with one service a submodule it is %s", best);
    return cli_fail(cli, EXIT_POLICY, why, next, "%s cannot be reached",
                    target);
}

static int budget_too_small(struct cli *cli, const struct avail_report *r,
                            uint32_t budget)
{
    char next[32];
    snprintf(next, sizeof(next), "--budget %u", r->frontier->steps[0].cost);
    return cli_fail(cli, EXIT_POLICY, "every module is one service at least",
                    next, "%s %u cannot be kept",
                    r->costs ? "a cost of" : "a budget of", budget);
}

/* ---- answers ---- */

static int draw(struct cli *cli, const struct avail_report *r, const char *path)
{
    struct buf text;
    int failed;
    buf_init(&text, DOT_BYTES_MAX);
    avail_tell_dot(r, &text);
    failed = text.err != OK
                 ? cli_nomem(cli)
                 : textfile_write(cli, path, "the drawing", buf_bytes(&text));
    buf_done(&text);
    return failed;
}

static int tell_json(struct cli *cli, json_t *object)
{
    int failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
    json_decref(object);
    return failed;
}

static int tell(struct cli *cli, const struct avail_report *r)
{
    if (cli->form == FORM_JSON)
        return tell_json(cli, avail_tell_json(r));
    if (r->step != NULL)
        avail_tell_plan(cli, r);
    if (r->step != NULL && r->frontier_too)
        fputc('\n', cli->out);
    if (r->frontier_too)
        avail_tell_frontier(cli, r);
    return out_flush(cli);
}

static int answer(struct cli *cli, const struct question *q,
                  struct availfile *file, struct arena *arena)
{
    struct avail_frontier frontier = {0};
    struct avail_system system = {0};
    struct avail_report r = {.file = file,
                             .system = &system,
                             .frontier = &frontier,
                             .has_target = q->has_target,
                             .target_down = q->target_down,
                             .costs = availfile_has_costs(file),
                             .frontier_too = q->frontier};
    int failed = solve(cli, file, q->path, arena, &system, &frontier);
    if (failed)
        return failed;
    CHECK(frontier.steps != NULL && frontier.count >= 1);
    if (q->has_target)
        r.step = avail_cheapest(&frontier, avail_nats(q->target_down));
    if (q->has_target && r.step == NULL)
        return out_of_reach(cli, &r);
    if (q->has_budget)
        r.step = avail_best(&frontier, q->budget);
    if (q->has_budget && r.step == NULL)
        return budget_too_small(cli, &r, q->budget);
    if (q->dot != NULL) {
        failed = draw(cli, &r, q->dot);
        if (failed || strcmp(q->dot, "-") == 0)
            return failed;
    }
    return tell(cli, &r);
}

/* ---- the table ---- */

static void fill_column(const struct avail_frontier *f, uint32_t column,
                        struct avail_table *t)
{
    const struct avail_step *full = &f->steps[f->count - 1];
    CHECK(f->steps != NULL && f->count >= 1);
    for (uint32_t row = 0; row < t->rows; row++) {
        const struct avail_step *step = full;
        bool reached = true;
        if (row == 0)
            step = &f->steps[0];
        else if (row + 1 < t->rows) {
            step = avail_cheapest(f, avail_nats(t->target_down[row - 1]));
            reached = step != NULL;
            step = reached ? step : full;
        }
        t->cells[row][column] = (struct avail_cell){
            .nats = step->nats, .cost = step->cost, .reached = reached};
    }
}

static int table(struct cli *cli, const struct args *args,
                 struct availfile *file, struct arena *arena)
{
    struct avail_table t = {
        .columns = 5,
        .target_down = {0.01, 0.001, 0.0005, 0.0001, 0.00001},
        .part_down = {0.1, 0.05, 0.01, 0.005, 0.001},
        .costs = availfile_has_costs(file)};
    uint32_t targets = 5;
    int failed = read_downs(cli, args, "target", AVAIL_TARGETS_MAX,
                            t.target_down, &targets);
    if (!failed)
        failed = read_downs(cli, args, "availability", AVAIL_COLUMNS_MAX,
                            t.part_down, &t.columns);
    t.rows = targets + 2;
    for (uint32_t c = 0; !failed && c < t.columns; c++) {
        struct avail_frontier frontier = {0};
        struct avail_system system = {0};
        arena_reset(arena);
        file->down = t.part_down[c];
        failed =
            solve(cli, file, args_operand(args, 0), arena, &system, &frontier);
        if (!failed)
            fill_column(&frontier, c, &t);
    }
    if (failed)
        return failed;
    if (cli->form == FORM_JSON)
        return tell_json(cli, avail_tell_table_json(&t));
    avail_tell_table(cli, &t);
    return out_flush(cli);
}

int verb_sched_availability(struct cli *cli, const struct args *args)
{
    bool is_table = args_flag(args, "table");
    struct question q = {0};
    struct availfile *file;
    struct arena arena;
    int failed = is_table ? 0 : read_question(cli, args, &q);
    if (failed)
        return failed;
    if (is_table &&
        (args_text(args, "budget", NULL) != NULL ||
         args_text(args, "dot", NULL) != NULL || args_flag(args, "frontier")))
        return cli_usage(cli, "--table with --target and --availability",
                         "--table goes with no --budget, --dot or --frontier");
    file = malloc(sizeof(*file));
    if (file == NULL)
        return cli_nomem(cli);
    arena_init(&arena, (AVAIL_DOMAINS_MAX + 1) * AVAIL_ARENA_BYTES);
    failed = read_system(cli, args, file);
    if (!failed)
        failed = is_table ? table(cli, args, file, &arena)
                          : answer(cli, &q, file, &arena);
    arena_done(&arena);
    free(file);
    return failed;
}
