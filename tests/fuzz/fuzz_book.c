/* links: market base */

/* The order book under any order of events, with any figures a peer may sign:
 * nothing aborts, every index agrees, nothing is promised twice, and nothing
 * that waits is forgotten. Each event is read from a few bytes; figures are
 * drawn from edges as often as from the middle. */

#include <string.h>

#include "base/check.h"
#include "market/book/book.h"

#define PROVIDERS 6u
#define REQUESTS  5u

struct fuzz {
    struct book *book;
    struct cursor in;
    struct arena arena;
    uint64_t now_ms;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The rules may say no; there is memory enough. */
static void may_refuse(enum err err)
{
    CHECK(!err_is_fault(err));
}

static struct pubkey provider_of(struct fuzz *f)
{
    struct pubkey key = {{(uint8_t)(1 + cursor_u8(&f->in) % PROVIDERS)}};
    return key;
}

static struct hash id_of(struct fuzz *f)
{
    struct hash id = {{(uint8_t)(cursor_u8(&f->in) % REQUESTS)}};
    return id;
}

static uint64_t figure(struct fuzz *f)
{
    uint8_t byte = cursor_u8(&f->in);
    switch (byte >> 5) {
    case 0:
        return byte & 31;
    case 1:
        return UINT64_MAX - (byte & 31);
    case 2:
        return UINT32_MAX - (byte & 31);
    case 3:
        return UINT64_C(1) << (byte & 31) * 2;
    default:
        return (uint64_t)byte * 16;
    }
}

static uint64_t part_of(struct fuzz *f, uint64_t total)
{
    uint64_t value = figure(f);
    return value < total ? value : total;
}

static struct resources resources_of(struct fuzz *f)
{
    struct resources r = {(uint32_t)figure(f), figure(f), figure(f), 0};
    return r;
}

/* Up to three cards, what is free of each, and a taint now and then. */
static void gear_of(struct fuzz *f, struct offer *o)
{
    uint8_t byte = cursor_u8(&f->in);
    uint32_t count = byte & 3;
    if (byte & 4) {
        o->taint_count = 1;
        o->taints[0] = (struct taint){{"t", ""}, TAINT_REFUSE};
    }
    if (count == 0)
        return;
    o->devices.group_count = 1;
    o->devices.groups[0] =
        (struct device_group){.kind = DEVICE_GPU, .count = count};
    for (uint32_t i = 0; i < count; i++)
        o->devices.free_milli[i] = (uint16_t)(cursor_u8(&f->in) % 5 * 250);
}

/* Shares of a card, or of two; tolerance; at most so many in a place. */
static void wishes_of(struct fuzz *f, struct request *r)
{
    uint8_t byte = cursor_u8(&f->in);
    if (byte & 3)
        r->devices = (struct device_wish){.kind = DEVICE_GPU,
                                          .count = 1 + (byte >> 2 & 1),
                                          .milli = (byte & 3) * 250u};
    if (byte & 8) {
        r->toleration_count = 1;
        r->tolerations[0] = (struct constraint){"t", CONSTRAINT_EXISTS, ""};
    }
    r->spread.per_provider = byte >> 4 & 1;
    if (byte & 32) {
        r->spread.key[0] = 'k';
        r->spread.per_value = 1 + (byte >> 6);
    }
}

static void put(struct fuzz *f)
{
    struct offer o = {.provider = provider_of(f)};
    o.version = cursor_u8(&f->in);
    o.ttl_ms = figure(f);
    o.arch = ARCH_X86_64;
    o.total = resources_of(f);
    o.free.cpu_milli = (uint32_t)part_of(f, o.total.cpu_milli);
    o.free.mem_mib = part_of(f, o.total.mem_mib);
    o.free.disk_mib = part_of(f, o.total.disk_mib);
    o.slots_free = (uint32_t)figure(f);
    o.time_ms_max = 1 + figure(f) % 100000;
    o.price.cpu_hour = amount_micro(figure(f));
    o.price.mem_hour = amount_micro(figure(f));
    o.grade.int_ops = figure(f);
    o.grade.float_ops = figure(f);
    o.grade.mem_bps = 1;
    if (cursor_u8(&f->in) & 1) {
        o.label_count = 1;
        o.labels[0].key[0] = 'k';
    }
    gear_of(f, &o);
    may_refuse(book_offer_put(f->book, &o, f->now_ms, cursor_u8(&f->in)));
}

static void request_of(struct fuzz *f, struct request *r)
{
    uint8_t wish = cursor_u8(&f->in);
    *r = (struct request){.buyer = {{9}}, .agent = {{10}}};
    r->created_at_ms = 1;
    r->expires_at_ms = 2;
    r->tasks = 1 + cursor_u8(&f->in) * 4u;
    r->attempts_max = 1;
    r->resources = resources_of(f);
    r->time_ms_max = 1 + figure(f) % 100000;
    r->arch = wish & 1 ? ARCH_ANY : ARCH_X86_64;
    r->policy = (enum policy)(wish >> 1 & 3);
    r->price_max = amount_micro(wish & 8 ? figure(f) : 0);
    if (wish & 16)
        r->only_seller = provider_of(f);
    if (wish & 32) {
        r->constraint_count = 1;
        r->constraints[0].key[0] = 'k';
        r->constraints[0].op = (enum constraint_op)(3 + (wish >> 6 & 1));
    }
    wishes_of(f, r);
}

/* What is placed keeps to what was asked. */
static void check_result(const struct book_result *m, uint32_t tasks)
{
    uint32_t placed = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        CHECK(m->placements[i].tasks <= m->placements[i].room);
        placed += m->placements[i].tasks;
    }
    CHECK(placed == m->placed && m->placed + m->unplaced == tasks);
}

static void match(struct fuzz *f, const struct hash *id)
{
    struct book_request info;
    struct book_result m;
    uint32_t spares = cursor_u8(&f->in) % 3;
    arena_reset(&f->arena);
    if (!book_request_get(f->book, id, f->now_ms, &info) || info.waiting == 0)
        return;
    if (book_match(f->book, id, info.waiting, spares, f->now_ms, &f->arena,
                   &m) == OK)
        check_result(&m, info.waiting);
}

static void add(struct fuzz *f)
{
    struct request r;
    struct hash id = id_of(f);
    request_of(f, &r);
    may_refuse(
        book_request_add(f->book, &id, &r, r.tasks, figure(f), f->now_ms));
}

static void preview(struct fuzz *f)
{
    struct request r;
    struct book_result m;
    struct book_explanation x;
    request_of(f, &r);
    arena_reset(&f->arena);
    if (book_preview(f->book, &r, 3, 1, f->now_ms, &f->arena, &m) == OK)
        check_result(&m, 3);
    may_refuse(book_explain_request(f->book, &r, cursor_u8(&f->in) % 4,
                                    f->now_ms, &f->arena, &x));
}

static void refuse(struct fuzz *f)
{
    struct hash id = id_of(f);
    struct pubkey provider = provider_of(f);
    uint64_t until = figure(f);
    if (cursor_u8(&f->in) & 1)
        book_unreachable_set(f->book, &provider, until, f->now_ms);
    else
        may_refuse(book_exclude(f->book, &id, &provider, ERR_CAPACITY, until,
                                f->now_ms));
}

static void release(struct fuzz *f)
{
    struct hash id = id_of(f);
    struct pubkey provider = provider_of(f);
    book_release(f->book, &id, &provider, (uint32_t)figure(f), f->now_ms);
}

static void speak(struct fuzz *f)
{
    struct pubkey provider = provider_of(f);
    struct resources now = resources_of(f);
    book_free_set(f->book, &provider, &now, f->now_ms);
}

static void measure(struct fuzz *f)
{
    struct pubkey provider = provider_of(f);
    may_refuse(book_rtt_set(f->book, &provider, 1 + figure(f) / 2, f->now_ms));
}

static void leave(struct fuzz *f)
{
    struct pubkey provider = provider_of(f);
    struct hash id = id_of(f);
    if (cursor_u8(&f->in) & 1)
        (void)book_offer_drop(f->book, &provider, f->now_ms);
    else
        (void)book_request_remove(f->book, &id, f->now_ms);
}

static void tick(struct fuzz *f)
{
    struct book_note notes[2];
    f->now_ms += cursor_u8(&f->in) * 100u;
    uint32_t count = book_tick(f->book, f->now_ms, notes, 2);
    for (uint32_t i = 0; i < count; i++) {
        if (notes[i].kind == BOOK_WAKE && (cursor_u8(&f->in) & 3) != 0)
            match(f, &notes[i].id);
    }
    CHECK(count == 2 || book_next_ms(f->book) > f->now_ms);
}

static void event(struct fuzz *f)
{
    struct hash id;
    switch (cursor_u8(&f->in) % 10) {
    case 0:
    case 1:
        put(f);
        return;
    case 2:
        add(f);
        return;
    case 3:
        id = id_of(f);
        match(f, &id);
        return;
    case 4:
        refuse(f);
        return;
    case 5:
        release(f);
        return;
    case 6:
        speak(f);
        return;
    case 7:
        measure(f);
        return;
    case 8:
        leave(f);
        return;
    default:
        tick(f);
        preview(f);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct book_config config = {
        .offers_max = 4, .requests_max = 4, .key = {1}};
    struct fuzz f = {.now_ms = 1000};
    if (len > 4096)
        return 0;
    cursor_init(&f.in, bytes_make(data, len));
    arena_init(&f.arena, 4u << 20);
    CHECK(book_new(&config, &f.book) == OK);
    while (f.in.rest.len > 0) {
        event(&f);
        book_check(f.book);
    }
    book_free(f.book);
    arena_done(&f.arena);
    return 0;
}
