#ifndef NODE_LOG_H
#define NODE_LOG_H

/* The node's log: one line an event, to stderr and into a ring that
 * `suan node logs` reads. Only node logs; libraries return.
 *
 *   2026-11-22T04:10:11.123Z info chain: block 12 final txs=3 ms=1.2
 *
 * Safe to call from any thread. */

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level {
    LOG_DEBUG_LEVEL = 0,
    LOG_INFO_LEVEL = 1,
    LOG_ODD_LEVEL = 2,    /* look when convenient */
    LOG_BROKEN_LEVEL = 3, /* our bug: any test that logs this fails */
};

#define LOG_LINE_MAX  512
#define LOG_RING_SIZE 2048

/* Once, before the first line. Lines below level are dropped. */
void log_init(enum log_level level);
void log_level_set(enum log_level level);
const char *log_level_text(enum log_level level);
MUST_USE enum err log_level_parse(const char *text, enum log_level *out);

__attribute__((format(printf, 3, 4))) void log_write(enum log_level level,
                                                     const char *room,
                                                     const char *format, ...);

#define log_debug(room, ...)  log_write(LOG_DEBUG_LEVEL, room, __VA_ARGS__)
#define log_info(room, ...)   log_write(LOG_INFO_LEVEL, room, __VA_ARGS__)
#define log_odd(room, ...)    log_write(LOG_ODD_LEVEL, room, __VA_ARGS__)
#define log_broken(room, ...) log_write(LOG_BROKEN_LEVEL, room, __VA_ARGS__)

/* Of what fails again and again: is this time, the 1st, 2nd, 3rd, ..., one to
 * tell of? Each is twice as far from the first as the one before. */
static inline bool log_tells(uint64_t times)
{
    return (times & (times - 1)) == 0;
}

struct log_line {
    uint64_t seq; /* 1, 2, ... */
    uint64_t at_ms;
    enum log_level level;
    char text[LOG_LINE_MAX]; /* "chain: block 12 final ..." */
};
/* Copies up to max lines with seq > since, oldest first; returns how many.
 * Lines the ring has dropped are skipped: seq shows the gap. */
size_t log_read(uint64_t since, struct log_line *out, size_t max);

#endif
