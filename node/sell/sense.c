#define _GNU_SOURCE
#include "node/sell/sense.h"

#include "base/check.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

static uint64_t read_number(const char *path)
{
    char text[64] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fgets(text, sizeof(text), file) == NULL)
        text[0] = '\0';
    fclose(file);
    return strtoull(text, NULL, 10); /* "max" reads as 0: no limit */
}

/* "MemTotal:       24000 kB" */
static uint64_t meminfo_mib(const char *name)
{
    char line[128];
    uint64_t kib = 0;
    size_t len = strlen(name);
    FILE *file = fopen("/proc/meminfo", "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, len) == 0 && line[len] == ':') {
            kib = strtoull(line + len + 1, NULL, 10);
            break;
        }
    }
    fclose(file);
    return kib / 1024;
}

/* The tightest memory limit above this process, v2 or v1; 0 = none. */
static uint64_t cgroup_limit_mib(void)
{
    char line[512];
    uint64_t limit = 0;
    FILE *file = fopen("/proc/self/cgroup", "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        char path[700];
        char *group = strrchr(line, ':');
        uint64_t bytes;
        if (group == NULL)
            continue;
        group[strcspn(group, "\n")] = '\0';
        if (strncmp(line, "0::", 3) == 0)
            snprintf(path, sizeof(path), "/sys/fs/cgroup%s/memory.max",
                     group + 1);
        else if (strstr(line, ":memory:") != NULL)
            snprintf(path, sizeof(path),
                     "/sys/fs/cgroup/memory%s/memory.limit_in_bytes",
                     group + 1);
        else
            continue;
        bytes = read_number(path);
        if (bytes > 0 && (limit == 0 || bytes / 1048576 < limit))
            limit = bytes / 1048576;
    }
    fclose(file);
    return limit;
}

static enum arch arch_of(const char *machine)
{
    if (strcmp(machine, "x86_64") == 0)
        return ARCH_X86_64;
    if (strcmp(machine, "aarch64") == 0)
        return ARCH_AARCH64;
    if (strcmp(machine, "riscv64") == 0)
        return ARCH_RISCV64;
    return ARCH_ANY;
}

static void read_cpu_model(char *out, size_t size)
{
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "re");
    out[0] = '\0';
    if (file == NULL)
        return;
    while (fgets(line, sizeof(line), file) != NULL) {
        char *value = strchr(line, ':');
        if (strncmp(line, "model name", 10) != 0 || value == NULL)
            continue;
        value[strcspn(value, "\n")] = '\0';
        snprintf(out, size, "%.60s", value + 2);
        break;
    }
    fclose(file);
}

enum err sense_disk(const char *dir, struct sensed_disk *out)
{
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0)
        return ERR_IO;
    out->total_mib = (uint64_t)fs.f_blocks * fs.f_frsize / 1048576;
    out->free_mib = (uint64_t)fs.f_bavail * fs.f_frsize / 1048576;
    return OK;
}

#define RESERVE_LEAST_MIB 1024u
#define RESERVE_MOST_MIB  10240u

uint64_t sense_disk_reserve_mib(uint64_t total_mib)
{
    uint64_t reserve = total_mib / 20;
    if (reserve < RESERVE_LEAST_MIB)
        reserve = RESERVE_LEAST_MIB;
    if (reserve > RESERVE_MOST_MIB)
        reserve = RESERVE_MOST_MIB;
    return reserve < total_mib / 8 ? reserve : total_mib / 8;
}

bool sense_disk_short(bool was_short, uint64_t free_mib, uint64_t reserve_mib)
{
    return free_mib < (was_short ? reserve_mib + reserve_mib / 4 : reserve_mib);
}

uint64_t sense_disk_said(uint64_t said_mib, uint64_t now_mib, uint64_t step_mib)
{
    bool falls = now_mib < said_mib;
    bool rises = !falls && now_mib - said_mib >= 2 * step_mib;
    CHECK(step_mib > 0);
    return falls || rises ? now_mib - now_mib % step_mib : said_mib;
}

enum err sense_read(const char *dir, struct sensed *out)
{
    struct sensed sensed;
    struct utsname name;
    struct sensed_disk disk;
    cpu_set_t cpus;
    uint64_t limit = cgroup_limit_mib();
    memset(&sensed, 0, sizeof(sensed));
    TRY(sense_disk(dir, &disk));
    if (uname(&name) != 0)
        return ERR_IO;
    CPU_ZERO(&cpus);
    if (sched_getaffinity(0, sizeof(cpus), &cpus) != 0)
        return ERR_IO;
    sensed.arch = arch_of(name.machine);
    sensed.cpus = (uint32_t)CPU_COUNT(&cpus);
    sensed.mem_mib = meminfo_mib("MemTotal");
    sensed.mem_free_mib = meminfo_mib("MemAvailable");
    if (sensed.mem_mib == 0)
        return ERR_IO;
    if (limit > 0 && limit < sensed.mem_mib)
        sensed.mem_mib = limit;
    if (sensed.mem_free_mib > sensed.mem_mib)
        sensed.mem_free_mib = sensed.mem_mib;
    sensed.disk_mib = disk.total_mib;
    sensed.disk_free_mib = disk.free_mib;
    snprintf(sensed.host, sizeof(sensed.host), "%.60s", name.nodename);
    read_cpu_model(sensed.cpu_model, sizeof(sensed.cpu_model));
    *out = sensed;
    return OK;
}
