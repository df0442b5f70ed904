#ifndef SCHED_LINK_LINK_H
#define SCHED_LINK_LINK_H

/* A link is what is known of the way between two nodes, seen from one of them:
 * six figures, each with where it comes from. They are of two kinds: trips are
 * measured all the time by short round trips, volume now and then by moving
 * bytes; each kind has its age and its number of samples.
 *
 * What has no source is not known, and what is not known is never good: whoever
 * states a bound may not use it. What is too old counts as not known.
 *
 * Times are ms of one clock that never goes back. */

#include "sched/cfn/metric.h"

enum link_kind { LINK_TRIPS, LINK_VOLUME, LINK_KINDS };

/* name, kind, name for people, unit, most, whether more is worse */
#define LINK_MAP(X)                                                            \
    /* smoothed round trip */                                                  \
    X(LINK_RTT, LINK_TRIPS, "rtt", "us", 600000000u, true)                     \
    /* mean distance of single round trips from it */                          \
    X(LINK_SPREAD, LINK_TRIPS, "spread", "us", 600000000u, true)               \
    /* lost of a million sent */                                               \
    X(LINK_LOSS, LINK_TRIPS, "loss", "ppm", 1000000u, true)                    \
    /* -ln of the share of time the link is up, in nano-nats */                \
    X(LINK_RISK, LINK_TRIPS, "risk", "nn", 4000000000u, true)                  \
    /* what arrives at the other end, and at this one */                       \
    X(LINK_OUT, LINK_VOLUME, "out", "kbps", 4000000000u, false)                \
    X(LINK_IN, LINK_VOLUME, "in", "kbps", 4000000000u, false)

#define X(name, kind, text, unit, most, more_is_worse) name,
enum link_figure { LINK_MAP(X) LINK_FIGURES };
#undef X

/* Known for this long after it was measured; confidence halves four times. */
#define LINK_TRIPS_AGE_MAX_MS  600000u
#define LINK_VOLUME_AGE_MAX_MS 14400000u
/* So many samples make half of the confidence that endless ones would. */
#define LINK_TRIPS_HALF  4u
#define LINK_VOLUME_HALF 1u
/* The most confidence there is by source, permille. */
#define LINK_TRUST_MEASURED   1000u
#define LINK_TRUST_NOMINAL    300u
#define LINK_TRUST_ESTIMATION 200u

struct link {
    struct metric of[LINK_FIGURES]; /* METRIC_UNKNOWN, NOMINAL (declared),
                                       ESTIMATION or MEASURED */
    uint64_t at_ms[LINK_KINDS];     /* when last measured */
    uint32_t samples[LINK_KINDS];
};

/* A figure's row of the table; static. */
struct link_row {
    enum link_kind kind;
    const char *name;
    const char *unit;
    uint32_t most;
    bool more_is_worse;
};
const struct link_row *link_row(enum link_figure figure);
uint64_t link_age_max_ms(enum link_kind kind);

/* What came from elsewhere: ERR_RANGE for a source that is none of the four, a
 * value above its most, an unknown figure with a value, a round trip or a
 * bandwidth of 0 that claims to be known, or known figures of a kind without
 * samples. */
MUST_USE enum err link_form(const struct link *link);

static inline bool link_has(const struct link *link, enum link_figure figure)
{
    return link->of[figure].source != METRIC_UNKNOWN;
}
/* Measured, by both ends or by ourselves: fit for a bound. */
static inline bool link_measured(const struct link *link,
                                 enum link_figure figure)
{
    return link->of[figure].source == METRIC_MEASURED;
}

/* A figure becomes known; 0 is put as 1 where 0 would be a claim of perfection
 * (round trip, bandwidth), above the most as the most. */
void link_set(struct link *link, enum link_figure figure, uint64_t value,
              enum metric_source source);
/* Nothing of this kind is known any longer. */
void link_forget(struct link *link, enum link_kind kind);
/* The same link from its other end: out and in change places. */
void link_turn(struct link *link);

/* What of a link is not too old at now_ms, in place: the rest is forgotten.
 * False when nothing is left. */
bool link_fresh(struct link *link, uint64_t now_ms);

/* Both ends speak of the same link; `theirs` was turned to our view. Of a
 * figure that both know, the worse counts; it is measured when both measured
 * it. What one end alone knows is its claim: a measurement counts as an
 * estimation, unless it is trusted (our own). Age is the older, samples the
 * fewer. */
void link_join(const struct link *ours, bool ours_trusted,
               const struct link *theirs, bool theirs_trusted,
               struct link *out);

/* How far to trust a figure, permille:
 *
 *     trust(source) * n / (n + half) * 2^(-4 * age / age_max)
 *
 * with half and age_max of the figure's kind, and the power as straight lines
 * between the halvings, rounded down; 0 when it is not known or too old. */
uint32_t link_confidence(const struct link *link, enum link_figure figure,
                         uint64_t now_ms);

/* The round trip to reckon with: where it is not measured its spread is added,
 * the worse end of a guess. It is known (CHECKed). */
uint64_t link_rtt_cautious(const struct link *link);

/* -ln(up / all) in nano-nats: never below it, above by less than 20, and at
 * most the figure's most; all > 0 and up <= all are CHECKed. */
uint32_t link_risk_nn(uint64_t up, uint64_t all);

#endif
