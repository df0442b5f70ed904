#include "node/control/feed.h"

#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"",      "node", "block", "offer",
                                    "trade", "job",  "sell"};

const char *feed_kind_text(enum feed_kind kind)
{
    return names[kind];
}

enum feed_kind feed_kind_parse(const char *text)
{
    for (unsigned i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(text, names[i]) == 0)
            return (enum feed_kind)i;
    }
    return (enum feed_kind)0;
}

enum err feed_init(struct feed *feed)
{
    memset(feed, 0, sizeof(*feed));
    feed->ring = calloc(FEED_SIZE, sizeof(*feed->ring));
    feed->next = 1;
    return feed->ring == NULL ? ERR_NOMEM : OK;
}

void feed_done(struct feed *feed)
{
    free(feed->ring);
    feed->ring = NULL;
}

void feed_add(struct feed *feed, const struct feed_event *event)
{
    struct feed_event *slot = &feed->ring[feed->next % FEED_SIZE];
    *slot = *event;
    slot->seq = feed->next++;
    slot->text[FEED_TEXT_MAX - 1] = '\0';
    if (feed->on_new != NULL)
        feed->on_new(feed->ctx);
}

const struct feed_event *feed_after(const struct feed *feed, uint64_t since,
                                    uint64_t *out_lost)
{
    uint64_t first = feed->next > FEED_SIZE ? feed->next - FEED_SIZE : 1;
    uint64_t seq = since + 1;
    *out_lost = 0;
    if (seq < first) {
        *out_lost = first - seq;
        seq = first;
    }
    return seq < feed->next ? &feed->ring[seq % FEED_SIZE] : NULL;
}
