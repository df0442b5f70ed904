/* links: suan_cli */
/* A job file from anywhere: read or refused with its line, and what was read is
 * an order that becomes a spec the market takes. */

#include "cli/file/jobfile.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void becomes_a_spec(struct order *order)
{
    const struct hash image = {{1}};
    const struct hash inputs = {{0}};
    struct spec spec;
    struct buf out;
    enum err err;
    for (uint32_t i = 0; i < order->use_count; i++) {
        order->uses[i].request = image; /* as the node says it is */
        order->uses[i].tasks = 1;
        if (order->uses[i].dest[0] == '\0')
            order->uses[i].dest = i % 2 == 0 ? "a" : "b";
    }
    CHECK(order_spec(order, &image, &inputs, &spec) == OK);
    buf_init(&out, SPEC_BYTES_MAX);
    /* Many long texts may be too much together; nothing else is refused. */
    err = spec_encode(&spec, &out);
    CHECK(err == OK || err == ERR_TOO_LARGE ||
          (err == ERR_RANGE && order->use_count > 1)); /* one place twice */
    buf_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct order *order = malloc(sizeof(*order));
    char error[JOBFILE_ERROR_MAX];
    enum err err;
    CHECK(order != NULL);
    order_init(order);
    err = jobfile_parse(bytes_make(data, len), "f", "/base", order, error);
    if (err == OK)
        becomes_a_spec(order);
    else
        CHECK(err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    order_done(order);
    free(order);
    return 0;
}
