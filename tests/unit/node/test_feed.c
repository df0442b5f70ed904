/* The event feed: a ring that readers follow at their own pace. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "node/control/feed.h"

static int setup(void **state)
{
    static struct feed feed;
    *state = &feed;
    return feed_init(&feed) == OK ? 0 : -1;
}

static int teardown(void **state)
{
    feed_done(*state);
    return 0;
}

static void add(struct feed *feed, const char *text)
{
    struct feed_event event = {.kind = FEED_JOB, .seq = 99};
    snprintf(event.text, sizeof(event.text), "%s", text);
    feed_add(feed, &event);
}

static void a_reader_gets_what_came_after_it_read(void **state)
{
    struct feed *feed = *state;
    uint64_t lost = 7;
    add(feed, "one");
    add(feed, "two");
    assert_string_equal(feed_after(feed, 0, &lost)->text, "one");
    assert_int_equal(lost, 0);
    assert_int_equal(feed_after(feed, 0, &lost)->seq, 1); /* ours, not 99 */
    assert_string_equal(feed_after(feed, 1, &lost)->text, "two");
    assert_null(feed_after(feed, 2, &lost));
    assert_null(feed_after(feed, 1000, &lost)); /* from before a restart */
    assert_int_equal(lost, 0);
}

static void an_empty_feed_has_nothing(void **state)
{
    uint64_t lost = 7;
    assert_null(feed_after(*state, 0, &lost));
    assert_int_equal(lost, 0);
}

static void a_reader_that_slept_learns_how_much_it_lost(void **state)
{
    struct feed *feed = *state;
    uint64_t lost;
    char text[32];
    for (unsigned i = 1; i <= FEED_SIZE + 10; i++) {
        snprintf(text, sizeof(text), "%u", i);
        add(feed, text);
    }
    assert_string_equal(feed_after(feed, 3, &lost)->text, "11");
    assert_int_equal(lost, 7);
    assert_string_equal(feed_after(feed, FEED_SIZE, &lost)->text, "4097");
    assert_int_equal(lost, 0);
}

static void a_text_without_end_is_ended(void **state)
{
    struct feed *feed = *state;
    struct feed_event event = {.kind = FEED_NODE};
    uint64_t lost;
    memset(event.text, 'x', sizeof(event.text));
    feed_add(feed, &event);
    assert_int_equal(strlen(feed_after(feed, 0, &lost)->text),
                     FEED_TEXT_MAX - 1);
}

static void count_news(void *ctx)
{
    ++*(unsigned *)ctx;
}

static void those_who_wait_are_woken(void **state)
{
    struct feed *feed = *state;
    unsigned news = 0;
    feed->on_new = count_news;
    feed->ctx = &news;
    add(feed, "one");
    add(feed, "two");
    assert_int_equal(news, 2);
}

static void kinds_have_names(void **state)
{
    (void)state;
    for (int kind = FEED_NODE; kind <= FEED_SELL; kind++)
        assert_int_equal(feed_kind_parse(feed_kind_text((enum feed_kind)kind)),
                         kind);
    assert_int_equal(feed_kind_parse("nothing"), 0);
    assert_int_equal(feed_kind_parse(""), 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_reader_gets_what_came_after_it_read),
        T(an_empty_feed_has_nothing),
        T(a_reader_that_slept_learns_how_much_it_lost),
        T(a_text_without_end_is_ended),
        T(those_who_wait_are_woken),
        T(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
