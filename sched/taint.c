#include "sched/taint.h"

#include <stdio.h>
#include <string.h>

static bool is_tolerated(const struct taint *taint,
                         const struct constraint *tolerations, uint32_t count)
{
    if (taint->effect != TAINT_REFUSE)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        enum constraint_op op = tolerations[i].op;
        if ((op == CONSTRAINT_EQUAL || op == CONSTRAINT_EXISTS) &&
            constraint_holds(&tolerations[i], &taint->label, 1))
            return true;
    }
    return false;
}

uint32_t taint_first_failing(const struct taint *taints, uint32_t taint_count,
                             const struct constraint *tolerations,
                             uint32_t count)
{
    uint32_t i = 0;
    while (i < taint_count && is_tolerated(&taints[i], tolerations, count))
        i++;
    return i;
}

enum err taint_parse(const char *text, struct taint *out)
{
    static const char effect[] = ":refuse";
    char copy[TAINT_TEXT_MAX];
    struct constraint pair;
    struct taint taint = {.effect = TAINT_REFUSE};
    size_t len = strlen(text);
    if (len >= sizeof(copy))
        return ERR_TOO_LARGE;
    memcpy(copy, text, len + 1);
    if (len > strlen(effect) &&
        strcmp(copy + len - strlen(effect), effect) == 0)
        copy[len - strlen(effect)] = '\0';
    if (strchr(copy, ':') != NULL)
        return ERR_PARSE; /* an effect there is not */
    TRY(constraint_parse(copy, &pair));
    if (pair.op != CONSTRAINT_EQUAL && pair.op != CONSTRAINT_EXISTS)
        return ERR_PARSE;
    memcpy(taint.label.key, pair.key, sizeof(taint.label.key));
    memcpy(taint.label.value, pair.value, sizeof(taint.label.value));
    *out = taint;
    return OK;
}

void taint_format(const struct taint *taint, char out[TAINT_TEXT_MAX])
{
    const char *effect = taint->effect == TAINT_REFUSE ? "refuse" : "?";
    const char *value = taint->label.value;
    (void)snprintf(out, TAINT_TEXT_MAX, "%s%s%s:%s", taint->label.key,
                   value[0] != '\0' ? "=" : "", value, effect);
}
