/* suan sched train, and suan sched embed --policy learned, as somebody at a
 * terminal meets them. */

#include "run_line.h"

#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "sched/learn/rankmodel.h"

#define BACKBONE SUAN_SOURCE_DIR "/docs/examples/sched/backbone.gml"
#define TINY                                                                   \
    " --rate 0.01 --worlds 2 --moments 8 --epochs 1 --chapters 1 --seeds 1 "   \
    "--requests 30"

static char path[] = "/tmp/suan-model-XXXXXX";
static struct rankmodel model;

/* The words, and the path of the model after them. */
static int at_path(const char *words)
{
    char line[1024];
    snprintf(line, sizeof(line), "%s %s", words, path);
    return run_line(line);
}

static void read_model(void)
{
    static uint8_t bytes[RANKMODEL_BYTES_MAX];
    FILE *file = fopen(path, "rb");
    size_t len;
    assert_non_null(file);
    len = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_int_equal(rankmodel_decode(bytes_make(bytes, len), &model), OK);
}

static void write_model(void)
{
    struct buf bytes;
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    buf_init(&bytes, RANKMODEL_BYTES_MAX);
    rankmodel_encode(&model, &bytes);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, file), bytes.len);
    fclose(file);
    buf_done(&bytes);
}

static void a_model_is_trained_and_judged(void **state)
{
    json_t *object;
    (void)state;
    assert_int_equal(at_path("sched train --topology " BACKBONE TINY " --out"),
                     0);
    assert_says(line_err, "imitation, epoch 1 of 1");
    assert_says(line_err, "unseen, 10 starts");
    assert_says(line_out, "STARTS   LEARNED  INCUMBENT");
    assert_says(line_out, "decides");
    read_model();
    assert_string_equal(model.topology, "backbone.gml");
    assert_int_equal(model.requests, 30);
    assert_int_equal(at_path("sched train --json --topology " BACKBONE TINY
                             " --threads 1 --starts 2 --out"),
                     0);
    object = json_loads(line_out, 0, NULL);
    assert_non_null(object);
    assert_int_equal(json_integer_value(json_object_get(object, "starts")), 2);
    assert_int_equal(json_array_size(json_object_get(object, "trials")), 5);
    json_decref(object);
}

static void threads_do_not_change_the_model(void **state)
{
    static struct rankmodel one;
    (void)state;
    assert_int_equal(
        at_path("sched train --waxman 12" TINY " --threads 1 --out"), 0);
    read_model();
    one = model;
    assert_int_equal(
        at_path("sched train --waxman 12" TINY " --threads 3 --out"), 0);
    read_model();
    assert_memory_equal(&one, &model, sizeof(model));
}

static void only_a_model_that_beat_the_incumbent_is_used(void **state)
{
    (void)state;
    assert_int_equal(at_path("sched train --topology " BACKBONE TINY " --out"),
                     0);
    read_model();
    model.trials[2].accepted = 20;
    model.trials[2].incumbent = 20;
    write_model();
    assert_int_equal(at_path("sched embed --topology " BACKBONE
                             " --requests 20 --policy learned --model"),
                     8);
    assert_says(line_err, "is not fit for use (3 starts: 20 of 30 accepted");
    assert_says(line_err, "--force");
    assert_int_equal(at_path("sched embed --topology " BACKBONE
                             " --requests 20 --policy learned --force --model"),
                     0);
    assert_says(line_out, "3 starts");
    model.trials[2].accepted = 21;
    write_model();
    assert_int_equal(
        at_path("sched embed --topology " BACKBONE
                " --requests 20 --policy learned --starts 1 --model"),
        0);
    assert_says(line_out, "policy learned");
    assert_says(line_out, "model learned on backbone.gml, rate 0.01");
    assert_says(line_out, "1 starts");
}

static void what_is_no_model_is_told(void **state)
{
    FILE *file;
    (void)state;
    assert_int_equal(
        run_line("sched embed --topology " BACKBONE " --policy learned"), 2);
    assert_says(line_err, "--model");
    assert_int_equal(run_line("sched embed --topology " BACKBONE
                              " --policy learned --model /nowhere.model"),
                     3);
    assert_int_equal(run_line("sched embed --topology " BACKBONE
                              " --policy learned --model " BACKBONE),
                     1);
    assert_says(line_err, "cannot be used");
    write_model();
    file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 1000, SEEK_SET);
    fputc('x', file);
    fputc('y', file);
    fclose(file);
    assert_int_equal(
        at_path("sched embed --topology " BACKBONE " --policy learned --model"),
        1);
    assert_says(line_err, "damaged");
}

static void wrong_words_are_refused(void **state)
{
    (void)state;
    assert_int_equal(run_line("sched train --waxman 20"), 2);
    assert_says(line_err, "--out");
    assert_int_equal(run_line("sched train --out /tmp/x"), 2);
    assert_says(line_err, "no topology");
    assert_int_equal(run_line("sched train --waxman 20 --topology " BACKBONE
                              " --out /tmp/x"),
                     2);
    assert_int_equal(run_line("sched train --waxman 1 --out /tmp/x"), 2);
    assert_int_equal(run_line("sched train --waxman 20 --rate -1 --out /tmp/x"),
                     2);
    assert_int_equal(
        run_line("sched train --waxman 20 --starts 0 --out /tmp/x"), 2);
    assert_int_equal(run_line("sched train --topology /nowhere --out /tmp/x"),
                     3);
    assert_int_equal(run_line("sched train --waxman 20 --out /nowhere/x"), 1);
    assert_says(line_err, "cannot be written to /nowhere/x: No such file");
    assert_int_equal(run_line("sched train --waxman 20 --out /proc/version/x"),
                     1);
}

static int make_path(void **state)
{
    int fd = mkstemp(path);
    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int drop_path(void **state)
{
    (void)state;
    free(line_out);
    free(line_err);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_model_is_trained_and_judged),
        cmocka_unit_test(threads_do_not_change_the_model),
        cmocka_unit_test(only_a_model_that_beat_the_incumbent_is_used),
        cmocka_unit_test(what_is_no_model_is_told),
        cmocka_unit_test(wrong_words_are_refused),
    };
    return cmocka_run_group_tests(tests, make_path, drop_path);
}
