#include "fixture.h"

#include "golden.h"
#include "stakes.h"

#define C CREDITS

/* ---- the record ---- */

static struct bond golden_bond(void)
{
    struct bond bond = {.bonded = amount_micro(4 * C),
                        .slashed = amount_micro(500),
                        .jailed_epoch = 3,
                        .unbonding_count = 2};
    struct test_key owner;
    test_key_init(&owner, 2);
    bond.owner = owner.signer.key;
    bond.unbondings[0] = (struct unbonding){12, amount_micro(2)};
    bond.unbondings[1] = (struct unbonding){13, amount_micro(C)};
    return bond;
}

static void a_record_is_the_golden_one_and_has_one_spelling(void **state)
{
    struct bond bond = golden_bond();
    struct bond got;
    struct buf buf;
    struct buf again;
    (void)state;
    buf_init(&buf, BOND_BYTES_MAX);
    buf_init(&again, BOND_BYTES_MAX);
    bond_encode(&bond, &buf);
    assert_golden("bond-record", buf_bytes(&buf));
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(bond_decode(bytes_make(buf.ptr, len), &got),
                         ERR_CORRUPT);
    for (size_t i = 0; i < buf.len * 8; i++) {
        buf.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
        if (bond_decode(buf_bytes(&buf), &got) == OK) {
            buf_clear(&again);
            bond_encode(&got, &again);
            assert_true(bytes_equal(buf_bytes(&buf), buf_bytes(&again)));
        }
        buf.ptr[i / 8] ^= (uint8_t)(1u << (i % 8));
    }
    buf_done(&again);
    buf_done(&buf);
}

static void a_damaged_record_is_said_to_be(void **state)
{
    struct bond bond;
    struct bond got;
    struct buf buf;
    (void)state;
    buf_init(&buf, BOND_BYTES_MAX + 16);
    bond = golden_bond();
    bond.unbondings[1].release_epoch = 12; /* not rising */
    bond_encode(&bond, &buf);
    assert_int_equal(bond_decode(buf_bytes(&buf), &got), ERR_CORRUPT);
    buf_clear(&buf);
    bond = golden_bond();
    bond.unbondings[0].amount = amount_micro(0);
    bond_encode(&bond, &buf);
    assert_int_equal(bond_decode(buf_bytes(&buf), &got), ERR_CORRUPT);
    buf.ptr[56] = BOND_UNBONDINGS_MAX + 1;
    assert_int_equal(bond_decode(buf_bytes(&buf), &got), ERR_CORRUPT);
    buf_done(&buf);
}

static void the_audit_finds_a_vault_that_is_not_its_bond(void **state)
{
    struct stakes s;
    struct stake stake;
    struct hash vault;
    (void)state;
    stakes_open(&s);
    const struct pubkey *key = &s.w.validator.signer.key;
    stakes_audit(&s);
    struct state_mark mark = state_mark(s.state);
    bond_vault(key, &vault);
    assert_int_equal(
        vault_pay(s.state, &vault, &s.w.users[0].signer.key, amount_micro(1)),
        OK);
    assert_int_equal(bond_audit(s.state), ERR_CONSERVATION);
    state_rollback(s.state, mark);
    assert_int_equal(stake_get(s.state, &stake), OK);
    stake.bonded++;
    assert_int_equal(stake_put(s.state, &stake), OK);
    assert_int_equal(bond_audit(s.state), ERR_CONSERVATION);
    stakes_close(&s);
}

static void a_damaged_sum_of_all_bonds_is_told(void **state)
{
    struct stakes s;
    struct stake stake;
    struct amount taken;
    (void)state;
    stakes_open(&s);
    assert_int_equal(stake_get(s.state, &stake), OK);
    stake.bonded = 1;
    assert_int_equal(stake_put(s.state, &stake), OK);
    assert_int_equal(bond_slash(s.state, &s.w.validator.signer.key, 1, &taken),
                     ERR_CORRUPT);
    stakes_close(&s);
}

/* Nobody can have begun to leave in an epoch to come. */
static void what_leaves_later_than_now_is_damage(void **state)
{
    struct stakes s;
    struct bond bond;
    (void)state;
    stakes_open(&s);
    const struct pubkey *key = &s.w.validator.signer.key;
    assert_int_equal(bond_get(s.state, key, &bond), OK);
    bond.unbonding_count = 1;
    bond.unbondings[0] = (struct unbonding){1u << 30, amount_micro(1)};
    assert_int_equal(bond_lower(s.state, key, &bond, amount_micro(1), 1),
                     ERR_CORRUPT);
    stakes_close(&s);
}

static void the_genesis_bonds_for_the_owners_it_names(void **state)
{
    struct world w;
    struct bond bond;
    struct genesis again;
    struct buf text;
    struct test_key other;
    (void)state;
    memset(&w, 0, sizeof(w));
    world_genesis(&w, 5);
    for (uint64_t i = 0; i < 20; i++) { /* the owners follow their keys */
        test_key_init(&other, 500 + i);
        assert_int_equal(genesis_add_validator(&w.genesis, &other.signer.key,
                                               amount_micro(C + i),
                                               &w.users[i % USERS].signer.key),
                         OK);
    }
    assert_int_equal(genesis_add_validator(&w.genesis, &other.signer.key,
                                           amount_micro(C), NULL),
                     ERR_EXISTS);
    assert_int_equal(genesis_seal(&w.genesis), OK);
    buf_init(&text, GENESIS_BYTES_MAX);
    genesis_format(&w.genesis, &text);
    assert_int_equal(genesis_parse(buf_bytes(&text), &again, NULL), OK);
    assert_true(hash_equal(&again.chain, &w.genesis.chain));
    assert_int_equal(genesis_supply(&again).micro, 421 * C + 190);
    assert_int_equal(store_mem_new(&w.store), OK);
    assert_int_equal(chain_open(w.store, &again, NULL, &w.chain), OK);
    for (uint64_t i = 0; i < 20; i++) {
        test_key_init(&other, 500 + i);
        assert_int_equal(
            bond_get(chain_state(w.chain), &other.signer.key, &bond), OK);
        assert_int_equal(bond.bonded.micro, C + i);
        assert_true(pubkey_equal(&bond.owner, &w.users[i % USERS].signer.key));
    }
    assert_int_equal(
        bond_get(chain_state(w.chain), &w.validator.signer.key, &bond), OK);
    assert_true(pubkey_equal(&bond.owner, &w.validator.signer.key));
    assert_int_equal(chain_audit_money(w.chain), OK);
    buf_done(&text);
    genesis_done(&again);
    world_close(&w);
}

/* ---- the next set ---- */

/* A bond out of thin air: for what only looks at sets. */
static void put(struct stakes *s, uint8_t number, uint64_t micro, bool jailed)
{
    struct bond bond = {.bonded = amount_micro(micro),
                        .jailed_epoch = jailed ? 1 : 0};
    struct pubkey key = {{number, 7}};
    assert_int_equal(bond_put(s->state, &key, &bond), OK);
}

static struct validators next_of(struct stakes *s,
                                 const struct validators *current)
{
    struct validators next;
    assert_int_equal(bond_next_set(s->state, current, &next), OK);
    return next;
}

static bool sits(const struct validators *set, uint8_t number)
{
    struct pubkey key = {{number, 7}};
    return validators_find(set, &key) >= 0;
}

static void the_hundred_largest_bonds_sit_and_ties_go_by_key(void **state)
{
    struct stakes s;
    (void)state;
    stakes_open(&s); /* the fixture's validator: one credit, like the rest */
    for (unsigned i = 1; i <= 110; i++)
        put(&s, (uint8_t)i, i > 100 ? 2 * C : C + (i < 10), false);
    struct validators next = next_of(&s, &s.set);
    assert_int_equal(next.count, LIMIT_VALIDATORS);
    for (unsigned i = 1; i <= 110; i++) {
        bool large = i > 100 || i < 10;
        /* 19 are larger; 81 seats are left for the smaller keys of the rest */
        bool tied = i >= 10 && i <= 90;
        assert_int_equal(sits(&next, (uint8_t)i), large || tied);
    }
    stakes_close(&s);
}

static void too_small_a_bond_does_not_sit(void **state)
{
    struct stakes s;
    (void)state;
    stakes_open(&s);
    put(&s, 1, C - 1, false);
    put(&s, 2, C, false);
    struct validators next = next_of(&s, &s.set);
    assert_int_equal(next.count, 2);
    assert_true(sits(&next, 2));
    stakes_close(&s);
}

static void a_set_is_never_empty(void **state)
{
    struct stakes s;
    struct amount taken;
    (void)state;
    stakes_open(&s);
    assert_int_equal(bond_slash(s.state, &s.w.validator.signer.key, 1, &taken),
                     OK);
    struct validators next = next_of(&s, &s.set);
    assert_memory_equal(&next, &s.set, sizeof(next));
    /* Until somebody else is there. */
    put(&s, 1, C, false);
    next = next_of(&s, &s.set);
    assert_int_equal(next.count, 1);
    assert_true(sits(&next, 1));
    stakes_close(&s);
}

static void of_the_jailed_one_leaves_and_more_within_a_third(void **state)
{
    struct stakes s;
    struct validators current = {0};
    (void)state;
    stakes_open(&s);
    for (uint8_t i = 1; i <= 10; i++) {
        struct pubkey key = {{i, 7}};
        put(&s, i, 10 * C, i <= 5);
        assert_int_equal(validators_add(&current, &key, 10 * C), OK);
    }
    /* 100 credits; five of 10 each must go: 33 is the limit. */
    struct validators next = next_of(&s, &current);
    for (uint8_t i = 1; i <= 3; i++)
        assert_false(sits(&next, i));
    for (uint8_t i = 4; i <= 10; i++)
        assert_true(sits(&next, i));
    /* What others unbond goes first: then it is one. */
    put(&s, 10, C, false);
    put(&s, 9, C, false);
    put(&s, 8, C, false);
    next = next_of(&s, &current);
    assert_false(sits(&next, 1));
    assert_true(sits(&next, 2));
    /* With the weight it had: its record's bond is slashed. */
    put(&s, 2, 1, true);
    next = next_of(&s, &current);
    struct pubkey two = {{2, 7}};
    int at = validators_find(&next, &two);
    assert_true(at >= 0);
    assert_int_equal(next.items[at].weight, 10 * C);
    stakes_close(&s);
}

static void a_jailed_giant_leaves_at_once(void **state)
{
    struct stakes s;
    struct validators current = {0};
    (void)state;
    stakes_open(&s);
    put(&s, 1, 90 * C, true);
    put(&s, 2, 10 * C, false);
    assert_int_equal(validators_add(&current, &(struct pubkey){{1, 7}}, 90 * C),
                     OK);
    assert_int_equal(validators_add(&current, &(struct pubkey){{2, 7}}, 10 * C),
                     OK);
    struct validators next = next_of(&s, &current);
    assert_false(sits(&next, 1));
    assert_true(sits(&next, 2));
    stakes_close(&s);
}

static void the_jailed_who_wait_take_the_smallest_ones_seats(void **state)
{
    struct stakes s;
    struct validators current = {0};
    (void)state;
    stakes_open(&s);
    for (uint8_t i = 1; i <= 4; i++) {
        put(&s, i, 10 * C, true);
        assert_int_equal(
            validators_add(&current, &(struct pubkey){{i, 7}}, 10 * C), OK);
    }
    for (unsigned i = 10; i < 130; i++)
        put(&s, (uint8_t)i, 2 * C + i, false);
    struct validators next = next_of(&s, &current);
    assert_int_equal(next.count, LIMIT_VALIDATORS);
    /* one of four is a quarter, two are half: three wait */
    assert_false(sits(&next, 1));
    for (uint8_t i = 2; i <= 4; i++)
        assert_true(sits(&next, i));
    assert_false(sits(&next, 32));
    assert_true(sits(&next, 33));
    stakes_close(&s);
}

/* ---- anything may happen ---- */

#define NODES  24
#define EPOCHS 300

struct random_run {
    struct stakes s;
    struct test_key nodes[NODES];
    struct test_key burnt[3 * EPOCHS]; /* whose seats are still judged */
    unsigned burnt_count;
    uint64_t seed;
    unsigned done[5];          /* what succeeded, by action */
    struct validators sets[8]; /* of the last epochs, by epoch % 8 */
};

static uint64_t below(struct random_run *r, uint64_t n)
{
    return test_random(&r->seed) % n;
}

static const struct test_key *key_of(struct random_run *r,
                                     const struct pubkey *key)
{
    for (unsigned i = 0; i < NODES; i++) {
        if (pubkey_equal(&r->nodes[i].signer.key, key))
            return &r->nodes[i];
    }
    for (unsigned i = 0; i < r->burnt_count; i++) {
        if (pubkey_equal(&r->burnt[i].signer.key, key))
            return &r->burnt[i];
    }
    return &r->s.w.validator;
}

/* The burnt are replaced, else the village dies out. */
static void replace_some(struct random_run *r)
{
    for (unsigned k = 0; k < 3; k++) {
        struct test_key *node = &r->nodes[below(r, NODES)];
        if (stakes_of(&r->s, &node->signer.key).jailed_epoch == 0)
            continue;
        r->burnt[r->burnt_count] = *node;
        r->burnt[r->burnt_count].signer.ctx = &r->burnt[r->burnt_count];
        r->burnt_count++;
        test_key_init(node, 5000 + r->burnt_count);
    }
}

static void random_accusation(struct random_run *r)
{
    struct stakes *s = &r->s;
    struct evidence evidence;
    uint64_t back = below(r, 9);
    if (back >= s->context.epoch)
        return;
    uint64_t epoch = s->context.epoch - back;
    const struct validators *set = &r->sets[epoch % 8];
    uint16_t index = (uint16_t)below(r, set->count);
    const struct test_key *key = key_of(r, &set->items[index].key);
    stakes_twice(s, key, epoch, 1 + below(r, 3), index, &evidence);
    enum err err = stakes_accuse(s, &evidence);
    if (back > 6)
        assert_int_equal(err, ERR_EVIDENCE_EPOCH);
    else
        assert_true(err == OK || err == ERR_EVIDENCE_USED);
    r->done[3] += err == OK;
}

static void random_action(struct random_run *r)
{
    struct stakes *s = &r->s;
    const struct test_key *node = &r->nodes[below(r, NODES)];
    const struct pubkey *key = &node->signer.key;
    struct bond bond = stakes_of(s, key);
    /* Mostly the owner, sometimes anybody. */
    const struct test_key *owner = &s->w.users[below(r, USERS)];
    for (unsigned i = 0; i < USERS && below(r, 8) != 0; i++) {
        if (pubkey_equal(&s->w.users[i].signer.key, &bond.owner))
            owner = &s->w.users[i];
    }
    switch (below(r, 4)) {
    case 0:
        r->done[0] +=
            stakes_bond(s, owner, key, node, 1 + below(r, 8 * C)) == OK;
        break;
    case 1: {
        uint64_t have = bond.bonded.micro;
        uint64_t amount = below(r, 3) == 0 ? have : 1 + below(r, have + 2);
        r->done[1] += stakes_unbond(s, owner, key, amount) == OK;
        break;
    }
    case 2:
        r->done[2] += stakes_withdraw(s, owner, key, NULL) == OK;
        break;
    default:
        if (below(r, 12) == 0)
            random_accusation(r);
        break;
    }
}

static void check_set(struct random_run *r, const struct validators *before)
{
    struct stakes *s = &r->s;
    const struct validators *set = &s->next;
    uint64_t weight = 0;
    uint64_t gone = 0;
    uint64_t first = 0;
    assert_true(set->count >= 1 && set->count <= LIMIT_VALIDATORS);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *item = &set->items[i];
        struct bond bond = stakes_of(s, &item->key);
        weight += item->weight;
        assert_true(i == 0 || pubkey_compare(&item[-1].key, &item->key) < 0);
        if (bond.jailed_epoch == 0)
            assert_int_equal(item->weight, bond.bonded.micro);
        else
            assert_true(validators_find(before, &item->key) >= 0);
    }
    assert_int_equal(weight, set->weight);
    for (uint32_t i = 0; i < before->count; i++) {
        const struct validator *item = &before->items[i];
        int at = validators_find(set, &item->key);
        uint64_t now = at < 0 ? 0 : set->items[at].weight;
        if (now < item->weight)
            gone += item->weight - now;
        if (first == 0 && stakes_of(s, &item->key).jailed_epoch != 0)
            first = item->weight;
    }
    assert_true(gone <= before->weight / 3 + first);
    r->done[4] += set->count > 3;
}

static void whatever_happens_money_is_kept_and_sets_are_in_order(void **state)
{
    static const uint64_t seeds[] = {1, 77, 4242};
    (void)state;
    for (size_t n = 0; n < sizeof(seeds) / sizeof(seeds[0]); n++) {
        static struct random_run r;
        memset(&r, 0, sizeof(r));
        r.seed = seeds[n];
        stakes_open(&r.s);
        for (unsigned i = 0; i < NODES; i++)
            test_key_init(&r.nodes[i], 3000 + i);
        for (unsigned e = 0; e < EPOCHS; e++) {
            r.sets[r.s.context.epoch % 8] = r.s.set;
            for (unsigned i = 0; i < 12; i++)
                random_action(&r);
            stakes_audit(&r.s);
            struct validators before = r.s.next;
            stakes_epoch(&r.s);
            check_set(&r, &before);
            replace_some(&r);
        }
        for (unsigned i = 0; i < 4; i++)
            assert_true(r.done[i] > 20);
        assert_true(r.done[4] > 100);
        stakes_close(&r.s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_the_golden_one_and_has_one_spelling),
        cmocka_unit_test(a_damaged_record_is_said_to_be),
        cmocka_unit_test(the_audit_finds_a_vault_that_is_not_its_bond),
        cmocka_unit_test(a_damaged_sum_of_all_bonds_is_told),
        cmocka_unit_test(what_leaves_later_than_now_is_damage),
        cmocka_unit_test(the_genesis_bonds_for_the_owners_it_names),
        cmocka_unit_test(the_hundred_largest_bonds_sit_and_ties_go_by_key),
        cmocka_unit_test(too_small_a_bond_does_not_sit),
        cmocka_unit_test(a_set_is_never_empty),
        cmocka_unit_test(of_the_jailed_one_leaves_and_more_within_a_third),
        cmocka_unit_test(a_jailed_giant_leaves_at_once),
        cmocka_unit_test(the_jailed_who_wait_take_the_smallest_ones_seats),
        cmocka_unit_test(whatever_happens_money_is_kept_and_sets_are_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
