/* links: sched_lab */
/* Logs from anywhere: read, or refused with a line. What was read is replayed
 * under a rule that the last byte chooses, short logs only; the replay checks
 * itself. */

#include "base/check.h"
#include "sched/lab/replay_swf.h"

#include <string.h>

#define JOBS 64u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void is_well_formed(const struct swf *swf)
{
    uint32_t most = 0;
    CHECK(swf->job_count > 0 && swf->procs <= SWF_PROCS_MAX);
    for (uint32_t i = 0; i < swf->job_count; i++) {
        const struct swf_job *job = &swf->jobs[i];
        CHECK(job->procs >= 1 && job->procs <= SWF_PROCS_MAX);
        CHECK(job->run_ms >= 1 && job->limit_ms >= job->run_ms);
        CHECK(i == 0 || swf->jobs[i - 1].submit_s <= job->submit_s);
        most = job->procs > most ? job->procs : most;
    }
    CHECK(most == swf->procs_most);
}

static void replays(const struct swf *swf, uint8_t choice)
{
    uint64_t starts[JOBS];
    struct replay_swf_result result;
    const struct replay_swf_config config = {
        .rule = backfill_rule_nth(choice % 4u),
        .procs = swf->procs > 0 ? swf->procs : swf->procs_most,
        .jobs_max = JOBS,
        .load_permille = choice < 128 ? 1000 : 1000000,
        .limit_permille = choice % 8u < 4 ? 1000 : 2500,
    };
    enum err err = replay_swf(swf, &config, starts, &result);
    CHECK(err == OK || err == ERR_CAPACITY);
    CHECK(err != OK || (result.jobs > 0 && result.used <= 1.0000001));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char error[LAB_ERROR_MAX] = "";
    struct swf swf;
    enum err err = swf_parse(bytes_make(data, len), "log", &swf, error);
    if (err != OK) {
        CHECK(strncmp(error, "log:", 4) == 0);
        return 0;
    }
    CHECK(error[0] == '\0');
    is_well_formed(&swf);
    replays(&swf, data[len - 1]);
    swf_done(&swf);
    return 0;
}
