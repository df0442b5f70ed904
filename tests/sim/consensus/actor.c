/* Dishonest validators. Each runs the honest program, and what it says is bent
 * on its way out; some things are made up besides. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <string.h>

static bool does(const struct machine *actor, enum mischief act)
{
    return (actor->acts & act) != 0;
}

/* Which of two halves a machine is in, as this actor sees it for a while. */
static bool half(const struct world *world, const struct machine *actor,
                 const struct machine *to, uint64_t while_us)
{
    struct dice dice = {world->plan.seed * 1000 + actor->key_number * 64 +
                        to->index +
                        (while_us == 0 ? 0 : world->now_us / while_us << 20)};
    return (dice_next(&dice) >> 7 & 1) != 0;
}

static void to_all(struct world *world, struct machine *actor,
                   struct letter *letter)
{
    if (letter == NULL)
        return;
    for (uint32_t i = 0; i < world->machine_count; i++)
        if (i != actor->index)
            net_post(world, actor, &world->machines[i], letter, 0);
    letter_drop(letter);
}

static void vote_to_all(struct world *world, struct machine *actor,
                        enum vote_kind kind, const struct proposal *on)
{
    struct proposal null = {.epoch = on->epoch, .view = on->view};
    to_all(world, actor,
           forge_vote(world, actor, kind, kind == VOTE_NULLIFY ? &null : on));
}

/* ---- what goes out instead ---- */

/* One broadcast is bent once, for all that get it bent. */
static struct letter *bent(struct world *world, struct machine *actor,
                           struct letter *letter)
{
    struct bytes message = letter_bytes(letter);
    struct letter *made = NULL;
    struct proposal on;
    if (actor->bent_mark == letter->mark)
        return actor->bent;
    letter_drop(actor->bent);
    actor->bent = NULL;
    actor->bent_mark = letter->mark;
    if (does(actor, ACT_EQUIVOCATE)) {
        made = forge_proposal(world, actor, message, 0, &on);
        if (made != NULL) {
            vote_to_all(world, actor, VOTE_NOTARIZE, &on);
            vote_to_all(world, actor, VOTE_FINALIZE, &on);
        }
    } else if (does(actor, ACT_BAD_BLOCK) && dice_chance(&world->dice, 700)) {
        made = forge_proposal(world, actor, message,
                              dice_chance(&world->dice, 150)
                                  ? 12
                                  : 1 + (uint32_t)dice_below(&world->dice, 19),
                              &on);
    } else if (does(actor, ACT_FORK)) {
        made = forge_fork(world, actor, message);
    } else if (does(actor, ACT_UNJUSTIFIED)) {
        made = forge_unjustified(world, message);
    } else if (does(actor, ACT_REPROPOSE) && dice_chance(&world->dice, 700)) {
        made = forge_repropose(world, actor, message);
    }
    actor->bent = made;
    return made;
}

static struct letter *send_proposal(struct world *world, struct machine *actor,
                                    struct machine *to, struct letter *letter)
{
    struct letter *made;
    if (does(actor, ACT_WITHHOLD) && half(world, actor, to, 0))
        return NULL;
    made = bent(world, actor, letter);
    if (made == NULL ||
        (does(actor, ACT_EQUIVOCATE) && half(world, actor, to, 4 * SECOND)))
        return letter_keep(letter);
    return letter_keep(made);
}

static struct letter *send_other(struct world *world, struct machine *actor,
                                 struct machine *to, uint8_t tag,
                                 struct letter *letter)
{
    struct bytes message = letter_bytes(letter);
    if (tag == SX_MSG_CERT && does(actor, ACT_BAD_CERT) &&
        dice_chance(&world->dice, 600))
        return forge_cert(world, message);
    if (tag == SX_MSG_VOTE && does(actor, ACT_BAD_VOTE) &&
        dice_chance(&world->dice, 500))
        return forge_bad_vote(world, message);
    if (tag == SX_MSG_STATUS &&
        (does(actor, ACT_LIES) ||
         (does(actor, ACT_BAD_PAGES) && dice_chance(&world->dice, 300))))
        return forge_status(world, message);
    if (tag == SX_MSG_STATUS && does(actor, ACT_UNHELD) &&
        dice_chance(&world->dice, 700))
        return forge_unheld(world, actor);
    if ((tag == SX_MSG_BLOCK || tag == SX_MSG_PAGES) &&
        does(actor, ACT_WITHHOLD))
        return NULL;
    if (tag == SX_MSG_BLOCK && does(actor, ACT_SWAMP))
        return NULL;
    if ((tag == SX_MSG_STEPS || tag == SX_MSG_PAGES) &&
        does(actor, ACT_BAD_PAGES))
        return poison_answer(world, actor, to, letter);
    if ((tag == SX_MSG_BLOCK || tag == SX_MSG_FINALS || tag == SX_MSG_STEPS ||
         tag == SX_MSG_PAGES) &&
        does(actor, ACT_POISON))
        return forge_damage(world, message);
    return letter_keep(letter);
}

static bool keeps_quiet(struct world *world, const struct machine *actor,
                        const struct machine *to)
{
    bool second = actor->index != actor->key_number;
    if (does(actor, ACT_SILENT))
        return true;
    if (does(actor, ACT_TWINS) && half(world, actor, to, 3 * SECOND) != second)
        return true;
    return does(actor, ACT_SELECTIVE) && half(world, actor, to, 6 * SECOND);
}

/* The vote of a message that is one. */
static bool vote_in(struct bytes message, struct vote *out)
{
    static struct sx_msg msg;
    if (sx_msg_decode(message, &msg) != OK ||
        (msg.tag != SX_MSG_VOTE && msg.tag != SX_MSG_PROPOSE))
        return false;
    *out = msg.vote;
    return true;
}

static void both_ends(struct world *world, struct machine *actor,
                      struct machine *to, struct letter *letter)
{
    static const enum vote_kind kinds[] = {VOTE_NULLIFY, VOTE_FINALIZE};
    struct vote vote;
    if (!vote_in(letter_bytes(letter), &vote) || vote.kind == VOTE_NULLIFY)
        return;
    for (size_t i = 0; i < 2; i++) {
        struct proposal null = {.epoch = vote.on.epoch, .view = vote.on.view};
        struct letter *made =
            forge_vote(world, actor, kinds[i],
                       kinds[i] == VOTE_NULLIFY ? &null : &vote.on);
        if (made != NULL)
            net_post(world, actor, to, made, 0);
        letter_drop(made);
    }
}

void actor_send(struct world *world, struct machine *actor, struct machine *to,
                struct letter *letter)
{
    uint8_t tag = letter->len > 0 ? letter->bytes[0] : 0;
    struct letter *said;
    uint64_t extra_us = 0;
    if (keeps_quiet(world, actor, to))
        return;
    said = tag == SX_MSG_PROPOSE ? send_proposal(world, actor, to, letter)
                                 : send_other(world, actor, to, tag, letter);
    if (does(actor, ACT_LATE))
        extra_us = 1 + dice_below(&world->dice, 3 * SECOND);
    if (said != NULL)
        net_post(world, actor, to, said, extra_us);
    letter_drop(said);
    if (does(actor, ACT_SWAMP) && tag == SX_MSG_PROPOSE)
        crowd_behind(world, actor, to, letter);
    if (does(actor, ACT_BOTH_ENDS))
        both_ends(world, actor, to, letter);
}

/* ---- what it makes of what it hears ---- */

/* Several who say yes hear each other: when more is about than they remember,
 * they would do nothing else, ever more often. */
static bool is_hoarse(const struct world *world, struct machine *actor)
{
    uint64_t second = world->now_us / SECOND;
    if (second != actor->yes_second)
        actor->yes_said = 0;
    actor->yes_second = second;
    return actor->yes_said++ >= YES_PER_S;
}

void actor_hear(struct world *world, struct machine *actor,
                struct machine *from, struct letter *letter)
{
    struct vote vote;
    if (does(actor, ACT_DECIDED))
        crowd_hear(world, actor, from, letter);
    if (letter->len > 0 && letter->bytes[0] == SX_MSG_PROPOSE) {
        letter_drop(actor->last_proposal);
        actor->last_proposal = letter_keep(letter);
    }
    if (!does(actor, ACT_YES) || !vote_in(letter_bytes(letter), &vote) ||
        vote.kind == VOTE_NULLIFY)
        return;
    for (size_t i = 0; i < YES_MAX; i++)
        if (hash_equal(&actor->yes[i], &vote.on.id))
            return;
    if (is_hoarse(world, actor))
        return;
    actor->yes[actor->yes_count++ % YES_MAX] = vote.on.id;
    vote_to_all(world, actor, VOTE_NOTARIZE, &vote.on);
    vote_to_all(world, actor, VOTE_FINALIZE, &vote.on);
}

/* ---- ideas of its own ---- */

static struct machine *somebody(struct world *world,
                                const struct machine *actor)
{
    uint32_t i = (uint32_t)dice_below(&world->dice, world->machine_count);
    return i == actor->index ? NULL : &world->machines[i];
}

static void say(struct world *world, struct machine *actor,
                struct letter *letter)
{
    struct machine *to = somebody(world, actor);
    if (to != NULL && letter != NULL)
        net_post(world, actor, to, letter, 0);
    letter_drop(letter);
}

static void claim(struct world *world, struct machine *actor)
{
    struct machine *to = somebody(world, actor);
    struct letter *letter;
    if (to == NULL || to->key == actor->key)
        return;
    letter = forge_claim(world, actor, to);
    if (letter != NULL)
        net_post(world, actor, to, letter, 0);
    letter_drop(letter);
}

static void have_idea(struct world *world, struct machine *actor)
{
    struct letter *heard =
        world->overheard[dice_below(&world->dice, OVERHEARD_MAX)];
    if (heard != NULL && heard->len == 0)
        heard = NULL;
    /* It may be overwritten by what is said now. */
    if (heard != NULL)
        (void)letter_keep(heard);
    if (does(actor, ACT_FLOOD))
        for (uint64_t i = dice_below(&world->dice, 30); i > 0; i--)
            say(world, actor, forge_flood(world, actor));
    if (does(actor, ACT_USURP))
        to_all(world, actor, forge_usurp(world, actor));
    if (does(actor, ACT_CLAIM))
        claim(world, actor);
    if (does(actor, ACT_GARBAGE))
        say(world, actor, forge_garbage(world));
    if (does(actor, ACT_ECHO) && heard != NULL)
        say(world, actor, letter_keep(heard));
    if (does(actor, ACT_POISON) && heard != NULL)
        say(world, actor, forge_damage(world, letter_bytes(heard)));
    if (does(actor, ACT_BAD_CERT) && heard != NULL &&
        heard->bytes[0] == SX_MSG_CERT)
        say(world, actor, forge_cert(world, letter_bytes(heard)));
    if (does(actor, ACT_LIES) && heard != NULL &&
        heard->bytes[0] == SX_MSG_STATUS)
        say(world, actor, forge_status(world, letter_bytes(heard)));
    if (does(actor, ACT_UNHELD))
        to_all(world, actor, forge_unheld(world, actor));
    if (does(actor, ACT_UNASKED))
        for (uint64_t i = dice_below(&world->dice, 20); i > 0; i--)
            say(world, actor, forge_unasked(world, actor, heard));
    letter_drop(heard);
}

void actor_entry(struct world *world, const struct entry *entry)
{
    struct machine *actor = &world->machines[entry->node];
    /* Who is fetching the state has nothing to build on. */
    if (actor->up && !does(actor, ACT_SILENT) &&
        !chain_is_syncing(actor->chain))
        have_idea(world, actor);
    world_add(world, dice_between(&world->dice, 20 * MS, SECOND), entry);
}
