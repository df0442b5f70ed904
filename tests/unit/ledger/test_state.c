#include "fixture.h"

#include "ledger/state/overlay.h"

/* Overlays over a store in memory. */

struct layers {
    struct store *store;
    struct state *ground;
    struct hash chain;
    struct arena arena;
};

static void layers_open(struct layers *l)
{
    memset(l, 0, sizeof(*l));
    l->chain.b[0] = 1;
    arena_init(&l->arena, 1u << 20);
    assert_int_equal(store_mem_new(&l->store), OK);
    assert_int_equal(state_ground(l->store, &l->chain, &l->ground), OK);
}

static void layers_close(struct layers *l)
{
    state_free(l->ground);
    store_close(l->store);
    arena_done(&l->arena);
}

static void set(struct state *state, const char *key, const char *value)
{
    assert_int_equal(
        state_put(state, STATE_CONTRACT, bytes_str(key), bytes_str(value)), OK);
}

static void unset(struct state *state, const char *key)
{
    assert_int_equal(state_delete(state, STATE_CONTRACT, bytes_str(key)), OK);
}

static void assert_has(struct layers *l, struct state *state, const char *key,
                       const char *value)
{
    struct bytes got;
    enum err err =
        state_get(state, STATE_CONTRACT, bytes_str(key), &l->arena, &got);
    if (value == NULL) {
        assert_int_equal(err, ERR_NOT_FOUND);
        return;
    }
    assert_int_equal(err, OK);
    assert_true(bytes_equal(got, bytes_str(value)));
}

static void flush(struct layers *l, struct state *state)
{
    struct store_batch *batch = store_batch_new(1);
    state_to_batch(state, batch);
    assert_int_equal(store_commit(l->store, batch), OK);
    store_batch_free(batch);
}

static void an_overlay_hides_what_lies_below_without_changing_it(void **state)
{
    struct layers l;
    struct state *low;
    struct state *high;
    struct hash root;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &low), OK);
    set(low, "a", "1");
    set(low, "b", "2");
    assert_int_equal(state_seal(low, amount_micro(0), &root), OK);
    assert_int_equal(state_fork(low, &high), OK);
    set(high, "a", "9");
    unset(high, "b");
    assert_has(&l, high, "a", "9");
    assert_has(&l, high, "b", NULL);
    assert_has(&l, low, "a", "1");
    assert_has(&l, low, "b", "2");
    assert_has(&l, l.ground, "a", NULL);
    state_free(high);
    state_free(low);
    layers_close(&l);
}

static void rollback_restores_every_record_to_the_mark(void **state)
{
    struct layers l;
    struct state *s;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &s), OK);
    set(s, "a", "1");
    struct state_mark outer = state_mark(s);
    set(s, "a", "2");
    set(s, "b", "2");
    struct state_mark inner = state_mark(s);
    unset(s, "a");
    set(s, "b", "3");
    set(s, "c", "3");
    state_rollback(s, inner);
    assert_has(&l, s, "a", "2");
    assert_has(&l, s, "b", "2");
    assert_has(&l, s, "c", NULL);
    state_rollback(s, outer);
    assert_has(&l, s, "a", "1");
    assert_has(&l, s, "b", NULL);
    state_free(s);
    layers_close(&l);
}

static void what_was_rolled_back_leaves_no_trace_in_the_root(void **state)
{
    struct layers l;
    struct state *one;
    struct state *two;
    struct hash a;
    struct hash b;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &one), OK);
    assert_int_equal(state_fork(l.ground, &two), OK);
    set(one, "a", "1");
    set(two, "a", "1");
    struct state_mark mark = state_mark(two);
    set(two, "a", "2");
    set(two, "z", "2");
    state_rollback(two, mark);
    assert_int_equal(state_seal(one, amount_micro(0), &a), OK);
    assert_int_equal(state_seal(two, amount_micro(0), &b), OK);
    assert_true(hash_equal(&a, &b));
    state_free(one);
    state_free(two);
    layers_close(&l);
}

static void a_value_written_back_is_no_change(void **state)
{
    struct layers l;
    struct state *one;
    struct state *two;
    struct hash a;
    struct hash b;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &one), OK);
    set(one, "a", "1");
    assert_int_equal(state_seal(one, amount_micro(0), &a), OK);
    assert_int_equal(state_fork(one, &two), OK);
    set(two, "a", "2");
    set(two, "a", "1");
    set(two, "new", "x");
    unset(two, "new");
    assert_int_equal(state_seal(two, amount_micro(0), &b), OK);
    assert_true(hash_equal(&a, &b));
    struct store_batch *batch = store_batch_new(1);
    state_to_batch(two, batch);
    assert_int_equal(store_batch_bytes(batch), 0);
    store_batch_free(batch);
    state_free(two);
    state_free(one);
    layers_close(&l);
}

static void an_overlay_reads_the_same_before_and_after_its_parent_is_stored(
    void **state)
{
    struct layers l;
    struct state *low;
    struct state *high;
    struct hash root;
    struct hash want;
    struct hash got;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &low), OK);
    set(low, "a", "1");
    set(low, "b", "2");
    assert_int_equal(state_seal(low, amount_micro(0), &root), OK);
    assert_int_equal(state_fork(low, &high), OK);
    set(high, "c", "3");
    unset(high, "b");
    flush(&l, low);
    assert_has(&l, high, "a", "1");
    state_rebase(high, l.ground);
    state_free(low);
    assert_has(&l, high, "a", "1");
    assert_has(&l, high, "b", NULL);
    assert_int_equal(state_seal(high, amount_micro(0), &got), OK);
    flush(&l, high);
    assert_int_equal(state_root(l.ground, &want), OK);
    assert_true(hash_equal(&got, &want));
    state_free(high);
    layers_close(&l);
}

static void a_parent_lives_as_long_as_an_overlay_stands_on_it(void **state)
{
    struct layers l;
    struct state *low;
    struct state *high;
    struct hash root;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &low), OK);
    set(low, "a", "1");
    assert_int_equal(state_seal(low, amount_micro(0), &root), OK);
    assert_int_equal(state_fork(low, &high), OK);
    state_free(low);
    assert_has(&l, high, "a", "1");
    state_free(high);
    layers_close(&l);
}

static enum err join(void *ctx, struct bytes key, struct bytes value)
{
    char *text = ctx;
    size_t len = strlen(text);
    assert_true(len + key.len + value.len + 3 < 256);
    snprintf(text + len, 256 - len, "%.*s=%.*s ", (int)key.len,
             (const char *)key.ptr, (int)value.len, (const char *)value.ptr);
    return OK;
}

static void a_scan_merges_all_layers_in_key_order(void **state)
{
    struct layers l;
    struct state *low;
    struct state *mid;
    struct state *high;
    struct hash root;
    char text[256] = "";
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &low), OK);
    set(low, "b", "low");
    set(low, "d", "low");
    set(low, "f", "low");
    assert_int_equal(
        state_put(low, STATE_TASK, BYTES_LIT("e"), BYTES_LIT("other")), OK);
    assert_int_equal(
        state_put(low, STATE_VALIDATOR, BYTES_LIT("e"), BYTES_LIT("other")),
        OK);
    assert_int_equal(state_seal(low, amount_micro(0), &root), OK);
    flush(&l, low);
    assert_int_equal(state_fork(l.ground, &mid), OK);
    set(mid, "a", "mid");
    set(mid, "d", "mid");
    unset(mid, "f");
    assert_int_equal(state_seal(mid, amount_micro(0), &root), OK);
    assert_int_equal(state_fork(mid, &high), OK);
    set(high, "c", "high");
    unset(high, "a");
    set(high, "f", "high");
    set(high, "g", "high");
    struct state_mark mark = state_mark(high);
    set(high, "e", "gone");
    state_rollback(high, mark);
    assert_int_equal(state_each(high, STATE_CONTRACT, join, text), OK);
    assert_string_equal(text, "b=low c=high d=mid f=high g=high ");
    state_free(high);
    state_free(mid);
    state_free(low);
    layers_close(&l);
}

static enum err stop(void *ctx, struct bytes key, struct bytes value)
{
    (void)key;
    (void)value;
    (*(int *)ctx)++;
    return ERR_EXPIRED;
}

static void a_scan_stops_when_told(void **state)
{
    struct layers l;
    struct state *s;
    int calls = 0;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &s), OK);
    set(s, "a", "1");
    set(s, "b", "1");
    assert_int_equal(state_each(s, STATE_CONTRACT, stop, &calls), ERR_EXPIRED);
    assert_int_equal(calls, 1);
    state_free(s);
    layers_close(&l);
}

static void money_made_or_lost_is_noticed_when_sealing(void **state)
{
    struct layers l;
    struct state *s;
    struct hash root = {{9}};
    struct pubkey alice = {{1}};
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &s), OK);
    assert_int_equal(account_credit(s, &alice, amount_micro(5)), OK);
    assert_int_equal(state_seal(s, amount_micro(4), &root), ERR_CONSERVATION);
    state_free(s);
    assert_int_equal(state_fork(l.ground, &s), OK);
    assert_int_equal(account_credit(s, &alice, amount_micro(5)), OK);
    assert_int_equal(state_seal(s, amount_micro(5), &root), OK);
    state_free(s);
    layers_close(&l);
}

static void limits_of_keys_and_values_hold(void **state)
{
    static uint8_t big[LIMIT_STATE_VALUE + 1];
    struct layers l;
    struct state *s;
    struct bytes got;
    (void)state;
    layers_open(&l);
    assert_int_equal(state_fork(l.ground, &s), OK);
    assert_int_equal(
        state_put(s, STATE_CONTRACT, BYTES_LIT("k"), BYTES_OF(big)),
        ERR_TOO_LARGE);
    assert_int_equal(state_put(s, STATE_CONTRACT,
                               bytes_make(big, STORE_KEY_MAX), BYTES_LIT("v")),
                     ERR_TOO_LARGE);
    assert_int_equal(state_get(s, STATE_CONTRACT,
                               bytes_make(big, STORE_KEY_MAX), &l.arena, &got),
                     ERR_NOT_FOUND);
    assert_int_equal(state_put(s, STATE_CONTRACT,
                               bytes_make(big, STORE_KEY_MAX - 1),
                               BYTES_LIT("v")),
                     ERR_TOO_LARGE);
    assert_int_equal(state_put(s, STATE_CONTRACT,
                               bytes_make(big, STORE_KEY_MAX - 2),
                               bytes_make(big, LIMIT_STATE_VALUE)),
                     OK);
    state_free(s);
    layers_close(&l);
}

/* The root depends on the records alone: however many blocks they came in. */
static void the_root_does_not_depend_on_how_changes_are_cut_into_blocks(
    void **state)
{
    struct layers one;
    struct layers many;
    struct hash a;
    struct hash b;
    uint64_t seed = 31;
    (void)state;
    layers_open(&one);
    layers_open(&many);
    struct state *all;
    assert_int_equal(state_fork(one.ground, &all), OK);
    for (int block = 0; block < 30; block++) {
        struct state *part;
        assert_int_equal(state_fork(many.ground, &part), OK);
        for (int i = 0; i < 20; i++) {
            char key[16];
            char value[24];
            snprintf(key, sizeof(key), "k%u",
                     (unsigned)(test_random(&seed) % 80));
            snprintf(value, sizeof(value), "v%u",
                     (unsigned)(test_random(&seed) % 1000));
            if (test_random(&seed) % 4 == 0) {
                unset(all, key);
                unset(part, key);
            } else {
                set(all, key, value);
                set(part, key, value);
            }
        }
        assert_int_equal(state_seal(part, amount_micro(0), &b), OK);
        flush(&many, part);
        state_free(part);
    }
    assert_int_equal(state_seal(all, amount_micro(0), &a), OK);
    assert_true(hash_equal(&a, &b));
    state_free(all);
    layers_close(&one);
    layers_close(&many);
}

/* ---- many records ---- */

#define MANY 900u

/* Of the first bytes there are few: what is remembered by them is somebody
 * else's again and again. */
static struct bytes many_key(unsigned i, uint8_t raw[12])
{
    memset(raw, 0, 12);
    raw[0] = (uint8_t)(i % 40);
    raw[1] = (uint8_t)(i % 3);
    u32be_put(raw + 4, i);
    return bytes_make(raw, i % 50 == 0 ? 1 : 12);
}

static void many_set(struct state *state, unsigned i, uint32_t value)
{
    uint8_t key[12];
    uint8_t raw[4];
    u32be_put(raw, value);
    assert_int_equal(
        value == 0
            ? state_delete(state, STATE_CONTRACT, many_key(i, key))
            : state_put(state, STATE_CONTRACT, many_key(i, key), BYTES_OF(raw)),
        OK);
}

static uint32_t many_get(struct state *state, unsigned i)
{
    uint8_t key[12];
    uint8_t raw[4];
    size_t len;
    enum err err = state_read(state, STATE_CONTRACT, many_key(i, key), raw,
                              sizeof(raw), &len);
    if (err == ERR_NOT_FOUND)
        return 0;
    assert_int_equal(err, OK);
    return u32be_get(raw);
}

/* Those with one byte are one record for many i: the last one counts. */
static void model_set(uint32_t model[MANY], unsigned i, uint32_t value)
{
    for (unsigned k = 0; k < MANY; k++) {
        if (k == i || (k % 50 == 0 && i % 50 == 0 && k % 40 == i % 40))
            model[k] = value;
    }
}

/* Random changes; a third of them are taken back. */
static void many_changes(struct state *state, uint32_t model[MANY],
                         uint64_t *seed)
{
    for (unsigned round = 0; round < 60; round++) {
        uint32_t before[MANY];
        struct state_mark mark = state_mark(state);
        memcpy(before, model, sizeof(before));
        for (unsigned n = 0; n < 40; n++) {
            unsigned i = (unsigned)(test_random(seed) % MANY);
            uint32_t value = (uint32_t)(test_random(seed) % 4);
            assert_int_equal(many_get(state, i), model[i]);
            many_set(state, i, value);
            model_set(model, i, value);
            assert_int_equal(many_get(state, i), value);
        }
        if (round % 3 == 0) {
            state_rollback(state, mark);
            memcpy(model, before, sizeof(before));
        }
    }
}

/* The same records, made at once in a store of their own. */
static void assert_root_of(const struct hash *root, const uint32_t model[MANY])
{
    struct layers fresh;
    struct state *all;
    struct hash got;
    layers_open(&fresh);
    assert_int_equal(state_fork(fresh.ground, &all), OK);
    for (unsigned i = 0; i < MANY; i++) {
        if (model[i] != 0)
            many_set(all, i, model[i]);
    }
    assert_int_equal(state_seal(all, amount_micro(0), &got), OK);
    assert_true(hash_equal(&got, root));
    state_free(all);
    layers_close(&fresh);
}

/* Three overlays deep, the lowest of them stored in turn. */
static void many_records_are_found_again_through_all_layers(void **state)
{
    static uint32_t model[MANY];
    struct state *layers[12];
    struct layers l;
    uint64_t seed = 99;
    (void)state;
    memset(model, 0, sizeof(model));
    layers_open(&l);
    for (unsigned n = 0; n < 12; n++) {
        struct hash root;
        struct state *below = n == 0 ? l.ground : layers[n - 1];
        assert_int_equal(state_fork(below, &layers[n]), OK);
        many_changes(layers[n], model, &seed);
        assert_int_equal(state_seal(layers[n], amount_micro(0), &root), OK);
        assert_root_of(&root, model);
        for (unsigned i = 0; i < MANY; i++)
            assert_int_equal(many_get(layers[n], i), model[i]);
        if (n < 2)
            continue;
        flush(&l, layers[n - 2]);
        state_rebase(layers[n - 1], l.ground);
        state_free(layers[n - 2]);
        for (unsigned i = 0; i < MANY; i++)
            assert_int_equal(many_get(layers[n], i), model[i]);
    }
    state_free(layers[10]);
    state_free(layers[11]);
    layers_close(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_overlay_hides_what_lies_below_without_changing_it),
        cmocka_unit_test(rollback_restores_every_record_to_the_mark),
        cmocka_unit_test(what_was_rolled_back_leaves_no_trace_in_the_root),
        cmocka_unit_test(a_value_written_back_is_no_change),
        cmocka_unit_test(
            an_overlay_reads_the_same_before_and_after_its_parent_is_stored),
        cmocka_unit_test(a_parent_lives_as_long_as_an_overlay_stands_on_it),
        cmocka_unit_test(a_scan_merges_all_layers_in_key_order),
        cmocka_unit_test(a_scan_stops_when_told),
        cmocka_unit_test(money_made_or_lost_is_noticed_when_sealing),
        cmocka_unit_test(limits_of_keys_and_values_hold),
        cmocka_unit_test(
            the_root_does_not_depend_on_how_changes_are_cut_into_blocks),
        cmocka_unit_test(many_records_are_found_again_through_all_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
