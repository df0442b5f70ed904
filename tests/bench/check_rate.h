#ifndef TESTS_BENCH_CHECK_RATE_H
#define TESTS_BENCH_CHECK_RATE_H

/* What one signature check takes on this machine, by processor time: on all
 * cores at once, and now and then beside something else that is measured (then
 * it has the same neighbours). */

#include "base/check.h"
#include "base/sign.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include <sodium.h>

#define CHECK_KEYS    64
#define CHECK_REST_MS 400 /* a probe's, between its looks */

static double clock_ms(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec * 1e-6;
}

struct check_rate {
    pthread_t thread;
    double until_ms;        /* all cores: when to end */
    const atomic_bool *end; /* a probe: the sign to end; else NULL */
    double cpu_ms;          /* that it really had a core */
    uint64_t done;
    struct pubkey keys[CHECK_KEYS];
    struct signature sigs[CHECK_KEYS];
};

static void check_rate_all(struct check_rate *rate)
{
    static const struct hash digest = {{7}};
    for (int i = 0; i < CHECK_KEYS; i++)
        CHECK(sign_verify(&rate->keys[i], &digest, &rate->sigs[i]) == OK);
}

static void check_rate_once(struct check_rate *rate)
{
    if (rate->end != NULL)
        check_rate_all(rate); /* after a rest the caches are another's */
    double from = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    check_rate_all(rate);
    rate->cpu_ms += clock_ms(CLOCK_THREAD_CPUTIME_ID) - from;
    rate->done += CHECK_KEYS;
}

static void *check_rate_main(void *arg)
{
    static const struct timespec rest = {.tv_nsec = CHECK_REST_MS * 1000000L};
    static const struct hash digest = {{7}};
    struct check_rate *rate = arg;
    for (int i = 0; i < CHECK_KEYS; i++) {
        uint8_t secret[64];
        crypto_sign_keypair(rate->keys[i].b, secret);
        crypto_sign_detached(rate->sigs[i].b, NULL, digest.b, HASH_LEN, secret);
    }
    while (rate->end != NULL ? !atomic_load(rate->end)
                             : clock_ms(CLOCK_MONOTONIC) < rate->until_ms) {
        check_rate_once(rate);
        if (rate->end != NULL)
            nanosleep(&rest, NULL);
    }
    return NULL;
}

static void check_rate_start(struct check_rate *rate)
{
    CHECK(pthread_create(&rate->thread, NULL, check_rate_main, rate) == 0);
}

/* Waits for its end: us of processor time for one check. */
static double check_rate_us(struct check_rate *rate)
{
    pthread_join(rate->thread, NULL);
    return rate->done == 0 ? 0 : rate->cpu_ms * 1e3 / (double)rate->done;
}

#endif
