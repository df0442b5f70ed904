#define _GNU_SOURCE
#include "node/meter/team.h"

#include "base/check.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <time.h>

__extension__ typedef unsigned __int128 wide;

struct member {
    pthread_t thread;
    pthread_barrier_t *start;
    team_fn fn;
    void *ctx;
    unsigned index;
    unsigned cpu;
    uint64_t ns;
};

static uint64_t ns_of(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return ns_of(CLOCK_MONOTONIC);
}

uint64_t per_second(uint64_t work, uint64_t ns)
{
    wide rate = (wide)work * 1000000000u / (ns > 0 ? ns : 1);
    return rate > UINT64_MAX ? UINT64_MAX : (uint64_t)rate;
}

enum err cpus_allowed(struct cpus *out)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    out->count = 0;
    if (sched_getaffinity(0, sizeof(set), &set) != 0)
        return ERR_UNSUPPORTED;
    for (unsigned i = 0; i < CPU_SETSIZE && out->count < METER_CPUS_MAX; i++) {
        if (CPU_ISSET(i, &set))
            out->id[out->count++] = i;
    }
    return out->count > 0 ? OK : ERR_UNSUPPORTED;
}

/* A processor that is gone by now is no reason to stop: it runs elsewhere. */
static void pin(unsigned cpu)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

static void *member_main(void *arg)
{
    struct member *member = arg;
    uint64_t began;
    pin(member->cpu);
    (void)pthread_barrier_wait(member->start);
    began = ns_of(CLOCK_THREAD_CPUTIME_ID);
    member->fn(member->ctx, member->index);
    member->ns = ns_of(CLOCK_THREAD_CPUTIME_ID) - began;
    return NULL;
}

enum err team_run(const struct cpus *cpus, unsigned threads, team_fn fn,
                  void *ctx, uint64_t *out_ns)
{
    static struct member members[METER_CPUS_MAX];
    pthread_barrier_t start;
    unsigned made = 0;
    CHECK(threads >= 1 && threads <= cpus->count);
    /* Whoever makes them waits at the barrier, too: if one cannot be made the
     * others must not wait for ever, so the program ends. */
    if (pthread_barrier_init(&start, NULL, threads + 1) != 0)
        return ERR_NOMEM;
    for (; made < threads; made++) {
        members[made] = (struct member){.start = &start,
                                        .fn = fn,
                                        .ctx = ctx,
                                        .index = made,
                                        .cpu = cpus->id[made]};
        if (pthread_create(&members[made].thread, NULL, member_main,
                           &members[made]) != 0)
            return ERR_NOMEM;
    }
    (void)pthread_barrier_wait(&start);
    for (unsigned i = 0; i < threads; i++) {
        CHECK(pthread_join(members[i].thread, NULL) == 0);
        out_ns[i] = members[i].ns;
    }
    pthread_barrier_destroy(&start);
    return OK;
}

enum err team_rate(const struct cpus *cpus, unsigned threads, team_fn fn,
                   void *ctx, uint64_t work, uint64_t *out_rate)
{
    static uint64_t ns[METER_CPUS_MAX];
    uint64_t rate = 0;
    TRY(team_run(cpus, threads, fn, ctx, ns));
    for (unsigned i = 0; i < threads; i++) {
        if (__builtin_add_overflow(rate, per_second(work, ns[i]), &rate))
            rate = UINT64_MAX;
    }
    *out_rate = rate;
    return OK;
}
