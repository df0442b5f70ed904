/* Graphs of jobs at the buyer, and jobs that use results of others. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

#define PARTS 3u

/* first -> second -> third, each reading the one before. */
struct trio {
    struct graph graph;
    struct request requests[PARTS];
    struct spec specs[PARTS];
    struct spec_use uses[PARTS];
    struct buf request_bytes[PARTS];
    struct buf spec_bytes[PARTS];
    struct buy_part parts[PARTS];
    struct hash id;
};

static void make_part(struct trio *trio, uint32_t i)
{
    static const char *const names[PARTS] = {"first", "second", "third"};
    struct hash chain = rig_chain();
    trio->specs[i] = rig_spec();
    if (i > 0) {
        trio->uses[i] = (struct spec_use){trio->graph.parts[i - 1].request, 1,
                                          BYTES_LIT("before")};
        trio->specs[i].uses = &trio->uses[i];
        trio->specs[i].use_count = 1;
        trio->graph.links[trio->graph.link_count++] = (struct graph_link){
            .from = (uint8_t)(i - 1), .to = (uint8_t)i, .order = true};
    }
    trio->requests[i] = rig_request(1);
    trio->requests[i].salt[0] = (uint8_t)i;
    rig_spec_bytes(&trio->specs[i], &trio->spec_bytes[i]);
    spec_hash(buf_bytes(&trio->spec_bytes[i]), &trio->requests[i].spec);
    rig_request_bytes(&trio->requests[i], &trio->request_bytes[i]);
    snprintf(trio->graph.parts[i].name, LIMIT_NAME, "%s", names[i]);
    trio->graph.parts[i].tasks = 1;
    assert_int_equal(
        request_id(&trio->requests[i], &chain, &trio->graph.parts[i].request),
        OK);
    trio->parts[i] = (struct buy_part){buf_bytes(&trio->request_bytes[i]),
                                       buf_bytes(&trio->spec_bytes[i])};
}

static void make_trio(struct trio *trio)
{
    memset(trio, 0, sizeof(*trio));
    trio->graph.part_count = PARTS;
    for (uint32_t i = 0; i < PARTS; i++)
        make_part(trio, i);
}

static void trio_done(struct trio *trio)
{
    for (uint32_t i = 0; i < PARTS; i++) {
        buf_done(&trio->request_bytes[i]);
        buf_done(&trio->spec_bytes[i]);
    }
}

static enum err submit_trio(struct desk *desk, struct trio *trio)
{
    struct buf bytes;
    enum err err;
    buf_init(&bytes, GRAPH_BYTES_MAX);
    assert_int_equal(graph_encode(&trio->graph, &bytes), OK);
    err = buy_graph_submit(desk->buy, buf_bytes(&bytes), trio->parts, PARTS,
                           desk->now_ms, &desk->fx, &trio->id);
    rig_disk_take(&desk->disk, &desk->fx);
    buf_done(&bytes);
    return err;
}

static enum err approve_trio(struct desk *desk, struct trio *trio,
                             uint32_t count, enum rig_actor signer)
{
    struct hash chain = rig_chain();
    struct buf bufs[PARTS];
    struct bytes list[PARTS];
    enum err err;
    for (uint32_t i = 0; i < PARTS; i++) {
        struct approval approval = {.request = trio->graph.parts[i].request,
                                    .task_cap = amount_micro(1000000),
                                    .expires_at_ms = RIG_T0 + 3600000};
        assert_int_equal(approval_sign(&approval, &chain,
                                       rig_signer(i == 1 ? signer : RIG_BUYER)),
                         OK);
        buf_init(&bufs[i], APPROVAL_BYTES_MAX);
        assert_int_equal(approval_encode(&approval, &bufs[i]), OK);
        list[i] = buf_bytes(&bufs[i]);
    }
    err = buy_graph_approve(desk->buy, &trio->id, list, count, desk->now_ms,
                            &desk->fx);
    rig_disk_take(&desk->disk, &desk->fx);
    for (uint32_t i = 0; i < PARTS; i++)
        buf_done(&bufs[i]);
    return err;
}

static const struct buy_graph *shown(const struct desk *desk,
                                     const struct trio *trio)
{
    const struct buy_graph *graph = buy_graph(desk->buy, &trio->id);
    assert_non_null(graph);
    return graph;
}

static void part_is(const struct desk *desk, const struct trio *trio,
                    uint32_t part, enum buy_state state)
{
    const struct buy_task *t = &shown(desk, trio)->jobs[part]->tasks[0];
    if (t->state != state)
        fail_msg("part %u is %s, not %s (%s)", part, buy_state_text(t->state),
                 buy_state_text(state), t->reason);
}

/* The part runs at the cheaper seller. */
static void run(struct desk *desk, struct trio *trio, uint32_t part)
{
    desk->request = trio->requests[part];
    desk->id = trio->graph.parts[part].request;
    desk->quote = make_quote(desk, RIG_SELLER, 0, 0);
    send_quote(desk, RIG_SELLER, &desk->quote);
    desk->contract = rig_contract(&desk->quote, desk->now_ms);
    chain_says(desk);
    desk->now_ms += 1000;
    seller_says(desk, JOB_RUNNING, 0);
}

/* The way of the part at the cheaper seller, up to its delivery. */
static void deliver(struct desk *desk, struct trio *trio, uint32_t part,
                    enum end_reason reason)
{
    run(desk, trio, part);
    desk->contract.state = CONTRACT_DELIVERED;
    desk->contract.reason = reason;
    desk->contract.exit_code = reason == END_DONE ? 0 : 3;
    desk->contract.result = rig_hash((uint8_t)(0x50 + part));
    desk->contract.log = rig_hash(0x42);
    desk->contract.until_ms = desk->now_ms + 600000;
    chain_says(desk);
}

static void finish(struct desk *desk)
{
    fetched(desk, desk->contract.result, OK);
    fetched(desk, desk->contract.log, OK);
    settle(desk, desk->contract.reason, 0);
}

static void it_is_planned_before_it_is_approved(void **state)
{
    struct desk *desk = *state;
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct trio trio;
    make_trio(&trio);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_false(shown(desk, &trio)->planned);
    assert_true(shown(desk, &trio)->why[0] != '\0');
    put_offers(desk);
    assert_int_equal(
        buy_graph_replan(desk->buy, &trio.id, desk->now_ms, &desk->fx), OK);
    assert_true(shown(desk, &trio)->planned);
    assert_true(shown(desk, &trio)->draft);
    for (uint32_t i = 0; i < PARTS; i++)
        assert_true(pubkey_equal(&shown(desk, &trio)->plan.places[i].provider,
                                 &seller));
    at(desk, desk->now_ms + 2000);
    assert_null(rig_sent(&desk->fx, WIRE_HOLD)); /* nobody is asked yet */
    trio_done(&trio);
}

static void each_part_waits_for_the_one_before(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    part_is(desk, &trio, 0, BUY_HOLDING);
    part_is(desk, &trio, 1, BUY_WAITING);
    at(desk, desk->now_ms + 1000);
    part_is(desk, &trio, 1, BUY_WAITING);
    assert_string_equal(shown(desk, &trio)->jobs[1]->tasks[0].reason,
                        "waits for first");
    deliver(desk, &trio, 0, END_DONE);
    at(desk, desk->now_ms + 200); /* delivered is enough: it need not be here */
    part_is(desk, &trio, 1, BUY_HOLDING);
    part_is(desk, &trio, 2, BUY_WAITING);
    trio_done(&trio);
}

static void its_provider_is_let_to_what_it_uses(void **state)
{
    struct desk *desk = *state;
    struct wire_grant grant;
    struct pubkey other = rig_key_of(RIG_OTHER);
    struct arena arena;
    struct trio trio;
    struct hash result;
    bool shared = false;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    deliver(desk, &trio, 0, END_DONE);
    result = desk->contract.result;
    finish(desk);
    at(desk, desk->now_ms + 200);
    desk->id = trio.graph.parts[1].request; /* the first says no */
    refuse_hold(desk, RIG_SELLER, 0, ERR_FUNDS);
    assert_true(asks(desk, RIG_OTHER));
    desk->request = trio.requests[1];
    desk->quote = make_quote(desk, RIG_OTHER, 0, 0);
    send_quote(desk, RIG_OTHER, &desk->quote);
    desk->contract = rig_contract(&desk->quote, desk->now_ms);
    chain_says(desk);
    arena_init(&arena, 4096);
    assert_int_equal(
        wire_grant_decode(rig_need_sent(&desk->fx, WIRE_GRANT), &arena, &grant),
        OK);
    arena_done(&arena);
    assert_true(pubkey_equal(&grant.reader, &other));
    for (size_t i = 0; i < desk->fx.count; i++)
        shared |= desk->fx.list[i].kind == EFFECT_SHARE &&
                  hash_equal(&desk->fx.list[i].id, &result) &&
                  pubkey_equal(&desk->fx.list[i].peer, &other);
    assert_true(shared); /* our copy, should the maker be gone */
    assert_int_equal(shown(desk, &trio)->replans, 1);
    trio_done(&trio);
}

static void what_needs_a_failed_part_fails_unpaid(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    deliver(desk, &trio, 0, END_JOB_FAILED);
    finish(desk);
    at(desk, desk->now_ms + 200);
    at(desk, desk->now_ms + 200);
    part_is(desk, &trio, 0, BUY_FAILED);
    part_is(desk, &trio, 1, BUY_FAILED);
    part_is(desk, &trio, 2, BUY_FAILED);
    assert_string_equal(shown(desk, &trio)->jobs[1]->tasks[0].reason,
                        "not begun, nothing paid: first, which it needs, ended "
                        "FAILED");
    assert_int_equal(shown(desk, &trio)->state, BUY_FAILED);
    assert_int_not_equal(shown(desk, &trio)->ended_at_ms, 0);
    trio_done(&trio);
}

static void a_restart_knows_all_of_it(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    struct pubkey seller = rig_key_of(RIG_SELLER);
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    deliver(desk, &trio, 0, END_DONE);
    restart(desk);
    put_offers(desk);
    at(desk, desk->now_ms + 200);
    assert_false(shown(desk, &trio)->draft);
    assert_true(
        pubkey_equal(&shown(desk, &trio)->plan.places[2].provider, &seller));
    part_is(desk, &trio, 0, BUY_DELIVERED);
    at(desk, desk->now_ms + 200);
    part_is(desk, &trio, 1, BUY_HOLDING);
    part_is(desk, &trio, 2, BUY_WAITING);
    assert_null(buy_graph_next(desk->buy, shown(desk, &trio)));
    trio_done(&trio);
}

static void a_draft_dies_with_the_node(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    restart(desk);
    at(desk, desk->now_ms + 200);
    assert_null(buy_graph(desk->buy, &trio.id));
    assert_null(buy_job_at(desk->buy, 0));
    assert_int_equal(desk->disk.count, 0);
    trio_done(&trio);
}

static void a_lost_part_leaves_the_others_alone(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    for (size_t i = 0; i < desk->disk.count; i++)
        if (strstr(desk->disk.records[i].key, "/job") != NULL) {
            rig_disk_put(&desk->disk, desk->disk.records[i].key,
                         (struct bytes){.ptr = NULL});
            break;
        }
    restart(desk);
    at(desk, desk->now_ms + 200);
    assert_null(buy_graph(desk->buy, &trio.id));
    for (size_t i = 0; i < desk->disk.count; i++)
        assert_null(strstr(desk->disk.records[i].key, "/graph"));
    assert_non_null(buy_job_at(desk->buy, 1));
    trio_done(&trio);
}

static void approvals_are_taken_all_or_none(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, 2, RIG_BUYER), ERR_TERMS);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_OTHER),
                     ERR_SIGNATURE);
    for (uint32_t i = 0; i < PARTS; i++)
        assert_false(shown(desk, &trio)->jobs[i]->approved);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), ERR_STATE);
    trio_done(&trio);
}

static void a_graph_is_taken_whole_or_not(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    trio.graph.parts[2].request = rig_hash(0x77);
    assert_int_equal(submit_trio(desk, &trio), ERR_TERMS);
    assert_null(buy_job_at(desk->buy, 0));
    trio_done(&trio);
    make_trio(&trio);
    trio.graph.link_count = 1; /* the third uses what is not before it */
    assert_int_equal(submit_trio(desk, &trio), ERR_NOT_FOUND);
    assert_null(buy_job_at(desk->buy, 0));
    trio_done(&trio);
    make_trio(&trio);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(submit_trio(desk, &trio), ERR_EXISTS);
    assert_int_equal(
        buy_graph_drop(desk->buy, &trio.id, desk->now_ms, &desk->fx), OK);
    assert_null(buy_job_at(desk->buy, 0));
    trio_done(&trio);
}

static void no_part_of_a_graph_waits_in_a_queue(void **state)
{
    struct desk *desk = *state;
    struct hash chain = rig_chain();
    struct trio trio;
    make_trio(&trio);
    trio.requests[2].patience_ms = 1;
    buf_done(&trio.request_bytes[2]);
    rig_request_bytes(&trio.requests[2], &trio.request_bytes[2]);
    trio.parts[2].request = buf_bytes(&trio.request_bytes[2]);
    assert_int_equal(
        request_id(&trio.requests[2], &chain, &trio.graph.parts[2].request),
        OK);
    assert_int_equal(submit_trio(desk, &trio), ERR_TERMS);
    assert_null(buy_job_at(desk->buy, 0));
    trio_done(&trio);
}

static void all_of_it_is_cancelled_and_forgotten(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    assert_int_equal(buy_erase(desk->buy, &trio.graph.parts[0].request,
                               desk->now_ms, &desk->fx),
                     ERR_STATE);
    assert_int_equal(
        buy_graph_erase(desk->buy, &trio.id, desk->now_ms, &desk->fx),
        ERR_STATE);
    assert_int_equal(
        buy_graph_cancel(desk->buy, &trio.id, desk->now_ms, &desk->fx), OK);
    rig_disk_take(&desk->disk, &desk->fx);
    assert_int_equal(shown(desk, &trio)->state, BUY_CANCELLED);
    at(desk, desk->now_ms + 200);
    assert_int_equal(
        buy_graph_cancel(desk->buy, &trio.id, desk->now_ms, &desk->fx),
        ERR_STATE);
    assert_int_equal(
        buy_graph_erase(desk->buy, &trio.id, desk->now_ms, &desk->fx), OK);
    rig_disk_take(&desk->disk, &desk->fx);
    assert_null(buy_job_at(desk->buy, 0));
    assert_int_equal(desk->disk.count, 0);
    trio_done(&trio);
}

/* ---- plans that are kept ---- */

static bool is_planned_at(const struct desk *desk, const struct trio *trio,
                          uint32_t part, enum rig_actor seller)
{
    struct pubkey key = rig_key_of(seller);
    return pubkey_equal(&shown(desk, trio)->plan.places[part].provider, &key);
}

static void what_has_not_begun_leaves_a_place_that_does_not_hold(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    run(desk, &trio, 0);
    assert_int_equal(shown(desk, &trio)->replans, 0);
    put_offer(desk, RIG_SELLER, 2000000000); /* above what was approved */
    at(desk, desk->now_ms + 10000);
    part_is(desk, &trio, 0, BUY_RUNNING);
    assert_true(is_planned_at(desk, &trio, 0, RIG_SELLER));
    assert_true(is_planned_at(desk, &trio, 1, RIG_OTHER));
    assert_true(is_planned_at(desk, &trio, 2, RIG_OTHER));
    assert_int_equal(shown(desk, &trio)->moved, 2);
    assert_int_equal(shown(desk, &trio)->replans, 1);
    assert_int_equal(shown(desk, &trio)->level, ADJUST_MOVE);
    assert_int_equal(shown(desk, &trio)->moves_left,
                     adjust_terms_default.budget_moves);
    at(desk, desk->now_ms + 10000);
    assert_int_equal(shown(desk, &trio)->replans, 1);
    trio_done(&trio);
}

static void a_place_that_is_busy_before_its_turn_is_kept(void **state)
{
    struct desk *desk = *state;
    struct resources none = {0};
    struct pubkey seller = rig_key_of(RIG_SELLER);
    struct trio trio;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    run(desk, &trio, 0);
    book_free_set(buy_book(desk->buy), &seller, &none, desk->now_ms);
    at(desk, desk->now_ms + 10000);
    assert_true(is_planned_at(desk, &trio, 1, RIG_SELLER));
    assert_int_equal(shown(desk, &trio)->replans, 0);
    trio_done(&trio);
}

static void a_much_better_offer_is_taken_within_the_budget(void **state)
{
    struct desk *desk = *state;
    struct trio trio;
    uint32_t moved;
    make_trio(&trio);
    put_offers(desk);
    assert_int_equal(submit_trio(desk, &trio), OK);
    assert_int_equal(approve_trio(desk, &trio, PARTS, RIG_BUYER), OK);
    run(desk, &trio, 0);
    put_offer(desk, RIG_OTHER, 5000);
    at(desk, desk->now_ms + 10000);
    moved = is_planned_at(desk, &trio, 1, RIG_OTHER) +
            is_planned_at(desk, &trio, 2, RIG_OTHER);
    assert_int_equal(moved, 1);
    assert_int_equal(shown(desk, &trio)->moved, 1);
    assert_int_equal(shown(desk, &trio)->moves_left,
                     adjust_terms_default.budget_moves - 1);
    at(desk, desk->now_ms + 10000); /* the cool-down */
    assert_int_equal(shown(desk, &trio)->moved, 1);
    put_offer(desk, RIG_OTHER, 80000); /* no way back of its own will */
    for (unsigned i = 0; i < 6; i++)
        at(desk, desk->now_ms + 10000);
    restart(desk);
    put_offer(desk, RIG_SELLER, 20000); /* the other is not gone, only late */
    at(desk, desk->now_ms + 50000);
    put_offer(desk, RIG_SELLER, 20000);
    put_offer(desk, RIG_OTHER, 80000);
    at(desk, desk->now_ms + 20000);
    assert_int_equal(shown(desk, &trio)->moved, 1);
    assert_int_equal(shown(desk, &trio)->moves_left,
                     adjust_terms_default.budget_moves - 1);
    trio_done(&trio);
}

/* ---- jobs outside of graphs ---- */

static enum err submit_user(struct desk *desk, struct hash of, uint32_t tasks)
{
    static struct spec_use use;
    struct hash before = desk->id;
    enum err err;
    struct buf bytes;
    use = (struct spec_use){of, tasks, BYTES_LIT("x")};
    desk->spec.uses = &use;
    desk->spec.use_count = 1;
    rig_spec_bytes(&desk->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &desk->request.spec);
    buf_done(&bytes);
    desk->request.salt[5]++;
    err = submit(desk);
    if (err != OK)
        desk->id = before;
    return err;
}

static void a_job_may_use_one_that_is_done(void **state)
{
    struct desk *desk = *state;
    struct hash first;
    to_done(desk);
    first = desk->id;
    assert_int_equal(submit_user(desk, rig_hash(0x66), 1), ERR_NOT_FOUND);
    assert_int_equal(submit_user(desk, first, 2), ERR_NOT_FOUND);
    assert_int_equal(submit_user(desk, first, 1), OK);
    state_is(desk, BUY_HOLDING); /* nothing to wait for */
    assert_int_equal(buy_erase(desk->buy, &first, desk->now_ms, &desk->fx),
                     ERR_STATE); /* it is still needed */
    assert_int_equal(cancel(desk, 0), OK);
    assert_int_equal(buy_erase(desk->buy, &first, desk->now_ms, &desk->fx), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_is_planned_before_it_is_approved),
        T(each_part_waits_for_the_one_before),
        T(its_provider_is_let_to_what_it_uses),
        T(what_needs_a_failed_part_fails_unpaid),
        T(a_restart_knows_all_of_it),
        T(a_draft_dies_with_the_node),
        T(a_lost_part_leaves_the_others_alone),
        T(approvals_are_taken_all_or_none),
        T(a_graph_is_taken_whole_or_not),
        T(no_part_of_a_graph_waits_in_a_queue),
        T(all_of_it_is_cancelled_and_forgotten),
        T(what_has_not_begun_leaves_a_place_that_does_not_hold),
        T(a_place_that_is_busy_before_its_turn_is_kept),
        T(a_much_better_offer_is_taken_within_the_budget),
        T(a_job_may_use_one_that_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
