/* suan sched select: which instance of a service a new flow goes to, and why.
 */

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/servicefile.h"
#include "cli/file/textfile.h"
#include "cli/unit.h"
#include "cli/verb/verbs.h"
#include "cli/view/view.h"

#define FLOWS_DEFAULT 100u
#define FLOWS_MOST    1000000u

/* What is told of one instance. */
struct line {
    const char *name; /* lent */
    enum select_why why;
    struct select_cost cost;
    uint32_t flows; /* of the next ones */
};

struct answer {
    struct line lines[SERVICE_INSTANCES_MAX];
    uint32_t count;
    uint32_t flows;
};

static const struct service_id service_id = {{0}};

/* ---- asking ---- */

static void judge(const struct servicefile *file,
                  const struct service_table *table,
                  const struct select_rules *rules, struct answer *a)
{
    const struct service *s = service_find(table, &service_id);
    CHECK(s != NULL && s->count == file->count);
    a->count = s->count;
    for (uint32_t i = 0; i < s->count; i++) {
        const struct service_instance *x = service_at(table, s, i);
        uint32_t n = u32le_get(x->told.instance.b);
        struct line *line = &a->lines[n];
        *line = (struct line){.name = file->instances[n].name};
        line->why = select_judge(table, x, rules, 0, &line->cost);
    }
}

/* Sends the next flows, none of which ends. */
static enum err send(struct service_table *table,
                     const struct select_rules *rules, uint64_t seed,
                     struct answer *a)
{
    struct dice dice;
    dice_init(&dice, seed);
    for (uint32_t i = 0; i < a->flows; i++) {
        struct select_choice c;
        TRY(select_instance(table, &service_id, rules, dice_next(&dice), 0,
                            &dice, &c));
        service_begin(table, c.ref);
        a->lines[u32le_get(c.instance->told.instance.b)].flows++;
    }
    return OK;
}

static int compare(const void *left, const void *right)
{
    const struct line *a = left;
    const struct line *b = right;
    int order;
    if (a->why != b->why)
        return a->why < b->why ? -1 : 1;
    order = select_compare(&a->cost, &b->cost);
    return order != 0 ? order : strcmp(a->name, b->name);
}

/* ---- telling ---- */

static const char *why_text(const struct line *line)
{
    if (line->why != SELECT_FITS)
        return select_why_text(line->why);
    if (line->cost.tier == 1)
        return "only a score is known";
    return line->cost.tier == 2 ? "delay not known" : "";
}

static int tell_json(struct cli *cli, const struct answer *a)
{
    json_t *list = json_array();
    json_t *object;
    int failed;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct line *l = &a->lines[i];
        json_t *o = json_pack("{s:s, s:b, s:s, s:I}", "name", l->name, "may",
                              l->why == SELECT_FITS, "why", why_text(l),
                              "flows", (json_int_t)l->flows);
        if (o != NULL && l->cost.tier == 0 && l->why != SELECT_NOT_KNOWN) {
            json_object_set_new(o, "delay_us",
                                json_integer((json_int_t)l->cost.key));
            json_object_set_new(o, "way_us",
                                json_integer((json_int_t)l->cost.path_us));
            json_object_set_new(o, "service_us",
                                json_integer((json_int_t)l->cost.service_us));
            json_object_set_new(o, "wait_us",
                                json_integer((json_int_t)l->cost.wait_us));
        }
        json_array_append_new(list, o);
    }
    object = json_pack("{s:s, s:I, s:o}", "choice", a->lines[0].name, "flows",
                       (json_int_t)a->flows, "instances", list);
    failed = object == NULL ? cli_nomem(cli) : out_json(cli, object);
    json_decref(object);
    return failed;
}

static void tell_line(struct cli *cli, const struct line *l)
{
    if (l->cost.tier == 0 && l->why != SELECT_NOT_KNOWN)
        fprintf(cli->out,
                "%10" PRIu64 " %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %7" PRIu32
                "  ",
                l->cost.key, l->cost.path_us, l->cost.service_us,
                l->cost.wait_us, l->flows);
    else
        fprintf(cli->out, "%10s %9s %9s %9s %7" PRIu32 "  ", "-", "-", "-", "-",
                l->flows);
    cli_put(cli->out, l->name);
    if (why_text(l)[0] != '\0')
        fprintf(cli->out, ": %s", why_text(l));
    fputc('\n', cli->out);
}

static int tell(struct cli *cli, const struct answer *a)
{
    if (cli->headers)
        fprintf(cli->out, "%10s %9s %9s %9s %7s  %s\n", "DELAY us", "WAY",
                "SERVICE", "WAIT", "FLOWS", "INSTANCE");
    for (uint32_t i = 0; i < a->count; i++)
        tell_line(cli, &a->lines[i]);
    return out_flush(cli);
}

static int answer(struct cli *cli, const struct servicefile *file,
                  uint64_t seed, struct answer *a)
{
    uint8_t key[SHORT_HASH_KEY_LEN] = {0};
    struct service_table table;
    struct select_rules rules;
    enum err err = servicefile_tell(file, &table);
    if (err != OK)
        return cli_nomem(cli);
    u64le_put(key, seed);
    select_rules_init(&rules, key);
    rules.peers = file->peers;
    rules.delay_us = file->delay_us;
    judge(file, &table, &rules, a);
    err = send(&table, &rules, seed, a);
    service_table_done(&table);
    qsort(a->lines, a->count, sizeof(a->lines[0]), compare);
    /* Later flows may find the bound used up; the first one may not. */
    if (a->lines[0].why != SELECT_FITS)
        return cli_fail(cli, EXIT_POLICY, select_why_text(a->lines[0].why),
                        "a higher delay_us, or none",
                        "no instance may take the flow");
    CHECK(err == OK || err == ERR_CAPACITY);
    return cli->form == FORM_JSON ? tell_json(cli, a) : tell(cli, a);
}

static int read_number(struct cli *cli, const struct args *args,
                       const char *option, uint64_t most, uint64_t *out)
{
    const char *text = args_text(args, option, NULL);
    if (text != NULL && unit_parse_count(text, 0, most, out) != OK)
        return cli_usage(cli, "suan sched select --help",
                         "--%s: \"%.40s\" is not a whole number up to %" PRIu64,
                         option, text, most);
    return 0;
}

static int read_file(struct cli *cli, const char *path,
                     struct servicefile *file)
{
    char error[YAMLFILE_ERROR_MAX];
    struct buf text;
    enum err err = OK;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, path, "the service's file", &text);
    if (!failed)
        err = servicefile_parse(buf_bytes(&text), path, file, error);
    buf_done(&text);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err != OK)
        return cli_usage(cli, "suan sched select --help", "%s", error);
    return failed;
}

int verb_sched_select(struct cli *cli, const struct args *args)
{
    uint64_t flows = FLOWS_DEFAULT;
    uint64_t seed = 1;
    struct servicefile *file = NULL;
    struct answer *a = NULL;
    int failed = read_number(cli, args, "flows", FLOWS_MOST, &flows);
    if (!failed)
        failed = read_number(cli, args, "seed", UINT64_MAX, &seed);
    if (failed)
        return failed;
    file = malloc(sizeof(*file));
    a = calloc(1, sizeof(*a));
    if (file == NULL || a == NULL) {
        failed = cli_nomem(cli);
        goto out;
    }
    a->flows = (uint32_t)flows;
    failed = read_file(cli, args_operand(args, 0), file);
    if (!failed)
        failed = answer(cli, file, seed, a);
out:
    free(a);
    free(file);
    return failed;
}
