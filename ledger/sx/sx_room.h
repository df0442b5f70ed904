#ifndef LEDGER_SX_SX_ROOM_H
#define LEDGER_SX_SX_ROOM_H

/* What the pages of the core share. Inside ledger. The rules are evaluated over
 * this state until nothing changes (sx_rules.c): a message only adds facts, so
 * the order in which facts come does not matter. */

#include "ledger/evidence.h"
#include "ledger/sx/sx.h"
#include "ledger/sx/sx_msg.h"
#include "ledger/sx/sx_mutant.h"

#define SX_VIEWS_MAX    4096u /* undecided views that are remembered */
#define SX_VOTE_VIEWS   64u   /* ... and how many of them with single votes */
#define SX_BLOCKS_MAX   96u   /* undecided blocks, executed or not */
#define SX_FINALS_MAX   64u   /* decisions whose blocks are not here yet */
#define SX_EVIDENCE_MAX 64u   /* that waits for a block */
#define SX_SPREAD_MAX   32u   /* up to so many validators all tell all */
#define SX_DELAY_MAX_MS 10000u
#define SX_RHO_MS       500u /* what clocks may differ by */
#define SX_RELAY_MS     2000u
#define SX_RELAY_BURST  64u /* handed on again at once */
#define SX_STATUS_MS    1000u
/* Waiting for the log: then nothing is said that can be said later. */
#define SX_LETTERS_MAX  4096u
#define SX_LETTER_BYTES (32u * 1024 * 1024)
#define SX_RECORDS_MAX  4096u /* not synced: nothing is heard that adds some */
#define SX_AHEAD_TXS    512u  /* fewer wait for the disk */

/* In STORE_META, u64 BE each: what the log was known to be synced to, and the
 * first record that this store cannot do without. */
#define SX_META_LOG  "log_seq"
#define SX_META_NEED "log_need"

/* ---- views ---- */

#define SX_KINDS 3u /* kinds of votes, kind - 1 indexes */

/* One view of the epoch. */
struct sx_slot {
    uint64_t view;
    bool has_proposal; /* the leader's first, or a certificate's */
    struct proposal on;
    bool conflicted;              /* the leader has proposed two */
    bool invalid;                 /* the proposal breaks a rule, for ever */
    bool clock_told;              /* the notice about its time was given */
    uint64_t heard_ms;            /* when the proposal came */
    struct vote *votes[SX_KINDS]; /* by index, kind 0: none; NULL: no votes */
    struct cert *certs[SX_KINDS];
    struct vote own[SX_KINDS]; /* kind 0: not signed */
    uint64_t notarized_ms;     /* when its notarization came */
    uint64_t log_seq;          /* its first record in the log, 0: none */
};

/* ---- blocks ---- */

enum sx_verdict {
    SX_UNKNOWN, /* body or parent is missing */
    SX_VALID,
    SX_INVALID,
};

/* A block that is not decided. */
struct sx_block {
    struct hash id;
    struct header header;
    bool has_header;
    bool wanted; /* certified: worth asking for */
    bool txs_verified;
    enum sx_verdict verdict;
    enum err why;                /* of SX_INVALID */
    struct buf bytes;            /* empty: not here */
    struct candidate *body;      /* decoded; until the verdict */
    struct candidate *candidate; /* of SX_VALID */
    bool carries;                /* its transactions count as taken care of */
    uint64_t log_seq;            /* its record, 0: none */
    uint64_t since_ms;           /* known since */
    uint64_t asked_ms;
    uint32_t asks;
};

/* ---- peers ---- */

struct sx_peer {
    uint64_t id;
    struct pubkey link; /* the link's key */
    struct pubkey key;  /* the validator's, proven by LINK; else the link's */
    int index;          /* in the epoch's set, or -1 */
    uint64_t epoch;     /* what it said last: hints, not facts */
    uint64_t view;
    uint64_t height;
    uint64_t base;      /* it has the blocks after this one */
    uint64_t held_ms;   /* not asked for steps or pages before this */
    uint32_t vain;      /* such questions in a row without an answer */
    uint32_t owes;      /* blocks that it was asked for and has not sent */
    bool poisons;       /* never again: it answered with what does not hold */
    uint64_t claim_ms;  /* no other key's claim is looked at before this */
    uint64_t status_ms; /* when we last told it where we are */
    uint64_t heard_ms;
    uint64_t budget; /* bytes we may still answer with */
    uint64_t budget_ms;
};

/* ---- what leaves ---- */

struct sx_parcel {
    uint32_t refs;
    size_t len;
    uint8_t bytes[];
};

struct sx_letter {
    uint64_t peer;
    uint64_t need; /* leaves when the log is synced up to here */
    size_t bytes;  /* of the parcel; 0: an earlier letter's, too */
    struct sx_parcel *parcel;
};

struct sx {
    struct chain *chain;
    const struct signer *signer;
    struct pubkey link_key;
    uint64_t min_interval_ms;
    uint64_t heartbeat_ms;
    uint64_t delay_ms; /* D0 */
    uint64_t epoch_blocks;
    uint64_t relay_ms;
    uint64_t listen_ms;
    uint64_t listen_until_ms; /* UINT64_MAX: nobody could be heard yet */
    uint64_t random;
    struct pool *pool;
    struct arena arena; /* of one step */

    struct sx_effect *effects;
    size_t effect_count;
    size_t effect_cap;
    struct sx_effect last_word; /* when there is no memory for effects */
    enum err halted;
    uint64_t mono_ms;
    uint64_t wall_ms;
    uint64_t wake_ms; /* UINT64_MAX: none */

    /* the epoch */
    uint64_t epoch;
    struct validators set;
    uint64_t quorum;
    struct leaders leaders;
    int me;              /* index, or -1 */
    uint32_t honest_run; /* so many leaders in a row hold an honest one */
    uint32_t patience;   /* doublings of D that decisions have needed of late */
    uint32_t calm;       /* decisions since then that needed none */
    uint64_t waste;      /* two for each view given up, less one a decision */
    uint32_t strain;     /* doublings of D for views that ended long after we
                            had given them up, less one a decision */
    struct hash root;    /* the epoch's: the last block of the one before */
    bool root_stored;    /* nothing is signed before */

    /* views: slots[i] is view final_view + 1 + i, NULL when untouched */
    uint64_t cur;
    uint64_t entered_ms;
    uint64_t gave_up_ms; /* when we gave cur up; UINT64_MAX: we have not */
    uint64_t final_view; /* highest decided, 0: the root */
    struct hash final_id;
    uint64_t news_view; /* of the last decision of what was not decided before:
                           one that proposes the head again ends no trouble */
    struct cert *final_cert; /* of final_view; NULL: the root */
    struct sx_slot **slots;
    size_t slot_count;
    size_t slot_cap;
    struct cert *finals[SX_FINALS_MAX]; /* views ascending, not executed yet */
    /* the first log record of each and of the views it closed; 0: none */
    uint64_t final_low[SX_FINALS_MAX];
    uint32_t final_count;
    struct sx_block *blocks[SX_BLOCKS_MAX];
    uint32_t block_count;
    bool tree_short; /* a certified block had no room, or gave way */
    struct evidence evidence[SX_EVIDENCE_MAX];
    uint32_t evidence_count;

    /* time */
    uint64_t fresh_since_ms; /* transactions wait since; UINT64_MAX: none */
    uint64_t block_mono_ms;  /* when the last block was decided or made */
    uint64_t retry_ms;       /* next repeat; 0: none yet in this view */
    uint32_t retries;        /* in this view */
    uint64_t repair_ms;      /* next question for certificates */
    uint64_t status_ms;      /* next round of STATUS */
    uint64_t relay_due_ms;   /* the eldest waiting transaction's */
    uint64_t tried_pool;     /* pool_changes and ... */
    uint64_t tried_view;     /* ... view of the last vain attempt to build */
    uint64_t pool_changes;
    uint64_t heard_ms[LIMIT_VALIDATORS]; /* when each validator was heard */

    /* the safety log */
    bool replaying;
    bool amnesia;
    bool twin;
    bool claimed;           /* the signature below is made */
    struct signature claim; /* our key speaks on our links */
    bool recall_wanted;     /* to be logged, and the notice to be given */
    bool recall_seen;       /* replay: AMNESIA, and no RECALLED behind it */
    bool recall_ahead;      /* replay: a vote of an epoch that the store has not
                               come to, or of a view that is too far from it */
    uint64_t recall_seq;    /* the AMNESIA record's, 0: none */
    bool recall_told;       /* replay: RECALLED, the last of them when ... */
    uint64_t told_epoch;    /* ... in this epoch */
    uint64_t told_view;     /* ... this view was decided */
    bool recall_done[LIMIT_VALIDATORS]; /* validators whose word we have */
    bool recall_full;                   /* ... and it is a quorum */
    uint64_t recall_epoch;
    uint64_t recall_view;
    uint64_t logged; /* last number given */
    uint64_t synced;
    uint64_t log_need; /* records below are not needed, in the latest batch */
    uint64_t trim_to[CHAIN_FLIGHT_MAX]; /* once each batch is stored */
    uint32_t trim_count;

    /* catching up */
    uint64_t asked_finals_ms;
    uint64_t asked_height; /* 0: nothing is asked for */
    uint64_t arrived_ms;   /* when the last run came */
    uint32_t asked_vain;

    struct sx_pages *pages; /* the state is being fetched; NULL: not */

    struct sx_peer *peers;
    uint32_t peer_count;
    uint32_t peer_cap;
    struct sx_letter *letters; /* letters[letter_first ..] wait, in order */
    size_t letter_first;
    size_t letter_count;
    size_t letter_cap;
    size_t letter_bytes;
    struct sx_parcel **sent; /* lent to the effects of this step */
    size_t sent_count;
    size_t sent_cap;
};

/* ---- sx.c: effects, letters, peers ---- */

/* A new zeroed effect, or NULL: the core has halted for want of memory. */
struct sx_effect *sx_effect_add(struct sx *core, enum sx_effect_kind kind);
void sx_halt(struct sx *core, enum err err);
void sx_notice(struct sx *core, enum sx_notice notice, int index);
void sx_wake(struct sx *core, uint64_t at_ms); /* not later than this */
void sx_blame(struct sx *core, uint64_t peer, enum err err);
uint64_t sx_random(struct sx *core);
/* Messages; each takes what the log has to hold before it leaves. */
void sx_send(struct sx *core, uint64_t peer, const struct sx_msg *msg);
void sx_send_validators(struct sx *core, const struct sx_msg *msg);
void sx_send_cert(struct sx *core, uint64_t peer, const struct cert *cert);
void sx_send_vote(struct sx *core, const struct vote *vote);
/* So much waits for the log that what can be said later is not said now. */
bool sx_crowded(const struct sx *core);
/* Appends to the safety log; returns the record's number. */
uint64_t sx_log(struct sx *core, enum sx_log_type type, struct bytes body);

/* ---- sx_peer.c: who is at the other end ---- */

struct sx_peer *sx_peer_find(struct sx *core, uint64_t id);
void sx_on_link(struct sx *core, const struct sx_event *event);
void sx_on_unlink(struct sx *core, uint64_t id);
void sx_claim(struct sx *core, uint64_t peer);
void sx_claim_all(struct sx *core);
/* A validator's key is claimed for the link. */
void sx_on_claim(struct sx *core, struct sx_peer *peer,
                 const struct sx_msg *msg);
/* Which of them are validators now, and when was each heard? */
void sx_peers_index(struct sx *core);

/* ---- sx_slot.c: views, votes, certificates ---- */

bool same_proposal(const struct proposal *a, const struct proposal *b);
/* NULL: decided already, or too far. */
struct sx_slot *sx_slot_at(const struct sx *core, uint64_t view);
/* Makes it; NULL likewise or without memory (the core has halted). */
struct sx_slot *sx_slot_need(struct sx *core, uint64_t view);
void sx_slot_log(struct sx_slot *slot, uint64_t seq);
/* May a vote add something, if its signature is good? Not when there is one of
 * its kind already and no more can be proven against who gave both. */
bool sx_vote_adds(const struct sx *core, const struct vote *vote);
/* A verified vote. */
void sx_tally(struct sx *core, const struct vote *vote);
/* A verified certificate of this epoch. */
void sx_take_cert(struct sx *core, const struct cert *cert);
/* Verifies without checking signatures again that stand in the slot. */
enum err sx_check_cert(struct sx *core, const struct cert *cert);
void sx_slots_drop(struct sx *core, uint64_t upto);
/* Certificates older than the votes that are still worth keeping. */
void sx_slots_thin(struct sx *core);
void sx_accuse(struct sx *core, const struct vote *a, const struct vote *b);
/* Has no block punished it yet, and may one still? */
bool sx_evidence_open(struct sx *core, const struct evidence *evidence);
uint64_t sx_leader(const struct sx *core, uint64_t view); /* its index */

/* ---- sx_tree.c: undecided blocks ---- */

struct sx_block *sx_block_find(const struct sx *core, const struct hash *id);
/* Is its body here? */
bool sx_has_block(const struct sx *core, const struct hash *id);
/* Finds it or makes it. NULL: there is no room, or no memory (the core has
 * halted). A full tree forgets the eldest that nobody certified, those we have
 * not voted for first. */
struct sx_block *sx_block_need(struct sx *core, const struct hash *id);
/* Of one that is at most a run above the head: for these, certified ones that
 * are farther off, or of which no header is here, give way, too. */
struct sx_block *sx_block_next(struct sx *core, const struct hash *id);
/* Of what must have room: the proposal of the view we are in, a decided run.
 * Any other gives way, but for what `top` stands on and `top` itself. */
struct sx_block *sx_block_now(struct sx *core, const struct hash *id,
                              const struct hash *top);
/* It is certified: is fetched, if there is room now or later. */
void sx_block_want(struct sx *core, const struct hash *id);
void sx_tree_fill(struct sx *core);
/* A body whose header has this id. ids: of its transactions, or NULL. ERR_ROOT
 * and what block_decode refuses when it is not what its header says. */
enum err sx_block_fill(struct sx_block *block, struct bytes bytes,
                       const struct hash *ids, bool txs_verified);
/* Executes it and what it stands on, as far as bodies are here. */
enum sx_verdict sx_block_judge(struct sx *core, struct sx_block *block);
/* Executed blocks between the head and this one, itself included. */
uint32_t sx_block_depth(const struct sx *core, const struct sx_block *block);
/* The candidate that stands for id: NULL with *out_head for the head. False:
 * not executed here. */
bool sx_block_parent(const struct sx *core, const struct hash *id,
                     const struct candidate **out);
bool sx_block_log(struct sx *core, struct sx_block *block);
void sx_block_drop(struct sx *core, struct sx_block *block);
/* After a decision: what cannot be decided any more goes. */
void sx_tree_prune(struct sx *core);
void sx_tree_carry(struct sx *core);
void sx_block_decided(struct sx *core, struct sx_block *block);
/* ... and what nobody refers to. */
void sx_tree_sweep(struct sx *core);
void sx_tree_clear(struct sx *core);

/* ---- sx_sign.c ---- */

bool sx_may_sign(const struct sx *core, const struct sx_slot *slot,
                 enum vote_kind kind, const struct proposal *on);
/* The only place that signs. False: refused by a guard, or halted. Logs the
 * vote, counts it, and sends it unless `quiet` (a proposal carries it). */
bool sx_sign(struct sx *core, struct sx_slot *slot, enum vote_kind kind,
             const struct proposal *on, bool quiet);

/* ---- sx_rules.c ---- */

void sx_settle(struct sx *core);
/* The id a proposal's parent must have; false: not known here. */
bool sx_parent_id(const struct sx *core, uint64_t parent_view,
                  struct hash *out);
/* A view in (from, to) without nullification, or 0. */
uint64_t sx_gap(const struct sx *core, uint64_t from, uint64_t to);
void sx_enter(struct sx *core, uint64_t view);
/* Out of every view that has a certificate. */
bool sx_advance(struct sx *core);

/* ---- sx_propose.c ---- */

bool sx_propose(struct sx *core);
void sx_send_proposal(struct sx *core, const struct sx_slot *slot, int index);

/* ---- sx_decide.c: finality, epochs ---- */

void sx_epoch_start(struct sx *core);
/* seq: of its record. Needed until its block is on the disk: that what it
 * closes is over may be known by nothing else, after an amnesia. */
void sx_take_final(struct sx *core, const struct cert *cert, uint64_t seq);
/* ... of the highest, when that is known later: replay. */
void sx_final_log(struct sx *core, uint64_t seq);
/* A verified one of an earlier view than final_view: a step on the way there.
 */
void sx_add_final(struct sx *core, const struct cert *cert);
bool sx_decide(struct sx *core);
void sx_on_stored(struct sx *core, uint64_t height);
bool sx_is_boundary(const struct sx *core, const struct header *header);

/* ---- sx_time.c ---- */

/* D: how long a message takes, as far as it is known. */
uint64_t sx_delay(const struct sx *core);
/* D, but never so long as it is while views run out: for what is asked and said
 * again. */
uint64_t sx_pace(const struct sx *core);
/* What was not decided before is, in `view`; what `on` proposes goes to
 * the disk. */
void sx_time_news(struct sx *core, uint64_t view);
void sx_time_decided(struct sx *core, const struct proposal *on);
/* An epoch begins; we give cur up; cur ends, and `view` begins. */
void sx_time_epoch(struct sx *core);
void sx_time_gave_up(struct sx *core);
void sx_time_entered(struct sx *core, uint64_t view);
/* Who wants nothing for a while forgets that views ended late. */
void sx_time_idle(struct sx *core);
/* Has cur to be given up now? Sets the timer when not yet. */
bool sx_overdue(struct sx *core);
bool sx_tip_old(struct sx *core); /* the tip waits too long for its decision */
void sx_repeat(struct sx *core);
/* A validator has come that has heard nothing of this view. */
void sx_repeat_soon(struct sx *core);

/* ---- sx_recall.c: the safety log's past ---- */

/* A validator's word on how far the epoch is, while we have forgotten. */
void sx_recall_hear(struct sx *core, const struct sx_peer *peer, uint64_t epoch,
                    uint64_t view, uint64_t cert_view);
/* A new epoch, with the same set or another. */
void sx_recall_epoch(struct sx *core, bool same_set);
void sx_recall_begin(struct sx *core); /* first thing in a step */
void sx_recall(struct sx *core);
void sx_recall_vouched(struct sx *core);

/* ---- sx_hear.c: messages ---- */

void sx_on_message(struct sx *core, const struct sx_event *event);
void sx_say_status(struct sx *core, struct sx_peer *peer);
/* Somebody who is not where we are hears it, not more often than D. */
void sx_help(struct sx *core, struct sx_peer *peer);
/* Everyone now and then; what is due. */
void sx_statuses(struct sx *core);

/* ---- sx_sync.c: runs ---- */

/* May so many bytes of answers go to this peer now? Takes them. What is not
 * answered is asked again. */
bool sx_afford(struct sx *core, struct sx_peer *peer, size_t bytes);
void sx_on_get_certs(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg);
void sx_on_get_block(struct sx *core, struct sx_peer *peer,
                     const struct hash *id);

void sx_on_finals(struct sx *core, struct sx_peer *peer,
                  const struct sx_msg *msg);
void sx_on_get_finals(struct sx *core, struct sx_peer *peer, uint64_t height);
void sx_push_run(struct sx *core, uint64_t first);
/* As sx_use_of, for FINALS. */
enum sx_use sx_use_of_run(const struct sx *core, const struct sx_msg *msg);
void sx_ask(struct sx *core); /* for runs, blocks, certificates */

/* ---- sx_pages.c, sx_steps.c, sx_give.c: fetching the state, giving it ---- */

/* After the chain was opened. */
enum err sx_pages_new(struct sx *core, uint64_t sync_epochs);
void sx_pages_free(struct sx *core);
/* Is the chain's state nobody's? Then nothing but fetching is done. */
bool sx_fetching(const struct sx *core);
/* Not yet sure whether to fetch: runs are not asked for. */
bool sx_pages_looking(const struct sx *core);
void sx_pages_go(struct sx *core); /* what is due */
void sx_pages_stored(struct sx *core);
void sx_pages_unlink(struct sx *core, uint64_t peer);
void sx_on_steps(struct sx *core, struct sx_peer *peer,
                 const struct sx_msg *msg);
void sx_on_pages(struct sx *core, struct sx_peer *peer,
                 const struct sx_msg *msg);
void sx_on_get_steps(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg);
void sx_on_get_pages(struct sx *core, struct sx_peer *peer,
                     const struct sx_msg *msg);
void sx_pages_status(const struct sx *core, struct sx_fetch *out);

/* ---- sx_submit.c: transactions ---- */

void sx_on_submit(struct sx *core, const struct sx_event *event);
void sx_refuse(struct sx *core, const struct hash *id, uint64_t token,
               enum err err, uint64_t height);
void sx_clean_pool(struct sx *core, const struct candidate *const *run,
                   size_t count);
void sx_relay(struct sx *core);
/* Is there one that the next block on the tip could take? */
bool sx_has_work(struct sx *core);
void sx_pool_touched(struct sx *core);

#endif
