#include "node/net/note.h"

#include <stdarg.h>
#include <stdio.h>

enum { TEXT_MAX = 320 };

void note_say(struct note *note, uint64_t now_ms, const char *format, ...)
{
    uint64_t second = now_ms / 1000;
    char text[TEXT_MAX];
    va_list args;
    int n;

    if (note->say == NULL)
        return;
    if (second != note->second) {
        note->second = second;
        note->said = 0;
    }
    if (note->said >= NOTE_PER_SECOND) {
        note->lost++;
        return;
    }
    note->said++;
    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (note->lost > 0 && n > 0 && n < TEXT_MAX)
        snprintf(text + n, sizeof text - (size_t)n, " (and %u more notes)",
                 note->lost);
    note->lost = 0;
    note->say(note->ctx, text);
}
