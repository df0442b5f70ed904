/* Whose fault it is that links are down. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "node/peer/met.h"

#define HOUR 3600000u

static struct mets mets;
static uint64_t now_ms;

static int setup(void **state)
{
    (void)state;
    memset(&mets, 0, sizeof(mets));
    now_ms = 1000;
    return 0;
}

static struct met *met(unsigned n)
{
    struct pubkey key = {{(uint8_t)n}};
    struct met *m = mets_get(&mets, &key, now_ms);
    assert_non_null(m);
    return m;
}

static void up(unsigned n)
{
    mets_up(&mets, met(n), now_ms);
}

static void down(unsigned n)
{
    mets_down(&mets, met(n), false, now_ms);
}

/* Those that are up are seen to be, as the node does once a second. */
static void pass(uint64_t ms)
{
    for (uint64_t end_ms = now_ms + ms; now_ms < end_ms;) {
        now_ms += 1000;
        for (uint32_t i = 0; i < MET_MAX; i++)
            if (mets.met[i].up)
                mets_up(&mets, &mets.met[i], now_ms);
        mets_tick(&mets, now_ms);
    }
}

static uint64_t down_ms(unsigned n)
{
    uint64_t up_ms;
    uint64_t ms;
    link_meter_times(&met(n)->meter, now_ms, &up_ms, &ms);
    return ms;
}

static uint64_t up_ms(unsigned n)
{
    uint64_t ms;
    uint64_t down_ms;
    link_meter_times(&met(n)->meter, now_ms, &ms, &down_ms);
    return ms;
}

static void three_up(void)
{
    for (unsigned n = 1; n <= 3; n++)
        up(n);
    pass(HOUR);
}

static void a_link_that_is_down_while_another_is_up_counts(void **state)
{
    (void)state;
    three_up();
    down(1);
    pass(100000);
    down(2); /* two of three: the third says that it is not we */
    pass(100000);
    assert_int_equal(down_ms(1), 200000);
    assert_int_equal(down_ms(2), 100000);
    assert_int_equal(down_ms(3), 0);
    up(1);
    pass(100000);
    assert_int_equal(down_ms(1), 200000);
    assert_int_equal(up_ms(1), HOUR + 100000);
}

static void our_own_outage_is_nobodys_fault(void **state)
{
    (void)state;
    three_up();
    for (unsigned n = 1; n <= 3; n++) {
        down(n); /* as each has been silent for long enough */
        pass(4000);
    }
    pass(HOUR);
    for (unsigned n = 1; n <= 3; n++) {
        up(n); /* as each is dialled */
        pass(20000);
    }
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(down_ms(n), 0);
    assert_true(up_ms(1) >= HOUR + 60000);
}

static void who_was_down_before_our_outage_is_so_after_it(void **state)
{
    (void)state;
    three_up();
    down(1);
    pass(300000);
    down(2);
    down(3);
    pass(HOUR);
    assert_int_equal(down_ms(1), 300000);
    up(2);
    pass(MET_RETURN_MS);
    assert_int_equal(down_ms(1), 300000); /* it may be on its way */
    pass(50000);
    assert_int_equal(down_ms(1), 350000);
    assert_int_equal(down_ms(2), 0);
    assert_int_equal(down_ms(3), 50000);
}

static void outages_of_ours_one_after_another_blame_nobody(void **state)
{
    (void)state;
    three_up();
    for (unsigned i = 0; i < 20; i++) {
        for (unsigned n = 1; n <= 3; n++)
            down(n);
        pass(100000);
        up(2);
        pass(30000);
        up(1);
        up(3);
        pass(30000);
    }
    for (unsigned n = 1; n <= 3; n++)
        assert_int_equal(down_ms(n), 0);
}

static void a_goodbye_is_no_outage(void **state)
{
    (void)state;
    three_up();
    mets_down(&mets, met(1), true, now_ms);
    pass(HOUR);
    down(2);
    down(3);
    pass(HOUR);
    up(3);
    pass(HOUR);
    assert_int_equal(down_ms(1), 0);
    assert_int_equal(down_ms(2), HOUR - MET_RETURN_MS);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_link_that_is_down_while_another_is_up_counts),
        T(our_own_outage_is_nobodys_fault),
        T(who_was_down_before_our_outage_is_so_after_it),
        T(outages_of_ours_one_after_another_blame_nobody),
        T(a_goodbye_is_no_outage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
