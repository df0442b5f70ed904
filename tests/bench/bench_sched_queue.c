/* links: sched_lab */
/* How long jobs of a recorded machine wait under the disciplines of the queue,
 * and how long a decision takes.
 *
 *   bench_sched_queue [TSV]
 *
 * Prints rows "name value unit goal anchor" and writes them to TSV. The log is
 * that of NASA's iPSC/860 of 1993, in $SUAN_DATA/swf or beside the checkout;
 * without it only the synthetic rows are measured. Its jobs come 1.5 times as
 * fast as recorded (its times of submission are starts, so hardly anybody waits
 * as recorded). No such figures are published for this load: the anchor is what
 * fcfs does in the same run. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/dice.h"
#include "sched/lab/replay_swf.h"

#define PATH_LEN 4096
#define LOG      "swf/NASA-iPSC-1993-3.1-cln.swf.gz"
#define FINDS    200000u
#define RESERVED 1000u
#define LOAD     1500u
#define REPEATS  5u

static FILE *tsv;

static uint64_t processor_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void row(const char *name, double value, const char *unit,
                const char *goal, const char *anchor)
{
    printf("%-36s %12.3f %-6s %-10s %s\n", name, value, unit, goal, anchor);
    fflush(stdout);
    if (tsv != NULL)
        fprintf(tsv, "%s\t%.3f\t%s\t%s\t%s\n", name, value, unit, goal, anchor);
}

static void must(enum err err)
{
    if (err == OK)
        return;
    fprintf(stderr, "bench_sched_queue: %s\n", err_text(err));
    exit(1);
}

/* ---- a profile with a thousand reservations ---- */

static void fill(struct profile *profile, struct dice *dice)
{
    const struct portion total = {1024, 1 << 20};
    must(profile_init(profile, &total, 0, RESERVED + 1));
    for (uint32_t i = 0; i < RESERVED; i++) {
        const struct portion want = {dice_between(dice, 1, 512),
                                     dice_between(dice, 1, 1 << 18)};
        uint64_t duration_ms = dice_between(dice, 1000, 3600000);
        uint64_t at_ms = 0;
        must(profile_find(profile, &want, duration_ms, 0, &at_ms));
        must(profile_reserve(profile, &want, at_ms, at_ms + duration_ms));
    }
}

static void measure_profile(void)
{
    struct profile profile;
    struct dice dice;
    uint64_t began;
    dice_init(&dice, 1);
    fill(&profile, &dice);
    began = processor_ns();
    for (uint32_t i = 0; i < FINDS; i++) {
        const struct portion want = {dice_between(&dice, 1, 512),
                                     dice_between(&dice, 1, 1 << 18)};
        uint64_t until = dice_between(&dice, 1000, 3600000);
        uint64_t at_ms = 0;
        must(profile_find(&profile, &want, until, 0, &at_ms));
        must(profile_reserve(&profile, &want, at_ms, at_ms + until));
        must(profile_release(&profile, &want, at_ms, at_ms + until));
    }
    row("profile.find_reserve_release",
        (double)(processor_ns() - began) / 1e3 / FINDS, "us", "-",
        "1000 reservations");
    profile_done(&profile);
}

/* ---- the log ---- */

static struct replay_swf_result replay(const struct swf *swf,
                                       enum backfill_rule rule,
                                       uint32_t limit_permille)
{
    struct replay_swf_result best = {0};
    const struct replay_swf_config config = {
        .rule = rule,
        .procs = swf->procs,
        .load_permille = LOAD,
        .limit_permille = limit_permille,
        .clock_ns = processor_ns,
    };
    for (uint32_t i = 0; i < REPEATS; i++) {
        struct replay_swf_result result;
        must(replay_swf(swf, &config, NULL, &result));
        if (i == 0 || result.decision_ns < best.decision_ns)
            best = result;
    }
    return best;
}

static void measure_rule(const struct swf *swf, enum backfill_rule rule,
                         uint32_t limit_permille,
                         const struct replay_swf_result *fcfs)
{
    struct replay_swf_result r = replay(swf, rule, limit_permille);
    bool is_goal = rule == BACKFILL_EASY || rule == BACKFILL_CONSERVATIVE;
    char name[96];
    char anchor[96];
    const char *text = backfill_rule_text(rule);
    const char *times = limit_permille == 1000 ? "exact" : "tripled";
    snprintf(name, sizeof(name), "nasa.%s.%s.wait", times, text);
    snprintf(anchor, sizeof(anchor), "fcfs %.0f", fcfs->wait_mean_s);
    row(name, r.wait_mean_s, "s", is_goal ? "<fcfs" : "-", anchor);
    snprintf(name, sizeof(name), "nasa.%s.%s.slowdown", times, text);
    snprintf(anchor, sizeof(anchor), "fcfs %.1f", fcfs->slowdown_mean);
    row(name, r.slowdown_mean, "x", is_goal ? "<fcfs" : "-", anchor);
    snprintf(name, sizeof(name), "nasa.%s.%s.used", times, text);
    snprintf(anchor, sizeof(anchor), "fcfs %.2f", fcfs->used * 100);
    row(name, r.used * 100, "%", is_goal ? ">=fcfs" : "-", anchor);
    snprintf(name, sizeof(name), "nasa.%s.%s.decision", times, text);
    snprintf(anchor, sizeof(anchor), "fcfs %.2f",
             (double)fcfs->decision_ns / 1e3 / (double)fcfs->decisions);
    row(name, (double)r.decision_ns / 1e3 / (double)r.decisions, "us", "-",
        anchor);
}

static void measure_log(const struct swf *swf)
{
    static const uint32_t limits[] = {1000, 3000};
    for (size_t k = 0; k < 2; k++) {
        struct replay_swf_result fcfs = replay(swf, BACKFILL_FCFS, limits[k]);
        for (size_t i = 0; backfill_rule_nth(i) != 0; i++)
            measure_rule(swf, backfill_rule_nth(i), limits[k], &fcfs);
    }
}

int main(int argc, char **argv)
{
    const char *home = getenv("SUAN_DATA");
    char path[PATH_LEN];
    char error[LAB_ERROR_MAX];
    struct swf swf = {0};
    if (home == NULL)
        home = SUAN_SOURCE_DIR "/../shared/data";
    if (argc > 1 && (tsv = fopen(argv[1], "w")) == NULL) {
        perror(argv[1]);
        return 1;
    }
    if (tsv != NULL)
        fprintf(tsv, "name\tvalue\tunit\tgoal\tanchor\n");
    measure_profile();
    snprintf(path, sizeof(path), "%s/" LOG, home);
    if (swf_read(path, &swf, error) == OK)
        measure_log(&swf);
    else
        fprintf(stderr, "skipped: %s\n", error);
    swf_done(&swf);
    if (tsv != NULL && fclose(tsv) != 0) {
        perror(argv[1]);
        return 1;
    }
    return 0;
}
