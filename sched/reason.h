#ifndef SCHED_REASON_H
#define SCHED_REASON_H

/* Why an offer is not taken, or not ranked by what the demand asks for. One
 * table: symbol, stable number, code, class, unit of the figures that go with
 * it, the sentence, and what relaxing would help.
 *
 * The rows stand in the order in which they are checked: the first that fails
 * is an offer's reason. A new row goes where it is checked and takes the next
 * number; numbers are stored and sent to programs, and are never reused. */

#include "base/bytes.h"

enum reason_class {
    REASON_FIRM = 1,  /* stays until the demand or the offer changes */
    REASON_LATER = 2, /* passes by itself: wait */
    REASON_NOTE = 3,  /* refuses nothing: the offer ranks last */
};

enum reason_unit {
    UNIT_NONE = 0,
    UNIT_MILLI, /* thousandths of a core */
    UNIT_MIB,
    UNIT_MS,
    UNIT_MICRO, /* micro-credits */
    UNIT_COUNT,
    UNIT_DEVICE, /* thousandths of a device */
    UNIT_KBIT,   /* per second */
};

#define REASON_MAP(X)                                                          \
    X(REASON_STALE, 1, "stale", LATER, NONE,                                   \
      "the offer has lapsed and was not renewed",                              \
      "wait for the provider's next offer")                                    \
    X(REASON_SELF, 2, "self", FIRM, NONE, "the offer is your own",             \
      "buy from another provider")                                             \
    X(REASON_SELLER, 3, "seller", FIRM, NONE,                                  \
      "the request names another seller", "leave the seller open")             \
    X(REASON_EXCLUDED, 4, "excluded", LATER, NONE,                             \
      "the provider refused or failed this request a moment ago",              \
      "wait: it is asked again later")                                         \
    X(REASON_UNREACHABLE, 5, "unreachable", LATER, NONE,                       \
      "the provider cannot be reached from this node",                         \
      "wait: it is tried again later")                                         \
    X(REASON_ARCH, 6, "arch", FIRM, NONE,                                      \
      "the processor architecture differs",                                    \
      "an image for that architecture, or any architecture")                   \
    X(REASON_LABEL, 7, "label", FIRM, NONE,                                    \
      "a label is not as the request wants it", "drop that constraint")        \
    X(REASON_ZONE, 19, "zone", FIRM, NONE,                                     \
      "it does not say that it lies in a zone of the request",                 \
      "allow more zones")                                                      \
    X(REASON_DOMAIN, 29, "domain", FIRM, NONE,                                 \
      "it does not state the label the tasks are spread by",                   \
      "spread by another label")                                               \
    X(REASON_TAINT, 20, "taint", FIRM, NONE,                                   \
      "the provider keeps its machine for jobs that tolerate its taint",       \
      "tolerate that taint")                                                   \
    X(REASON_DEVICE_KIND, 31, "device-kind", FIRM, NONE,                       \
      "no device of the kind the task needs", "do without the device")         \
    X(REASON_DEVICE_MODEL, 21, "device-model", FIRM, NONE,                     \
      "no device of a model the task may run on", "allow more models")         \
    X(REASON_DEVICE_MEM, 22, "device-mem", FIRM, MIB,                          \
      "devices with less memory than the task needs",                          \
      "ask for less memory of a device")                                       \
    X(REASON_DEVICE_TOTAL, 23, "device-total", FIRM, COUNT,                    \
      "fewer devices of one model than the task needs",                        \
      "ask for fewer devices")                                                 \
    X(REASON_CPU_TOTAL, 8, "cpu-total", FIRM, MILLI,                           \
      "fewer cores than the task needs", "ask for fewer cores")                \
    X(REASON_MEM_TOTAL, 9, "mem-total", FIRM, MIB,                             \
      "less memory than the task needs", "ask for less memory")                \
    X(REASON_DISK_TOTAL, 10, "disk-total", FIRM, MIB,                          \
      "less disk than the task needs", "ask for less disk")                    \
    X(REASON_NIC_TOTAL, 24, "nic-total", FIRM, KBIT,                           \
      "a narrower network than the task needs, or none stated",                \
      "ask for less bandwidth")                                                \
    X(REASON_TIME, 11, "time", FIRM, MS,                                       \
      "the provider does not sell that long a run",                            \
      "ask for a shorter time limit")                                          \
    X(REASON_PRICE, 12, "price", FIRM, MICRO,                                  \
      "the bill would be above the price cap", "raise the price cap")          \
    X(REASON_SLOTS, 13, "slots", LATER, COUNT,                                 \
      "the provider takes no further task now", "wait until a task ends")      \
    X(REASON_CPU_FREE, 14, "cpu-free", LATER, MILLI,                           \
      "too few cores are free now", "wait, or ask for fewer cores")            \
    X(REASON_MEM_FREE, 15, "mem-free", LATER, MIB,                             \
      "too little memory is free now", "wait, or ask for less memory")         \
    X(REASON_DISK_FREE, 16, "disk-free", LATER, MIB,                           \
      "too little disk is free now", "wait, or ask for less disk")             \
    X(REASON_NIC_FREE, 25, "nic-free", LATER, KBIT,                            \
      "too little bandwidth is free now", "wait, or ask for less bandwidth")   \
    X(REASON_DEVICE_FREE, 26, "device-free", LATER, DEVICE,                    \
      "less is free of its devices together than the task needs",              \
      "wait, or ask for less of them")                                         \
    X(REASON_DEVICE_SPLIT, 27, "device-split", LATER, COUNT,                   \
      "enough of its devices is free, but in pieces: too few have enough",     \
      "wait, or ask for smaller shares")                                       \
    X(REASON_SPREAD, 28, "spread", LATER, COUNT,                               \
      "as many tasks of the request are there as it allows",                   \
      "wait until one ends, or allow more in one place")                       \
    X(REASON_AFFINITY, 30, "affinity", LATER, NONE,                            \
      "another request of yours is there that must not be, or is not there "   \
      "but must",                                                              \
      "wait, or drop that affinity")                                           \
    X(REASON_RTT_UNKNOWN, 17, "rtt-unknown", NOTE, NONE,                       \
      "the distance has not been measured, so it ranks last",                  \
      "connect to the provider, or choose another policy")                     \
    X(REASON_GRADE_UNKNOWN, 18, "grade-unknown", NOTE, NONE,                   \
      "the speed has not been measured, so it ranks last",                     \
      "choose another policy")

#define X(symbol, number, code, class_, unit, text, relax) symbol = number,
enum reason { REASON_NONE = 0, REASON_MAP(X) };
#undef X

/* One more than the highest number: the size of a table by reason. */
#define REASON_COUNT 32
_Static_assert(REASON_COUNT <= 64, "a set of reasons is a 64-bit mask");

static inline uint64_t reason_bit(enum reason reason)
{
    return UINT64_C(1) << (unsigned)reason;
}

/* Static, never NULL; a number not in the table (a newer program may have sent
 * it) is "unknown reason". REASON_NONE is "fits". */
const char *reason_text(enum reason reason);  /* a sentence, no full stop */
const char *reason_relax(enum reason reason); /* what would help; "" for none */
const char *reason_code(enum reason reason);  /* "cpu-free"; "ok"; "?" */
/* REASON_FIRM for a number not in the table. */
enum reason_class reason_class_of(enum reason reason);
enum reason_unit reason_unit_of(enum reason reason);
/* REASON_NONE when there is no such code. */
enum reason reason_parse(const char *code);

/* The first reason of a non-empty mask in the order of the table; REASON_NONE
 * for an empty mask. Bits of no row are ignored. */
enum reason reason_first(uint64_t mask);
/* The place of a reason in that order, from 0; REASON_COUNT for none. */
uint32_t reason_rank(enum reason reason);
/* How many rows of the table are in the mask. */
uint32_t reason_count(uint64_t mask);
/* Do all of them pass by waiting? False for an empty mask. */
bool reason_all_later(uint64_t mask);
/* Takes the reasons out of a mask one by one, in no particular order; false
 * when there is none left. */
bool reason_next(uint64_t *mask, enum reason *out);

/* Appends a figure in its unit: "4000m", "512 MiB", "90 s", "1.50 credits". */
void reason_figure_format(enum reason_unit unit, uint64_t value,
                          struct buf *out);

#endif
