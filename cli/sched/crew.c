#include "cli/sched/crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/check.h"

#define THREADS_MAX 64u

struct crew {
    void (*work)(void *arg, uint32_t i);
    void *arg;
    uint32_t count;
    atomic_uint next;
};

static void *take_numbers(void *context)
{
    struct crew *crew = context;
    uint32_t i;
    while ((i = atomic_fetch_add(&crew->next, 1)) < crew->count)
        crew->work(crew->arg, i);
    return NULL;
}

void crew_each(uint32_t threads, uint32_t count,
               void (*work)(void *arg, uint32_t i), void *arg)
{
    struct crew crew = {.work = work, .arg = arg, .count = count};
    pthread_t others[THREADS_MAX];
    uint32_t hired = 0;
    CHECK(work != NULL && count <= UINT32_MAX / 2);
    atomic_init(&crew.next, 0);
    while (hired + 1 < threads && hired + 1 < count && hired < THREADS_MAX &&
           pthread_create(&others[hired], NULL, take_numbers, &crew) == 0)
        hired++;
    (void)take_numbers(&crew);
    while (hired > 0)
        CHECK(pthread_join(others[--hired], NULL) == 0);
}

uint32_t crew_size(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    if (count < 1)
        return 1;
    return count < (long)THREADS_MAX ? (uint32_t)count : THREADS_MAX;
}
