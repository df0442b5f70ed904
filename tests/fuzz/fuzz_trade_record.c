/* links: suan_node */
/* The records of the trade engines, as a disk may give them back. The first
 * byte says whose record it is: 's' a seller's, 'j' a buyer's job, 't' a
 * buyer's task. */
#include "node/trade/buy_item.h"
#include "node/trade/sell_item.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_BYTES (8u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was read is written the same. */
static void same(const struct buf *out, struct bytes in)
{
    CHECK(out->err == OK && bytes_equal(buf_bytes(out), in));
}

static void try_sell(struct bytes in, struct arena *arena, struct buf *out)
{
    struct sell_item item;
    memset(&item, 0, sizeof(item));
    buf_init(&item.spec, SPEC_BYTES_MAX);
    if (sell_item_decode(in, arena, &item) == OK) {
        sell_item_encode(&item, out);
        same(out, in);
    }
    buf_done(&item.spec);
}

static void add(struct buf *out, struct bytes bytes)
{
    buf_init(out, bytes.len + 1);
    buf_add(out, bytes);
}

static void try_job(struct bytes in, struct arena *arena, struct buf *out)
{
    struct buy_saved_job saved;
    struct buy_item item;
    memset(&item, 0, sizeof(item));
    if (buy_job_decode(in, arena, &saved) != OK)
        return;
    CHECK(saved.name.len < sizeof(item.face.name));
    if (memchr(saved.name.ptr, 0, saved.name.len) != NULL)
        return; /* a name ends there */
    memcpy(item.face.name, saved.name.ptr, saved.name.len);
    item.face.created_at_ms = saved.created_at_ms;
    item.face.ended_at_ms = saved.ended_at_ms;
    add(&item.request, saved.request);
    add(&item.spec, saved.spec);
    add(&item.approval, saved.approval);
    buy_job_encode(&item, out);
    same(out, in);
    buf_done(&item.request);
    buf_done(&item.spec);
    buf_done(&item.approval);
}

static void try_task(struct bytes in, struct arena *arena, struct buf *out)
{
    struct buy_task task;
    struct buy_work work;
    struct buy_item item;
    memset(&item, 0, sizeof(item));
    item.tasks = &task;
    item.works = &work;
    if (buy_task_decode(in, arena, &task, &work) != OK)
        return;
    buy_task_encode(&item, 0, out);
    same(out, in);
}

/* An engine takes the record up or leaves it alone, and ends in order. */
static void try_engine(char kind, struct bytes in)
{
    static const char job[] = "buy/00000000000000000000000000000000"
                              "00000000000000000000000000000000/job";
    struct sell_config sell_config = {.slots = 1};
    struct buy_config buy_config = {.lost_ms = 1000};
    struct sell *sell;
    struct buy *buy;
    if (kind == 's') {
        CHECK(sell_new(&sell_config, &sell) == OK);
        (void)!sell_load(sell, "sell/x", in);
        sell_free(sell);
    } else {
        CHECK(buy_new(&buy_config, &buy) == OK);
        (void)!buy_load(buy, job, in);
        buy_free(buy);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct bytes in;
    struct arena arena;
    struct buf out;
    if (len == 0 || data[0] == 0 || strchr("sjt", data[0]) == NULL)
        return 0;
    in = bytes_make(data + 1, len - 1);
    arena_init(&arena, ARENA_BYTES);
    buf_init(&out, len);
    if (data[0] == 's')
        try_sell(in, &arena, &out);
    else if (data[0] == 'j')
        try_job(in, &arena, &out);
    else
        try_task(in, &arena, &out);
    if (data[0] != 't')
        try_engine((char)data[0], in);
    buf_done(&out);
    arena_done(&arena);
    return 0;
}
