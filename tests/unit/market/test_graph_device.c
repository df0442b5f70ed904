/* Graphs whose parts want devices and bandwidth of the network interface:
 * counted over all that is placed on the same offer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/dice.h"
#include "market/graph/graph_desk.h"
#include "tests/unit/market/book_sample.h"
#include "tests/unit/market/graph_sample.h"

#define NOW 1000u

static struct graph graph;
static struct request requests[GRAPH_PARTS_MAX];
static struct graph_ask ask;
static struct graph_plan plan;
static char why[256];

/* Provider k costs k credits a core-hour, so the first is the cheapest. */
static struct offer offer_of(unsigned k)
{
    struct offer o = sample_offer(k, NOW);
    o.price.cpu_hour = amount_micro(k * UINT64_C(1000000));
    return o;
}

static void add_group(struct offer *o, const char *model, uint32_t count,
                      uint64_t hour)
{
    struct device_group *g = &o->devices.groups[o->devices.group_count++];
    *g = (struct device_group){
        .kind = DEVICE_GPU, .count = count, .hour = amount_micro(hour)};
    (void)snprintf(g->model, sizeof(g->model), "%s", model);
    devices_all_free(&o->devices);
}

static void begin(uint32_t parts, const char *devices)
{
    sample_graph(&graph, parts);
    memset(&ask, 0, sizeof(ask));
    ask.self = (struct pubkey){{0xa0}};
    for (uint32_t i = 0; i < parts; i++) {
        requests[i] = sample_request(1);
        requests[i].resources = (struct resources){100, 16, 16, 0};
        if (devices != NULL)
            assert_int_equal(device_wish_parse(devices, &requests[i].devices),
                             OK);
        ask.requests[i] = &requests[i];
    }
}

static enum err make(struct sample *s)
{
    ask.seat_count = 0;
    graph_seats(&graph, &ask);
    arena_reset(&s->arena);
    return graph_plan_make(s->book, &ask, NOW, &s->arena, &plan, why);
}

static unsigned at(uint32_t seat)
{
    return plan.places[seat].provider.b[0];
}

static void a_device_is_not_planned_twice_at_the_same_time(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 2; k++) {
        struct offer o = offer_of(k);
        add_group(&o, "t4", 1, 3000000);
        sample_put(s, &o, NOW);
    }
    begin(2, "gpu");
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 2);
    begin(3, "gpu");
    assert_int_equal(make(s), ERR_NO_OFFER);
    assert_non_null(strstr(why, "devices"));
}

static void what_comes_later_finds_the_device_free_again(void **state)
{
    struct sample *s = *state;
    struct offer o = offer_of(1);
    add_group(&o, "t4", 1, 3000000);
    sample_put(s, &o, NOW);
    begin(2, "gpu");
    sample_link(&graph, 0, 1);
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 1);
}

static void shares_that_are_left_do_not_add_up_to_one(void **state)
{
    struct sample *s = *state;
    struct offer o = offer_of(1);
    add_group(&o, "t4", 2, 3000000);
    sample_put(s, &o, NOW);
    begin(3, "gpu:t4:0.6"); /* 0.4 and 0.4 are left of two */
    assert_int_equal(make(s), ERR_NO_OFFER);
    begin(2, "gpu:t4:0.6");
    assert_int_equal(make(s), OK);
    begin(4, "gpu:t4:0.5");
    assert_int_equal(make(s), OK);
    begin(5, "gpu:t4:0.5");
    assert_int_equal(make(s), ERR_NO_OFFER);
}

static void the_bill_is_that_of_the_devices_that_are_left(void **state)
{
    struct sample *s = *state;
    struct offer o = offer_of(1);
    add_group(&o, "t4", 1, 3000000);
    add_group(&o, "a100", 1, 9000000);
    sample_put(s, &o, NOW);
    begin(2, "gpu");
    assert_int_equal(make(s), OK);
    assert_int_equal(plan.places[0].hour.micro, 100018 + 3000000);
    assert_int_equal(plan.places[1].hour.micro, 100018 + 9000000);
    assert_true(amount_cmp(plan.places[1].bill, plan.places[0].bill) > 0);
    ask.cap[1] = plan.places[0].bill; /* no more than the cheap one */
    assert_int_equal(make(s), ERR_NO_OFFER);
    ask.cap[1] = amount_micro(0);
    requests[1].price_max = plan.places[0].bill;
    assert_int_equal(make(s), ERR_NO_OFFER);
}

static void it_goes_elsewhere_where_that_is_cheaper_than_what_is_left(
    void **state)
{
    struct sample *s = *state;
    struct offer o = offer_of(1);
    struct offer other = offer_of(2);
    add_group(&o, "t4", 1, 3000000);
    add_group(&o, "a100", 1, 9000000);
    sample_put(s, &o, NOW);
    add_group(&other, "t4", 1, 3500000);
    sample_put(s, &other, NOW);
    begin(2, "gpu");
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0) + at(1), 3);
}

static void the_network_interface_is_counted_once(void **state)
{
    struct sample *s = *state;
    for (unsigned k = 1; k <= 2; k++) {
        struct offer o = offer_of(k);
        o.total.nic_kbit = o.free.nic_kbit = 100000;
        sample_put(s, &o, NOW);
    }
    begin(2, NULL);
    requests[0].resources.nic_kbit = requests[1].resources.nic_kbit = 60000;
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0) + at(1), 3);
    requests[1].resources.nic_kbit = 40000;
    assert_int_equal(make(s), OK);
    assert_int_equal(at(0), 1);
    assert_int_equal(at(1), 1);
    graph.parts[0].together = graph.parts[1].together = 1;
    requests[1].resources.nic_kbit = 40001;
    assert_int_equal(make(s), ERR_NO_OFFER);
}

/* ---- the judge ---- */

static struct desk desk;
static struct desk_node nodes[2];
static struct devices cards; /* two t4, one a100 */

static void seat_at_cards(uint32_t seat, uint32_t mask, uint32_t group)
{
    desk.best_node[seat] = 1;
    desk.best_share[seat] =
        (struct desk_share){.devices = mask, .group = group};
}

static void judge_begin(const char *wish)
{
    struct offer o = offer_of(1);
    add_group(&o, "t4", 2, 1);
    add_group(&o, "a100", 1, 1);
    begin(2, wish);
    graph_seats(&graph, &ask);
    cards = o.devices;
    memset(&desk, 0, sizeof(desk));
    memset(nodes, 0, sizeof(nodes));
    nodes[1].devices = &cards;
    desk.ask = &ask;
    desk.nodes = nodes;
    desk.node_count = 2;
}

static void the_judge_sees_a_device_given_twice(void **state)
{
    (void)state;
    judge_begin("gpu:t4");
    seat_at_cards(0, 1, 0);
    seat_at_cards(1, 2, 0);
    assert_true(desk_devices_hold(&desk));
    seat_at_cards(1, 1, 0);
    assert_false(desk_devices_hold(&desk));
    desk.parts[1].level = 1; /* one after the other */
    assert_true(desk_devices_hold(&desk));
    desk.parts[1].level = 0;
    ask.seats[1].fixed = true; /* what it has is not free any more */
    assert_true(desk_devices_hold(&desk));
    cards.free_milli[0] = 999;
    assert_false(desk_devices_hold(&desk));
}

static void the_judge_sees_shares_that_do_not_fit(void **state)
{
    (void)state;
    judge_begin("gpu:t4:0.5");
    seat_at_cards(0, 1, 0);
    seat_at_cards(1, 1, 0);
    assert_true(desk_devices_hold(&desk));
    requests[1].devices.milli = 501;
    assert_false(desk_devices_hold(&desk));
}

static void the_judge_sees_what_was_not_wished_for(void **state)
{
    (void)state;
    judge_begin("gpu:t4");
    seat_at_cards(0, 1, 0);
    seat_at_cards(1, 4, 1); /* an a100 */
    assert_false(desk_devices_hold(&desk));
    seat_at_cards(1, 4, 0); /* that is said to be a t4 */
    assert_false(desk_devices_hold(&desk));
    seat_at_cards(1, 0, 0); /* none */
    assert_false(desk_devices_hold(&desk));
    requests[1].devices = (struct device_wish){.count = 0};
    assert_true(desk_devices_hold(&desk));
    seat_at_cards(1, 2, 0); /* one that nobody asked for */
    assert_false(desk_devices_hold(&desk));
    desk.best_node[0] = 0; /* where there are none */
    assert_false(desk_devices_hold(&desk));
}

/* ---- against every layout there is ---- */

#define PROVIDERS 3u

/* Provider k has cards[k] whole devices and nic[k] kbit/s, part i wants
 * wants[i] devices and needs[i] kbit/s, and costs k + 1 at k. */
struct town {
    uint32_t cards[PROVIDERS];
    uint32_t nic[PROVIDERS];
    uint32_t parts;
    uint32_t wants[5];
    uint32_t needs[5];
};

static uint32_t least_of_all(const struct town *t)
{
    uint32_t least = UINT32_MAX;
    uint32_t layouts = 1;
    for (uint32_t i = 0; i < t->parts; i++)
        layouts *= PROVIDERS;
    for (uint32_t code = 0; code < layouts; code++) {
        uint32_t taken[PROVIDERS] = {0};
        uint32_t sent[PROVIDERS] = {0};
        uint32_t sum = 0;
        bool good = true;
        for (uint32_t i = 0, rest = code; i < t->parts;
             i++, rest /= PROVIDERS) {
            taken[rest % PROVIDERS] += t->wants[i];
            sent[rest % PROVIDERS] += t->needs[i];
            sum += rest % PROVIDERS + 1;
        }
        for (uint32_t k = 0; k < PROVIDERS; k++)
            good = good && taken[k] <= t->cards[k] && sent[k] <= t->nic[k];
        if (good && sum < least)
            least = sum;
    }
    return least;
}

static void town_sell(struct sample *s, struct dice *dice, struct town *t,
                      uint64_t version)
{
    for (uint32_t k = 0; k < PROVIDERS; k++) {
        struct offer o = sample_offer(k + 1, version);
        t->cards[k] = (uint32_t)dice_between(dice, 0, 5);
        t->nic[k] = (uint32_t)dice_between(dice, 100, 500);
        o.price = sample_price((k + 1) * UINT64_C(60000000), 0, 0);
        o.total.nic_kbit = o.free.nic_kbit = t->nic[k];
        if (t->cards[k] > 0)
            add_group(&o, "t4", t->cards[k], 0);
        sample_put(s, &o, NOW);
    }
}

static void town_ask(struct dice *dice, struct town *t)
{
    t->parts = (uint32_t)dice_between(dice, 2, 5);
    begin(t->parts, NULL);
    for (uint32_t i = 0; i < t->parts; i++) {
        t->wants[i] = (uint32_t)dice_between(dice, 0, 3);
        t->needs[i] = (uint32_t)dice_between(dice, 0, 200);
        requests[i].resources.nic_kbit = t->needs[i];
        if (t->wants[i] > 0)
            requests[i].devices = (struct device_wish){
                .kind = DEVICE_GPU, .count = t->wants[i], .milli = 1000};
    }
}

static void devices_and_bandwidth_are_planned_as_well_as_can_be(void **state)
{
    struct sample *s = *state;
    uint32_t none = 0;
    struct dice dice;
    dice_init(&dice, 26);
    for (uint32_t round = 0; round < 300; round++) {
        struct town t;
        uint32_t least;
        uint32_t sum = 0;
        town_sell(s, &dice, &t, NOW + round);
        town_ask(&dice, &t);
        least = least_of_all(&t);
        if (least == UINT32_MAX) {
            none++;
            assert_int_equal(make(s), ERR_NO_OFFER);
            continue;
        }
        assert_int_equal(make(s), OK);
        for (uint32_t i = 0; i < t.parts; i++)
            sum += at(i);
        assert_int_equal(sum, least);
    }
    assert_in_range(none, 20, 280);
}

#define T(name)                                                                \
    cmocka_unit_test_setup_teardown(name, sample_setup, sample_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_device_is_not_planned_twice_at_the_same_time),
        T(what_comes_later_finds_the_device_free_again),
        T(shares_that_are_left_do_not_add_up_to_one),
        T(the_bill_is_that_of_the_devices_that_are_left),
        T(it_goes_elsewhere_where_that_is_cheaper_than_what_is_left),
        T(the_network_interface_is_counted_once),
        cmocka_unit_test(the_judge_sees_a_device_given_twice),
        cmocka_unit_test(the_judge_sees_shares_that_do_not_fit),
        cmocka_unit_test(the_judge_sees_what_was_not_wished_for),
        T(devices_and_bandwidth_are_planned_as_well_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
