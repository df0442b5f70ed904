#ifndef TESTS_ORACLE_INSTANCE_H
#define TESTS_ORACLE_INSTANCE_H

/* Topologies and job graphs for tests and for the oracle: small ones by hand,
 * drawn ones. Same dice, same instance. */

#include "base/check.h"
#include "base/dice.h"
#include "sched/graph/job_graph.h"

#define SAMPLE_NODES 24u
#define SAMPLE_LINKS 64u

/* Two machines of the same make: idle 100 W, full 200 W, straight between. */
static inline struct power_curve sample_power(void)
{
    struct power_curve curve;
    for (uint32_t i = 0; i < POWER_STEPS; i++)
        curve.milliwatt[i] = 100000 + i * 10000;
    return curve;
}

/* 0 - 1 - 2 - ... each node 4 cores, 1000 MiB, each link 1000 kbit/s, 100 us,
 * 1000 nn. */
static inline void sample_line(struct topology *out, uint32_t count)
{
    struct topo_node nodes[SAMPLE_NODES] = {0};
    struct topo_link links[SAMPLE_NODES] = {0};
    struct power_curve power = sample_power();
    for (uint32_t v = 0; v < count; v++) {
        nodes[v].cap.of[RES_CPU] = 4000;
        nodes[v].cap.of[RES_MEM] = 1000;
        nodes[v].speed = 1000;
    }
    for (uint32_t i = 0; i + 1 < count; i++)
        links[i] = (struct topo_link){.a = (uint16_t)i,
                                      .b = (uint16_t)(i + 1),
                                      .cap_kbps = 1000,
                                      .delay_us = 100,
                                      .risk_nn = 1000};
    CHECK(topology_init(out, nodes, count, links, count - 1, &power, 1) == OK);
}

/* A ring with chords, everything drawn; parts of it used already. */
static inline void sample_drawn(struct topology *out, uint32_t count,
                                struct dice *dice)
{
    struct topo_node nodes[SAMPLE_NODES] = {0};
    struct topo_link links[SAMPLE_LINKS] = {0};
    struct power_curve power = sample_power();
    uint32_t link_count = count + (uint32_t)dice_below(dice, count);
    CHECK(count > 2 && count <= SAMPLE_NODES);
    for (uint32_t v = 0; v < count; v++) {
        for (uint32_t r = 0; r < RES_COUNT; r++) {
            nodes[v].cap.of[r] = (uint32_t)dice_between(dice, 4000, 8000);
            nodes[v].used.of[r] = (uint32_t)dice_below(dice, 2000);
        }
        nodes[v].speed = (uint32_t)dice_between(dice, 500, 2000);
        nodes[v].zone = (uint8_t)dice_below(dice, 4);
        nodes[v].labels = dice_below(dice, 8);
    }
    for (uint32_t i = 0; i < link_count; i++) {
        uint16_t a = (uint16_t)(i < count ? i : dice_below(dice, count));
        uint16_t step =
            (uint16_t)(i < count ? 1 : dice_between(dice, 1, count - 1));
        links[i] = (struct topo_link){
            .a = a,
            .b = (uint16_t)((a + step) % count),
            .cap_kbps = dice_between(dice, 500, 1000),
            .used_kbps = dice_below(dice, 300),
            .delay_us = (uint32_t)dice_between(dice, 10, 500),
            .risk_nn = (uint32_t)dice_between(dice, 10, 500)};
        if (dice_chance(dice, 50))
            links[i].delay_us = LINK_UNKNOWN;
        if (dice_chance(dice, 50))
            links[i].risk_nn = LINK_UNKNOWN;
    }
    CHECK(topology_init(out, nodes, count, links, link_count, &power, 1) == OK);
}

/* A job that uses all there is to be said, more or less tight. */
static inline void sample_job(struct job_graph *job,
                              const struct topology *topology, uint32_t count,
                              struct dice *dice)
{
    job_graph_init(job);
    job->alone = dice_chance(dice, 300);
    job->time_us_max = dice_chance(dice, 300) ? 20000 : 0;
    for (uint32_t c = 0; c < count; c++) {
        struct job_component *component = job_graph_add(job);
        component->want.of[RES_CPU] = (uint32_t)dice_below(dice, 1500);
        component->want.of[RES_MEM] = (uint32_t)dice_below(dice, 1000);
        component->want.of[RES_ACCEL] = (uint32_t)dice_below(dice, 500);
        component->work_us = (uint32_t)dice_below(dice, 2000);
        if (dice_chance(dice, 200))
            component->zones = dice_between(dice, 1, 15);
        if (dice_chance(dice, 200))
            component->labels = UINT64_C(1) << dice_below(dice, 3);
        if (dice_chance(dice, 150))
            component->together = 1;
        if (dice_chance(dice, 200))
            component->apart = (uint8_t)dice_between(dice, 1, 2);
    }
    if (dice_chance(dice, 400)) {
        struct job_component *data = job_graph_add(job);
        data->data = true;
        data->place = (uint16_t)dice_below(dice, topology->node_count);
        if (dice_chance(dice, 500))
            data->zones = dice_between(dice, 1, 15) |
                          UINT64_C(1) << topology->nodes[data->place].zone;
    }
    for (uint8_t b = 1; b < job->component_count; b++) {
        bool data = job->components[b].data;
        uint8_t a = (uint8_t)dice_below(dice, b);
        struct job_link *link = job_graph_join(job, data ? b : a, data ? a : b,
                                               dice_between(dice, 1, 150));
        link->flow = dice_chance(dice, 500);
        link->bytes = dice_chance(dice, 300) ? dice_below(dice, 20) : 0;
        if (dice_chance(dice, 300))
            link->delay_us_max = (uint32_t)dice_between(dice, 200, 2500);
        if (dice_chance(dice, 300))
            link->risk_nn_max = (uint32_t)dice_between(dice, 200, 2500);
    }
    CHECK(job_graph_check(job) == OK);
}

/* Room is short: nodes and links loaded to 60 %, a job of the Virne kind, half
 * of the jobs with bounds on a third of their links. The oracle solves these.
 */
static inline void sample_tight(struct topology *out, struct job_graph *job,
                                struct dice *dice)
{
    struct topo_node nodes[SAMPLE_NODES] = {0};
    struct topo_link links[SAMPLE_LINKS] = {0};
    uint32_t count = (uint32_t)dice_between(dice, 6, 12);
    uint32_t link_count = count + (uint32_t)dice_between(dice, 1, count / 2);
    bool bounds = dice_chance(dice, 500);
    CHECK(count >= 6 && count <= SAMPLE_NODES);
    for (uint32_t v = 0; v < count; v++) {
        uint32_t cap = (uint32_t)dice_between(dice, 50, 100) * 1000;
        nodes[v].speed = 1000;
        nodes[v].cap.of[RES_CPU] = cap;
        nodes[v].used.of[RES_CPU] = (uint32_t)dice_below(dice, cap * 9 / 10);
    }
    for (uint32_t i = 0; i < link_count; i++) {
        uint16_t a = (uint16_t)(i < count ? i : dice_below(dice, count));
        uint16_t step =
            (uint16_t)(i < count ? 1 : dice_between(dice, 2, count - 2));
        uint64_t cap = dice_between(dice, 50, 100) * 1000;
        links[i] = (struct topo_link){
            .a = a,
            .b = (uint16_t)((a + step) % count),
            .cap_kbps = cap,
            .used_kbps = dice_below(dice, cap * 6 / 10),
            .delay_us = (uint32_t)dice_between(dice, 10, 500),
            .risk_nn = (uint32_t)dice_between(dice, 10, 500)};
    }
    CHECK(topology_init(out, nodes, count, links, link_count, NULL, 0) == OK);
    job_graph_init(job);
    job->alone = dice_chance(dice, 500);
    count = (uint32_t)dice_between(dice, 2, 5);
    for (uint8_t c = 0; c < count; c++) {
        job_graph_add(job)->want.of[RES_CPU] =
            (uint32_t)dice_below(dice, 20) * 1000;
        for (uint8_t o = 0; o < c; o++)
            if (o + 1 == c || dice_chance(dice, 400))
                job_graph_join(job, o, c, dice_between(dice, 1, 50) * 1000);
    }
    for (uint32_t i = 0; bounds && i < job->link_count; i++) {
        if (dice_chance(dice, 300))
            job->links[i].delay_us_max =
                (uint32_t)dice_between(dice, 200, 1000);
        if (dice_chance(dice, 300))
            job->links[i].risk_nn_max = (uint32_t)dice_between(dice, 200, 1000);
    }
    CHECK(job_graph_check(job) == OK);
}

/* Odd seeds: room is short. Even ones: all that a job can say. */
static inline void sample_instance(uint64_t seed, struct topology *out,
                                   struct job_graph *job)
{
    struct dice dice;
    dice_init(&dice, seed);
    if (seed % 2 == 1) {
        sample_tight(out, job, &dice);
        return;
    }
    sample_drawn(out, (uint32_t)dice_between(&dice, 5, 12), &dice);
    sample_job(job, out, (uint32_t)dice_between(&dice, 2, 4), &dice);
}

#endif
