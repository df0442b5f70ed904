#include "cli/sched/cputime.h"

#include "base/check.h"

#include <time.h>

uint64_t cputime_ns(void)
{
    struct timespec now = {0};
    CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
