#ifndef TESTS_EXHAUST_BOUNDS_H
#define TESTS_EXHAUST_BOUNDS_H

/* What one search is bounded by. Everything within is tried. */

#include <stdbool.h>
#include <stdint.h>

#define PARTIES_MAX 4u
#define NOBODY      UINT32_MAX

struct bounds {
    uint32_t n;       /* validators of equal weight; party p leads view p + 1 */
    uint32_t liar;    /* this one is Byzantine; NOBODY */
    uint32_t views;   /* what is said in later ones is lost */
    uint32_t txs;     /* transfers that everybody has from the start; a block
                         holds one */
    uint32_t crashes; /* of honest machines, all together */
    uint32_t epoch; /* blocks of an epoch; what is said in later ones is lost */
    bool votes;     /* single votes arrive, too; else only certificates, made by
                       whoever collects them */
    bool fused;     /* log and store are synced at once after each event */
    /* The liar, when it leads, proposes each earlier block again, and an empty
     * one in every view; else only one on each block, and two in view 1. */
    bool more;
    bool forged; /* the liar also says what does not hold */
    bool plain;  /* each single event makes a state of the whole; else those
                    that nobody else can notice are taken together */
};

/* No validators yet, and the smallest of the rest. */
void bounds_init(struct bounds *bounds);
/* One word of a command line, and the next (NULL: none). How many of them it
 * took; 0: not a word of ours, or a number that is none. */
int bounds_take(struct bounds *bounds, const char *word, const char *next);
/* Words with a space in between, of our own; what is wrong ends the program. */
void bounds_read(struct bounds *bounds, const char *text);
#define BOUNDS_TEXT_MAX 160
void bounds_text(const struct bounds *bounds, char out[BOUNDS_TEXT_MAX]);

bool read_number(const char *text, uint32_t most, uint32_t *out);

#endif
