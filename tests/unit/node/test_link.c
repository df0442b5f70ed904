/* link: nodes on loopback, and people who mean no good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/node/net_help.h"

static uv_loop_t loop;
static struct node_under_test a, b, c;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    node_init(&a);
    node_init(&b);
    node_init(&c);
    return 0;
}

/* Every test ends with everything closed and a loop that holds nothing. */
static int tear_down(void **state)
{
    struct node_under_test *all[] = {&a, &b, &c};

    (void)state;
    for (int i = 0; i < 3; i++)
        if (all[i]->net != NULL)
            node_close(all[i]);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    for (int i = 0; i < 3; i++)
        assert_null(all[i]->net);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

/* a dials b; both are up. */
static void start_pair(void)
{
    node_start(&loop, &a);
    node_start(&loop, &b);
    assert_int_equal(net_dial(a.net, net_listen_addr(b.net), node_id(&b)), OK);
    RUN_UNTIL(&loop, 3000, a.ups == 1 && b.ups == 1);
}

static struct net_peer *peer_of(struct node_under_test *n,
                                const struct node_under_test *other)
{
    struct net_peer *peer = net_find(n->net, node_id(other));

    assert_non_null(peer);
    return peer;
}

/* ---- friends ---- */

static void two_nodes_meet_and_know_each_other(void **state)
{
    struct net_peer_info info;
    char text[CHANNEL_ADDR_MAX];
    struct net_peer *peer;

    (void)state;
    start_pair();
    net_set_bulk(a.net, "0.0.0.0:9999");
    peer = peer_of(&a, &b);
    assert_int_equal(net_peer_identity(peer)->height, 77);
    assert_int_equal(net_peer_identity(peer)->roles, CHANNEL_ROLE_PROVIDER);
    assert_string_equal(net_peer_identity(peer)->agent, "suan/test");
    net_peer_listen(peer, text);
    assert_string_equal(text, net_listen_addr(b.net));
    net_peer_bulk(peer, text);
    assert_string_equal(text, "");
    assert_int_equal(net_peer_count(a.net), 1);
    RUN_UNTIL(&loop, 3000, (net_peer_info(peer, &info), info.rtt_min_us > 0));
    assert_true(info.outbound);
    assert_in_range(info.rtt_us, 1, 500000);
    net_peer_info(peer_of(&b, &a), &info);
    assert_false(info.outbound);
    assert_null(net_next(a.net, peer));
}

static void goodbye_is_friendly(void **state)
{
    (void)state;
    start_pair();
    node_close(&b);
    RUN_UNTIL(&loop, 2000, b.closed && a.downs == 1);
    assert_int_equal(b.last_down, ERR_CLOSED);
    assert_int_equal(a.last_down, ERR_CLOSED);
}

static void send_burst(struct node_under_test *from,
                       const struct node_under_test *to, uint32_t count)
{
    uint8_t message[200] = {0};

    for (uint32_t i = 0; i < count; i++) {
        u32le_put(message, i);
        assert_int_equal(net_send(peer_of(from, to), BYTES_OF(message)), OK);
    }
}

static void ten_thousand_messages_each_way_all_arrive_in_order(void **state)
{
    (void)state;
    start_pair();
    send_burst(&a, &b, 10000);
    send_burst(&b, &a, 10000);
    RUN_UNTIL(&loop, 20000, a.messages == 10000 && b.messages == 10000);
    assert_int_equal(a.out_of_order + b.out_of_order, 0);
    assert_int_equal(a.message_bytes, 10000 * 200);
    assert_int_equal(a.downs + b.downs, 0);
}

static void the_largest_message_passes_and_no_larger(void **state)
{
    uint8_t *big = calloc(1, LIMIT_MESSAGE_BYTES + 1);

    (void)state;
    start_pair();
    assert_int_equal(
        net_send(peer_of(&a, &b), bytes_make(big, LIMIT_MESSAGE_BYTES + 1)),
        ERR_TOO_LARGE);
    assert_int_equal(
        net_send(peer_of(&a, &b), bytes_make(big, LIMIT_MESSAGE_BYTES)), OK);
    RUN_UNTIL(&loop, 5000, b.messages == 1);
    assert_int_equal(b.message_bytes, LIMIT_MESSAGE_BYTES);
    assert_int_equal(a.downs, 0);
    free(big);
}

static void nodes_that_dial_each_other_keep_one_link(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        node_init(&a);
        node_init(&b);
        node_start(&loop, &a);
        node_start(&loop, &b);
        assert_int_equal(net_dial(a.net, net_listen_addr(b.net), NULL), OK);
        assert_int_equal(net_dial(b.net, net_listen_addr(a.net), NULL), OK);
        RUN_UNTIL(&loop, 3000,
                  a.ups > 0 && b.ups > 0 && net_peer_count(a.net) == 1 &&
                      net_peer_count(b.net) == 1);
        RUN_FOR(&loop, 300); /* and it stays that way */
        assert_int_equal(a.ups - a.downs, 1);
        assert_int_equal(b.ups - b.downs, 1);
        assert_int_equal(a.displaced + b.displaced, 0);
        send_burst(&a, &b, 10);
        RUN_UNTIL(&loop, 2000, b.messages == 10);
        node_close(&a);
        node_close(&b);
        RUN_UNTIL(&loop, 3000, a.closed && b.closed);
    }
}

static void a_second_name_of_the_same_peer_makes_no_second_link(void **state)
{
    char other[CHANNEL_ADDR_MAX];
    struct addr_parts parts;

    (void)state;
    start_pair();
    assert_int_equal(addr_parse(net_listen_addr(b.net), &parts), OK);
    snprintf(parts.host, sizeof parts.host, "localhost");
    addr_join(&parts, other);
    assert_int_equal(net_dial(a.net, other, NULL), OK);
    RUN_FOR(&loop, 1000);
    assert_int_equal(a.ups, 1);
    assert_int_equal(b.ups, 1);
    assert_int_equal(a.downs + b.downs, 0);
    assert_int_equal(a.displaced + b.displaced, 0);
}

static void a_node_does_not_keep_talking_to_itself(void **state)
{
    (void)state;
    node_start(&loop, &a);
    assert_int_equal(net_dial(a.net, net_listen_addr(a.net), NULL), OK);
    RUN_FOR(&loop, 500);
    assert_int_equal(a.ups, 0);
    assert_int_equal(a.displaced, 0);
    assert_int_equal(net_peer_count(a.net), 0);
}

static void a_lost_peer_is_dialled_again(void **state)
{
    char addr[CHANNEL_ADDR_MAX];

    (void)state;
    start_pair();
    snprintf(addr, sizeof addr, "%s", net_listen_addr(b.net));
    node_close(&b);
    RUN_UNTIL(&loop, 3000, b.closed && a.downs == 1);
    RUN_FOR(&loop, 300); /* some dials fail */
    b.config.listen = addr;
    b.ups = 0;
    b.closed = false;
    node_start(&loop, &b);
    RUN_UNTIL(&loop, 5000, a.ups == 2 && b.ups == 1);
    assert_non_null(strstr(a.notes, "cannot reach 127.0.0.1:"));
    net_undial(a.net, addr);
    net_drop(peer_of(&a, &b), ERR_CLOSED);
    RUN_UNTIL(&loop, 2000, a.downs == 2);
    RUN_FOR(&loop, 800);
    assert_int_equal(a.ups, 2);
}

static void a_held_peer_is_not_heard_until_resumed(void **state)
{
    uint8_t message[1000] = {0};
    uint64_t heard;

    (void)state;
    start_pair();
    net_hold(peer_of(&b, &a));
    for (uint32_t i = 0; i < 6000; i++) {
        u32le_put(message, i);
        assert_int_equal(net_send(peer_of(&a, &b), BYTES_OF(message)), OK);
    }
    RUN_FOR(&loop, 500);
    heard = b.messages;
    assert_true(heard < 200);
    RUN_FOR(&loop, 200);
    assert_int_equal(b.messages, heard);
    net_resume(peer_of(&b, &a));
    RUN_UNTIL(&loop, 10000, b.messages == 6000);
    assert_int_equal(b.out_of_order, 0);
}

/* ---- mistakes ---- */

static void another_chain_is_refused_and_both_logs_say_so(void **state)
{
    (void)state;
    b.config.chain = (struct hash){{43}};
    node_start(&loop, &a);
    node_start(&loop, &b);
    assert_int_equal(net_dial(a.net, net_listen_addr(b.net), NULL), OK);
    RUN_UNTIL(&loop, 3000,
              strstr(a.notes, "another chain") != NULL &&
                  strstr(b.notes, "another chain") != NULL);
    assert_int_equal(a.ups + b.ups, 0);
}

static void somebody_else_at_the_address_is_refused(void **state)
{
    (void)state;
    node_start(&loop, &a);
    node_start(&loop, &b);
    assert_int_equal(net_dial(a.net, net_listen_addr(b.net), node_id(&c)), OK);
    RUN_UNTIL(&loop, 3000, strstr(a.notes, "not the one expected") != NULL);
    RUN_FOR(&loop, 300);
    assert_int_equal(a.ups + b.ups, 0);
}

/* Another's word on an address is none on who is there, nor on whether we dial
 * it. */
static void a_hint_changes_nothing_of_a_target(void **state)
{
    char addr[CHANNEL_ADDR_MAX];

    (void)state;
    node_start(&loop, &a);
    node_start(&loop, &b);
    snprintf(addr, sizeof addr, "%s", net_listen_addr(b.net));
    assert_int_equal(net_dial(a.net, addr, node_id(&b)), OK);
    assert_int_equal(net_dial_hint(a.net, addr, node_id(&c)), ERR_EXISTS);
    net_undial_hint(a.net, addr);
    RUN_UNTIL(&loop, 3000, a.ups == 1 && b.ups == 1);
    net_undial(a.net, addr);
    assert_int_equal(net_dial_hint(a.net, addr, node_id(&b)), OK);
    net_undial_hint(a.net, addr);
    assert_int_equal(net_dial_hint(a.net, addr, node_id(&b)), OK);
    assert_int_equal(net_dial(a.net, addr, node_id(&b)), OK); /* ours now */
    net_undial_hint(a.net, addr);
    assert_int_equal(net_dial_hint(a.net, addr, node_id(&b)), ERR_EXISTS);
}

static void a_port_in_use_is_named_with_the_way_out(void **state)
{
    struct net_error error = {{0}};
    char port[16];
    struct addr_parts parts;

    (void)state;
    node_start(&loop, &a);
    b.config.listen = net_listen_addr(a.net);
    assert_int_equal(net_new(&loop, &b.config, &b.net, &error), ERR_BUSY);
    assert_null(b.net);
    assert_int_equal(addr_parse(net_listen_addr(a.net), &parts), OK);
    snprintf(port, sizeof port, "port %u", parts.port);
    assert_non_null(strstr(error.text, port));
    assert_non_null(strstr(error.text, "choose another"));
}

static void a_bad_listen_address_is_explained(void **state)
{
    struct net_error error = {{0}};

    (void)state;
    a.config.listen = "7741";
    assert_int_equal(net_new(&loop, &a.config, &a.net, &error), ERR_PARSE);
    assert_non_null(strstr(error.text, "host:port"));
    a.config.listen = "192.0.2.1:0"; /* not an address of this machine */
    assert_int_equal(net_new(&loop, &a.config, &a.net, &error), ERR_NET);
    assert_non_null(strstr(error.text, "192.0.2.1"));
    assert_null(a.net);
}

static void odd_targets_are_refused(void **state)
{
    (void)state;
    node_start(&loop, &a);
    assert_int_equal(net_dial(a.net, "nonsense", NULL), ERR_PARSE);
    assert_int_equal(net_dial(a.net, "host:0", NULL), ERR_PARSE);
    assert_int_equal(net_dial(a.net, "0.0.0.0:5", NULL), ERR_PARSE);
    assert_int_equal(net_dial(a.net, "127.0.0.1:1", NULL), OK);
    assert_int_equal(net_dial(a.net, "no-such-host.invalid:1", NULL), OK);
    RUN_FOR(&loop, 300);
}

static void closing_in_the_middle_of_everything_is_clean(void **state)
{
    uint8_t message[200] = {0};

    (void)state;
    start_pair();
    assert_int_equal(net_dial(a.net, "127.0.0.1:1", NULL), OK);
    assert_int_equal(net_dial(a.net, "192.0.2.1:1", NULL), OK); /* hangs */
    RUN_FOR(&loop, 120);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(net_send(peer_of(&a, &b), BYTES_OF(message)), OK);
        assert_int_equal(net_send(peer_of(&b, &a), BYTES_OF(message)), OK);
    }
    /* tear_down closes both, with all of it under way */
}

/* ---- people who mean no good ---- */

static void write_raw(int fd, const char *text, size_t len)
{
    assert_int_equal(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
}

static bool has_hung_up(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0 ||
           (errno != EAGAIN && errno != EINTR);
}

static void garbage_is_closed_and_an_address_is_banned_for_it(void **state)
{
    int fd;

    (void)state;
    a.config.limits.ban_loopback = true;
    node_start(&loop, &a);
    for (int i = 0; i < 2; i++) {
        fd = help_connect(net_listen_addr(a.net));
        write_raw(fd, "GET / HTTP/1.1\r\n\r\n", 18);
        RUN_UNTIL(&loop, 2000, has_hung_up(fd));
        close(fd);
    }
    fd = help_connect(net_listen_addr(a.net));
    RUN_UNTIL(&loop, 2000, has_hung_up(fd));
    close(fd);
    assert_non_null(strstr(a.notes, "banned"));
    {
        struct net_ban ban;

        assert_true(net_ban(a.net, 0, &ban));
        assert_string_equal(ban.who, "address 127.0.0.1");
        assert_true(ban.left_ms > 500000);
        net_pardon(a.net);
        assert_false(net_ban(a.net, 0, &ban));
    }
}

static void abandoned_connections_leave_nothing_behind(void **state)
{
    (void)state;
    a.config.limits.accept_burst = 1000;
    node_start(&loop, &a);
    for (int i = 0; i < 200; i++) {
        int fd = help_connect(net_listen_addr(a.net));

        if (i % 3 == 1)
            write_raw(fd, "\0\0", 2);
        if (i % 3 == 2)
            write_raw(fd, "\0\0\0\x60garbage", 11);
        RUN_FOR(&loop, 2); /* the queue of the listener is not endless */
        close(fd);
    }
    RUN_FOR(&loop, 500);
    a.notes[0] = '\0';
    node_start(&loop, &b); /* it still serves */
    assert_int_equal(net_dial(b.net, net_listen_addr(a.net), NULL), OK);
    RUN_UNTIL(&loop, 3000, a.ups == 1);
}

static void a_slow_stranger_has_five_seconds(void **state)
{
    uint64_t start = uv_hrtime();
    int fd;

    (void)state;
    node_start(&loop, &a);
    fd = help_connect(net_listen_addr(a.net));
    for (int i = 0; i < 40 && !has_hung_up(fd); i++) {
        (void)send(fd, "\0", 1, MSG_NOSIGNAL); /* a byte now and then */
        if (i == 0)
            (void)send(fd, "\0\0\x60", 3, MSG_NOSIGNAL);
        RUN_FOR(&loop, 200);
    }
    assert_true(has_hung_up(fd));
    assert_in_range((uv_hrtime() - start) / 1000000, 4500, 7000);
    close(fd);
}

static void strangers_waiting_in_the_door_are_few(void **state)
{
    int fds[20];
    int closed = 0;

    (void)state;
    a.config.limits.ban_loopback = true; /* an address like any other */
    node_start(&loop, &a);
    for (int i = 0; i < 20; i++)
        fds[i] = help_connect(net_listen_addr(a.net));
    RUN_FOR(&loop, 500);
    for (int i = 0; i < 20; i++) {
        closed += has_hung_up(fds[i]);
        close(fds[i]);
    }
    assert_int_equal(closed, 12); /* 8 of one /24 may wait */
}

/* Each way to break a frame, once up. */
enum breakage { OVERSIZE, CHANGED, REPLAYED, EMPTY, CUT, BREAKAGES };

static void send_broken(struct hostile *h, enum breakage how)
{
    struct buf wire;
    uint8_t head[4] = {0};

    buf_init(&wire, 0);
    assert_int_equal(
        channel_send(h->channel, CHANNEL_TYPE_APP, BYTES_LIT("frame")), OK);
    channel_out_take(h->channel, &wire);
    switch (how) {
    case OVERSIZE:
        u32be_put(head, LIMIT_FRAME_BYTES + 1);
        hostile_write(h, BYTES_OF(head));
        break;
    case CHANGED:
        wire.ptr[wire.len - 1] ^= 1;
        hostile_write(h, buf_bytes(&wire));
        break;
    case REPLAYED:
        hostile_write(h, buf_bytes(&wire));
        hostile_write(h, buf_bytes(&wire));
        break;
    case EMPTY:
        hostile_write(h, BYTES_OF(head));
        break;
    case CUT:
        u32be_put(wire.ptr, (uint32_t)wire.len - 5);
        hostile_write(h, bytes_make(wire.ptr, wire.len - 1));
        break;
    case BREAKAGES:
        break;
    }
    buf_done(&wire);
}

static void any_broken_frame_ends_the_link_and_bans_the_node(void **state)
{
    static const enum err want[] = {ERR_TOO_LARGE, ERR_DECRYPT, ERR_DECRYPT,
                                    ERR_TRUNCATED, ERR_DECRYPT};
    struct hostile h;

    (void)state;
    node_start(&loop, &a);
    for (unsigned how = 0; how < BREAKAGES; how++) {
        hostile_init(&h, &loop);
        hostile_connect(&h, net_listen_addr(a.net), CHANNEL_LANE_LINK);
        hostile_come_up(&h);
        RUN_UNTIL(&loop, 1000, a.ups == how + 1);
        send_broken(&h, (enum breakage)how);
        RUN_UNTIL(&loop, 1000, a.downs == how + 1);
        assert_int_equal(a.last_down, want[how]);
        hostile_await_end(&h, 2000);
        hostile_disconnect(&h);
        /* The same node again: it is told, sealed, that it is banned. */
        hostile_connect(&h, net_listen_addr(a.net), CHANNEL_LANE_LINK);
        hostile_come_up(&h);
        hostile_read(&h, 1000);
        assert_int_equal(h.over, ERR_BANNED);
        assert_int_equal(a.ups, how + 1);
        hostile_disconnect(&h);
    }
    assert_int_equal(a.messages, 1); /* the first of the replayed */
}

static void a_peer_that_does_not_read_is_dropped_not_waited_for(void **state)
{
    uint8_t *message = calloc(1, 100000);
    struct hostile h;
    enum err err = OK;
    unsigned sent = 0;

    (void)state;
    a.config.limits.queue_max = 1000000;
    node_start(&loop, &a);
    hostile_init(&h, &loop);
    hostile_connect(&h, net_listen_addr(a.net), CHANNEL_LANE_LINK);
    hostile_come_up(&h);
    RUN_UNTIL(&loop, 1000, a.ups == 1);
    while (err == OK && sent < 1000) {
        struct net_peer *peer = net_find(a.net, &h.keys.signer.key);
        struct net_peer_info info;

        assert_non_null(peer);
        err = net_send(peer, bytes_make(message, 100000));
        net_peer_info(peer, &info);
        assert_true(info.queued <= 1000000);
        sent += err == OK;
        (void)uv_run(&loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(err, ERR_SLOW);
    RUN_UNTIL(&loop, 1000, a.downs == 1);
    assert_int_equal(a.last_down, ERR_SLOW);
    hostile_disconnect(&h);
    free(message);
}

static void an_unproven_name_is_not_believed(void **state)
{
    struct hostile h;
    struct hash chain = HELP_CHAIN;

    (void)state;
    node_start(&loop, &a);
    hostile_init(&h, &loop);
    hostile_sign(&h, &chain);
    h.self.id = *node_id(&b); /* b's name, not b's signature */
    hostile_connect(&h, net_listen_addr(a.net), CHANNEL_LANE_LINK);
    hostile_flush(&h);
    hostile_read(&h, 500);
    hostile_read(&h, 500);
    assert_int_equal(a.ups, 0);
    assert_non_null(strstr(a.notes, "signature"));
    hostile_disconnect(&h);
}

static void a_connection_cut_without_goodbye_is_noticed(void **state)
{
    struct hostile h;

    (void)state;
    node_start(&loop, &a);
    hostile_init(&h, &loop);
    hostile_connect(&h, net_listen_addr(a.net), CHANNEL_LANE_LINK);
    hostile_come_up(&h);
    RUN_UNTIL(&loop, 1000, a.ups == 1);
    hostile_disconnect(&h);
    RUN_UNTIL(&loop, 1000, a.downs == 1);
    assert_int_equal(a.last_down, ERR_NET);
}

static void a_new_connection_of_the_same_node_replaces_the_old(void **state)
{
    struct hostile old, new;

    (void)state;
    node_start(&loop, &a);
    hostile_init(&old, &loop);
    hostile_connect(&old, net_listen_addr(a.net), CHANNEL_LANE_LINK);
    hostile_come_up(&old);
    RUN_UNTIL(&loop, 1000, a.ups == 1);
    new = old;
    hostile_connect(&new, net_listen_addr(a.net), CHANNEL_LANE_LINK);
    hostile_come_up(&new);
    RUN_UNTIL(&loop, 1000, a.ups == 2);
    assert_int_equal(a.downs, 1);
    assert_int_equal(a.last_down, ERR_EXISTS);
    hostile_read(&old, 1000);
    assert_int_equal(old.over, ERR_EXISTS);
    assert_int_equal(net_peer_count(a.net), 1);
    hostile_disconnect(&old);
    hostile_disconnect(&new);
}

/* b and c are two machines with one key. */
static void two_with_one_key_are_told_that_they_displace_each_other(
    void **state)
{
    (void)state;
    c.keys = b.keys;
    c.keys.signer.ctx = &c.keys;
    c.config.signer = c.keys.signer;
    node_start(&loop, &a);
    node_start(&loop, &b);
    node_start(&loop, &c);
    assert_int_equal(net_dial(b.net, net_listen_addr(a.net), NULL), OK);
    assert_int_equal(net_dial(c.net, net_listen_addr(a.net), NULL), OK);
    RUN_UNTIL(&loop, 20000, b.displaced >= 3 && c.displaced >= 3);
    assert_int_equal(a.displaced, 0);
}

/* a has a link to the one of them that it dialled; the other is refused. */
static void one_whose_namesake_is_preferred_is_told_so_too(void **state)
{
    (void)state;
    while (pubkey_compare(node_id(&a), node_id(&b)) > 0) {
        node_init(&a);
        node_init(&b);
    }
    c.keys = b.keys;
    c.keys.signer.ctx = &c.keys;
    c.config.signer = c.keys.signer;
    start_pair();
    node_start(&loop, &c);
    assert_int_equal(net_dial(c.net, net_listen_addr(a.net), NULL), OK);
    RUN_UNTIL(&loop, 20000, c.displaced >= 3);
    assert_int_equal(a.ups, 1);
    assert_int_equal(a.displaced, 0);
    assert_int_equal(b.displaced, 0);
    assert_int_equal(b.downs, 0);
}

static void bad_manners_add_up_to_a_ban(void **state)
{
    struct net_ban ban;

    (void)state;
    start_pair();
    net_score(peer_of(&a, &b), 60, "sends nonsense");
    RUN_FOR(&loop, 50);
    assert_int_equal(a.downs, 0);
    net_score(peer_of(&a, &b), 60, "sends more nonsense");
    RUN_UNTIL(&loop, 1000, a.downs == 1 && b.downs == 1);
    assert_int_equal(a.last_down, ERR_BANNED);
    assert_int_equal(b.last_down, ERR_BANNED);
    assert_true(net_ban(a.net, 0, &ban));
    assert_string_equal(ban.why, "sends more nonsense");
    RUN_FOR(&loop, 500); /* a dials on, and does not let it in */
    assert_int_equal(a.ups, 1);
    net_pardon(a.net);
    RUN_UNTIL(&loop, 3000, a.ups == 2);
}

static void inbound_peers_leave_room_for_those_we_dial(void **state)
{
    struct hostile h[4];

    (void)state;
    a.config.limits.peers_max = 4;
    node_start(&loop, &a);
    node_start(&loop, &b);
    for (int i = 0; i < 4; i++) {
        hostile_init(&h[i], &loop);
        hostile_connect(&h[i], net_listen_addr(a.net), CHANNEL_LANE_LINK);
        hostile_come_up(&h[i]);
        hostile_read(&h[i], 100);
    }
    assert_int_equal(h[2].over, OK);
    assert_int_equal(h[3].over, ERR_PEERS);
    assert_int_equal(net_peer_count(a.net), 3);
    assert_int_equal(net_dial(a.net, net_listen_addr(b.net), NULL), OK);
    RUN_UNTIL(&loop, 2000, net_peer_count(a.net) == 4);
    for (int i = 0; i < 4; i++)
        hostile_disconnect(&h[i]);
}

#define LINK_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINK_TEST(two_nodes_meet_and_know_each_other),
        LINK_TEST(goodbye_is_friendly),
        LINK_TEST(ten_thousand_messages_each_way_all_arrive_in_order),
        LINK_TEST(the_largest_message_passes_and_no_larger),
        LINK_TEST(nodes_that_dial_each_other_keep_one_link),
        LINK_TEST(a_second_name_of_the_same_peer_makes_no_second_link),
        LINK_TEST(a_node_does_not_keep_talking_to_itself),
        LINK_TEST(a_lost_peer_is_dialled_again),
        LINK_TEST(a_held_peer_is_not_heard_until_resumed),
        LINK_TEST(another_chain_is_refused_and_both_logs_say_so),
        LINK_TEST(somebody_else_at_the_address_is_refused),
        LINK_TEST(a_hint_changes_nothing_of_a_target),
        LINK_TEST(a_port_in_use_is_named_with_the_way_out),
        LINK_TEST(a_bad_listen_address_is_explained),
        LINK_TEST(odd_targets_are_refused),
        LINK_TEST(closing_in_the_middle_of_everything_is_clean),
        LINK_TEST(garbage_is_closed_and_an_address_is_banned_for_it),
        LINK_TEST(abandoned_connections_leave_nothing_behind),
        LINK_TEST(a_slow_stranger_has_five_seconds),
        LINK_TEST(strangers_waiting_in_the_door_are_few),
        LINK_TEST(any_broken_frame_ends_the_link_and_bans_the_node),
        LINK_TEST(a_peer_that_does_not_read_is_dropped_not_waited_for),
        LINK_TEST(an_unproven_name_is_not_believed),
        LINK_TEST(a_connection_cut_without_goodbye_is_noticed),
        LINK_TEST(a_new_connection_of_the_same_node_replaces_the_old),
        LINK_TEST(two_with_one_key_are_told_that_they_displace_each_other),
        LINK_TEST(one_whose_namesake_is_preferred_is_told_so_too),
        LINK_TEST(bad_manners_add_up_to_a_ban),
        LINK_TEST(inbound_peers_leave_room_for_those_we_dial),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
