#include "sched/lab/train.h"

#include "base/check.h"
#include "sched/lab/train_world.h"
#include "sched/learn/adam.h"

#include <stdlib.h>
#include <string.h>

#define TRIES        TRAIN_TRIES
#define TRY_REQUESTS 500u
#define AT_A_TIME    4u /* worlds that look between two words */
#define AT_ONCE                                                                \
    8u /* moments of a world in a step of reinforcement: its                   \
          gradients are mostly chance */
#define NORM_MAX       5.0f
#define IMITATE_RATE   4e-3
#define REINFORCE_RATE 3e-4
#define RATE_LAST      0.1                 /* of these, in the end */
#define MEMORY_MAX     ((size_t)768 << 20) /* of all moments */

/* Seeds of worlds for choosing and of unseen ones: far from those learned on,
 * and from small ones that people use. */
#define SEED_TRIES  (UINT64_C(1) << 24)
#define SEED_UNSEEN (UINT64_C(1) << 25)

const struct train_options train_options_default = {.name = "",
                                                    .worlds = 16,
                                                    .moments = 512,
                                                    .epochs = 8,
                                                    .chapters = 4,
                                                    .starts = 3,
                                                    .unseen = 10};

/* One replay under the network and one under the incumbent. */
struct judged {
    uint64_t seed;
    uint32_t graph;
    uint32_t starts;
    uint32_t accepted;
    uint32_t incumbent;
    bool both;
    enum err err;
};

struct train {
    struct train_options options; /* moments as memory allows */
    struct world *worlds;
    struct adam adam;
    struct ranknet net;
    struct ranknet best;
    struct ranknet gradient;
    int64_t best_accepted; /* of the tries; -1: none yet */
    uint32_t tries_incumbent;
    uint32_t at;      /* the first moment of the running step, */
    uint32_t at_once; /* and how many */
    bool imitate;
    uint32_t round;
    uint32_t from; /* the first world of those that look */
    struct judged *judged;
};

static void run_each(const struct train *t, uint32_t count,
                     void (*work)(void *arg, uint32_t i), void *arg)
{
    if (t->options.each != NULL) {
        t->options.each(t->options.context, count, work, arg);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        work(arg, i);
}

static enum err say(const struct train *t, const struct train_word *word)
{
    if (t->options.told == NULL || t->options.told(t->options.context, word))
        return OK;
    return ERR_CANCELLED;
}

/* Where it stands. */
static enum err tell(const struct train *t, enum train_phase phase,
                     uint32_t done, uint32_t of, double loss)
{
    struct train_word word = {phase, done, of, false, loss, -1, -1};
    return say(t, &word);
}

/* ---- looking ---- */

static void work_look(void *arg, uint32_t i)
{
    struct train *t = arg;
    world_look(&t->worlds[t->from + i], t->imitate, t->round);
}

static enum err worlds_err(const struct train *t)
{
    for (uint32_t i = 0; i < t->options.worlds; i++)
        TRY(t->worlds[i].err);
    return OK;
}

static enum err look(struct train *t, bool imitate, uint32_t round)
{
    uint32_t worlds = t->options.worlds;
    t->imitate = imitate;
    t->round = round;
    for (t->from = 0; t->from < worlds; t->from += AT_A_TIME) {
        uint32_t left = worlds - t->from;
        TRY(tell(t, TRAIN_LOOK, t->from, worlds, 0));
        run_each(t, left < AT_A_TIME ? left : AT_A_TIME, work_look, t);
    }
    return worlds_err(t);
}

/* ---- steps ---- */

static void work_step(void *arg, uint32_t i)
{
    struct train *t = arg;
    struct world *w = &t->worlds[i];
    for (uint32_t k = 0; k < t->at_once; k++) {
        if (t->imitate)
            world_imitate(w, t->at + k);
        else
            world_reinforce(w, t->at + k);
    }
}

/* One step: moments of each world, their gradients added in order. */
static void step(struct train *t, double rate, double *loss, double *counted)
{
    uint32_t count = 0;
    memset(&t->gradient, 0, sizeof(t->gradient));
    for (uint32_t i = 0; i < t->options.worlds; i++)
        world_begin(&t->worlds[i]);
    run_each(t, t->options.worlds, work_step, t);
    for (uint32_t i = 0; i < t->options.worlds; i++) {
        const struct world *w = &t->worlds[i];
        for (uint32_t k = 0; k < RANKNET_WEIGHTS; k++)
            t->gradient.w[k] += w->gradient.w[k];
        count += w->counted;
        *loss += w->loss;
    }
    *counted += count;
    for (uint32_t k = 0; k < RANKNET_WEIGHTS && count > 0; k++)
        t->gradient.w[k] /= (float)count;
    if (count > 0)
        adam_step(&t->adam, t->gradient.w, (float)rate, NORM_MAX, t->net.w);
}

static uint32_t moments_most(const struct train *t)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < t->options.worlds; i++)
        if (t->worlds[i].moment_count > most)
            most = t->worlds[i].moment_count;
    return most;
}

/* Once through the moments; the rate falls from `from` to `to`. */
static enum err pass(struct train *t, enum train_phase phase, uint32_t done,
                     uint32_t of, double from, double to)
{
    struct train_word word = {phase, done + 1, of, true, 0, -1, -1};
    uint32_t moments = moments_most(t);
    double loss = 0;
    double counted = 0;
    t->imitate = phase == TRAIN_IMITATE;
    for (uint32_t i = 0; i < t->options.worlds; i++)
        world_shuffle(&t->worlds[i]);
    t->at_once = t->imitate ? 1 : AT_ONCE;
    for (t->at = 0; t->at < moments; t->at += t->at_once) {
        step(t, from + (to - from) * t->at / moments, &loss, &counted);
        if (t->at % 64 >= 64 - t->at_once)
            TRY(tell(t, phase, done, of, counted > 0 ? loss / counted : 0));
    }
    TRY(worlds_err(t));
    word.loss = counted > 0 ? loss / counted : 0;
    return say(t, &word);
}

/* ---- trying ---- */

static void work_judge(void *arg, uint32_t i)
{
    struct train *t = arg;
    struct judged *j = &t->judged[i];
    j->err = world_trial(&t->options, &t->net, j->seed, j->graph, j->starts,
                         &j->accepted);
    if (j->err == OK && j->both)
        j->err = world_trial(&t->options, NULL, j->seed, j->graph, j->starts,
                             &j->incumbent);
}

/* The network as it is now on the worlds kept for choosing. */
static enum err choose(struct train *t, enum train_phase phase, uint32_t done,
                       uint32_t of)
{
    struct train_word word = {phase, done, of, true, 0, 0, 0};
    struct judged judged[TRIES];
    uint32_t requests = t->options.workload.requests;
    uint32_t tried = requests < TRY_REQUESTS ? requests : TRY_REQUESTS;
    int64_t accepted = 0;
    bool both = t->best_accepted < 0;
    for (uint32_t i = 0; i < TRIES; i++)
        judged[i] = (struct judged){
            .seed = ((t->options.workload.seed + 1) << 32) + SEED_TRIES + i,
            .graph = i,
            .starts = t->options.starts,
            .both = both};
    t->judged = judged;
    t->options.workload.requests = tried;
    run_each(t, TRIES, work_judge, t);
    t->options.workload.requests = requests;
    t->judged = NULL;
    for (uint32_t i = 0; i < TRIES; i++) {
        TRY(judged[i].err);
        accepted += judged[i].accepted;
        t->tries_incumbent += both ? judged[i].incumbent : 0;
    }
    if (accepted > t->best_accepted) {
        t->best = t->net;
        t->best_accepted = accepted;
    }
    word.share = (double)accepted / ((double)TRIES * tried);
    word.against = (double)t->tries_incumbent / ((double)TRIES * tried);
    return say(t, &word);
}

static enum err imitate(struct train *t)
{
    uint32_t epochs = t->options.epochs;
    double fall = epochs > 0 ? IMITATE_RATE * (1 - RATE_LAST) / epochs : 0;
    TRY(look(t, true, 0));
    for (uint32_t e = 0; e < epochs; e++)
        TRY(pass(t, TRAIN_IMITATE, e, epochs, IMITATE_RATE - fall * e,
                 IMITATE_RATE - fall * (e + 1)));
    return choose(t, TRAIN_IMITATE, epochs, epochs);
}

static enum err reinforce(struct train *t)
{
    uint32_t chapters = t->options.chapters;
    double fall =
        chapters > 0 ? REINFORCE_RATE * (1 - RATE_LAST) / chapters : 0;
    for (uint32_t c = 0; c < chapters; c++) {
        TRY(look(t, false, c + 1));
        TRY(pass(t, TRAIN_REINFORCE, c, chapters, REINFORCE_RATE - fall * c,
                 REINFORCE_RATE - fall * (c + 1)));
        TRY(choose(t, TRAIN_REINFORCE, c + 1, chapters));
    }
    return OK;
}

/* ---- judging ---- */

static uint32_t trials_make(uint32_t starts, struct rankmodel_trial *out)
{
    const uint32_t usual[] = {1, 2, 3, 5, 10};
    uint32_t count = 0;
    bool own = false;
    for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (!own && starts <= usual[i]) {
            own = true;
            if (starts < usual[i])
                out[count++] = (struct rankmodel_trial){.starts = starts};
        }
        out[count++] = (struct rankmodel_trial){.starts = usual[i]};
    }
    if (!own)
        out[count++] = (struct rankmodel_trial){.starts = starts};
    return count;
}

static enum err judge_trial(struct train *t, uint32_t done, uint32_t of,
                            struct rankmodel_trial *trial)
{
    uint32_t unseen = t->options.unseen;
    double requests = (double)t->options.workload.requests * unseen;
    struct train_word word = {TRAIN_JUDGE, done, of, true, trial->starts, 0, 0};
    for (uint32_t i = 0; i < unseen; i++)
        t->judged[i] = (struct judged){
            .seed = ((t->options.workload.seed + 1) << 32) + SEED_UNSEEN + i,
            .graph = i,
            .starts = trial->starts,
            .both = true};
    run_each(t, unseen, work_judge, t);
    for (uint32_t i = 0; i < unseen; i++) {
        TRY(t->judged[i].err);
        trial->accepted += t->judged[i].accepted;
        trial->incumbent += t->judged[i].incumbent;
    }
    word.share = (double)trial->accepted / requests;
    word.against = (double)trial->incumbent / requests;
    return say(t, &word);
}

static enum err judge(struct train *t, struct rankmodel *model)
{
    enum err err = OK;
    model->trial_count = trials_make(t->options.starts, model->trials);
    t->judged = calloc(t->options.unseen, sizeof(*t->judged));
    if (t->judged == NULL)
        return ERR_NOMEM;
    t->net = t->best;
    for (uint32_t i = 0; err == OK && i < model->trial_count; i++)
        err = judge_trial(t, i + 1, model->trial_count, &model->trials[i]);
    free(t->judged);
    t->judged = NULL;
    return err;
}

/* ---- all of it ---- */

static enum err options_check(const struct train_options *o)
{
    if (o->graph_count < 1 || o->graph_count > TRAIN_GRAPHS_MAX ||
        o->worlds < 1 || o->worlds > TRAIN_WORLDS_MAX || o->moments < 1 ||
        o->moments > TRAIN_MOMENTS_MAX || o->epochs > 1000 ||
        o->chapters > 1000 || o->starts < 1 || o->starts > TOPOLOGY_NODES_MAX ||
        o->unseen < 1 || o->unseen > 1000)
        return ERR_RANGE;
    for (uint32_t i = 0; i < o->graph_count; i++)
        if (o->graphs[i]->node_count < 1 ||
            o->graphs[i]->node_count > TOPOLOGY_NODES_MAX)
            return ERR_RANGE;
    return OK;
}

static enum err worlds_make(struct train *t)
{
    size_t bytes = 0;
    t->worlds = calloc(t->options.worlds, sizeof(*t->worlds));
    if (t->worlds == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < t->options.worlds; i++) {
        TRY(world_init(&t->worlds[i], &t->options, &t->net, i));
        bytes += moment_bytes(&t->worlds[i].topology);
    }
    if (bytes * t->options.moments > MEMORY_MAX)
        t->options.moments = (uint32_t)(MEMORY_MAX / bytes);
    return t->options.moments > 0 ? OK : ERR_NOMEM;
}

static void train_free(struct train *t)
{
    for (uint32_t i = 0; t->worlds != NULL && i < t->options.worlds; i++)
        world_done(&t->worlds[i]);
    free(t->worlds);
    adam_done(&t->adam);
    free(t);
}

static enum err write_model(struct train *t, struct rankmodel *out)
{
    const struct topology *first = &t->worlds[0].topology;
    struct rankmodel *m = calloc(1, sizeof(*m));
    enum err err;
    if (m == NULL)
        return ERR_NOMEM;
    err = judge(t, m);
    if (err == OK) {
        m->net = t->best;
        memcpy(m->topology, t->options.name,
               strnlen(t->options.name, RANKMODEL_NAME_MAX - 1));
        m->nodes = first->node_count;
        m->links = first->link_count;
        m->rate_millionth = (uint64_t)(t->options.workload.rate * 1e6 + 0.5);
        m->seed = t->options.workload.seed;
        m->requests =
            (uint64_t)t->options.workload.requests * t->options.unseen;
        m->starts = t->options.starts;
        *out = *m;
    }
    free(m);
    return err;
}

enum err train(const struct train_options *options, struct rankmodel *out)
{
    struct train *t;
    struct dice dice;
    enum err err;
    TRY(options_check(options));
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return ERR_NOMEM;
    t->options = *options;
    t->best_accepted = -1;
    dice_init(&dice, options->workload.seed ^ UINT64_C(0x77656967687473));
    ranknet_draw(&t->net, &dice);
    err = adam_init(&t->adam, RANKNET_WEIGHTS);
    if (err == OK)
        err = worlds_make(t);
    if (err == OK)
        err = imitate(t);
    if (err == OK)
        err = reinforce(t);
    if (err == OK)
        err = write_model(t, out);
    train_free(t);
    return err;
}
