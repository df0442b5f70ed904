#ifndef NODE_NET_NOTE_H
#define NODE_NET_NOTE_H

/* Notes for the log about what strangers do: at most a few per second, so that
 * a flood of connections is not a flood of lines as well. */

#include "base/err.h"

#include <stdint.h>

#define NOTE_PER_SECOND 5u

struct note {
    void (*say)(void *ctx, const char *text); /* NULL: nobody listens */
    void *ctx;
    uint64_t second;
    unsigned said, lost; /* in this second; since the last one said */
};

__attribute__((format(printf, 3, 4))) void note_say(struct note *note,
                                                    uint64_t now_ms,
                                                    const char *format, ...);

#endif
