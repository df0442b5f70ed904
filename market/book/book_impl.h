#ifndef MARKET_BOOK_IMPL_H
#define MARKET_BOOK_IMPL_H

/* The inside of the order book, shared by market/book*.c alone.
 *
 * Slots hold what is known of a provider; entries are requests; classes are
 * sets of entries with the same demand. Slots, entries and classes are named by
 * their index, which stays while they live. */

#include "market/book/book.h"
#include "market/book/book_card.h"
#include "market/book/book_map.h"
#include "sched/index/catalog.h"
#include "sched/shelf.h"

#define BOOK_NONE BOOK_MAP_NONE

enum slot_state {
    SLOT_EMPTY = 0,
    SLOT_KNOWN = 1, /* no offer: its version or distance is remembered */
    SLOT_LIVE = 2,  /* an offer; `card` is set */
};

/* Lists of slots, in the slots themselves. */
struct slot_link {
    bool in;
    uint32_t prev; /* BOOK_NONE: the first, the last */
    uint32_t next;
};
struct slot_list {
    uint32_t first;
    uint32_t last;
};

struct book_slot {
    enum slot_state state;
    struct pubkey provider;
    bool has_version;
    uint64_t version; /* the highest seen */
    uint64_t received_ms;
    uint64_t until_ms; /* LIVE: it lapses; KNOWN: it is forgotten */
    struct book_card *card;
    struct grade *audited; /* NULL: nothing against what it declares; own */
    uint64_t *tags;        /* of the offer, for the catalog; own */
    uint32_t tag_count;
    struct slot_link measured;    /* on book->measured: the distance is fresh */
    struct slot_link unreachable; /* on book->unreachable */
    struct resources free;        /* by its offer, or what it said since */
    struct resources reserved;    /* since it last spoke; <= free */
    uint32_t reserved_tasks;
    uint64_t epoch;  /* new whenever it speaks: older holds do not count */
    uint64_t rtt_us; /* 0 = never measured */
    uint64_t rtt_at_ms;
    bool rtt_guessed; /* by others, not measured here */
    uint64_t unreachable_until_ms;
    uint64_t net_bps;  /* that links bear out; 0 = not known */
    uint64_t way_kbps; /* these of the round of ways they were told in */
    uint64_t way_used_kbps;
    uint64_t way_round;
    uint32_t queue_at; /* its place in book->queues, from 1 on; 0 = none */
    uint32_t next_empty;
};

/* Tasks of an entry reserved at a slot; counts while the epochs agree. */
struct book_hold {
    uint32_t slot;
    uint32_t tasks;
    uint64_t epoch;
    uint16_t taken[MACHINE_DEVICES_MAX]; /* thousandths of its devices */
};

struct book_exclusion {
    struct pubkey provider;
    uint64_t until_ms;
    enum err why;
    uint32_t times;
};

/* Lists of entries in the order they were added. */
struct book_entry;
struct book_link {
    struct book_link *prev;
    struct book_link *next;
    struct book_entry *entry;
    bool in;
};
struct book_list {
    struct book_link *first;
    struct book_link *last;
};
void book_list_add(struct book_list *list, struct book_link *link);
void book_list_remove(struct book_list *list, struct book_link *link);

struct book_entry {
    struct hash id;
    uint32_t index;
    uint32_t class_index;
    uint8_t salt[DEMAND_SALT_LEN];
    uint64_t seq;
    uint32_t tasks_max;
    uint32_t waiting;
    uint32_t tries; /* matches in a row that placed nothing */
    enum reason reason;
    uint32_t offers_seen;
    uint64_t added_ms;
    uint64_t expires_ms;
    uint64_t next_try_ms;
    uint64_t timer_ms;      /* its key on book->timers */
    struct book_link waits; /* in its class, while waiting > 0 */
    struct book_link ready; /* in book->ready: the next tick wakes it */
    struct book_hold *holds;
    uint32_t hold_count;
    uint32_t hold_cap;
    struct book_exclusion *exclusions;
    uint32_t exclusion_count;
    uint32_t exclusion_cap;
    struct book_places places;
};

struct book_class {
    uint32_t index;
    struct request request; /* of one member; what differs between members is
                               never read: salt, spec, tasks, times */
    uint32_t members;
    struct book_list waiting; /* non-empty: it is in book->needs */
    uint32_t before;          /* tasks an offer took before a change ... */
    uint64_t before_at;       /* ... if this is book->change */
};

struct book {
    struct book_config config;
    const struct standings *standings; /* lent; NULL: nothing is known */
    const struct linkmap *links;       /* likewise */
    /* offers */
    struct book_slot *slots;
    uint32_t slot_count; /* slots[0..slot_count) were used at some time */
    uint32_t slot_cap;
    uint32_t first_empty;
    uint32_t live_count;
    uint32_t tainted_count; /* LIVE with taints */
    struct book_map by_provider;
    uint32_t *queues; /* LIVE slots that let requests wait, in no order */
    uint32_t queue_count;
    uint32_t queue_cap;
    struct catalog *catalog;      /* LIVE: who can take what, best first */
    struct shelf live;            /* LIVE by until_ms */
    struct shelf known;           /* KNOWN by until_ms */
    struct slot_list measured;    /* with a fresh round trip, oldest first */
    struct slot_list unreachable; /* until some time, in no order */
    uint64_t unreachable_ms;      /* nothing on it ends before */
    uint64_t epoch;
    uint64_t change;
    uint64_t way_round;
    uint32_t *beside; /* ways between others, millionths used; own */
    uint32_t beside_count;
    /* requests */
    struct book_entry **entries; /* requests_max */
    struct book_class **classes; /* requests_max */
    uint32_t entry_count;
    uint32_t class_count;
    struct book_map by_id;
    struct shelf timers;   /* entries by timer_ms */
    struct catalog *needs; /* classes with waiting entries, by what they want */
    struct book_list ready;
    uint64_t seq;
};

/* ---- book_offer.c ---- */
uint64_t book_rtt_fresh(const struct book_slot *slot, uint64_t now_ms);
uint32_t book_slot_find(const struct book *book, const struct pubkey *provider);
/* Lets lapsed offers go and forgets what need not be remembered. */
void book_offers_expire(struct book *book, uint64_t now_ms);
void book_offers_done(struct book *book);

/* What counts of its figures. */
void book_slot_grade(const struct book_slot *slot, struct grade *out);

/* ---- book_way.c ---- */
void book_ways_done(struct book *book);
/* The ranking keeps ways: room for those of all offers, and those beside. Lent
 * from the arena. ERR_NOMEM. */
MUST_USE enum err book_ways_rank(const struct book *book, struct arena *arena,
                                 struct ranking *ranking);

/* ---- book_class.c ---- */
/* The class of that demand, one member more; NULL when out of memory. */
struct book_class *book_class_join(struct book *book,
                                   const struct request *request);
void book_class_leave(struct book *book, struct book_class *class_);
struct book_class *book_class_of(const struct book *book,
                                 const struct book_entry *entry);
/* book->needs is reserved (book_needs_reserve). */
void book_class_wait(struct book *book, struct book_entry *entry);
void book_class_wait_no_more(struct book *book, struct book_entry *entry);
/* Makes the next younger that waits in the entry's class ready: what woke this
 * entry may have room for more. */
void book_class_pass(struct book *book, const struct book_entry *entry);
/* Around every change that may let a slot take more: begin notes what each
 * waiting class gets there, end wakes the oldest of those that get more now. */
void book_wake_begin(struct book *book, uint32_t slot, uint64_t now_ms);
void book_wake_end(struct book *book, uint32_t slot, uint64_t now_ms);

/* ---- book_request.c ---- */
struct book_entry *book_entry_find(const struct book *book,
                                   const struct hash *id);
/* Frees it and what it reserved; wakes others that fit there now. */
void book_entry_remove(struct book *book, struct book_entry *entry,
                       uint64_t now_ms);
/* book->timers is reserved (shelf_reserve). */
void book_entry_timer(struct book *book, struct book_entry *entry,
                      uint64_t next_try_ms);
/* After OK, settling and adding `holds` holds cannot fail. ERR_NOMEM. */
MUST_USE enum err book_entry_reserve(struct book *book,
                                     struct book_entry *entry, uint32_t holds);
/* Records the outcome of a match: `waiting` tasks found no place; a refusal
 * ends by itself at soonest_ms. */
void book_entry_settle(struct book *book, struct book_entry *entry,
                       uint32_t waiting, bool placed, uint64_t soonest_ms,
                       uint64_t now_ms);
/* Reserves room for `tasks` at a slot; book_entry_reserve'd. */
void book_hold_add(struct book *book, struct book_entry *entry, uint32_t index,
                   uint32_t tasks);
/* NULL when the provider was never excluded; it may be over. */
const struct book_exclusion *book_exclusion_find(const struct book_entry *entry,
                                                 const struct pubkey *provider);
void book_requests_done(struct book *book);

/* ---- book_later.c: who has no room now and queues ---- */
/* After OK one offer more can queue. ERR_NOMEM. */
MUST_USE enum err book_later_reserve(struct book *book);
/* The slot's card is set, or is about to go. */
void book_later_put(struct book *book, uint32_t index);
void book_later_remove(struct book *book, uint32_t index);
/* Would a task of the request be let wait there, for no longer than it is
 * patient? Then how long, by the offer and at least 1, for ranking. */
bool book_later_wait(const struct book *book, uint32_t index,
                     const struct request *request, uint64_t now_ms,
                     uint64_t *out_ms);

struct book_view;
/* Does it have no room now, but would let a task wait? Then the view, in which
 * c.slots_free is how many may, and how long the wait is. */
bool book_later_fits(const struct book *book, uint32_t index,
                     const struct request *request,
                     const struct book_entry *entry,
                     const struct demand *demand, uint64_t now_ms,
                     struct book_view *out, uint64_t *out_wait_ms);
/* Who would let a task wait for longer than the request is patient; all zero
 * where it may not wait at all. */
void book_later_missed(const struct book *book, const struct request *request,
                       const struct book_entry *entry,
                       const struct demand *demand, uint64_t now_ms,
                       struct book_missed_queues *out);

/* ---- book_view.c ---- */
/* A slot as a candidate; c.labels points into the view itself. */
struct book_view {
    struct candidate c;
    struct label labels[LIMIT_LABELS];
    struct devices devices; /* likewise */
    uint64_t domain;        /* of the request's spread; 0 = none */
};
/* entry NULL: nothing is excluded. The slot is LIVE. */
void book_view(const struct book *book, uint32_t slot,
               const struct request *request, const struct book_entry *entry,
               uint64_t now_ms, struct book_view *out);
/* The same as it is for who waits there: with room for one task, and as many
 * slots as may wait. */
void book_view_later(const struct book *book, uint32_t slot,
                     const struct request *request,
                     const struct book_entry *entry, uint64_t now_ms,
                     struct book_view *out);
/* ERR_RANGE for what a walk cannot be made of. */
MUST_USE enum err book_askable(const struct request *request);
/* The request an entry stands for, with its own salt. */
void book_entry_demand(const struct book *book, const struct book_entry *entry,
                       struct demand *out);

/* ---- book_match.c ---- */
/* A ranking of the demand, lent from the arena, with room for all offers.
 * ERR_NOMEM. */
MUST_USE enum err book_ranking(struct book *book, const struct demand *demand,
                               struct arena *arena, struct ranking **out);

/* ---- book_crew.c ---- */
struct book_crew_ask {
    struct book *book;
    const struct request *request;
    const struct book_entry *entry; /* may be NULL */
    const struct demand *demand;
    const struct ranking *ranking; /* ready */
    uint64_t now_ms;
    uint32_t copies; /* 0: as many as are needed */
};
/* Finds them, and who else may take tasks: slots, lent from the arena. Nobody
 * when it cannot be reached. Refreshed. ERR_NOMEM. */
MUST_USE enum err book_crew_make(const struct book_crew_ask *ask,
                                 struct arena *arena, struct book_crew *out,
                                 const uint32_t **out_slots,
                                 uint32_t *out_count);

#endif
