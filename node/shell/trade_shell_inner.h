#ifndef NODE_TRADE_SHELL_INNER_H
#define NODE_TRADE_SHELL_INNER_H

/* Shared by trade_shell.c (effects), trade_shell_fetch.c (blobs) and
 * trade_job*.c (jobs); nobody else. */

#include "node/shell/trade_shell.h"

/* This peer may read what is pinned under this subject. */
struct share {
    struct share *next;
    struct hash subject;
    struct pubkey peer;
};

/* A blob, or a tree with all its files, on its way here. */
struct fetching;
/* A job the executor has, or will have. */
struct job;
struct image_there;
struct queued;
/* Effects, or an answer, that wait for the disk. */
struct parcel;

struct shell {
    struct node *node;
    struct trade_effects buy_effects;
    struct trade_effects sell_effects;
    struct share *shares;
    struct fetching *fetches;
    struct job *jobs;
    struct image_there *images_there; /* at the executor */
    struct queued *queue;
    struct queued **queue_last;
    struct parcel *parcels;
    struct parcel **parcels_last;
    uint32_t parcel_count;
    uint64_t ticket; /* of the records that were handed over last */
    uint64_t stored; /* of those that are on the disk */
    uv_timer_t timer;
    uv_timer_t exec_timer;
    unsigned open_handles;
    uint64_t wake_at_ms;
    uint64_t now_ms;
    unsigned works; /* on the worker pool */
    bool stopped;
    bool busy;
    bool draining;
    enum err failed;
};

void shell_carry_out_one(struct shell *shell, const struct trade_effect *effect,
                         bool buying);
/* What happened meanwhile, unless it is carried out in the middle of that. */
void shell_drain(struct shell *shell);

/* ---- trade_shell_list.c ---- */
/* Everything before the first SAVE at once, the rest when the disk has it. */
void shell_carry_out(struct shell *shell, struct trade_effects *effects,
                     bool buying);
void shell_saved(void *ctx, uint64_t ticket, enum err err);
void shell_parcels_free(struct shell *shell);

/* "contract:<hex>": the pins of a contract, or of a job by its request. */
void shell_owner(const struct hash *subject, char out[80]);
/* "kept:<hex>": the pins of what was bought by a contract. */
void shell_owner_kept(const struct hash *subject, char out[80]);

/* To a peer by its key; dropped when it is not connected. */
void shell_send(struct shell *shell, const struct pubkey *to,
                struct bytes message);

void shell_fetch(struct shell *shell, const struct trade_effect *effect);
void shell_fetches_done(struct shell *shell);

void shell_exec_init(struct shell *shell);
void shell_exec_done(struct shell *shell);
void shell_exec_tick(struct shell *shell);
void shell_exec_start(struct shell *shell, const struct trade_effect *effect);
void shell_exec_kill(struct shell *shell, const struct trade_effect *effect);
void shell_exec_log(struct shell *shell, const struct trade_effect *effect);
void shell_exec_collect(struct shell *shell, const struct trade_effect *effect);
void shell_exec_remove(struct shell *shell, const struct trade_effect *effect);
/* The contract's folder below jobs/. */
void shell_folder_remove(struct shell *shell, const struct hash *contract);

#endif
