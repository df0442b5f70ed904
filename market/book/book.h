#ifndef MARKET_BOOK_H
#define MARKET_BOOK_H

/* The order book of a buyer's node: the offers heard of, and the requests that
 * want a place. It is told what happens, with the time in it, and answers which
 * offers take which request, why the others do not, and when a request that
 * rests is worth another try.
 *
 * Local and pure: no clock, no sockets, no signatures (offers and requests are
 * verified before they come here). What it says is advice: a provider's hold is
 * the truth. Time is `now_ms` of a clock that never falls, the same in every
 * call; lengths of life count from the moment something arrives here, so clocks
 * that disagree between nodes do no harm.
 *
 *     offer_put, drop, rtt_set, ...     request_add, match, exclude, release
 *                 |                                      |
 *                 v                                      v
 *        offers by provider  -- fits more? -->  requests by class, waiting
 *        in an index,                                    |
 *        speed, end of life                              v
 *                 |                         tick: WAKE oldest first, EXPIRED
 *                 v
 *        match: walk in policy order, stop when nothing better can come
 *
 * No storms. A change of an offer wakes at most one request of each class (the
 * same demand) that it takes more of than before, the oldest; whoever finds all
 * its places passes the wake-up on to the next younger; nothing rescans. A
 * request nothing wakes is retried by itself, ever more rarely, at jittered
 * times. A provider that refused is left alone for a while that doubles. What
 * was asked of a provider lessens its free view until it speaks again, so that
 * one free slot is not promised twice. */

#include "base/short_hash.h"
#include "market/book/book_spread.h"
#include "market/request.h"
#include "market/standing.h"
#include "sched/explain.h"
#include "sched/place.h"
#include "sched/ranking.h"

#define BOOK_REQUESTS_MAX 4096u
/* Providers left alone per request; the one free soonest gives way. */
#define BOOK_EXCLUDED_MAX 64u
/* An offer whose own clock says it lapsed longer ago than this is refused: two
 * nodes' clocks may differ by as much. */
#define BOOK_SKEW_MAX_MS 600000u
/* The version of an offer that lapsed or was dropped is remembered this long,
 * so that copies still going round do not bring it back. */
#define BOOK_MEMORY_MS (2 * OFFER_TTL_MAX_MS)
/* Back-off of retries and exclusions: the first, and the longest. */
#define BOOK_BACKOFF_MIN_MS 5000u
#define BOOK_BACKOFF_MAX_MS 300000u
#define BOOK_FOREVER        UINT64_MAX

struct book;
struct linkmap; /* sched/link/linkmap.h */

struct book_config {
    uint32_t offers_max;             /* 0 = LIMIT_OFFERS */
    uint32_t requests_max;           /* 0 = BOOK_REQUESTS_MAX */
    bool self_allowed;               /* may a buyer buy from itself? */
    uint8_t key[SHORT_HASH_KEY_LEN]; /* random: nobody can crowd the tables */
};

/* Given to the caller; ERR_NOMEM. */
MUST_USE enum err book_new(const struct book_config *config, struct book **out);
void book_free(struct book *book); /* NULL is fine */

/* What else is known of providers: lent until the next call, NULL for nothing,
 * and read when a question is answered. Their times are those of the book. */
void book_lend(struct book *book, const struct standings *standings,
               const struct linkmap *links);

/* ---- offers, one per provider ---- */

/* Puts a verified offer in, in place of the provider's older one; copied. What
 * was reserved there is forgotten: the new version knows. wall_ms is the wall
 * clock, 0 when there is none to trust.
 * ERR_RANGE (offer_form); ERR_EXPIRED by its own clock, BOOK_SKEW_MAX_MS
 * granted; ERR_OFFER_OLD for a lower version; ERR_EXISTS for the version that
 * is here (its life is not prolonged); ERR_EXPIRED for the version that lapsed
 * here; ERR_BOOK_FULL; ERR_NOMEM. */
MUST_USE enum err book_offer_put(struct book *book, const struct offer *offer,
                                 uint64_t now_ms, uint64_t wall_ms);
/* False when there is none. Its version stays remembered. */
bool book_offer_drop(struct book *book, const struct pubkey *provider,
                     uint64_t now_ms);
/* A measured round trip; the provider is reachable. Remembered before its offer
 * comes, too. rtt_us > 0 (CHECKed). ERR_BOOK_FULL, ERR_NOMEM. */
MUST_USE enum err book_rtt_set(struct book *book, const struct pubkey *provider,
                               uint64_t rtt_us, uint64_t now_ms);
/* What others' measurements make the round trip out to be; 0: not known any
 * more. Where we measured it ourselves a short while ago that stands.
 * ERR_NOT_FOUND: no offer of it is here. */
MUST_USE enum err book_rtt_guess(struct book *book,
                                 const struct pubkey *provider, uint64_t rtt_us,
                                 uint64_t now_ms);
/* Providers with an offer whose round trip we have not measured ourselves:
 * *cursor starts at 0, and is where to go on; false at the end. */
bool book_unmeasured_next(const struct book *book, uint32_t *cursor,
                          uint64_t now_ms, struct pubkey *out);
/* How far to trust a guess for it to count, permille (link_confidence). */
#define BOOK_GUESS_CONFIDENCE_MIN 25u

/* No connection can be made: no request gets this provider until then.
 * until_ms <= now_ms: it can be reached again. */
void book_unreachable_set(struct book *book, const struct pubkey *provider,
                          uint64_t until_ms, uint64_t now_ms);
/* The provider said in passing what is free (at most its total counts). What
 * was reserved there is forgotten: it knows. */
void book_free_set(struct book *book, const struct pubkey *provider,
                   const struct resources *free, uint64_t now_ms);

/* An audit found less than the provider declares: from now on its figures count
 * as the lesser of the two, whatever its later offers say, until another audit
 * says otherwise (found NULL: nothing against it). Copied. ERR_NOT_FOUND (no
 * offer of it is here), ERR_NOMEM. */
MUST_USE enum err book_audit_set(struct book *book,
                                 const struct pubkey *provider,
                                 const struct grade *found, uint64_t now_ms);

/* The goodput that links bear out (sched/link/goodput.h), bytes a second, 0:
 * not known. What an offer declares counts up to that, so nothing at first.
 * Changes nothing for a provider that is not known. */
void book_net_set(struct book *book, const struct pubkey *provider,
                  uint64_t net_bps, uint64_t now_ms);

/* A way between this node and a provider: what was measured of it, and what our
 * own tasks were promised on it. For the policy that balances links. */
struct book_way {
    struct pubkey provider;
    uint64_t kbps; /* > 0 */
    uint64_t used_kbps;
};
/* All ways there are now; copied, and whatever was said before is forgotten.
 * Ways to who is not known are passed over. `beside`: ways between others that
 * our tasks use, in millionths of what was measured, at most 10^6 each.
 * ERR_NOMEM: nothing changed. */
MUST_USE enum err book_ways_set(struct book *book, const struct book_way *ways,
                                uint32_t count, const uint32_t *beside,
                                uint32_t beside_count);

struct book_offer {
    struct offer offer;
    uint64_t received_ms;
    uint64_t expires_ms;
    struct resources reserved; /* by our own requests since it last spoke */
    uint32_t reserved_tasks;
    uint64_t rtt_us;               /* 0 = unknown or measured too long ago */
    uint64_t rtt_guess_us;         /* then: by others' measurements; 0 = none */
    uint64_t unreachable_until_ms; /* 0 = not known to be unreachable */
    uint64_t net_bps; /* of its goodput, what counts; 0 = not known */
};
uint32_t book_offer_count(const struct book *book);
/* False when there is none; then out is untouched. */
bool book_offer_get(const struct book *book, const struct pubkey *provider,
                    uint64_t now_ms, struct book_offer *out);
/* What is free there beside what our own requests reserved since it spoke. */
struct book_left {
    struct resources free;
    uint32_t slots;         /* tasks it would take */
    struct devices devices; /* group_count 0: none */
};
bool book_left_get(const struct book *book, const struct pubkey *provider,
                   uint64_t now_ms, struct book_left *out);
/* Lists all in no order: start with *cursor 0. Offers put or dropped between
 * two calls may be missed. */
bool book_offer_next(const struct book *book, uint32_t *cursor, uint64_t now_ms,
                     struct book_offer *out);

/* ---- requests ---- */

/* Adds a verified request (copied) of which `tasks` want a place; the next tick
 * wakes it. It stays for ttl_ms.
 * ERR_RANGE (request_form; tasks not 1..request.tasks; ttl_ms zero),
 * ERR_EXISTS, ERR_BOOK_FULL, ERR_NOMEM. */
MUST_USE enum err book_request_add(struct book *book, const struct hash *id,
                                   const struct request *request,
                                   uint32_t tasks, uint64_t ttl_ms,
                                   uint64_t now_ms);
/* False when it is not here. What it reserved is free again. */
bool book_request_remove(struct book *book, const struct hash *id,
                         uint64_t now_ms);

struct book_request {
    struct hash id;
    uint32_t waiting;     /* tasks without a place */
    enum reason reason;   /* what stopped most offers at the last match;
                             NONE when there were none to stop */
    uint32_t offers_seen; /* at the last match */
    uint64_t next_try_ms; /* BOOK_FOREVER when nothing waits */
    uint64_t added_ms;
    uint64_t expires_ms;
    uint32_t excluded; /* providers left alone now */
};
uint32_t book_request_count(const struct book *book);
bool book_request_get(const struct book *book, const struct hash *id,
                      uint64_t now_ms, struct book_request *out);
/* As book_offer_next. */
bool book_request_next(const struct book *book, uint32_t *cursor,
                       uint64_t now_ms, struct book_request *out);

/* ---- matching ---- */

struct book_placement {
    struct pubkey provider;
    uint64_t offer_version;
    char address[LIMIT_NAME];
    uint32_t tasks; /* how many go there; 0 = a spare, the next best */
    uint32_t room;  /* how many it would take */
    struct amount hour;
    struct amount bill; /* cap of one task */
    uint64_t rtt_us;    /* 0 = unknown */
    uint64_t notes;     /* reason_bit()s of what ranks it last */
    uint64_t wait_ms;   /* 0: it has room now; else it queues, and this is about
                           how long, by its offer */
    struct ranking_account account; /* why it ranks where it does */
};
/* Who together keeps to an availability (terms.down_ppb): each task is lost
 * only where all its copies are, and providers fail independently of each
 * other, but those that are paid into one account together: one of them at
 * most. What is known of each is in sched/avail/reliability.h; nobody of whom
 * nothing is known counts. */
struct book_member {
    struct pubkey provider;
    char name[LIMIT_NAME];
    struct reliability_account account;
    struct amount bill; /* of one task */
};
struct book_crew {
    bool reached;
    uint32_t down_ppb;  /* reckoned, of the members */
    uint32_t fits;      /* providers that take a task now */
    uint32_t known;     /* .. of whom something is known */
    struct amount bill; /* of one task at all of them */
    uint32_t count;     /* 0: nobody */
    struct book_member members[POLICY_COPIES_MAX];
};
/* How many copies does a request with an availability need, and who would have
 * them? The cheapest choice, under the policy cheapest; else the fewest, the
 * first in the policy's order that reach it. What the terms say of copies
 * holds where they say it. Where it cannot be reached: the best there is.
 * Nobody is where a task of the request is. ERR_RANGE (no availability; as
 * book_preview), ERR_NOMEM. */
MUST_USE enum err book_reckon(struct book *book, const struct request *request,
                              uint64_t now_ms, struct arena *arena,
                              struct book_crew *out);
/* Of one provider, for tasks of that length. False: nothing is known. */
bool book_reliability(const struct book *book, const struct pubkey *provider,
                      uint64_t time_ms, struct reliability_account *out);
/* Appends "99.97% at 2 of the 5 providers of whom enough is known". */
void book_crew_format(const struct book_crew *crew, struct buf *out);

struct book_result {
    struct book_placement *placements; /* lent from the arena; best first, those
                                          with tasks before the spares */
    uint32_t count;
    uint32_t placed;
    uint32_t unplaced;
    bool gang_waits; /* there is room for some, but not for all that must run
                        together: so for none */
    uint32_t room;   /* then: for how many there is */
    bool complete;   /* nobody who fits was left out, so `explain` counts all
                        offers; a search that found enough stops early */
    struct explain explain;
    const struct book_crew *crew; /* lent from the arena; NULL: no availability
                                     is asked for */
    uint64_t next_try_ms; /* when it is woken at the latest; BOOK_FOREVER when
                             all is placed */
};

/* Finds places for `tasks` tasks of a request, all that want one now, in the
 * order of its policy and as its terms divide them, and lists up to `spares`
 * further offers behind. Of a gang either as many as it needs beside those that
 * have their place already are placed, or none. Copies of a task are placed so
 * that tasks dealt in order meet no provider twice; after some lost theirs
 * again (tasks is no multiple of the copies) one each. With an availability
 * tasks go only to providers that together with those who have their other
 * copies (book_there_set) keep to it. A patient request may get providers
 * without room that queue, in the same order, of equals who begins earlier
 * first. What is placed is reserved, but for places in queues: ask those
 * providers for holds, and if one refuses, book_exclude and book_release what
 * it refused, then match again. Unplaced tasks wait: a tick wakes the request.
 * ERR_NOT_FOUND; ERR_RANGE (tasks not 1..request.tasks, spares above
 * LIMIT_TASKS); ERR_NOMEM. On an error nothing is reserved. */
MUST_USE enum err book_match(struct book *book, const struct hash *id,
                             uint32_t tasks, uint32_t spares, uint64_t now_ms,
                             struct arena *arena, struct book_result *out);
/* Where tasks of a request are, and for each of its affinities the providers
 * with a task of that other request: tell it before each match of a request
 * that has a spread, affinities, or an availability. What was told before is
 * forgotten, but for the domains of providers whose offers have lapsed.
 * ERR_NOT_FOUND; ERR_RANGE (more than BOOK_THERE_MAX rows), ERR_NOMEM. */
MUST_USE enum err book_there_set(struct book *book, const struct hash *id,
                                 const struct book_there *list, uint32_t count);

/* The same for a request that is not in the book, reserving nothing: what would
 * the market say? Its affinities are not judged: nobody told where others are.
 * next_try_ms is BOOK_FOREVER. ERR_RANGE (tasks not
 * 1..LIMIT_TASKS, spares likewise above, an unknown policy, too many
 * constraints), ERR_NOMEM. */
MUST_USE enum err book_preview(struct book *book, const struct request *request,
                               uint32_t tasks, uint32_t spares, uint64_t now_ms,
                               struct arena *arena, struct book_result *out);
/* Appends one sentence: how far it came and what it waits for. */
void book_result_format(const struct book_result *result, struct buf *out);

/* Leaves a provider alone for one request, because `why` (ERR_CAPACITY,
 * ERR_NET, ...), until until_ms; 0 = a back-off that doubles each time.
 * ERR_NOT_FOUND, ERR_NOMEM. */
MUST_USE enum err book_exclude(struct book *book, const struct hash *id,
                               const struct pubkey *provider, enum err why,
                               uint64_t until_ms, uint64_t now_ms);
/* Gives back what a match reserved, as far as the provider has not spoken
 * since: the hold was refused or let go. Harmless when nothing is reserved. */
void book_release(struct book *book, const struct hash *id,
                  const struct pubkey *provider, uint32_t tasks,
                  uint64_t now_ms);

/* ---- explaining ---- */

struct book_line {
    struct pubkey provider;
    char name[LIMIT_NAME];
    uint64_t offer_version;
    struct verdict verdict;
    struct amount hour;
    struct amount bill;
    uint64_t rtt_us;                /* 0 = unknown, or guessed only */
    struct ranking_account account; /* of an offer that fits */
    enum err why;      /* EXCLUDED: what book_exclude was told, else OK */
    uint64_t until_ms; /* EXCLUDED, UNREACHABLE: until then; else 0 */
};
/* Offers that have no room now and would let a task wait, were the request more
 * patient. */
struct book_missed_queues {
    uint32_t offers;
    uint64_t wait_ms; /* the shortest of their waits, by what they say */
};
struct book_explanation {
    struct book_line *lines; /* lent from the arena: offers that fit in policy
                                order, then the refused, nearest miss first */
    uint32_t count;          /* <= lines_max */
    struct explain explain;  /* of all offers */
    struct book_missed_queues queues;
};
/* What stands between each offer and one task of the request, as of now.
 * ERR_NOT_FOUND, ERR_NOMEM. */
MUST_USE enum err book_explain(struct book *book, const struct hash *id,
                               uint32_t lines_max, uint64_t now_ms,
                               struct arena *arena,
                               struct book_explanation *out);
/* The same for a request that is not in the book. ERR_RANGE (an unknown
 * policy, too many constraints), ERR_NOMEM. */
MUST_USE enum err book_explain_request(struct book *book,
                                       const struct request *request,
                                       uint32_t lines_max, uint64_t now_ms,
                                       struct arena *arena,
                                       struct book_explanation *out);
/* Appends a line's sentence: verdict_format, and for an exclusion why and for
 * how long. */
void book_line_format(const struct book_line *line,
                      const struct request *request, uint64_t now_ms,
                      struct buf *out);
/* A request as the scheduler sees it; constraints are lent from it. */
void book_demand(const struct request *request, struct demand *out);

/* ---- time ---- */

enum book_note_kind {
    BOOK_WAKE = 1,    /* match it: tasks wait and an offer may take some */
    BOOK_EXPIRED = 2, /* its ttl passed; it is no longer here */
};
struct book_note {
    enum book_note_kind kind;
    struct hash id;
    uint32_t waiting; /* its tasks without a place */
};
/* Lets lapse what lapsed and says which requests to act on: the expired, then
 * those to match, oldest first. Returns how many of `cap` notes are filled;
 * when all are, call again. */
uint32_t book_tick(struct book *book, uint64_t now_ms, struct book_note *notes,
                   uint32_t cap);
/* When the next tick has something to do; 0 = now, BOOK_FOREVER = nothing is
 * coming by itself. */
uint64_t book_next_ms(const struct book *book);

/* CHECKs that every index agrees with what it indexes and that no reservation
 * exceeds what is free. Walks everything: for tests. */
void book_check(const struct book *book);

#endif
