#ifndef TESTS_SIM_CONSENSUS_PLAN_H
#define TESTS_SIM_CONSENSUS_PLAN_H

/* A plan: what kind of world a seed gives. Every fault is drawn on or off for
 * each seed, so that some seeds meet one fault alone and others all of them.
 * Printed before it is lived. Times are microseconds. */

#include "base/dice.h"

#define PLAN_KEYS_MAX 31u
#define MS            UINT64_C(1000)
#define SECOND        (1000 * MS)

/* What may go wrong with the world. */
enum fault {
    FAULT_CRASH = 1u << 0,       /* a process ends between two effects */
    FAULT_CRASH_ALL = 1u << 1,   /* all of them, together */
    FAULT_SPLIT = 1u << 2,       /* the network falls into two parts */
    FAULT_ONE_WAY = 1u << 3,     /* a link loses all of one direction */
    FAULT_FLAP = 1u << 4,        /* links go down and come up */
    FAULT_CLOG = 1u << 5,        /* a link holds everything back for a while */
    FAULT_PAUSE = 1u << 6,       /* a process stands still */
    FAULT_SLOW = 1u << 7,        /* a machine takes its time */
    FAULT_CLOCK = 1u << 8,       /* a wall clock jumps */
    FAULT_WIPE_LOG = 1u << 9,    /* the safety log is gone */
    FAULT_DAMAGE_LOG = 1u << 10, /* a synced record of it is */
    FAULT_WIPE_DISK = 1u << 11,  /* everything is */
    FAULT_COPY = 1u << 12, /* a second machine with the same key and no log */
    /* Only seeds that are 2 modulo 7 have these. */
    FAULT_WIPE_STORE = 1u << 13, /* the store is gone, the log is there */
    FAULT_OLD_STORE = 1u << 14,  /* an older copy of the store is put back */
    FAULT_FULL = 1u << 15,       /* the disk takes nothing for a while */
    FAULT_ROT = 1u << 16,        /* a bit of the store is another */
    FAULT_COUNT = 17,
};
#define FAULT_COUNT_PLAIN 13u

/* What a dishonest validator does. */
enum mischief {
    ACT_TWINS = 1u << 0,        /* two honest programs with one key */
    ACT_EQUIVOCATE = 1u << 1,   /* a leader proposes two blocks */
    ACT_SELECTIVE = 1u << 2,    /* speaks to some only */
    ACT_BOTH_ENDS = 1u << 3,    /* nullifies and finalizes */
    ACT_YES = 1u << 4,          /* votes for all it sees, unlooked at */
    ACT_SILENT = 1u << 5,       /* says nothing */
    ACT_LATE = 1u << 6,         /* says everything late */
    ACT_BAD_BLOCK = 1u << 7,    /* proposes what is not valid */
    ACT_WITHHOLD = 1u << 8,     /* gives its blocks to a few */
    ACT_BAD_CERT = 1u << 9,     /* certificates that are none */
    ACT_FLOOD = 1u << 10,       /* votes from the future and from the past */
    ACT_LIES = 1u << 11,        /* false heights and views */
    ACT_UNJUSTIFIED = 1u << 12, /* proposals without what justifies them */
    ACT_REPROPOSE = 1u << 13,   /* proposes a parent again at the wrong time */
    ACT_POISON = 1u << 14,      /* answers with what was not asked for */
    ACT_ECHO = 1u << 15,        /* says again what others said */
    ACT_GARBAGE = 1u << 16,     /* bytes */
    ACT_FORK = 1u << 17,        /* sound blocks on the wrong parents */
    ACT_USURP = 1u << 18,       /* proposes in others' views */
    ACT_MIXED = 19,             /* so many kinds are mixed by any seed */
    ACT_BAD_VOTE = 1u << 19,    /* its votes are signed wrongly, to some */
    ACT_CLAIM = 1u << 20,       /* claims others' keys on its links */
    ACT_DRAWN = 21,             /* so many have seeds of their own */
    /* Only where newcomers fetch the state. */
    ACT_BAD_PAGES = 1u << 21, /* gives pages and steps that are wrong */
    /* Only in seeds of their own, see plan_is_bold. */
    ACT_UNHELD = 1u << 22,  /* tells of certificates nobody looks into */
    ACT_SWAMP = 1u << 23,   /* a hundred proposals behind its first */
    ACT_DECIDED = 1u << 24, /* many true decisions to who is behind */
    ACT_UNASKED = 1u << 25, /* blocks that nobody asked for */
    ACT_COUNT = 26,
};

struct plan {
    uint64_t seed;
    bool real_signatures;
    bool overload; /* more dishonest weight than the protocol bears */
    /* who is there */
    uint32_t keys; /* validators of the genesis */
    uint64_t weights[PLAN_KEYS_MAX];
    uint32_t mischief[PLAN_KEYS_MAX]; /* 0: honest */
    uint32_t stranger; /* what one more machine without a key does; 0: none */
    uint32_t followers;
    uint32_t newcomers;   /* that become validators, and leave again */
    uint32_t late;        /* machines that start late */
    uint64_t late_us_min; /* they and followers: not before; 0: no bound */
    uint32_t accounts;    /* of the genesis that nobody uses */
    uint64_t sync_epochs; /* newcomers fetch the state; 0: execute all */
    uint64_t quorum;
    uint64_t budget; /* weight that may still fail */
    uint64_t weight; /* of all */
    /* the chain */
    uint64_t epoch_blocks;
    uint64_t interval_ms;
    uint64_t heartbeat_ms;
    uint64_t delay_ms; /* the protocol's D0 */
    uint64_t listen_ms;
    bool link_keys; /* links are bound to other keys than the validators' */
    /* how long */
    uint64_t chaos_us;
    uint64_t views_max; /* or so many views; 0: no bound */
    /* the network, while there is trouble */
    uint64_t hop_us_min;
    uint64_t hop_us_max;
    uint64_t far_us; /* more, each way, to and from machine `far` */
    uint32_t far;
    uint32_t tail_permille; /* messages that take ten times as long */
    uint32_t loss_permille;
    uint32_t copy_permille;
    uint32_t replay_permille; /* old messages, said once more */
    bool in_order;
    uint64_t skew_us_max;
    /* machines */
    uint64_t sync_us_max;
    uint64_t store_us_max;
    uint64_t step_us;  /* what an event costs */
    uint32_t pool_txs; /* transactions that may wait; 0: as everywhere */
    /* trouble */
    uint32_t faults;
    uint32_t fault_count; /* that may be drawn */
    uint64_t trouble_us;  /* mean time between two troubles; 0: none */
    uint64_t down_us_max;
    uint32_t crash_effects; /* mean effects between crashes of a machine */
    uint32_t edge_permille; /* crashes at stores, syncs and epoch ends */
    uint64_t gone_us;       /* machine `far` is away so long; 0: it stays */
    uint64_t gone_at_us;    /* .. from then on */
    /* people */
    uint32_t clients;
    uint64_t client_us;      /* mean time between two transactions of one */
    uint64_t idle_us;        /* long silence in the middle; 0: none */
    uint32_t bad_permille;   /* transactions that are none */
    uint32_t short_permille; /* that expire soon */
};

/* keys 0: drawn, too. */
void plan_draw(struct plan *plan, uint64_t seed, uint32_t keys);
/* One validator, if its weight can be borne, does this and nothing else. */
void plan_act(struct plan *plan, uint32_t act);
/* Newcomers fetch the state by pages, and there is one. */
void plan_pages(struct plan *plan);
/* Do they in this seed? */
bool plan_has_pages(uint64_t seed);
/* Long epochs, much to decide, and a machine that is away for a while: it comes
 * back with more behind it than it can hold. */
bool plan_is_long(uint64_t seed);
void plan_long(struct plan *plan);
/* Somebody does one of the later kinds of mischief, and nothing else. */
bool plan_is_bold(uint64_t seed);
void plan_bold(struct plan *plan);
/* As many disks as can be borne lose their log, their store, both, again and
 * again, or an older store is put back. */
bool plan_is_lossy(uint64_t seed);
void plan_lossy(struct plan *plan);
/* The longest way of a message that nothing delays. */
uint64_t plan_way_us(const struct plan *plan);
void plan_print(const struct plan *plan);
const char *plan_fault_name(unsigned bit);
const char *plan_mischief_name(unsigned bit);

#endif
