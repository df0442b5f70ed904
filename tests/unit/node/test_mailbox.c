/* mailbox: many threads push, the loop delivers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "node/net/mailbox.h"

enum { SENDERS = 4, EACH = 5000, ROOM = 64 };

struct reader {
    uv_loop_t loop;
    struct mailbox *box;
    uint64_t got, order_errors;
    int last[SENDERS];
    uint64_t stop_after; /* close when so many have come */
    bool closed;
};

static void on_closed(void *ctx)
{
    ((struct reader *)ctx)->closed = true;
}

static void on_mail(void *ctx, const struct mail *mail)
{
    struct reader *r = ctx;

    r->order_errors += mail->status != r->last[mail->count] + 1;
    r->last[mail->count] = mail->status;
    if (++r->got == r->stop_after)
        mailbox_close(r->box, on_closed, r);
}

static void reader_init(struct reader *r, uint64_t stop_after)
{
    memset(r, 0, sizeof *r);
    r->stop_after = stop_after;
    for (int i = 0; i < SENDERS; i++)
        r->last[i] = -1;
    assert_int_equal(uv_loop_init(&r->loop), 0);
    assert_int_equal(mailbox_new(&r->loop, ROOM, on_mail, r, &r->box), OK);
}

static void reader_done(struct reader *r)
{
    assert_true(r->closed);
    assert_int_equal(uv_loop_close(&r->loop), 0);
}

struct sender {
    struct mailbox *box;
    size_t number;
    uint64_t full; /* times there was no room */
};

static void send_all(void *arg)
{
    struct sender *s = arg;

    for (int i = 0; i < EACH; i++) {
        struct mail mail = {s, i, s->number};

        while (!mailbox_push(s->box, &mail)) {
            s->full++;
            uv_sleep(0);
        }
    }
}

static void nothing_is_lost_and_each_sender_keeps_its_order(void **state)
{
    struct sender senders[SENDERS];
    uv_thread_t threads[SENDERS];
    struct reader r;

    (void)state;
    reader_init(&r, SENDERS * EACH);
    for (size_t i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){r.box, i, 0};
        assert_int_equal(uv_thread_create(&threads[i], send_all, &senders[i]),
                         0);
    }
    assert_int_equal(uv_run(&r.loop, UV_RUN_DEFAULT), 0);
    for (int i = 0; i < SENDERS; i++)
        uv_thread_join(&threads[i]);
    assert_int_equal(r.got, SENDERS * EACH);
    assert_int_equal(r.order_errors, 0);
    reader_done(&r);
}

static void a_full_mailbox_takes_no_more_until_it_is_read(void **state)
{
    struct reader r;
    struct mail mail = {NULL, 0, 0};

    (void)state;
    reader_init(&r, ROOM + 1);
    for (int i = 0; i < ROOM; i++) {
        mail.status = i;
        assert_true(mailbox_push(r.box, &mail));
    }
    mail.status = ROOM;
    assert_false(mailbox_push(r.box, &mail));
    (void)uv_run(&r.loop, UV_RUN_NOWAIT);
    assert_int_equal(r.got, ROOM);
    assert_true(mailbox_push(r.box, &mail));
    (void)uv_run(&r.loop, UV_RUN_DEFAULT);
    assert_int_equal(r.got, ROOM + 1);
    assert_int_equal(r.order_errors, 0);
    reader_done(&r);
}

static void closing_while_delivering_forgets_the_rest(void **state)
{
    struct reader r;
    struct mail mail = {NULL, 0, 0};

    (void)state;
    reader_init(&r, 3);
    for (int i = 0; i < 10; i++) {
        mail.status = i;
        assert_true(mailbox_push(r.box, &mail));
    }
    (void)uv_run(&r.loop, UV_RUN_DEFAULT);
    assert_int_equal(r.got, 3);
    reader_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_lost_and_each_sender_keeps_its_order),
        cmocka_unit_test(a_full_mailbox_takes_no_more_until_it_is_read),
        cmocka_unit_test(closing_while_delivering_forgets_the_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
