/* links: sched_lab */
/* Lists of machines and tasks from anywhere: read, or refused with a line. What
 * was read is replayed, small loads only. The two files stand one after the
 * other with a zero between. */

#include "base/check.h"
#include "sched/lab/replay_openb.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void is_well_formed(const struct openb *openb)
{
    CHECK(openb->machine_count > 0 && openb->ask_count > 0);
    CHECK(openb->model_count <= MODEL_MAX);
    for (uint32_t i = 0; i < openb->machine_count; i++) {
        const struct machine *machine = &openb->machines[i];
        CHECK(machine_empty(machine));
        CHECK(machine->device_count <= MACHINE_DEVICES_MAX);
        for (uint32_t d = 0; d < machine->device_count; d++)
            CHECK(machine->devices[d].model >= 1 &&
                  machine->devices[d].model <= openb->model_count);
    }
    for (uint32_t i = 0; i < openb->ask_count; i++)
        CHECK(ask_check(&openb->asks[i]) == OK);
}

/* As many tasks as there are devices come, at most. */
static bool is_small(const struct openb *openb)
{
    uint64_t milli = 0;
    for (uint32_t i = 0; i < openb->ask_count; i++)
        milli += ask_milli(&openb->asks[i]);
    return openb->machine_count <= 64 && openb->ask_count <= 64 &&
           milli >= DEVICE_MILLI;
}

static void replays(const struct openb *openb, uint8_t choice)
{
    struct replay_openb_result result;
    struct replay_openb_config config = {
        .policy = fleet_policy_nth(choice % 8u),
        .load_permille = 1100,
        .typical_permille = 950,
        .memory = choice / 8u,
    };
    enum err err = replay_openb(openb, &config, &result);
    CHECK(err == OK || err == ERR_RANGE);
    CHECK(err != OK || result.allocated_at_end <= REPLAY_PARTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char error[LAB_ERROR_MAX] = "";
    const uint8_t *zero = len == 0 ? NULL : memchr(data, 0, len);
    size_t first = zero == NULL ? len : (size_t)(zero - data);
    size_t second = zero == NULL ? len : first + 1;
    struct openb openb;
    enum err err = openb_parse(bytes_make(data, first), "n",
                               bytes_make(data + second, len - second), "p",
                               &openb, error);
    if (err != OK) {
        CHECK(strncmp(error, "n:", 2) == 0 || strncmp(error, "p:", 2) == 0);
        return 0;
    }
    CHECK(error[0] == '\0');
    is_well_formed(&openb);
    if (is_small(&openb))
        replays(&openb, data[len - 1]);
    openb_done(&openb);
    return 0;
}
