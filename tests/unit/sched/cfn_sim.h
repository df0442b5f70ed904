#ifndef TESTS_UNIT_SCHED_CFN_SIM_H
#define TESTS_UNIT_SCHED_CFN_SIM_H

/* Ingresses that send requests to the instances of one service, by discrete
 * events: what each policy makes of the same arrivals. Instances serve one
 * request at a time, in order of arrival; their service times are exponential.
 * Each is told of through advert.h, and every ingress has a table of its own.
 * Time in us. */

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "sched/cfn/advert.h"
#include "sched/cfn/select.h"

#define SIM_INSTANCES_MAX 64u
#define SIM_INGRESSES_MAX 16u

enum sim_policy {
    SIM_RANDOM,
    SIM_ROUND_ROBIN,
    SIM_TWO_TOLD,   /* the better of two, as they were told of */
    SIM_TWO,        /* the better of two, with the wait */
    SIM_SCORE_TOLD, /* the best of all, as they were told of */
    SIM_SCORE,      /* select_instance */
};

struct sim_world {
    uint32_t instances;
    uint32_t ingresses;
    uint32_t requests;
    uint32_t load_permille; /* of all instances, as they begin */
    uint32_t period_ms;     /* at most one telling in it */
    uint32_t service_us[SIM_INSTANCES_MAX];
    uint32_t rtt_us;
    uint32_t slow_from; /* this request: instance 0 becomes slow_times slower */
    uint32_t slow_times;
    enum sim_policy policy;
    bool loads_only; /* instances do not tell how many requests are there */
    uint32_t peers;  /* 0: as many as there are ingresses */
    uint64_t seed;
};

struct sim_result {
    double mean_us;
    uint32_t p50_us;
    uint32_t p99_us;
    uint32_t updates;
    uint64_t told_at_us; /* first telling of instance 0 after a period of being
                            slow */
    /* Requests begun after that, in all and at instance 0. */
    uint32_t after;
    uint32_t after_slow;
};

enum sim_kind { SIM_ARRIVE, SIM_REACH, SIM_LEAVE, SIM_END, SIM_TELL };

struct sim_event {
    uint64_t at_us;
    uint64_t order;
    enum sim_kind kind;
    uint32_t ingress;
    uint32_t instance;
    uint64_t began_us;
};

struct sim_machine {
    struct advert advert;
    uint64_t free_us;
    uint64_t busy_us; /* in this tick */
    uint32_t queue;
    double service_us; /* as measured */
    double load;
};

struct sim {
    struct sim_world world;
    struct sim_result result;
    struct dice dice;
    struct sim_event *heap;
    uint32_t heap_count;
    uint64_t order;
    uint32_t *latency;
    uint32_t done;
    uint32_t begun;
    uint64_t now_us;
    uint64_t slow_ms; /* when instance 0 became slow */
    struct sim_machine machines[SIM_INSTANCES_MAX];
    struct service_table tables[SIM_INGRESSES_MAX];
    struct select_rules rules[SIM_INGRESSES_MAX];
    uint32_t turn[SIM_INGRESSES_MAX];
};

static const struct service_id sim_service = {{7}};

static bool sim_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void sim_push(struct sim *s, uint64_t at_us, enum sim_kind kind,
                     uint32_t ingress, uint32_t instance, uint64_t began_us)
{
    uint32_t i = s->heap_count++;
    struct sim_event e = {at_us, s->order++, kind, ingress, instance, began_us};
    while (i > 0 && sim_before(&e, &s->heap[(i - 1) / 2])) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = e;
}

static struct sim_event sim_pop(struct sim *s)
{
    struct sim_event first = s->heap[0];
    struct sim_event e = s->heap[--s->heap_count];
    uint32_t i = 0;
    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c + 1 < s->heap_count && sim_before(&s->heap[c + 1], &s->heap[c]))
            c++;
        if (c >= s->heap_count || !sim_before(&s->heap[c], &e))
            break;
        s->heap[i] = s->heap[c];
        i = c;
    }
    s->heap[i] = e;
    return first;
}

static double sim_exponential(struct sim *s, double mean)
{
    double u = (double)((dice_next(&s->dice) >> 11) + 1) / 9007199254740993.0;
    return -mean * log(u);
}

static uint64_t sim_ms(const struct sim *s)
{
    return 1 + s->now_us / 1000;
}

static uint32_t sim_service_us(const struct sim *s, uint32_t instance)
{
    uint32_t us = s->world.service_us[instance];
    bool slow = instance == 0 && s->world.slow_times > 0 &&
                s->begun >= s->world.slow_from;
    return slow ? us * s->world.slow_times : us;
}

static double sim_gap_us(const struct sim *s)
{
    double rate = 0;
    for (uint32_t i = 0; i < s->world.instances; i++)
        rate += 1.0 / s->world.service_us[i];
    return 1000 / (rate * s->world.load_permille) * s->world.ingresses;
}

/* ---- telling ---- */

static void sim_tell(struct sim *s, uint32_t i)
{
    struct sim_machine *m = &s->machines[i];
    struct service_update update;
    struct metrics metrics = {0};
    double tick_us = s->world.period_ms * 1000.0;
    m->load = (m->load + fmin(1, (double)m->busy_us / tick_us)) / 2;
    m->busy_us = 0;
    metrics.of[METRIC_SERVICE] =
        (struct metric){(uint32_t)m->service_us + 1, METRIC_MEASURED};
    metrics.of[METRIC_LOAD] =
        (struct metric){(uint32_t)(1000 * m->load), METRIC_MEASURED};
    if (!s->world.loads_only)
        metrics.of[METRIC_QUEUE] = (struct metric){m->queue, METRIC_MEASURED};
    metrics.of[METRIC_SLOTS] = (struct metric){1, METRIC_MEASURED};
    if (!advert_step(&m->advert, &metrics, sim_ms(s), &update))
        return;
    s->result.updates++;
    if (i == 0 && s->world.slow_times > 0 && s->result.told_at_us == 0 &&
        s->slow_ms > 0 && sim_ms(s) > s->slow_ms + s->world.period_ms)
        s->result.told_at_us = s->now_us;
    for (uint32_t k = 0; k < s->world.ingresses; k++) {
        CHECK(service_hear(&s->tables[k], &update, sim_ms(s)) == OK);
        CHECK(service_set_rtt(&s->tables[k], &update.egress, s->world.rtt_us,
                              UINT64_MAX, sim_ms(s)) == OK);
    }
}

static void sim_begin_machine(struct sim *s, uint32_t i)
{
    struct advert_rules rules = {0, 30000, 90000};
    struct service_update names = {.service = sim_service};
    names.instance.b[0] = (uint8_t)i;
    names.egress.b[0] = (uint8_t)(i + 1);
    s->machines[i] = (struct sim_machine){
        .service_us = s->world.service_us[i],
        .load = s->world.load_permille / 1000.0,
        .busy_us = s->world.period_ms * (uint64_t)s->world.load_permille};
    CHECK(advert_init(&s->machines[i].advert, &rules, &names, 1) == OK);
    sim_tell(s, i);
    /* They do not tell in step. */
    sim_push(s, dice_below(&s->dice, s->world.period_ms * UINT64_C(1000)),
             SIM_TELL, 0, i, 0);
}

/* ---- choosing ---- */

static uint32_t sim_judged(struct sim *s, uint32_t k, uint32_t count, bool told)
{
    const struct service *service = service_find(&s->tables[k], &sim_service);
    uint32_t first = (uint32_t)dice_below(&s->dice, service->count);
    uint32_t step = 1 + (uint32_t)dice_below(&s->dice, service->count - 1);
    struct select_cost best;
    uint32_t best_at = UINT32_MAX;
    for (uint32_t c = 0; c < count; c++) {
        uint32_t at = (first + c * (count == 2 ? step : 1)) % service->count;
        struct select_cost cost;
        struct service_instance i = *service_at(&s->tables[k], service, at);
        if (told)
            i.live = i.live_when_told = 0;
        CHECK(select_judge(&s->tables[k], &i, &s->rules[k], sim_ms(s), &cost) ==
              SELECT_FITS);
        if (best_at == UINT32_MAX || select_compare(&cost, &best) < 0) {
            best = cost;
            best_at = at;
        }
    }
    return best_at;
}

static const struct service_instance *sim_choose(struct sim *s, uint32_t k)
{
    const struct service *service = service_find(&s->tables[k], &sim_service);
    struct select_choice choice;
    uint32_t at = 0;
    switch (s->world.policy) {
    case SIM_RANDOM:
        at = (uint32_t)dice_below(&s->dice, service->count);
        break;
    case SIM_ROUND_ROBIN:
        at = s->turn[k]++ % service->count;
        break;
    case SIM_TWO_TOLD:
        at = sim_judged(s, k, 2, true);
        break;
    case SIM_TWO:
        at = sim_judged(s, k, 2, false);
        break;
    case SIM_SCORE_TOLD:
        at = sim_judged(s, k, service->count, true);
        break;
    case SIM_SCORE:
        CHECK(select_instance(&s->tables[k], &sim_service, &s->rules[k],
                              dice_next(&s->dice), sim_ms(s), &s->dice,
                              &choice) == OK);
        return choice.instance;
    }
    return service_at(&s->tables[k], service, at);
}

/* ---- events ---- */

static void sim_arrive(struct sim *s, uint32_t k)
{
    const struct service_instance *i = sim_choose(s, k);
    uint32_t at = i->told.instance.b[0];
    service_begin(&s->tables[k], service_ref(&s->tables[k], i));
    s->begun++;
    if (s->begun == s->world.slow_from)
        s->slow_ms = sim_ms(s);
    if (s->result.told_at_us > 0) {
        s->result.after++;
        s->result.after_slow += at == 0;
    }
    sim_push(s, s->now_us + s->world.rtt_us / 2, SIM_REACH, k, at, s->now_us);
    if (s->begun + s->world.ingresses <= s->world.requests)
        sim_push(s, s->now_us + (uint64_t)sim_exponential(s, sim_gap_us(s)),
                 SIM_ARRIVE, k, 0, 0);
}

static void sim_reach(struct sim *s, const struct sim_event *e)
{
    struct sim_machine *m = &s->machines[e->instance];
    double us = sim_exponential(s, sim_service_us(s, e->instance));
    uint64_t start = m->free_us > s->now_us ? m->free_us : s->now_us;
    m->free_us = start + (uint64_t)us;
    m->queue++;
    sim_push(s, m->free_us, SIM_LEAVE, (uint32_t)us, e->instance, start);
    sim_push(s, m->free_us + s->world.rtt_us / 2, SIM_END, e->ingress,
             e->instance, e->began_us);
}

/* The ingress of the event is the time it took. */
static void sim_leave(struct sim *s, const struct sim_event *e)
{
    struct sim_machine *m = &s->machines[e->instance];
    m->queue--;
    m->busy_us += e->ingress;
    m->service_us += (e->ingress - m->service_us) / 32;
}

static void sim_end(struct sim *s, const struct sim_event *e)
{
    const struct service_table *t = &s->tables[e->ingress];
    const struct service *service = service_find(t, &sim_service);
    for (uint32_t i = 0; i < service->count; i++) {
        const struct service_instance *x = service_at(t, service, i);
        if (x->told.instance.b[0] == e->instance)
            service_end(&s->tables[e->ingress], service_ref(t, x));
    }
    s->latency[s->done++] = (uint32_t)(s->now_us - e->began_us);
}

static void sim_step(struct sim *s, const struct sim_event *e)
{
    s->now_us = e->at_us;
    switch (e->kind) {
    case SIM_ARRIVE:
        sim_arrive(s, e->ingress);
        break;
    case SIM_REACH:
        sim_reach(s, e);
        break;
    case SIM_LEAVE:
        sim_leave(s, e);
        break;
    case SIM_END:
        sim_end(s, e);
        break;
    case SIM_TELL:
        sim_tell(s, e->instance);
        if (s->begun + s->world.ingresses <= s->world.requests)
            sim_push(s, s->now_us + s->world.period_ms * UINT64_C(1000),
                     SIM_TELL, 0, e->instance, 0);
        break;
    }
}

static int sim_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void sim_count(struct sim *s)
{
    double sum = 0;
    for (uint32_t i = 0; i < s->done; i++)
        sum += s->latency[i];
    qsort(s->latency, s->done, sizeof(*s->latency), sim_compare);
    s->result.mean_us = sum / s->done;
    s->result.p50_us = s->latency[s->done / 2];
    s->result.p99_us = s->latency[(uint64_t)s->done * 99 / 100];
}

static struct sim_result sim_run(const struct sim_world *world)
{
    struct service_limits limits = {4, SIM_INSTANCES_MAX, SIM_INSTANCES_MAX, 4};
    struct sim *s = calloc(1, sizeof(*s));
    struct sim_result result;
    CHECK(s != NULL && world->instances >= 2);
    s->world = *world;
    dice_init(&s->dice, world->seed);
    s->heap = malloc((4 * world->requests + 256u) * sizeof(*s->heap));
    s->latency = malloc((world->requests + 256u) * sizeof(*s->latency));
    CHECK(s->heap != NULL && s->latency != NULL);
    for (uint32_t k = 0; k < world->ingresses; k++) {
        uint8_t key[SHORT_HASH_KEY_LEN] = {(uint8_t)(k + 1)};
        CHECK(service_table_init(&s->tables[k], &limits, key) == OK);
        select_rules_init(&s->rules[k], key);
        s->rules[k].peers = world->peers > 0 ? world->peers : world->ingresses;
        s->turn[k] = k;
        sim_push(s, dice_below(&s->dice, 1000), SIM_ARRIVE, k, 0, 0);
    }
    for (uint32_t i = 0; i < world->instances; i++)
        sim_begin_machine(s, i);
    while (s->heap_count > 0) {
        struct sim_event e = sim_pop(s);
        sim_step(s, &e);
    }
    sim_count(s);
    result = s->result;
    for (uint32_t k = 0; k < world->ingresses; k++)
        service_table_done(&s->tables[k]);
    free(s->heap);
    free(s->latency);
    free(s);
    return result;
}

#endif
