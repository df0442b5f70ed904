#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "sched/devices_machine.h"
#include "tests/unit/sched/sample.h"

/* Two old cards, four large ones, one switch. */
static struct devices sample_devices(void)
{
    struct devices d = {
        .group_count = 3,
        .groups = {{.kind = DEVICE_GPU,
                    .model = "t4",
                    .count = 2,
                    .mem_mib = 16384,
                    .hour = {500}},
                   {.kind = DEVICE_GPU,
                    .model = "a100",
                    .count = 4,
                    .mem_mib = 40960,
                    .hour = {2000}},
                   {.kind = DEVICE_P4, .model = "tofino", .count = 1}},
    };
    devices_all_free(&d);
    return d;
}

static struct device_wish wish_of(const char *text)
{
    struct device_wish wish;
    memset(&wish, 0xee, sizeof(wish));
    assert_int_equal(device_wish_parse(text, &wish), OK);
    return wish;
}

static struct devices_verdict check(const struct devices *d, const char *text)
{
    struct device_wish wish = wish_of(text);
    struct devices_verdict v;
    devices_check(d, &wish, &v);
    return v;
}

static void the_cheapest_group_that_has_room_is_taken(void **state)
{
    struct devices d = sample_devices();
    (void)state;
    assert_int_equal(devices_form(&d), OK);
    assert_int_equal(check(&d, "gpu").group, 0);
    d.free_milli[0] = d.free_milli[1] = 999;
    assert_int_equal(check(&d, "gpu").group, 1);
    assert_int_equal(check(&d, "gpu:0.5").group, 0);
    assert_int_equal(check(&d, "gpu:3").group, 1);
    assert_int_equal(check(&d, "p4").group, 2);
    assert_int_equal(check(&d, "gpu").reason, REASON_NONE);
    d.groups[1].hour = d.groups[0].hour;
    d.free_milli[0] = 1000; /* the lower number of equals */
    assert_int_equal(check(&d, "gpu").group, 0);
}

static void pieces_of_several_cards_never_make_one(void **state)
{
    struct devices d = sample_devices();
    struct devices_verdict v;
    (void)state;
    for (uint32_t i = 2; i < 6; i++)
        d.free_milli[i] = 500;
    v = check(&d, "gpu:a100:1");
    assert_int_equal(v.reason, REASON_DEVICE_SPLIT);
    assert_true(v.want == 1 && v.have == 0);
    assert_int_equal(check(&d, "gpu:a100:4x0.5").reason, REASON_NONE);
    v = check(&d, "gpu:a100:4x0.6");
    assert_int_equal(v.reason, REASON_DEVICE_FREE);
    assert_true(v.want == 2400 && v.have == 2000);
}

static void each_lack_is_told_with_its_figures(void **state)
{
    struct devices d = sample_devices();
    struct device_wish wish = wish_of("gpu");
    struct devices_verdict v;
    (void)state;
    assert_int_equal(check(&d, "npu").reason, REASON_DEVICE_KIND);
    assert_int_equal(check(&d, "gpu:h100:1").reason, REASON_DEVICE_MODEL);
    assert_int_equal(check(&d, "gpu:h100:1").group, DEVICES_NO_GROUP);
    v = check(&d, "gpu:5");
    assert_int_equal(v.reason, REASON_DEVICE_TOTAL);
    assert_true(v.want == 5 && v.have == 2); /* equally near: the cheaper */
    v = check(&d, "gpu:a100:5");
    assert_true(v.want == 5 && v.have == 4);
    wish.mem_mib = 81920;
    devices_check(&d, &wish, &v);
    assert_int_equal(v.reason, REASON_DEVICE_MEM);
    assert_true(v.want == 81920 && v.have == 16384);
    wish.mem_mib = 20000; /* only the large ones have it */
    devices_check(&d, &wish, &v);
    assert_int_equal(v.reason, REASON_NONE);
    assert_int_equal(v.group, 1);
}

static void memory_that_is_not_stated_is_none(void **state)
{
    struct devices d = sample_devices();
    struct device_wish wish = wish_of("p4");
    struct devices_verdict v;
    (void)state;
    wish.mem_mib = 1;
    devices_check(&d, &wish, &v);
    assert_int_equal(v.reason, REASON_DEVICE_MEM);
    assert_true(v.have == 0);
}

static void the_group_nearest_to_fitting_is_the_one_explained(void **state)
{
    struct devices d = sample_devices();
    struct devices_verdict v;
    (void)state;
    memset(d.free_milli, 0, sizeof(d.free_milli));
    v = check(&d, "gpu:3"); /* two t4 never, four a100 later */
    assert_int_equal(v.reason, REASON_DEVICE_FREE);
    assert_int_equal(v.group, 1);
}

static void other_models_help_only_where_they_fit(void **state)
{
    struct devices d = sample_devices();
    struct device_wish wish = wish_of("gpu:h100:1");
    (void)state;
    assert_true(devices_fit_any_model(&d, &wish));
    wish.count = 5;
    assert_false(devices_fit_any_model(&d, &wish));
    wish.kind = DEVICE_NPU;
    wish.count = 1;
    assert_false(devices_fit_any_model(&d, &wish));
}

/* A group fits when so many of its devices have so much free. */
static bool group_fits_plainly(const struct devices *d, uint32_t group,
                               const struct device_wish *wish)
{
    const struct device_group *g = &d->groups[group];
    bool model = wish->model_count == 0;
    uint32_t enough = 0;
    for (uint32_t i = 0; i < wish->model_count; i++)
        model = model || strcmp(g->model, wish->models[i]) == 0;
    for (uint32_t i = 0; i < devices_count(d); i++)
        enough +=
            devices_group_of(d, i) == group && d->free_milli[i] >= wish->milli;
    return model && g->kind == wish->kind && g->mem_mib >= wish->mem_mib &&
           enough >= wish->count;
}

static void random_devices(uint64_t *seed, struct devices *d)
{
    static const char models[3][LIMIT_NAME] = {"a", "b", ""};
    memset(d, 0, sizeof(*d));
    d->group_count = (uint32_t)sample_below(seed, 4);
    for (uint32_t i = 0; i < d->group_count; i++) {
        struct device_group *g = &d->groups[i];
        g->kind = (enum device_kind)(1 + sample_below(seed, 2));
        memcpy(g->model, models[sample_below(seed, 3)], LIMIT_NAME);
        g->count = 1 + (uint32_t)sample_below(seed, 4);
        g->mem_mib = i + 10 * sample_below(seed, 2); /* tells twins apart */
        g->hour = amount_micro(sample_below(seed, 3));
    }
    for (uint32_t i = 0; i < devices_count(d); i++)
        d->free_milli[i] = (uint16_t)(sample_below(seed, 5) * 250);
}

static void random_wish(uint64_t *seed, struct device_wish *w)
{
    static const char *const texts[] = {"gpu:0.25", "gpu:1",     "gpu:a:0.5",
                                        "gpu:2",    "npu:a|b:1", "gpu:b:3",
                                        "npu:2x0.5"};
    *w = wish_of(texts[sample_below(seed, 7)]);
    w->mem_mib = sample_below(seed, 3) * 5;
}

static void random_picks_agree_with_looking_at_each_group(void **state)
{
    uint64_t seed = 5;
    uint32_t fitting = 0;
    (void)state;
    for (int i = 0; i < 50000; i++) {
        struct devices d;
        struct device_wish w;
        struct devices_verdict v;
        uint32_t best = DEVICES_NO_GROUP;
        random_devices(&seed, &d);
        random_wish(&seed, &w);
        assert_int_equal(devices_form(&d), OK);
        for (uint32_t g = 0; g < d.group_count; g++) {
            if (group_fits_plainly(&d, g, &w) &&
                (best == DEVICES_NO_GROUP ||
                 d.groups[g].hour.micro < d.groups[best].hour.micro))
                best = g;
        }
        devices_check(&d, &w, &v);
        assert_int_equal(v.reason == REASON_NONE, best != DEVICES_NO_GROUP);
        if (best != DEVICES_NO_GROUP)
            assert_int_equal(v.group, best);
        fitting += best != DEVICES_NO_GROUP;
    }
    assert_true(fitting > 5000 && fitting < 45000);
}

static void a_machine_has_the_groups_as_its_models(void **state)
{
    struct devices d = sample_devices();
    struct resources r = {.cpu_milli = 4000};
    struct device_wish wish = wish_of("gpu:a100:2x0.5");
    struct machine machine;
    struct ask ask;
    (void)state;
    devices_machine(&d, &r, &r, &machine);
    assert_int_equal(machine.device_count, 7);
    assert_int_equal(machine.devices[1].model, 1);
    assert_int_equal(machine.devices[2].model, 2);
    assert_int_equal(machine.devices[6].model, 3);
    device_wish_ask(&wish, &r, 1, &ask);
    assert_int_equal(ask_check(&ask), OK);
    assert_true(ask.models == model_bit(2));
    assert_int_equal(machine_room(&machine, &ask, 9), 1);
    ask.want.cpu_milli = 500;
    assert_int_equal(machine_room(&machine, &ask, 9), 4);
    assert_int_equal(devices_mask(&d, 1), 0x3c);
    assert_int_equal(devices_mask(&d, 2), 0x40);
    assert_int_equal(devices_group_of(&d, 6), 2);
}

/* ---- form ---- */

static void malformed_devices_are_refused(void **state)
{
    struct devices good = sample_devices();
    struct devices bad;
    (void)state;
#define REFUSED(change)                                                        \
    do {                                                                       \
        bad = good;                                                            \
        change;                                                                \
        assert_int_equal(devices_form(&bad), ERR_RANGE);                       \
    } while (0)
    REFUSED(bad.group_count = DEVICE_GROUPS_MAX + 1);
    REFUSED(bad.groups[1].kind = (enum device_kind)5);
    REFUSED(bad.groups[1].count = 0);
    REFUSED(bad.groups[1].count = 14);
    REFUSED(bad.groups[1].model[0] = 'A');
    REFUSED(memset(bad.groups[1].model, 'a', LIMIT_NAME));
    REFUSED(bad.groups[1] = bad.groups[0]);
    REFUSED(bad.free_milli[6] = 1001);
    REFUSED(bad.free_milli[7] = 1);
#undef REFUSED
    good.groups[1] = good.groups[0];
    good.groups[1].mem_mib++; /* the same model with more memory */
    good.free_milli[5] = good.free_milli[6] = 0;
    assert_int_equal(devices_form(&good), OK);
}

static void malformed_wishes_are_refused(void **state)
{
    const struct device_wish good = wish_of("gpu:a100|t4:2");
    const struct device_wish none = {0};
    struct device_wish bad;
    (void)state;
    assert_int_equal(device_wish_form(&good), OK);
    assert_int_equal(device_wish_form(&none), OK);
#define REFUSED(from, change)                                                  \
    do {                                                                       \
        bad = from;                                                            \
        change;                                                                \
        assert_int_equal(device_wish_form(&bad), ERR_RANGE);                   \
    } while (0)
    REFUSED(good, bad.kind = (enum device_kind)0);
    REFUSED(good, bad.kind = (enum device_kind)5);
    REFUSED(good, bad.count = 17);
    REFUSED(good, bad.milli = 0);
    REFUSED(good, bad.milli = 1001);
    REFUSED(good, bad.model_count = 5);
    REFUSED(good, bad.models[1][0] = '\0');
    REFUSED(good, memcpy(bad.models[1], bad.models[0], LIMIT_NAME));
    REFUSED(none, bad.kind = DEVICE_GPU);
    REFUSED(none, bad.milli = 1);
    REFUSED(none, bad.mem_mib = 1);
    REFUSED(none, bad.model_count = 1);
#undef REFUSED
}

static void kinds_read_as_they_print(void **state)
{
    enum device_kind kind = DEVICE_P4;
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        assert_int_equal(
            device_kind_parse(device_kind_text((enum device_kind)i), &kind),
            OK);
        assert_int_equal(kind, i);
    }
    assert_int_equal(device_kind_parse("tpu", &kind), ERR_PARSE);
    assert_string_equal(device_kind_text((enum device_kind)9), "?");
}

/* ---- text ---- */

static const struct {
    const char *text;
    const char *again;
    uint32_t count;
    uint32_t milli;
    uint32_t models;
} wishes[] = {
    {"gpu", "gpu:1", 1, 1000, 0},
    {"GPU:2", "gpu:2", 2, 1000, 0},
    {"gpu:A100", "gpu:a100:1", 1, 1000, 1},
    {"gpu:a100:0.5", "gpu:a100:0.5", 1, 500, 1},
    {"gpu:a100|h100:4x0.25", "gpu:a100|h100:4x0.25", 4, 250, 2},
    {"npu:0.001", "npu:0.001", 1, 1, 0},
    {"fpga:16", "fpga:16", 16, 1000, 0},
    {"p4:tofino-2", "p4:tofino-2:1", 1, 1000, 1},
    {"gpu:1x1", "gpu:1", 1, 1000, 0},
    {"gpu:2:1", "gpu:2:1", 1, 1000, 1}, /* a model called 2 */
};

static void wishes_read_as_they_print(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
        struct device_wish wish = wish_of(wishes[i].text);
        struct device_wish again;
        struct buf text;
        assert_int_equal(wish.count, wishes[i].count);
        assert_int_equal(wish.milli, wishes[i].milli);
        assert_int_equal(wish.model_count, wishes[i].models);
        buf_init(&text, 256);
        device_wish_format(&wish, &text);
        assert_string_equal(buf_cstr(&text), wishes[i].again);
        again = wish_of(buf_cstr(&text));
        assert_true(device_wish_same(&again, &wish));
        buf_done(&text);
    }
}

static void what_is_no_wish_is_refused(void **state)
{
    static const struct {
        const char *text;
        enum err err;
    } bad[] = {
        {"", ERR_PARSE},
        {"tpu", ERR_PARSE},
        {"gpu:", ERR_PARSE},
        {"gpu:a100:", ERR_PARSE},
        {"gpu:a100:x", ERR_PARSE},
        {"gpu:a100:1:1", ERR_PARSE},
        {"gpu:1.5", ERR_RANGE},
        {"gpu:0", ERR_RANGE},
        {"gpu:17", ERR_RANGE},
        {"gpu:a100:2x1.5", ERR_RANGE},
        {"gpu:a100:2x0", ERR_RANGE},
        {"gpu:a|a", ERR_RANGE},
        {"gpu:a|b|c|d|e", ERR_TOO_LARGE},
        {"gpu:a b", ERR_PARSE},
        {"gpu:a100:0.0001", ERR_PARSE},
        {"gpu:a100:1.", ERR_PARSE},
    };
    struct device_wish wish = {.count = 7};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (device_wish_parse(bad[i].text, &wish) != bad[i].err)
            fail_msg("\"%s\" is not refused as it should be", bad[i].text);
        assert_int_equal(wish.count, 7);
    }
}

/* ---- bytes ---- */

static enum err open_bytes(const struct buf *bytes, struct arena *arena,
                           struct mp_reader *reader)
{
    arena_init(arena, 1u << 16);
    return mp_open(reader, buf_bytes(bytes), arena);
}

static void devices_come_back_from_their_bytes(void **state)
{
    struct devices d = sample_devices();
    struct devices out;
    struct mp_reader reader;
    struct arena arena;
    struct buf bytes;
    (void)state;
    d.free_milli[3] = 250;
    buf_init(&bytes, 4096);
    devices_encode(&d, &bytes);
    assert_int_equal(open_bytes(&bytes, &arena, &reader), OK);
    devices_decode(&reader, &out);
    assert_int_equal(mp_close(&reader), OK);
    assert_true(devices_same(&d, &out));
    assert_memory_equal(d.free_milli, out.free_milli, sizeof(d.free_milli));
    out.groups[2].hour = amount_micro(1);
    assert_false(devices_same(&d, &out));
    arena_done(&arena);
    buf_done(&bytes);
}

static void devices_past_the_last_are_not_decoded(void **state)
{
    struct devices d = sample_devices();
    struct devices out = {.group_count = 77};
    struct mp_reader reader;
    struct arena arena;
    struct buf bytes;
    (void)state;
    d.groups[2].count = 11; /* 17 in all */
    memset(d.free_milli, 0, sizeof(d.free_milli));
    buf_init(&bytes, 4096);
    mp_put_array(&bytes, 2);
    for (unsigned i = 0; i < 2; i++) {
        struct device_group *g = &d.groups[i];
        g->count = 9;
        mp_put_array(&bytes, 6);
        mp_put_uint(&bytes, g->kind);
        mp_put_str(&bytes, g->model);
        mp_put_uint(&bytes, g->count);
        mp_put_uint(&bytes, g->mem_mib);
        mp_put_amount(&bytes, g->hour);
        mp_put_array(&bytes, g->count);
        for (unsigned k = 0; k < g->count; k++)
            mp_put_uint(&bytes, 1000);
    }
    assert_int_equal(open_bytes(&bytes, &arena, &reader), OK);
    devices_decode(&reader, &out);
    assert_int_equal(mp_close(&reader), ERR_RANGE);
    assert_int_equal(out.group_count, 77);
    arena_done(&arena);
    buf_done(&bytes);
}

static void wishes_come_back_from_their_bytes(void **state)
{
    static const char *const texts[] = {"gpu:a100|h100:4x0.25", "npu", NULL};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct device_wish wish = {0};
        struct device_wish out;
        struct mp_reader reader;
        struct arena arena;
        struct buf bytes;
        if (texts[i] != NULL)
            wish = wish_of(texts[i]);
        buf_init(&bytes, 4096);
        device_wish_encode(&wish, &bytes);
        assert_int_equal(open_bytes(&bytes, &arena, &reader), OK);
        device_wish_decode(&reader, &out);
        assert_int_equal(mp_close(&reader), OK);
        assert_true(device_wish_same(&wish, &out));
        arena_done(&arena);
        buf_done(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cheapest_group_that_has_room_is_taken),
        cmocka_unit_test(pieces_of_several_cards_never_make_one),
        cmocka_unit_test(each_lack_is_told_with_its_figures),
        cmocka_unit_test(memory_that_is_not_stated_is_none),
        cmocka_unit_test(the_group_nearest_to_fitting_is_the_one_explained),
        cmocka_unit_test(other_models_help_only_where_they_fit),
        cmocka_unit_test(random_picks_agree_with_looking_at_each_group),
        cmocka_unit_test(a_machine_has_the_groups_as_its_models),
        cmocka_unit_test(malformed_devices_are_refused),
        cmocka_unit_test(malformed_wishes_are_refused),
        cmocka_unit_test(kinds_read_as_they_print),
        cmocka_unit_test(wishes_read_as_they_print),
        cmocka_unit_test(what_is_no_wish_is_refused),
        cmocka_unit_test(devices_come_back_from_their_bytes),
        cmocka_unit_test(devices_past_the_last_are_not_decoded),
        cmocka_unit_test(wishes_come_back_from_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
