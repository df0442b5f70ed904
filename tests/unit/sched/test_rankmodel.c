#include "sched/learn/rankmodel.h"

#include "base/mp.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rankmodel model;
static struct rankmodel again;

static void make(void)
{
    struct dice dice;
    memset(&model, 0, sizeof(model));
    dice_init(&dice, 1);
    ranknet_draw(&model.net, &dice);
    strcpy(model.topology, "hand.gml");
    model.nodes = 100;
    model.links = 500;
    model.rate_millionth = 160000;
    model.seed = 7;
    model.requests = 1000;
    model.starts = 3;
    model.trial_count = 2;
    model.trials[0] = (struct rankmodel_trial){1, 900, 910};
    model.trials[1] = (struct rankmodel_trial){3, 960, 950};
}

static void encode(struct buf *out)
{
    buf_init(out, RANKMODEL_BYTES_MAX);
    rankmodel_encode(&model, out);
    assert_int_equal(out->err, OK);
}

/* Encodes the model as it is and says how it is read. */
static enum err round_trip(void)
{
    struct buf bytes;
    enum err err;
    encode(&bytes);
    err = rankmodel_decode(buf_bytes(&bytes), &again);
    buf_done(&bytes);
    return err;
}

static void what_is_written_is_read(void **state)
{
    struct buf one;
    struct buf two;
    (void)state;
    make();
    encode(&one);
    assert_int_equal(rankmodel_decode(buf_bytes(&one), &again), OK);
    assert_memory_equal(&model, &again, sizeof(model));
    buf_init(&two, RANKMODEL_BYTES_MAX);
    rankmodel_encode(&again, &two);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    buf_done(&one);
    buf_done(&two);
}

static void only_more_than_the_incumbent_beats_it(void **state)
{
    (void)state;
    make();
    assert_true(rankmodel_beats(&model));
    model.trials[1].accepted = 950;
    assert_false(rankmodel_beats(&model));
    assert_int_equal(round_trip(), OK);
    assert_false(rankmodel_beats(&again));
    model.starts = 1; /* the other trial decides */
    model.trials[0].accepted = 911;
    assert_true(rankmodel_beats(&model));
    assert_null(rankmodel_trial_of(&model, 2));
}

static void a_changed_byte_is_seen(void **state)
{
    struct buf bytes;
    uint8_t *copy;
    (void)state;
    make();
    encode(&bytes);
    copy = malloc(bytes.len);
    assert_non_null(copy);
    for (size_t at = 0; at < bytes.len; at += at < 200 ? 1 : 97) {
        memcpy(copy, bytes.ptr, bytes.len);
        copy[at] ^= 0x10;
        memset(&again, 0x55, sizeof(again));
        assert_true(rankmodel_decode(bytes_make(copy, bytes.len), &again) !=
                    OK);
        assert_int_equal(again.nodes, 0x55555555); /* untouched */
    }
    copy[bytes.len - 1] ^= 0x10;
    assert_int_equal(rankmodel_decode(bytes_make(copy, bytes.len), &again),
                     ERR_CHECKSUM);
    for (size_t len = 0; len < bytes.len; len += len < 100 ? 1 : 997)
        assert_int_equal(rankmodel_decode(bytes_make(bytes.ptr, len), &again),
                         ERR_TRUNCATED);
    free(copy);
    buf_done(&bytes);
}

static void foreign_numbers_are_refused(void **state)
{
    (void)state;
    make();
    model.net.w[77] = NAN;
    assert_int_equal(round_trip(), ERR_RANGE);
    model.net.w[77] = INFINITY;
    assert_int_equal(round_trip(), ERR_RANGE);
    model.net.w[77] = -(float)RANKMODEL_WEIGHT_MAX;
    assert_int_equal(round_trip(), OK);
    model.net.w[77] *= 1.001f;
    assert_int_equal(round_trip(), ERR_RANGE);
    make();
    model.trials[1].incumbent = 1001; /* of 1000 requests */
    assert_int_equal(round_trip(), ERR_RANGE);
    make();
    model.trials[0].starts = 3; /* twice the same */
    assert_int_equal(round_trip(), ERR_RANGE);
    make();
    model.starts = 2; /* never tried with as many */
    assert_int_equal(round_trip(), ERR_RANGE);
    make();
    model.trial_count = 0;
    assert_int_equal(round_trip(), ERR_RANGE);
    make();
    model.nodes = 5000;
    assert_int_equal(round_trip(), ERR_RANGE);
    make();
    strcpy(model.topology, "a\033[2Jb"); /* would command a terminal */
    assert_int_equal(round_trip(), ERR_RANGE);
}

/* Rewrites body and sum, so that only the field is wrong. */
static enum err read_body_with(uint8_t from, uint8_t to, size_t at)
{
    struct buf bytes;
    struct buf forged;
    struct mp_reader r;
    struct arena arena;
    struct bytes body;
    struct hash sum;
    uint8_t *copy;
    enum err err;
    encode(&bytes);
    arena_init(&arena, 65536);
    assert_int_equal(mp_open_message(&r, buf_bytes(&bytes), &arena, 1, 1, 2),
                     OK);
    body = mp_get_bin(&r, RANKMODEL_BYTES_MAX);
    copy = malloc(body.len);
    assert_non_null(copy);
    memcpy(copy, body.ptr, body.len);
    assert_int_equal(copy[at], from);
    copy[at] = to;
    hash_bytes(HASH_TAG_MODEL, bytes_make(copy, body.len), &sum);
    buf_init(&forged, RANKMODEL_BYTES_MAX);
    mp_put_message(&forged, 1, 1, 2);
    mp_put_bin(&forged, bytes_make(copy, body.len));
    mp_put_hash(&forged, &sum);
    err = rankmodel_decode(buf_bytes(&forged), &again);
    free(copy);
    arena_done(&arena);
    buf_done(&bytes);
    buf_done(&forged);
    return err;
}

static void another_shape_is_another_version(void **state)
{
    (void)state;
    make();
    assert_int_equal(read_body_with(0x20, 0x20, 2), OK); /* hidden: 32 */
    assert_int_equal(read_body_with(0x20, 0x21, 2), ERR_VERSION);
    assert_int_equal(read_body_with(0x03, 0x04, 3), ERR_VERSION);
    assert_int_equal(read_body_with(SCENE_NODE_WIDTH, 1, 4), ERR_VERSION);
    assert_int_equal(read_body_with(SCENE_PART_WIDTH, 1, 5), ERR_VERSION);
}

/* The one beside the examples is of this network's shape, and may be used. */
static void the_shipped_model_can_be_used(void **state)
{
    static uint8_t bytes[RANKMODEL_BYTES_MAX];
    FILE *file =
        fopen(SUAN_SOURCE_DIR "/docs/examples/sched/waxman100.model", "rb");
    size_t len;
    (void)state;
    assert_non_null(file);
    len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_int_equal(rankmodel_decode(bytes_make(bytes, len), &again), OK);
    assert_true(rankmodel_beats(&again));
    assert_int_equal(again.trial_count, 5);
}

static void too_much_is_not_looked_at(void **state)
{
    static uint8_t much[RANKMODEL_BYTES_MAX + 1];
    (void)state;
    assert_int_equal(rankmodel_decode(BYTES_OF(much), &again), ERR_TOO_LARGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(only_more_than_the_incumbent_beats_it),
        cmocka_unit_test(a_changed_byte_is_seen),
        cmocka_unit_test(foreign_numbers_are_refused),
        cmocka_unit_test(another_shape_is_another_version),
        cmocka_unit_test(the_shipped_model_can_be_used),
        cmocka_unit_test(too_much_is_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
