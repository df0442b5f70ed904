#include "sched/lab/train.h"

#include "sched/lab/train_moment.h"
#include "sched/lab/train_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A clique of four, 0 to 3, and a star about 4 that has far more bandwidth
 * around it: who looks at that alone starts in the star. */
static const char clique_and_star[] =
    "graph [ node [ id 0 ] node [ id 1 ] node [ id 2 ] node [ id 3 ]\n"
    "node [ id 4 ] node [ id 5 ] node [ id 6 ] node [ id 7 ] node [ id 8 ]\n"
    "node [ id 9 ] node [ id 10 ] node [ id 11 ] node [ id 12 ]\n"
    "edge [ source 0 target 1 ] edge [ source 0 target 2 ]\n"
    "edge [ source 0 target 3 ] edge [ source 1 target 2 ]\n"
    "edge [ source 1 target 3 ] edge [ source 2 target 3 ]\n"
    "edge [ source 4 target 5 ] edge [ source 4 target 6 ]\n"
    "edge [ source 4 target 7 ] edge [ source 4 target 8 ]\n"
    "edge [ source 4 target 9 ] edge [ source 4 target 10 ]\n"
    "edge [ source 4 target 11 ] edge [ source 4 target 12 ]\n"
    "edge [ source 3 target 5 ] ]";

static struct gml gml;
static const struct gml *graphs[1] = {&gml};
static struct rankmodel model;
static struct rankmodel again;
static struct topology topology;

/* What the trainer said. */
static struct train_word words[4096];
static uint32_t word_count;
static uint32_t stop_after;

static bool told(void *context, const struct train_word *word)
{
    (void)context;
    assert_true(word_count < 4096);
    words[word_count++] = *word;
    return word_count < stop_after;
}

/* Jobs of four components, all joined: a clique is what they want. */
static struct train_options tiny(void)
{
    struct train_options options = train_options_default;
    options.graphs = graphs;
    options.graph_count = 1;
    options.name = "clique and star";
    options.workload = embed_workload_virne;
    options.workload.rate = 0.002;
    options.workload.requests = 60;
    options.workload.size_min = 4;
    options.workload.size_max = 4;
    options.workload.edge_permille = 1000;
    options.workload.link_max = 20;
    options.worlds = 4;
    options.moments = 24;
    options.epochs = 12;
    options.chapters = 1;
    options.starts = 1;
    options.unseen = 2;
    options.told = told;
    word_count = 0;
    stop_after = UINT32_MAX;
    return options;
}

static void draw_topology(uint64_t seed)
{
    struct dice dice;
    embed_topology_dice(seed, &dice);
    assert_int_equal(embed_topology(&gml, 50, 100, &dice, &topology), OK);
}

static void what_is_plainly_best_is_learned(void **state)
{
    struct train_options options = tiny();
    const struct train_word *first = NULL;
    const struct train_word *last = NULL;
    struct job_graph job;
    struct dice dice;
    (void)state;
    assert_int_equal(train(&options, &model), OK);
    for (uint32_t i = 0; i < word_count; i++)
        if (words[i].phase == TRAIN_IMITATE && words[i].share < 0) {
            first = first == NULL ? &words[i] : first;
            last = &words[i];
        }
    assert_non_null(last);
    assert_true(last->loss < first->loss / 2);
    dice_init(&dice, 99);
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct ranker *ranker;
        struct embed *embed;
        uint16_t order[16];
        uint16_t incumbent[16];
        draw_topology(seed);
        embed_request(&options.workload, &dice, &job);
        assert_int_equal(embed_new(&topology, &embed), OK);
        assert_int_equal(ranker_new(&model.net, &topology, &ranker), OK);
        assert_true(ranker_rank(ranker, &job, embed_first(embed, &job), order) >
                    4);
        embed_starts(embed, incumbent);
        assert_int_equal(incumbent[0], 4);
        assert_in_range(order[0], 0, 3);
        ranker_free(ranker);
        embed_free(embed);
        topology_done(&topology);
    }
}

static struct buf encoded(const struct train_options *options)
{
    struct buf bytes;
    assert_int_equal(train(options, &again), OK);
    buf_init(&bytes, RANKMODEL_BYTES_MAX);
    rankmodel_encode(&again, &bytes);
    assert_int_equal(bytes.err, OK);
    return bytes;
}

/* The last first: as other threads might. */
static void backwards(void *context, uint32_t count,
                      void (*work)(void *arg, uint32_t i), void *arg)
{
    (void)context;
    while (count > 0)
        work(arg, --count);
}

static void two_trainings_write_the_same_bytes(void **state)
{
    struct train_options options = tiny();
    struct buf one;
    struct buf two;
    struct buf other;
    (void)state;
    options.epochs = 2;
    one = encoded(&options);
    options.each = backwards;
    two = encoded(&options);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    options.workload.seed = 1;
    other = encoded(&options);
    assert_false(bytes_equal(buf_bytes(&one), buf_bytes(&other)));
    buf_done(&one);
    buf_done(&two);
    buf_done(&other);
}

static void what_is_said_of_the_model_is_so(void **state)
{
    struct train_options options = tiny();
    uint32_t accepted = 0;
    uint32_t incumbent = 0;
    const struct train_word *last;
    (void)state;
    options.epochs = 3;
    assert_int_equal(train(&options, &model), OK);
    assert_int_equal(model.requests, 120);
    assert_int_equal(model.nodes, 13);
    assert_int_equal(model.trial_count, 5);
    assert_string_equal(model.topology, "clique and star");
    for (uint32_t i = 0; i < 2; i++) {
        uint64_t seed = (UINT64_C(1) << 32) + (UINT64_C(1) << 25) + i;
        uint32_t count;
        assert_int_equal(world_trial(&options, &model.net, seed, 0, 1, &count),
                         OK);
        accepted += count;
        assert_int_equal(world_trial(&options, NULL, seed, 0, 1, &count), OK);
        incumbent += count;
    }
    assert_int_equal(model.trials[0].starts, 1);
    assert_int_equal(model.trials[0].accepted, accepted);
    assert_int_equal(model.trials[0].incumbent, incumbent);
    last = &words[word_count - 1];
    assert_true(last->phase == TRAIN_JUDGE && last->done == last->of);
}

static void it_stops_when_told_to(void **state)
{
    struct train_options options = tiny();
    (void)state;
    assert_int_equal(train(&options, &model), OK);
    for (uint32_t at = 1; at < word_count; at += word_count / 5) {
        options = tiny();
        stop_after = at;
        memset(&again, 0x55, sizeof(again));
        assert_int_equal(train(&options, &again), ERR_CANCELLED);
        assert_int_equal(word_count, at);
        assert_int_equal(again.nodes, 0x55555555);
    }
}

static void options_outside_their_bounds_are_refused(void **state)
{
    struct train_options options = tiny();
    (void)state;
    options.worlds = 0;
    assert_int_equal(train(&options, &model), ERR_RANGE);
    options = tiny();
    options.starts = 0;
    assert_int_equal(train(&options, &model), ERR_RANGE);
    options = tiny();
    options.unseen = 1001;
    assert_int_equal(train(&options, &model), ERR_RANGE);
    options = tiny();
    options.graph_count = 0;
    assert_int_equal(train(&options, &model), ERR_RANGE);
    options = tiny();
    options.workload.rate = 0;
    assert_int_equal(train(&options, &model), ERR_RANGE);
}

/* ---- moments ---- */

static void a_moment_is_kept_whole(void **state)
{
    struct moment moment;
    static struct job_graph job;
    static struct job_graph back;
    struct embed_workload workload = embed_workload_virne;
    struct dice dice;
    (void)state;
    dice_init(&dice, 3);
    draw_topology(3);
    embed_request(&workload, &dice, &job);
    topology.nodes[2].used.of[RES_CPU] = 7000;
    topology.links[5].used_kbps = 12345;
    assert_int_equal(moment_keep(&topology, &job, 1, &moment), OK);
    moment_clear(&topology);
    assert_int_equal(topology.nodes[2].used.of[RES_CPU], 0);
    job_graph_init(&back);
    moment_set(&moment, &topology, &back);
    assert_int_equal(topology.nodes[2].used.of[RES_CPU], 7000);
    assert_int_equal(topology.links[5].used_kbps, 12345);
    assert_int_equal(back.component_count, job.component_count);
    assert_memory_equal(back.components, job.components,
                        job.component_count * sizeof(job.components[0]));
    assert_memory_equal(back.links, job.links,
                        job.link_count * sizeof(job.links[0]));
    assert_true(back.alone);
    moment_done(&moment);
    topology_done(&topology);
}

static void labels_are_what_each_start_costs(void **state)
{
    static struct job_graph job;
    struct train_options options = tiny();
    struct moment moment;
    struct embed *embed;
    struct dice dice;
    uint16_t order[16];
    float best = 0;
    (void)state;
    dice_init(&dice, 4);
    draw_topology(4);
    topology.nodes[1].used.of[RES_CPU] = topology.nodes[1].cap.of[RES_CPU];
    embed_request(&options.workload, &dice, &job);
    for (uint32_t c = 0; c < 4; c++)
        job.components[c].want.of[RES_CPU] += 1000;
    assert_int_equal(embed_new(&topology, &embed), OK);
    embed_starts(embed, order);
    assert_int_equal(
        moment_keep(&topology, &job, embed_first(embed, &job), &moment), OK);
    assert_int_equal(moment_label(&moment, embed, &job, order, 13, 128, &dice),
                     OK);
    assert_non_null(moment.worth);
    for (uint32_t v = 0; v < 13; v++) {
        assert_true(moment.worth[v] >= 0 && moment.worth[v] <= 1);
        best = moment.worth[v] > best ? moment.worth[v] : best;
    }
    assert_true(best == 1);
    assert_true(moment.worth[1] == 0); /* it is full */
    /* few of them: the front of the order and some that are drawn */
    assert_int_equal(moment_label(&moment, embed, &job, order, 13, 4, &dice),
                     OK);
    assert_true(moment.worth[order[0]] >= 0 && moment.worth[order[1]] >= 0);
    moment_done(&moment);
    embed_free(embed);
    topology_done(&topology);
}

static void a_job_that_fits_nowhere_has_no_label(void **state)
{
    static struct job_graph job;
    struct train_options options = tiny();
    struct moment moment;
    struct embed *embed;
    struct dice dice;
    uint16_t order[16];
    (void)state;
    dice_init(&dice, 5);
    draw_topology(5);
    embed_request(&options.workload, &dice, &job);
    job.components[0].want.of[RES_CPU] = 200000;
    assert_int_equal(embed_new(&topology, &embed), OK);
    embed_starts(embed, order);
    assert_int_equal(moment_keep(&topology, &job, 0, &moment), OK);
    assert_int_equal(moment_label(&moment, embed, &job, order, 13, 128, &dice),
                     OK);
    assert_null(moment.worth);
    moment_done(&moment);
    embed_free(embed);
    topology_done(&topology);
}

static int read_it(void **state)
{
    char error[GML_ERROR_MAX];
    (void)state;
    return gml_parse(bytes_str(clique_and_star), "g", &gml, error) == OK ? 0
                                                                         : -1;
}

static int drop_it(void **state)
{
    (void)state;
    gml_done(&gml);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_plainly_best_is_learned),
        cmocka_unit_test(two_trainings_write_the_same_bytes),
        cmocka_unit_test(what_is_said_of_the_model_is_so),
        cmocka_unit_test(it_stops_when_told_to),
        cmocka_unit_test(options_outside_their_bounds_are_refused),
        cmocka_unit_test(a_moment_is_kept_whole),
        cmocka_unit_test(labels_are_what_each_start_costs),
        cmocka_unit_test(a_job_that_fits_nowhere_has_no_label),
    };
    return cmocka_run_group_tests(tests, read_it, drop_it);
}
