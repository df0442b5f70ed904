#ifndef SCHED_DEVICES_H
#define SCHED_DEVICES_H

/* The accelerators of an offer, in groups of like devices, and what a task
 * wishes of them. A device is sold in thousandths (DEVICE_MILLI); what is left
 * of several never adds up to one.
 *
 * All devices of a task are of one group: like devices, at one price. Which
 * group it is follows from what is free and from the prices alone, so buyer and
 * provider pick the same one from the same offer (devices_check).
 *
 * Whether a wish fits is fleet/machine.h's answer: devices_machine.h. */

#include "base/amount.h"
#include "base/limits.h"
#include "base/mp.h"
#include "sched/fleet/ask.h"
#include "sched/reason.h"

enum device_kind {
    DEVICE_GPU = 1,
    DEVICE_NPU = 2,
    DEVICE_FPGA = 3,
    DEVICE_P4 = 4, /* a programmable switch */
};

#define DEVICE_GROUPS_MAX 8u
#define DEVICE_MODELS_MAX 4u

struct device_group {
    enum device_kind kind;
    char model[LIMIT_NAME]; /* device_name_ok; "" = not stated */
    uint32_t count;         /* of devices, >= 1 */
    uint64_t mem_mib;       /* of each; 0 = not stated */
    struct amount hour;     /* price of one whole device for an hour */
};

/* Device i is the i-th when the groups are read one after the other. */
struct devices {
    uint32_t group_count;
    struct device_group groups[DEVICE_GROUPS_MAX];
    uint16_t free_milli[MACHINE_DEVICES_MAX];
};

/* count 0: none, then all else is zero. */
struct device_wish {
    enum device_kind kind;
    uint32_t count;       /* different devices */
    uint32_t milli;       /* of each */
    uint64_t mem_mib;     /* each has at least; 0 = does not matter */
    uint32_t model_count; /* 0 = any model */
    char models[DEVICE_MODELS_MAX][LIMIT_NAME];
};

const char *device_kind_text(enum device_kind kind); /* "gpu"; "?" */
/* ERR_PARSE. */
MUST_USE enum err device_kind_parse(const char *text, enum device_kind *out);
/* A model's name has one spelling: lower case letters, digits, '.', '_', '-';
 * not empty, shorter than LIMIT_NAME. */
bool device_name_ok(const char *name);

/* ---- offers ---- */

/* ERR_RANGE: too many groups or devices, an unknown kind, a malformed model,
 * an empty group, two groups of one kind, model and memory, more free than a
 * device is, something past the last group or device. */
MUST_USE enum err devices_form(const struct devices *devices);
uint32_t devices_count(const struct devices *devices);
/* The group of a device; its number must be below devices_count (CHECKed). */
uint32_t devices_group_of(const struct devices *devices, uint32_t device);
/* The devices of a group, as a mask. */
uint32_t devices_mask(const struct devices *devices, uint32_t group);
/* Sets all devices wholly free. */
void devices_all_free(struct devices *devices);
/* Is everything but what is free the same? */
bool devices_same(const struct devices *a, const struct devices *b);
/* Appends array [[kind, model, count, mem_mib, hour, [free...]]...]. */
void devices_encode(const struct devices *devices, struct buf *out);
/* Fails the reader where devices_form would refuse. */
void devices_decode(struct mp_reader *reader, struct devices *out);

/* ---- wishes ---- */

/* ERR_RANGE: more devices than a machine has, a share of nothing or of more
 * than a device, an unknown kind, a malformed or repeated model; with count 0
 * anything that is not zero. */
MUST_USE enum err device_wish_form(const struct device_wish *wish);
bool device_wish_same(const struct device_wish *a, const struct device_wish *b);
/* Array [], or [kind, count, milli, mem_mib, [model...]]. */
void device_wish_encode(const struct device_wish *wish, struct buf *out);
void device_wish_decode(struct mp_reader *reader, struct device_wish *out);
/* KIND[:MODEL[|MODEL...]][:AMOUNT]: "gpu", "gpu:2", "gpu:a100|h100",
 * "gpu:a100:0.5", "gpu:a100:4x0.25". An AMOUNT is devices, a share of one, or
 * devices x share of each; without one it is a whole device. Upper case is
 * taken for lower. A model that reads as an AMOUNT needs one behind it. Memory
 * is not in it. ERR_PARSE, ERR_RANGE, ERR_TOO_LARGE. */
MUST_USE enum err device_wish_parse(const char *text, struct device_wish *out);
/* Appends the same text; "none". */
void device_wish_format(const struct device_wish *wish, struct buf *out);

/* ---- may it run here? ---- */

#define DEVICES_NO_GROUP DEVICE_GROUPS_MAX

struct devices_verdict {
    enum reason reason; /* NONE, or one of the DEVICE reasons */
    uint32_t group;     /* the task gets; when refused the one it comes nearest
                           to; DEVICES_NO_GROUP for DEVICE_KIND and _MODEL */
    uint64_t want;      /* in the reason's unit; 0 where it has none */
    uint64_t have;
};
/* Picks the group: of those the wish fits in now the cheapest, then the lowest
 * number; where it fits in none, of those refused for the last reason in the
 * order of REASON_MAP, likewise. wish->count > 0 (CHECKed). */
void devices_check(const struct devices *devices,
                   const struct device_wish *wish, struct devices_verdict *out);
/* Would the wish fit now if it allowed all models? */
bool devices_fit_any_model(const struct devices *devices,
                           const struct device_wish *wish);
/* Does this group have a kind, model and memory the wish allows? */
bool device_group_allows(const struct device_group *group,
                         const struct device_wish *wish);
#endif
