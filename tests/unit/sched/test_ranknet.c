/* The whole network against finite differences, compiled with double for float
 * as in test_layer.c; and what its scores may depend on. */

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/check.h"
#include "base/dice.h"
#include "sched/graph/embed.h"
#include "tests/oracle/instance.h"

#define float double
#include "sched/learn/layer.c"   /* NOLINT(bugprone-suspicious-include) */
#include "sched/learn/scene.c"   /* NOLINT(bugprone-suspicious-include) */
#include "sched/learn/ranknet.c" /* NOLINT(bugprone-suspicious-include) */

#define STEP 1e-6

struct case_ {
    struct topology t;
    struct job_graph job;
    struct embed *embed;
    struct scene *scene;
    struct ranknet_tape *tape;
    struct ranknet net;
    uint32_t first;
};

static void case_make(struct case_ *c, uint32_t nodes, uint64_t seed)
{
    struct dice dice;
    dice_init(&dice, seed);
    do {
        sample_drawn(&c->t, nodes, &dice);
        sample_job(&c->job, &c->t, 5, &dice);
        assert_int_equal(embed_new(&c->t, &c->embed), OK);
        c->first = embed_first(c->embed, &c->job);
        if (c->first < c->job.component_count)
            break;
        embed_free(c->embed);
        topology_done(&c->t);
    } while (true);
    assert_int_equal(scene_new(&c->t, &c->scene), OK);
    scene_look(c->scene, &c->job, c->first);
    assert_int_equal(ranknet_tape_new(nodes, true, &c->tape), OK);
    ranknet_draw(&c->net, &dice);
}

static void case_done(struct case_ *c)
{
    scene_free(c->scene);
    ranknet_tape_free(c->tape);
    embed_free(c->embed);
    topology_done(&c->t);
}

/* Cross entropy with an even aim over all nodes. */
static double loss_of(struct case_ *c, double *dscore)
{
    const double *score = ranknet_score(&c->net, c->scene, c->tape);
    double share[64];
    uint8_t may[64];
    double loss = 0;
    double n = c->t.node_count;
    memset(may, 1, sizeof(may));
    assert_true(layer_softmax(score, may, c->t.node_count, share));
    for (uint32_t v = 0; v < c->t.node_count; v++) {
        double aim = 2.0 * v / (n * (n - 1)); /* any that sums to 1 */
        loss -= aim * log(share[v]);
        if (dscore != NULL)
            dscore[v] = share[v] - aim;
    }
    return loss;
}

static void gradients_of_the_whole_match_differences(void **state)
{
    static struct ranknet gradient;
    static struct case_ c;
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        double dscore[64];
        uint32_t moved = 0;
        case_make(&c, 12, seed);
        memset(&gradient, 0, sizeof(gradient));
        (void)loss_of(&c, dscore);
        ranknet_back(&c.net, c.scene, c.tape, dscore, &gradient);
        for (uint32_t i = 0; i < RANKNET_WEIGHTS; i += seed == 1 ? 1 : 7) {
            double held = c.net.w[i];
            double up, down, by;
            c.net.w[i] = held + STEP;
            up = loss_of(&c, NULL);
            c.net.w[i] = held - STEP;
            down = loss_of(&c, NULL);
            c.net.w[i] = held;
            by = (up - down) / (2 * STEP);
            if (fabs(by - gradient.w[i]) > 1e-4 * fabs(by) + 1e-8)
                fail_msg("seed %u, weight %u: %.9f by differences, %.9f by the "
                         "way back",
                         (unsigned)seed, i, by, gradient.w[i]);
            moved += fabs(by) > 1e-7;
        }
        assert_true(moved > RANKNET_WEIGHTS / 20); /* it is not all nothing */
        case_done(&c);
    }
}

static void keeping_nothing_gives_the_same_scores(void **state)
{
    static struct case_ c;
    struct ranknet_tape *lean;
    const double *a;
    const double *b;
    (void)state;
    case_make(&c, 20, 5);
    assert_int_equal(ranknet_tape_new(20, false, &lean), OK);
    a = ranknet_score(&c.net, c.scene, c.tape);
    b = ranknet_score(&c.net, c.scene, lean);
    assert_memory_equal(a, b, 20 * sizeof(*a));
    b = ranknet_score(&c.net, c.scene, lean); /* the tape is used again */
    assert_memory_equal(a, b, 20 * sizeof(*a));
    ranknet_tape_free(lean);
    case_done(&c);
}

static void what_is_wanted_changes_the_scores(void **state)
{
    static struct case_ c;
    double before[20];
    double change = 0;
    const double *after;
    (void)state;
    case_make(&c, 20, 6);
    memcpy(before, ranknet_score(&c.net, c.scene, c.tape), sizeof(before));
    c.job.links[0].kbps *= 3;
    scene_look(c.scene, &c.job, c.first);
    after = ranknet_score(&c.net, c.scene, c.tape);
    for (uint32_t v = 0; v < 20; v++)
        change += fabs(after[v] - before[v]);
    assert_true(change > 1e-6);
    case_done(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_the_whole_match_differences),
        cmocka_unit_test(keeping_nothing_gives_the_same_scores),
        cmocka_unit_test(what_is_wanted_changes_the_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
