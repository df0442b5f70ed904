#define _GNU_SOURCE
#include "node/executors/sandbox/record.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

static json_t *encode_base(const struct usage *base)
{
    return json_pack("{s:I, s:I, s:I, s:I}", "cpu_us", (json_int_t)base->cpu_us,
                     "cpu_user_us", (json_int_t)base->cpu_user_us, "cpu_sys_us",
                     (json_int_t)base->cpu_sys_us, "throttled_us",
                     (json_int_t)base->throttled_us);
}

bool record_write(int job_fd, const struct record *record)
{
    json_t *value =
        json_pack("{s:o, s:o, s:I, s:i, s:i}", "group",
                  cg_encode(&record->group), "base", encode_base(&record->base),
                  "started_boot_ms", (json_int_t)record->started_boot_ms,
                  "init_pid", (int)record->init_pid, "loop", record->loop);
    bool ok = value != NULL && dir_write_json(job_fd, RECORD_FILE, value) == 0;

    json_decref(value);
    return ok;
}

static uint64_t number(const json_t *value, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(value, name));
}

bool record_read(int job_fd, struct record *out)
{
    json_t *value = dir_read_json(job_fd, RECORD_FILE);
    const json_t *base = json_object_get(value, "base");
    struct record got;
    bool ok;

    memset(&got, 0, sizeof(got));
    ok = cg_decode(json_object_get(value, "group"), &got.group);
    got.base.cpu_us = number(base, "cpu_us");
    got.base.cpu_user_us = number(base, "cpu_user_us");
    got.base.cpu_sys_us = number(base, "cpu_sys_us");
    got.base.throttled_us = number(base, "throttled_us");
    got.started_boot_ms = number(value, "started_boot_ms");
    got.init_pid = (pid_t)number(value, "init_pid");
    got.loop = (int)json_integer_value(json_object_get(value, "loop"));
    json_decref(value);
    if (ok)
        *out = got;
    return ok;
}

static uint64_t since(uint64_t now, uint64_t then)
{
    return now > then ? now - then : 0;
}

void record_meter(const struct record *record, struct usage *out)
{
    cg_meter(&record->group, out);
    out->cpu_us = since(out->cpu_us, record->base.cpu_us);
    out->cpu_user_us = since(out->cpu_user_us, record->base.cpu_user_us);
    out->cpu_sys_us = since(out->cpu_sys_us, record->base.cpu_sys_us);
    out->throttled_us = since(out->throttled_us, record->base.throttled_us);
}

bool live_read(int job_fd, struct live *out)
{
    int fd = openat(job_fd, LIVE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct live got;
    bool ok;

    if (fd < 0)
        return false;
    ok = read(fd, &got, sizeof(got)) == (ssize_t)sizeof(got);
    close(fd);
    if (ok)
        *out = got;
    return ok;
}
