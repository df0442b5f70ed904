#ifndef LEDGER_CHAIN_SYNC_ROOM_H
#define LEDGER_CHAIN_SYNC_ROOM_H

/* What the pages of sync share. Inside ledger. */

#include "ledger/state/smt_page.h"
#include "ledger/chain/sync.h"

/* On the way down from the limit there is one page a level, and the root. */
#define OPEN_ROOM (SYNC_OPEN_MAX + 66u)

/* A page that has come and waits for what is below it. */
struct open_page {
    bool used;
    unsigned depth;
    unsigned slot;            /* of the parent */
    struct open_page *parent; /* NULL: the root */
    struct hash path;
    struct smt_page page;
    uint16_t left;  /* subtrees that are not here yet, a bit each */
    uint16_t asked; /* ... and are asked for, or open themselves */
    uint16_t old;   /* where another page stands in the store */
};

/* A page that is asked for. */
struct want {
    struct open_page *parent; /* NULL: the root is wanted */
    unsigned slot;
    unsigned depth;
    struct hash path;
    struct hash expected;
    bool came;
};

struct ask {
    uint32_t number; /* 0: free */
    uint32_t count;
    struct want wants[SX_PAGES_MAX];
};

/* A page that came, read. */
struct arrival {
    struct sx_page_item item;
    struct smt_page page;
};

enum sweep_pass { SWEEP_PAGES, SWEEP_PATHS, SWEEP_COUNTS };

/* The pages from the root down to a place, as far as they are here. */
struct descent {
    struct hash path;
    unsigned have; /* levels read; 0: none */
    struct smt_page pages[64];
};

struct sync {
    struct store *store;
    struct hash chain;
    struct hash root;
    bool root_here;
    bool root_old;
    bool root_asked;
    struct open_page open[OPEN_ROOM];
    uint32_t open_count;
    uint32_t asked_count;
    struct ask asks[SYNC_ASKS_MAX];
    struct arrival arrivals[SX_PAGES_MAX];
    uint8_t keys[SX_PAGES_MAX][SMT_PAGE_KEY_MAX];
    struct sync_count count;
    /* the sweep */
    enum sweep_pass pass;
    uint8_t cursor[STORE_KEY_MAX];
    size_t cursor_len;
    bool again;
    uint32_t sweeps; /* that found something */
    struct descent descent;
};

/* The path of the page below a slot; the page's own depth. */
struct hash sync_below(const struct hash *path, unsigned depth, unsigned slot);
/* A page of the store. ERR_CORRUPT, or a fault. */
enum err sync_load(struct sync *sync, const struct hash *path, unsigned depth,
                   struct smt_page *out, bool *out_found);
void sync_page_hash(const struct smt_page *page, struct hash *out);

#endif
