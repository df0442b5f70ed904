/* links: sched_lab */
/* Pages with matrices of round trips from anywhere: read, or refused with a
 * line. */

#include "base/check.h"
#include "sched/lab/latency.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char error[LAB_ERROR_MAX] = "";
    struct latency latency;
    enum err err =
        latency_parse(bytes_make(data, len), "page", &latency, error);
    if (err != OK) {
        CHECK(strncmp(error, "page:", 5) == 0);
        return 0;
    }
    CHECK(error[0] == '\0' && latency.count > 0);
    for (uint32_t i = 0; i < latency.count; i++) {
        const struct latency_table *t = &latency.tables[i];
        CHECK(t->count >= 2 && t->count <= LATENCY_PLACES_MAX);
        for (uint32_t a = 0; a < t->count; a++) {
            CHECK(t->names[a][0] != '\0');
            for (uint32_t b = 0; b < t->count; b++)
                CHECK(latency_between(t, a, b) <= LATENCY_US_MAX);
        }
    }
    latency_done(&latency);
    return 0;
}
