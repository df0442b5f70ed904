#ifndef NODE_TRADE_SELL_ITEM_H
#define NODE_TRADE_SELL_ITEM_H

/* One hold or contract of the seller, and the engine that keeps them: shared by
 * the sell_*.c pages, nobody else. */

#include "node/trade/sell.h"

/* A result of another job of the same buyer that this one reads. */
struct sell_result {
    struct hash request;
    uint32_t task;
    bool known; /* the chain says what it is: */
    struct hash id;
    struct pubkey provider; /* who made it */
    bool here;
    unsigned tries; /* fetches that failed */
};
#define SELL_READERS_MAX 64u

struct sell_item {
    struct sell_item *next;
    /* agreed at the hold; what is saved starts here */
    struct hash request;
    struct hash contract;
    uint32_t task;
    uint32_t attempt;
    uint32_t tasks; /* of the job; copies count as one */
    enum sell_state state;
    struct pubkey buyer;
    struct pubkey agent;
    struct hash spec_hash;
    struct resources resources;
    struct device_wish wish;
    char devices[MACHINE_DEVICES_MAX][LIMIT_NAME]; /* the first wish.count: what
                                                      it was assigned */
    uint64_t time_ms_max;
    struct quote quote; /* signed; from ESCROWED on the chain's terms */
    uint64_t since_ms;  /* of the state */
    /* from WAITING_START on */
    uint64_t until_ms; /* the chain's: review or claims end */
    struct buf spec;   /* encoding; empty until START */
    char bulk_address[LIMIT_NAME];
    struct receipt last;     /* newest provider-signed; seq 0 = none */
    struct receipt cosigned; /* newest with both signatures; seq 0 = none */
    bool cancel;             /* the buyer wants it to end */
    enum end_reason reason;  /* how the job ended */
    uint32_t exit_code;
    struct hash result;
    struct hash log;
    bool collected;
    uint64_t ended_ms;
    bool may_run;         /* told to start, and nobody said that it has ended */
    bool cleaned;         /* its work at the executor was given up; not saved */
    uint64_t queue_seq;   /* its number in the line; 0 = it has its room */
    uint64_t begin_by_ms; /* queued: it has its room by then */
    uint64_t stage_by_ms; /* image and inputs are here by then; 0: start_by */
    uint64_t begun_ms;    /* when its start was first issued; 0 = not yet */
    bool staged_once;     /* queued: all it needs was here, and is pinned */
    /* not saved */
    uint64_t hold_until_ms; /* HELD: a contract may come until then */
    bool recalled;          /* HELD: we were away since */
    struct hash image;      /* decoded from spec */
    struct hash inputs;
    bool image_here;
    bool inputs_here;
    uint32_t result_count;
    struct sell_result *results; /* in the order of the spec's uses */
    uint32_t reader_count;
    struct pubkey *readers; /* who else may fetch our result */
    uint64_t staged[2];     /* image, inputs and results */
    uint64_t staged_total[2];
    struct exec_state exec;
    uint64_t receipt_at_ms; /* when the last one was cut */
    uint64_t told_ms;       /* when the buyer was last told */
    bool resumed;           /* effects were issued again after a start */
    uint64_t retry_ms;      /* the next try of a transaction, of staging, of
                               collecting: by the state */
    uint64_t kill_ms;       /* when it was last told to stop the job */
    uint64_t planned_ms;    /* queued: by the plan; LINE_NEVER: none */
    uint32_t planned_devices;
    uint32_t chain_seq; /* CLOSING: the receipt the chain has */
};

/* A contract made from a quote just in time is waited for so long. */
#define SELL_HOLD_MARGIN_MS 15000u
/* After a start for so long, if the chain does not go on before. */
#define SELL_RECALL_MS      600000u
#define SELL_TX_RETRY_MS    6000u
#define SELL_STAGE_RETRY_MS 4000u
#define SELL_KILL_MS        5000u /* a job that goes on is told again */
/* A refusal by start_by is free and one by the deadline is cheaper than none:
 * so long before, by our own clock, for clocks that differ and blocks that take
 * their time. */
#define SELL_START_MARGIN_MS    10000u
#define SELL_DEADLINE_MARGIN_MS 15000u
/* After the deadline the buyer's side may end it and we may claim; if it does
 * not within this, we do. */
#define SELL_LATE_MS 600000u

struct sell {
    struct sell_config config;
    bool open;
    struct amount balance;
    struct sell_disk disk;
    struct sell_item *first;
    struct sell_item **last;
    uint32_t count;
    struct arena arena; /* scratch of one step */
    bool line_changed;  /* something a plan depends on */
    bool line_moved;    /* a turn is another than its record says */
    uint64_t line_ms;   /* the next turn by the plan */
    bool line_saved;    /* there is a record of the plan */
    /* The plan as it was saved, until the first step after a start. */
    uint32_t saved_count;
    struct sell_turn {
        struct hash contract;
        uint64_t planned_ms;
    } saved[SELL_QUEUE_MAX];
    /* of the step that runs */
    struct trade_effects *out;
    uint64_t now_ms;
    uint64_t chain_ms;
    bool ticks;              /* nothing happened but time */
    uint64_t chain_moved_ms; /* when its time was another before */
};

/* Does this item hold capacity? */
bool sell_item_reserves(const struct sell_item *item);
struct sell_item *sell_find(struct sell *sell, const struct hash *contract);
struct sell_item *sell_item_new(struct sell *sell);
void sell_item_free(struct sell *sell, struct sell_item *item);
/* Changes the state and saves. */
void sell_move(struct sell *sell, struct sell_item *item,
               enum sell_state state);
void sell_save(struct sell *sell, const struct sell_item *item);
void sell_note(struct sell *sell, const struct sell_item *item,
               const char *text);
/* Tells the buyer where the job stands. */
void sell_tell(struct sell *sell, struct sell_item *item, const char *text);
void sell_send(struct sell *sell, const struct pubkey *peer,
               const struct buf *message);
/* Brings a payload to the chain; sets retry_ms. */
void sell_tx(struct sell *sell, struct sell_item *item, uint32_t kind,
             const struct buf *payload);
/* Frees the item and deletes its record. */
void sell_forget(struct sell *sell, struct sell_item *item);

/* sell_device.c */
/* What of each device is free. */
void sell_devices_free(const struct sell *sell, struct devices *out);
/* Which devices a wish gets, by their numbers, and what the quote says of them;
 * no devices for no wish. ERR_CAPACITY. */
MUST_USE enum err sell_devices_pick(const struct sell *sell,
                                    const struct device_wish *wish,
                                    uint32_t *out_mask,
                                    struct quote_device *out);
void sell_item_assign(const struct sell *sell, struct sell_item *item,
                      uint32_t mask);
/* The same from a machine where nothing is taken: all devices of the group. */
MUST_USE enum err sell_devices_among(const struct sell *sell,
                                     const struct device_wish *wish,
                                     uint32_t *out_mask,
                                     struct quote_device *out);
/* The devices that are like those of a quote and will do. */
uint32_t sell_devices_like(const struct sell *sell,
                           const struct device_wish *wish,
                           const struct quote_device *quoted);
/* The numbers of an item's devices, without those not configured any more. */
uint32_t sell_item_devices(const struct sell *sell,
                           const struct sell_item *item);
/* CHECKs that no device is promised more than once. */
void sell_devices_check(const struct sell *sell);

/* sell_line.c: who waits for room */
/* A place for one task: now, or later. */
struct sell_place {
    uint64_t at_ms;   /* the step's time, or later: queued */
    uint32_t devices; /* a mask: which */
    struct quote_device device;
};
/* Where the line has a place for it, moving nobody. is_free: there is room now,
 * and out has the device, which he gets if nobody in line is to have it before
 * he is done; who has to wait does so for the cheapest. ERR_CAPACITY (no place,
 * or not within the request's patience, or no more may wait), ERR_RATE (no more
 * of this buyer), faults. */
MUST_USE enum err sell_line_place(struct sell *sell,
                                  const struct request *request, bool is_free,
                                  struct sell_place *out);
uint32_t sell_line_length(const struct sell *sell);
/* Puts a new item at the end of the line; the plan is saved. */
void sell_line_join(struct sell *sell, struct sell_item *item,
                    const struct sell_place *place);
/* How many are before it. */
uint32_t sell_line_ahead(const struct sell *sell, const struct sell_item *item);
/* Whose turn it is begins. */
void sell_line_due(struct sell *sell);
/* The plan of before a start; once. */
void sell_line_recall(struct sell *sell);

/* sell_hold.c: up to the quote */
void sell_on_hold(struct sell *sell, const struct pubkey *peer,
                  struct bytes message);
void sell_on_release(struct sell *sell, const struct pubkey *peer,
                     struct bytes message);

/* sell_job.c: from the contract to the collected result */
void sell_on_start(struct sell *sell, const struct pubkey *peer,
                   struct bytes message);
void sell_on_fetched(struct sell *sell, const struct trade_event *event);
void sell_on_exec(struct sell *sell, struct sell_item *item,
                  const struct exec_state *exec);
void sell_on_collected(struct sell *sell, struct sell_item *item,
                       const struct trade_event *event);
void sell_stage(struct sell *sell, struct sell_item *item);
bool sell_is_staged(const struct sell_item *item);
/* Starts it when image, inputs and results are here, and it has its room. */
void sell_start_if_staged(struct sell *sell, struct sell_item *item);
void sell_collect(struct sell *sell, struct sell_item *item);
/* Stops the job if it may run. */
void sell_kill(struct sell *sell, struct sell_item *item, const char *why);
void sell_cancel(struct sell *sell, struct sell_item *item);
void sell_refuse(struct sell *sell, struct sell_item *item,
                 enum end_reason reason, const char *text);
void sell_deliver(struct sell *sell, struct sell_item *item);
void sell_share(struct sell *sell, const struct sell_item *item);
void sell_cut_receipt(struct sell *sell, struct sell_item *item);
void sell_send_receipt(struct sell *sell, const struct sell_item *item);

/* sell_uses.c: results of other jobs */
/* Makes room for them, once. ERR_NOMEM. */
MUST_USE enum err sell_uses_open(struct sell_item *item,
                                 const struct spec *spec);
void sell_uses_free(struct sell_item *item);
bool sell_uses_here(const struct sell_item *item);
/* Appends their ids in the order of the uses. */
void sell_uses_ids(const struct sell_item *item, struct buf *out);
/* Asks for what is not known or not here. */
void sell_uses_stage(struct sell *sell, struct sell_item *item);
void sell_on_use(struct sell *sell, const struct trade_event *event);
/* Was it one of ours? */
bool sell_uses_fetched(struct sell_item *item, const struct hash *id,
                       enum err err);
void sell_uses_share(struct sell *sell, const struct sell_item *item);
void sell_on_grant(struct sell *sell, const struct pubkey *peer,
                   struct bytes message);

/* sell_chain.c: what the chain says, and what time does */
void sell_on_contract(struct sell *sell, const struct contract *contract);
void sell_on_tx_refused(struct sell *sell, const struct trade_event *event);
/* What was under way before a start goes on. */
void sell_resume(struct sell *sell, struct sell_item *item);
/* When this item next needs the clock; UINT64_MAX: never. */
uint64_t sell_due_at(const struct sell *sell, const struct sell_item *item);
/* May free the item. */
void sell_on_due(struct sell *sell, struct sell_item *item);
/* Its artefacts go. Frees the item. */
void sell_retire(struct sell *sell, struct sell_item *item);

/* sell_codec.c: the saved record. */
void sell_item_encode(const struct sell_item *item, struct buf *out);
MUST_USE enum err sell_item_decode(struct bytes bytes, struct arena *arena,
                                   struct sell_item *out);
/* The plan: who waits, and until when. */
#define SELL_PLAN_KEY "sell/line"
void sell_plan_encode(const struct sell *sell, struct buf *out);
MUST_USE enum err sell_plan_decode(struct bytes bytes, struct sell *sell);

#endif
