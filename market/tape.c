#include "market/tape.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "market/book/book_device.h"

#define TIME_MAX (UINT64_C(1) << 53)
/* Offers are renewed before they lapse. */
#define RENEW_MS (OFFER_TTL_MAX_MS / 2)
#define NOTES    64u

void tape_init(struct tape *tape)
{
    *tape = (struct tape){.events = NULL};
}

void tape_done(struct tape *tape)
{
    free(tape->events);
    free(tape->offers);
    free(tape->requests);
    free(tape->providers);
    tape_init(tape);
}

/* ---- recording ---- */

/* Room for one more of `size` bytes. */
static enum err grow(void **list, uint32_t count, uint32_t *cap, size_t size)
{
    uint32_t more = *cap < 16 ? 16 : *cap * 2;
    void *bigger;
    if (count < *cap)
        return OK;
    bigger = realloc(*list, more * size);
    if (bigger == NULL)
        return ERR_NOMEM;
    *list = bigger;
    *cap = more;
    return OK;
}

static enum err add_event(struct tape *tape, uint64_t at_ms,
                          enum tape_kind kind, uint32_t index)
{
    void *list = tape->events;
    enum err err =
        grow(&list, tape->event_count, &tape->event_cap, sizeof(*tape->events));
    tape->events = list;
    if (err == OK)
        tape->events[tape->event_count++] =
            (struct tape_event){.at_ms = at_ms, .kind = kind, .index = index};
    return err;
}

static enum err check_time(const struct tape *tape, uint64_t at_ms)
{
    if (at_ms > TIME_MAX || (tape->event_count > 0 &&
                             at_ms < tape->events[tape->event_count - 1].at_ms))
        return ERR_RANGE;
    return OK;
}

/* Its number; provider_count when it was never there. */
static uint32_t provider_of(const struct tape *tape, const struct pubkey *key)
{
    uint32_t i = 0;
    while (i < tape->provider_count && !pubkey_equal(&tape->providers[i], key))
        i++;
    return i;
}

static enum err add_provider(struct tape *tape, const struct pubkey *key,
                             uint32_t *out)
{
    *out = provider_of(tape, key);
    if (*out < tape->provider_count)
        return OK;
    if (tape->provider_count == TAPE_PROVIDERS_MAX)
        return ERR_TOO_LARGE;
    if (tape->providers == NULL) {
        tape->providers = calloc(TAPE_PROVIDERS_MAX, sizeof(*tape->providers));
        if (tape->providers == NULL)
            return ERR_NOMEM;
    }
    tape->providers[tape->provider_count++] = *key;
    return OK;
}

enum err tape_add_offer(struct tape *tape, uint64_t at_ms,
                        const struct offer *offer, uint64_t rtt_us)
{
    struct tape_offer line = {.offer = *offer, .rtt_us = rtt_us};
    void *list = tape->offers;
    enum err err;
    TRY(check_time(tape, at_ms));
    TRY(offer_form(offer));
    if (tape->offer_count == TAPE_OFFERS_MAX)
        return ERR_TOO_LARGE;
    TRY(add_provider(tape, &offer->provider, &line.provider));
    err =
        grow(&list, tape->offer_count, &tape->offer_cap, sizeof(*tape->offers));
    tape->offers = list;
    TRY(err);
    TRY(add_event(tape, at_ms, TAPE_OFFER, tape->offer_count));
    tape->offers[tape->offer_count++] = line;
    return OK;
}

enum err tape_add_gone(struct tape *tape, uint64_t at_ms,
                       const struct pubkey *provider)
{
    uint32_t index = provider_of(tape, provider);
    TRY(check_time(tape, at_ms));
    if (index == tape->provider_count)
        return ERR_RANGE;
    return add_event(tape, at_ms, TAPE_GONE, index);
}

enum err tape_add_request(struct tape *tape, uint64_t at_ms,
                          const struct request *request, uint64_t run_ms)
{
    void *list = tape->requests;
    enum err err;
    TRY(check_time(tape, at_ms));
    TRY(request_form(request));
    if (tape->request_count == TAPE_REQUESTS_MAX)
        return ERR_TOO_LARGE;
    err = grow(&list, tape->request_count, &tape->request_cap,
               sizeof(*tape->requests));
    tape->requests = list;
    TRY(err);
    TRY(add_event(tape, at_ms, TAPE_REQUEST, tape->request_count));
    tape->requests[tape->request_count++] = (struct tape_request){
        .request = *request, .at_ms = at_ms, .run_ms = run_ms};
    return OK;
}

void tape_ran(struct tape *tape, uint32_t request, uint64_t run_ms)
{
    CHECK(request < tape->request_count);
    tape->requests[request].run_ms = run_ms;
}

/* ---- playing ---- */

struct seller {
    uint32_t offer; /* the newest; UINT32_MAX: none, or gone */
    uint32_t slots; /* the most it ever said */
    uint64_t version;
    uint64_t put_ms;
    struct resources used;
    struct book_gear gear; /* its devices, those that run reserved */
    uint64_t gear_age;     /* of its devices: older tasks had others */
    uint32_t running;
    uint64_t given;
};

/* Tasks that run, soonest end first: a heap. */
struct run {
    uint64_t end_ms;
    uint64_t seq;
    uint32_t seller;
    uint32_t tasks;
    struct resources each;
    uint32_t request;
    uint64_t gear_age;
    uint16_t taken[MACHINE_DEVICES_MAX];
};

struct play {
    const struct tape *tape;
    const struct tape_policy *policy;
    struct book *book;
    struct arena arena;
    struct seller *sellers;
    struct request *requests; /* as they are asked, by number */
    struct run *runs;
    uint32_t run_count;
    uint32_t run_cap;
    uint64_t seq;
    uint64_t now_ms;
    struct tape_result *out;
};

static bool sooner(const struct run *a, const struct run *b)
{
    return a->end_ms != b->end_ms ? a->end_ms < b->end_ms : a->seq < b->seq;
}

static enum err runs_add(struct play *p, const struct run *run)
{
    void *list = p->runs;
    enum err err = grow(&list, p->run_count, &p->run_cap, sizeof(*p->runs));
    uint32_t i = p->run_count;
    p->runs = list;
    TRY(err);
    p->run_count++;
    for (; i > 0 && sooner(run, &p->runs[(i - 1) / 2]); i = (i - 1) / 2)
        p->runs[i] = p->runs[(i - 1) / 2];
    p->runs[i] = *run;
    return OK;
}

static struct run runs_take(struct play *p)
{
    struct run first = p->runs[0];
    struct run last = p->runs[--p->run_count];
    uint32_t i = 0;
    for (uint32_t child = 1; child < p->run_count; child = 2 * i + 1) {
        if (child + 1 < p->run_count &&
            sooner(&p->runs[child + 1], &p->runs[child]))
            child++;
        if (!sooner(&p->runs[child], &last))
            break;
        p->runs[i] = p->runs[child];
        i = child;
    }
    p->runs[i] = last;
    return first;
}

/* Tells the book what the seller has now. */
static enum err put(struct play *p, uint32_t index)
{
    struct seller *seller = &p->sellers[index];
    struct offer offer;
    if (seller->offer == UINT32_MAX)
        return OK;
    offer = p->tape->offers[seller->offer].offer;
    offer.version = ++seller->version;
    offer.ttl_ms = OFFER_TTL_MAX_MS;
    offer.slots_free =
        seller->slots > seller->running ? seller->slots - seller->running : 0;
    if (resources_sub(&offer.total, &seller->used, &offer.free) != OK)
        offer.free = (struct resources){0}; /* it shrank meanwhile */
    book_gear_view(&seller->gear, &offer.devices);
    seller->put_ms = p->now_ms;
    TRY(book_offer_put(p->book, &offer, p->now_ms, 0));
    if (p->tape->offers[seller->offer].rtt_us == 0)
        return OK;
    return book_rtt_set(p->book, &offer.provider,
                        p->tape->offers[seller->offer].rtt_us, p->now_ms);
}

static enum err renew(struct play *p)
{
    for (uint32_t i = 0; i < p->tape->provider_count; i++) {
        if (p->now_ms - p->sellers[i].put_ms >= RENEW_MS)
            TRY(put(p, i));
    }
    return OK;
}

/* ---- devices ---- */

/* What the offer has, all of it free; what runs keeps its part while they are
 * the same devices. */
static void set_gear(struct seller *seller, const struct offer *offer)
{
    if (seller->gear_age > 0 &&
        devices_same(&seller->gear.devices, &offer->devices))
        return;
    book_gear_fill(offer, &seller->gear);
    devices_all_free(&seller->gear.devices);
    seller->gear_age++;
}

static void take_devices(const struct play *p, struct seller *seller,
                         struct run *run)
{
    const struct device_wish *wish = &p->requests[run->request].devices;
    struct devices_verdict verdict;
    struct devices view;
    run->gear_age = seller->gear_age;
    if (wish->count == 0)
        return;
    book_gear_view(&seller->gear, &view);
    devices_check(&view, wish, &verdict);
    CHECK(verdict.reason == REASON_NONE); /* the book has seen the same */
    book_gear_take(&seller->gear, wish, verdict.group, run->tasks, run->taken);
}

static void give_devices(const struct play *p, struct seller *seller,
                         struct run *run)
{
    const struct device_wish *wish = &p->requests[run->request].devices;
    if (wish->count > 0 && run->gear_age == seller->gear_age)
        book_gear_give(&seller->gear, wish, run->tasks, run->taken);
}

static enum err end_runs(struct play *p)
{
    while (p->run_count > 0 && p->runs[0].end_ms <= p->now_ms) {
        struct run run = runs_take(p);
        struct seller *seller = &p->sellers[run.seller];
        struct resources part;
        CHECK(resources_mul(&run.each, run.tasks, &part) == OK);
        CHECK(resources_sub(&seller->used, &part, &seller->used) == OK);
        give_devices(p, seller, &run);
        seller->running -= run.tasks;
        TRY(put(p, run.seller));
    }
    return OK;
}

/* ---- requests ---- */

static struct hash request_name(uint32_t index)
{
    struct hash id = {{0}};
    for (unsigned i = 0; i < 4; i++)
        id.b[i] = (uint8_t)(index >> 8 * i);
    id.b[4] = 1;
    return id;
}

static uint32_t request_number(const struct hash *id)
{
    return (uint32_t)id->b[0] | (uint32_t)id->b[1] << 8 |
           (uint32_t)id->b[2] << 16 | (uint32_t)id->b[3] << 24;
}

/* Under the policy that is asked for, with its copies. A tape does not tell how
 * contracts ended, so no availability is kept to: the copies that one took are
 * played where it was asked for. */
static enum err dress(const struct play *p, struct request *request)
{
    uint32_t had = policy_copies(&request->terms);
    uint32_t copies;
    request->terms.down_ppb = 0;
    if (p->policy == NULL)
        return OK;
    request->policy = p->policy->policy;
    request->terms = p->policy->terms;
    request->terms.down_ppb = 0;
    copies = policy_copies(&request->terms);
    if (request->tasks / had > LIMIT_TASKS / copies)
        return ERR_RANGE;
    request->tasks = request->tasks / had * copies;
    return OK;
}

static enum err ask(struct play *p, uint32_t index)
{
    struct request *request = &p->requests[index];
    struct hash id = request_name(index);
    *request = p->tape->requests[index].request;
    TRY(dress(p, request));
    p->out->tasks += request->tasks;
    enum err err = book_request_add(
        p->book, &id, request, request->tasks,
        request->expires_at_ms - request->created_at_ms, p->now_ms);
    if (err != ERR_BOOK_FULL)
        return err;
    p->out->refused += request->tasks;
    return OK;
}

static uint64_t run_time(const struct play *p, uint32_t index)
{
    uint64_t run_ms = p->tape->requests[index].run_ms;
    uint64_t limit = p->requests[index].time_ms_max;
    return run_ms > 0 && run_ms < limit ? run_ms : limit;
}

static void count_place(struct play *p, uint32_t index,
                        const struct book_placement *place,
                        const struct grade *grade)
{
    struct tape_result *out = p->out;
    uint64_t tasks = place->tasks;
    uint64_t wait = p->now_ms - p->tape->requests[index].at_ms;
    uint64_t speed = 0;
    struct amount bill;
    out->placed += tasks;
    out->hour_sum += tasks * amount_figure(place->hour);
    if (price_for_time(place->hour, run_time(p, index), &bill) == OK)
        out->bill_sum += tasks * amount_figure(bill);
    if (place->rtt_us > 0) {
        out->rtt_sum += tasks * place->rtt_us;
        out->rtt_known += tasks;
    }
    if (figure_speed(grade, p->requests[index].terms.speed, &speed)) {
        if (p->requests[index].terms.speed != SPEED_MEAN)
            speed = grade_log2_q16(speed);
        out->speed_sum += tasks * speed;
        out->speed_known += tasks;
    }
    out->wait_sum_ms += tasks * wait;
    if (wait > out->wait_max_ms)
        out->wait_max_ms = wait;
}

static enum err start(struct play *p, uint32_t index,
                      const struct book_placement *place)
{
    uint32_t s = provider_of(p->tape, &place->provider);
    struct seller *seller = &p->sellers[s];
    struct run run = {.end_ms = p->now_ms + run_time(p, index),
                      .seq = p->seq++,
                      .seller = s,
                      .tasks = place->tasks,
                      .each = p->requests[index].resources,
                      .request = index};
    struct resources part;
    CHECK(s < p->tape->provider_count && seller->offer != UINT32_MAX);
    TRY(resources_mul(&run.each, run.tasks, &part));
    TRY(resources_add(&seller->used, &part, &seller->used));
    take_devices(p, seller, &run);
    seller->running += run.tasks;
    seller->given += run.tasks;
    count_place(p, index, place, &p->tape->offers[seller->offer].offer.grade);
    TRY(runs_add(p, &run));
    return put(p, s);
}

static enum err match(struct play *p, const struct book_note *note)
{
    uint32_t index = request_number(&note->id);
    struct book_result result;
    arena_reset(&p->arena);
    TRY(book_match(p->book, &note->id, note->waiting, 0, p->now_ms, &p->arena,
                   &result));
    p->out->gangs_waiting += result.gang_waits;
    for (uint32_t i = 0; i < result.count; i++) {
        if (result.placements[i].tasks > 0)
            TRY(start(p, index, &result.placements[i]));
    }
    if (result.unplaced == 0)
        (void)book_request_remove(p->book, &note->id, p->now_ms);
    return OK;
}

static enum err tick(struct play *p)
{
    struct book_note notes[NOTES];
    uint32_t count;
    do {
        count = book_tick(p->book, p->now_ms, notes, NOTES);
        for (uint32_t i = 0; i < count; i++) {
            if (notes[i].kind == BOOK_EXPIRED)
                p->out->refused += notes[i].waiting;
            else
                TRY(match(p, &notes[i]));
        }
    } while (count == NOTES);
    return OK;
}

/* ---- the whole ---- */

static enum err happen(struct play *p, const struct tape_event *event)
{
    const struct tape_offer *told;
    struct seller *seller;
    switch (event->kind) {
    case TAPE_OFFER:
        told = &p->tape->offers[event->index];
        seller = &p->sellers[told->provider];
        seller->offer = event->index;
        set_gear(seller, &told->offer);
        return put(p, told->provider);
    case TAPE_GONE:
        p->sellers[event->index].offer = UINT32_MAX;
        (void)book_offer_drop(p->book, &p->tape->providers[event->index],
                              p->now_ms);
        return OK;
    case TAPE_REQUEST:
        return ask(p, event->index);
    }
    return OK;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* When something happens next; BOOK_FOREVER: nothing does. What is left then
 * waits for nothing. */
static uint64_t next_ms(const struct play *p, uint32_t event)
{
    uint64_t next = BOOK_FOREVER;
    if (event < p->tape->event_count)
        next = p->tape->events[event].at_ms;
    if (p->run_count > 0)
        next = least(next, p->runs[0].end_ms);
    if (book_request_count(p->book) > 0) {
        uint64_t book = book_next_ms(p->book);
        next = least(next, book > p->now_ms ? book : p->now_ms);
    }
    return next;
}

static enum err play_all(struct play *p)
{
    uint32_t event = 0;
    uint64_t next;
    while ((next = next_ms(p, event)) != BOOK_FOREVER) {
        p->now_ms = next > p->now_ms ? next : p->now_ms + 1;
        TRY(end_runs(p));
        while (event < p->tape->event_count &&
               p->tape->events[event].at_ms <= p->now_ms)
            TRY(happen(p, &p->tape->events[event++]));
        TRY(renew(p));
        TRY(tick(p));
    }
    return OK;
}

static void add_up(struct play *p)
{
    p->out->providers = p->tape->provider_count;
    for (uint32_t i = 0; i < p->tape->provider_count; i++) {
        uint64_t given = p->sellers[i].given;
        p->out->used += given > 0;
        p->out->squares += given * given;
    }
    CHECK(p->out->placed + p->out->refused == p->out->tasks);
}

static enum err play_init(struct play *p, uint64_t seed)
{
    const struct tape *tape = p->tape;
    struct book_config config = {.offers_max = TAPE_PROVIDERS_MAX};
    for (unsigned i = 0; i < 8; i++)
        config.key[i] = (uint8_t)(seed >> 8 * i);
    arena_init(&p->arena, 64u << 20);
    p->sellers = calloc((size_t)tape->provider_count + 1, sizeof(*p->sellers));
    p->requests = calloc((size_t)tape->request_count + 1, sizeof(*p->requests));
    if (p->sellers == NULL || p->requests == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < tape->provider_count; i++)
        p->sellers[i].offer = UINT32_MAX;
    for (uint32_t i = 0; i < tape->offer_count; i++) {
        struct seller *seller = &p->sellers[tape->offers[i].provider];
        if (tape->offers[i].offer.slots_free > seller->slots)
            seller->slots = tape->offers[i].offer.slots_free;
    }
    if (tape->event_count > 0 && tape->events[0].at_ms > 0)
        p->now_ms = tape->events[0].at_ms - 1;
    return book_new(&config, &p->book);
}

enum err tape_play(const struct tape *tape, const struct tape_policy *policy,
                   uint64_t seed, struct tape_result *out)
{
    struct tape_result result = {0};
    struct play p = {.tape = tape, .policy = policy, .out = &result};
    enum err err;
    if (policy != NULL)
        CHECK(policy_terms_check(policy->policy, &policy->terms) == OK);
    err = play_init(&p, seed);
    if (err == OK)
        err = play_all(&p);
    if (err == OK) {
        add_up(&p);
        *out = result;
    }
    book_free(p.book);
    arena_done(&p.arena);
    free(p.sellers);
    free(p.requests);
    free(p.runs);
    return err;
}

uint32_t tape_jain(const struct tape_result *result)
{
    if (result->placed == 0)
        return 0;
    CHECK(result->providers > 0 && result->squares > 0);
    /* Placed is below 2^25 and providers 2^12: no product overflows. */
    return (uint32_t)(result->placed * result->placed * 1000 /
                      (result->providers * result->squares));
}
