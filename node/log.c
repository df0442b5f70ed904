#include "node/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct {
    pthread_mutex_t lock;
    enum log_level level;
    uint64_t next; /* seq of the next line */
    struct log_line ring[LOG_RING_SIZE];
} the_log = {
    .lock = PTHREAD_MUTEX_INITIALIZER, .level = LOG_INFO_LEVEL, .next = 1};

static const char *const level_names[] = {"debug", "info", "odd", "broken"};

void log_init(enum log_level level)
{
    log_level_set(level);
}

void log_level_set(enum log_level level)
{
    pthread_mutex_lock(&the_log.lock);
    the_log.level = level;
    pthread_mutex_unlock(&the_log.lock);
}

const char *log_level_text(enum log_level level)
{
    return level_names[level];
}

enum err log_level_parse(const char *text, enum log_level *out)
{
    for (unsigned i = 0; i < 4; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum log_level)i;
            return OK;
        }
    }
    return ERR_PARSE;
}

static void print_line(const struct log_line *line)
{
    time_t seconds = (time_t)(line->at_ms / 1000);
    struct tm when;
    char stamp[32];
    gmtime_r(&seconds, &when);
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &when);
    fprintf(stderr, "%s.%03uZ %s %s\n", stamp, (unsigned)(line->at_ms % 1000),
            level_names[line->level], line->text);
}

/* A log line is one line: what a peer or a path smuggled in must not forge
 * another. */
static void flatten(char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            *text = '?';
    }
}

void log_write(enum log_level level, const char *room, const char *format, ...)
{
    struct timespec now;
    struct log_line *line;
    va_list args;
    int used;
    pthread_mutex_lock(&the_log.lock);
    if (level < the_log.level) {
        pthread_mutex_unlock(&the_log.lock);
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    line = &the_log.ring[the_log.next % LOG_RING_SIZE];
    line->seq = the_log.next++;
    line->at_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    line->level = level;
    used = snprintf(line->text, sizeof(line->text), "%s: ", room);
    va_start(args, format);
    if (used > 0 && (size_t)used < sizeof(line->text))
        vsnprintf(line->text + used, sizeof(line->text) - (size_t)used, format,
                  args);
    va_end(args);
    flatten(line->text);
    print_line(line);
    pthread_mutex_unlock(&the_log.lock);
}

size_t log_read(uint64_t since, struct log_line *out, size_t max)
{
    size_t count = 0;
    uint64_t seq;
    pthread_mutex_lock(&the_log.lock);
    seq = since + 1;
    if (the_log.next > LOG_RING_SIZE && seq < the_log.next - LOG_RING_SIZE)
        seq = the_log.next - LOG_RING_SIZE;
    for (; seq < the_log.next && count < max; seq++)
        out[count++] = the_log.ring[seq % LOG_RING_SIZE];
    pthread_mutex_unlock(&the_log.lock);
    return count;
}
