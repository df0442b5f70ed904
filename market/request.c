#include "market/request.h"

#include <string.h>

#include "market/message.h"

static bool constraint_ok(const struct constraint *constraint)
{
    if (!message_text_ok(constraint->key, sizeof(constraint->key)) ||
        !message_text_ok(constraint->value, sizeof(constraint->value)) ||
        constraint->key[0] == 0)
        return false;
    switch (constraint->op) {
    case CONSTRAINT_EQUAL:
    case CONSTRAINT_DIFFERS:
        return true;
    case CONSTRAINT_EXISTS:
    case CONSTRAINT_ABSENT:
        return constraint->value[0] == 0;
    }
    return false;
}

static bool constraints_ok(const struct request *request)
{
    if (request->constraint_count > LIMIT_CONSTRAINTS)
        return false;
    for (uint32_t i = 0; i < request->constraint_count; i++)
        if (!constraint_ok(&request->constraints[i]))
            return false;
    return true;
}

static bool tolerations_ok(const struct request *request)
{
    if (request->toleration_count > LIMIT_TOLERATIONS)
        return false;
    for (uint32_t i = 0; i < request->toleration_count; i++) {
        const struct constraint *toleration = &request->tolerations[i];
        if (!constraint_ok(toleration) || (toleration->op != CONSTRAINT_EQUAL &&
                                           toleration->op != CONSTRAINT_EXISTS))
            return false;
    }
    return true;
}

static bool zones_ok(const struct request *request)
{
    if (request->zone_count > LIMIT_ZONES)
        return false;
    for (uint32_t i = 0; i < request->zone_count; i++) {
        const char *zone = request->zones[i];
        if (!message_text_ok(zone, LIMIT_NAME) || zone[0] == '\0')
            return false;
    }
    return true;
}

static bool affinities_ok(const struct request *request)
{
    if (request->affinity_count > REQUEST_AFFINITY_MAX)
        return false;
    for (uint32_t i = 0; i < request->affinity_count; i++) {
        if (hash_is_zero(&request->affinities[i].request))
            return false;
    }
    return true;
}

enum err request_wishes_form(const struct request *request)
{
    if (!message_text_ok(request->spread.key, sizeof(request->spread.key)) ||
        !tolerations_ok(request) || !zones_ok(request) ||
        !affinities_ok(request))
        return ERR_RANGE;
    TRY(device_wish_form(&request->devices));
    return spread_form(&request->spread);
}

enum err request_form(const struct request *request)
{
    const struct resources *want = &request->resources;
    if (pubkey_is_zero(&request->agent) ||
        request->expires_at_ms <= request->created_at_ms)
        return ERR_RANGE;
    if (request->tasks == 0 || request->tasks > LIMIT_TASKS ||
        request->attempts_max == 0 ||
        request->attempts_max > REQUEST_ATTEMPTS_MAX)
        return ERR_RANGE;
    if (want->cpu_milli == 0 || want->mem_mib == 0 || want->disk_mib == 0)
        return ERR_RANGE;
    if (request->time_ms_max == 0 || request->time_ms_max > MESSAGE_TIME_MS_MAX)
        return ERR_RANGE;
    if (request->arch > ARCH_RISCV64 || !constraints_ok(request))
        return ERR_RANGE;
    TRY(request_wishes_form(request));
    TRY(policy_terms_check(request->policy, &request->terms));
    if (request->patience_ms > REQUEST_PATIENCE_MS_MAX ||
        (request->patience_ms > 0 && request->terms.gang))
        return ERR_RANGE;
    return request->tasks % policy_copies(&request->terms) == 0 ? OK
                                                                : ERR_RANGE;
}

static bool tolerations_same(const struct request *a, const struct request *b)
{
    if (a->toleration_count != b->toleration_count)
        return false;
    for (uint32_t i = 0; i < a->toleration_count; i++) {
        const struct constraint *x = &a->tolerations[i];
        const struct constraint *y = &b->tolerations[i];
        if (x->op != y->op || strcmp(x->key, y->key) != 0 ||
            strcmp(x->value, y->value) != 0)
            return false;
    }
    return true;
}

static bool zones_same(const struct request *a, const struct request *b)
{
    if (a->zone_count != b->zone_count)
        return false;
    for (uint32_t i = 0; i < a->zone_count; i++) {
        if (strcmp(a->zones[i], b->zones[i]) != 0)
            return false;
    }
    return true;
}

static bool affinities_same(const struct request *a, const struct request *b)
{
    if (a->affinity_count != b->affinity_count)
        return false;
    for (uint32_t i = 0; i < a->affinity_count; i++) {
        const struct affinity *x = &a->affinities[i];
        const struct affinity *y = &b->affinities[i];
        if (x->apart != y->apart || !hash_equal(&x->request, &y->request))
            return false;
    }
    return true;
}

bool request_wishes_same(const struct request *a, const struct request *b)
{
    return device_wish_same(&a->devices, &b->devices) &&
           a->patience_ms == b->patience_ms &&
           a->spread.per_provider == b->spread.per_provider &&
           a->spread.per_value == b->spread.per_value &&
           strcmp(a->spread.key, b->spread.key) == 0 &&
           tolerations_same(a, b) && zones_same(a, b) && affinities_same(a, b);
}
