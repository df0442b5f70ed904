#ifndef TESTS_EXHAUST_MACHINE_H
#define TESTS_EXHAUST_MACHINE_H

/* One honest machine: a disk and a real core. There is one at a time, in the
 * region; region.h puts it away and brings it back.
 *
 * Time stands still but for one millisecond an event, until the timer fires:
 * then so much has passed that everything is due. */

#include "tests/exhaust/letters.h"

#define FINALS_MAX 8u

/* What can happen to a machine next. */
enum act_kind {
    ACT_TIMER,
    ACT_SYNC,   /* the log is on the disk */
    ACT_COMMIT, /* the oldest batch is */
    ACT_CRASH,  /* and it starts again: `keep` of the records that were not
                   synced are there, and `commit` batches more */
    ACT_HEAR,   /* letter */
};

struct act {
    enum act_kind kind;
    uint32_t keep;
    uint32_t commit;
    uint32_t letter;
};
#define KEEP_MAX   7u
#define COMMIT_MAX 3u
/* A number for each, below ACTS. */
#define ACT_FIRST_LETTER (3u + (KEEP_MAX + 1u) * (COMMIT_MAX + 1u))
#define ACTS             (ACT_FIRST_LETTER + LETTERS_MAX)
struct act act_of(uint32_t number);
void act_name(const struct act *act, char out[64]);
/* ACTS: no such act. */
uint32_t act_named(const char *name);

struct record {
    uint64_t seq;
    uint8_t type;
    size_t len;
    uint8_t *bytes;
};

struct final {
    uint64_t height;
    struct hash id;
};

struct machine {
    uint32_t who;
    struct store *store;
    struct chain *chain;
    struct sx *core;
    struct store_batch *batches[COMMIT_MAX];
    uint32_t batch_count;
    uint64_t stored; /* height on the disk */
    struct record *records;
    uint32_t first;
    uint32_t count;
    uint32_t cap;
    uint64_t synced;
    uint64_t mono_ms;
    uint32_t steps; /* since the timer fired */
    uint32_t crashes;
    struct set said;
    struct final finals[FINALS_MAX];
    uint32_t final_count;
};
/* The one in the region; NULL before the first. */
extern struct machine *machine;

/* Empties the region and starts a machine there. */
void machine_new(uint32_t who);
/* After region_load. */
void machine_found(void);
bool machine_may(const struct act *act);
/* `around`: what was said by all (certificates are made of it). False: nothing
 * can have changed. */
void machine_do(const struct act *act, const struct set *around);
uint64_t machine_logged(void); /* number of the last record */

#endif
