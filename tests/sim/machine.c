/* The executor of a node. Jobs live here, not in the node's process: they run
 * on when it is killed, and it asks for them by name when it is back. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS   UINT64_C(900)
#define LOG_PIECE 48u

/* ---- tables ---- */

static struct machine_job *job_of(struct sim_node *node,
                                  const struct hash *contract)
{
    struct machine *machine = &node->machine;
    for (size_t i = 0; i < machine->job_count; i++)
        if (hash_equal(&machine->jobs[i].contract, contract))
            return &machine->jobs[i];
    return NULL;
}

const struct machine_job *machine_job(const struct sim_node *node,
                                      const struct hash *contract)
{
    for (size_t i = 0; i < node->machine.job_count; i++)
        if (hash_equal(&node->machine.jobs[i].contract, contract))
            return &node->machine.jobs[i];
    for (size_t i = node->machine.gone_count; i > 0; i--)
        if (hash_equal(&node->machine.gone[i - 1].contract, contract))
            return &node->machine.gone[i - 1];
    return NULL;
}

static struct machine_watch *watch_of(struct sim_node *node,
                                      const struct hash *contract)
{
    struct machine *machine = &node->machine;
    struct machine_watch *watch;
    for (size_t i = 0; i < machine->watch_count; i++)
        if (hash_equal(&machine->watches[i].contract, contract))
            return &machine->watches[i];
    machine->watches = world_room(machine->watches, sizeof(*machine->watches),
                                  machine->watch_count, &machine->watch_cap);
    watch = &machine->watches[machine->watch_count++];
    memset(watch, 0, sizeof(*watch));
    watch->contract = *contract;
    return watch;
}

void machine_forget_watches(struct sim_node *node)
{
    for (size_t i = 0; i < node->machine.watch_count; i++)
        free(node->machine.watches[i].spec);
    node->machine.watch_count = 0;
}

static struct about about_job(const struct sim_node *node,
                              const struct hash *contract)
{
    return (struct about){
        .node = node->index, .life = node->life, .id = *contract};
}

/* ---- output ---- */

uint8_t machine_log_byte(const struct hash *contract, uint32_t stream,
                         uint64_t offset)
{
    return (uint8_t)(contract->b[offset % HASH_LEN] + stream + offset / 7);
}

/* A job writes forty bytes a second, half as many to stderr. */
static uint64_t log_len(const struct world *world,
                        const struct machine_job *job, unsigned which)
{
    uint64_t wall_ms = job->finished  ? job->wall_ms
                       : job->running ? world->now_ms - job->started_ms
                                      : 0;
    return wall_ms / (which == 0 ? 25 : 50);
}

static void answer_log(struct world *world, struct sim_node *node,
                       struct machine_watch *watch, unsigned which)
{
    const struct machine_job *job = job_of(node, &watch->contract);
    struct wire_log log = {.contract = watch->contract, .stream = which + 1};
    uint8_t data[LOG_PIECE];
    uint64_t len;
    struct buf message;
    if (job == NULL || !watch->logs[which].open || !node->machine.up)
        return;
    len = log_len(world, job, which);
    log.offset = watch->logs[which].offset;
    if (log.offset > len || (log.offset == len && !job->finished))
        return;
    log.data = bytes_make(data, len - log.offset < LOG_PIECE ? len - log.offset
                                                             : LOG_PIECE);
    for (size_t i = 0; i < log.data.len; i++)
        data[i] = machine_log_byte(&job->contract, log.stream, log.offset + i);
    log.eof = job->finished && log.offset + log.data.len == len;
    watch->logs[which].open = false;
    buf_init(&message, 1024);
    wire_log_encode(&log, &message);
    net_send(world, node, &watch->logs[which].peer, buf_bytes(&message));
    buf_done(&message);
}

void machine_log(struct world *world, struct sim_node *node,
                 const struct trade_effect *effect)
{
    struct machine_watch *watch = watch_of(node, &effect->subject);
    unsigned which = effect->stream - 1;
    CHECK(which < 2);
    watch->logs[which].open = true;
    watch->logs[which].offset = effect->offset;
    watch->logs[which].peer = effect->peer;
    answer_log(world, node, watch, which);
}

/* ---- what the node hears ---- */

static void tell(struct world *world, struct sim_node *node,
                 const struct hash *contract, const struct exec_state *exec)
{
    struct trade_event event = {
        .kind = TRADE_EXEC_STATE, .subject = *contract, .exec = exec};
    node_event(world, node, &event);
}

static void read_state(const struct world *world, const struct machine_job *job,
                       struct exec_state *out)
{
    memset(out, 0, sizeof(*out));
    if (job == NULL) {
        out->phase = EXEC_UNKNOWN;
        return;
    }
    out->wall_ms =
        job->finished ? job->wall_ms : world->now_ms - job->started_ms;
    out->cpu_ms = out->wall_ms / 4;
    out->mem_peak_mib = 10;
    out->stdout_bytes = log_len(world, job, 0);
    out->stderr_bytes = log_len(world, job, 1);
    out->phase = job->finished ? EXEC_FINISHED : EXEC_RUNNING;
    if (!job->finished)
        return;
    out->reason = END_DONE;
    if (job->killed) {
        out->reason = END_JOB_FAILED;
        out->exit_code = 137;
    } else if (job->fate == FATE_FAILS) {
        out->reason = END_JOB_FAILED;
        out->exit_code = 3;
    } else if (job->fate == FATE_LIMIT) {
        out->reason = END_TIME_LIMIT;
        out->exit_code = 137;
    }
}

/* What was lost is gone for the executor, too; some say so, some do not know.
 */
static bool is_lost(const struct world *world, const struct machine_job *job)
{
    return job->fate == FATE_LOST && !job->finished &&
           world->now_ms >= job->ends_ms;
}

static void on_poll(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct machine_job *job;
    struct machine_watch *watch;
    struct exec_state exec;
    bool ended;
    if (node == NULL)
        return;
    watch = watch_of(node, &about->id);
    watch->polling = false;
    if (!node->machine.up || watch->collecting)
        return;
    job = job_of(node, &about->id);
    if (job != NULL && is_lost(world, job)) {
        job->running = false;
        read_state(world, NULL, &exec);
        if (job->contract.b[0] & 1) {
            exec.phase = EXEC_FAILED;
            snprintf(exec.text, sizeof(exec.text), "the job was lost");
        }
        ended = true;
    } else {
        read_state(world, job, &exec);
        ended = job == NULL || job->finished;
    }
    if (!ended) {
        watch->polling = true;
        world_after(world, POLL_MS, on_poll, about);
    }
    for (unsigned which = 0; job != NULL && which < 2; which++)
        answer_log(world, node, watch, which);
    tell(world, node, &about->id, &exec);
}

static void poll_soon(struct world *world, struct sim_node *node,
                      const struct hash *contract, uint64_t delay_ms)
{
    struct machine_watch *watch = watch_of(node, contract);
    struct about about = about_job(node, contract);
    if (watch->polling)
        return;
    watch->polling = true;
    world_after(world, delay_ms, on_poll, &about);
}

/* ---- starting and ending ---- */

static void end_job(struct world *world, struct machine_job *job)
{
    job->wall_ms = world->now_ms - job->started_ms;
    job->running = false;
    job->finished = true;
}

static void on_end(struct world *world, const struct about *about)
{
    struct sim_node *node = &world->nodes[about->node];
    struct machine_job *job = job_of(node, &about->id);
    if (job == NULL || !job->running || job->fate == FATE_LOST)
        return;
    end_job(world, job);
    if (node->up)
        poll_soon(world, node, &about->id, 1);
}

static enum fate draw_fate(const struct sim_plan *plan, struct dice *dice)
{
    uint64_t throw = dice_below(dice, 1000);
    if (throw < plan->start_permille)
        return FATE_REFUSED;
    throw -= plan->start_permille;
    if (throw < plan->lost_permille)
        return FATE_LOST;
    throw -= plan->lost_permille;
    if (throw < plan->fail_permille)
        return dice_chance(dice, 600) ? FATE_FAILS : FATE_LIMIT;
    return FATE_DONE;
}

static void begin_job(struct world *world, struct sim_node *node,
                      const struct spec *spec, const struct hash *contract,
                      enum fate fate, struct dice *dice)
{
    struct machine *machine = &node->machine;
    struct about about = about_job(node, contract);
    uint64_t run_ms = dice_between(dice, 1, world->plan.run_ms_max);
    struct machine_job *job;
    machine->jobs = world_room(machine->jobs, sizeof(*machine->jobs),
                               machine->job_count, &machine->job_cap);
    job = &machine->jobs[machine->job_count++];
    memset(job, 0, sizeof(*job));
    job->contract = *contract;
    job->resources = spec->resources;
    job->time_ms_max = spec->time_ms_max;
    job->fate = fate;
    job->running = true;
    job->started_ms = world->now_ms;
    if (fate == FATE_LIMIT || run_ms > spec->time_ms_max)
        run_ms = spec->time_ms_max;
    job->ends_ms = world->now_ms + run_ms;
    job->starts = 1;
    world_after(world, run_ms, on_end, &about);
    world_say(world, "machine %u: job %02x%02x runs for %.3f s", node->index,
              contract->b[0], contract->b[1], (double)run_ms / 1000);
}

/* The image is laid out and the job begun, unless it is there already. */
static void on_start(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct machine_watch *watch;
    struct exec_state exec = {.phase = EXEC_FAILED};
    struct dice dice;
    struct arena arena;
    struct spec spec;
    enum fate fate;
    if (node == NULL || !node->machine.up)
        return; /* begun when it is back */
    watch = watch_of(node, &about->id);
    if (!watch->starting)
        return;
    watch->starting = false;
    dice_named(&dice, world->plan.seed, &about->id);
    fate = draw_fate(&world->plan, &dice);
    if (job_of(node, &about->id) == NULL && fate == FATE_REFUSED) {
        snprintf(exec.text, sizeof(exec.text), "no such program");
        tell(world, node, &about->id, &exec);
        return;
    }
    arena_init(&arena, 1u << 20);
    CHECK(spec_decode(bytes_make(watch->spec, watch->spec_len), &arena,
                      &spec) == OK);
    if (job_of(node, &about->id) == NULL)
        begin_job(world, node, &spec, &about->id, fate, &dice);
    arena_done(&arena);
    poll_soon(world, node, &about->id, 1);
}

static void start_soon(struct world *world, struct sim_node *node,
                       const struct hash *contract)
{
    struct about about = about_job(node, contract);
    world_after(world, dice_between(&world->dice, 1, 1500), on_start, &about);
}

void machine_start(struct world *world, struct sim_node *node,
                   const struct trade_effect *effect)
{
    struct machine_watch *watch = watch_of(node, &effect->subject);
    if (watch->starting)
        return;
    graphs_judge_start(world, &effect->subject, effect);
    free(watch->spec);
    watch->spec = malloc(effect->bytes.len + 1);
    CHECK(watch->spec != NULL);
    memcpy(watch->spec, effect->bytes.ptr, effect->bytes.len);
    watch->spec_len = effect->bytes.len - effect->code * (size_t)HASH_LEN;
    watch->starting = true;
    if (node->machine.up)
        start_soon(world, node, &effect->subject);
}

static void on_killed(struct world *world, const struct about *about)
{
    struct sim_node *node = &world->nodes[about->node];
    struct machine_job *job = job_of(node, &about->id);
    if (job == NULL || !job->running || is_lost(world, job))
        return;
    end_job(world, job);
    if (node->up)
        poll_soon(world, node, &about->id, 1);
}

/* A kill that meets no executor is lost; one that meets a job not yet begun
 * keeps it from beginning. */
void machine_kill(struct world *world, struct sim_node *node,
                  const struct hash *contract)
{
    struct machine_job *job = job_of(node, contract);
    struct about about = about_job(node, contract);
    watch_of(node, contract)->starting = false;
    if (!node->machine.up)
        return;
    poll_soon(world, node, contract, 1);
    if (job == NULL || !job->running)
        return;
    job->killed = true;
    world_after(world, dice_between(&world->dice, 1, 2500), on_killed, &about);
}

/* ---- collecting ---- */

static void derive(const struct hash *contract, const char *tag,
                   struct hash *out)
{
    hash_bytes(tag, hash_as_bytes(contract), out);
}

static void on_collect(struct world *world, const struct about *about)
{
    struct sim_node *node = node_living(world, about);
    struct trade_event event = {.kind = TRADE_EXEC_COLLECTED,
                                .subject = about->id};
    struct machine_job *job;
    struct machine_watch *watch;
    if (node == NULL)
        return;
    watch = watch_of(node, &about->id);
    if (!node->machine.up || !watch->collecting)
        return;
    watch->collecting = false;
    job = job_of(node, &about->id);
    if (job == NULL || !job->finished) {
        event.err = ERR_NOT_FOUND;
    } else {
        derive(&about->id, "sim-result", &event.result);
        derive(&about->id, "sim-log", &event.log);
        store_pin(node, &event.result, &about->id, false);
        store_pin(node, &event.log, &about->id, false);
        event.result_bytes = 1000;
    }
    node_event(world, node, &event);
}

void machine_collect(struct world *world, struct sim_node *node,
                     const struct hash *contract)
{
    struct machine_watch *watch = watch_of(node, contract);
    struct about about = about_job(node, contract);
    if (watch->collecting)
        return;
    watch->collecting = true;
    if (node->machine.up)
        world_after(world, dice_between(&world->dice, 5, 2000), on_collect,
                    &about);
}

void machine_remove(struct sim_node *node, const struct hash *contract)
{
    struct machine *machine = &node->machine;
    for (size_t i = 0; i < machine->job_count; i++) {
        if (!hash_equal(&machine->jobs[i].contract, contract))
            continue;
        machine->gone = world_room(machine->gone, sizeof(*machine->gone),
                                   machine->gone_count, &machine->gone_cap);
        machine->gone[machine->gone_count++] = machine->jobs[i];
        machine->jobs[i] = machine->jobs[--machine->job_count];
        return;
    }
}

/* ---- the executor comes and goes ---- */

void machine_adopt(struct world *world, struct sim_node *node)
{
    struct sell_view view;
    for (size_t i = 0; node->sell != NULL && sell_view(node->sell, i, &view);
         i++) {
        struct machine_watch *watch;
        if (view.state < SELL_STARTING || view.state > SELL_PUBLISHING)
            continue;
        watch = watch_of(node, &view.contract);
        watch->polling = false;
        if (watch->starting) {
            start_soon(world, node, &view.contract);
        } else if (view.state == SELL_PUBLISHING) {
            watch->collecting = false;
            machine_collect(world, node, &view.contract);
        } else {
            poll_soon(world, node, &view.contract,
                      dice_between(&world->dice, 1, 500));
        }
    }
}

void machine_down(struct world *world, struct sim_node *node)
{
    struct trade_event event = {.kind = TRADE_EXEC_GONE};
    node->machine.up = false;
    node->disturbed = true;
    for (size_t i = 0; i < node->machine.watch_count; i++)
        node->machine.watches[i].collecting = false;
    node_event(world, node, &event);
}

void machine_up(struct world *world, struct sim_node *node)
{
    node->machine.up = true;
    if (node->up)
        machine_adopt(world, node);
}
