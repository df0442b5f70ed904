#include "sched/balance.h"

#include <stdlib.h>

#include "base/check.h"

#define MILLION 1000000u

void balance_init(struct balance *balance, struct balance_load *loads,
                  uint32_t cap)
{
    CHECK(loads != NULL || cap == 0);
    *balance = (struct balance){.loads = loads, .cap = cap};
}

void balance_add(struct balance *balance, uint32_t load)
{
    CHECK(balance->count < balance->cap && load <= MILLION);
    balance->loads[balance->count++] = (struct balance_load){.load = load};
    balance->sum += load;
}

static int by_load(const void *a, const void *b)
{
    const struct balance_load *x = a;
    const struct balance_load *y = b;
    return (x->load > y->load) - (x->load < y->load);
}

void balance_ready(struct balance *balance)
{
    uint64_t before = 0;
    if (balance->count > 1)
        qsort(balance->loads, balance->count, sizeof(*balance->loads), by_load);
    for (uint32_t i = 0; i < balance->count; i++) {
        balance->loads[i].before = before;
        before += balance->loads[i].load;
    }
}

/* How many loads are at most `limit`. */
static uint32_t loads_to(const struct balance *b, uint64_t limit)
{
    uint32_t low = 0;
    uint32_t high = b->count;
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (b->loads[mid].load <= limit)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint64_t distance(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

/* The sum over all of |n x load - sum of loads| is n^2 times the deviation. */
uint64_t balance_moved(const struct balance *balance, uint32_t before,
                       uint32_t after)
{
    uint64_t n = balance->count;
    uint64_t sum = balance->sum - before + after;
    uint64_t lows;
    uint64_t low_sum;
    uint64_t low_part;
    uint64_t high_part;
    CHECK(n > 0);
    lows = loads_to(balance, sum / n);
    low_sum = lows < n ? balance->loads[lows].before : balance->sum;
    low_part = lows * sum - n * low_sum;
    high_part = n * (balance->sum - low_sum) - (n - lows) * sum;
    return (low_part + high_part - distance(n * before, sum) +
            distance(n * after, sum)) /
           n;
}
