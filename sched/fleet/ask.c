#include "sched/fleet/ask.h"

#include <inttypes.h>

enum err ask_check(const struct ask *ask)
{
    if (ask->devices > MACHINE_DEVICES_MAX || ask->milli > DEVICE_MILLI)
        return ERR_RANGE;
    return (ask->devices == 0) == (ask->milli == 0) ? OK : ERR_RANGE;
}

enum ask_kind ask_kind_of(const struct ask *ask)
{
    if (ask->devices == 0)
        return ASK_PLAIN;
    if (ask->milli < DEVICE_MILLI)
        return ASK_SHARE;
    if (ask->devices <= 2)
        return ask->devices == 1 ? ASK_ONE : ASK_TWO;
    if (ask->devices <= 8)
        return ask->devices <= 4 ? ASK_FOUR : ASK_EIGHT;
    return ASK_MORE;
}

/* The fields one after the other, as numbers. */
#define FIELDS 8
static void fields_of(const struct ask *ask, uint64_t out[FIELDS])
{
    out[0] = (uint64_t)ask->arch;
    out[1] = ask->models;
    out[2] = ask->devices;
    out[3] = ask->milli;
    out[4] = ask->want.cpu_milli;
    out[5] = ask->want.mem_mib;
    out[6] = ask->want.disk_mib;
    out[7] = ask->want.nic_kbit;
}

int ask_compare(const struct ask *a, const struct ask *b)
{
    uint64_t left[FIELDS];
    uint64_t right[FIELDS];
    fields_of(a, left);
    fields_of(b, right);
    for (size_t i = 0; i < FIELDS; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    }
    return 0;
}

uint32_t ask_hash(const struct ask *ask)
{
    uint64_t fields[FIELDS];
    uint64_t hash = 0;
    fields_of(ask, fields);
    for (size_t i = 0; i < FIELDS; i++) {
        hash = (hash ^ fields[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 29;
    }
    return (uint32_t)(hash >> 32);
}

void ask_format(const struct ask *ask, struct buf *out)
{
    buf_addf(out, "%" PRIu32 "m %" PRIu64 " MiB", ask->want.cpu_milli,
             ask->want.mem_mib);
    if (ask->devices > 0)
        buf_addf(out, " %ux%um", (unsigned)ask->devices, (unsigned)ask->milli);
}
