#ifndef NODE_CHAIN_WATCH_H
#define NODE_CHAIN_WATCH_H

/* Watches how the chain gets on, for people: which validators are heard, and
 * whether something waits although no block comes. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct node;

/* A validator tells its likes every second where it is, others every five. */
#define CHAIN_SILENT_MS      4000u
#define CHAIN_SILENT_AFAR_MS 12000u
#define CHAIN_STALLED_MS     3000u /* something waits for so long: worth a word */
/* ... although enough can be reached: of those some do not vote. */
#define CHAIN_MUTE_MS    20000u
#define CHAIN_WATCH_TEXT 160u

#define CHAIN_LOOKS 256u /* of the pool, a second; the rest is believed */

struct chain_watch {
    uint64_t since_ms;  /* monotonic: something waits that a block could hold,
                           and none was decided since; 0: nothing does */
    uint64_t behind_ms; /* monotonic: what waits has waited since for earlier
                           transactions of its senders alone; 0: not so */
};

/* What of the epoch's set this node can reach: linked and not silent, itself
 * included. */
struct chain_reach {
    uint32_t validators;
    uint32_t reachable;
    uint64_t weight;
    uint64_t reachable_weight;
    bool quorum;         /* they are enough to decide */
    uint64_t stalled_ms; /* something waits and no block comes; 0: not so */
};
void chain_watch_reach(struct node *node, struct chain_reach *out);

/* "no block for 12 s: 2 of 4 validators reachable, too few to decide"; later on
 * "..., 4 of 4 validators reachable; not all of them vote". False, and "",
 * while the chain does not stand still. */
bool chain_watch_why(struct node *node, char text[CHAIN_WATCH_TEXT]);

/* "4 transactions wait for an earlier one of their sender, which is not here".
 * False, and "", where a block could hold some of what waits. */
bool chain_watch_behind(struct node *node, char text[CHAIN_WATCH_TEXT]);

/* "1200 pages, 18022 records of block 600's state, 3 peers asked". False, and
 * "", when the state is not being fetched. */
bool chain_watch_fetch(struct node *node, char text[CHAIN_WATCH_TEXT]);

/* What this node's key does: "signs", "has forgotten" (amnesia: signs nothing
 * for a while), "another machine has its key" (signs nothing), "not in the set"
 * and, without a key, "none". */
const char *node_votes(struct node *node);

/* What chain.status says of the votes and the validators; docs/control.md. */
void chain_watch_put(struct node *node, json_t *object);

void chain_watch_block(struct node *node); /* one was decided */
void chain_watch_tick(struct node *node);  /* once a second */

#endif
