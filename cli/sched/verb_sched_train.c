/* suan sched train: a network that ranks start nodes for the placement of job
 * graphs. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/sched/crew.h"
#include "cli/follow.h"
#include "cli/option.h"
#include "cli/file/textfile.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/lab/train.h"
#include "sched/lab/waxman.h"

#define FILES_MAX    16u
#define WAXMAN_ALPHA 0.5
#define WAXMAN_BETA  0.2

/* What was asked, and what was read of it. */
struct course {
    struct cli *cli;
    const char *out;
    uint32_t threads;
    uint64_t waxman; /* nodes of drawn graphs; 0: files are given */
    struct train_options options;
    struct gml *graphs; /* owned */
    const struct gml *lent[TRAIN_GRAPHS_MAX];
    char name[RANKMODEL_NAME_MAX];
    bool drawn; /* a line to be redrawn stands on the terminal */
    enum train_phase phase;
};

/* ---- what was given ---- */

struct count_option {
    const char *name;
    uint64_t min;
    uint64_t max;
    uint32_t *out;
};

static int read_counts(struct course *c, const struct args *args)
{
    struct train_options *o = &c->options;
    const struct count_option counts[] = {
        {"starts", 1, 1000, &o->starts},
        {"worlds", 1, TRAIN_WORLDS_MAX, &o->worlds},
        {"moments", 1, TRAIN_MOMENTS_MAX, &o->moments},
        {"epochs", 0, 1000, &o->epochs},
        {"chapters", 0, 1000, &o->chapters},
        {"seeds", 1, 1000, &o->unseen},
        {"requests", 1, REPLAY_REQUESTS_MAX, &o->workload.requests},
        {"threads", 1, 64, &c->threads},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint64_t value = *counts[i].out;
        int failed = option_count(c->cli, args, counts[i].name, counts[i].min,
                                  counts[i].max, &value);
        if (failed)
            return failed;
        *counts[i].out = (uint32_t)value;
    }
    return 0;
}

static int read_course(struct course *c, const struct args *args)
{
    int failed;
    c->options = train_options_default;
    c->options.workload = embed_workload_virne;
    c->threads = crew_size();
    c->out = args_text(args, "out", NULL);
    if (c->out == NULL)
        return cli_usage(c->cli, "--out MODEL", "no file is given to write to");
    failed = read_counts(c, args);
    if (!failed)
        failed =
            option_positive(c->cli, args, "rate", &c->options.workload.rate);
    if (!failed)
        failed = option_count(c->cli, args, "seed", 0, INT32_MAX,
                              &c->options.workload.seed);
    if (!failed)
        failed = option_count(c->cli, args, "waxman", 2, 1000, &c->waxman);
    return failed;
}

/* Before minutes are spent: could the model be written in the end? */
static int check_out(struct course *c)
{
    char folder[PATH_MAX + 2];
    const char *slash = strrchr(c->out, '/');
    const char *at = c->out;
    if (strcmp(c->out, "-") == 0)
        return 0;
    if (access(c->out, F_OK) != 0) { /* the folder, and be it one */
        snprintf(folder, sizeof(folder), "%.*s.",
                 slash == NULL ? 0 : (int)(slash - c->out) + 1, c->out);
        at = folder;
    }
    if (access(at, W_OK) == 0)
        return 0;
    return cli_fail(c->cli, EXIT_FAILED, strerror(errno),
                    "another path, or - for standard output",
                    "the model cannot be written to %s", c->out);
}

/* ---- graphs ---- */

static int parse_graph(struct course *c, struct bytes text, const char *name)
{
    char error[GML_ERROR_MAX];
    uint32_t at = c->options.graph_count;
    enum err err = gml_parse(text, name, &c->graphs[at], error);
    if (err == ERR_NOMEM)
        return cli_nomem(c->cli);
    if (err != OK)
        return cli_usage(c->cli, "suan sched train --help", "%s", error);
    c->lent[at] = &c->graphs[at];
    c->options.graph_count++;
    return 0;
}

static int read_file(struct course *c, const char *path)
{
    struct buf text;
    const char *base = strrchr(path, '/');
    int failed;
    if (c->options.graph_count == FILES_MAX)
        return cli_usage(c->cli, "fewer", "more than %u topologies", FILES_MAX);
    if (c->options.graph_count == 0)
        snprintf(c->name, sizeof(c->name), "%.50s",
                 base != NULL ? base + 1 : path);
    buf_init(&text, GML_BYTES_MAX);
    failed = textfile_read(c->cli, path, "the topology", &text);
    if (!failed)
        failed = parse_graph(c, buf_bytes(&text), path);
    buf_done(&text);
    return failed;
}

static int read_files(struct course *c, const struct args *args)
{
    for (size_t i = 0; i < args->given_count; i++) {
        int failed = 0;
        if (strcmp(args->given[i].opt->name, "topology") == 0)
            failed = read_file(c, args->given[i].value);
        if (failed)
            return failed;
    }
    return 0;
}

/* A graph of its own for everybody, as far as there is room for them. */
static int draw_graphs(struct course *c)
{
    uint32_t wanted = c->options.worlds + TRAIN_TRIES + c->options.unseen;
    struct dice dice;
    dice_init(&dice, c->options.workload.seed ^ UINT64_C(0x7761786d616e));
    snprintf(c->name, sizeof(c->name), "Waxman graphs of %llu nodes",
             (unsigned long long)c->waxman);
    for (uint32_t i = 0; i < wanted && i < TRAIN_GRAPHS_MAX; i++) {
        struct buf text;
        int failed;
        buf_init(&text, GML_BYTES_MAX);
        waxman_write((uint32_t)c->waxman, WAXMAN_ALPHA, WAXMAN_BETA, &dice,
                     &text);
        failed = text.err != OK
                     ? cli_nomem(c->cli)
                     : parse_graph(c, buf_bytes(&text), "drawn graph");
        buf_done(&text);
        if (failed)
            return failed;
    }
    return 0;
}

static int read_graphs(struct course *c, const struct args *args)
{
    bool files = args_text(args, "topology", NULL) != NULL;
    if (files == (c->waxman != 0))
        return cli_usage(c->cli, "--topology FILE.gml, or --waxman 100",
                         files ? "both files and drawn graphs are asked for"
                               : "no topology is given");
    c->graphs = calloc(TRAIN_GRAPHS_MAX, sizeof(*c->graphs));
    if (c->graphs == NULL)
        return cli_nomem(c->cli);
    c->options.graphs = c->lent;
    c->options.name = c->name;
    return files ? read_files(c, args) : draw_graphs(c);
}

/* ---- training ---- */

static void each(void *context, uint32_t count,
                 void (*work)(void *arg, uint32_t i), void *arg)
{
    const struct course *c = context;
    crew_each(c->threads, count, work, arg);
}

static void say_word(const struct course *c, const struct train_word *w,
                     char *line, size_t size)
{
    switch (w->phase) {
    case TRAIN_LOOK:
        snprintf(line, size, "looking at decisions: world %u of %u",
                 w->done + 1, w->of);
        break;
    case TRAIN_IMITATE:
        snprintf(line, size, "imitation, epoch %u of %u: loss %.4f", w->done,
                 w->of, w->loss);
        break;
    case TRAIN_REINFORCE:
        snprintf(line, size,
                 "reinforcement, chapter %u of %u: draws gain %+.4f", w->done,
                 w->of, w->loss);
        break;
    case TRAIN_JUDGE:
        snprintf(line, size, "unseen, %2.0f starts", w->loss);
        break;
    }
    if (w->share >= 0 && w->phase != TRAIN_JUDGE)
        snprintf(
            line, size,
            "tried with %u starts: %.2f %% accepted; the incumbent %.2f %%",
            c->options.starts, 100 * w->share, 100 * w->against);
    else if (w->share >= 0)
        snprintf(line + strlen(line), size - strlen(line),
                 ": %.2f %% accepted; the incumbent %.2f %%", 100 * w->share,
                 100 * w->against);
}

/* On a terminal a line is redrawn while its phase goes on; elsewhere only what
 * ends something is said. */
static bool told(void *context, const struct train_word *word)
{
    struct course *c = context;
    char line[128] = "";
    if (c->cli->quiet)
        return follow_interrupts() == 0;
    say_word(c, word, line, sizeof(line));
    if (c->drawn)
        fputs("\r\033[K", c->cli->err);
    c->drawn = false;
    if (c->cli->tty_err && !word->ended) {
        fputs(line, c->cli->err);
        c->drawn = true;
    } else if (word->ended) {
        cli_note(c->cli, "%s", line);
    }
    fflush(c->cli->err);
    return follow_interrupts() == 0;
}

static int write_model(struct course *c, const struct rankmodel *model,
                       size_t *out_len)
{
    struct buf bytes;
    int failed;
    buf_init(&bytes, RANKMODEL_BYTES_MAX);
    rankmodel_encode(model, &bytes);
    failed = bytes.err != OK ? cli_nomem(c->cli)
                             : textfile_write(c->cli, c->out, "the model",
                                              buf_bytes(&bytes));
    *out_len = bytes.len;
    buf_done(&bytes);
    return failed;
}

static json_t *trials_json(const struct rankmodel *m)
{
    json_t *rows = json_array();
    for (uint32_t i = 0; rows != NULL && i < m->trial_count; i++) {
        const struct rankmodel_trial *t = &m->trials[i];
        json_array_append_new(
            rows, json_pack("{s:I,s:I,s:I}", "starts", (json_int_t)t->starts,
                            "accepted", (json_int_t)t->accepted, "incumbent",
                            (json_int_t)t->incumbent));
    }
    return rows;
}

static int tell_json(struct course *c, const struct rankmodel *m)
{
    json_t *object = json_pack(
        "{s:s,s:s,s:I,s:I,s:f,s:I,s:I,s:I,s:b,s:o}", "model", c->out,
        "topology", m->topology, "nodes", (json_int_t)m->nodes, "links",
        (json_int_t)m->links, "rate", c->options.workload.rate, "seed",
        (json_int_t)m->seed, "requests", (json_int_t)m->requests, "starts",
        (json_int_t)m->starts, "beats_incumbent", rankmodel_beats(m), "trials",
        trials_json(m));
    int failed = object == NULL ? cli_nomem(c->cli) : out_json(c->cli, object);
    json_decref(object);
    return failed;
}

static void tell_text(struct course *c, const struct rankmodel *m, size_t len)
{
    FILE *out = c->cli->out;
    fprintf(out, "unseen requests: %llu, of %u seeds\n",
            (unsigned long long)m->requests, c->options.unseen);
    if (c->cli->headers)
        fputs("STARTS   LEARNED  INCUMBENT\n", out);
    for (uint32_t i = 0; i < m->trial_count; i++)
        fprintf(out, "%-6u %7.2f %% %8.2f %%%s\n", m->trials[i].starts,
                100 * (double)m->trials[i].accepted / (double)m->requests,
                100 * (double)m->trials[i].incumbent / (double)m->requests,
                m->trials[i].starts == m->starts ? "  decides" : "");
    fprintf(out, "%s: %zu bytes; %s\n", c->out, len,
            rankmodel_beats(m) ? "it beats the incumbent"
                               : "it does not beat the incumbent");
    if (!rankmodel_beats(m))
        cli_note(c->cli,
                 "suan sched embed --policy learned refuses it without "
                 "--force. Try: more --moments and --epochs, or another "
                 "--seed");
}

static int train_fail(struct course *c, enum err err)
{
    if (c->drawn)
        fputs("\n", c->cli->err);
    if (err == ERR_NOMEM)
        return cli_nomem(c->cli);
    if (err == ERR_CANCELLED)
        return cli_fail(c->cli, EXIT_FAILED, "it was interrupted",
                        "the same command: it begins anew",
                        "nothing is "
                        "written to %s",
                        c->out);
    return cli_fail_err(c->cli, err, "topologies of 1 to 4096 nodes",
                        "the network cannot be trained");
}

static int run_course(struct course *c)
{
    struct rankmodel *model = calloc(1, sizeof(*model));
    size_t len = 0;
    int failed = 0;
    enum err err;
    if (model == NULL)
        return cli_nomem(c->cli);
    follow_catch();
    err = train(&c->options, model);
    if (err != OK)
        failed = train_fail(c, err);
    if (!failed)
        failed = write_model(c, model, &len);
    if (!failed && c->cli->form == FORM_JSON)
        failed = tell_json(c, model);
    else if (!failed && strcmp(c->out, "-") != 0)
        tell_text(c, model, len);
    free(model);
    return failed ? failed : out_flush(c->cli);
}

int verb_sched_train(struct cli *cli, const struct args *args)
{
    struct course course = {.cli = cli};
    int failed;
    course.options.each = NULL;
    failed = read_course(&course, args);
    if (!failed)
        failed = check_out(&course);
    if (!failed)
        failed = read_graphs(&course, args);
    course.options.each = each;
    course.options.told = told;
    course.options.context = &course;
    if (!failed)
        failed = run_course(&course);
    for (uint32_t i = 0; i < course.options.graph_count; i++)
        gml_done(&course.graphs[i]);
    free(course.graphs);
    return failed;
}
