#ifndef NODE_EXECUTORS_SANDBOX_DIR_H
#define NODE_EXECUTORS_SANDBOX_DIR_H

/* Small files in directories we own: read whole, replaced whole.
 *
 * `at` is a directory descriptor or AT_FDCWD, as in openat(2). Functions that
 * return int give 0, or -1 with errno set. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define DIR_PATH 1024u /* bytes of the longest path we build */

/* printf into `out`; false, with errno ENAMETOOLONG, when it does not fit. */
__attribute__((format(printf, 3, 4))) bool dir_text(char *out, size_t cap,
                                                    const char *format, ...);

/* Reads up to cap-1 bytes and ends them with a zero; the length, or -1. */
ssize_t dir_read(int at, const char *name, char *out, size_t cap);

/* The whole file of at most `max` bytes, zero-ended, given (free it); NULL with
 * errno, EFBIG when it is larger. out_len may be NULL. */
char *dir_slurp(int at, const char *name, size_t max, size_t *out_len);

/* The JSON object in a file of at most 4 MiB, given; NULL when it is missing
 * or is not one. */
json_t *dir_read_json(int at, const char *name);

/* Replaces the file at once (a reader sees the old or the new content, never a
 * part), mode 0600. */
int dir_write(int at, const char *name, const void *data, size_t len);
int dir_write_json(int at, const char *name, const json_t *value);

/* Writes into an existing file in one write(2), as control files want it. */
int dir_put(int at, const char *name, const char *text);
__attribute__((format(printf, 3, 4))) int dir_putf(int at, const char *name,
                                                   const char *format, ...);

/* mkdir -p; existing directories are fine. */
int dir_make(const char *path, mode_t mode);

/* rm -rf, never following a link or leaving the file system it started on;
 * 0 when it is gone or never was. */
int dir_remove(int at, const char *name);

/* Takes the record lock on an open file: 0, or -1 (EAGAIN: another process
 * holds it). The lock goes with the process, however it ends, and is not
 * inherited by children. */
int dir_lock(int fd);
/* The process that holds the lock on that open file; 0 when nobody does. */
pid_t dir_lock_holder(int fd);

/* Milliseconds since 1970, for records; and since boot, suspended time
 * included, for deadlines. */
uint64_t dir_now_ms(void);
uint64_t dir_boot_ms(void);

#endif
