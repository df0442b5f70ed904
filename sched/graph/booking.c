#include "sched/graph/booking.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void booking_init(struct booking *b)
{
    memset(b, 0, sizeof(*b));
}

void booking_done(struct booking *b)
{
    free(b->steps);
    booking_init(b);
}

void booking_clear(struct booking *b)
{
    b->count = 0;
}

/* The first step after `at`. */
static uint32_t after(const struct booking *b, uint64_t at)
{
    uint32_t low = 0;
    uint32_t high = b->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (b->steps[mid].at_us <= at)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint64_t booking_earliest(const struct booking *b, uint64_t ready_us,
                          uint64_t run_us, uint32_t cores, uint32_t memory_mib,
                          uint32_t cores_of, uint32_t memory_mib_of)
{
    uint64_t start = ready_us;
    uint32_t i = after(b, ready_us);
    CHECK(cores <= cores_of && memory_mib <= memory_mib_of);
    if (run_us == 0)
        return start;
    for (i = i > 0 ? i - 1 : 0; i < b->count; i++) {
        const struct booking_step *step = &b->steps[i];
        if (step->at_us >= start && step->at_us - start >= run_us)
            break;
        if (cores_of - step->cores < cores ||
            memory_mib_of - step->memory_mib < memory_mib) {
            CHECK(i + 1 < b->count); /* the last step takes nothing */
            start = b->steps[i + 1].at_us;
        }
    }
    return start;
}

/* A step begins at `at`: which. Room is there. */
static uint32_t cut(struct booking *b, uint64_t at)
{
    uint32_t i = after(b, at);
    struct booking_step step = {at, 0, 0};
    if (i > 0 && b->steps[i - 1].at_us == at)
        return i - 1;
    if (i > 0) {
        step.cores = b->steps[i - 1].cores;
        step.memory_mib = b->steps[i - 1].memory_mib;
    }
    memmove(&b->steps[i + 1], &b->steps[i], (b->count - i) * sizeof(*b->steps));
    b->steps[i] = step;
    b->count++;
    return i;
}

/* A step that takes what the one before takes is none. */
static void join(struct booking *b, uint32_t i)
{
    const struct booking_step nothing = {0};
    const struct booking_step *before = i > 0 ? &b->steps[i - 1] : &nothing;
    if (b->steps[i].cores != before->cores ||
        b->steps[i].memory_mib != before->memory_mib)
        return;
    memmove(&b->steps[i], &b->steps[i + 1],
            (b->count - i - 1) * sizeof(*b->steps));
    b->count--;
}

enum err booking_take(struct booking *b, uint64_t start_us, uint64_t end_us,
                      uint32_t cores, uint32_t memory_mib)
{
    uint32_t first;
    uint32_t last;
    CHECK(start_us <= end_us);
    if (start_us == end_us || (cores == 0 && memory_mib == 0))
        return OK;
    if (b->room - b->count < 4) {
        uint32_t room = b->room == 0 ? 16 : b->room * 2;
        void *grown = realloc(b->steps, room * sizeof(*b->steps));
        if (grown == NULL)
            return ERR_NOMEM;
        b->steps = grown;
        b->room = room;
    }
    first = cut(b, start_us);
    last = cut(b, end_us);
    for (uint32_t i = first; i < last; i++) {
        b->steps[i].cores += cores;
        b->steps[i].memory_mib += memory_mib;
    }
    join(b, last);
    join(b, first);
    return OK;
}

void booking_give(struct booking *b, uint64_t start_us, uint64_t end_us,
                  uint32_t cores, uint32_t memory_mib)
{
    uint32_t first;
    uint32_t last;
    CHECK(start_us <= end_us);
    if (start_us == end_us || (cores == 0 && memory_mib == 0))
        return;
    CHECK(b->room - b->count >= 2); /* booking_take left that */
    first = cut(b, start_us);
    last = cut(b, end_us);
    for (uint32_t i = first; i < last; i++) {
        CHECK(b->steps[i].cores >= cores &&
              b->steps[i].memory_mib >= memory_mib);
        b->steps[i].cores -= cores;
        b->steps[i].memory_mib -= memory_mib;
    }
    join(b, last);
    join(b, first);
}
