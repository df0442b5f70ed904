#include "sched/lab/replay_swf.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define PERMILLE_MAX 1000000u

struct task {
    uint64_t arrive_ms;
    uint64_t start_ms; /* PROFILE_NEVER: not yet */
    uint64_t run_ms;
    uint64_t limit_ms;
    uint64_t promise_ms;
    uint32_t procs;
    uint32_t line; /* of the log's jobs */
    uint32_t ticket;
};

/* Who ends when; a heap, the earliest first. */
struct ending {
    uint64_t at_ms;
    uint32_t task;
};

struct replay {
    const struct replay_swf_config *config;
    struct backfill *queue;
    struct task *tasks; /* in order of arrival */
    uint32_t count;
    uint32_t next; /* to arrive */
    struct ending *endings;
    uint32_t running;
    uint32_t *task_of; /* by ticket */
    uint64_t *waits;   /* of those that started */
    uint32_t started;
    uint32_t first_waiting; /* all before have started */
    uint64_t used;
    uint64_t wake_ms;
    uint64_t last_ms;
    struct replay_swf_result result;
};

/* ---- the heap ---- */

static bool ends_before(const struct ending *a, const struct ending *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->task < b->task;
}

static void push_ending(struct replay *replay, struct ending ending)
{
    struct ending *heap = replay->endings;
    uint32_t i = replay->running++;
    for (; i > 0 && ends_before(&ending, &heap[(i - 1) / 2]); i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = ending;
}

static struct ending pop_ending(struct replay *replay)
{
    struct ending *heap = replay->endings;
    struct ending first = heap[0];
    struct ending last = heap[--replay->running];
    uint32_t i = 0;
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child + 1 < replay->running &&
            ends_before(&heap[child + 1], &heap[child]))
            child++;
        if (child >= replay->running || !ends_before(&heap[child], &last))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return first;
}

/* ---- what it begins with ---- */

static uint64_t stretch(uint64_t ms, uint64_t by, uint64_t over)
{
    uint64_t longer;
    CHECK(over > 0);
    if (__builtin_mul_overflow(ms, by, &longer))
        return UINT64_MAX / 2;
    return longer / over;
}

static void add_task(struct replay *replay, const struct swf *swf, uint32_t i)
{
    const struct replay_swf_config *config = replay->config;
    const struct swf_job *job = &swf->jobs[i];
    uint64_t since_ms = (job->submit_s - swf->jobs[0].submit_s) * 1000;
    uint64_t limit_ms = stretch(job->limit_ms, config->limit_permille, 1000);
    if (job->procs > config->procs) {
        replay->result.too_large++;
        return;
    }
    replay->tasks[replay->count++] = (struct task){
        .arrive_ms = stretch(since_ms, 1000, config->load_permille),
        .start_ms = PROFILE_NEVER,
        .run_ms = job->run_ms,
        .limit_ms = limit_ms < job->run_ms ? job->run_ms : limit_ms,
        .promise_ms = PROFILE_NEVER,
        .procs = job->procs,
        .line = i,
    };
}

static enum err replay_init(struct replay *replay, const struct swf *swf,
                            uint32_t jobs)
{
    const struct portion total = {replay->config->procs, 0};
    replay->wake_ms = PROFILE_NEVER;
    replay->tasks = calloc(jobs, sizeof(*replay->tasks));
    replay->endings = calloc(jobs, sizeof(*replay->endings));
    replay->task_of = calloc(jobs, sizeof(*replay->task_of));
    replay->waits = calloc(jobs, sizeof(*replay->waits));
    if (replay->tasks == NULL || replay->endings == NULL ||
        replay->task_of == NULL || replay->waits == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < jobs; i++)
        add_task(replay, swf, i);
    if (replay->count == 0)
        return ERR_CAPACITY;
    return backfill_new(replay->config->rule, &total, 0, jobs, &replay->queue);
}

static void replay_done(struct replay *replay)
{
    backfill_free(replay->queue);
    free(replay->tasks);
    free(replay->endings);
    free(replay->task_of);
    free(replay->waits);
}

/* ---- what happens ---- */

static uint64_t next_moment(const struct replay *replay)
{
    uint64_t at_ms = replay->wake_ms;
    if (replay->running > 0 && replay->endings[0].at_ms < at_ms)
        at_ms = replay->endings[0].at_ms;
    if (replay->next < replay->count &&
        replay->tasks[replay->next].arrive_ms < at_ms)
        at_ms = replay->tasks[replay->next].arrive_ms;
    return at_ms;
}

static enum err tell(struct replay *replay, uint64_t now_ms)
{
    while (replay->running > 0 && replay->endings[0].at_ms == now_ms) {
        const struct task *task = &replay->tasks[pop_ending(replay).task];
        TRY(backfill_end(replay->queue, task->ticket, now_ms));
        replay->used -= task->procs;
        replay->last_ms = now_ms;
    }
    while (replay->next < replay->count &&
           replay->tasks[replay->next].arrive_ms == now_ms) {
        struct task *task = &replay->tasks[replay->next];
        const struct backfill_job job = {{task->procs, 0}, task->limit_ms};
        TRY(backfill_arrive(replay->queue, &job, now_ms, &task->ticket));
        replay->task_of[task->ticket] = replay->next++;
    }
    return OK;
}

static enum err decide(struct replay *replay, uint64_t now_ms,
                       struct backfill_answer *out)
{
    uint64_t (*clock_ns)(void) = replay->config->clock_ns;
    uint64_t began = clock_ns == NULL ? 0 : clock_ns();
    enum err err = backfill_decide(replay->queue, now_ms, out);
    uint64_t took = clock_ns == NULL ? 0 : clock_ns() - began;
    replay->result.decisions++;
    replay->result.decision_ns += took;
    if (took > replay->result.slowest_ns)
        replay->result.slowest_ns = took;
    return err;
}

static double slowdown(uint64_t wait_ms, uint64_t run_ms)
{
    uint64_t least = run_ms < REPLAY_SLOWDOWN_MS ? REPLAY_SLOWDOWN_MS : run_ms;
    double ratio = (double)(wait_ms + run_ms) / (double)least;
    return ratio < 1 ? 1 : ratio;
}

static void begin(struct replay *replay, uint32_t i, uint64_t now_ms)
{
    struct replay_swf_result *result = &replay->result;
    struct task *task = &replay->tasks[i];
    uint64_t wait_ms = now_ms - task->arrive_ms;
    CHECK(task->start_ms == PROFILE_NEVER && task->arrive_ms <= now_ms);
    CHECK(now_ms <= task->promise_ms);
    task->start_ms = now_ms;
    replay->used += task->procs;
    CHECK(replay->used <= replay->config->procs);
    push_ending(replay, (struct ending){now_ms + task->run_ms, i});
    replay->waits[replay->started++] = wait_ms;
    result->waited += wait_ms > 0;
    result->wait_mean_s += (double)wait_ms / 1e3;
    result->slowdown_mean += slowdown(wait_ms, task->run_ms);
    result->used += (double)task->procs * (double)task->run_ms;
}

/* Who started in front of somebody that came before. */
static void count_overtakers(struct replay *replay,
                             const struct backfill_answer *answer)
{
    while (replay->first_waiting < replay->next &&
           replay->tasks[replay->first_waiting].start_ms != PROFILE_NEVER)
        replay->first_waiting++;
    for (uint32_t i = 0; i < answer->start_count; i++)
        replay->result.overtakers +=
            replay->task_of[answer->starts[i]] > replay->first_waiting;
}

/* A promise is kept, or it gets better. */
static void check_promise(struct replay *replay, uint32_t i)
{
    uint32_t ticket = 0;
    uint64_t promise_ms = 0;
    struct task *task;
    enum err err = backfill_nth(replay->queue, i, &ticket);
    if (err == ERR_NOT_FOUND)
        return;
    err = backfill_promise(replay->queue, ticket, &promise_ms);
    CHECK(err == OK);
    task = &replay->tasks[replay->task_of[ticket]];
    CHECK(promise_ms <= task->promise_ms);
    task->promise_ms = promise_ms;
}

static enum err step(struct replay *replay, uint64_t now_ms)
{
    struct backfill_answer answer;
    uint32_t waiting;
    TRY(tell(replay, now_ms));
    TRY(decide(replay, now_ms, &answer));
    for (uint32_t i = 0; i < answer.start_count; i++)
        begin(replay, replay->task_of[answer.starts[i]], now_ms);
    count_overtakers(replay, &answer);
    replay->wake_ms = answer.wake_ms;
    waiting = backfill_waiting(replay->queue);
    if (waiting > replay->result.queue_most)
        replay->result.queue_most = waiting;
    if (replay->config->rule != BACKFILL_CONSERVATIVE && waiting > 1)
        waiting = 1; /* the others were promised nothing */
    for (uint32_t i = 0; i < waiting; i++)
        check_promise(replay, i);
    return OK;
}

/* ---- what is told ---- */

static int compare_waits(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void sum_up(struct replay *replay)
{
    struct replay_swf_result *result = &replay->result;
    uint32_t count = replay->started;
    CHECK(count == replay->count && replay->used == 0);
    qsort(replay->waits, count, sizeof(*replay->waits), compare_waits);
    result->jobs = count;
    result->wait_max_ms = replay->waits[count - 1];
    result->wait_p95_ms = replay->waits[((uint64_t)count * 95 + 99) / 100 - 1];
    result->wait_mean_s /= count;
    result->slowdown_mean /= count;
    result->makespan_ms = replay->last_ms - replay->tasks[0].arrive_ms;
    result->used /= (double)result->makespan_ms * (double)replay->config->procs;
}

static void tell_starts(const struct replay *replay, uint32_t jobs,
                        uint64_t *starts_ms)
{
    if (starts_ms == NULL)
        return;
    for (uint32_t i = 0; i < jobs; i++)
        starts_ms[i] = PROFILE_NEVER;
    for (uint32_t i = 0; i < replay->count; i++)
        starts_ms[replay->tasks[i].line] = replay->tasks[i].start_ms;
}

static bool is_permille(uint32_t value)
{
    return value >= 1 && value <= PERMILLE_MAX;
}

enum err replay_swf(const struct swf *swf,
                    const struct replay_swf_config *config, uint64_t *starts_ms,
                    struct replay_swf_result *out)
{
    struct replay replay = {.config = config};
    uint32_t jobs = swf->job_count;
    uint64_t now_ms;
    enum err err;
    if (config->procs == 0 || !is_permille(config->load_permille) ||
        !is_permille(config->limit_permille) || jobs == 0)
        return ERR_RANGE;
    if (config->jobs_max > 0 && config->jobs_max < jobs)
        jobs = config->jobs_max;
    err = replay_init(&replay, swf, jobs);
    while (err == OK && (now_ms = next_moment(&replay)) != PROFILE_NEVER)
        err = step(&replay, now_ms);
    if (err == OK) {
        sum_up(&replay);
        tell_starts(&replay, jobs, starts_ms);
        *out = replay.result;
    }
    replay_done(&replay);
    return err;
}
