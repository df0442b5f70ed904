/* oci_archive: what is an image, what is not, and what a user is told. */
#define _GNU_SOURCE /* mkdtemp */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/blob/oci_archive.h"
#include "tests/unit/node/oci_make.h"

static char dir[64];
static char path[96];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/suan-oci-XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/image.tar", dir);
    return sodium_init() < 0;
}

static int remove_dir(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static enum err read_it(struct oci_archive *out, struct oci_fault *fault)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    enum err err;
    assert_true(fd >= 0);
    err = oci_archive_read(fd, out, fault);
    close(fd);
    return err;
}

/* Reads an image of that shape; it must be refused, with these words. */
static void refused(const struct oci_shape *shape, enum err err,
                    const char *words)
{
    struct oci_archive archive = {.digest = "untouched"};
    struct oci_fault fault;
    char digest[72];
    oci_image(path, shape, digest);
    assert_int_equal(read_it(&archive, &fault), err);
    assert_non_null(strstr(fault.why, words));
    assert_true(fault.next[0] != '\0');
    assert_string_equal(archive.digest, "untouched");
}

static void accepted(const struct oci_shape *shape)
{
    struct oci_archive archive;
    struct oci_fault fault;
    char digest[72];
    json_t *layers;
    oci_image(path, shape, digest);
    assert_int_equal(read_it(&archive, &fault), OK);
    assert_string_equal(archive.digest, digest);
    layers = json_object_get(archive.about, "layers");
    assert_int_equal(json_array_size(layers), 1);
    assert_int_equal(
        json_integer_value(json_object_get(json_array_get(layers, 0), "bytes")),
        shape->layer_bytes > 0 ? shape->layer_bytes : 4096);
    assert_string_equal(
        json_string_value(json_object_get(archive.about, "architecture")),
        "amd64");
    assert_string_equal(
        json_string_value(json_array_get(
            json_object_get(json_object_get(archive.about, "config"), "Cmd"),
            0)),
        "/bin/sh");
    oci_archive_done(&archive);
}

static void takes_an_image_and_names_it_by_its_manifest(void **state)
{
    struct oci_shape shape = {.os = "linux"};
    (void)state;
    accepted(&shape);
}

static void takes_a_packed_image(void **state)
{
    struct oci_shape shape = {.packed = true, .layer_bytes = 300000};
    (void)state;
    accepted(&shape);
}

static void takes_an_image_behind_an_index_of_several(void **state)
{
    struct oci_shape shape = {.nested = true};
    (void)state;
    accepted(&shape);
}

static void takes_what_holds_a_docker_list_as_well(void **state)
{
    struct oci_shape shape = {.docker = true};
    (void)state;
    accepted(&shape);
}

static void refuses_bytes_that_are_not_their_digests(void **state)
{
    struct oci_shape shape = {.lie = true};
    (void)state;
    refused(&shape, ERR_IMAGE, "digest");
}

static void refuses_an_image_that_lacks_a_layer(void **state)
{
    struct oci_shape shape = {.no_layer = true};
    (void)state;
    refused(&shape, ERR_IMAGE, "layer 1");
}

static void refuses_an_image_without_its_configuration(void **state)
{
    struct oci_shape shape = {.no_config = true};
    (void)state;
    refused(&shape, ERR_IMAGE, "configuration");
}

static void refuses_an_image_for_another_system(void **state)
{
    struct oci_shape shape = {.os = "windows"};
    (void)state;
    refused(&shape, ERR_IMAGE, "windows");
}

static void tells_a_docker_archive_apart(void **state)
{
    struct oci_shape shape = {.no_index = true, .docker = true};
    (void)state;
    refused(&shape, ERR_IMAGE, "docker archive");
}

static void refuses_a_tar_of_anything_else(void **state)
{
    struct oci_shape shape = {.no_index = true};
    (void)state;
    refused(&shape, ERR_IMAGE, "index.json");
}

static void refuses_what_is_no_archive(void **state)
{
    static const char noise[] = "#!/bin/sh\necho not a tar\n";
    struct oci_archive archive;
    struct oci_fault fault;
    FILE *file = fopen(path, "we");
    (void)state;
    assert_non_null(file);
    fwrite(noise, 1, sizeof(noise), file);
    fclose(file);
    assert_int_equal(read_it(&archive, &fault), ERR_IMAGE);
    assert_true(fault.why[0] != '\0' && fault.next[0] != '\0');
}

static void refuses_an_archive_that_was_cut_off(void **state)
{
    struct oci_shape shape = {.layer_bytes = 100000};
    struct oci_archive archive;
    struct oci_fault fault;
    char digest[72];
    (void)state;
    oci_image(path, &shape, digest);
    assert_int_equal(truncate(path, 50000), 0);
    assert_int_equal(read_it(&archive, &fault), ERR_IMAGE);
}

/* Labels give way first; an image that is still too talkative is refused. */
static void drops_long_labels_and_refuses_a_long_environment(void **state)
{
    struct oci_shape shape = {.os = "linux"};
    struct oci_archive archive;
    struct oci_fault fault;
    char digest[72];
    char *extra = calloc(1, 90000);
    (void)state;
    assert_non_null(extra);
    snprintf(extra, 90000, ",\"Labels\":{\"a\":\"%*s\"}", 70000, "");
    shape.extra = extra;
    oci_image(path, &shape, digest);
    assert_int_equal(read_it(&archive, &fault), OK);
    assert_null(
        json_object_get(json_object_get(archive.about, "config"), "Labels"));
    oci_archive_done(&archive);
    snprintf(extra, 90000, ",\"Env\":[\"%*s\"]", 70000, "");
    refused(&shape, ERR_TOO_LARGE, "KiB");
    free(extra);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_an_image_and_names_it_by_its_manifest),
        cmocka_unit_test(takes_a_packed_image),
        cmocka_unit_test(takes_an_image_behind_an_index_of_several),
        cmocka_unit_test(takes_what_holds_a_docker_list_as_well),
        cmocka_unit_test(refuses_bytes_that_are_not_their_digests),
        cmocka_unit_test(refuses_an_image_that_lacks_a_layer),
        cmocka_unit_test(refuses_an_image_without_its_configuration),
        cmocka_unit_test(refuses_an_image_for_another_system),
        cmocka_unit_test(tells_a_docker_archive_apart),
        cmocka_unit_test(refuses_a_tar_of_anything_else),
        cmocka_unit_test(refuses_what_is_no_archive),
        cmocka_unit_test(refuses_an_archive_that_was_cut_off),
        cmocka_unit_test(drops_long_labels_and_refuses_a_long_environment),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
