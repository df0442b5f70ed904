/* chain_host.h: what is lent is used before it goes. */

#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/chain_rig.h"

#define MANY 16u /* as many as may be missing before one */

static struct {
    unsigned relayed; /* in all */
    unsigned open;    /* since it was last said that this was all */
    unsigned groups;
    struct bytes lent[MANY];
    uint8_t first[MANY]; /* bytes of each, when they were lent */
} heard;

static void on_relay(void *ctx, uint64_t token, bool first, struct bytes tx)
{
    (void)ctx;
    (void)token;
    (void)first;
    assert_true(heard.open < MANY);
    heard.first[heard.open] = tx.ptr[tx.len - 1];
    heard.lent[heard.open++] = tx;
    heard.relayed++;
}

/* All of them can still be read. */
static void on_told(void *ctx)
{
    (void)ctx;
    for (unsigned i = 0; i < heard.open; i++)
        assert_int_equal(heard.lent[i].ptr[heard.lent[i].len - 1],
                         heard.first[i]);
    heard.groups += heard.open > 0 ? 1 : 0;
    heard.open = 0;
}

static void what_is_handed_on_is_lent_until_all_was_told(void **state)
{
    struct chain_host_events events = {.on_final = chain_rig_final,
                                       .on_refused = chain_rig_refusal,
                                       .on_relay = on_relay,
                                       .on_told = on_told,
                                       .on_notice = chain_rig_notice,
                                       .on_halt = chain_rig_halt};
    (void)state;
    chain_rig_open_with(&(struct kind_table){0}, &events);
    for (uint64_t nonce = MANY; nonce-- > 0;)
        chain_rig_submit(nonce);
    chain_rig_until(1, 0);
    assert_int_equal(heard.relayed, MANY);
    assert_int_equal(heard.open, 0);
    assert_true(heard.groups >= 1 && heard.groups <= MANY);
    chain_rig_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_handed_on_is_lent_until_all_was_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
