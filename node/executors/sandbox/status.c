#include "node/executors/sandbox/status.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/check.h"

static const char *const phases[] = {"starting", "running", "finished"};
#define PHASES (sizeof(phases) / sizeof(phases[0]))

static const char *const reasons[] = {
    "none", "exit",   "signal",          "time", "oom", "output",
    "disk", "killed", "failed_to_start", "lost"};
#define REASONS (sizeof(reasons) / sizeof(reasons[0]))

_Static_assert(REASONS == REASON_LOST + 1, "every reason has a name");

const char *phase_name(enum phase phase)
{
    CHECK((size_t)phase < PHASES);
    return phases[phase];
}

const char *reason_name(enum reason reason)
{
    CHECK((size_t)reason < REASONS);
    return reasons[reason];
}

struct field {
    const char *name;
    size_t offset;
};

#define AT(member) offsetof(struct status, member)

static const struct field fields[] = {
    {"created_at_ms", AT(created_at_ms)},
    {"started_at_ms", AT(started_at_ms)},
    {"finished_at_ms", AT(finished_at_ms)},
    {"wall_ms", AT(wall_ms)},
    {"cpu_us", AT(usage.cpu_us)},
    {"cpu_user_us", AT(usage.cpu_user_us)},
    {"cpu_sys_us", AT(usage.cpu_sys_us)},
    {"mem_now_bytes", AT(usage.mem_now)},
    {"mem_peak_bytes", AT(usage.mem_peak)},
    {"oom_kills", AT(usage.oom_kills)},
    {"throttled_us", AT(usage.throttled_us)},
    {"pids_refused", AT(usage.pids_refused)},
    {"stdout_bytes", AT(stdout_bytes)},
    {"stderr_bytes", AT(stderr_bytes)},
    {"stdout_kept", AT(stdout_kept)},
    {"stderr_kept", AT(stderr_kept)},
    {"disk_used_bytes", AT(disk_used)},
};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)(value & INT64_MAX));
}

static uint64_t up(uint64_t value, uint64_t unit)
{
    return value / unit + (value % unit != 0);
}

/* The rounded figures a bill is made of, beside the exact ones. */
static void add_rounded(json_t *root, const struct status *status)
{
    const struct usage *usage = &status->usage;
    bool cut = status->stdout_bytes > status->stdout_kept ||
               status->stderr_bytes > status->stderr_kept;

    (void)json_object_set_new(root, "cpu_ms", number(up(usage->cpu_us, 1000)));
    (void)json_object_set_new(root, "throttled_ms",
                              number(up(usage->throttled_us, 1000)));
    (void)json_object_set_new(root, "mem_peak_mib",
                              number(up(usage->mem_peak, 1u << 20)));
    (void)json_object_set_new(root, "disk_used_mib",
                              number(up(status->disk_used, 1u << 20)));
    (void)json_object_set_new(root, "truncated", json_boolean(cut));
}

json_t *status_encode(const struct status *status)
{
    json_t *root = json_pack(
        "{s:s, s:s, s:i, s:i, s:b, s:o}", "phase", phase_name(status->phase),
        "reason", reason_name(status->reason), "exit_code", status->exit_code,
        "signal", status->signal, "disk_full", status->disk_full, "kill_reason",
        fail_text(status->kill_reason));

    if (root == NULL)
        return NULL;
    for (size_t i = 0; i < FIELDS; i++) {
        uint64_t value;
        memcpy(&value, (const char *)status + fields[i].offset, sizeof(value));
        (void)json_object_set_new(root, fields[i].name, number(value));
    }
    add_rounded(root, status);
    if (status->has_fail)
        (void)json_object_set_new(root, "error", fail_json(&status->fail));
    return root;
}

static bool find_name(const char *const *names, size_t count, const char *name,
                      size_t *out)
{
    for (size_t i = 0; name != NULL && i < count; i++) {
        if (strcmp(names[i], name) != 0)
            continue;
        *out = i;
        return true;
    }
    return false;
}

static void copy_text(const json_t *root, const char *name, char *out,
                      size_t cap)
{
    const char *text = json_string_value(json_object_get(root, name));

    (void)snprintf(out, cap, "%s", text != NULL ? text : "");
}

bool status_decode(const json_t *value, struct status *out)
{
    struct status got;
    size_t phase, reason;

    memset(&got, 0, sizeof(got));
    if (!find_name(phases, PHASES,
                   json_string_value(json_object_get(value, "phase")), &phase))
        return false;
    if (!find_name(reasons, REASONS,
                   json_string_value(json_object_get(value, "reason")),
                   &reason))
        return false;
    got.phase = (enum phase)phase;
    got.reason = (enum reason)reason;
    got.exit_code =
        (int)json_integer_value(json_object_get(value, "exit_code"));
    got.signal = (int)json_integer_value(json_object_get(value, "signal"));
    got.disk_full = json_is_true(json_object_get(value, "disk_full"));
    for (size_t i = 0; i < FIELDS; i++) {
        uint64_t n = (uint64_t)json_integer_value(
            json_object_get(value, fields[i].name));
        memcpy((char *)&got + fields[i].offset, &n, sizeof(n));
    }
    copy_text(value, "kill_reason", got.kill_reason, sizeof(got.kill_reason));
    got.has_fail = json_is_object(json_object_get(value, "error"));
    if (got.has_fail)
        fail_read(json_object_get(value, "error"), &got.fail);
    *out = got;
    return true;
}

/* Debian's catatonit: "ERROR (catatonit:2): failed to exec pid1: No such file
 * or directory". A job may write the same and end with 1: its code is its own
 * to choose. */
int status_not_begun(const char *said)
{
    static const char head[] = "ERROR (catatonit:";
    static const char what[] = "): failed to exec pid1: ";
    const char *at = said + sizeof(head) - 1;

    if (strncmp(said, head, sizeof(head) - 1) != 0)
        return 0;
    at += strspn(at, "0123456789");
    if (strncmp(at, what, sizeof(what) - 1) != 0)
        return 0;
    at += sizeof(what) - 1;
    return strcmp(at, "No such file or directory\n") == 0 ? 127 : 126;
}

/* The init passes a signal on as 128+N, as shells do. */
static void settle_code(struct status *status, int wait_status)
{
    if (WIFSIGNALED(wait_status)) {
        status->signal = WTERMSIG(wait_status);
        status->exit_code = 128 + status->signal;
        return;
    }
    CHECK(WIFEXITED(wait_status));
    status->exit_code = WEXITSTATUS(wait_status);
    if (status->exit_code > 128 && status->exit_code <= 128 + 64)
        status->signal = status->exit_code - 128;
}

void status_settle(struct status *status, int wait_status, enum reason forced)
{
    CHECK(status->phase != PHASE_FINISHED);
    settle_code(status, wait_status);
    if (forced != REASON_NONE)
        status->reason = forced;
    else if (status->usage.oom_kills > 0 && status->exit_code != 0)
        status->reason = REASON_OOM;
    else if (status->disk_full && status->exit_code != 0)
        status->reason = REASON_DISK;
    else if (status->signal != 0)
        status->reason = REASON_SIGNAL;
    else
        status->reason = REASON_EXIT;
    status->phase = PHASE_FINISHED;
}
