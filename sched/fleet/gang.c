#include "sched/fleet/gang.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static uint32_t domain_of(const struct gang_domains *domains, uint32_t machine)
{
    return domains->of_machine == NULL ? 0 : domains->of_machine[machine];
}

static enum err check(const struct fleet *fleet, const struct gang *gang,
                      const struct gang_domains *domains)
{
    if (gang->count == 0 || gang->count > GANG_TASKS_MAX || gang->least == 0 ||
        gang->least > gang->count)
        return ERR_RANGE;
    if (domains->count == 0 || domains->count > GANG_DOMAINS_MAX ||
        (domains->of_machine == NULL && domains->count != 1))
        return ERR_RANGE;
    for (uint32_t i = 0; i < fleet->count; i++) {
        if (domain_of(domains, i) >= domains->count)
            return ERR_RANGE;
    }
    return ask_check(&gang->ask);
}

enum err gang_room(const struct fleet *fleet, const struct gang *gang,
                   const struct gang_domains *domains, uint32_t *out_room)
{
    TRY(check(fleet, gang, domains));
    memset(out_room, 0, domains->count * sizeof(*out_room));
    for (uint32_t i = 0; i < fleet->count; i++) {
        uint32_t *room = &out_room[domain_of(domains, i)];
        *room += machine_room(&fleet->machines[i], &gang->ask,
                              GANG_ROOM_MAX - *room);
    }
    return OK;
}

/* The smallest room that is enough, else the largest. */
static uint32_t best_domain(const uint32_t *room, uint32_t count, uint32_t want)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++) {
        bool enough = room[best] >= want;
        if (enough ? room[i] >= want && room[i] < room[best]
                   : room[i] > room[best])
            best = i;
    }
    return best;
}

static enum err find_domain(const struct fleet *fleet, const struct gang *gang,
                            const struct gang_domains *domains,
                            uint32_t *out_domain)
{
    uint32_t *room = calloc(domains->count, sizeof(*room));
    enum err err = room == NULL ? ERR_NOMEM : OK;
    if (err == OK)
        err = gang_room(fleet, gang, domains, room);
    if (err == OK) {
        uint32_t best = best_domain(room, domains->count, gang->count);
        if (room[best] < gang->least)
            err = ERR_CAPACITY;
        else
            *out_domain = best;
    }
    free(room);
    return err;
}

/* One task; the devices are chosen so that all find theirs. */
static enum err place_one(struct fleet *fleet, struct picker *picker,
                          const struct ask *ask,
                          const struct picker_within *within, struct dice *dice,
                          struct grant *out)
{
    struct grant grant;
    TRY(picker_pick(picker, ask, within, dice, &grant));
    if (ask->devices > 1)
        grant.devices =
            machine_choose(&fleet->machines[grant.machine], ask, true);
    TRY(fleet_take(fleet, ask, &grant));
    *out = grant;
    return OK;
}

enum err gang_place(struct fleet *fleet, struct picker *picker,
                    const struct gang *gang, const struct gang_domains *domains,
                    struct dice *dice, struct grant *out_grants,
                    uint32_t *out_count, uint32_t *out_domain)
{
    struct picker_within within = {domains->of_machine, 0};
    uint32_t count = 0;
    enum err err;
    TRY(check(fleet, gang, domains));
    TRY(find_domain(fleet, gang, domains, &within.domain));
    do {
        err = place_one(fleet, picker, &gang->ask,
                        domains->of_machine == NULL ? NULL : &within, dice,
                        &out_grants[count]);
        count += err == OK;
    } while (err == OK && count < gang->count);
    CHECK(err == OK || err == ERR_CAPACITY);
    CHECK(count >= gang->least); /* counted beforehand */
    *out_count = count;
    *out_domain = within.domain;
    return OK;
}
