/* A list of effects, carried out in order: what follows a SAVE leaves once the
 * disk has it, and the loop goes on meanwhile. Whatever comes later queues
 * behind, so that nothing overtakes anything. */

#include "node/shell/trade_shell_inner.h"

#include "base/check.h"
#include "node/log.h"

#include <stdlib.h>
#include <string.h>

/* So many lists may wait for the disk; then the loop waits, too. */
#define PARCELS_MAX  4096u
#define PARCELS_FULL (4 * PARCELS_MAX) /* while the disk is full */

/* The part of a list that waits for a ticket of the records; or an answer. */
struct parcel {
    struct parcel *next;
    uint64_t ticket;
    struct control_call *call; /* NULL: effects */
    json_t *answer;
    bool buying;
    size_t count;
    struct trade_effect *list;
    uint8_t *bytes; /* what the list's .bytes point into */
};

static void parcel_free(struct parcel *parcel)
{
    json_decref(parcel->answer);
    free(parcel->list);
    free(parcel->bytes);
    free(parcel);
}

void shell_parcels_free(struct shell *shell)
{
    while (shell->parcels != NULL) {
        struct parcel *next = shell->parcels->next;
        parcel_free(shell->parcels);
        shell->parcels = next;
    }
    shell->parcels_last = &shell->parcels;
    shell->parcel_count = 0;
}

static struct parcel *parcel_new(struct shell *shell)
{
    struct parcel *parcel = calloc(1, sizeof(*parcel));
    if (parcel == NULL)
        return NULL;
    parcel->ticket = shell->ticket;
    *shell->parcels_last = parcel;
    shell->parcels_last = &parcel->next;
    shell->parcel_count++;
    return parcel;
}

/* Their records are on their way to the disk, and what follows from them, for
 * transactions: that they leave. */
static bool is_kept(const struct trade_effect *effect)
{
    return effect->kind == EFFECT_SAVE || effect->kind == EFFECT_TX;
}

/* Of effects that are lent: the others. */
static bool copy(struct parcel *parcel, const struct trade_effect *list,
                 size_t count)
{
    size_t bytes = 0;
    uint8_t *at;
    for (size_t i = 0; i < count; i++)
        bytes += is_kept(&list[i]) ? 0 : list[i].bytes.len;
    parcel->list = calloc(count, sizeof(*list));
    parcel->bytes = at = malloc(bytes + 1);
    if (parcel->list == NULL || at == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        struct trade_effect *effect = &parcel->list[parcel->count];
        if (is_kept(&list[i]))
            continue;
        *effect = list[i];
        effect->bytes.ptr = at;
        if (effect->bytes.len > 0)
            memcpy(at, list[i].bytes.ptr, effect->bytes.len);
        at += effect->bytes.len;
        parcel->count++;
    }
    return true;
}

enum err shell_keep(struct shell *shell, const char *name, struct bytes record)
{
    if (shell->stopped || shell->failed != OK)
        return ERR_CLOSED;
    return records_save(&shell->node->records, name, record);
}

uint64_t shell_ticket(struct shell *shell)
{
    if (!shell->stopped)
        shell->ticket = records_commit(&shell->node->records);
    return shell->ticket;
}

/* Records first, so that those of a list are there together or not at all. A
 * transaction is kept with them, under the same sync; own_tx.c lets it leave
 * when the disk has it. */
static void save_all(struct shell *shell, const struct trade_effect *list,
                     size_t count, bool buying)
{
    for (size_t i = 0; i < count && shell->failed == OK; i++) {
        if (list[i].kind == EFFECT_SAVE)
            shell->failed = shell_keep(shell, list[i].key, list[i].bytes);
    }
    for (size_t i = 0; i < count && shell->failed == OK; i++) {
        if (list[i].kind == EFFECT_TX)
            shell_carry_out_one(shell, &list[i], buying);
    }
    (void)shell_ticket(shell);
}

static void queue(struct shell *shell, const struct trade_effect *list,
                  size_t count, bool buying)
{
    struct parcel *parcel;
    save_all(shell, list, count, buying);
    parcel = parcel_new(shell);
    if (parcel == NULL || !copy(parcel, list, count)) {
        shell->failed = ERR_NOMEM;
        return;
    }
    parcel->buying = buying;
    if (shell->parcel_count > PARCELS_MAX)
        records_catch_up(&shell->node->records);
    if (shell->parcel_count > PARCELS_FULL) /* and nobody made room */
        shell->failed = ERR_FULL;
}

static void stop_if_failed(struct shell *shell)
{
    if (shell->failed == OK || shell->node->stopping)
        return;
    node_warn(shell->node, "contracts cannot be recorded",
              err_text(shell->failed),
              "make room on the disk, then start the node again");
    node_stop(shell->node, 1);
}

void shell_carry_out(struct shell *shell, struct trade_effects *effects,
                     bool buying)
{
    bool outer = !shell->busy;
    size_t i = 0;
    shell->busy = true;
    if (effects->err != OK)
        shell->failed = effects->err;
    while (i < effects->count && shell->failed == OK &&
           shell->parcels == NULL && shell->ticket == shell->stored &&
           effects->list[i].kind != EFFECT_SAVE)
        shell_carry_out_one(shell, &effects->list[i++], buying);
    if (i < effects->count && shell->failed == OK)
        queue(shell, effects->list + i, effects->count - i, buying);
    trade_effects_reset(effects);
    if (outer)
        shell->busy = false;
    stop_if_failed(shell);
}

/* ---- the disk has come further ---- */

static void open_parcel(struct shell *shell, struct parcel *parcel)
{
    for (size_t i = 0; i < parcel->count && shell->failed == OK; i++)
        shell_carry_out_one(shell, &parcel->list[i], parcel->buying);
    if (parcel->call != NULL)
        control_reply(parcel->call, json_incref(parcel->answer));
}

void shell_saved(void *ctx, uint64_t ticket, enum err err)
{
    struct shell *shell = ctx;
    shell->stored = ticket;
    if (err != OK) {
        /* What follows must not leave: the engines start again from what is on
         * the disk. */
        log_odd("trade", "records cannot be written: %s", err_text(err));
        shell->failed = err;
    }
    if (shell->failed == OK)
        own_tx_kept(shell->node->own, ticket);
    CHECK(!shell->busy);
    shell->busy = true;
    while (shell->parcels != NULL && shell->parcels->ticket <= ticket &&
           shell->failed == OK && !shell->stopped) {
        struct parcel *parcel = shell->parcels;
        shell->parcels = parcel->next;
        if (shell->parcels == NULL)
            shell->parcels_last = &shell->parcels;
        shell->parcel_count--;
        open_parcel(shell, parcel);
        parcel_free(parcel);
    }
    shell->busy = false;
    stop_if_failed(shell);
    shell_drain(shell);
}

void shell_reply(struct shell *shell, struct control_call *call, json_t *answer)
{
    struct parcel *parcel = NULL;
    if (shell->failed != OK) {
        json_decref(answer);
        control_refuse(call, shell->failed,
                       "make room on the disk, then start the node again",
                       "it cannot be recorded");
        return;
    }
    if (shell->parcels != NULL || shell->ticket != shell->stored)
        parcel = parcel_new(shell);
    if (parcel == NULL) {
        control_reply(call, answer);
        return;
    }
    parcel->call = call;
    parcel->answer = answer;
}
