/* links: sched base */
/* A table of grades from a configuration: read, or refused with its row. */

#include "base/check.h"
#include "sched/meter/tier.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char text[512];
    char error[TIER_ERR_MAX];
    struct tiers tiers;
    struct grade grade;
    if (len >= sizeof(text))
        len = sizeof(text) - 1;
    memcpy(text, data, len);
    text[len] = '\0';
    if (tiers_parse(text, &tiers, error) != OK) {
        CHECK(strncmp(error, "grade ", 6) == 0 && strlen(error) < TIER_ERR_MAX);
        return 0;
    }
    CHECK(tiers.count >= 1 && tiers.count <= TIERS_MAX);
    memset(&grade, 0, sizeof(grade));
    CHECK(tier_of(&tiers, &grade) == NULL); /* nothing measured */
    for (uint32_t i = 0; i < tiers.count; i++) {
        const struct tier *row = &tiers.rows[i];
        grade.source = METRIC_MEASURED;
        grade_rate_set(&grade, row->precision, METER_ALL,
                       row->least > 0 ? row->least : 1);
        CHECK(tier_of(&tiers, &grade) >= row);
    }
    return 0;
}
