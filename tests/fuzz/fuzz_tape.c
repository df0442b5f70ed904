/* links: suan_cli market */
/* A recorded market from anywhere: read or refused with its line, and what was
 * read can be played under any policy, every task placed or refused. */

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/tapefile.h"
#include "sched/policy.h"

#define PLAYED_MAX 40u /* events; a fuzzer has no patience */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void plays(const struct tape *tape, const struct tape_policy *policy)
{
    struct tape_result one;
    struct tape_result two;
    enum err err = tape_play(tape, policy, 7, &one);
    CHECK(err == OK || err == ERR_NOMEM || err == ERR_RANGE);
    if (err != OK)
        return;
    CHECK(one.placed + one.refused == one.tasks);
    CHECK(tape_jain(&one) <= 1000 && one.used <= one.providers);
    CHECK(tape_play(tape, policy, 7, &two) == OK);
    CHECK(memcmp(&one, &two, sizeof(one)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct tape tape;
    char error[TAPEFILE_ERROR_MAX] = "";
    struct tape_policy policy = {.policy = POLICY_SPREAD};
    enum err err;
    tape_init(&tape);
    err = tapefile_parse(bytes_make(data, len), "f", &tape, error);
    CHECK(err == OK || err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    if (err == OK && tape.event_count <= PLAYED_MAX) {
        plays(&tape, NULL);
        plays(&tape, &policy);
    }
    tape_done(&tape);
    return 0;
}
