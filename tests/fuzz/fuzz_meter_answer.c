/* links: sched base */
/* The answer to a challenge: decoded or refused; what was decoded is written
 * again as it came, and small products are judged without harm. */

#include "base/check.h"
#include "sched/meter/answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void judge(const struct answer *answer, const struct answer_part *part)
{
    struct product product = {part->kernel, part->n, part->index};
    enum err err;
    if (part->n > 64)
        return; /* judging takes its time */
    err = product_verify(&product, &answer->nonce, part->result, 1);
    CHECK(err == OK || err == ERR_PROOF || err == ERR_NOMEM ||
          (err == ERR_RANGE && part->kernel == METER_SHA256));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct answer answer;
    struct buf again;
    if (answer_decode(bytes_make(data, len), &answer) != OK)
        return 0;
    buf_init(&again, ANSWER_BYTES_MAX);
    CHECK(answer_encode(&answer, &again) == OK);
    CHECK(bytes_equal(buf_bytes(&again), bytes_make(data, len)));
    buf_done(&again);
    for (uint32_t i = 0; i < answer.count; i++) {
        (void)answer_rate(&answer.parts[i]);
        judge(&answer, &answer.parts[i]);
    }
    return 0;
}
