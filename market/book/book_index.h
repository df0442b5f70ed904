#ifndef MARKET_BOOK_INDEX_H
#define MARKET_BOOK_INDEX_H

/* The book's offers as a catalog (sched/index/catalog.h): what of an offer is a
 * column, a tag or a flag, and a request as the question that goes with it. */

#include "market/book/book_impl.h"
#include "sched/index/search.h"
#include "sched/index/survey.h"

/* After OK, one offer at that slot can come in. ERR_NOMEM. */
MUST_USE enum err book_index_reserve(struct book *book, uint32_t index);
/* The tags of an offer; given, for book_index_put. NULL when out of memory. */
uint64_t *book_tags_new(const struct book *book, const struct offer *offer,
                        uint32_t *out_count);
/* The slot is LIVE; its card, tags and amounts are set. Reserved. */
void book_index_put(struct book *book, uint32_t index, uint64_t now_ms);
void book_index_remove(struct book *book, uint32_t index);
/* What is free, or reserved, changed. */
void book_index_amounts(struct book *book, uint32_t index);
/* Its round trip was measured, guessed, or is not known any more (0). */
void book_index_rtt(struct book *book, uint32_t index);
/* slot->unreachable_until_ms was set. */
void book_index_unreachable(struct book *book, uint32_t index, uint64_t now_ms);
/* Of the lists of slots by time. */
void book_index_forget(struct book *book, uint32_t index);
/* Brings flags up to date that change with time: before every question. */
void book_index_refresh(struct book *book, uint64_t now_ms);
/* The first unreachable provider, with an offer, that the entry does not leave
 * alone, comes back then; BOOK_FOREVER when there is none. */
uint64_t book_index_back_ms(const struct book *book,
                            const struct book_entry *entry, uint64_t now_ms);

/* The order to walk for that of a simple policy; the price's for 0. */
enum order_kind book_query_order(enum policy order);
/* Steps of a round trip and of a speed as the orders' keys; 0 us: unknown. */
uint32_t book_near_key(uint64_t rtt_us);
uint32_t book_fast_key(uint32_t step);
/* What a hit, or whoever comes after it, has of the order's figure, as for
 * ranking_floor. */
enum figure book_query_figure(enum policy order, const struct search_hit *hit,
                              uint64_t *out_value);
/* A rank as that order has it: its key; and the price of an hour. */
uint32_t book_query_key(enum policy policy, const struct rank *rank,
                        uint64_t *out_hour);
/* What the catalog knows of the request's wishes; it may be less than all: whom
 * it finds the book judges again. False when nobody can meet
 * them: an operation that is not understood. */
bool book_query(const struct book *book, const struct request *request,
                struct query *out);

/* The reasons for and against, in the order of REASON_MAP. */
struct book_survey {
    struct survey survey;
    const struct book *book;
    const struct request *request;
    const struct book_entry *entry;
    const struct demand *demand;
    uint64_t now_ms;
    uint64_t zones[LIMIT_ZONES]; /* tags */
    uint32_t own[2];             /* slots of the agent and the buyer */
    uint32_t only[1];            /* of the only seller */
    uint32_t excluded[BOOK_EXCLUDED_MAX];
};
void book_survey_make(const struct book *book, const struct request *request,
                      const struct book_entry *entry,
                      const struct demand *demand, uint64_t now_ms,
                      struct book_survey *out);
/* Thousandths of devices that one task wants. */
uint64_t book_wish_milli(const struct device_wish *wish);

/* What policies that compare with the best must know first. */
struct book_look {
    struct book *book;
    const struct request *request;
    const struct book_entry *entry; /* may be NULL */
    const struct demand *demand;
    struct ranking *ranking;
    uint64_t now_ms;
};
/* book_match.c. Refreshed. ERR_NOMEM. */
MUST_USE enum err book_look(const struct book_look *look);
/* book_explain.c. Explains all offers. Refreshed. ERR_NOMEM. */
MUST_USE enum err book_survey_run(struct book *book,
                                  const struct request *request,
                                  const struct book_entry *entry,
                                  const struct demand *demand, uint64_t now_ms,
                                  struct explain *out);

/* ---- the other way round: classes that wait, as a catalog of what they want
 * at most ---- */

/* After OK one class can wait. ERR_NOMEM. */
MUST_USE enum err book_needs_reserve(struct book *book);
void book_needs_put(struct book *book, const struct book_class *class_);
void book_needs_remove(struct book *book, const struct book_class *class_);
/* A walk over the classes a slot's amounts can hold a task of. False when the
 * slot takes nothing at all now. */
bool book_needs_begin(struct book *book, uint32_t index, uint64_t now_ms,
                      struct query *query, struct search *search);

void book_index_check(const struct book *book);

#endif
