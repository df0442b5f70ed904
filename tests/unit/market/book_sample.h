#ifndef TESTS_UNIT_MARKET_BOOK_SAMPLE_H
#define TESTS_UNIT_MARKET_BOOK_SAMPLE_H

/* Offers, requests and a book to put them into. Provider k has the key whose
 * first byte is k; request n has the id whose first byte is n. */

#include <string.h>

#include "market/book/book.h"

static inline struct pubkey sample_provider(unsigned k)
{
    struct pubkey key = {{(uint8_t)k, (uint8_t)(k >> 8), 0x77}};
    return key;
}

static inline struct hash sample_id(unsigned n)
{
    struct hash id = {{(uint8_t)n, (uint8_t)(n >> 8), 0x99}};
    return id;
}

static inline struct price sample_price(uint64_t cpu, uint64_t mem,
                                        uint64_t disk)
{
    return (struct price){amount_micro(cpu), amount_micro(mem),
                          amount_micro(disk)};
}

/* Four cores, room for four sample_request() tasks; 1 credit a core-hour. */
static inline struct offer sample_offer(unsigned k, uint64_t version)
{
    struct offer o = {
        .provider = sample_provider(k),
        .version = version,
        .issued_at_ms = 1000000,
        .ttl_ms = 300000,
        .address = "10.0.0.1:7000",
        .bulk_address = "10.0.0.1:7001",
        .arch = ARCH_X86_64,
        .total = {4000, 8192, 20480},
        .free = {4000, 8192, 20480},
        .slots_free = 8,
        .time_ms_max = 3600000,
        .grade = {.int_ops = 1u << 30,
                  .float_ops = 1u << 30,
                  .mem_bps = 1u << 30},
    };
    o.price = sample_price(1000000, 1000, 100);
    (void)snprintf(o.name, sizeof(o.name), "seller-%u", k);
    return o;
}

/* One core, one GiB, one minute. */
static inline struct request sample_request(uint32_t tasks)
{
    return (struct request){
        .buyer = {{0xb0}},
        .agent = {{0xa0}},
        .salt = {1},
        .created_at_ms = 1000000,
        .expires_at_ms = 2000000,
        .spec = {{5}},
        .tasks = tasks,
        .attempts_max = 1,
        .resources = {1000, 1024, 1024, 0},
        .time_ms_max = 60000,
        .arch = ARCH_X86_64,
        .policy = POLICY_CHEAPEST,
    };
}

struct sample {
    struct book *book;
    struct arena arena;
    struct book_result result;
};

static inline void sample_constraint(struct request *r, const char *key,
                                     enum constraint_op op, const char *value)
{
    struct constraint *c = &r->constraints[r->constraint_count++];
    (void)snprintf(c->key, sizeof(c->key), "%s", key);
    (void)snprintf(c->value, sizeof(c->value), "%s", value);
    c->op = op;
}

static inline void sample_label(struct offer *o, const char *key,
                                const char *value)
{
    struct label *l = &o->labels[o->label_count++];
    (void)snprintf(l->key, sizeof(l->key), "%s", key);
    (void)snprintf(l->value, sizeof(l->value), "%s", value);
}

static inline int sample_setup_with(void **state, uint32_t offers_max,
                                    uint32_t requests_max)
{
    static struct sample s;
    const struct book_config config = {.offers_max = offers_max,
                                       .requests_max = requests_max,
                                       .key = {3, 1, 4}};
    memset(&s, 0, sizeof(s));
    arena_init(&s.arena, 64u << 20);
    *state = &s;
    return book_new(&config, &s.book) == OK ? 0 : -1;
}

static inline int sample_setup(void **state)
{
    return sample_setup_with(state, 0, 64);
}

/* Room for four providers and three requests. */
static inline int sample_setup_small(void **state)
{
    return sample_setup_with(state, 4, 3);
}

static inline int sample_teardown(void **state)
{
    struct sample *s = *state;
    book_check(s->book);
    book_free(s->book);
    arena_done(&s->arena);
    return 0;
}

/* The rest asserts what every test takes for granted. */

static inline void sample_put(struct sample *s, const struct offer *o,
                              uint64_t now_ms)
{
    assert_int_equal(book_offer_put(s->book, o, now_ms, 0), OK);
}

static inline void sample_put_k(struct sample *s, unsigned k, uint64_t version,
                                uint64_t now_ms)
{
    struct offer o = sample_offer(k, version);
    sample_put(s, &o, now_ms);
}

static inline void sample_add(struct sample *s, unsigned n,
                              const struct request *r, uint64_t now_ms)
{
    struct hash id = sample_id(n);
    assert_int_equal(
        book_request_add(s->book, &id, r, r->tasks, 600000, now_ms), OK);
}

static inline const struct book_result *sample_match(struct sample *s,
                                                     unsigned n, uint32_t tasks,
                                                     uint64_t now_ms)
{
    struct hash id = sample_id(n);
    arena_reset(&s->arena);
    assert_int_equal(
        book_match(s->book, &id, tasks, 0, now_ms, &s->arena, &s->result), OK);
    book_check(s->book);
    return &s->result;
}

static inline void sample_exclude(struct sample *s, unsigned n, unsigned k,
                                  uint64_t until_ms, uint64_t now_ms)
{
    struct hash id = sample_id(n);
    struct pubkey provider = sample_provider(k);
    assert_int_equal(
        book_exclude(s->book, &id, &provider, ERR_CAPACITY, until_ms, now_ms),
        OK);
}

static inline void sample_release(struct sample *s, unsigned n, unsigned k,
                                  uint32_t tasks, uint64_t now_ms)
{
    struct hash id = sample_id(n);
    struct pubkey provider = sample_provider(k);
    book_release(s->book, &id, &provider, tasks, now_ms);
    book_check(s->book);
}

static inline struct book_offer sample_get(struct sample *s, unsigned k,
                                           uint64_t now_ms)
{
    struct pubkey provider = sample_provider(k);
    struct book_offer out;
    memset(&out, 0, sizeof(out));
    assert_true(book_offer_get(s->book, &provider, now_ms, &out));
    return out;
}

static inline bool sample_has(struct sample *s, unsigned k, uint64_t now_ms)
{
    struct pubkey provider = sample_provider(k);
    struct book_offer out;
    return book_offer_get(s->book, &provider, now_ms, &out);
}

/* Which provider a placement names. */
static inline unsigned sample_k(const struct pubkey *provider)
{
    return provider->b[0] + ((unsigned)provider->b[1] << 8);
}

/* The first byte of the request that is woken alone, 0 when none is. */
static inline unsigned sample_woken(struct sample *s, uint64_t now_ms)
{
    struct book_note notes[4];
    uint32_t count = book_tick(s->book, now_ms, notes, 4);
    book_check(s->book);
    if (count == 0)
        return 0;
    assert_int_equal(count, 1);
    assert_int_equal(notes[0].kind, BOOK_WAKE);
    return notes[0].id.b[0];
}

#endif
