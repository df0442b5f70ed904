#include "market/request.h"

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
    TRY(policy_terms_check(request->policy, &request->terms));
    return request->tasks % policy_copies(&request->terms) == 0 ? OK
                                                                : ERR_RANGE;
}
