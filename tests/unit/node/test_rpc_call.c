/* The control methods over a real socket: parameters, waiting, workers. */
#define _GNU_SOURCE /* mkdtemp, nftw */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <fcntl.h>

#include <cmocka.h>

#include "market/request.h"
#include "node/log.h"
#include "tests/unit/node/oci_make.h"
#include "tests/unit/node/rpc_rig.h"

static struct rig *rig;

static int set_up(void **state)
{
    (void)state;
    rig = rig_open();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    rig_close(rig);
    return 0;
}

static json_int_t number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value != NULL ? value : "";
}

/* ---- parameters ---- */

static void an_unknown_method_is_told_its_nearest(void **state)
{
    (void)state;
    rig_refused(rig, "jobs.list", NULL, "ERR_PARSE", EXIT_USAGE,
                "no method \"jobs.list\"", "job.list");
    rig_refused(rig, "image.delete", NULL, "ERR_PARSE", EXIT_USAGE,
                "image.delete", "image.");
}

static void an_unknown_parameter_is_refused_by_name(void **state)
{
    (void)state;
    rig_refused(rig, "job.list", json_pack("{s:b}", "al", 1), "ERR_PARSE",
                EXIT_USAGE, "no parameter \"al\"", "");
    rig_refused(rig, "config.list", json_pack("{s:i}", "x", 1), "ERR_PARSE",
                EXIT_USAGE, "no parameter \"x\"", "");
}

static void parameters_have_shapes(void **state)
{
    (void)state;
    rig_refused(rig, "job.list", json_pack("{s:s}", "state", "SLEEPING"),
                "ERR_PARSE", EXIT_USAGE, "SLEEPING", "RUNNING");
    rig_refused(rig, "events.poll", json_pack("{s:[s]}", "kinds", "weather"),
                "ERR_PARSE", EXIT_USAGE, "weather", "offer");
    rig_refused(rig, "events.poll", json_pack("{s:i}", "since", -1),
                "ERR_PARSE", EXIT_USAGE, "since", "");
    rig_refused(rig, "job.show", json_pack("{s:s}", "id", "xyz"), "ERR_PARSE",
                EXIT_USAGE, "64 hex digits", "suan ps");
    rig_refused(rig, "job.show", json_pack("{s:s}", "id", "abc"), "ERR_PARSE",
                EXIT_USAGE, "at least 4", "suan ps");
    rig_refused(rig, "job.show", json_pack("{s:s}", "id", "abcd"),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "abcd", "suan ps");
    rig_refused(
        rig, "blob.import",
        json_pack("{s:[{s:s, s:s}]}", "files", "path", "relative", "as", "x"),
        "ERR_PARSE", EXIT_USAGE, "absolute", "");
    rig_refused(rig, "blob.import", json_pack("{s:[]}", "files"), "ERR_PARSE",
                EXIT_USAGE, "files", "");
    rig_refused(rig, "blob.export",
                json_pack("{s:s, s:s}", "id", "12", "dir", "/tmp"), "ERR_PARSE",
                EXIT_USAGE, "id", "");
    rig_refused(rig, "image.import",
                json_pack("{s:s, s:s}", "path", "/x", "name", "a b"),
                "ERR_PARSE", EXIT_USAGE, "a b", "");
    rig_refused(rig, "node.logs", json_pack("{s:i}", "lines", 100000),
                "ERR_PARSE", EXIT_USAGE, "lines", "");
}

static void a_node_that_sells_nothing_says_how_to_begin(void **state)
{
    static const char *const methods[] = {"sell.start", "sell.stop",
                                          "sell.status", "sell.offer.show",
                                          "sell.bench"};
    (void)state;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
        rig_refused(rig, methods[i], NULL, "ERR_CONFIG", EXIT_USAGE,
                    "not a provider", "node.roles");
}

/* ---- configuration, feed, log ---- */

static void lists_every_setting_with_where_it_came_from(void **state)
{
    json_t *result;
    json_t *values;
    json_t *value;
    bool found = false;
    size_t i;
    (void)state;
    assert_int_equal(config_set(&rig->node.config, "sell.slots", "3"), OK);
    result = rig_result(rig, "config.list", NULL);
    values = json_object_get(result, "values");
    assert_int_equal(json_array_size(values), CONFIG_KEY_COUNT);
    json_array_foreach(values, i, value)
    {
        assert_true(text(value, "help")[0] != '\0');
        if (strcmp(text(value, "name"), "sell.slots") != 0)
            continue;
        found = true;
        assert_string_equal(text(value, "value"), "3");
        assert_string_equal(text(value, "default"), "16");
        assert_string_equal(text(value, "source"), "flag");
    }
    assert_true(found);
    json_decref(result);
}

static void add_event(enum feed_kind kind, uint8_t job, const char *words)
{
    struct feed_event event = {
        .at_ms = 1, .kind = kind, .task = UINT32_MAX, .code = BUY_RUNNING};
    memset(event.job.b, job, HASH_LEN);
    snprintf(event.text, sizeof(event.text), "%s", words);
    feed_add(&rig->node.feed, &event);
}

static void the_feed_is_read_by_kind_and_by_job(void **state)
{
    char id[HASH_TEXT_MAX];
    struct hash job;
    json_t *result;
    json_t *events;
    (void)state;
    add_event(FEED_BLOCK, 0, "block 1");
    add_event(FEED_JOB, 5, "RUNNING");
    add_event(FEED_JOB, 6, "RUNNING");
    result = rig_result(rig, "events.poll", NULL);
    assert_int_equal(json_array_size(json_object_get(result, "events")), 3);
    assert_int_equal(number(result, "next"), 3);
    json_decref(result);
    memset(job.b, 6, HASH_LEN);
    hash_format(&job, id);
    result = rig_result(rig, "events.poll", json_pack("{s:s}", "job", id));
    events = json_object_get(result, "events");
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(text(json_array_get(events, 0), "job"), id);
    assert_string_equal(
        text(json_object_get(json_array_get(events, 0), "data"), "state"),
        "RUNNING");
    assert_int_equal(number(result, "next"), 3);
    json_decref(result);
    result =
        rig_result(rig, "events.poll", json_pack("{s:[s]}", "kinds", "block"));
    assert_int_equal(json_array_size(json_object_get(result, "events")), 1);
    json_decref(result);
    result = rig_result(rig, "market.watch", NULL); /* offers and trades */
    assert_int_equal(json_array_size(json_object_get(result, "events")), 0);
    json_decref(result);
}

static void a_reader_ahead_of_the_feed_is_told_it_lost_some(void **state)
{
    json_t *result;
    (void)state;
    add_event(FEED_NODE, 0, "the node started again");
    result =
        rig_result(rig, "events.poll",
                   json_pack("{s:i, s:i}", "since", 900, "wait_ms", 10000));
    assert_true(number(result, "lost") > 0);
    assert_int_equal(json_array_size(json_object_get(result, "events")), 1);
    assert_int_equal(number(result, "next"), 1);
    json_decref(result);
}

static void on_late(uv_timer_t *timer)
{
    add_event(FEED_OFFER, 0, "an offer appeared");
    uv_close((uv_handle_t *)timer, NULL);
}

static void a_poll_waits_for_what_comes(void **state)
{
    uv_timer_t timer;
    uint64_t start;
    json_t *result;
    (void)state;
    assert_int_equal(uv_timer_init(&rig->loop, &timer), 0);
    assert_int_equal(uv_timer_start(&timer, on_late, 200, 0), 0);
    start = uv_hrtime();
    result =
        rig_result(rig, "events.poll", json_pack("{s:i}", "wait_ms", 10000));
    assert_true(uv_hrtime() - start >= 150u * 1000000u);
    assert_true(uv_hrtime() - start < 5000u * 1000000u);
    assert_int_equal(json_array_size(json_object_get(result, "events")), 1);
    json_decref(result);
}

static void a_poll_gives_up_when_its_time_is_up(void **state)
{
    json_t *result;
    (void)state;
    result = rig_result(rig, "events.poll", json_pack("{s:i}", "wait_ms", 100));
    assert_int_equal(json_array_size(json_object_get(result, "events")), 0);
    json_decref(result);
}

static void the_log_begins_with_its_last_lines(void **state)
{
    json_t *result;
    json_t *lines;
    json_int_t next;
    (void)state;
    log_level_set(LOG_INFO_LEVEL);
    for (int i = 0; i < 5; i++)
        log_info("test", "line %d", i);
    result = rig_result(rig, "node.logs", json_pack("{s:i}", "lines", 2));
    lines = json_object_get(result, "lines");
    next = number(result, "next");
    assert_int_equal(json_array_size(lines), 2);
    assert_string_equal(text(json_array_get(lines, 1), "text"), "test: line 4");
    assert_int_equal(number(json_array_get(lines, 1), "seq"), next);
    json_decref(result);
    log_info("test", "one more");
    log_info("test", "and another");
    result = rig_result(rig, "node.logs",
                        json_pack("{s:I, s:i}", "since", next, "lines", 1));
    lines = json_object_get(result, "lines"); /* in order, none left out */
    assert_string_equal(text(json_array_get(lines, 0), "text"),
                        "test: one more");
    assert_int_equal(number(result, "next"), next + 1);
    json_decref(result);
}

/* ---- blobs and images ---- */

static void write_file(const char *leaf, const char *content)
{
    char path[128];
    FILE *file;
    rig_path(rig, leaf, path);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fputs(content, file) < 0, 0);
    assert_int_equal(fclose(file), 0);
}

static void what_is_imported_can_be_exported(void **state)
{
    char in[128];
    char out[128];
    char copy[160];
    json_t *result;
    json_t *exported;
    json_t *files;
    (void)state;
    write_file("a.txt", "hello");
    rig_path(rig, "a.txt", in);
    rig_path(rig, "out", out);
    result =
        rig_result(rig, "blob.import",
                   json_pack("{s:[{s:s, s:s}, {s:s, s:s}]}", "files", "path",
                             in, "as", "x/a", "path", in, "as", "b"));
    assert_int_equal(number(result, "files"), 2);
    assert_int_equal(number(result, "bytes"), 10);
    exported = rig_result(
        rig, "blob.export",
        json_pack("{s:s, s:s}", "id", text(result, "id"), "dir", out));
    files = json_object_get(exported, "files");
    assert_int_equal(json_array_size(files), 2);
    assert_string_equal(text(json_array_get(files, 1), "path"), "x/a");
    snprintf(copy, sizeof(copy), "%s/x/a", out);
    assert_int_equal(access(copy, R_OK), 0);
    json_decref(exported);
    json_decref(result);
}

static void says_which_input_cannot_be_taken(void **state)
{
    char path[128];
    char link[128];
    (void)state;
    rig_path(rig, "nowhere", path);
    rig_refused(rig, "blob.import",
                json_pack("{s:[{s:s, s:s}]}", "files", "path", path, "as", "x"),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "nowhere", "path");
    rig_path(rig, "tree", path);
    assert_int_equal(mkdir(path, 0700), 0);
    rig_path(rig, "tree/link", link);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    rig_refused(rig, "blob.import",
                json_pack("{s:[{s:s, s:s}]}", "files", "path", path, "as", ""),
                "ERR_KIND", EXIT_FAILED, "link", "links");
}

static void an_image_is_imported_listed_shown_and_removed(void **state)
{
    struct oci_shape shape = {.os = "linux"};
    char path[128];
    char digest[72];
    json_t *result;
    json_t *image;
    (void)state;
    rig_path(rig, "image.tar", path);
    oci_image(path, &shape, digest);
    result = rig_result(rig, "image.import",
                        json_pack("{s:s, s:s}", "path", path, "name", "tiny"));
    assert_string_equal(text(result, "digest"), digest);
    assert_true(number(result, "bytes") > 4096);
    json_decref(result);
    result = rig_result(rig, "image.list", NULL);
    image = json_array_get(json_object_get(result, "images"), 0);
    assert_string_equal(text(image, "name"), "tiny");
    assert_int_equal(number(image, "uses"), 0);
    json_decref(result);
    result = rig_result(rig, "image.show", json_pack("{s:s}", "name", "tiny"));
    assert_int_equal(json_array_size(json_object_get(result, "layers")), 1);
    assert_true(json_is_object(json_object_get(result, "config")));
    json_decref(result);
    json_decref(
        rig_result(rig, "image.remove", json_pack("{s:s}", "name", "tiny")));
    assert_true(blob_store_collect(rig->node.blobs) > 0); /* nobody pins it */
    rig_refused(rig, "image.show", json_pack("{s:s}", "name", "tiny"),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "tiny", "suan image ls");
}

static void a_file_that_is_no_image_is_not_imported(void **state)
{
    char path[128];
    struct blob_stats stats;
    (void)state;
    write_file("notes.txt", "no image at all, but long enough to be read");
    rig_path(rig, "notes.txt", path);
    rig_refused(rig, "image.import",
                json_pack("{s:s, s:s}", "path", path, "name", "notes"),
                "ERR_IMAGE", EXIT_FAILED, "notes.txt", "skopeo");
    rig_refused(rig, "image.import",
                json_pack("{s:s, s:s}", "path", "/no/such/file", "name", "n"),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "/no/such/file", "path");
    blob_store_stats(rig->node.blobs, &stats);
    assert_int_equal(stats.blobs, 0);
    assert_null(image_at(rig->node.images, 0));
}

static void a_name_moves_to_what_was_imported_last(void **state)
{
    struct oci_shape first = {.layer_bytes = 5000};
    struct oci_shape second = {.layer_bytes = 6000};
    struct blob_stats stats;
    char path[128];
    char digest[72];
    (void)state;
    rig_path(rig, "image.tar", path);
    oci_image(path, &first, digest);
    json_decref(rig_result(rig, "image.import",
                           json_pack("{s:s, s:s}", "path", path, "name", "n")));
    oci_image(path, &second, digest);
    json_decref(rig_result(rig, "image.import",
                           json_pack("{s:s, s:s}", "path", path, "name", "n")));
    assert_string_equal(image_find(rig->node.images, "n")->digest, digest);
    (void)blob_store_collect(rig->node.blobs);
    blob_store_stats(rig->node.blobs, &stats);
    assert_int_equal(stats.blobs, 1);
}

/* ---- jobs ---- */

/* A signed request and its spec, as the engine takes them. */
static void add_job(uint32_t seed, struct hash *out_id)
{
    static struct bytes args[1];
    struct node *node = &rig->node;
    struct trade_effects effects;
    struct spec spec = {.arg_count = 1,
                        .args = args,
                        .resources = {100, 16, 16},
                        .pids_max = 8,
                        .time_ms_max = 60000};
    struct request request;
    struct buf spec_bytes;
    struct buf bytes;
    uint64_t now = node_wall_ms();
    args[0] = BYTES_LIT("true");
    memset(spec.image.b, 1, HASH_LEN);
    memset(&request, 0, sizeof(request));
    request.agent = node->self;
    memcpy(request.salt, &seed, sizeof(seed));
    request.created_at_ms = now;
    request.expires_at_ms = now + 600000;
    request.tasks = request.attempts_max = 1;
    request.resources = spec.resources;
    request.time_ms_max = spec.time_ms_max;
    request.policy = POLICY_CHEAPEST;
    buf_init(&spec_bytes, SPEC_BYTES_MAX);
    buf_init(&bytes, REQUEST_BYTES_MAX);
    trade_effects_init(&effects);
    assert_int_equal(spec_encode(&spec, &spec_bytes), OK);
    spec_hash(buf_bytes(&spec_bytes), &request.spec);
    assert_int_equal(
        request_sign(&request, &node->genesis.chain, &node->signer), OK);
    assert_int_equal(request_encode(&request, &bytes), OK);
    assert_int_equal(buy_submit(node->buy, buf_bytes(&bytes),
                                buf_bytes(&spec_bytes), "a job", false, now,
                                &effects, out_id),
                     OK);
    trade_effects_done(&effects);
    buf_done(&bytes);
    buf_done(&spec_bytes);
}

static void a_job_is_found_by_a_prefix_that_fits_it_alone(void **state)
{
    struct hash id;
    char hex[HASH_TEXT_MAX];
    char prefix[5];
    json_t *result;
    (void)state;
    add_job(1, &id);
    hash_format(&id, hex);
    snprintf(prefix, sizeof(prefix), "%.4s", hex);
    result = rig_result(rig, "job.show", json_pack("{s:s}", "id", prefix));
    assert_string_equal(text(result, "id"), hex);
    assert_string_equal(text(result, "state"), "WAITING");
    assert_true(text(result, "reason")[0] != '\0');
    json_decref(result);
    result = rig_result(rig, "job.list", NULL);
    assert_int_equal(json_array_size(json_object_get(result, "jobs")), 1);
    json_decref(result);
    result =
        rig_result(rig, "job.list", json_pack("{s:s}", "state", "RUNNING"));
    assert_int_equal(json_array_size(json_object_get(result, "jobs")), 0);
    json_decref(result);
    rig_refused(rig, "job.show", json_pack("{s:s, s:i}", "id", hex, "task", 1),
                "ERR_NOT_FOUND", EXIT_NOT_FOUND, "0 to 0", "suan job show");
}

static void a_prefix_that_fits_two_jobs_names_them(void **state)
{
    static struct hash ids[1000];
    char hex[HASH_TEXT_MAX];
    char prefix[5];
    size_t count = 0;
    bool found = false;
    (void)state;
    /* Ids are hashes: among a thousand, two share their first 16 bits. */
    while (!found && count < 1000) {
        add_job((uint32_t)count, &ids[count]);
        for (size_t i = 0; i < count && !found; i++)
            found = memcmp(ids[i].b, ids[count].b, 2) == 0;
        count++;
    }
    assert_true(found);
    hash_format(&ids[count - 1], hex);
    snprintf(prefix, sizeof(prefix), "%.4s", hex);
    rig_refused(rig, "job.show", json_pack("{s:s}", "id", prefix),
                "ERR_AMBIGUOUS", EXIT_USAGE, "fits 2 jobs", "more digits");
}

static void waiting_for_a_job_ends_with_its_state(void **state)
{
    struct hash id;
    char hex[HASH_TEXT_MAX];
    json_t *result;
    (void)state;
    add_job(1, &id);
    hash_format(&id, hex);
    result = rig_result(rig, "job.wait",
                        json_pack("{s:s, s:i}", "id", hex, "wait_ms", 50));
    assert_false(json_is_true(json_object_get(result, "done")));
    assert_string_equal(text(result, "state"), "WAITING");
    json_decref(result);
}

static void outputs_are_not_fetched_before_there_are_any(void **state)
{
    struct hash id;
    char hex[HASH_TEXT_MAX];
    char dir[128];
    (void)state;
    add_job(1, &id);
    hash_format(&id, hex);
    rig_path(rig, "results", dir);
    rig_refused(rig, "job.fetch",
                json_pack("{s:s, s:s}", "id", hex, "dir", dir), "ERR_STATE",
                EXIT_FAILED, "no outputs yet", "suan job wait");
    rig_refused(rig, "job.fetch",
                json_pack("{s:s, s:s}", "id", hex, "dir", "results"),
                "ERR_PARSE", EXIT_USAGE, "absolute", "");
}

static void put_log(const struct hash *contract, const char *content)
{
    char hex[HASH_TEXT_MAX];
    char leaf[100];
    char path[128];
    hash_format(contract, hex);
    rig_path(rig, "jobs", path);
    (void)mkdir(path, 0700);
    snprintf(leaf, sizeof(leaf), "jobs/%s", hex);
    rig_path(rig, leaf, path);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(leaf, sizeof(leaf), "jobs/%s/stdout", hex);
    write_file(leaf, content);
}

static void a_log_is_read_on_from_where_one_was(void **state)
{
    struct hash id;
    char hex[HASH_TEXT_MAX];
    json_t *result;
    (void)state;
    add_job(1, &id);
    hash_format(&id, hex);
    put_log(&buy_job(rig->node.buy, &id)->tasks[0].contract, "hello");
    result = rig_result(rig, "job.logs", json_pack("{s:s}", "id", hex));
    assert_string_equal(text(result, "data"), "aGVsbG8=");
    assert_int_equal(number(result, "next"), 5);
    assert_false(json_is_true(json_object_get(result, "eof")));
    json_decref(result);
    result = rig_result(
        rig, "job.logs",
        json_pack("{s:s, s:i, s:i}", "id", hex, "offset", 5, "wait_ms", 30));
    assert_string_equal(text(result, "data"), "");
    assert_int_equal(number(result, "next"), 5);
    json_decref(result);
    /* The task began again elsewhere: its log is shorter than what was read. */
    result = rig_result(rig, "job.logs",
                        json_pack("{s:s, s:i, s:i}", "id", hex, "offset", 99,
                                  "wait_ms", 10000));
    assert_int_equal(number(result, "next"), 0);
    json_decref(result);
    rig_refused(rig, "job.logs",
                json_pack("{s:s, s:s}", "id", hex, "stream", "stdin"),
                "ERR_PARSE", EXIT_USAGE, "stdin", "stderr");
}

int main(void)
{
#define RIGGED(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        RIGGED(an_unknown_method_is_told_its_nearest),
        RIGGED(an_unknown_parameter_is_refused_by_name),
        RIGGED(parameters_have_shapes),
        RIGGED(a_node_that_sells_nothing_says_how_to_begin),
        RIGGED(lists_every_setting_with_where_it_came_from),
        RIGGED(the_feed_is_read_by_kind_and_by_job),
        RIGGED(a_reader_ahead_of_the_feed_is_told_it_lost_some),
        RIGGED(a_poll_waits_for_what_comes),
        RIGGED(a_poll_gives_up_when_its_time_is_up),
        RIGGED(the_log_begins_with_its_last_lines),
        RIGGED(what_is_imported_can_be_exported),
        RIGGED(says_which_input_cannot_be_taken),
        RIGGED(an_image_is_imported_listed_shown_and_removed),
        RIGGED(a_file_that_is_no_image_is_not_imported),
        RIGGED(a_name_moves_to_what_was_imported_last),
        RIGGED(a_job_is_found_by_a_prefix_that_fits_it_alone),
        RIGGED(a_prefix_that_fits_two_jobs_names_them),
        RIGGED(waiting_for_a_job_ends_with_its_state),
        RIGGED(outputs_are_not_fetched_before_there_are_any),
        RIGGED(a_log_is_read_on_from_where_one_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
