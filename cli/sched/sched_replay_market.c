/* suan sched replay --format market: the same recorded market under each
 * policy. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/file/policyfile.h"
#include "cli/sched/sched_replay.h"
#include "cli/file/tapefile.h"
#include "cli/file/textfile.h"
#include "cli/unit.h"
#include "cli/view/view.h"

#define POLICIES 16u

struct question {
    struct tape tape;
    struct policy_object policies[POLICIES];
    size_t count;
    uint64_t seed;
};

static int read_tape(struct cli *cli, const struct args *args,
                     struct question *q)
{
    const char *path = args_text(args, "log", NULL);
    char error[TAPEFILE_ERROR_MAX] = "";
    struct buf text;
    enum err err;
    int failed;
    if (path == NULL)
        return cli_usage(cli, "--log FILE, as suan market record writes it",
                         "--log names the recorded market");
    buf_init(&text, TAPEFILE_BYTES_MAX);
    failed = textfile_read(cli, path, "the recorded market", &text);
    if (failed) {
        buf_done(&text);
        return failed;
    }
    err = tapefile_parse(buf_bytes(&text), path, &q->tape, error);
    buf_done(&text);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    return err == OK
               ? 0
               : cli_usage(cli, "docs/policies.md has the format", "%s", error);
}

static int read_policy_file(struct cli *cli, const char *path,
                            struct policy_object *out)
{
    char error[YAMLFILE_ERROR_MAX];
    struct buf text;
    enum err err;
    int failed;
    buf_init(&text, YAMLFILE_BYTES_MAX);
    failed = textfile_read(cli, path, "the policy", &text);
    err = failed ? OK : policyfile_parse(buf_bytes(&text), path, out, error);
    buf_done(&text);
    if (failed)
        return failed;
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err != OK)
        return cli_usage(cli, "suan policy set --help", "%s", error);
    if (out->name[0] == '\0') {
        const char *slash = strrchr(path, '/');
        snprintf(out->name, sizeof(out->name), "%.*s", (int)LIMIT_NAME - 1,
                 slash != NULL ? slash + 1 : path);
    }
    return 0;
}

/* "recorded", a policy by itself, or a file. */
static int read_policy(struct cli *cli, const char *text,
                       struct policy_object *out)
{
    *out = (struct policy_object){.enabled = true};
    if (strcmp(text, "recorded") == 0) {
        memcpy(out->name, "recorded", sizeof("recorded"));
        return 0;
    }
    if (policy_object_builtin(text, out) == OK)
        return 0;
    if (strcmp(text, "composite") == 0)
        return cli_usage(cli,
                         "a file: kind: composite, weight: {price: 2, "
                         "rtt: 1}",
                         "--policy composite needs weights");
    return read_policy_file(cli, text, out);
}

static int read_policies(struct cli *cli, const struct args *args,
                         struct question *q)
{
    const char *text;
    int failed = 0;
    for (size_t i = 0; !failed && (text = args_nth(args, "policy", i)) != NULL;
         i++) {
        if (i == POLICIES)
            return cli_usage(cli, "fewer of them",
                             "more than %u policies are compared", POLICIES);
        failed = read_policy(cli, text, &q->policies[q->count++]);
    }
    if (!failed && q->count == 0)
        failed = read_policy(cli, "recorded", &q->policies[q->count++]);
    return failed;
}

static int play(struct cli *cli, const struct question *q, size_t i,
                json_t *rows)
{
    const struct policy_object *object = &q->policies[i];
    struct tape_policy policy = {object->policy, object->terms};
    struct tape_result result;
    enum err err =
        tape_play(&q->tape, object->policy == (enum policy)0 ? NULL : &policy,
                  q->seed, &result);
    if (err == ERR_NOMEM)
        return cli_nomem(cli);
    if (err != OK)
        return cli_fail_err(cli, err, "fewer copies",
                            "the market under %s cannot be played",
                            object->name);
    json_array_append_new(rows, tapefile_result_json(object->name, &result));
    return 0;
}

int sched_replay_market(struct cli *cli, const struct args *args)
{
    struct question *q = calloc(1, sizeof(*q));
    const char *seed = args_text(args, "seed", NULL);
    json_t *rows = json_array();
    json_t *answer;
    int failed = 0;
    if (q == NULL)
        return cli_nomem(cli);
    tape_init(&q->tape);
    if (seed != NULL && unit_parse_count(seed, 0, UINT32_MAX, &q->seed) != OK)
        failed =
            cli_usage(cli, "--seed 7", "--seed \"%.20s\" is no number", seed);
    if (!failed)
        failed = read_policies(cli, args, q);
    if (!failed)
        failed = read_tape(cli, args, q);
    for (size_t i = 0; !failed && i < q->count; i++)
        failed = play(cli, q, i, rows);
    answer =
        json_pack("{s:i, s:i, s:I, s:O}", "offers", (int)q->tape.offer_count,
                  "requests", (int)q->tape.request_count, "seed",
                  (json_int_t)q->seed, "policies", rows);
    if (!failed)
        failed = view_print(cli, &view_replay_market, answer);
    json_decref(answer);
    json_decref(rows);
    tape_done(&q->tape);
    free(q);
    return failed;
}
