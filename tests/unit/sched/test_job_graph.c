#include "sched/graph/job_graph.h"

#include "graph_sample.h"

static void a_job_is_bounded(void **state)
{
    static struct job_graph job;
    (void)state;
    job_graph_init(&job);
    assert_int_equal(job_graph_check(&job), ERR_TOO_LARGE);
    for (uint32_t i = 0; i < JOB_COMPONENTS_MAX; i++)
        assert_non_null(job_graph_add(&job));
    assert_null(job_graph_add(&job));
    for (uint32_t i = 0; i < JOB_LINKS_MAX; i++)
        assert_non_null(job_graph_join(&job, 0, 1, 1));
    assert_null(job_graph_join(&job, 0, 1, 1));
    assert_int_equal(job_graph_check(&job), OK);
}

static void a_new_component_may_be_anywhere(void **state)
{
    static struct job_graph job;
    const struct job_component *c;
    (void)state;
    job_graph_init(&job);
    c = job_graph_add(&job);
    assert_true(c->zones == JOB_ZONES_ALL);
    assert_int_equal(c->place, JOB_ANYWHERE);
    assert_null(c->only);
    assert_false(c->data);
}

static void links_lead_from_somewhere_to_somewhere_else(void **state)
{
    static struct job_graph job;
    struct job_link *link;
    (void)state;
    job_graph_init(&job);
    (void)job_graph_add(&job);
    (void)job_graph_add(&job);
    link = job_graph_join(&job, 0, 1, 10);
    assert_int_equal(job_graph_check(&job), OK);
    link->to = 0;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
    link->to = 2;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
    link->to = 1;
    link->kbps = 0;
    link->bytes = 1;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
    link->kbps = UINT64_MAX;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
}

static void a_data_input_lies_at_its_place_and_only_gives(void **state)
{
    static struct job_graph job;
    struct job_component *data;
    (void)state;
    job_graph_init(&job);
    (void)job_graph_add(&job);
    data = job_graph_add(&job);
    data->data = true;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
    data->place = 3;
    assert_int_equal(job_graph_check(&job), OK);
    data->want.of[RES_CPU] = 1;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
    data->want.of[RES_CPU] = 0;
    data->work_us = 1;
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
    data->work_us = 0;
    job_graph_join(&job, 0, 1, 5);
    assert_int_equal(job_graph_check(&job), ERR_RANGE);
}

static void flow_does_not_run_in_circles(void **state)
{
    static struct job_graph job;
    (void)state;
    job_graph_init(&job);
    for (uint32_t i = 0; i < JOB_COMPONENTS_MAX; i++)
        (void)job_graph_add(&job);
    for (uint8_t i = 0; i + 1u < JOB_COMPONENTS_MAX; i++)
        job_graph_join(&job, i, (uint8_t)(i + 1), 1)->flow = true;
    assert_int_equal(job_graph_check(&job), OK);
    job_graph_join(&job, 31, 0, 1);
    assert_int_equal(job_graph_check(&job), OK); /* no flow: no order */
    job.links[31].flow = true;
    assert_int_equal(job_graph_check(&job), ERR_DEPTH);
}

static void sending_takes_bytes_over_bandwidth_rounded_up(void **state)
{
    struct job_link link = {.kbps = 1000, .bytes = 125};
    (void)state;
    assert_int_equal(job_link_send_us(&link), 1000);
    link.bytes = 0;
    assert_int_equal(job_link_send_us(&link), 0);
    link = (struct job_link){.kbps = 3, .bytes = 1};
    assert_int_equal(job_link_send_us(&link), 2667);
    link.bytes = UINT64_MAX;
    assert_int_equal(job_link_send_us(&link), UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_job_is_bounded),
        cmocka_unit_test(a_new_component_may_be_anywhere),
        cmocka_unit_test(links_lead_from_somewhere_to_somewhere_else),
        cmocka_unit_test(a_data_input_lies_at_its_place_and_only_gives),
        cmocka_unit_test(flow_does_not_run_in_circles),
        cmocka_unit_test(sending_takes_bytes_over_bandwidth_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
