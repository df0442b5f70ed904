/* links: suan_node */
/* A configuration that somebody else wrote: read, or refused with its line. */
#define _GNU_SOURCE /* memfd_create */

#include "node/config.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every value has the shape its reader relies on, and says where it is from. */
static void whole(const struct config *config)
{
    (void)config_bool(config, CONFIG_sell_enabled);
    (void)config_uint(config, CONFIG_sell_slots);
    (void)config_uint(config, CONFIG_node_blobs_max_mib);
    (void)config_micro(config, CONFIG_sell_cpus);
    (void)config_micro(config, CONFIG_sell_cpu_hour);
    for (int i = 0; i < CONFIG_KEY_COUNT; i++) {
        CHECK(strlen(config_text(config, (enum config_key)i)) <
              CONFIG_TEXT_MAX);
        CHECK(config->values[i].source[0] != '\0');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config config;
    char path[64];
    enum err err;
    int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    CHECK(write(fd, data, size) == (ssize_t)size);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    CHECK(config_init(&config) == OK);
    err = config_load(&config, path);
    close(fd);
    CHECK(err == OK || strncmp(config.error, path, strlen(path)) == 0);
    whole(&config);
    config_done(&config);
    return 0;
}
