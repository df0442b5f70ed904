/* Tasks that run together or not at all, with other buyers on the market, and
 * copies that run apart. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/node/desk_rig.h"

/* ---- a market: buyers' engines and sellers with room for so many tasks ----
 */

#define BUYERS  3u
#define SELLERS 3u /* RIG_SELLER, RIG_OTHER, RIG_THIRD */
#define QUEUE   512u

struct letter {
    unsigned buyer;
    enum rig_actor seller;
    struct wire_hold_key key;
    bool release;
};

struct given {
    bool held;
    struct wire_hold_key key;
};

struct fair {
    struct desk *desks[BUYERS];
    struct given holds[SELLERS][16];
    uint32_t room[SELLERS]; /* tasks at a time, at most 16 */
    struct letter queue[QUEUE];
    unsigned first;
    unsigned count;
    uint64_t seed;
    unsigned opened[BUYERS];
    unsigned dissolved;
};

static uint64_t below(struct fair *f, uint64_t bound)
{
    uint64_t z = f->seed += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (z ^ z >> 31) % bound;
}

static bool seller_of(const struct pubkey *peer, enum rig_actor *out)
{
    for (unsigned i = 0; i < SELLERS; i++) {
        struct pubkey key = rig_key_of((enum rig_actor)(RIG_SELLER + i));
        if (pubkey_equal(&key, peer)) {
            *out = (enum rig_actor)(RIG_SELLER + i);
            return true;
        }
    }
    return false;
}

/* What a step sends to sellers waits in the queue; what it opens is counted:
 * never a part of a gang. */
static void post(struct fair *f, unsigned buyer)
{
    struct desk *desk = f->desks[buyer];
    unsigned opens = 0;
    for (size_t i = 0; i < desk->fx.count; i++) {
        const struct trade_effect *effect = &desk->fx.list[i];
        struct letter letter = {.buyer = buyer};
        struct wire_hold hold;
        struct arena arena;
        enum wire_kind kind;
        if (effect->kind == EFFECT_TX && effect->tx_kind == TX_CONTRACT_OPEN)
            opens++;
        if (effect->kind != EFFECT_SEND ||
            wire_peek(effect->bytes, &kind) != OK ||
            !seller_of(&effect->peer, &letter.seller))
            continue;
        arena_init(&arena, 1u << 16);
        if (kind == WIRE_HOLD &&
            wire_hold_decode(effect->bytes, &arena, &hold) == OK) {
            letter.key =
                (struct wire_hold_key){desk->id, hold.task, hold.attempt};
        } else if (kind == WIRE_HOLD_RELEASE &&
                   wire_hold_release_decode(effect->bytes, &arena,
                                            &letter.key) == OK) {
            letter.release = true;
        } else {
            arena_done(&arena);
            continue;
        }
        arena_done(&arena);
        assert_true(f->count < QUEUE);
        f->queue[(f->first + f->count++) % QUEUE] = letter;
    }
    if (f->opened[buyer] > 0)
        return; /* brought again, until the chain says something */
    assert_true(opens == 0 || opens == desk->request.tasks);
    f->opened[buyer] = opens;
}

static struct given *hold_of(struct fair *f, enum rig_actor seller,
                             const struct wire_hold_key *key)
{
    struct given *free_one = NULL;
    unsigned s = (unsigned)seller - RIG_SELLER;
    for (unsigned i = 0; i < f->room[s]; i++) {
        struct given *hold = &f->holds[s][i];
        if (!hold->held)
            free_one = hold;
        else if (hash_equal(&hold->key.request, &key->request) &&
                 hold->key.task == key->task)
            return hold;
    }
    return free_one;
}

static void refuse(struct fair *f, const struct letter *letter)
{
    struct wire_hold_refused refused = {.key = letter->key,
                                        .err = ERR_CAPACITY};
    struct buf message;
    buf_init(&message, 1024);
    wire_hold_refused_encode(&refused, &message);
    hear(f->desks[letter->buyer], letter->seller, &message);
}

/* A seller reads its oldest letter. */
static void deliver(struct fair *f)
{
    struct letter letter = f->queue[f->first];
    struct desk *desk = f->desks[letter.buyer];
    struct given *hold = hold_of(f, letter.seller, &letter.key);
    f->first = (f->first + 1) % QUEUE;
    f->count--;
    if (letter.release) {
        if (hold != NULL)
            hold->held = false;
        return;
    }
    if (hold == NULL) {
        refuse(f, &letter);
    } else {
        struct quote quote;
        hold->held = true;
        hold->key = letter.key;
        quote = make_quote(desk, letter.seller, letter.key.task,
                           letter.key.attempt);
        send_quote(desk, letter.seller, &quote);
    }
    post(f, letter.buyer);
}

static void fair_open(struct fair *f, uint64_t seed, const uint32_t *sizes)
{
    memset(f, 0, sizeof(*f));
    f->seed = seed;
    for (unsigned i = 0; i < BUYERS; i++) {
        void *state = NULL;
        assert_int_equal(setup(&state), 0);
        f->desks[i] = state;
        f->desks[i]->request = rig_request(sizes[i]);
        f->desks[i]->request.salt[0] = (uint8_t)i;
        f->desks[i]->request.terms.gang = true;
    }
}

static void fair_close(struct fair *f)
{
    for (unsigned i = 0; i < BUYERS; i++) {
        void *state = f->desks[i];
        teardown(&state);
    }
}

/* Every buyer believes in eight places at each seller, in prices of its own. */
static void offers_for(struct fair *f, unsigned buyer)
{
    for (unsigned s = 0; s < SELLERS; s++) {
        put_offer(f->desks[buyer], (enum rig_actor)(RIG_SELLER + s),
                  10000 + below(f, 5) * 1000);
        post(f, buyer);
    }
}

static void ends(struct fair *f, unsigned buyer)
{
    for (unsigned s = 0; s < SELLERS; s++) {
        for (unsigned i = 0; i < 16; i++) {
            if (hash_equal(&f->holds[s][i].key.request, &f->desks[buyer]->id))
                f->holds[s][i].held = false;
        }
    }
}

static void tick_all(struct fair *f, uint64_t now_ms)
{
    for (unsigned i = 0; i < BUYERS; i++) {
        at(f->desks[i], now_ms);
        post(f, i);
    }
}

/* Three gangs, room for one or two of them. Whoever opens a contract opens all
 * it has at once (post); those that cannot let go; and when one ends the next
 * gets its turn. */
static void gangs_on_one_market_open_whole_or_not_at_all(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        static struct fair f;
        const uint32_t sizes[BUYERS] = {4, 5, 6};
        uint64_t now = RIG_T0 + 2000;
        unsigned done = 0;
        bool ended[BUYERS] = {false};
        fair_open(&f, seed, sizes);
        f.room[0] = 2 + (uint32_t)below(&f, 2);
        f.room[1] = 2;
        f.room[2] = 3;
        for (unsigned i = 0; i < BUYERS; i++) {
            offers_for(&f, i);
            assert_int_equal(submit(f.desks[i]), OK);
            post(&f, i);
            assert_int_equal(
                approve(f.desks[i], 1000000, f.desks[i]->request.expires_at_ms),
                OK);
            post(&f, i);
        }
        for (unsigned round = 0; round < 3000 && done < BUYERS; round++) {
            now += 500;
            while (f.count > 0 && below(&f, 6) > 0)
                deliver(&f);
            tick_all(&f, now);
            for (unsigned i = 0; i < BUYERS; i++) {
                if (round % 60 == 20 * i + 19)
                    offers_for(&f, i);
                /* Some time after it opened, it is over. */
                if (f.opened[i] > 0 && !ended[i] && round % 40 == 0) {
                    ended[i] = true;
                    done++;
                    ends(&f, i);
                }
            }
        }
        assert_int_equal(done, BUYERS);
        fair_close(&f);
    }
}

static void a_gang_that_loses_a_place_lets_go_of_the_others(void **state)
{
    struct desk *desk = *state;
    struct quote quote;
    desk->request = rig_request(3);
    desk->request.terms.gang = true;
    put_offer(desk, RIG_SELLER, 20000);
    assert_int_equal(submit(desk), OK);
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    for (uint32_t i = 1; i < 3; i++) {
        quote = make_quote(desk, RIG_SELLER, i, 0);
        send_quote(desk, RIG_SELLER, &quote);
        assert_null(rig_tx(&desk->fx, TX_CONTRACT_OPEN));
    }
    assert_int_equal(task_of(desk, 2)->state, BUY_QUOTED);
    refuse_hold(desk, RIG_SELLER, 0, ERR_CAPACITY);
    assert_non_null(rig_sent(&desk->fx, WIRE_HOLD_RELEASE));
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(task_of(desk, i)->state, BUY_WAITING);
        assert_true(task_of(desk, i)->reason[0] != '\0');
    }
}

static void a_gang_opens_when_its_last_quote_comes(void **state)
{
    struct desk *desk = *state;
    desk->request = rig_request(3);
    desk->request.terms.gang = true;
    put_offer(desk, RIG_SELLER, 20000);
    assert_int_equal(submit(desk), OK);
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    for (uint32_t i = 0; i < 3; i++) {
        struct quote quote = make_quote(desk, RIG_SELLER, i, 0);
        send_quote(desk, RIG_SELLER, &quote);
        assert_int_equal(rig_count(&desk->fx, EFFECT_TX), i == 2 ? 3 : 0);
    }
}

static void a_gang_that_needs_two_opens_with_two(void **state)
{
    struct desk *desk = *state;
    desk->request = rig_request(3);
    desk->request.terms.gang = true;
    desk->request.terms.least = 2;
    put_offer(desk, RIG_SELLER, 20000);
    assert_int_equal(submit(desk), OK);
    assert_int_equal(approve(desk, 1000000, desk->request.expires_at_ms), OK);
    for (uint32_t i = 0; i < 3; i++) {
        struct quote quote = make_quote(desk, RIG_SELLER, i, 0);
        static const size_t opens[] = {0, 2, 1};
        send_quote(desk, RIG_SELLER, &quote);
        assert_int_equal(rig_count(&desk->fx, EFFECT_TX), opens[i]);
    }
}

/* A copy that lost its place does not go where the other copy is. */
static void a_copy_is_not_placed_beside_its_twin(void **state)
{
    struct desk *desk = *state;
    struct pubkey first;
    desk->request = rig_request(2);
    desk->request.terms.divide = POLICY_DIVIDE_DUPLICATED;
    desk->request.terms.copies = 2;
    put_offers(desk);
    assert_int_equal(submit(desk), OK);
    first = task_of(desk, 0)->provider;
    assert_false(pubkey_equal(&first, &task_of(desk, 1)->provider));
    refuse_hold(desk,
                pubkey_equal(&first, &rig_signer(RIG_SELLER)->key) ? RIG_SELLER
                                                                   : RIG_OTHER,
                0, ERR_NOT_SELLING);
    /* The only other seller has its twin. */
    assert_int_equal(task_of(desk, 0)->state, BUY_WAITING);
    put_offer(desk, RIG_THIRD, 50000);
    at(desk, desk->now_ms + 100);
    assert_int_equal(task_of(desk, 0)->state, BUY_HOLDING);
    assert_false(
        pubkey_equal(&task_of(desk, 0)->provider, &task_of(desk, 1)->provider));
}

/* ---- an availability ---- */

/* Each seller has served so many, and failed none. */
static struct standings *standings_with(const struct desk *desk,
                                        const unsigned served[SELLERS])
{
    const struct standings_config config = {
        .self = desk->config.self, .max = 10, .key = {1}};
    struct standings *s = NULL;
    assert_int_equal(standings_new(&config, &s), OK);
    for (unsigned i = 0; i < SELLERS; i++) {
        struct contract c = {.state = CONTRACT_SETTLED,
                             .reason = END_DONE,
                             .buyer = {{0xb0}},
                             .agent = desk->config.self,
                             .time_ms_max = desk->request.time_ms_max};
        c.provider = rig_key_of((enum rig_actor)(RIG_SELLER + i));
        for (unsigned k = 0; k < served[i]; k++)
            assert_int_equal(standings_note(s, &c), OK);
    }
    return s;
}

static struct standings *standings_of(const struct desk *desk)
{
    static const unsigned served[SELLERS] = {8, 8, 8};
    return standings_with(desk, served);
}

/* Two copies at RIG_SELLER, who is the cheapest, and another. */
static void two_copies(struct desk *desk)
{
    desk->request = rig_request(2);
    desk->request.terms.divide = POLICY_DIVIDE_DUPLICATED;
    desk->request.terms.copies = 2;
    desk->request.terms.down_ppb = 10000000; /* 99% */
}

static void copies_wait_until_enough_is_known(void **state)
{
    struct desk *desk = *state;
    struct standings *standings;
    two_copies(desk);
    put_offers(desk);
    assert_int_equal(submit(desk), OK);
    assert_int_equal(task_of(desk, 0)->state, BUY_WAITING);
    assert_true(has_reason(desk, "nothing is known yet"));
    standings = standings_of(desk);
    book_lend(buy_book(desk->buy), standings, NULL);
    at(desk, desk->now_ms + 10000);
    assert_int_equal(task_of(desk, 0)->state, BUY_HOLDING);
    assert_int_equal(task_of(desk, 1)->state, BUY_HOLDING);
    assert_false(
        pubkey_equal(&task_of(desk, 0)->provider, &task_of(desk, 1)->provider));
    standings_free(standings);
}

/* Two tasks, each at the weak RIG_SELLER and the strong RIG_OTHER. */
static void a_copy_that_is_lost_alone_has_another_place_at_once(void **state)
{
    static const unsigned served[SELLERS] = {8, 98, 8};
    struct desk *desk = *state;
    struct pubkey strong = rig_key_of(RIG_OTHER);
    struct pubkey weak = rig_key_of(RIG_SELLER);
    struct pubkey third = rig_key_of(RIG_THIRD);
    struct standings *standings;
    uint32_t lost = 0;
    desk->request = rig_request(4);
    desk->request.terms.divide = POLICY_DIVIDE_DUPLICATED;
    desk->request.terms.copies = 2;
    desk->request.terms.down_ppb = 1000000; /* 99.9% */
    standings = standings_with(desk, served);
    book_lend(buy_book(desk->buy), standings, NULL);
    put_offers(desk);
    put_offer(desk, RIG_THIRD, 40000);
    assert_int_equal(submit(desk), OK);
    while (!pubkey_equal(&task_of(desk, lost)->provider, &weak))
        lost++;
    assert_true(
        pubkey_equal(&task_of(desk, (lost + 2) % 4)->provider, &strong));
    refuse_hold(desk, RIG_SELLER, lost, ERR_CAPACITY);
    assert_int_equal(task_of(desk, lost)->state, BUY_HOLDING);
    assert_true(pubkey_equal(&task_of(desk, lost)->provider, &third));
    standings_free(standings);
}

/* The first copy is done, the second still looks for its place. */
static void one_copy_that_is_done_is_enough(void **state)
{
    struct desk *desk = *state;
    struct standings *standings;
    two_copies(desk);
    standings = standings_of(desk);
    book_lend(buy_book(desk->buy), standings, NULL);
    to_done(desk);
    assert_int_equal(task_of(desk, 0)->state, BUY_DONE);
    assert_int_equal(task_of(desk, 1)->state, BUY_CANCELLED);
    assert_int_equal(job_of(desk)->state, BUY_DONE);
    assert_int_not_equal(job_of(desk)->ended_at_ms, 0);
    standings_free(standings);
}

/* The other copy's contract is open: the job is done, its money is not back. */
static void a_job_does_not_wait_for_the_copy_that_is_late(void **state)
{
    struct desk *desk = *state;
    struct standings *standings;
    struct quote quote;
    two_copies(desk);
    standings = standings_of(desk);
    book_lend(buy_book(desk->buy), standings, NULL);
    to_running(desk);
    quote = make_quote(desk, RIG_OTHER, 1, 0);
    send_quote(desk, RIG_OTHER, &quote);
    assert_int_equal(task_of(desk, 1)->state, BUY_OPENING);
    desk->now_ms += 5000;
    seller_says(desk, JOB_PUBLISHING, 5000);
    desk->contract.state = CONTRACT_DELIVERED;
    desk->contract.reason = END_DONE;
    desk->contract.result = rig_hash(0x41);
    desk->contract.log = rig_hash(0x42);
    desk->contract.until_ms = desk->now_ms + 600000;
    chain_says(desk);
    fetched(desk, desk->contract.result, OK);
    fetched(desk, desk->contract.log, OK);
    settle(desk, END_DONE, 1);
    assert_int_equal(task_of(desk, 0)->state, BUY_DONE);
    assert_false(buy_state_ended(task_of(desk, 1)->state));
    assert_int_equal(job_of(desk)->state, BUY_DONE);
    assert_int_equal(job_of(desk)->ended_at_ms, 0);
    restart(desk);
    assert_int_equal(job_of(desk)->state, BUY_DONE);
    assert_int_equal(job_of(desk)->ended_at_ms, 0);
    standings_free(standings);
}

static void copies_by_number_are_all_wanted(void **state)
{
    struct desk *desk = *state;
    two_copies(desk);
    desk->request.terms.down_ppb = 0;
    to_done(desk);
    assert_int_equal(task_of(desk, 0)->state, BUY_DONE);
    assert_false(buy_state_ended(task_of(desk, 1)->state));
    assert_int_equal(job_of(desk)->ended_at_ms, 0);
    assert_int_equal(cancel(desk, 1), OK);
    assert_int_equal(job_of(desk)->state, BUY_CANCELLED);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gangs_on_one_market_open_whole_or_not_at_all),
        T(a_gang_that_loses_a_place_lets_go_of_the_others),
        T(a_gang_opens_when_its_last_quote_comes),
        T(a_gang_that_needs_two_opens_with_two),
        T(a_copy_is_not_placed_beside_its_twin),
        T(copies_wait_until_enough_is_known),
        T(a_copy_that_is_lost_alone_has_another_place_at_once),
        T(one_copy_that_is_done_is_enough),
        T(a_job_does_not_wait_for_the_copy_that_is_late),
        T(copies_by_number_are_all_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
