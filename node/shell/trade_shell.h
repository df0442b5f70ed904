#ifndef NODE_TRADE_SHELL_H
#define NODE_TRADE_SHELL_H

/* Carries out what the trade engines want (trade/effect.h) and tells them what
 * happens: the one place where contracts meet sockets, disks and programs. Loop
 * thread only. */

#include "node/node.h"

struct shell;

/* Loads both engines' records and replays the open contracts of the chain. The
 * node's chain, records, blobs, net and engines exist already. */
MUST_USE enum err shell_new(struct node *node, struct shell **out);
/* The node is stopping: from here on nothing that happens reaches the engines,
 * which go on from their records at the next start. What is on its way comes
 * back and is dropped. Before anything of the node closes. */
void shell_stop(struct shell *shell);
/* How much of it still is with the worker pool: 0 before shell_free. */
unsigned shell_works(const struct shell *shell);
void shell_free(struct shell *shell);

/* The list to hand to buy_submit and its like; then carry it out. */
struct trade_effects *shell_buy_effects(struct shell *shell);
void shell_carry_out_buy(struct shell *shell);
/* Answers a call when all that was carried out so far is on the disk: what a
 * user is told survives a crash. Takes the reference. */
void shell_reply(struct shell *shell, struct control_call *call,
                 json_t *answer);
struct trade_effects *shell_sell_effects(struct shell *shell);
void shell_carry_out_sell(struct shell *shell);

/* For the node's own transactions: a record that goes to the disk behind all
 * that was saved so far, and the ticket of the last. ERR_CLOSED (the node is
 * stopping), ERR_NOMEM. */
MUST_USE enum err shell_keep(struct shell *shell, const char *name,
                             struct bytes record);
uint64_t shell_ticket(struct shell *shell);

/* The engines' and the book's clock: the wall clock, but never falling. */
uint64_t shell_now_ms(struct shell *shell);

/* Something happened. now and chain time are filled in here. */
void shell_event(struct shell *shell, const struct trade_event *event);
/* A contract's record as of the newest final block. */
void shell_contract(struct shell *shell, const struct hash *id);
/* All contracts on the chain: at the start, and when the state was fetched. */
MUST_USE enum err shell_contracts(struct shell *shell);
/* Once a second, and after each block. */
void shell_tick(struct shell *shell);

/* Is this image being given to the executor, or a job about to start in it? */
bool shell_image_used(const struct shell *shell, const struct hash *image);
/* The executor will not have it any more: it is given anew when needed. */
void shell_image_gone(struct shell *shell, const struct hash *image);

/* From the executor. */
void shell_exec_up(struct shell *shell);
void shell_exec_gone(struct shell *shell);
void shell_exec_note(struct shell *shell, const char *method, json_t *params);

/* May this peer read what this owner has pinned? For the bulk server; touches
 * no store. */
bool shell_may_read(struct shell *shell, const struct pubkey *peer,
                    const char *owner);

/* <data-dir>/jobs/<contract>/<leaf>; out holds 1300 bytes. */
void shell_job_path(struct node *node, const struct hash *contract,
                    const char *leaf, char out[1300]);

#endif
