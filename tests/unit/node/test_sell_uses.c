/* A seller's job that uses results of others: what they are the chain says, and
 * they come from whoever made them, or else from the buyer. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/shop_rig.h"

static struct spec_use use;

/* Image and inputs are here; one result of each of two tasks is wanted. */
static void to_using(struct shop *shop)
{
    struct hash image = shop->spec.image;
    struct hash inputs = shop->spec.inputs;
    struct buf bytes;
    use = (struct spec_use){rig_hash(0x61), 2, BYTES_LIT("parts")};
    shop->spec.uses = &use;
    shop->spec.use_count = 1;
    rig_spec_bytes(&shop->spec, &bytes);
    spec_hash(buf_bytes(&bytes), &shop->request.spec);
    buf_done(&bytes);
    to_waiting(shop);
    send_start(shop, RIG_AGENT, &shop->spec, BULK);
    assert_int_equal(rig_count(&shop->fx, EFFECT_LOOK), 2);
    fetched(shop, &image, OK);
    fetched(shop, &inputs, OK);
    assert_int_equal(rig_count(&shop->fx, EFFECT_EXEC_START), 0);
}

static struct contract made(uint32_t task, enum end_reason reason)
{
    return (struct contract){.request = rig_hash(0x61),
                             .task = task,
                             .state = CONTRACT_DELIVERED,
                             .buyer = rig_key_of(RIG_BUYER),
                             .provider = rig_key_of(RIG_OTHER),
                             .reason = reason,
                             .result = rig_hash((uint8_t)(0x70 + task))};
}

static void told(struct shop *shop, uint32_t task, const struct contract *c)
{
    struct trade_event event = {.kind = TRADE_USE,
                                .id = rig_hash(0x61),
                                .task = task,
                                .subject = shop->id,
                                .contract = c};
    step(shop, &event);
}

static void it_starts_once_all_results_are_here(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    struct contract second = made(1, END_DONE);
    struct pubkey other = rig_key_of(RIG_OTHER);
    const struct trade_effect *effect;
    to_using(shop);
    told(shop, 0, &first);
    effect = rig_need(&shop->fx, EFFECT_FETCH);
    assert_true(hash_equal(&effect->id, &first.result));
    assert_true(pubkey_equal(&effect->peer, &other));
    assert_string_equal(effect->text, "");
    assert_int_equal(effect->code, 1);
    assert_true(effect->at_ms > 0);
    fetched(shop, &first.result, OK);
    assert_int_equal(rig_count(&shop->fx, EFFECT_EXEC_START), 0);
    told(shop, 1, &second);
    fetched(shop, &second.result, OK);
    effect = rig_need(&shop->fx, EFFECT_EXEC_START);
    assert_int_equal(effect->code, 2);
    assert_memory_equal(effect->bytes.ptr + effect->bytes.len - 2 * HASH_LEN,
                        first.result.b, HASH_LEN);
    assert_memory_equal(effect->bytes.ptr + effect->bytes.len - HASH_LEN,
                        second.result.b, HASH_LEN);
}

static void what_the_chain_does_not_have_yet_is_waited_for(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    to_using(shop);
    told(shop, 0, NULL);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
    first.state = CONTRACT_ESCROWED;
    told(shop, 0, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
    first.state = CONTRACT_SETTLED; /* lost by its provider: another may come */
    first.reason = END_PROVIDER_LOST;
    told(shop, 0, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_TX), 0);
    at(shop, shop->now_ms + SELL_STAGE_RETRY_MS);
    assert_int_equal(rig_count(&shop->fx, EFFECT_LOOK), 2);
}

static void nobody_uses_what_another_buyer_paid_for(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    first.buyer = rig_key_of(RIG_THIRD);
    to_using(shop);
    told(shop, 0, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_REFUSE));
}

static void what_failed_is_not_used(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_JOB_FAILED);
    to_using(shop);
    told(shop, 0, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
    assert_non_null(rig_tx(&shop->fx, TX_CONTRACT_REFUSE));
}

static void maker_and_buyer_are_asked_in_turn(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    struct pubkey other = rig_key_of(RIG_OTHER);
    struct pubkey agent = rig_key_of(RIG_AGENT);
    uint64_t patience = 0;
    to_using(shop);
    told(shop, 0, &first);
    for (unsigned turn = 0; turn < 6; turn++) {
        const struct trade_effect *effect;
        fetched(shop, &first.result, ERR_NET);
        at(shop, shop->now_ms + SELL_STAGE_RETRY_MS);
        effect = rig_need(&shop->fx, EFFECT_FETCH);
        if (turn % 2 == 0) {
            assert_true(pubkey_equal(&effect->peer, &agent));
            assert_string_equal(effect->text, BULK);
        } else {
            assert_true(pubkey_equal(&effect->peer, &other));
            assert_true(effect->at_ms > patience);
            patience = effect->at_ms;
        }
    }
    fetched(shop, &first.result, OK);
}

static void a_result_without_files_is_nothing_to_fetch(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    struct contract second = made(1, END_DONE);
    memset(&first.result, 0, sizeof(first.result));
    memset(&second.result, 0, sizeof(second.result));
    to_using(shop);
    told(shop, 0, &first);
    told(shop, 1, &second);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
    assert_int_equal(rig_count(&shop->fx, EFFECT_EXEC_START), 1);
}

static void words_that_were_not_asked_for_are_dropped(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    to_using(shop);
    told(shop, 5, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
    told(shop, 0, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 1);
    first.result = rig_hash(0x7f); /* the first word counts */
    told(shop, 0, &first);
    assert_int_equal(rig_count(&shop->fx, EFFECT_FETCH), 0);
}

static void it_asks_again_after_a_restart(void **state)
{
    struct shop *shop = *state;
    struct contract first = made(0, END_DONE);
    to_using(shop);
    told(shop, 0, &first);
    restart(shop);
    at(shop, shop->now_ms + 10);
    assert_int_equal(rig_count(&shop->fx, EFFECT_LOOK), 2);
}

/* ---- who may read ours ---- */

static void grant(struct shop *shop, enum rig_actor from, struct pubkey reader)
{
    struct wire_grant m = {.contract = shop->id, .reader = reader};
    struct buf message;
    buf_init(&message, 256);
    wire_grant_encode(&m, &message);
    hear(shop, from, &message);
}

static bool shares_with(const struct shop *shop, struct pubkey reader)
{
    for (size_t i = 0; i < shop->fx.count; i++)
        if (shop->fx.list[i].kind == EFFECT_SHARE &&
            pubkey_equal(&shop->fx.list[i].peer, &reader))
            return true;
    return false;
}

static void readers_are_let_in_once_it_is_delivered(void **state)
{
    struct shop *shop = *state;
    struct pubkey early = rig_key_of(RIG_OTHER);
    struct pubkey late = rig_key_of(RIG_THIRD);
    to_delivering(shop);
    grant(shop, RIG_AGENT, early);
    assert_false(shares_with(shop, early));
    shop->contract.state = CONTRACT_DELIVERED;
    shop->contract.until_ms = shop->now_ms + 600000;
    chain_says(shop);
    assert_true(shares_with(shop, early));
    grant(shop, RIG_OTHER, late); /* not theirs to give */
    assert_false(shares_with(shop, late));
    grant(shop, RIG_AGENT, late);
    assert_true(shares_with(shop, late));
    grant(shop, RIG_AGENT, late);
    assert_false(shares_with(shop, late)); /* once is enough */
}

static void readers_have_an_end(void **state)
{
    struct shop *shop = *state;
    struct pubkey reader = {{0}};
    to_delivering(shop);
    shop->contract.state = CONTRACT_DELIVERED;
    shop->contract.until_ms = shop->now_ms + 600000;
    chain_says(shop);
    for (unsigned i = 0; i < SELL_READERS_MAX; i++) {
        reader.b[0] = (uint8_t)(i + 1);
        grant(shop, RIG_AGENT, reader);
        assert_true(shares_with(shop, reader));
    }
    reader.b[0] = 0xff;
    grant(shop, RIG_AGENT, reader);
    assert_false(shares_with(shop, reader));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_starts_once_all_results_are_here),
        T(what_the_chain_does_not_have_yet_is_waited_for),
        T(nobody_uses_what_another_buyer_paid_for),
        T(what_failed_is_not_used),
        T(maker_and_buyer_are_asked_in_turn),
        T(a_result_without_files_is_nothing_to_fetch),
        T(words_that_were_not_asked_for_are_dropped),
        T(it_asks_again_after_a_restart),
        T(readers_are_let_in_once_it_is_delivered),
        T(readers_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
