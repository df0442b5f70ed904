#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

/* The world of one run: nodes with their engines, the links between them, one
 * validator with a real chain, people who want things, and a judge. Everything
 * happens on the agenda; nothing but the dice decides by chance.
 *
 *   people.c   ask for jobs, approve, change their minds
 *   node.c     a node: engines, effects carried out, killed and started again
 *   machine.c  the executor of a node: jobs that run, end, and get lost
 *   store.c    blobs of a node, and their way from one to another
 *   net.c      links and messages, as late and as broken as the plan says
 *   chain.c    the validator, and how transactions and blocks travel
 *   mischief.c what goes wrong, and when it stops
 *   judge.c    what must hold, always and in the end */

#include "ledger/sx/sx.h"
#include "node/chain/own_tx.h"
#include "node/trade/buy.h"
#include "node/trade/buy_graph.h"
#include "node/trade/sell.h"
#include "tests/sim/agenda.h"
#include "tests/sim/keys.h"
#include "tests/sim/memory.h"
#include "tests/sim/plan.h"

#define WORLD_NODES_MAX 8u
#define WORLD_JOBS_MAX  16u
#define WORLD_USERS     3u
#define WORLD_T0        UINT64_C(1700000000000)

/* ---- the executor of a node ---- */

enum fate {
    FATE_DONE = 1,
    FATE_FAILS,   /* non-zero exit */
    FATE_LIMIT,   /* ends in a limit */
    FATE_REFUSED, /* cannot be started */
    FATE_LOST,    /* the executor forgets it while it runs */
};
struct machine_job {
    struct hash contract;
    struct resources resources;
    enum fate fate;
    bool running;
    bool killed;
    bool finished;
    uint64_t started_ms;
    uint64_t ends_ms;
    uint64_t wall_ms; /* when finished */
    uint64_t time_ms_max;
    uint32_t starts; /* how often it was begun: never twice */
};
/* What the node's own process knows of a job; gone when it is killed. */
struct machine_watch {
    struct hash contract;
    bool starting;
    bool collecting;
    bool polling;
    struct {
        bool open;
        uint64_t offset;
        struct pubkey peer;
    } logs[2];
    uint8_t *spec;
    size_t spec_len;
};
struct machine {
    bool up;
    struct machine_job *jobs;
    size_t job_count;
    size_t job_cap;
    struct machine_job *gone; /* removed; for the judge, who forgets nothing */
    size_t gone_count;
    size_t gone_cap;
    struct machine_watch *watches;
    size_t watch_count;
    size_t watch_cap;
};

/* ---- blobs of a node ---- */

struct pin {
    struct hash id;
    struct hash subject;
    bool kept; /* bought: stays when the contract is over */
};
struct share {
    struct hash subject;
    struct pubkey peer;
};
struct store_of_blobs {
    struct pin *pins; /* durable; a blob is here while it has one */
    size_t pin_count;
    size_t pin_cap;
    struct share *shares; /* not durable */
    size_t share_count;
    size_t share_cap;
};

/* ---- a job's output as the buyer has it ---- */

struct log_file {
    struct hash contract;
    uint32_t stream;
    uint64_t len;
    uint64_t synced;
};

/* ---- nodes ---- */

struct waiting_tx {
    uint8_t *bytes;
    size_t len;
    struct hash id;
    uint64_t nonce;
    uint64_t token;
};
struct sim_node {
    uint32_t index;
    struct sim_key key;
    bool buys;
    bool sells;
    struct sell_config sell_config;
    struct price price;
    char address[LIMIT_NAME];
    int64_t skew_ms;
    /* of its process */
    bool up;
    bool gone;      /* for good */
    bool wiped;     /* it once lost its disk */
    bool disturbed; /* it, or its executor, was down, or sells less */
    uint32_t life;  /* counts its starts */
    struct buy *buy;
    struct sell *sell;
    struct own_tx *own;
    struct standings *standings; /* where the plan has copies */
    struct trade_effects buy_effects;
    struct trade_effects sell_effects;
    uint64_t wake_ms;
    bool selling;
    uint64_t kill_in; /* effects until the next kill; 0 = none planned */
    struct waiting_tx *pool;
    size_t pool_count;
    size_t pool_cap;
    /* durable */
    struct memory memory;
    uint64_t height; /* of its chain */
    struct machine machine;
    struct store_of_blobs blobs;
    struct log_file *logs;
    size_t log_count;
    size_t log_cap;
    /* the world around it */
    bool cut_off;         /* from the validator */
    uint64_t tx_clear_ms; /* messages in order: not before this */
};

/* Messages that were said, for whoever wants to say them again. */
#define WORLD_OVERHEARD 32u
struct overheard {
    uint8_t *bytes;
    size_t len;
};

struct link {
    bool up;
    bool cut;
    bool dialling;
    uint32_t id; /* counts connections */
    uint64_t clear_ms[2];
};

/* ---- the chain ---- */

struct touched {
    struct hash tx;
    struct pubkey sender;
    uint64_t nonce;
    uint32_t kind;
    struct hash subject;
    bool has_contract;
    struct contract contract; /* as of this block */
};
struct sim_block {
    uint64_t time_ms;
    struct touched *txs;
    size_t tx_count;
    struct account accounts[WORLD_NODES_MAX]; /* of the nodes, after it */
};
struct decider {
    struct sim_key key;
    struct genesis genesis;
    struct store *store;
    struct chain *chain;
    struct sx *core;
    bool paused;
    uint64_t wake_ms;
    struct sim_block *blocks; /* [height]; 0 is the genesis */
    size_t block_count;
    size_t block_cap;
    uint64_t tx_count;
    uint64_t final_count[8]; /* by kind - 100 */
};

/* ---- people ---- */

struct sim_user {
    struct sim_key key;
};
enum wish {
    WISH_AT_ONCE = 1, /* --yes: approves before a quote is there */
    WISH_LOOK,        /* a draft: looks at the bill, then approves */
    WISH_DROP,        /* a draft: looks, and drops it */
};
struct sim_job {
    uint32_t user;
    uint32_t node;
    enum wish wish;
    bool submitted;
    bool decided;
    bool cancelled;
    struct hash id;
    struct request request;
    struct spec spec;
    uint8_t spec_bytes[1024];
    size_t spec_len;
    struct hash spec_hash;
    uint32_t use_count;
    struct spec_use uses[2];
    struct graph graph; /* of the first part of a graph */
    struct hash graph_id;
    uint32_t moved; /* places of it that were planned anew, as last seen */
};

/* ---- what the judge remembers ---- */

struct seen_receipt {
    struct hash contract;
    uint32_t seq;
    uint64_t wall_ms;
    struct amount due;
};
/* Who waits at a seller, and when it was last to begin. */
struct seen_turn {
    struct hash contract;
    uint32_t node;
    uint64_t begin_by_ms; /* another hold for the same is another promise */
    uint64_t planned_ms;
    bool first;
};

struct judge {
    struct seen_turn *turns;
    size_t turn_count;
    size_t turn_cap;
    uint64_t queued;               /* of them that were judged */
    struct seen_receipt *receipts; /* newest of each contract */
    size_t receipt_count;
    size_t receipt_cap;
    struct contract *contracts; /* newest record of each */
    size_t contract_count;
    size_t contract_cap;
    uint64_t checks;
};

struct world {
    struct sim_plan plan;
    struct dice dice;
    struct agenda agenda;
    uint64_t now_ms;
    uint64_t trace;
    uint64_t events;
    bool verbose;
    bool healed;
    struct decider validator;
    struct sim_node nodes[WORLD_NODES_MAX];
    uint32_t node_count;
    struct link links[WORLD_NODES_MAX][WORLD_NODES_MAX];
    struct overheard overheard[WORLD_OVERHEARD];
    uint64_t overheard_count;
    struct sim_user users[WORLD_USERS];
    struct sim_job jobs[WORLD_JOBS_MAX];
    struct hash images[2];
    struct judge judge;
    uint32_t kills;
    uint64_t moved; /* tasks of graphs, by plans that were mended */
    uint32_t mischiefs;
};

/* ---- world.c ---- */

void world_init(struct world *world, const struct sim_plan *plan, bool verbose);
void world_done(struct world *world);
/* Lives it to the end; the judge stops the program when something is wrong. */
void world_run(struct world *world);
/* Something happened: it is part of the trace. */
void world_trace(struct world *world, uint32_t what, uint64_t a, uint64_t b);
__attribute__((format(printf, 2, 3))) void world_say(const struct world *world,
                                                     const char *format, ...);
void world_after(struct world *world, uint64_t delay_ms, agenda_fn fn,
                 const struct about *about);
struct sim_node *world_node_of(struct world *world, const struct pubkey *key);
/* Makes room for one more item in a growing array. */
void *world_room(void *items, size_t size, size_t count, size_t *cap);
/* How long something takes on its way. */
uint64_t world_delay(struct world *world);

/* ---- node.c ---- */

void node_init(struct world *world, struct sim_node *node);
void node_done(struct sim_node *node);
void node_start(struct world *world, struct sim_node *node);
void node_kill(struct world *world, struct sim_node *node);
/* Something happened to it; nothing if it is down. The node may be down when
 * this returns. */
void node_event(struct world *world, struct sim_node *node,
                struct trade_event *event);
/* Carries out what is in a list; false when it was killed on the way. */
bool node_carry_out(struct world *world, struct sim_node *node,
                    struct trade_effects *effects);
uint64_t node_now(const struct world *world, const struct sim_node *node);
/* Is the entry about a life of the node that still goes on? */
struct sim_node *node_living(struct world *world, const struct about *about);
/* A new block has reached it. */
void node_block(struct world *world, struct sim_node *node, uint64_t height);

/* ---- machine.c ---- */

void machine_start(struct world *world, struct sim_node *node,
                   const struct trade_effect *effect);
void machine_kill(struct world *world, struct sim_node *node,
                  const struct hash *contract);
void machine_log(struct world *world, struct sim_node *node,
                 const struct trade_effect *effect);
void machine_collect(struct world *world, struct sim_node *node,
                     const struct hash *contract);
void machine_remove(struct sim_node *node, const struct hash *contract);
/* The executor is there: asks about every job the seller has. */
void machine_adopt(struct world *world, struct sim_node *node);
void machine_down(struct world *world, struct sim_node *node);
void machine_up(struct world *world, struct sim_node *node);
void machine_forget_watches(struct sim_node *node);
const struct machine_job *machine_job(const struct sim_node *node,
                                      const struct hash *contract);
/* One byte of a job's output, known to everyone. */
uint8_t machine_log_byte(const struct hash *contract, uint32_t stream,
                         uint64_t offset);

/* ---- store.c ---- */

void store_fetch(struct world *world, struct sim_node *node,
                 const struct trade_effect *effect);
void store_share(struct world *world, struct sim_node *node,
                 const struct trade_effect *effect);
void store_unpin(struct sim_node *node, const struct hash *subject);
void store_pin(struct sim_node *node, const struct hash *id,
               const struct hash *subject, bool kept);
bool store_has(const struct sim_node *node, const struct hash *id);

/* ---- net.c ---- */

void net_send(struct world *world, struct sim_node *from,
              const struct pubkey *to, struct bytes message);
void net_dial(struct world *world, struct sim_node *from,
              const struct pubkey *to);
/* Both ends learn of it. */
void net_break(struct world *world, uint32_t a, uint32_t b);
void net_break_all(struct world *world, uint32_t a);
bool net_reachable(const struct world *world, uint32_t a, uint32_t b);
void net_done(struct world *world);
/* Everybody's offers, from now on. */
void net_gossip(struct world *world);

/* ---- chain.c ---- */

void chain_init(struct world *world);
void chain_done(struct world *world);
enum err chain_submit(struct world *world, struct sim_node *node,
                      struct bytes tx, uint64_t token);
/* What its chain says of the bytes now; OK where it cannot know. */
enum err chain_check(struct world *world, const struct sim_node *node,
                     struct bytes tx);
bool chain_waits(struct sim_node *node, const struct hash *id);
void chain_pool_clear(struct sim_node *node);
void chain_pause(struct world *world, bool paused);
/* Newest record that a node at this height knows; NULL when none. */
const struct contract *chain_contract(const struct world *world,
                                      const struct hash *id, uint64_t height);

/* ---- people.c ---- */

void people_init(struct world *world);
const struct sim_job *people_job(const struct world *world,
                                 const struct hash *request);

void people_encode_spec(struct world *world, struct sim_job *job);
void people_make_request(struct world *world, struct sim_job *job);
struct amount people_cap_of(const struct sim_job *job);

/* ---- graphs.c ---- */

/* Instead of single jobs. */
void graphs_init(struct world *world);
/* A contract is new: is all that it needs done? */
void graphs_judge_open(struct world *world, const struct contract *c);
/* An EFFECT_EXEC_START: does it bring what the chain says? */
void graphs_judge_start(struct world *world, const struct hash *contract,
                        const struct trade_effect *start);

/* ---- mischief.c ---- */

void mischief_init(struct world *world);
/* Everything is repaired, nothing breaks any more. */
void mischief_heal(struct world *world);

/* ---- judge.c ---- */

/* Prints what is wrong, with the seed, and ends the program. */
__attribute__((format(printf, 2, 3), noreturn)) void judge_fails(
    const struct world *world, const char *format, ...);
void judge_block(struct world *world, const struct sim_block *block);
void judge_message(struct world *world, const struct sim_node *from,
                   struct bytes message);
void judge_node(struct world *world, const struct sim_node *node);
/* Is everything over? *out_why says what is not. */
bool judge_quiet(struct world *world, const char **out_why);
void judge_end(struct world *world);
void judge_done(struct world *world);

#endif
