#ifndef TESTS_SIM_CONSENSUS_WORLD_H
#define TESTS_SIM_CONSENSUS_WORLD_H

/* The world of one run: machines with whole nodes (core, pool, chain, store,
 * safety log), the links between them, people who pay each other, dishonest
 * validators, and a judge. Everything happens on the calendar; nothing but the
 * dice decides by chance.
 *
 *   machine.c  a process: events in, effects out, killed and started again
 *   inbox.c    what waits for it
 *   disk.c     its safety log and its store
 *   net.c      links and messages, as late and as broken as the plan says
 *   people.c   transactions
 *   stake.c    newcomers' bonds
 *   trouble.c  what goes wrong, and when it stops
 *   actor.c    dishonest validators: what they do to what they say
 *   forge.c    what they make up
 *   crowd.c    what they say too much of
 *   votes.c    all votes that were ever public
 *   fetch.c    newcomers that fetch the state
 *   judge.c    what must hold, always and in the end
 *   judge_rules.c  the rules of one node
 *   judge_guilt.c  what becomes of evidence
 *   tell.c     the story, for people */

#include "ledger/sx/sx.h"
#include "ledger/sx/sx_msg.h"
#include "tests/sim/consensus/calendar.h"
#include "tests/sim/consensus/disk.h"
#include "tests/sim/consensus/plan.h"
#include "tests/sim/keys.h"

#define MACHINES_MAX 40u
#define CLIENTS_MAX  10u
#define WORLD_T0     UINT64_C(1700000000000)
#define NOBODY       UINT32_MAX

/* ---- machines ---- */

/* One thing that was signed by a process, for its own life. */
struct own_slot {
    uint64_t epoch;
    uint64_t view;
    bool notarized;
    bool nullified;
    bool finalized;
    struct hash notarized_id;
    struct hash finalized_id;
};
#define OWN_SLOTS 512u

/* Where a signature of ours stands in the log. */
struct logged_vote {
    uint64_t mark; /* first bytes of the signature */
    uint64_t seq;
    uint64_t epoch;
    uint64_t view;
};
/* A vote on its way there. */
struct pending_vote {
    struct signature sig;
    uint64_t epoch;
    uint64_t view;
};
/* A block's record in the log. */
struct logged_block {
    struct hash id;
    uint64_t seq;
};
/* A validator's guilt: in one view once. */
struct guilt {
    uint64_t epoch;
    uint64_t view;
    uint16_t index;
    uint64_t noticed; /* the epoch of whoever noticed it */
};
/* A question of somebody who fetches the state. */
struct fetch_ask {
    uint32_t number; /* 0: none */
    uint64_t peer;
    uint64_t epoch;
    uint64_t at_ms; /* by the machine's clock */
    uint32_t count; /* of pages */
    bool steps;
    bool over; /* answered, or the link is gone */
};
#define FETCH_ASKS  64u
#define BLOCKS_KEPT 128u
#define SIGNED_MAX  64u
#define YES_MAX     16u
#define YES_PER_S   200u /* of one who says yes to all */
#define CROWD       100u /* proposals behind the first */
#define DECISIONS   100u /* of the last that were heard */

struct machine {
    uint32_t index;
    uint32_t key_number; /* of the plan; NOBODY: a follower's own key */
    struct sim_key *key;
    struct pubkey link_key;
    struct signer signer; /* the key's, but known to be this machine's */
    uint32_t acts;        /* enum mischief; 0: honest */
    bool dishonest;       /* it, or its key: another has a copy */
    bool copy;            /* a second machine of an honest key */
    bool wiped;           /* lost its log, store or disk once */
    bool forgot;          /* its log, and has not recalled since */
    bool rotten;          /* its store is damaged */
    struct disk disk;
    int64_t skew_us;
    /* its process */
    bool up;
    bool starting;
    uint32_t life;
    struct chain *chain;
    struct sx *core;
    uint64_t wake_ms;  /* UINT64_MAX: none */
    uint64_t alarm_us; /* the entry that will look at it; 0: none */
    uint64_t boot_us;
    struct entry *inbox; /* while it is busy or paused */
    size_t inbox_first;
    size_t inbox_count;
    size_t inbox_cap;
    bool inbox_due; /* an entry will look at it */
    uint64_t paused_until_us;
    uint64_t busy_until_us;
    uint64_t slow_until_us;
    uint32_t crash_in; /* effects; 0: none planned */
    enum err halted;
    struct sx_status before; /* as of its last event */
    uint64_t height;         /* last SX_FINAL of this life */
    uint64_t views;          /* gone through, in all its lives */
    bool twin_seen;
    bool amnesia_seen;
    struct guilt *guilts; /* that it noticed in this life */
    size_t guilt_count;
    size_t guilt_cap;
    /* what it signed */
    struct own_slot own[OWN_SLOTS];
    struct pending_vote pending[SIGNED_MAX]; /* not seen in the log yet */
    uint32_t pending_count;
    struct logged_vote *logged;
    size_t logged_count;
    size_t logged_cap;
    struct logged_block blocks[BLOCKS_KEPT]; /* newest at block_count - 1 */
    uint32_t block_count;
    uint64_t said_epoch; /* the same, before any loss, too */
    uint64_t said_view;
    uint64_t public_epoch; /* highest own vote that left */
    uint64_t public_view;
    /* what it has taken and not answered: by number of transaction */
    uint8_t *taken;
    size_t taken_cap;
    uint32_t taken_count; /* that wait for an answer */
    /* a dishonest one's */
    struct letter *bent; /* what became of the message with this mark */
    uint64_t bent_mark;
    struct hash yes[YES_MAX]; /* voted for */
    uint32_t yes_count;
    uint64_t yes_second;          /* when it said so last ... */
    uint32_t yes_said;            /* ... and how often in that second */
    struct letter *last_proposal; /* heard */
    struct letter **crowd; /* what goes behind the message with this mark */
    uint64_t crowd_mark;
    struct letter **decisions; /* heard, of its epoch ... */
    struct letter **runs;      /* ... in these messages; NULL: by themselves */
    uint64_t decision_count;
    uint64_t decisions_epoch;
    struct letter *last_pages; /* given, by how much of it was wanted ... */
    uint32_t last_pages_to;    /* ... by whom */
    /* who fetches the state: what it asked in this life, and who gave it what
     * does not hold */
    struct fetch_ask asks[FETCH_ASKS];
    uint32_t ask_count;
    uint64_t poisoners[MACHINES_MAX];
    uint32_t poisoner_count;
    bool answered;     /* it hears steps or pages right now */
    uint64_t asked_us; /* it asked somebody, or had nothing to ask */
    /* what it last heard of each dishonest machine */
    struct vote heard[MACHINES_MAX][3];
    uint64_t held_epoch; /* it has the block that it voted for here */
    uint64_t held_view;
    uint64_t ask_by_ms;   /* it has asked by then for what it lacks; 0: boots */
    uint64_t words;       /* machines that told it where they are */
    uint64_t words_epoch; /* ... in this life, which began in it */
    uint64_t minds;       /* the peer that it has to call bad, or 0 */
    bool uncertified;     /* in the middle of a run */
    uint64_t stored_us;   /* when it is told of the last batch */
    uint64_t stored_height; /* the last it was told of in this life */
    uint64_t sent_bytes;
    uint64_t sent_count;
    uint64_t window_bytes; /* of this second */
    uint64_t window_us;
};

/* ---- links ---- */

#define OVERHEARD_MAX 16u

struct wire {
    bool up;
    uint32_t generation;
    uint64_t peer[2]; /* the number each end knows the other by */
    bool deaf[2];     /* direction 0: from the lower to the higher index */
    uint64_t down_until_us;
    uint64_t clear_us[2]; /* in order: not before this */
    uint64_t clog_until_us;
};

/* ---- people ---- */

enum tx_fate {
    TX_OPEN = 1,
    TX_FINAL,
    TX_DEAD,     /* can never be final */
    TX_REPLACED, /* was refused; another has its number, and either may win */
};

struct sim_tx {
    struct hash id;
    uint32_t client;
    uint64_t nonce;
    uint64_t expiry;
    uint64_t place; /* where it is handed in next */
    enum tx_fate fate;
    uint32_t kind;
    uint32_t refusals; /* by the rules, to its owner */
    struct letter *letter;
    uint64_t height;
    uint64_t born_us;
};
struct client {
    struct sim_key key;
    uint64_t bonded; /* by its own count */
    uint64_t next_nonce;
    uint64_t final_nonce; /* all below are final */
    uint32_t open;        /* numbers that are given and not final */
    uint32_t replaced;    /* transactions of that fate */
};

/* ---- votes ---- */

struct ballot {
    struct proposal on;
    uint64_t notarized[2]; /* a bit for each validator */
    uint64_t finalized[2];
};
struct vote_slot {
    uint64_t epoch;
    uint64_t view;
    uint64_t nullified[2];
    struct ballot *ballots;
    uint32_t ballot_count;
};
struct votes {
    struct vote_slot *slots; /* open addressing; epoch 0: free */
    size_t count;
    size_t cap;
};

/* ---- the judge's memory ---- */

struct final_block {
    struct hash id;
    uint64_t time_ms;
    uint64_t epoch;
    uint64_t at_us;
    uint32_t tx_count;
    uint32_t first_machine;
};

#define STORY_MAX 40u
struct story {
    uint64_t at_us;
    char text[160];
};

struct world {
    struct plan plan;
    struct dice dice;
    struct calendar calendar;
    uint64_t now_us;
    uint64_t trace;
    uint64_t events;
    uint64_t kills;
    uint64_t messages;
    bool telling; /* keeps the story */
    bool verbose; /* and prints it */
    bool healed;
    bool hushed; /* clients are silent */
    bool ruined; /* a loss that the protocol does not bear */
    bool split;
    uint8_t side[MACHINES_MAX]; /* while split */
    uint64_t next_peer;
    struct genesis genesis;
    struct validators *sets; /* [epoch]; 0 is unused */
    size_t set_count;
    struct sim_key keys[MACHINES_MAX];
    struct machine machines[MACHINES_MAX];
    uint32_t machine_count;
    uint32_t first_newcomer;
    struct wire wires[MACHINES_MAX][MACHINES_MAX]; /* [low][high] */
    struct letter *overheard[OVERHEARD_MAX];
    uint64_t overheard_count;
    struct client clients[CLIENTS_MAX];
    struct sim_tx *txs;
    size_t tx_count;
    size_t tx_cap;
    uint32_t *tx_map; /* open addressing by id: number + 1 */
    size_t tx_map_cap;
    uint64_t txs_final;
    struct leaders leaders; /* of this epoch; 0: none */
    uint64_t leaders_epoch;
    struct votes votes;     /* public ones */
    struct votes all_votes; /* and what was only signed */
    uint64_t foreign;       /* votes in another's name, heard */
    uint64_t foreign_told;  /* and called bad */
    uint64_t pairs;         /* of votes that prove guilt, heard in time */
    struct guilt *punished; /* by decided blocks */
    size_t punished_count;
    size_t punished_cap;
    struct final_block *finals; /* [height]; 0 is the genesis */
    size_t final_count;
    size_t final_cap;
    uint64_t views_max_seen;
    uint64_t clock_ms_max; /* how far ahead any clock was */
    uint64_t notices[16];
    uint64_t fetches; /* that ended */
    struct story stories[STORY_MAX];
    uint64_t story_count;
};

/* ---- world.c ---- */

struct telling {
    bool keeps; /* the last of the story, for a failure */
    bool prints;
};
void world_init(struct world *world, const struct plan *plan,
                struct telling telling);
void world_done(struct world *world);
/* Lives it to the end; the judge stops the program when something is wrong. */
void world_run(struct world *world);
void world_trace(struct world *world, uint64_t what, uint64_t a, uint64_t b);
/* Makes room for one more item in a growing array. */
void *world_room(void *items, size_t size, size_t count, size_t *cap);
void world_add(struct world *world, uint64_t delay_us,
               const struct entry *entry);
/* Does honest, knowing, running weight make a quorum? */
bool world_can_decide(const struct world *world);

/* ---- machine.c ---- */

void machine_init(struct world *world, uint32_t index, uint32_t key_number,
                  struct sim_key *key);
void machine_done(struct machine *machine);
void machine_start(struct world *world, struct machine *machine);
void machine_kill(struct world *world, struct machine *machine);
/* Tears it down and brings it back after a while. */
void machine_crash(struct world *world, struct machine *machine,
                   uint64_t down_us);
/* One thing that happens to a process that is there and has time for it. */
void machine_handle(struct world *world, struct machine *machine,
                    const struct entry *entry);
bool machine_honest(const struct machine *machine);
bool machine_validates(const struct machine *machine);
uint64_t machine_mono_ms(const struct world *world,
                         const struct machine *machine);

/* ---- inbox.c ---- */

/* An entry about a machine: later when it is busy, never when that life is
 * over. */
void inbox_take(struct world *world, struct entry *entry);
void inbox_empty(struct machine *machine);

/* ---- net.c ---- */

void net_init(struct world *world);
void net_done(struct world *world);
struct wire *net_wire(struct world *world, uint32_t a, uint32_t b);
/* What a process says to a peer number. */
void net_send(struct world *world, struct machine *from, uint64_t peer,
              struct letter *letter);
/* To a machine, past whatever an actor would do to it. */
void net_post(struct world *world, struct machine *from, struct machine *to,
              struct letter *letter, uint64_t extra_us);
void net_gossip(struct world *world, struct machine *from,
                struct letter *letter);
/* The machine another calls by this number, or NULL. */
struct machine *net_peer(struct world *world, const struct machine *machine,
                         uint64_t peer);
/* Links that can be up come up, after a while. */
void net_dial(struct world *world, struct machine *machine);
void net_dial_all(struct world *world);
void net_break(struct world *world, uint32_t a, uint32_t b);
void net_drop_all(struct world *world, struct machine *machine);
void net_link(struct world *world, const struct entry *entry);
/* Is the entry's link still the one it was sent on? The receiver's number of
 * it, or 0. */
uint64_t net_arrives(struct world *world, const struct entry *entry);
void net_heal(struct world *world);

/* ---- people.c ---- */

void people_init(struct world *world);
/* What small pools cost: every other block, at least, takes as many as fit in
 * one, and of each person's open transactions the first finds a place then; the
 * others may have to come again. */
uint64_t people_rounds_us(const struct world *world, uint64_t block_us);
void people_done(struct world *world);
void people_genesis(struct world *world, struct genesis *genesis);
void people_entry(struct world *world, const struct entry *entry);
struct sim_tx *people_find(struct world *world, const struct hash *id);
void people_final(struct world *world, const struct hash *id, uint64_t height);
/* A machine has refused it, and says so to its owner. */
void people_refused(struct world *world, struct sim_tx *tx, enum err err);
/* A height was reached: what expired is dead. */
void people_height(struct world *world, uint64_t height);
/* How many are neither final nor dead. */
uint64_t people_open(const struct world *world);
/* One more of each client, now. */
void people_wish(struct world *world);

/* ---- stake.c ---- */

/* A bond of, or an unbonding from, the client's newcomer. False: nothing to be
 * done now. Unbonding may be refused: it has to expire. */
bool stake_payload(struct world *world, uint32_t client, uint32_t *out_kind,
                   struct buf *out);

/* ---- trouble.c ---- */

void trouble_init(struct world *world);
void trouble_entry(struct world *world, const struct entry *entry);
void trouble_heal(struct world *world);

/* ---- actor.c, forge.c, poison.c ---- */

/* Instead of steps or pages; what nobody may take of it is marked. */
struct letter *poison_answer(struct world *world, struct machine *actor,
                             struct machine *to, struct letter *letter);
/* Pages that somebody else gives: the same in its own name, perhaps sooner. */
void poison_race(struct world *world, const struct machine *from,
                 struct machine *to, struct letter *letter);

/* What a dishonest machine really sends when its core says this. */
void actor_send(struct world *world, struct machine *actor, struct machine *to,
                struct letter *letter);
/* It hears something. */
void actor_hear(struct world *world, struct machine *actor,
                struct machine *from, struct letter *letter);
void actor_entry(struct world *world, const struct entry *entry);

/* ---- crowd.c ---- */

/* Behind a proposal: many others of the same view. */
void crowd_behind(struct world *world, struct machine *actor,
                  struct machine *to, struct letter *letter);
/* Remembers decisions, and says them to who is far behind. */
void crowd_hear(struct world *world, struct machine *actor,
                struct machine *from, struct letter *letter);
void crowd_done(struct machine *machine);

/* ---- forge.c ---- */

struct letter *forge_vote(struct world *world, struct machine *actor,
                          enum vote_kind kind, const struct proposal *on);
/* Another proposal of the same view: `bad` is how its block is wrong, 0: not.
 * NULL when that cannot be done. */
struct letter *forge_proposal(struct world *world, struct machine *actor,
                              struct bytes message, uint32_t bad,
                              struct proposal *out_on);
/* A sound block where it has no business: on the decided head, on what was only
 * proposed, in another's name, or on another parent than it says. */
struct letter *forge_fork(struct world *world, struct machine *actor,
                          struct bytes message);
/* Its own proposal in the view of another leader's, perhaps with a block in
 * that one's name. */
struct letter *forge_usurp(struct world *world, struct machine *actor);
struct letter *forge_unjustified(struct world *world, struct bytes message);
struct letter *forge_repropose(struct world *world, struct machine *actor,
                               struct bytes message);
struct letter *forge_cert(struct world *world, struct bytes message);
struct letter *forge_bad_vote(struct world *world, struct bytes message);
struct letter *forge_status(struct world *world, struct bytes message);
struct letter *forge_flood(struct world *world, struct machine *actor);
/* A status whose certificate nobody has looked into: without a signature, of a
 * view that is far away, or of another epoch. */
struct letter *forge_unheld(struct world *world, struct machine *actor);
/* The block of a message that was heard, bent or not, to who did not ask. */
struct letter *forge_unasked(struct world *world, struct machine *actor,
                             const struct letter *heard);
struct letter *forge_garbage(struct world *world);
struct letter *forge_claim(struct world *world, const struct machine *actor,
                           const struct machine *to);
struct letter *forge_damage(struct world *world, struct bytes message);

/* ---- fetch.c ---- */

/* A machine has fetched the state and stands on its base. */
void judge_fetched(struct world *world, struct machine *machine);
/* It asks for steps or pages, or says something else. */
void fetch_asks(struct world *world, struct machine *machine,
                const struct sx_effect *effect);
void fetch_blames(struct machine *machine, uint64_t peer);
void fetch_unlinked(struct machine *machine, uint64_t peer);
/* What it had before a message, and whether it may have more after it. */
struct fetch_told {
    const char *never; /* why not; NULL: it may, or it is no answer */
    uint64_t pages;
    uint64_t step;
};
struct fetch_told fetch_hears(struct machine *machine,
                              const struct sx_event *event,
                              const struct letter *letter);
void fetch_heard(struct world *world, struct machine *machine,
                 const struct machine *from, const struct fetch_told *told);
/* After every event. */
void fetch_step(struct world *world, struct machine *machine,
                const struct sx_status *now);
/* A batch is in the store. */
void fetch_committed(struct world *world, struct machine *machine);

/* ---- votes.c ---- */

void votes_done(struct votes *votes);
/* A vote that can be heard by others. */
void votes_public(struct world *world, const struct machine *machine,
                  const struct vote *vote);
void votes_signed(struct world *world, const struct vote *vote);
/* A certificate has decided this block. */
void votes_decided(struct world *world, const struct proposal *on,
                   const struct header *header);
/* A dishonest validator's vote reaches an honest machine that has a use for it;
 * counts the pairs. */
void votes_heard(struct world *world, struct machine *machine,
                 const struct machine *from, const struct vote *vote);
const struct validators *votes_set(const struct world *world, uint64_t epoch);
/* By all that was ever signed, and the dishonest for everything: can there be a
 * certificate that the view is null; that something of it is notarized or
 * final? The epoch's set is known. */
bool votes_null(struct world *world, uint64_t epoch, uint64_t view);
bool votes_notarized(struct world *world, uint64_t epoch, uint64_t view);
/* Whose view it is; NULL: not known yet. */
const struct pubkey *votes_leader(struct world *world, uint64_t epoch,
                                  uint64_t view);
/* Has the view's leader signed it? Nobody asks dishonest ones, nor a leader
 * that is about to. */
bool votes_led(struct world *world, const struct proposal *on,
               const struct pubkey *asks);

/* ---- judge_rules.c ---- */

/* An honest machine is about to sign it. */
void rules_notarize(struct world *world, const struct machine *machine,
                    const struct proposal *on, uint64_t final_view);
void rules_nullify(struct world *world, const struct machine *machine,
                   const struct proposal *on);
void rules_listened(struct world *world, const struct machine *machine);
/* Of two transactions under one number it keeps the first, if a block can take
 * that. */
void rules_refused(struct world *world, struct machine *machine,
                   const struct sim_tx *tx, enum err err);
void rules_step(struct world *world, struct machine *machine,
                const struct sx_status *now);
void rules_opened(struct world *world, const struct machine *machine);
/* It says this to somebody. */
void rules_asks(struct machine *machine, struct bytes message);
/* Amnesia: a life begins, somebody says where it is, it is over. */
void rules_forgets(struct machine *machine);
void rules_word(struct machine *machine, const struct machine *from,
                const struct letter *letter);
void rules_recalled(struct world *world, const struct machine *machine);
/* Has this machine to call the sender bad? */
bool rules_foreign(struct world *world, const struct machine *machine,
                   uint64_t peer, const struct machine *from,
                   const struct letter *letter);

/* ---- judge.c, judge_votes.c, judge_end.c ---- */

#define REASON_MAX  200u
#define EXIT_FAILS  2 /* what a run that fails exits with */
#define EXIT_UNTOLD 4 /* likewise, and nobody kept the story */

/* Whose signatures are looked at. */
extern struct world *judge_world;
/* What was wrong, for whoever started the run. */
extern char *judge_reason;

/* Prints what is wrong, the end of the story and how to repeat it, and ends the
 * program. */
__attribute__((format(printf, 2, 3), noreturn)) void judge_fails(
    struct world *world, const char *format, ...);
/* A set of the epoch that this machine is about to vote in. */
void judge_learn_set(struct world *world, const struct machine *machine,
                     uint64_t epoch);
/* Block `height`, the first that nobody has told of, is on this machine's disk.
 */
void judge_find_final(struct world *world, struct machine *machine,
                      uint64_t height);
/* I10: this is what everybody has. */
void judge_same_set(struct world *world, const struct machine *machine,
                    uint64_t epoch, const struct validators *set);
void judge_opened(struct world *world, struct machine *machine);
/* It could not be opened. */
void judge_unopened(struct world *world, const struct machine *machine,
                    enum err err);
void judge_step(struct world *world, struct machine *machine);
/* What it has evidence of now. */
void judge_guilt_seen(struct machine *machine);
/* A block is final: what it punishes, and what its proposer left out. */
void judge_guilt_final(struct world *world, const struct block *block);
void judge_votes_there(struct world *world, const struct machine *machine);
void judge_logged(struct world *world, struct machine *machine, uint64_t seq,
                  struct bytes body);
void judge_send(struct world *world, struct machine *machine,
                struct bytes message);
void judge_final(struct world *world, struct machine *machine,
                 const struct sx_effect *effect);
void judge_taken(struct world *world, struct machine *machine,
                 const struct hash *id);
void judge_refused(struct world *world, struct machine *machine,
                   const struct sx_effect *effect);
void judge_notice(struct world *world, struct machine *machine,
                  const struct sx_effect *effect);
void judge_halt(struct world *world, struct machine *machine, enum err err);
/* Did everybody come to agree on all that was wished? *out_why: what is not. */
bool judge_settled(struct world *world, uint64_t height, const char **out_why);
void judge_end(struct world *world);

/* ---- tell.c ---- */

__attribute__((format(printf, 2, 3))) void tell(struct world *world,
                                                const char *format, ...);
void tell_message(struct world *world, const char *what, uint32_t node,
                  uint32_t other, const struct letter *letter);
void tell_end(struct world *world);
void tell_machines(const struct world *world);

#endif
