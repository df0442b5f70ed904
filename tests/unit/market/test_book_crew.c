/* An availability in the book: how many copies it takes, who has them, and who
 * may stand in for one that is lost. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book.h"
#include "sched/target.h"
#include "tests/unit/market/book_sample.h"

static struct standings *standings;

static int setup(void **state)
{
    const struct standings_config config = {
        .self = {{0xa0}}, .max = 100, .key = {1}};
    if (sample_setup(state) != 0 || standings_new(&config, &standings) != OK)
        return -1;
    book_lend(((struct sample *)*state)->book, standings, NULL);
    return 0;
}

static int teardown(void **state)
{
    int failed = sample_teardown(state);
    standings_free(standings);
    return failed;
}

/* Provider k at k credits an hour, with so many contracts of ours. */
static void put(struct sample *s, unsigned k, uint32_t served, uint32_t failed)
{
    struct offer o = sample_offer(k, 1);
    struct contract c = {.state = CONTRACT_SETTLED,
                         .buyer = {{0xb0}},
                         .agent = {{0xa0}},
                         .provider = o.provider,
                         .time_ms_max = 60000};
    o.price.cpu_hour = amount_micro(k * 1000000);
    sample_put(s, &o, 10);
    for (uint32_t i = 0; i < served + failed; i++) {
        c.reason = i < served ? END_DONE : END_PROVIDER_LOST;
        assert_int_equal(standings_note(standings, &c), OK);
    }
}

static struct request wants(const char *target, uint32_t tasks, uint32_t copies)
{
    struct request r = sample_request(tasks * (copies > 1 ? copies : 1));
    assert_int_equal(target_parse(target, &r.terms.down_ppb), OK);
    if (copies > 1) {
        r.terms.divide = POLICY_DIVIDE_DUPLICATED;
        r.terms.copies = copies;
    }
    return r;
}

static struct book_crew reckoned(struct sample *s, const struct request *r)
{
    struct book_crew crew;
    arena_reset(&s->arena);
    assert_int_equal(book_reckon(s->book, r, 20, &s->arena, &crew), OK);
    return crew;
}

static unsigned at(const struct book_result *m)
{
    unsigned set = 0;
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->placements[i].tasks > 0)
            set |= 1u << sample_k(&m->placements[i].provider);
    }
    return set;
}

static void tell(struct sample *s, unsigned n, const unsigned *ks,
                 uint32_t count)
{
    struct book_there list[8];
    struct hash id = sample_id(n);
    for (uint32_t i = 0; i < count; i++)
        list[i] = (struct book_there){
            .provider = sample_provider(ks[i]), .tasks = 1, .beside = true};
    assert_int_equal(book_there_set(s->book, &id, list, count), OK);
}

static void the_copies_are_as_many_as_it_takes(void **state)
{
    struct sample *s = *state;
    struct request r;
    struct book_crew crew;
    for (unsigned k = 1; k <= 5; k++)
        put(s, k, 8, 0); /* fails one of ten */
    r = wants("90%", 1, 1);
    crew = reckoned(s, &r);
    assert_true(crew.reached);
    assert_int_equal(crew.count, 1);
    assert_int_equal(crew.down_ppb, TARGET_ONE / 10);
    r = wants("99.9%", 1, 1);
    crew = reckoned(s, &r);
    assert_true(crew.reached);
    assert_int_equal(crew.count, 3);
    assert_int_equal(crew.down_ppb, TARGET_ONE / 1000);
    assert_int_equal(sample_k(&crew.members[0].provider), 1);
    assert_int_equal(sample_k(&crew.members[2].provider), 3);
    assert_string_equal(crew.members[1].name, "seller-2");
    assert_int_equal(crew.fits, 5);
    assert_int_equal(crew.known, 5);
    struct amount sum = {0};
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(amount_add(sum, crew.members[i].bill, &sum), OK);
    assert_int_equal(amount_cmp(sum, crew.bill), 0);
}

static void the_cheapest_choice_may_be_more_copies(void **state)
{
    struct sample *s = *state;
    struct request r = wants("99%", 1, 1);
    struct book_crew crew;
    put(s, 1, 8, 0);
    put(s, 2, 8, 0);
    put(s, 200, 998, 0); /* one is enough, at 200 credits */
    crew = reckoned(s, &r);
    assert_int_equal(crew.count, 2);
    r.policy = POLICY_NEAREST; /* the fewest */
    crew = reckoned(s, &r);
    assert_int_equal(crew.count, 1);
    assert_int_equal(sample_k(&crew.members[0].provider), 200);
}

static void nobody_unknown_is_counted(void **state)
{
    struct sample *s = *state;
    struct request r = wants("50%", 1, 1);
    struct book_crew crew;
    struct buf text;
    put(s, 1, 0, 0);
    put(s, 2, 0, 0);
    crew = reckoned(s, &r);
    assert_false(crew.reached);
    assert_int_equal(crew.count, 0);
    assert_int_equal(crew.fits, 2);
    assert_int_equal(crew.known, 0);
    assert_int_equal(crew.down_ppb, TARGET_ONE);
    buf_init(&text, 300);
    book_crew_format(&crew, &text);
    assert_non_null(strstr(buf_cstr(&text), "nothing is known yet"));
    buf_done(&text);
}

static void out_of_reach_the_nearest_is_told(void **state)
{
    struct sample *s = *state;
    struct request r = wants("99.9%", 1, 1);
    struct book_crew crew;
    struct buf text;
    put(s, 1, 8, 0);
    put(s, 2, 8, 0);
    put(s, 3, 0, 0);
    crew = reckoned(s, &r);
    assert_false(crew.reached);
    assert_int_equal(crew.count, 2);
    assert_int_equal(crew.down_ppb, TARGET_ONE / 100);
    buf_init(&text, 300);
    book_crew_format(&crew, &text);
    assert_string_equal(buf_cstr(&text),
                        "99% with 2 copies (3 providers fit, of 2 enough is "
                        "known)");
    buf_done(&text);
    r = wants("99.9%", 1, 2);
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 2, 20);
    assert_int_equal(m->placed, 0);
    assert_non_null(m->crew);
    assert_false(m->crew->reached);
    put(s, 4, 98, 0);
    m = sample_match(s, 1, 2, 30);
    assert_int_equal(m->placed, 2);
    assert_true(at(m) & 1u << 4);
}

static void one_owner_is_one_provider(void **state)
{
    struct sample *s = *state;
    struct request r = wants("99%", 1, 1);
    struct offer twin = sample_offer(2, 2);
    put(s, 1, 8, 0);
    put(s, 2, 8, 0);
    twin.payout = sample_provider(1);
    sample_put(s, &twin, 15);
    assert_false(reckoned(s, &r).reached);
    put(s, 3, 8, 0);
    assert_true(reckoned(s, &r).reached);
}

static void a_mixed_crew_admits_nobody_else(void **state)
{
    struct sample *s = *state;
    struct request r = wants("99.9%", 1, 2);
    static const unsigned strong_stays[] = {4};
    static const unsigned weak_stays[] = {1};
    put(s, 1, 8, 0);  /* 0.1 */
    put(s, 2, 8, 0);  /* 0.1 */
    put(s, 4, 98, 0); /* 0.01 */
    sample_add(s, 1, &r, 10);
    assert_int_equal(at(sample_match(s, 1, 2, 20)), 1u << 1 | 1u << 4);
    /* The weak one is lost: another weak one may come. */
    sample_release(s, 1, 1, 1, 25);
    sample_release(s, 1, 4, 1, 25);
    sample_exclude(s, 1, 1, 100000, 25);
    tell(s, 1, strong_stays, 1);
    assert_int_equal(at(sample_match(s, 1, 1, 30)), 1u << 2);
    /* The strong one is lost: no weak one will do. */
    sample_release(s, 1, 2, 1, 35);
    sample_exclude(s, 1, 4, 100000, 35);
    tell(s, 1, weak_stays, 1);
    const struct book_result *m = sample_match(s, 1, 1, 40);
    assert_int_equal(m->placed, 0);
    assert_false(m->crew->reached);
    put(s, 5, 200, 0);
    assert_int_equal(at(sample_match(s, 1, 1, 50)), 1u << 5);
}

/* Two tasks, each at 1 and 4. */
static void a_lost_copy_does_not_wait_for_the_losers_other_tasks(void **state)
{
    struct sample *s = *state;
    struct request r = wants("99.9%", 2, 2);
    struct hash id = sample_id(1);
    struct book_there rows[] = {
        {.provider = sample_provider(1), .tasks = 1},
        {.provider = sample_provider(4), .tasks = 2, .beside = true}};
    const struct book_result *m;
    put(s, 1, 8, 0);  /* 0.1 */
    put(s, 2, 8, 0);  /* 0.1 */
    put(s, 4, 98, 0); /* 0.01 */
    sample_add(s, 1, &r, 10);
    assert_int_equal(at(sample_match(s, 1, 4, 20)), 1u << 1 | 1u << 4);
    /* The weak one lost one of its tasks, which the strong one has too. */
    sample_exclude(s, 1, 1, 100000, 25);
    sample_exclude(s, 1, 4, 100000, 25);
    assert_int_equal(book_there_set(s->book, &id, rows, 2), OK);
    m = sample_match(s, 1, 1, 30);
    assert_int_equal(at(m), 1u << 2);
    sample_release(s, 1, 2, 1, 35);
    /* So did the strong one: for that task no weak one will do. */
    rows[0].beside = true;
    assert_int_equal(book_there_set(s->book, &id, rows, 2), OK);
    m = sample_match(s, 1, 1, 40);
    assert_int_equal(m->placed, 0);
    assert_false(m->crew->reached);
    put(s, 5, 200, 0);
    assert_int_equal(at(sample_match(s, 1, 1, 50)), 1u << 5);
}

static void a_bag_goes_to_all_that_are_as_good(void **state)
{
    struct sample *s = *state;
    struct request r = wants("99%", 8, 2);
    uint32_t most = 0;
    for (unsigned k = 1; k <= 5; k++)
        put(s, k, 8, 0);
    put(s, 6, 2, 2); /* not as good */
    sample_add(s, 1, &r, 10);
    const struct book_result *m = sample_match(s, 1, 16, 20);
    assert_int_equal(m->placed, 16);
    assert_int_equal(at(m) & 1u << 6, 0);
    for (uint32_t i = 0; i < m->count; i++) {
        if (m->placements[i].tasks > most)
            most = m->placements[i].tasks;
    }
    assert_true(most <= 8);
}

static void a_link_that_breaks_counts_when_it_is_worse(void **state)
{
    struct sample *s = *state;
    struct request r = wants("90%", 1, 1);
    struct pubkey one = sample_provider(1);
    struct reliability_account account;
    put(s, 1, 98, 0);
    standings_link(standings, &one, 3600000, 0);
    assert_true(reckoned(s, &r).reached);
    standings_link(standings, &one, 4000000, 1000000);
    assert_false(reckoned(s, &r).reached); /* up for four fifths */
    assert_true(book_reliability(s->book, &one, 60000, &account));
    assert_true(account.by_link);
    assert_int_equal(account.down_ppb, TARGET_ONE / 5);
    standings_link(standings, &one, 0, 600); /* a moment says little */
    assert_true(reckoned(s, &r).reached);
}

static void no_availability_is_none_to_reckon(void **state)
{
    struct sample *s = *state;
    struct request r = sample_request(1);
    struct book_crew crew;
    put(s, 1, 8, 0);
    assert_int_equal(book_reckon(s->book, &r, 20, &s->arena, &crew), ERR_RANGE);
    sample_add(s, 1, &r, 10);
    assert_null(sample_match(s, 1, 1, 20)->crew);
}

#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(the_copies_are_as_many_as_it_takes),
        test(the_cheapest_choice_may_be_more_copies),
        test(nobody_unknown_is_counted),
        test(out_of_reach_the_nearest_is_told),
        test(one_owner_is_one_provider),
        test(a_mixed_crew_admits_nobody_else),
        test(a_lost_copy_does_not_wait_for_the_losers_other_tasks),
        test(a_bag_goes_to_all_that_are_as_good),
        test(a_link_that_breaks_counts_when_it_is_worse),
        test(no_availability_is_none_to_reckon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
