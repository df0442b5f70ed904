/* Too much of what is right by itself: proposals behind a proposal, and
 * decisions that are all true, to who has not the blocks below them. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <stdlib.h>

#define BEHIND 32u /* heights: who is further behind is helped too much */

static void forget(struct letter **letters, size_t count)
{
    for (size_t i = 0; letters != NULL && i < count; i++) {
        letter_drop(letters[i]);
        letters[i] = NULL;
    }
}

void crowd_done(struct machine *machine)
{
    forget(machine->crowd, CROWD);
    forget(machine->decisions, DECISIONS);
    free((void *)machine->crowd);
    free((void *)machine->decisions);
    forget(machine->runs, DECISIONS);
    free((void *)machine->runs);
}

static struct letter **some_letters(struct letter **old, size_t count)
{
    if (old != NULL)
        return old;
    old = (struct letter **)calloc(count, sizeof(struct letter *));
    CHECK(old != NULL);
    return old;
}

/* ---- proposals ---- */

/* One broadcast has one crowd, for all that get it. */
static void gather(struct world *world, struct machine *actor,
                   const struct letter *letter)
{
    const struct letter *last = letter;
    struct proposal on;
    if (actor->crowd_mark == letter->mark)
        return;
    actor->crowd_mark = letter->mark;
    actor->crowd = some_letters(actor->crowd, CROWD);
    forget(actor->crowd, CROWD);
    if (dice_chance(&world->dice, 500))
        return;
    for (size_t i = 0; i < CROWD && last != NULL; i++)
        last = actor->crowd[i] =
            forge_proposal(world, actor, letter_bytes(last), 0, &on);
}

void crowd_behind(struct world *world, struct machine *actor,
                  struct machine *to, struct letter *letter)
{
    /* None overtakes the first. */
    uint64_t extra_us = world->plan.in_order ? 0 : world->plan.hop_us_max;
    gather(world, actor, letter);
    for (size_t i = 0; i < CROWD && actor->crowd[i] != NULL; i++)
        net_post(world, actor, to, actor->crowd[i], extra_us);
}

/* ---- decisions ---- */

static void keep_decision(struct machine *actor, const struct sx_msg *heard,
                          struct letter *letter)
{
    static struct cert cert;
    struct sx_msg said = {.tag = SX_MSG_CERT, .cert = heard->cert};
    struct buf buf;
    size_t at;
    if (cert_decode(heard->cert, &cert) != OK || cert.kind != VOTE_FINALIZE ||
        cert.on.epoch < actor->decisions_epoch)
        return;
    actor->decisions = some_letters(actor->decisions, DECISIONS);
    actor->runs = some_letters(actor->runs, DECISIONS);
    if (cert.on.epoch > actor->decisions_epoch) {
        forget(actor->decisions, DECISIONS);
        forget(actor->runs, DECISIONS);
        actor->decision_count = 0;
        actor->decisions_epoch = cert.on.epoch;
    }
    buf_init(&buf, CERT_BYTES_MAX + 64);
    sx_msg_encode(&said, &buf);
    CHECK(buf.err == OK);
    at = actor->decision_count++ % DECISIONS;
    letter_drop(actor->decisions[at]);
    letter_drop(actor->runs[at]);
    actor->decisions[at] = letter_new(buf_bytes(&buf));
    actor->runs[at] = heard->tag == SX_MSG_FINALS ? letter_keep(letter) : NULL;
    buf_done(&buf);
}

/* The decisions; perhaps with their headers and blocks, which nobody asked
 * for. */
static void help(struct world *world, struct machine *actor, struct machine *to)
{
    bool whole = dice_chance(&world->dice, 500);
    for (uint64_t i = 0; i < DECISIONS; i++) {
        size_t at = (actor->decision_count + i) % DECISIONS;
        if (actor->decisions[at] != NULL)
            net_post(world, actor, to, actor->decisions[at], 0);
        if (actor->runs[at] != NULL && whole)
            net_post(world, actor, to, actor->runs[at], 0);
    }
}

void crowd_hear(struct world *world, struct machine *actor,
                struct machine *from, struct letter *letter)
{
    static struct sx_msg heard;
    if (letter->len == 0 || sx_msg_decode(letter_bytes(letter), &heard) != OK)
        return;
    if (heard.tag == SX_MSG_FINALS || heard.tag == SX_MSG_CERT)
        keep_decision(actor, &heard, letter);
    if (heard.tag == SX_MSG_STATUS && heard.epoch == actor->decisions_epoch &&
        actor->decision_count > 0 &&
        heard.height + BEHIND < chain_tip(actor->chain).height)
        help(world, actor, from);
}
