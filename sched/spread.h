#ifndef SCHED_SPREAD_H
#define SCHED_SPREAD_H

/* How thinly the tasks of a request are spread: at most so many at one
 * provider, and at most so many at providers with the same value of one label
 * (a zone, a rack). The same is anti-affinity among the tasks of a bag: at most
 * one in a place.
 *
 * A single label: with one, taking the best places first while the counts allow
 * it is the best that can be done (place.h). A provider with several values of
 * the label counts under the first it states; one without any is not taken. */

#include "sched/label.h"

struct spread {
    uint32_t per_provider; /* 0 = any number */
    uint32_t per_value;    /* 0 = any number, then the key is empty */
    char key[LIMIT_NAME];
};

/* ERR_RANGE: one of key and per_value without the other, above LIMIT_TASKS. */
MUST_USE enum err spread_form(const struct spread *spread);
/* Adds "provider:1", "zone:2", "rack" (one). ERR_PARSE; ERR_RANGE for a count
 * of zero or above LIMIT_TASKS; ERR_EXISTS for a second of its sort;
 * ERR_TOO_LARGE. */
MUST_USE enum err spread_parse(const char *text, struct spread *spread);
/* Appends "provider:1, zone:2"; nothing for none. */
void spread_format(const struct spread *spread, struct buf *out);
/* The value that counts; NULL when there is none. Lent from the labels. */
const char *spread_value(const struct spread *spread,
                         const struct label *labels, uint32_t count);

#endif
