/* People: they ask for jobs, look at bills, approve or not, and change their
 * minds. */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define LOOK_MS     UINT64_C(1000)
#define PATIENCE_MS UINT64_C(25000)

const struct sim_job *people_job(const struct world *world,
                                 const struct hash *request)
{
    for (uint32_t i = 0; i < world->plan.jobs; i++)
        if (world->jobs[i].submitted && hash_equal(&world->jobs[i].id, request))
            return &world->jobs[i];
    return NULL;
}

/* ---- wishes ---- */

static void draw_spec(struct world *world, struct sim_job *job,
                      struct spec *out)
{
    static struct bytes args[1];
    struct dice *dice = &world->dice;
    args[0] = BYTES_LIT("work");
    *out = (struct spec){
        .image = world->images[dice_below(dice, 2)],
        .arg_count = 1,
        .args = args,
        .resources = {.cpu_milli = (uint32_t)dice_between(dice, 250, 3000),
                      .mem_mib = dice_between(dice, 64, 3000),
                      .disk_mib = dice_between(dice, 16, 512)},
        .pids_max = 64,
        .time_ms_max = world->plan.run_ms_max + dice_between(dice, 0, 20000),
        .log_bytes_max = 1048576,
        .use_count = job->use_count,
        .uses = job->uses,
    };
    if (dice_chance(dice, 500))
        dice_fill(dice, &out->inputs, sizeof(out->inputs));
    job->spec = *out;
}

void people_encode_spec(struct world *world, struct sim_job *job)
{
    struct spec spec;
    struct buf bytes;
    buf_init(&bytes, sizeof(job->spec_bytes));
    draw_spec(world, job, &spec);
    CHECK(spec_encode(&spec, &bytes) == OK);
    memcpy(job->spec_bytes, bytes.ptr, bytes.len);
    job->spec_len = bytes.len;
    spec_hash(buf_bytes(&bytes), &job->spec_hash);
    buf_done(&bytes);
}

/* A cap that is now and then too low for anyone. */
static struct amount draw_price(struct world *world)
{
    if (dice_chance(&world->dice, 700))
        return amount_micro(0);
    return amount_micro(dice_between(&world->dice, 1, 4000));
}

/* As many copies as the node reckons; two where it does not know enough yet:
 * the job waits until it does. */
static void want_availability(struct world *world, struct sim_node *node,
                              struct request *request)
{
    static const uint32_t targets[] = {400000000, 200000000, 50000000};
    struct dice *dice = &world->dice;
    struct book_crew crew = {.reached = false};
    struct arena arena;
    uint32_t copies = 2;
    request->terms.down_ppb = targets[dice_below(dice, 3)];
    arena_init(&arena, 1u << 24);
    CHECK(book_reckon(buy_book(node->buy), request, node_now(world, node),
                      &arena, &crew) == OK);
    arena_done(&arena);
    if (crew.reached)
        copies = crew.count;
    if (copies == 1)
        return;
    request->terms.divide = POLICY_DIVIDE_DUPLICATED;
    request->terms.copies = copies;
    request->tasks *= copies;
}

void people_make_request(struct world *world, struct sim_job *job)
{
    struct sim_node *node = &world->nodes[job->node];
    struct dice *dice = &world->dice;
    const struct hash *chain = &world->validator.genesis.chain;
    uint64_t now_ms = node_now(world, node);
    struct request *request = &job->request;
    *request = (struct request){
        .agent = node->key.signer.key,
        .created_at_ms = now_ms,
        .expires_at_ms = now_ms + dice_between(dice, 60000, 2400000),
        .spec = job->spec_hash,
        .tasks = (uint32_t)dice_between(dice, 1, 4),
        .attempts_max = (uint32_t)dice_between(dice, 1, 3),
        .resources = job->spec.resources,
        .time_ms_max = job->spec.time_ms_max,
        .arch = ARCH_X86_64,
        .policy =
            (enum policy)dice_between(dice, POLICY_CHEAPEST, POLICY_FASTEST),
        .price_max = draw_price(world),
    };
    if (world->plan.copies && node->up && dice_chance(dice, 700))
        want_availability(world, node, request);
    if (world->plan.queue != LINE_OFF && !world->plan.graphs)
        request->patience_ms = dice_below(dice, world->plan.patience_ms_max);
    dice_fill(dice, request->salt, sizeof(request->salt));
    CHECK(request_sign(request, chain, &world->users[job->user].key.signer) ==
          OK);
    CHECK(request_id(request, chain, &job->id) == OK);
    store_pin(node, &job->spec.image, &job->id, true);
    if (!hash_is_zero(&job->spec.inputs))
        store_pin(node, &job->spec.inputs, &job->id, true);
}

/* ---- deeds ---- */

static enum err submit(struct world *world, struct sim_job *job, bool draft)
{
    struct sim_node *node = &world->nodes[job->node];
    struct buf request;
    struct hash id;
    enum err err;
    buf_init(&request, REQUEST_BYTES_MAX);
    CHECK(request_encode(&job->request, &request) == OK);
    err = buy_submit(node->buy, buf_bytes(&request),
                     bytes_make(job->spec_bytes, job->spec_len), "sim", draft,
                     node_now(world, node), &node->buy_effects, &id);
    buf_done(&request);
    if (err == OK)
        CHECK(hash_equal(&id, &job->id));
    (void)node_carry_out(world, node, &node->buy_effects);
    return err;
}

static enum err approve(struct world *world, struct sim_job *job,
                        struct amount cap)
{
    struct sim_node *node = &world->nodes[job->node];
    struct approval approval = {.request = job->id,
                                .task_cap = cap,
                                .expires_at_ms = job->request.expires_at_ms};
    struct buf bytes;
    enum err err;
    CHECK(approval_sign(&approval, &world->validator.genesis.chain,
                        &world->users[job->user].key.signer) == OK);
    buf_init(&bytes, APPROVAL_BYTES_MAX);
    CHECK(approval_encode(&approval, &bytes) == OK);
    err = buy_approve(node->buy, &job->id, buf_bytes(&bytes),
                      node_now(world, node), &node->buy_effects);
    buf_done(&bytes);
    (void)node_carry_out(world, node, &node->buy_effects);
    return err;
}

struct amount people_cap_of(const struct sim_job *job)
{
    return amount_is_zero(job->request.price_max) ? amount_micro(1000000)
                                                  : job->request.price_max;
}

static bool past(const struct world *world, const struct sim_job *job)
{
    return node_now(world, &world->nodes[job->node]) >=
           job->request.expires_at_ms;
}

/* Are all bills there, or has it taken long enough? */
static bool looked(const struct world *world, const struct buy_job *job)
{
    bool all = true;
    for (uint32_t i = 0; i < job->task_count; i++)
        all = all && job->tasks[i].state >= BUY_QUOTED;
    return all || world->healed ||
           WORLD_T0 + world->now_ms > job->created_at_ms + PATIENCE_MS;
}

static void decide(struct world *world, struct sim_job *job)
{
    struct sim_node *node = &world->nodes[job->node];
    enum err err;
    if (job->wish == WISH_DROP) {
        err = buy_drop(node->buy, &job->id, node_now(world, node),
                       &node->buy_effects);
        (void)node_carry_out(world, node, &node->buy_effects);
    } else {
        err = approve(world, job, people_cap_of(job));
    }
    world_say(world, "people: job %02x%02x %s: %s", job->id.b[0], job->id.b[1],
              job->wish == WISH_DROP ? "dropped" : "approved", err_name(err));
    job->decided = err != ERR_NOT_FOUND;
}

static void on_look(struct world *world, const struct about *about)
{
    struct sim_job *job = &world->jobs[about->u];
    struct sim_node *node = &world->nodes[job->node];
    const struct buy_job *known;
    if (job->decided || node->gone)
        return;
    world_after(world, LOOK_MS, on_look, about);
    if (!node->up)
        return;
    known = buy_job(node->buy, &job->id);
    if (known == NULL && (past(world, job) || job->wish == WISH_DROP)) {
        job->decided = true; /* a draft that died with its node */
        return;
    }
    if (known == NULL)
        (void)submit(world, job, false);
    else if (job->wish == WISH_AT_ONCE || looked(world, known))
        decide(world, job);
}

static void on_wish(struct world *world, const struct about *about)
{
    struct sim_job *job = &world->jobs[about->u];
    struct sim_node *node = &world->nodes[job->node];
    enum err err;
    if (node->gone || world->healed)
        return;
    if (!node->up) {
        world_after(world, 2000, on_wish, about);
        return;
    }
    people_encode_spec(world, job);
    people_make_request(world, job);
    job->submitted = true;
    err = submit(world, job, job->wish != WISH_AT_ONCE);
    world_say(world, "people: job %02x%02x of %u tasks, cap %llu: %s",
              job->id.b[0], job->id.b[1], job->request.tasks,
              (unsigned long long)amount_figure(job->request.price_max),
              err_name(err));
    CHECK(err == OK);
    world_after(world, 1, on_look, about);
}

static void on_cancel(struct world *world, const struct about *about)
{
    struct sim_job *job = &world->jobs[about->u];
    struct sim_node *node = &world->nodes[job->node];
    uint32_t task = UINT32_MAX;
    enum err err;
    if (!job->submitted || !node->up)
        return;
    if (dice_chance(&world->dice, 300))
        task = (uint32_t)dice_below(&world->dice, job->request.tasks);
    err = buy_cancel(node->buy, &job->id, task, node_now(world, node),
                     &node->buy_effects);
    (void)node_carry_out(world, node, &node->buy_effects);
    world_say(world, "people: cancel task %d of %02x%02x: %s", (int)task,
              job->id.b[0], job->id.b[1], err_name(err));
    job->cancelled = true;
}

/* ---- life ---- */

static enum wish draw_wish(struct world *world)
{
    uint64_t throw = dice_below(&world->dice, 100);
    if (throw < 60)
        return WISH_AT_ONCE;
    return throw < 88 ? WISH_LOOK : WISH_DROP;
}

void people_init(struct world *world)
{
    struct dice *dice = &world->dice;
    CHECK(world->plan.jobs <= WORLD_JOBS_MAX);
    if (world->plan.graphs) {
        graphs_init(world);
        return;
    }
    for (uint32_t i = 0; i < world->plan.jobs; i++) {
        struct sim_job *job = &world->jobs[i];
        struct about about = {.u = i};
        uint64_t at_ms = dice_below(dice, world->plan.chaos_ms * 3 / 4);
        uint32_t agents = world->plan.buyers + world->plan.seller_buys;
        job->user = (uint32_t)dice_below(dice, WORLD_USERS);
        job->node = (uint32_t)dice_below(dice, agents);
        job->wish = draw_wish(world);
        world_after(world, at_ms, on_wish, &about);
        if (dice_chance(dice, 250))
            world_after(world, at_ms + dice_below(dice, 120000), on_cancel,
                        &about);
    }
}
