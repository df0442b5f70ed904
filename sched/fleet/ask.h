#ifndef SCHED_FLEET_ASK_H
#define SCHED_FLEET_ASK_H

/* An ask is what one task wants of one machine of a fleet: processor, memory
 * and disk as everywhere, and accelerators, whole or in shares.
 *
 * A device is divided into DEVICE_MILLI thousandths. An ask for `devices` of
 * `milli` each takes that much of as many different devices of one machine: 4
 * whole cards are {4, 1000}, a third of a card is {1, 333}. What is left of
 * several cards never adds up to one. */

#include "sched/resources.h"

#define DEVICE_MILLI 1000u
/* Devices of one machine, at most. */
#define MACHINE_DEVICES_MAX 16u
/* A model is a number from 1 that the caller gives to a kind of accelerator;
 * 0 is no model. Sets of models are masks. */
#define MODEL_MAX 63u

static inline uint64_t model_bit(uint32_t model)
{
    return UINT64_C(1) << (model & 63u);
}

struct ask {
    struct resources want;
    uint64_t models;  /* model_bit()s it may run on; 0 = any */
    enum arch arch;   /* ARCH_ANY = does not matter */
    uint16_t devices; /* 0 = none */
    uint16_t milli;   /* of each; 0 without devices */
};

/* What an ask is to those who keep like with like. */
enum ask_kind {
    ASK_PLAIN = 0, /* no device */
    ASK_SHARE,     /* part of a device, or parts of several */
    ASK_ONE,       /* one whole device, ... */
    ASK_TWO,
    ASK_FOUR, /* 3 or 4 */
    ASK_EIGHT,
    ASK_MORE, /* 9..16 */
    ASK_KINDS
};

/* ERR_RANGE: more devices than a machine can have, a share of nothing or of
 * more than a device, devices without milli or milli without devices. */
MUST_USE enum err ask_check(const struct ask *ask);
enum ask_kind ask_kind_of(const struct ask *ask);
/* Thousandths of devices in all. */
static inline uint32_t ask_milli(const struct ask *ask)
{
    return (uint32_t)ask->devices * ask->milli;
}
/* A total order; 0 only for equal asks. */
int ask_compare(const struct ask *a, const struct ask *b);
/* The same for equal asks. */
uint32_t ask_hash(const struct ask *ask);
/* Appends "4000m 8192 MiB 1x470m". */
void ask_format(const struct ask *ask, struct buf *out);

#endif
