#ifndef MARKET_BOOK_DEVICE_H
#define MARKET_BOOK_DEVICE_H

/* What the book keeps of an offer that has devices or taints, beside its card;
 * and which of its devices our own requests have asked for since it last spoke.
 * Others have none of this. */

#include "market/offer.h"

struct book_gear {
    struct devices devices; /* as offered */
    uint32_t taint_count;
    struct taint taints[LIMIT_TAINTS];
    uint16_t reserved[MACHINE_DEVICES_MAX]; /* <= devices.free_milli */
};

/* Does the offer need one? */
bool book_gear_needed(const struct offer *offer);
void book_gear_fill(const struct offer *offer, struct book_gear *out);
/* Nothing is reserved any more: the provider spoke. NULL is fine. */
void book_gear_forget(struct book_gear *gear);
/* The devices with what is free beside our own reservations. */
void book_gear_view(const struct book_gear *gear, struct devices *out);

/* Reserves for `tasks` tasks in a group they were seen to fit in (CHECKed), and
 * adds to `taken`, by device, what they take. */
void book_gear_take(struct book_gear *gear, const struct device_wish *wish,
                    uint32_t group, uint32_t tasks,
                    uint16_t taken[MACHINE_DEVICES_MAX]);
/* Gives `tasks` of those that `taken` stands for back. */
void book_gear_give(struct book_gear *gear, const struct device_wish *wish,
                    uint32_t tasks, uint16_t taken[MACHINE_DEVICES_MAX]);

#endif
