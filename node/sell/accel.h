#ifndef NODE_ACCEL_H
#define NODE_ACCEL_H

/* The accelerators a provider declares in suan.conf, and those this machine
 * shows. Declared, not found: which cards are for sale, what they are called
 * and cost is the owner's word. Read from files alone, no driver is asked. */

#include "sched/devices.h"

#define ACCEL_SHARED_MAX 8u /* nodes that every job of a group gets */

struct accel {
    struct devices devices; /* all free, without prices until accel_price */
    char paths[MACHINE_DEVICES_MAX][LIMIT_NAME]; /* device i's own node */
    uint32_t shared_count[DEVICE_GROUPS_MAX];
    char shared[DEVICE_GROUPS_MAX][ACCEL_SHARED_MAX][LIMIT_NAME];
};

#define ACCEL_FAULT_MAX 200u

/* A list of KIND[:MODEL][:COUNT][@MEM]=PATH[+PATH...][=SHARED[+SHARED...]],
 * commas between: "gpu:a100:2@40G=/dev/nvidia0+/dev/nvidia1=/dev/nvidiactl".
 * One PATH for each device; COUNT, when given, is how many. MEM in M, G or T,
 * of each. Nothing is looked up. ERR_PARSE, ERR_RANGE, ERR_TOO_LARGE; then
 * `fault` says what is wrong with which entry. */
MUST_USE enum err accel_parse(const char *text, struct accel *out,
                              char fault[ACCEL_FAULT_MAX]);
/* Prices of a device-hour: a list of CREDITS for all, KIND=CREDITS or
 * KIND:MODEL=CREDITS; the most exact one counts. A group without any is
 * refused: nothing is given away by accident. ERR_PARSE, ERR_RANGE. */
MUST_USE enum err accel_price(const char *text, struct devices *devices,
                              char fault[ACCEL_FAULT_MAX]);
/* Are all of them character devices that a job could open? ERR_NOT_FOUND,
 * ERR_TYPE, ERR_PERM; `fault` says which and what to do. Looks at files. */
MUST_USE enum err accel_check(const struct accel *accel,
                              char fault[ACCEL_FAULT_MAX]);

/* Appends, by ", ", the device nodes that look like accelerators: NVIDIA's, DRM
 * render nodes, accel, Ascend's, FPGAs'. `dev` is "/dev". */
void accel_sense(const char *dev, struct buf *out);

/* "gpu=only, lab:refuse": the sell.taints. ERR_PARSE, ERR_TOO_LARGE. */
struct taint;
MUST_USE enum err accel_taints_parse(const char *text, struct taint *out,
                                     uint32_t *out_count);

#endif
