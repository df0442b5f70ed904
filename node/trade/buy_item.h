#ifndef NODE_TRADE_BUY_ITEM_H
#define NODE_TRADE_BUY_ITEM_H

/* One job and its tasks as the buyer's engine keeps them: shared by the buy_*.c
 * pages, nobody else. */

#include "node/trade/buy_graph.h"

/* A task's public face and what the engine needs beside it, in two arrays of
 * the same length, so that the face can be lent as it is. */
struct buy_work {
    uint64_t asked_ms; /* HOLDING: when the hold was sent last */
    uint64_t retry_ms; /* not before: the next try of what is due */
    uint64_t heard_ms; /* when the provider last spoke of this contract */
    uint64_t idle_ms;  /* our clock when it was last said not to run yet */
    uint64_t until_ms; /* the chain's: claims end, review ends */
    uint64_t fetch_until_ms;  /* outputs that are not here then are lost */
    unsigned fetch_breaks;    /* transfers that broke, as far as it matters */
    uint64_t cancel_ms;       /* when the provider was last told to cancel */
    char address[LIMIT_NAME]; /* of the provider's peer listener */
    bool result_here;
    bool log_here;
    uint64_t log_asked_ms[2]; /* 0 = nothing is asked */
    struct pubkey avoid;      /* whose attempt failed last; zero = nobody */
    bool cancel;              /* the user wants it to end */
    bool settled;             /* on the chain; outputs are still coming */
    uint64_t helped_ms;       /* when its provider was last let to what it
                                 uses */
    bool resumed;             /* effects were issued again after a start */
    enum buy_state recorded;  /* what its record says; 0: it has none */
};

/* A contract of ours that no task goes on with: it turned up after its task had
 * ended, or its record was lost. Its money is fetched back. */
struct buy_stray {
    struct buy_stray *next;
    struct hash contract;
    struct pubkey provider;
    enum contract_state state;
    uint64_t start_by_ms;
    uint64_t until_ms;
    uint64_t retry_ms;
};
#define BUY_STRAYS_MAX 4096u

/* Results of another job that this one reads: spec_use. */
struct buy_use {
    struct hash request;
    uint32_t tasks;
};

struct buy_item {
    struct buy_job face; /* first: a job is its item */
    struct buy_item *next;
    struct buf request;
    struct buf spec;
    struct buf approval;
    uint64_t approval_expires_ms;
    struct hash image;
    struct hash inputs;
    uint64_t log_bytes_max; /* of each stream; 0: not stated */
    struct buy_task *tasks;
    struct buy_work *works;
    uint32_t use_count;
    struct buy_use *uses;
    struct buy_graph_item *graph; /* NULL: none */
    uint32_t part;                /* of the graph */
    bool ready; /* what it waits for is there: it may look for a place */
    bool in_book;
    enum err refused; /* what the last hold that was lost was lost for; OK when
                         none was */
};

/* A graph as the engine keeps it. */
#define BUY_AVOID_MAX 64u
struct buy_graph_item {
    struct buy_graph face; /* first: a graph is its item */
    struct buy_graph_item *next;
    struct buy_item *items[GRAPH_PARTS_MAX]; /* by part */
    uint32_t avoid_count;
    struct {
        struct pubkey provider;
        uint64_t until_ms;
    } avoid[BUY_AVOID_MAX]; /* providers left alone */
    uint64_t retry_ms;      /* no plan before */
    uint64_t look_ms;       /* when to look whether the plan still holds */
    struct graph_history history;
    bool placing; /* one round at a time */
    bool bound;   /* its items are found: not yet after a start */
};

struct buy {
    struct buy_config config;
    struct book *book;
    struct buy_item *first;
    struct buy_item **last;
    uint32_t live;  /* not ended */
    uint32_t ended; /* kept */
    struct buy_stray *strays;
    uint32_t stray_count;
    struct buy_graph_item *graphs; /* in order of creation */
    uint32_t graph_count;
    bool graphs_bound;
    struct graph_road *roads;
    uint32_t road_count;
    struct hash *orphans; /* drafts that died with the node: to be unpinned */
    size_t orphan_count;
    struct arena arena;
    bool rematching;
    bool places_changed; /* a task came to a provider, or left one */
    uint64_t looked_ms;  /* when every task was last asked what is due */
    struct trade_effects *out;
    uint64_t now_ms;
    uint64_t chain_ms;
};

struct buy_item *buy_find(const struct buy *buy, const struct hash *id);
/* By contract, of a job that has not ended; sets *out_task. NULL when it is no
 * task's newest attempt. */
struct buy_item *buy_find_contract(const struct buy *buy,
                                   const struct hash *contract,
                                   uint32_t *out_task);
/* A job with its arrays, linked in by its age; NULL: no memory. */
struct buy_item *buy_item_new(struct buy *buy, uint32_t tasks,
                              uint64_t created_at_ms);
/* Fills in what follows from request and spec, which item has in its bufs. */
MUST_USE enum err buy_item_fill(struct buy_item *item,
                                const struct request *request,
                                const struct hash *id, const struct spec *spec);
void buy_item_free(struct buy *buy, struct buy_item *item);
void buy_move(struct buy *buy, struct buy_item *item, uint32_t task,
              enum buy_state state);
__attribute__((format(printf, 5, 6))) void buy_reason(struct buy *buy,
                                                      struct buy_item *item,
                                                      uint32_t task,
                                                      enum err err,
                                                      const char *format, ...);
void buy_save_job(struct buy *buy, const struct buy_item *item);
/* A draft leaves no record but a mark that its blobs are pinned. */
void buy_mark_draft(struct buy *buy, const struct buy_item *item);
void buy_unmark_draft(struct buy *buy, const struct hash *id);
/* Before OPENING a task has promised nothing and has nothing on the chain: it
 * needs no record, the job's makes it again, WAITING. */
void buy_save_task(struct buy *buy, const struct buy_item *item, uint32_t task);
/* Frees the item and deletes its records. */
void buy_forget(struct buy *buy, struct buy_item *item);
/* The same of an ended job, with all that this node keeps of its attempts. */
void buy_forget_ended(struct buy *buy, struct buy_item *item);
void buy_note(struct buy *buy, const struct buy_item *item, uint32_t task,
              const char *text);
void buy_send(struct buy *buy, const struct pubkey *peer,
              const struct buf *message);
void buy_tx(struct buy *buy, struct buy_item *item, uint32_t task,
            uint32_t kind, const struct buf *payload);
/* Ends the job once all its tasks have. */
void buy_check_end(struct buy *buy, struct buy_item *item);
enum buy_state buy_state_of_job(const struct buy_item *item);
/* Wraps what a user asks: before the first and after the last effect. */
void buy_begin(struct buy *buy, uint64_t now_ms, struct trade_effects *out);
void buy_ask_wake(struct buy *buy);
/* A time of the chain by our own clock, should ours be behind. */
uint64_t buy_ours(const struct buy *buy, uint64_t chain_ms);

/* buy_place.c: from the wish to the open contract */
void buy_match(struct buy *buy, struct buy_item *item);
void buy_rematch(struct buy *buy, struct buy_item *item);
/* buy_where.c */
bool buy_state_there(enum buy_state state);
/* Tells the book where the job's tasks, and those of jobs it names, are; does
 * nothing for a job that does not care. */
void buy_tell_places(struct buy *buy, const struct buy_item *item);
/* buy_ways.c: tells the book how full the measured ways are. ERR_NOMEM: it has
 * what it was told before. */
MUST_USE enum err buy_tell_ways(const struct buy *buy);
/* Does it matter to the request? */
bool buy_balances_ways(const struct request *request);
/* Matches what may have been waiting for a change of places. */
void buy_places_due(struct buy *buy);
#define ADDRESS_SHORT_MAX LIMIT_NAME
/* The provider's name by its offer, or the start of its key. */
void buy_peer_name(const struct buy *buy, const struct pubkey *peer,
                   char out[ADDRESS_SHORT_MAX]);
void buy_hold_at(struct buy *buy, struct buy_item *item, uint32_t task,
                 const struct pubkey *provider, const char *address);
void buy_ask_hold(struct buy *buy, struct buy_item *item, uint32_t task);
void buy_lose_hold(struct buy *buy, struct buy_item *item, uint32_t task,
                   enum err why, uint64_t until_ms);
/* A task's job has ended at its provider: others of ours may have its room. */
void buy_room_is_back(struct buy *buy, struct buy_item *item, uint32_t task);
/* Releases what a task holds, if anything; looks for nothing new. */
void buy_let_go(struct buy *buy, struct buy_item *item, uint32_t task);
/* WAITING, HOLDING, QUOTED, OPENING: what time does. */
void buy_place_due(struct buy *buy, struct buy_item *item, uint32_t task);
/* Before a contract: the request's time is up. */
void buy_expire_task(struct buy *buy, struct buy_item *item, uint32_t task,
                     const char *what);
void buy_on_quote(struct buy *buy, const struct pubkey *peer,
                  struct bytes message);
void buy_on_hold_refused(struct buy *buy, const struct pubkey *peer,
                         struct bytes message);
void buy_open(struct buy *buy, struct buy_item *item, uint32_t task);
void buy_on_open_refused(struct buy *buy, struct buy_item *item, uint32_t task,
                         enum err err);
void buy_enter_book(struct buy *buy, struct buy_item *item);
/* After a start: a task goes on from what its record says. */
void buy_resume(struct buy *buy, struct buy_item *item, uint32_t task);

/* buy_gang.c: tasks that run together, and copies that run apart */
/* May contracts of the job be opened now? Of a gang: when as many as it needs
 * have a quote, or it has begun. */
bool buy_may_open(const struct buy_item *item);
/* Opens what has a quote and an approval, if it may. */
void buy_open_quoted(struct buy *buy, struct buy_item *item);
/* A gang that has not begun and cannot be whole lets go of all it holds, so
 * that others may have it, and waits for its next turn. */
void buy_dissolve(struct buy *buy, struct buy_item *item);
/* The next waiting task from `from` on that may go to the provider, for no copy
 * of it is there; task_count when there is none. */
uint32_t buy_next_for(const struct buy_item *item, uint32_t from,
                      const struct pubkey *provider);
/* Does a copy of the task wait for its place? */
bool buy_copy_waits(const struct buy_item *item, uint32_t task);
/* Is the task, or a copy of it that is there for the sake of an availability,
 * done? Copies asked for by number are all wanted. */
bool buy_copy_is_done(const struct buy_item *item, uint32_t task);
/* Of such copies one of each work is: the job is done, though contracts of the
 * others have not come to their end. */
bool buy_enough_is_done(const struct buy_item *item);
/* The task is done: other copies of it are not needed any more. */
void buy_spare_copies(struct buy *buy, struct buy_item *item, uint32_t task);

/* buy_run.c: what is said about a running contract */
void buy_on_job_state(struct buy *buy, const struct pubkey *peer,
                      struct bytes message);
void buy_on_log(struct buy *buy, const struct pubkey *peer,
                struct bytes message);
void buy_on_receipt(struct buy *buy, const struct pubkey *peer,
                    struct bytes message);
/* Lets the contract's provider read image and inputs. */
void buy_share_inputs(struct buy *buy, struct buy_item *item, uint32_t task);
void buy_dial(struct buy *buy, const struct buy_item *item, uint32_t task);
void buy_start(struct buy *buy, struct buy_item *item, uint32_t task);
void buy_ask(struct buy *buy, struct buy_item *item, uint32_t task);
void buy_send_cancel(struct buy *buy, struct buy_item *item, uint32_t task);
/* STAGING, RUNNING, PUBLISHING: silence, cancelling, deadlines. */
void buy_watch(struct buy *buy, struct buy_item *item, uint32_t task);

/* buy_end.c: what the chain says, from the open contract to the settled bill */
void buy_on_contract(struct buy *buy, const struct contract *contract);
void buy_on_fetched(struct buy *buy, const struct trade_event *event);
void buy_on_fetching(struct buy *buy, const struct trade_event *event);
/* Takes the money back: brings an expire with the newest receipt. */
void buy_expire(struct buy *buy, struct buy_item *item, uint32_t task);
/* DELIVERED, SETTLING, EXPIRING: the next try. */
void buy_end_due(struct buy *buy, struct buy_item *item, uint32_t task);

/* buy_uses.c: results of other jobs */
MUST_USE enum err buy_uses_fill(struct buy_item *item, const struct spec *spec);
/* Does this node know every job that the spec uses? */
bool buy_uses_known(const struct buy *buy, const struct spec *spec);
/* Does a job that has not ended use results of this one? */
bool buy_is_used(const struct buy *buy, const struct buy_item *item);
/* Is everything there that it waits for? If not, its waiting tasks say what is
 * missing, or have failed with it. */
bool buy_uses_ready(struct buy *buy, struct buy_item *item);
/* Of one job, all of its first tasks. */
bool buy_use_is_there(struct buy *buy, struct buy_item *item,
                      const struct hash *request, uint32_t tasks);
/* Lets the provider of a task that is staging to what it uses; now and then. */
void buy_uses_help(struct buy *buy, struct buy_item *item, uint32_t task);

/* buy_user.c: a job of these bytes, linked in; not saved, not in the book. What
 * buy_submit refuses. */
MUST_USE enum err buy_item_submit(struct buy *buy, struct bytes request,
                                  struct bytes spec, const char *name,
                                  struct buy_item **out);
/* Its blobs are the job's from here on. */
void buy_item_pin(struct buy *buy, const struct buy_item *item);
/* Does the approval fit the job, now? What buy_approve refuses. */
MUST_USE enum err buy_approval_check(struct buy *buy,
                                     const struct buy_item *item,
                                     struct bytes bytes, struct approval *out);
/* Takes it; saves nothing. ERR_NOMEM: nothing changed. */
MUST_USE enum err buy_approval_take(struct buy_item *item, struct bytes bytes,
                                    const struct approval *approval);
/* True if anything of it could be cancelled. */
bool buy_item_cancel(struct buy *buy, struct buy_item *item, uint32_t task);

/* buy_graph.c, buy_graph_place.c */
void buy_graph_save(struct buy *buy, const struct buy_graph_item *graph);
/* Makes a plan for all that has no place; says in face.why why there is none.
 */
void buy_graph_plan(struct buy *buy, struct buy_graph_item *graph);
/* Looks for what may be placed now, of all graphs. */
void buy_graphs_due(struct buy *buy);
/* The same of one. */
void buy_graph_due(struct buy *buy, struct buy_graph_item *graph);
/* Leaves a provider alone until then; 0: for a while. */
void buy_graph_avoid(struct buy *buy, struct buy_graph_item *graph,
                     const struct pubkey *provider, uint64_t until_ms);
/* Is everything done that the graph puts before this part? As
 * buy_uses_ready. */
bool buy_graph_order_holds(struct buy *buy, struct buy_item *item);
/* After a start: graphs find their jobs; those that lack some are let go. */
void buy_graphs_bind(struct buy *buy);
/* Its record, and all of its jobs: they have ended. */
void buy_graph_forget(struct buy *buy, struct buy_graph_item *graph);
void buy_graph_free(struct buy *buy, struct buy_graph_item *graph);
bool buy_graph_is_used(const struct buy *buy,
                       const struct buy_graph_item *graph);
void buy_graph_refresh(struct buy_graph_item *graph);

/* buy_graph_codec.c */
MUST_USE enum err buy_graph_encode(const struct buy_graph_item *graph,
                                   struct buf *out);
MUST_USE enum err buy_graph_decode(struct bytes bytes, struct arena *arena,
                                   struct buy_graph_item *out);

/* buy_stray.c */
void buy_stray_contract(struct buy *buy, const struct contract *contract);
void buy_strays_due(struct buy *buy);
void buy_strays_free(struct buy *buy);

/* buy_codec.c */
void buy_job_encode(const struct buy_item *item, struct buf *out);
void buy_task_encode(const struct buy_item *item, uint32_t task,
                     struct buf *out);
/* The head of a saved job: how many tasks to make room for, then the rest. */
struct buy_saved_job {
    struct bytes request;
    struct bytes spec;
    struct bytes approval;
    char name[LIMIT_NAME];
    uint64_t created_at_ms;
    uint64_t ended_at_ms;
};
MUST_USE enum err buy_job_decode(struct bytes bytes, struct arena *arena,
                                 struct buy_saved_job *out);
MUST_USE enum err buy_task_decode(struct bytes bytes, struct arena *arena,
                                  struct buy_task *out_task,
                                  struct buy_work *out_work);

#endif
