/* suan sched decompose: a graph of components, cut by level. */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/componentsfile.h"
#include "cli/sched/decompose_picture.h"
#include "cli/file/offersfile.h"
#include "cli/file/textfile.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"
#include "sched/cut/decompose_check.h"

#define PLACE_MAX         140u /* two names */
#define PICTURE_BYTES_MAX (64u * 1024 * 1024)
#define NAMES_COLUMNS     31u
#define MORE_COLUMNS      15u /* of them: " and 16383 more" */
#define PLACE_COLUMNS     17u

struct task {
    const char *path;
    const char *offers_path; /* FILE is a workflow */
    const char *dot;
    const char *svg;
    enum cut_level level;
    uint64_t within_ms; /* 0: all tasks run at once */
    struct decompose_options options;
    /* what was read */
    struct componentsfile *file;
    struct offersfile *offers;
    struct wfformat wf;
    struct cutgraph graph;
    struct cut_places places;
    const char **names;
    const char *title;
    enum decompose_unit unit;
    const char *sites[CUT_SITES_MAX];
    const char *offer_names[OFFERSFILE_OFFERS_MAX]; /* as they were told */
    /* what came of it */
    struct cut_case cut;
    struct decomposition result;
    char (*places_text)[PLACE_MAX]; /* of each cluster of the finest level */
    const char **place_names;
};

/* ---- what was asked ---- */

/* Standard input, or output. */
static bool is_standard(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

static int read_options(struct cli *cli, const struct args *args,
                        struct task *task)
{
    const char *level = args_text(args, "level", "offer");
    const char *within = args_text(args, "within", NULL);
    const char *seed = args_text(args, "seed", "0");
    const char *trials = args_text(args, "trials", "0");
    uint64_t number = 0;
    task->path = args_operand(args, 0);
    task->offers_path = args_text(args, "offers", NULL);
    task->dot = args_text(args, "dot", NULL);
    task->svg = args_text(args, "svg", NULL);
    task->options = decompose_options_default;
    if (is_standard(task->dot) + is_standard(task->svg) +
            (cli->form == FORM_JSON) >
        1)
        return cli_usage(cli, "a path for one of them",
                         "standard output takes one of --dot -, --svg - and "
                         "--json");
    if (cut_level_parse(level, &task->level) != OK)
        return cli_usage(cli, "site, offer or device",
                         "--level: there is no level \"%.40s\"", level);
    if (within != NULL && unit_parse_ms(within, &task->within_ms) != OK)
        return cli_usage(cli, "90s, 10m or 1h30m",
                         "--within: \"%.40s\" is not a time", within);
    if (task->offers_path != NULL && is_standard(task->path) &&
        is_standard(task->offers_path))
        return cli_usage(cli, "a file for one of them",
                         "standard input cannot be both FILE and --offers");
    if (within != NULL && task->offers_path == NULL)
        return cli_usage(cli, "--offers OFFERS, with a workflow",
                         "--within is of workflows, whose tasks end");
    if (unit_parse_count(seed, 0, UINT64_MAX, &task->options.seed) != OK)
        return cli_usage(cli, "a whole number",
                         "--seed: \"%.40s\" is not a number", seed);
    if (unit_parse_count(trials, 0, 10000, &number) != OK)
        return cli_usage(cli, "16",
                         "--trials: \"%.40s\" is not a number up to 10000",
                         trials);
    task->options.trials = (uint32_t)number;
    return 0;
}

/* ---- a graph of components ---- */

static int read_components(struct cli *cli, struct task *task)
{
    char error[YAMLFILE_ERROR_MAX] = "";
    struct buf text;
    enum err err = ERR_NOMEM;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, task->path, "the components", &text);
    task->file = failed ? NULL : malloc(sizeof(*task->file));
    if (task->file != NULL)
        err = componentsfile_parse(buf_bytes(&text), task->path, task->file,
                                   error);
    buf_done(&text);
    if (failed)
        return failed;
    if (err != OK) {
        free(task->file); /* NULL without memory */
        task->file = NULL;
    }
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err != OK)
        return cli_usage(cli, "suan sched decompose --help", "%s", error);
    task->graph = task->file->graph;
    task->places = task->file->places;
    task->names = calloc(task->graph.component_count, sizeof(*task->names));
    if (task->names == NULL)
        return cli_nomem(cli);
    for (uint32_t c = 0; c < task->graph.component_count; c++)
        task->names[c] = task->file->components[c].name;
    for (uint32_t s = 0; s < task->file->sites.count; s++)
        task->sites[s] = task->file->sites.text[s];
    for (uint32_t o = 0; o < task->file->offer_count; o++)
        task->offer_names[o] = task->file->offers[o].name;
    task->title = task->path;
    task->unit = DECOMPOSE_KBPS;
    return 0;
}

/* ---- a workflow ---- */

static int read_offers(struct cli *cli, struct task *task)
{
    char error[YAMLFILE_ERROR_MAX] = "";
    struct buf text;
    enum err err = ERR_NOMEM;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, task->offers_path, "the offers", &text);
    task->offers = failed ? NULL : malloc(sizeof(*task->offers));
    if (task->offers != NULL)
        err = offersfile_parse(buf_bytes(&text), task->offers_path,
                               task->offers, error);
    buf_done(&text);
    if (failed || err == OK)
        return failed;
    return err == ERR_NOMEM
               ? cli_nomem(cli)
               : cli_usage(cli, "suan sched decompose --help", "%s", error);
}

/* A device of such an offer is a core with its share of the memory. */
static int load_places(struct cli *cli, struct task *task)
{
    cut_places_init(&task->places);
    for (uint32_t s = 0; s < task->offers->site_count; s++)
        task->sites[s] = task->offers->sites[s];
    for (uint32_t o = 0; o < task->offers->offer_count; o++) {
        const struct offerset_offer *from = &task->offers->offers[o];
        struct cut_offer offer = {.site = from->site};
        task->offer_names[o] = task->offers->names[o];
        offer.room[RES_CPU] = (uint64_t)from->cores * 1000;
        offer.room[RES_MEM] = from->memory_mib;
        offer.device[RES_CPU] = 1000;
        offer.device[RES_MEM] = from->memory_mib / from->cores;
        if (cut_places_add(&task->places, &offer, 1) != OK)
            return cli_usage(cli, "fewer kinds of offers",
                             "%s: there are more than %u kinds of offers",
                             task->offers_path, CUT_KINDS_MAX);
    }
    return 0;
}

/* Sites whose offers are in the zones. */
static uint64_t sites_in(const struct task *task, uint64_t zones)
{
    uint64_t sites = 0;
    for (uint32_t o = 0; o < task->offers->offer_count; o++) {
        const struct offerset_offer *offer = &task->offers->offers[o];
        if ((zones >> offer->zone & 1) != 0)
            sites |= UINT64_C(1) << offer->site;
    }
    return sites;
}

static int load_task(struct cli *cli, struct task *task, uint32_t t)
{
    const struct workflow *w = &task->wf.workflow;
    const struct workflow_task *from = &w->tasks[t];
    struct cut_component c = {.sites = sites_in(task, w->zones[t])};
    uint64_t cores = (uint64_t)from->cores * 1000;
    uint32_t id = 0;
    if (task->within_ms > 0) {
        uint64_t within_us = task->within_ms * 1000;
        c.least.of[RES_CPU] = (uint32_t)cores;
        c.least.of[RES_MEM] = from->memory_mib;
        if (from->work_us > within_us)
            return cli_usage(cli, "a longer time",
                             "--within: the task \"%.80s\" alone takes longer",
                             task->wf.task_names[t]);
        cores = (cores * from->work_us + within_us - 1) / within_us;
    } else {
        c.want.of[RES_MEM] = from->memory_mib;
    }
    c.want.of[RES_CPU] = (uint32_t)cores;
    if (c.sites == 0)
        return cli_usage(cli, "an offer in a zone of its data",
                         "%s: the task \"%.80s\" may be in none of the zones",
                         task->offers_path, task->wf.task_names[t]);
    return cutgraph_add(&task->graph, &c, &id) == OK ? 0 : cli_nomem(cli);
}

static int load_workflow(struct cli *cli, struct task *task)
{
    const struct workflow *w = &task->wf.workflow;
    int failed = 0;
    cutgraph_init(&task->graph);
    for (uint32_t t = 0; !failed && t < w->task_count; t++)
        failed = load_task(cli, task, t);
    for (uint32_t e = 0; !failed && e < w->edge_count; e++) {
        struct cut_link link = {.weight = w->edges[e].bytes,
                                .from = w->edges[e].from,
                                .to = w->edges[e].to,
                                .flow = true};
        if (link.weight > CUT_WEIGHT_MAX)
            return cli_usage(cli, "smaller files",
                             "%s: more than 4 TiB pass from \"%.80s\" to one "
                             "task",
                             task->path, task->wf.task_names[link.from]);
        if (cutgraph_join(&task->graph, &link) != OK)
            failed = cli_nomem(cli);
    }
    task->names = task->wf.task_names;
    task->title = *task->wf.title == '\0' ? task->path : task->wf.title;
    task->unit = DECOMPOSE_BYTES;
    return failed;
}

static int close_workflow(struct cli *cli, struct task *task)
{
    uint32_t at = 0;
    enum err err;
    offersfile_pin_told(cli, task->offers_path, task->offers, &task->wf);
    err = workflow_close(&task->wf.workflow, &at);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err != OK)
        return cli_usage(
            cli, err == ERR_STATE ? "a graph without circles" : "smaller files",
            err == ERR_STATE ? "%s: the task \"%.80s\" waits for itself, "
                               "through others"
                             : "%s: the task \"%.80s\" reads more than 1 PiB "
                               "at once",
            task->path, task->wf.task_names[at]);
    return 0;
}

static int read_workflow(struct cli *cli, struct task *task)
{
    char error[WFFORMAT_ERROR_MAX] = "";
    struct buf text;
    enum err err = OK;
    int failed = read_offers(cli, task);
    if (failed)
        return failed;
    buf_init(&text, WFFORMAT_BYTES_MAX);
    failed = textfile_read(cli, task->path, "the workflow", &text);
    if (!failed)
        err = wfformat_parse(buf_bytes(&text), task->path, &task->wf, error);
    buf_done(&text);
    if (!failed && err == ERR_NOMEM)
        failed = cli_nomem(cli);
    else if (!failed && err != OK)
        failed = cli_usage(cli, NULL, "%s", error);
    if (!failed)
        failed = close_workflow(cli, task);
    if (!failed)
        failed = load_places(cli, task);
    return failed ? failed : load_workflow(cli, task);
}

/* ---- cutting ---- */

static int refuse(struct cli *cli, const struct task *task,
                  const struct cut_fault *fault)
{
    const char *name = task->names[fault->component];
    const char *level = cut_level_text(fault->level);
    if (fault->apart)
        return cli_fail(
            cli, EXIT_POLICY, "replicas that must be apart are bound together",
            "another group for one of them",
            "\"%.63s\" and what it is bound to can be at no %s", name, level);
    if (fault->members > 1)
        return cli_fail(cli, EXIT_POLICY,
                        "together they want more than any has where they may "
                        "be",
                        "a smaller group, or a larger offer",
                        "\"%.63s\" and the %u bound to it fit no %s", name,
                        fault->members - 1, level);
    return cli_fail(
        cli, EXIT_POLICY, "it wants more than any has where it may be",
        fault->level == CUT_DEVICE ? "--level offer" : "a larger offer",
        "\"%.63s\" fits no %s", name, level);
}

static int cut(struct cli *cli, struct task *task)
{
    struct cut_fault fault;
    enum err err;
    if (task->level == CUT_DEVICE && !task->places.devices)
        return cli_usage(cli, "\"devices: {cores: 8, ...}\" for each offer",
                         "%s: an offer does not say what its devices are",
                         task->path);
    task->cut = (struct cut_case){&task->graph, &task->places,
                                  (2u << (uint32_t)task->level) - 1};
    err = decompose(&task->cut, &task->options, &task->result, &fault);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err == ERR_CAPACITY)
        return refuse(cli, task, &fault);
    CHECK(err == OK);
    err = decompose_check(&task->cut, &task->result);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    CHECK(err == OK);
    return 0;
}

static uint64_t weight_of(const struct cutgraph *graph)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < graph->link_count; i++)
        sum += graph->links[i].weight;
    return sum;
}

/* ---- telling ---- */

static const char *site_name(const struct task *task, uint32_t level,
                             uint32_t home)
{
    return task->sites[level == CUT_SITE ? home : task->places.site_of[home]];
}

static const char *offer_name(const struct task *task, uint32_t home)
{
    return task->offer_names[task->places.told_of[home]];
}

/* "harbour", "alder at harbour". */
static int name_places(struct cli *cli, struct task *task)
{
    const struct decompose_level *own = &task->result.levels[task->level];
    task->places_text = calloc(own->count, sizeof(*task->places_text));
    task->place_names = calloc(own->count, sizeof(*task->place_names));
    if (task->places_text == NULL || task->place_names == NULL)
        return cli_nomem(cli);
    for (uint32_t k = 0; k < own->count; k++) {
        if (task->level == CUT_SITE)
            snprintf(task->places_text[k], PLACE_MAX, "%.63s",
                     site_name(task, CUT_SITE, own->home[k]));
        else
            snprintf(task->places_text[k], PLACE_MAX, "%.63s at %.63s",
                     offer_name(task, own->home[k]),
                     site_name(task, task->level, own->home[k]));
        task->place_names[k] = task->places_text[k];
    }
    return 0;
}

/* What a cluster wants of its place: the sum, or the largest that one of it
 * wants at once. Returns how many are in it. */
static uint32_t wants_of(const struct task *task, uint32_t level, uint32_t k,
                         uint64_t out[RES_COUNT])
{
    const uint32_t *cluster = task->result.levels[level].cluster;
    uint32_t least[RES_COUNT] = {0};
    uint32_t members = 0;
    memset(out, 0, RES_COUNT * sizeof(*out));
    for (uint32_t c = 0; c < task->graph.component_count; c++) {
        const struct cut_component *component = &task->graph.components[c];
        if (cluster[c] != k)
            continue;
        members++;
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            out[r] += component->want.of[r];
            if (component->least.of[r] > least[r])
                least[r] = component->least.of[r];
        }
    }
    for (uint32_t r = 0; r < RES_COUNT; r++)
        out[r] = least[r] > out[r] ? least[r] : out[r];
    return members;
}

static json_t *cluster_json(const struct task *task, uint32_t level, uint32_t k)
{
    const struct decompose_level *own = &task->result.levels[level];
    json_t *members = json_array();
    json_t *object = json_object();
    uint64_t sums[RES_COUNT];
    (void)wants_of(task, level, k, sums);
    for (uint32_t c = 0; c < task->graph.component_count; c++) {
        if (own->cluster[c] != k)
            continue;
        json_array_append_new(members, json_string(task->names[c]));
        if (level > 0 && json_object_get(object, "inside") == NULL)
            json_object_set_new(
                object, "inside",
                json_integer(task->result.levels[level - 1].cluster[c]));
    }
    json_object_set_new(object, "cpu_milli",
                        json_integer((json_int_t)sums[RES_CPU]));
    json_object_set_new(object, "memory_mib",
                        json_integer((json_int_t)sums[RES_MEM]));
    json_object_set_new(object, "disk_mib",
                        json_integer((json_int_t)sums[RES_DISK]));
    json_object_set_new(object, "site",
                        json_string(site_name(task, level, own->home[k])));
    if (level != CUT_SITE)
        json_object_set_new(object, "offer",
                            json_string(offer_name(task, own->home[k])));
    json_object_set_new(object, "components", members);
    return object;
}

static json_t *level_json(const struct task *task, uint32_t level)
{
    const struct decompose_level *own = &task->result.levels[level];
    json_t *clusters = json_array();
    for (uint32_t k = 0; k < own->count; k++)
        json_array_append_new(clusters, cluster_json(task, level, k));
    return json_pack("{s:s, s:I, s:b, s:b, s:o}", "level",
                     cut_level_text((enum cut_level)level), "cut",
                     (json_int_t)own->cut, "acyclic", (int)own->acyclic,
                     "least", (int)own->proven, "clusters", clusters);
}

static int tell_json(struct cli *cli, const struct task *task)
{
    json_t *levels = json_array();
    json_t *all;
    int failed;
    for (uint32_t i = 0; i <= (uint32_t)task->level; i++)
        json_array_append_new(levels, level_json(task, i));
    all = json_pack("{s:s, s:s, s:I, s:I, s:I, s:o}", "title", task->title,
                    "unit", task->unit == DECOMPOSE_KBPS ? "kbit/s" : "bytes",
                    "components", (json_int_t)task->graph.component_count,
                    "links", (json_int_t)task->graph.link_count, "weight",
                    (json_int_t)weight_of(&task->graph), "levels", levels);
    failed = all == NULL ? cli_nomem(cli) : out_json(cli, all);
    json_decref(all);
    return failed;
}

static void tell_levels(struct cli *cli, const struct task *task)
{
    uint64_t all = weight_of(&task->graph);
    if (cli->headers)
        fprintf(cli->out, "%-7s %8s %16s %8s  %-8s %s\n", "LEVEL", "CLUSTERS",
                "CUT", "OF ALL", "ORDER", "LEAST");
    for (uint32_t i = 0; i <= (uint32_t)task->level; i++) {
        const struct decompose_level *own = &task->result.levels[i];
        char weight[DECOMPOSE_WEIGHT_MAX];
        decompose_weight_text(task->unit, own->cut, weight);
        fprintf(cli->out, "%-7s %8u %16s %7.1f%%  %-8s %s\n",
                cut_level_text((enum cut_level)i), own->count, weight,
                all == 0 ? 0 : (double)own->cut * 100 / (double)all,
                own->acyclic ? "acyclic" : "circles",
                own->proven ? "proven" : "not proven");
    }
}

/* At most so many columns of it: its end, for names often begin alike. */
static void tell_name(struct cli *cli, const char *name, size_t columns)
{
    char cut[64];
    size_t len = strlen(name);
    if (len > columns && columns < sizeof(cut)) {
        const char *end = name + len - (columns - 2);
        while (((unsigned char)*end & 0xc0u) == 0x80u)
            end++; /* whole letters */
        snprintf(cut, sizeof(cut), "..%s", end);
        cli_put(cli->out, cut);
        return;
    }
    cli_put(cli->out, name);
}

/* Columns that all names of the cluster would take. */
static size_t names_columns(const struct task *task, uint32_t k)
{
    size_t sum = 0;
    for (uint32_t c = 0; c < task->graph.component_count; c++) {
        if (task->result.levels[task->level].cluster[c] == k)
            sum += strlen(task->names[c]) + 2;
    }
    return sum - 2;
}

/* Names until the line is full, and how many more there are. */
static void tell_members(struct cli *cli, const struct task *task, uint32_t k)
{
    const uint32_t *cluster = task->result.levels[task->level].cluster;
    bool all =
        cli->form == FORM_WIDE || names_columns(task, k) <= NAMES_COLUMNS;
    size_t room = NAMES_COLUMNS - MORE_COLUMNS;
    uint32_t shown = 0;
    uint32_t members = 0;
    for (uint32_t c = 0; c < task->graph.component_count; c++) {
        size_t len = strlen(task->names[c]) + 2;
        if (cluster[c] != k)
            continue;
        members++;
        if (shown + 1 < members || (!all && len > room + 2 && shown > 0))
            continue;
        if (shown++ > 0)
            fputs(", ", cli->out);
        tell_name(cli, task->names[c],
                  all ? SIZE_MAX : NAMES_COLUMNS - MORE_COLUMNS);
        room -= len < room ? len : room;
    }
    if (members > shown)
        fprintf(cli->out, " and %u more", members - shown);
    fputc('\n', cli->out);
}

static void tell_clusters(struct cli *cli, const struct task *task)
{
    const struct decompose_level *own = &task->result.levels[task->level];
    if (cli->headers)
        fprintf(cli->out, "\n%7s %5s %7s %8s  %-17s %s\n", "CLUSTER", "PARTS",
                "CORES", "MEMORY", "FITS", "COMPONENTS");
    for (uint32_t k = 0; k < own->count; k++) {
        uint64_t wants[RES_COUNT];
        char mib[UNIT_TEXT_MAX];
        uint32_t members = wants_of(task, task->level, k, wants);
        size_t len = strlen(task->place_names[k]);
        unit_format_mib(wants[RES_MEM], mib);
        fprintf(cli->out, "%7u %5u %7.1f %8s  ", k, members,
                (double)wants[RES_CPU] / 1000, mib);
        tell_name(cli, task->place_names[k],
                  cli->form == FORM_WIDE ? SIZE_MAX : PLACE_COLUMNS);
        fprintf(cli->out, "%*s",
                len < PLACE_COLUMNS ? (int)(PLACE_COLUMNS + 1 - len) : 1, "");
        tell_members(cli, task, k);
    }
}

static int draw(struct cli *cli, const struct task *task, const char *path,
                void (*picture)(const struct decompose_picture *, struct buf *))
{
    struct decompose_picture p = {
        task->title,   task->names, task->place_names, &task->graph,
        &task->result, task->level, task->unit};
    struct buf text;
    int failed;
    buf_init(&text, PICTURE_BYTES_MAX);
    picture(&p, &text);
    if (text.err == ERR_TOO_LARGE)
        failed = cli_fail(cli, EXIT_FAILED, "it has more than 64 MiB", "--json",
                          "the picture is too large");
    else if (text.err != OK)
        failed = cli_nomem(cli);
    else
        failed = textfile_write(cli, path, "the picture", buf_bytes(&text));
    buf_done(&text);
    return failed;
}

static int tell(struct cli *cli, const struct task *task)
{
    bool drawn = false;
    int failed = 0;
    if (task->dot != NULL) {
        drawn = is_standard(task->dot);
        failed = draw(cli, task, task->dot, decompose_draw_dot);
    }
    if (!failed && task->svg != NULL) {
        drawn = drawn || is_standard(task->svg);
        failed = draw(cli, task, task->svg, decompose_draw_svg);
    }
    if (failed || drawn)
        return failed;
    if (cli->form == FORM_JSON)
        return tell_json(cli, task);
    tell_levels(cli, task);
    tell_clusters(cli, task);
    return out_flush(cli);
}

static void task_done(struct task *task)
{
    decomposition_done(&task->result);
    cutgraph_done(&task->graph); /* of a file: its own */
    if (task->file != NULL)
        free(task->names);
    free(task->file);
    free(task->offers);
    free(task->places_text);
    free(task->place_names);
    wfformat_done(&task->wf);
}

int verb_sched_decompose(struct cli *cli, const struct args *args)
{
    struct task task = {0};
    int failed = read_options(cli, args, &task);
    if (!failed)
        failed = task.offers_path == NULL ? read_components(cli, &task)
                                          : read_workflow(cli, &task);
    if (!failed)
        failed = cut(cli, &task);
    if (!failed)
        failed = name_places(cli, &task);
    if (!failed)
        failed = tell(cli, &task);
    task_done(&task);
    return failed;
}
