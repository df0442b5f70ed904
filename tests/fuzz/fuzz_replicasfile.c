/* links: suan_cli */
/* Candidates from anywhere: read or refused with their line, and what was read
 * can be chosen from; the cheapest is never dearer than the fewest. */

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/file/replicasfile.h"

#define STEPS_MAX 10000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void choices_hold(const struct replicasfile *file, double down_max)
{
    struct replicas fewest;
    struct replicas cheapest;
    enum err err =
        replicas_fewest(file->candidates, file->count, down_max, &fewest);
    CHECK(err == OK || err == ERR_CAPACITY);
    CHECK(replicas_cheapest(file->candidates, file->count, down_max, STEPS_MAX,
                            &cheapest) == err);
    if (err != OK)
        return;
    CHECK(amount_cmp(cheapest.price, fewest.price) <= 0);
    CHECK(amount_cmp(cheapest.price_least, cheapest.price) <= 0);
    CHECK(cheapest.count >= fewest.count);
    CHECK(cheapest.down <= down_max * (1 + 1e-9));
    CHECK(fewest.down <= down_max * (1 + 1e-9));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const double bounds[] = {0, 1e-6, 0.001, 0.3, 1};
    struct replicasfile *file = malloc(sizeof(*file));
    char error[YAMLFILE_ERROR_MAX];
    enum err err;
    CHECK(file != NULL);
    err = replicasfile_parse(bytes_make(data, len), "f", file, error);
    for (size_t i = 0; err == OK && i < sizeof(bounds) / sizeof(bounds[0]); i++)
        choices_hold(file, bounds[i]);
    CHECK(err == OK || err == ERR_NOMEM || strncmp(error, "f:", 2) == 0);
    free(file);
    return 0;
}
