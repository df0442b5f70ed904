#ifndef NODE_RECORDS_H
#define NODE_RECORDS_H

/* Small durable records by name ("buy/<id>/t3") in one LMDB environment: after
 * kill -9 or a power cut each is the old one or the new one. The trade engines'
 * memory; not for bulk and not for the chain, whose commits must not wait for
 * ours.
 *
 * There are two ways to write. records_put waits for the disk. records_save
 * only collects; records_commit hands over what was collected, as one
 * transaction, to a thread of our own: it writes all that waits under one sync
 * and then tells the loop how far the disk has come. Records become durable in
 * the order of their saves; what is put overtakes what is still on its way.
 *
 * All calls on one thread, the loop's. */

#include "base/bytes.h"

#include <uv.h>

/* A handle; zero: not open. */
struct records {
    struct record_store *store;
};

#define RECORD_BYTES_MAX (128u * 1024)
#define RECORD_KEY_MAX   95u

/* Makes dir (mode 0700) where it is not there. ERR_FULL, ERR_CORRUPT (not an
 * environment of ours), ERR_VERSION, ERR_PERM, ERR_NOMEM, ERR_IO. */
MUST_USE enum err records_open(struct records *records, const char *dir);
/* Not open is fine. After records_stop, if it was started. */
void records_close(struct records *records);

/* Names are ours: 1 to RECORD_KEY_MAX letters, digits, '/', '-', '.'; CHECKed.
 * On the disk when it returns. Empty bytes delete. On an error the old record
 * stands. ERR_FULL, ERR_NOMEM, ERR_IO. */
MUST_USE enum err records_put(struct records *records, const char *key,
                              struct bytes value);
/* Appends the value to out. ERR_NOT_FOUND, ERR_TOO_LARGE (out's), ERR_IO. */
MUST_USE enum err records_get(struct records *records, const char *key,
                              struct buf *out);
/* Every record whose name begins with prefix and '/', in byte order of the
 * names; the value is lent for the call, which must not write records. Stops at
 * the first error fn returns. */
typedef enum err (*records_each_fn)(void *ctx, const char *key,
                                    struct bytes value);
MUST_USE enum err records_each(struct records *records, const char *prefix,
                               records_each_fn fn, void *ctx);

/* ---- without waiting ---- */

/* All up to this ticket is on the disk; or, with an error, nothing more will
 * be, ever (ERR_NOMEM, ERR_IO): told once. A full disk is no such error: what
 * was committed waits until there is room. */
typedef void (*records_saved_fn)(void *ctx, uint64_t ticket, enum err err);
/* Starts the thread; saved is called on the loop's. ERR_NOMEM. */
MUST_USE enum err records_start(struct records *records, uv_loop_t *loop,
                                records_saved_fn saved, void *ctx);
/* Collects (copied) for the next commit. ERR_NOMEM. */
MUST_USE enum err records_save(struct records *records, const char *key,
                               struct bytes value);
/* The ticket of what was saved so far. Started only (CHECKed). */
uint64_t records_commit(struct records *records);
/* Waits until the disk has all that was committed, or has failed, or is full:
 * for those who are too far ahead of it. saved is told by the loop, later. */
void records_catch_up(struct records *records);
/* Is the disk full, so that what was committed waits? */
bool records_wait_for_room(const struct records *records);
/* Writes what was committed (not to a full disk) and ends the thread; saved is
 * not called any more. Run the loop until its handle is closed, then
 * records_close. */
void records_stop(struct records *records);

#endif
