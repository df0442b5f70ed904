#ifndef NODE_SAFETY_LOG_H
#define NODE_SAFETY_LOG_H

/* The safety log's thread: takes the records of the core's steps, appends and
 * syncs them with one sync for all that wait, and says how far the disk is. The
 * loop thread calls everything here. */

#include "ledger/sx/sx.h"

struct safety_log;

struct safety_log_options {
    const char *dir;
    struct wal_owner owner;
    struct sx *core; /* told what the log holds, before its first step */
    void (*wake)(void *ctx); /* from the thread: there is news */
    void *ctx;
};

/* Reads the log into the core (sx_replay, sx_replayed). One that is missing is
 * made anew and the core forgets (sx.h). ERR_* of wal_open, wal_create and
 * sx_replay, ERR_NOMEM. */
MUST_USE enum err safety_log_open(const struct safety_log_options *options,
                                  struct safety_log **out);
MUST_USE enum err safety_log_start(struct safety_log *log);
/* Ends the thread when what waits is on the disk; before safety_log_close. */
void safety_log_stop(struct safety_log *log);
void safety_log_close(struct safety_log *log); /* NULL is fine */
/* The number of the last record, before the thread is started. */
uint64_t safety_log_last(const struct safety_log *log);

/* Copies. seq is the number it must get (CHECKed where it is appended). */
void safety_log_append(struct safety_log *log, uint64_t seq, uint8_t type,
                       struct bytes body);
/* Records below seq may go. */
void safety_log_trim(struct safety_log *log, uint64_t seq);
/* What was appended is to be synced now. */
void safety_log_sync(struct safety_log *log);
/* How far the disk is. An error (the disk failed): end the process; while it is
 * full the thread tries again by itself. */
MUST_USE enum err safety_log_synced(struct safety_log *log, uint64_t *out_seq);

#endif
