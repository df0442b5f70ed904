/* People who ask for graphs (--graphs): three parts, the later reading what the
 * earlier made, submitted and approved together, and prices that go up and
 * down. The judge sees to it that nothing begins before what it needs is done,
 * nor with anything else, and that plans that are mended leave alone what runs.
 */

#include "tests/sim/world.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define PARTS       3u
#define LOOK_MS     UINT64_C(1000)
#define PATIENCE_MS UINT64_C(25000)
#define PRICE_MS    UINT64_C(60000) /* a seller changes it about so often */

static struct sim_job *parts_of(struct world *world, const struct about *about)
{
    return &world->jobs[about->u];
}

/* ---- wishes ---- */

static void use(struct sim_job *job, const struct sim_job *from,
                const char *dest)
{
    job->uses[job->use_count++] =
        (struct spec_use){from->id, from->request.tasks, bytes_str(dest)};
}

static void make_part(struct world *world, struct sim_job *parts, uint32_t i,
                      uint32_t shape)
{
    parts[i].use_count = 0;
    if (i > 0)
        use(&parts[i], &parts[shape == 0 ? i - 1 : 0], "a");
    if (i == 2 && shape == 2)
        use(&parts[i], &parts[1], "b");
    people_encode_spec(world, &parts[i]);
    people_make_request(world, &parts[i]);
    parts[i].submitted = true;
}

/* shape 0: a chain; 1: a fork; 2: the last reads both others. With `apart` the
 * parts are at different providers, else now and then at one. */
static void make_graph(struct world *world, struct sim_job *parts,
                       struct graph *out)
{
    static const char *const names[PARTS] = {"one", "two", "three"};
    uint32_t shape = (uint32_t)dice_below(&world->dice, 3);
    uint32_t group = (uint32_t)dice_below(&world->dice, 4);
    memset(out, 0, sizeof(*out));
    out->part_count = PARTS;
    for (uint32_t i = 0; i < PARTS; i++) {
        struct graph_part *part = &out->parts[i];
        make_part(world, parts, i, shape);
        snprintf(part->name, LIMIT_NAME, "%s", names[i]);
        part->request = parts[i].id;
        part->tasks = parts[i].request.tasks;
        part->apart = i > 0 && group == 0 && part->tasks == 1 ? 1 : 0;
        part->together = i > 0 && group == 1 ? 1 : 0;
        for (uint32_t k = 0; k < parts[i].use_count; k++) {
            uint8_t from =
                hash_equal(&parts[i].uses[k].request, &parts[0].id) ? 0 : 1;
            out->links[out->link_count++] = (struct graph_link){
                .from = from, .to = (uint8_t)i, .order = true};
        }
    }
}

/* ---- deeds ---- */

static enum err submit(struct world *world, struct sim_job *parts)
{
    struct sim_node *node = &world->nodes[parts->node];
    struct buf requests[PARTS];
    struct buy_part list[PARTS];
    struct buf bytes;
    enum err err;
    buf_init(&bytes, GRAPH_BYTES_MAX);
    CHECK(graph_encode(&parts->graph, &bytes) == OK);
    for (uint32_t i = 0; i < PARTS; i++) {
        buf_init(&requests[i], REQUEST_BYTES_MAX);
        CHECK(request_encode(&parts[i].request, &requests[i]) == OK);
        list[i] = (struct buy_part){
            buf_bytes(&requests[i]),
            bytes_make(parts[i].spec_bytes, parts[i].spec_len)};
    }
    err = buy_graph_submit(node->buy, buf_bytes(&bytes), list, PARTS,
                           node_now(world, node), &node->buy_effects,
                           &parts->graph_id);
    for (uint32_t i = 0; i < PARTS; i++)
        buf_done(&requests[i]);
    buf_done(&bytes);
    (void)node_carry_out(world, node, &node->buy_effects);
    return err;
}

static enum err approve(struct world *world, struct sim_job *parts)
{
    struct sim_node *node = &world->nodes[parts->node];
    struct buf bufs[PARTS];
    struct bytes list[PARTS];
    enum err err;
    for (uint32_t i = 0; i < PARTS; i++) {
        struct approval approval = {.request = parts[i].id,
                                    .task_cap = people_cap_of(&parts[i]),
                                    .expires_at_ms =
                                        parts[i].request.expires_at_ms};
        CHECK(approval_sign(&approval, &world->validator.genesis.chain,
                            &world->users[parts->user].key.signer) == OK);
        buf_init(&bufs[i], APPROVAL_BYTES_MAX);
        CHECK(approval_encode(&approval, &bufs[i]) == OK);
        list[i] = buf_bytes(&bufs[i]);
    }
    err = buy_graph_approve(node->buy, &parts->graph_id, list, PARTS,
                            node_now(world, node), &node->buy_effects);
    for (uint32_t i = 0; i < PARTS; i++)
        buf_done(&bufs[i]);
    (void)node_carry_out(world, node, &node->buy_effects);
    return err;
}

static void have_decided(struct sim_job *parts)
{
    for (uint32_t i = 0; i < PARTS; i++)
        parts[i].decided = true;
}

static void drop(struct world *world, struct sim_job *parts)
{
    struct sim_node *node = &world->nodes[parts->node];
    (void)!buy_graph_drop(node->buy, &parts->graph_id, node_now(world, node),
                          &node->buy_effects);
    (void)node_carry_out(world, node, &node->buy_effects);
    have_decided(parts);
}

static bool past(const struct world *world, const struct sim_job *parts)
{
    return node_now(world, &world->nodes[parts->node]) >=
           parts->request.expires_at_ms;
}

static void decide(struct world *world, struct sim_job *parts,
                   const struct buy_graph *graph)
{
    struct sim_node *node = &world->nodes[parts->node];
    bool patient =
        WORLD_T0 + world->now_ms <= graph->created_at_ms + PATIENCE_MS;
    if (!graph->draft) { /* approved, and the answer was lost with the node */
        have_decided(parts);
        return;
    }
    if (parts->wish == WISH_DROP || past(world, parts) ||
        (!graph->planned && !patient)) {
        drop(world, parts);
        return;
    }
    if (graph->planned) {
        enum err err = approve(world, parts);
        world_say(world, "people: graph %02x%02x approved: %s",
                  parts->graph_id.b[0], parts->graph_id.b[1], err_name(err));
        if (err == OK)
            have_decided(parts);
        return;
    }
    (void)!buy_graph_replan(node->buy, &parts->graph_id, node_now(world, node),
                            &node->buy_effects);
    (void)node_carry_out(world, node, &node->buy_effects);
}

static void on_look(struct world *world, const struct about *about)
{
    struct sim_job *parts = parts_of(world, about);
    struct sim_node *node = &world->nodes[parts->node];
    const struct buy_graph *graph;
    if (parts->decided || node->gone)
        return;
    world_after(world, LOOK_MS, on_look, about);
    if (!node->up)
        return;
    graph = buy_graph(node->buy, &parts->graph_id);
    if (graph == NULL && (past(world, parts) || parts->wish == WISH_DROP ||
                          buy_job(node->buy, &parts->id) != NULL))
        have_decided(parts); /* died with its node, or came apart with a disk
                                  that was lost */
    else if (graph == NULL)
        (void)submit(world, parts);
    else
        decide(world, parts, graph);
}

static void on_wish(struct world *world, const struct about *about)
{
    struct sim_job *parts = parts_of(world, about);
    struct sim_node *node = &world->nodes[parts->node];
    enum err err;
    if (node->gone || world->healed)
        return;
    if (!node->up) {
        world_after(world, 2000, on_wish, about);
        return;
    }
    make_graph(world, parts, &parts->graph);
    err = submit(world, parts);
    world_say(world, "people: graph %02x%02x: %s", parts->graph_id.b[0],
              parts->graph_id.b[1], err_name(err));
    CHECK(err == OK);
    world_after(world, 1, on_look, about);
}

static void on_cancel(struct world *world, const struct about *about)
{
    struct sim_job *parts = parts_of(world, about);
    struct sim_node *node = &world->nodes[parts->node];
    uint64_t now_ms;
    enum err err;
    if (!parts->submitted || !node->up)
        return;
    now_ms = node_now(world, node);
    if (dice_chance(&world->dice, 500))
        err = buy_graph_cancel(node->buy, &parts->graph_id, now_ms,
                               &node->buy_effects);
    else
        err = buy_cancel(node->buy, &parts[dice_below(&world->dice, PARTS)].id,
                         UINT32_MAX, now_ms, &node->buy_effects);
    (void)node_carry_out(world, node, &node->buy_effects);
    world_say(world, "people: cancel of %02x%02x: %s", parts->graph_id.b[0],
              parts->graph_id.b[1], err_name(err));
}

/* ---- prices ---- */

static void on_price(struct world *world, const struct about *about)
{
    struct sim_node *node = &world->nodes[about->node];
    struct sell_config *config = &node->sell_config;
    if (world->healed || node->gone)
        return;
    world_after(world, dice_between(&world->dice, PRICE_MS / 4, PRICE_MS * 2),
                on_price, about);
    if (!node->up || node->sell == NULL)
        return;
    config->price.cpu_hour =
        amount_micro(dice_between(&world->dice, 10000, 120000));
    world_say(world, "people: %u asks %llu an hour", node->index,
              (unsigned long long)amount_figure(config->price.cpu_hour));
    sell_configure(node->sell, config);
}

/* ---- plans ---- */

/* What has begun is where it was planned, whatever happened to the plan. */
static void look_at_plan(struct world *world, const struct buy_graph *graph)
{
    uint32_t seat = 0;
    for (uint32_t i = 0; i < graph->graph.part_count; i++) {
        for (uint32_t k = 0; k < graph->jobs[i]->task_count; k++, seat++) {
            const struct buy_task *t = &graph->jobs[i]->tasks[k];
            if (graph->planned && t->state >= BUY_HOLDING &&
                t->state <= BUY_PUBLISHING &&
                !pubkey_equal(&t->provider, &graph->plan.places[seat].provider))
                judge_fails(world, "a plan was mended under what runs");
        }
    }
}

static void on_watch(struct world *world, const struct about *about)
{
    struct sim_job *parts = parts_of(world, about);
    struct sim_node *node = &world->nodes[parts->node];
    const struct buy_graph *graph =
        node->up ? buy_graph(node->buy, &parts->graph_id) : NULL;
    if (node->gone)
        return;
    if (!world->healed)
        world_after(world, LOOK_MS, on_watch, about);
    if (graph == NULL || graph->draft)
        return;
    look_at_plan(world, graph);
    if (graph->moved > parts->moved)
        world->moved += graph->moved - parts->moved;
    parts->moved = graph->moved;
}

void graphs_init(struct world *world)
{
    struct dice *dice = &world->dice;
    world->plan.jobs -= world->plan.jobs % PARTS;
    if (world->plan.jobs == 0)
        world->plan.jobs = PARTS;
    for (uint32_t i = 0; i < world->plan.jobs; i += PARTS) {
        struct about about = {.u = i};
        uint64_t at_ms = dice_below(dice, world->plan.chaos_ms / 2);
        uint32_t agents = world->plan.buyers + world->plan.seller_buys;
        uint32_t user = (uint32_t)dice_below(dice, WORLD_USERS);
        uint32_t node = (uint32_t)dice_below(dice, agents);
        for (uint32_t k = 0; k < PARTS; k++) {
            world->jobs[i + k].user = user;
            world->jobs[i + k].node = node;
            world->jobs[i + k].wish =
                dice_chance(dice, 100) ? WISH_DROP : WISH_LOOK;
        }
        world_after(world, at_ms, on_wish, &about);
        world_after(world, at_ms + LOOK_MS, on_watch, &about);
        if (dice_chance(dice, 250))
            world_after(world, at_ms + dice_below(dice, 300000), on_cancel,
                        &about);
    }
    for (uint32_t i = 0; i < world->node_count; i++) {
        struct about about = {.node = i};
        if (world->nodes[i].sells)
            world_after(world, dice_below(dice, PRICE_MS), on_price, &about);
    }
}

/* ---- the judge's part ---- */

/* The record that says a task is done; NULL. */
static const struct contract *done_record(const struct world *world,
                                          const struct hash *request,
                                          uint32_t task)
{
    for (size_t i = 0; i < world->judge.contract_count; i++) {
        const struct contract *c = &world->judge.contracts[i];
        if (hash_equal(&c->request, request) && c->task == task &&
            c->reason == END_DONE &&
            (c->state == CONTRACT_DELIVERED || c->state == CONTRACT_SETTLED))
            return c;
    }
    return NULL;
}

void graphs_judge_open(struct world *world, const struct contract *c)
{
    const struct sim_job *job = people_job(world, &c->request);
    for (uint32_t i = 0; job != NULL && i < job->use_count; i++)
        for (uint32_t k = 0; k < job->uses[i].tasks; k++)
            if (done_record(world, &job->uses[i].request, k) == NULL)
                judge_fails(world, "a part is bought before what it needs is "
                                   "done");
}

void graphs_judge_start(struct world *world, const struct hash *contract,
                        const struct trade_effect *start)
{
    const struct contract *c = NULL;
    const struct sim_job *job;
    const uint8_t *id =
        start->bytes.ptr + start->bytes.len - (size_t)start->code * HASH_LEN;
    uint32_t results = 0;
    for (size_t i = 0; i < world->judge.contract_count && c == NULL; i++)
        if (hash_equal(&world->judge.contracts[i].id, contract))
            c = &world->judge.contracts[i];
    job = c != NULL ? people_job(world, &c->request) : NULL;
    for (uint32_t i = 0; job != NULL && i < job->use_count; i++) {
        for (uint32_t k = 0; k < job->uses[i].tasks; k++, results++) {
            const struct contract *made =
                done_record(world, &job->uses[i].request, k);
            if (made == NULL || results >= start->code ||
                memcmp(id + (size_t)results * HASH_LEN, made->result.b,
                       HASH_LEN) != 0)
                judge_fails(world, "a job starts with other results than the "
                                   "chain has");
        }
    }
    if (job != NULL && results != start->code)
        judge_fails(world, "a job starts with %u results instead of %u",
                    start->code, results);
}
