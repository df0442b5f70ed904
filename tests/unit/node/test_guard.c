/* guard: who may connect, how often, and who may not any more. Also the
 * addresses it counts by. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "node/net/guard.h"

static struct addr_ip v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    uint8_t bytes[4] = {a, b, c, d};

    return addr_ip_make(BYTES_OF(bytes));
}

static struct addr_ip v6(uint8_t site, uint8_t host)
{
    uint8_t bytes[16] = {0x20, 1, 0xd, 0xb8, 0, 0, site, 7, [15] = host};

    return addr_ip_make(BYTES_OF(bytes));
}

static struct guard *make(struct guard_limits limits)
{
    struct guard *guard;

    assert_int_equal(guard_new(&limits, &guard), OK);
    return guard;
}

static void half_open_connections_are_limited_per_neighbourhood(void **state)
{
    struct guard *g = make((struct guard_limits){0});
    struct addr_ip ip = v4(10, 0, 0, 1), other;

    (void)state;
    for (uint8_t i = 0; i < 8; i++) {
        ip = v4(10, 0, 0, i);
        assert_int_equal(guard_accept(g, &ip, 1), OK);
    }
    other = v4(10, 0, 0, 99);
    assert_int_equal(guard_accept(g, &other, 1), ERR_RATE);
    other = v4(10, 0, 1, 99);
    assert_int_equal(guard_accept(g, &other, 1), OK);
    guard_settled(g, &ip);
    other = v4(10, 0, 0, 99);
    assert_int_equal(guard_accept(g, &other, 1), OK);
    guard_free(g);

    g = make((struct guard_limits){.half_open_near = 1});
    ip = v6(1, 1);
    assert_int_equal(guard_accept(g, &ip, 1), OK);
    ip = v6(1, 2); /* the same /56 */
    assert_int_equal(guard_accept(g, &ip, 1), ERR_RATE);
    ip = v6(2, 1);
    assert_int_equal(guard_accept(g, &ip, 1), OK);
    guard_free(g);
}

static void half_open_connections_are_limited_in_all(void **state)
{
    struct guard *g = make((struct guard_limits){0});
    struct addr_ip ip;

    (void)state;
    for (uint8_t i = 0; i < 64; i++) {
        ip = v4(10, 0, i, 1);
        assert_int_equal(guard_accept(g, &ip, 1), OK);
    }
    ip = v4(11, 0, 0, 1);
    assert_int_equal(guard_accept(g, &ip, 1), ERR_RATE);
    assert_int_equal(guard_half_open(g), 64);
    guard_free(g);
}

static void one_address_may_come_so_often_and_no_more(void **state)
{
    struct guard *g =
        make((struct guard_limits){.accept_burst = 5, .accept_per_minute = 60});
    struct addr_ip ip = v4(10, 0, 0, 1), other = v4(10, 0, 0, 2);
    uint64_t now = 1000;

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(guard_accept(g, &ip, now), OK);
        guard_settled(g, &ip);
    }
    assert_int_equal(guard_accept(g, &ip, now), ERR_RATE);
    assert_int_equal(guard_accept(g, &other, now), OK);
    now += 999;
    assert_int_equal(guard_accept(g, &ip, now), ERR_RATE);
    now += 1;
    assert_int_equal(guard_accept(g, &ip, now), OK);
    assert_int_equal(guard_accept(g, &ip, now), ERR_RATE);
    guard_free(g);
}

static void nodes_of_one_machine_do_not_crowd_each_other_out(void **state)
{
    struct guard *g = make((struct guard_limits){.half_open_max = 20});
    struct addr_ip local = v4(127, 0, 0, 1);

    (void)state;
    for (uint64_t i = 0; i < 1000; i++) { /* one after another */
        assert_int_equal(guard_accept(g, &local, 1), OK);
        guard_settled(g, &local);
    }
    for (uint64_t i = 0; i < 20; i++) /* at once */
        assert_int_equal(guard_accept(g, &local, 1), OK);
    assert_int_equal(guard_accept(g, &local, 1), ERR_RATE);
    guard_free(g);

    g = make((struct guard_limits){.ban_loopback = true});
    for (uint64_t i = 0; i < 8; i++)
        assert_int_equal(guard_accept(g, &local, 1), OK);
    assert_int_equal(guard_accept(g, &local, 1), ERR_RATE);
    guard_free(g);
}

static void a_score_becomes_a_ban_and_the_ban_ends(void **state)
{
    struct guard *g = make((struct guard_limits){.ban_ms = 5000});
    struct pubkey node = {{7}}, other = {{8}};
    struct guard_ban ban;

    (void)state;
    assert_int_equal(guard_check_node(g, &node, 0), OK);
    assert_false(guard_score_node(g, &node, 60, "first", 0));
    assert_false(guard_score_node(g, &node, 39, "second", 0));
    assert_int_equal(guard_node_score(g, &node, 0), 99);
    assert_true(guard_score_node(g, &node, 1, "third", 0));
    assert_int_equal(guard_check_node(g, &node, 0), ERR_BANNED);
    assert_int_equal(guard_check_node(g, &other, 0), OK);
    assert_true(guard_ban(g, 0, 1000, &ban));
    assert_true(ban.is_node);
    assert_int_equal(ban.left_ms, 4000);
    assert_string_equal(ban.why, "third");
    assert_false(guard_ban(g, 1, 1000, &ban));
    assert_int_equal(guard_check_node(g, &node, 4999), ERR_BANNED);
    assert_int_equal(guard_check_node(g, &node, 5000), OK);
    assert_false(guard_ban(g, 0, 5000, &ban));
    guard_free(g);
}

static void small_faults_are_forgiven_in_time(void **state)
{
    struct guard *g = make((struct guard_limits){0});
    struct pubkey node = {{7}};

    (void)state;
    assert_false(guard_score_node(g, &node, 50, "x", 0));
    assert_int_equal(guard_node_score(g, &node, 60000), 40);
    assert_int_equal(guard_node_score(g, &node, 600000), 0);
    for (uint64_t now = 600000; now < 6000000; now += 300000)
        assert_false(guard_score_node(g, &node, 50, "x", now));
    guard_free(g);
}

static void a_banned_address_cannot_connect_but_loopback_is_shared(void **state)
{
    struct guard *g = make((struct guard_limits){0});
    struct addr_ip ip = v4(10, 0, 0, 1), local = v4(127, 0, 0, 1);

    (void)state;
    assert_true(guard_score_ip(g, &ip, 100, "garbage", 0));
    assert_int_equal(guard_accept(g, &ip, 0), ERR_BANNED);
    assert_false(guard_score_ip(g, &local, 100, "garbage", 0));
    assert_int_equal(guard_accept(g, &local, 0), OK);
    guard_pardon(g);
    assert_int_equal(guard_accept(g, &ip, 0), OK);
    guard_free(g);
    g = make((struct guard_limits){.ban_loopback = true});
    assert_true(guard_score_ip(g, &local, 100, "garbage", 0));
    assert_int_equal(guard_accept(g, &local, 0), ERR_BANNED);
    guard_free(g);
}

static void a_flood_of_strangers_does_not_lift_a_ban(void **state)
{
    struct guard *g = make((struct guard_limits){0});
    struct addr_ip bad = v4(9, 9, 9, 9), ip;

    (void)state;
    assert_true(guard_score_ip(g, &bad, 100, "garbage", 0));
    for (uint32_t i = 0; i < 5000; i++) {
        ip = v4(20, 0, (uint8_t)(i >> 8), (uint8_t)i);
        if (guard_accept(g, &ip, i) == OK)
            guard_settled(g, &ip);
    }
    assert_int_equal(guard_accept(g, &bad, 5000), ERR_BANNED);
    guard_free(g);
}

/* ---- addresses ---- */

static void an_address_is_host_and_port(void **state)
{
    static const char *bad[] = {"",      "host",    "host:",  "host:x", "h:1x",
                                "h:-1",  "h:65536", "[::1]",  "[::1",   "[]:1",
                                "[h]:1", "a b:1",   "a/b:1",  "h@x:1",  "::1:5",
                                "h:1:2", "h:+1",    "[::1]x1"};
    struct addr_parts parts;
    char text[CHANNEL_ADDR_MAX];

    (void)state;
    assert_int_equal(addr_parse("example.org:7741", &parts), OK);
    assert_string_equal(parts.host, "example.org");
    assert_int_equal(parts.port, 7741);
    assert_int_equal(addr_parse("[2001:db8::1]:0", &parts), OK);
    assert_string_equal(parts.host, "2001:db8::1");
    addr_join(&parts, text);
    assert_string_equal(text, "[2001:db8::1]:0");
    assert_int_equal(addr_parse(":80", &parts), OK);
    assert_true(addr_host_is_any(parts.host));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(addr_parse(bad[i], &parts), ERR_PARSE);
}

static void an_address_for_all_becomes_the_one_seen(void **state)
{
    char text[CHANNEL_ADDR_MAX];

    (void)state;
    addr_resolve("0.0.0.0:7741", "10.1.2.3:55555", text);
    assert_string_equal(text, "10.1.2.3:7741");
    addr_resolve("[::]:7741", "[2001:db8::9]:1", text);
    assert_string_equal(text, "[2001:db8::9]:7741");
    addr_resolve("example.org:7741", "10.1.2.3:55555", text);
    assert_string_equal(text, "example.org:7741");
    addr_resolve("", "10.1.2.3:55555", text);
    assert_string_equal(text, "");
    addr_resolve("0.0.0.0:0", "10.1.2.3:55555", text);
    assert_string_equal(text, "");
}

static void addresses_are_written_as_people_read_them(void **state)
{
    struct addr_ip ip = v4(10, 1, 2, 3);
    char text[CHANNEL_ADDR_MAX];

    (void)state;
    addr_format(&ip, 80, text);
    assert_string_equal(text, "10.1.2.3:80");
    ip = v6(1, 9);
    addr_format(&ip, 80, text);
    assert_string_equal(text, "[2001:db8:0:107::9]:80");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_open_connections_are_limited_per_neighbourhood),
        cmocka_unit_test(half_open_connections_are_limited_in_all),
        cmocka_unit_test(one_address_may_come_so_often_and_no_more),
        cmocka_unit_test(nodes_of_one_machine_do_not_crowd_each_other_out),
        cmocka_unit_test(a_score_becomes_a_ban_and_the_ban_ends),
        cmocka_unit_test(small_faults_are_forgiven_in_time),
        cmocka_unit_test(
            a_banned_address_cannot_connect_but_loopback_is_shared),
        cmocka_unit_test(a_flood_of_strangers_does_not_lift_a_ban),
        cmocka_unit_test(an_address_is_host_and_port),
        cmocka_unit_test(an_address_for_all_becomes_the_one_seen),
        cmocka_unit_test(addresses_are_written_as_people_read_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
