#include "sched/zone.h"

#include <string.h>

bool zone_inside(const char *zone, const char *allowed)
{
    size_t len = strlen(allowed);
    return strncmp(zone, allowed, len) == 0 &&
           (zone[len] == '\0' || zone[len] == '/');
}

static bool is_allowed(const char *zone, const char (*zones)[LIMIT_NAME],
                       uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (zone_inside(zone, zones[i]))
            return true;
    }
    return false;
}

bool zones_admit(const char (*zones)[LIMIT_NAME], uint32_t count,
                 const struct label *labels, uint32_t label_count)
{
    bool stated = false;
    if (count == 0)
        return true;
    for (uint32_t i = 0; i < label_count; i++) {
        if (strcmp(labels[i].key, ZONE_KEY) != 0)
            continue;
        if (!is_allowed(labels[i].value, zones, count))
            return false;
        stated = true;
    }
    return stated;
}
