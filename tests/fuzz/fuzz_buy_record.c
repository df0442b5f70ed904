/* links: suan_node */
/* The buyer's records, as a disk may give them back: what is read is written
 * again as it came. The first byte says whose the rest is: 2 a graph's, another
 * even one a job's, an odd one a task's. */
#include "base/check.h"
#include "node/trade/buy_item.h"

#include <stdlib.h>
#include <string.h>

#define ARENA_MAX (4u * 1024 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_job(struct bytes in, struct arena *arena)
{
    struct buy_saved_job job;
    struct buy_item item;
    struct buf out;
    memset(&item, 0, sizeof(item));
    if (buy_job_decode(in, arena, &job) != OK)
        return;
    buf_init(&item.request, REQUEST_BYTES_MAX);
    buf_init(&item.spec, SPEC_BYTES_MAX);
    buf_init(&item.approval, APPROVAL_BYTES_MAX);
    buf_add(&item.request, job.request);
    buf_add(&item.spec, job.spec);
    buf_add(&item.approval, job.approval);
    memcpy(item.face.name, job.name, sizeof(job.name));
    item.face.created_at_ms = job.created_at_ms;
    item.face.ended_at_ms = job.ended_at_ms;
    buf_init(&out, 128u * 1024);
    buy_job_encode(&item, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
    buf_done(&item.request);
    buf_done(&item.spec);
    buf_done(&item.approval);
}

static void read_task(struct bytes in, struct arena *arena)
{
    struct buy_task task;
    struct buy_work work;
    struct buy_item item;
    struct buf out;
    if (buy_task_decode(in, arena, &task, &work) != OK)
        return;
    memset(&item, 0, sizeof(item));
    item.tasks = &task;
    item.works = &work;
    buf_init(&out, 16u * 1024);
    buy_task_encode(&item, 0, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
}

static void read_graph(struct bytes in, struct arena *arena)
{
    struct buy_graph_item *graph = calloc(1, sizeof(*graph));
    struct buf out;
    CHECK(graph != NULL);
    if (buy_graph_decode(in, arena, graph) == OK) {
        buf_init(&out, 128u * 1024);
        CHECK(buy_graph_encode(graph, &out) == OK);
        CHECK(bytes_equal(buf_bytes(&out), in));
        buf_done(&out);
    }
    free(graph);
}

static void load(struct bytes in)
{
    struct buy_config config = {0};
    struct buy *buy;
    CHECK(buy_new(&config, &buy) == OK);
    (void)!buy_load(buy,
                    "buy/000000000000000000000000000000000000000000000000000000"
                    "0000000000/job",
                    in);
    buy_free(buy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct bytes in;
    if (size < 1)
        return 0;
    in = bytes_make(data + 1, size - 1);
    arena_init(&arena, ARENA_MAX);
    if (data[0] == 2) {
        read_graph(in, &arena);
    } else if (data[0] % 2 == 0) {
        read_job(in, &arena);
        load(in);
    } else {
        read_task(in, &arena);
    }
    arena_done(&arena);
    return 0;
}
