#ifndef TESTS_UNIT_SCHED_CUT_SAMPLE_H
#define TESTS_UNIT_SCHED_CUT_SAMPLE_H

/* Component graphs to be cut, drawn by lot. */

#include "base/check.h"
#include "base/dice.h"
#include "sched/cut/decompose.h"

struct sample_form {
    uint32_t components;
    uint32_t links;
    bool dag; /* links lead from lower to higher numbers, as flow */
    uint32_t sites;
    uint32_t apart; /* groups of replicas; 0: none */
    uint32_t bound; /* permille of components in groups, links kept */
    uint32_t want;  /* cores, at most */
};

static inline struct cut_component sample_component(
    const struct sample_form *form, struct dice *dice)
{
    struct cut_component c = {.sites = UINT64_MAX};
    c.want.of[RES_CPU] = 1000 * (uint32_t)dice_between(dice, 1, form->want);
    c.want.of[RES_MEM] = (uint32_t)dice_between(dice, 0, 8) * 512;
    c.least.of[RES_DISK] = (uint32_t)dice_below(dice, 3) * 100;
    if (form->sites > 1 && dice_chance(dice, 300))
        c.sites = dice_between(dice, 1, (UINT64_C(1) << form->sites) - 1);
    if (form->apart > 0 && dice_chance(dice, 300))
        c.apart = 1 + (uint32_t)dice_below(dice, form->apart);
    if (dice_chance(dice, form->bound))
        c.together = 1 + (uint32_t)dice_below(dice, 3);
    return c;
}

static inline void sample_graph(const struct sample_form *form,
                                struct dice *dice, struct cutgraph *out)
{
    uint32_t id = 0;
    cutgraph_init(out);
    for (uint32_t c = 0; c < form->components; c++) {
        struct cut_component component = sample_component(form, dice);
        CHECK(cutgraph_add(out, &component, &id) == OK);
    }
    for (uint32_t i = 0; i < form->links && form->components > 1; i++) {
        struct cut_link link = {0};
        link.from = (uint32_t)dice_below(dice, form->components);
        link.to = (uint32_t)dice_below(dice, form->components - 1);
        link.to += link.to >= link.from;
        if (form->dag && link.from > link.to) {
            uint32_t swap = link.from;
            link.from = link.to;
            link.to = swap;
        }
        link.flow = form->dag;
        link.weight = dice_between(dice, 1, 20);
        if (dice_chance(dice, form->bound / 4))
            link.kept = cut_level_bit((enum cut_level)dice_below(dice, 3));
        CHECK(cutgraph_join(out, &link) == OK);
    }
}

/* Two kinds of offers at each site, with devices. */
static inline void sample_places(uint32_t sites, uint32_t cores,
                                 struct cut_places *out)
{
    cut_places_init(out);
    for (uint32_t s = 0; s < sites; s++) {
        struct cut_offer large = {.site = s};
        struct cut_offer wide = {.site = s};
        large.room[RES_CPU] = 1000 * cores;
        large.room[RES_MEM] = 512 * 16;
        large.room[RES_DISK] = 1000;
        large.device[RES_CPU] = large.room[RES_CPU] / 2;
        large.device[RES_MEM] = large.room[RES_MEM] / 2;
        large.device[RES_DISK] = 1000;
        wide = large;
        wide.room[RES_CPU] = large.room[RES_CPU] * 3 / 4;
        wide.room[RES_MEM] = large.room[RES_MEM] * 2;
        wide.device[RES_MEM] = wide.room[RES_MEM];
        wide.device[RES_CPU] = wide.room[RES_CPU];
        CHECK(cut_places_add(out, &large, 1) == OK);
        CHECK(cut_places_add(out, &wide, 1) == OK);
    }
}

#endif
