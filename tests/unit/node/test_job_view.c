/* job_view: a job as JSON, and as an exit code. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "node/control/job_view.h"

static struct node node = {.prefix = ADDRESS_PREFIX_TEST};
static struct buy_task tasks[LIMIT_TASKS];
static struct buf spec_bytes;

static void make_spec(void)
{
    static struct bytes args[3];
    struct spec spec = {.arg_count = 3,
                        .args = args,
                        .resources = {500, 64, 128},
                        .pids_max = 32,
                        .time_ms_max = 60000,
                        .log_bytes_max = 4096};
    args[0] = BYTES_LIT("sh");
    args[1] = BYTES_LIT("-c");
    args[2] = BYTES_LIT("printf '\xff'"); /* not UTF-8 */
    memset(spec.image.b, 3, sizeof(spec.image.b));
    buf_init(&spec_bytes, SPEC_BYTES_MAX);
    assert_int_equal(spec_encode(&spec, &spec_bytes), OK);
}

static struct buy_job make(uint32_t count)
{
    struct buy_job job;
    memset(&job, 0, sizeof(job));
    memset(tasks, 0, sizeof(tasks));
    memset(job.id.b, 0xab, sizeof(job.id.b));
    snprintf(job.name, sizeof(job.name), "render");
    job.created_at_ms = 1000;
    job.state = BUY_WAITING;
    job.task_count = count;
    job.tasks = tasks;
    job.spec_bytes = buf_bytes(&spec_bytes);
    job.request.policy = POLICY_FASTEST;
    job.request.tasks = count;
    memset(job.request.buyer.b, 1, sizeof(job.request.buyer.b));
    for (uint32_t i = 0; i < count; i++) {
        tasks[i].task = i;
        tasks[i].state = BUY_WAITING;
    }
    return job;
}

static void end_task(struct buy_task *task, enum buy_state state,
                     enum end_reason end, uint32_t code)
{
    task->state = state;
    task->end = end;
    task->exit_code = code;
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static void exits_as_the_command_would(void **state)
{
    static const struct {
        enum buy_state state;
        enum end_reason end;
        uint32_t code;
        int exit;
    } rows[] = {
        {BUY_DONE, END_DONE, 0, 0},
        {BUY_FAILED, END_JOB_FAILED, 7, 7},
        {BUY_FAILED, END_JOB_FAILED, 0, 1},
        {BUY_FAILED, END_TIME_LIMIT, 137, 124},
        {BUY_FAILED, END_MEMORY_LIMIT, 137, 137},
        {BUY_FAILED, END_OUTPUT_LIMIT, 153, 153},
        {BUY_FAILED, END_PROVIDER_LOST, 0, 125},
        {BUY_FAILED, END_EXECUTOR_FAILED, 0, 125},
        {BUY_FAILED, END_NOT_STARTED, 0, 125},
        {BUY_FAILED, END_GIVEN_UP, 0, 125},
        {BUY_CANCELLED, END_BUYER_CANCELLED, 0, 130},
        {BUY_CANCELLED, END_PROVIDER_LOST, 0, 130},
        {BUY_CANCELLED, END_NONE, 0, 130},
        {BUY_EXPIRED, END_NONE, 0, 6},
        {BUY_FAILED, END_NONE, 0, 125},
        {BUY_RUNNING, END_NONE, 0, 0},
        {BUY_SETTLING, END_JOB_FAILED, 7, 0}, /* not over yet */
    };
    struct buy_task task;
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        memset(&task, 0, sizeof(task));
        end_task(&task, rows[i].state, rows[i].end, rows[i].code);
        assert_int_equal(task_exit_code(&task), rows[i].exit);
    }
    memset(&task, 0, sizeof(task));
    end_task(&task, BUY_FAILED, END_NONE, 0);
    task.err = ERR_FUNDS;
    assert_int_equal(task_exit_code(&task), EXIT_FUNDS);
}

static void a_bag_exits_as_its_first_failed_task(void **state)
{
    struct buy_job job = make(3);
    (void)state;
    end_task(&tasks[0], BUY_DONE, END_DONE, 0);
    end_task(&tasks[1], BUY_FAILED, END_JOB_FAILED, 3);
    end_task(&tasks[2], BUY_FAILED, END_TIME_LIMIT, 0);
    assert_int_equal(job_exit_code(&job), 3);
}

static void a_line_sums_up_its_tasks(void **state)
{
    struct buy_job job = make(3);
    json_t *line;
    json_t *states;
    (void)state;
    job.approved = true;
    job.task_cap = amount_micro(500);
    tasks[1].state = BUY_RUNNING;
    tasks[2].state = BUY_DONE;
    tasks[0].paid = amount_micro(2);
    tasks[2].paid = amount_micro(30);
    tasks[2].paid_before = amount_micro(10); /* by an attempt that failed */
    snprintf(tasks[0].reason, sizeof(tasks[0].reason), "no offer fits");
    line = job_line_json(&node, &job);
    states = json_object_get(line, "tasks_by_state");
    assert_string_equal(text(line, "state"), "WAITING");
    assert_string_equal(text(line, "reason"), "no offer fits");
    assert_int_equal(number(line, "tasks"), 3);
    assert_int_equal(number(line, "paid_micro"), 42);
    assert_int_equal(number(line, "cap_micro"), 1500);
    assert_int_equal(json_object_size(states), 3);
    assert_int_equal(number(states, "RUNNING"), 1);
    assert_true(json_is_null(json_object_get(line, "seller")));
    json_decref(line);
}

static void the_seller_of_a_single_task_is_its_provider(void **state)
{
    struct buy_job job = make(1);
    json_t *line;
    char address[ADDRESS_TEXT_MAX];
    (void)state;
    memset(tasks[0].provider.b, 5, 32);
    address_format(node.prefix, &tasks[0].provider, address);
    line = job_line_json(&node, &job);
    assert_string_equal(text(line, "seller"), address);
    json_decref(line);
}

/* An id is shown once there is a contract by that name on its way. */
static void a_contract_is_named_only_once_it_is_opened(void **state)
{
    struct buy_job job = make(1);
    json_t *task;
    (void)state;
    memset(tasks[0].contract.b, 9, 32);
    tasks[0].state = BUY_QUOTED;
    assert_false(task_has_contract(&tasks[0]));
    task = task_json(&node, &job, &tasks[0], true);
    assert_true(json_is_null(json_object_get(task, "contract")));
    json_decref(task);
    tasks[0].state = BUY_OPENING;
    tasks[0].at_ms[BUY_OPENING] = 50;
    task = task_json(&node, &job, &tasks[0], true);
    assert_int_equal(strlen(text(task, "contract")), 64);
    assert_int_equal(number(json_object_get(task, "times"), "opening_at_ms"),
                     50);
    assert_true(json_is_null(json_object_get(task, "exit_code")));
    json_decref(task);
    end_task(&tasks[0], BUY_EXPIRED, END_NONE, 0);
    tasks[0].at_ms[BUY_OPENING] = 0;
    assert_false(task_has_contract(&tasks[0]));
}

static void shows_what_is_to_run_even_when_it_is_not_text(void **state)
{
    struct buy_job job = make(1);
    json_t *object = job_show_json(&node, &job, UINT32_MAX);
    json_t *spec = json_object_get(object, "spec");
    json_t *request = json_object_get(object, "request");
    (void)state;
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(spec, "args"), 2)),
        "printf '?'");
    assert_int_equal(number(spec, "mem_mib"), 64);
    assert_string_equal(text(request, "policy"), "fastest");
    assert_true(json_is_null(json_object_get(request, "only_seller")));
    json_decref(object);
}

static void the_timeline_is_in_the_order_of_time(void **state)
{
    struct buy_job job = make(2);
    json_t *list;
    json_int_t before = 0;
    size_t i;
    json_t *moment;
    (void)state;
    tasks[0].at_ms[BUY_HOLDING] = 2000;
    tasks[0].at_ms[BUY_DONE] = 9000;
    tasks[1].at_ms[BUY_HOLDING] = 1500;
    list = timeline_json(&job);
    assert_int_equal(json_array_size(list), 4);
    json_array_foreach(list, i, moment)
    {
        assert_true(number(moment, "at_ms") >= before);
        before = number(moment, "at_ms");
    }
    assert_string_equal(text(json_array_get(list, 0), "what"), "submitted");
    assert_string_equal(text(json_array_get(list, 3), "what"), "task 0: DONE");
    json_decref(list);
}

/* The largest bag, every field at its longest, fits one reply. */
static void the_largest_bag_fits_an_answer(void **state)
{
    struct buy_job job = make(LIMIT_TASKS);
    json_t *object;
    char *dumped;
    (void)state;
    for (uint32_t i = 0; i < LIMIT_TASKS; i++) {
        end_task(&tasks[i], BUY_FAILED, END_STAGING_FAILED, 255);
        memset(tasks[i].reason, 'r', sizeof(tasks[i].reason) - 1);
        memset(&tasks[i].contract, 0xff, 32);
        memset(&tasks[i].provider, 0xff, 32);
        tasks[i].due = amount_micro(UINT64_MAX);
        tasks[i].cpu_ms = tasks[i].wall_ms = UINT64_MAX;
        memset(tasks[i].why, 'w', sizeof(tasks[i].why) - 1);
        tasks[i].provider.b[i % 32] = (uint8_t)(i / 32);
        for (unsigned s = 1; s < 16; s++)
            tasks[i].at_ms[s] = 1795325212167 + i;
    }
    job.state = BUY_FAILED;
    object = job_show_json(&node, &job, UINT32_MAX);
    dumped = json_dumps(object, JSON_COMPACT);
    assert_non_null(dumped);
    assert_true(strlen(dumped) + 200 < RPC_BYTES_MAX);
    assert_int_equal(json_array_size(json_object_get(object, "tasks")),
                     LIMIT_TASKS);
    assert_int_equal(json_array_size(json_object_get(object, "timeline")),
                     JOB_VIEW_TIMELINE);
    free(dumped);
    json_decref(object);
    object = job_show_json(&node, &job, 7); /* one of them, whole */
    assert_int_equal(json_array_size(json_object_get(object, "tasks")), 1);
    assert_non_null(json_object_get(
        json_array_get(json_object_get(object, "tasks"), 0), "times"));
    json_decref(object);
}

/* ---- by what, and how surely ---- */

static void who_was_chosen_is_told_once_with_the_figures(void **state)
{
    struct buy_job job = make(3);
    json_t *object;
    json_t *chosen;
    (void)state;
    job.request.terms.speed = SPEED_NEURAL;
    memset(tasks[0].provider.b, 5, 32);
    memset(tasks[1].provider.b, 5, 32);
    tasks[0].has_score = true;
    tasks[0].score = 974;
    snprintf(tasks[0].why, sizeof(tasks[0].why), "price 0.01 (974)");
    object = job_show_json(&node, &job, UINT32_MAX);
    chosen = json_object_get(object, "chosen");
    assert_int_equal(json_array_size(chosen), 1); /* task 2 has no place */
    chosen = json_array_get(chosen, 0);
    assert_int_equal(number(chosen, "tasks"), 2);
    assert_int_equal(number(chosen, "score"), 974);
    assert_string_equal(text(chosen, "class"), "neural");
    assert_string_equal(text(chosen, "text"),
                        "provider 05050505, score 974: price 0.01 (974)");
    assert_true(json_is_null(json_object_get(object, "availability")));
    json_decref(object);
}

/* Eight contracts that provider 5 served for this node. */
static struct standings *known(void)
{
    const struct standings_config config = {.self = {{1}}, .max = 4};
    struct standings *standings = NULL;
    struct contract c = {.state = CONTRACT_SETTLED,
                         .reason = END_DONE,
                         .buyer = {{9}},
                         .agent = {{1}},
                         .time_ms_max = 60000};
    memset(c.provider.b, 5, 32);
    assert_int_equal(standings_new(&config, &standings), OK);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(standings_note(standings, &c), OK);
    return standings;
}

static void an_availability_is_that_of_the_places_there_are(void **state)
{
    const struct buy_config config = {.self = {{1}}};
    struct buy_job job = make(4); /* two tasks, two copies each */
    struct standings *standings = known();
    json_t *object;
    json_t *a;
    (void)state;
    assert_int_equal(buy_new(&config, &node.buy), OK);
    book_lend(buy_book(node.buy), standings, NULL);
    job.request.time_ms_max = 60000;
    job.request.terms = (struct policy_terms){
        .divide = POLICY_DIVIDE_DUPLICATED, .copies = 2, .down_ppb = 10000000};
    tasks[0].state = tasks[1].state = tasks[3].state = BUY_RUNNING;
    memset(tasks[0].provider.b, 5, 32);
    memset(tasks[1].provider.b, 5, 32);
    memset(tasks[3].provider.b, 6, 32); /* nothing is known of it */
    object = job_show_json(&node, &job, UINT32_MAX);
    a = json_object_get(object, "availability");
    assert_string_equal(text(a, "target"), "99%");
    assert_int_equal(number(a, "copies"), 2);
    assert_int_equal(number(a, "tasks"), 2);
    assert_int_equal(number(a, "done"), 0);
    assert_int_equal(number(a, "down_ppb"), 100000000);
    assert_int_equal(json_array_size(json_object_get(a, "providers")), 2);
    assert_non_null(
        strstr(text(a, "text"), "99% asked; with 2 copies now 90%"));
    json_decref(object);
    tasks[2].state = tasks[3].state = BUY_DONE;
    tasks[0].state = tasks[1].state = BUY_CANCELLED;
    job.ended_at_ms = 1;
    object = job_show_json(&node, &job, UINT32_MAX);
    a = json_object_get(object, "availability");
    assert_int_equal(number(a, "done"), 2);
    assert_true(json_is_null(json_object_get(a, "down_ppb")));
    json_decref(object);
    buy_free(node.buy);
    node.buy = NULL;
    standings_free(standings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exits_as_the_command_would),
        cmocka_unit_test(a_bag_exits_as_its_first_failed_task),
        cmocka_unit_test(a_line_sums_up_its_tasks),
        cmocka_unit_test(the_seller_of_a_single_task_is_its_provider),
        cmocka_unit_test(a_contract_is_named_only_once_it_is_opened),
        cmocka_unit_test(shows_what_is_to_run_even_when_it_is_not_text),
        cmocka_unit_test(the_timeline_is_in_the_order_of_time),
        cmocka_unit_test(the_largest_bag_fits_an_answer),
        cmocka_unit_test(who_was_chosen_is_told_once_with_the_figures),
        cmocka_unit_test(an_availability_is_that_of_the_places_there_are),
    };
    int failed;
    make_spec();
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    buf_done(&spec_bytes);
    return failed;
}
