#ifndef SCHED_DEVICES_MACHINE_H
#define SCHED_DEVICES_MACHINE_H

/* Devices as fleet/machine.h knows them: a group's number from 1 is the model
 * its devices have there, and what a machine answers is exact per device. */

#include "sched/devices.h"
#include "sched/fleet/machine.h"

/* An offer's resources and devices as a machine, and a task as what it asks of
 * one group of it. */
void devices_machine(const struct devices *devices,
                     const struct resources *total,
                     const struct resources *free, struct machine *out);
void device_wish_ask(const struct device_wish *wish,
                     const struct resources *want, uint32_t group,
                     struct ask *out);

#endif
