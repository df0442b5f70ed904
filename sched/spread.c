#include "sched/spread.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"

#define PROVIDER "provider"

enum err spread_form(const struct spread *spread)
{
    if (spread->per_provider > LIMIT_TASKS || spread->per_value > LIMIT_TASKS)
        return ERR_RANGE;
    if ((spread->per_value == 0) != (spread->key[0] == '\0'))
        return ERR_RANGE;
    return strcmp(spread->key, PROVIDER) == 0 ? ERR_RANGE : OK;
}

static enum err read_count(const char *text, uint32_t *out)
{
    uint32_t value = 0;
    for (size_t i = 0; text[i] != '\0'; i++) {
        if (text[i] < '0' || text[i] > '9' || i > 4)
            return ERR_PARSE;
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    if (text[0] == '\0')
        return ERR_PARSE;
    if (value == 0 || value > LIMIT_TASKS)
        return ERR_RANGE;
    *out = value;
    return OK;
}

enum err spread_parse(const char *text, struct spread *spread)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);
    struct constraint name;
    char key[LIMIT_NAME];
    uint32_t count = 1;
    if (len >= sizeof(key))
        return ERR_TOO_LARGE;
    memcpy(key, text, len);
    key[len] = '\0';
    if (colon != NULL)
        TRY(read_count(colon + 1, &count));
    if (strcmp(key, PROVIDER) == 0) {
        if (spread->per_provider != 0)
            return ERR_EXISTS;
        spread->per_provider = count;
        return OK;
    }
    TRY(constraint_parse(key, &name));
    if (name.op != CONSTRAINT_EXISTS)
        return ERR_PARSE;
    if (spread->per_value != 0)
        return ERR_EXISTS;
    memcpy(spread->key, name.key, sizeof(spread->key));
    spread->per_value = count;
    return OK;
}

void spread_format(const struct spread *spread, struct buf *out)
{
    bool both = spread->per_provider != 0 && spread->per_value != 0;
    if (spread->per_provider != 0)
        buf_addf(out, PROVIDER ":%" PRIu32 "%s", spread->per_provider,
                 both ? ", " : "");
    if (spread->per_value != 0)
        buf_addf(out, "%s:%" PRIu32, spread->key, spread->per_value);
}

const char *spread_value(const struct spread *spread,
                         const struct label *labels, uint32_t count)
{
    CHECK(spread->per_value != 0);
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(labels[i].key, spread->key) == 0)
            return labels[i].value;
    }
    return NULL;
}
