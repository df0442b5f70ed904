#include "market/quote.h"

#include <string.h>

#include "market/message.h"

enum err quote_price(const struct request *request, const struct price *price,
                     struct quote *out)
{
    struct amount hour, cap;
    TRY(price_per_hour_with(price, &request->resources, out->device.hour,
                            &request->devices, &hour));
    TRY(price_for_time(hour, request->time_ms_max, &cap));
    out->price = *price;
    out->hour = hour;
    out->cap = cap;
    return OK;
}

/* See the picture above QUOTE_START_MS_MAX; no sum that could wrap. */
static bool times_ok(const struct quote *quote, const struct request *request)
{
    uint64_t time_ms_max = request->time_ms_max;
    uint64_t lease;
    if (quote->expires_at_ms > request->expires_at_ms ||
        quote->start_by_ms < quote->expires_at_ms ||
        request->patience_ms > REQUEST_PATIENCE_MS_MAX ||
        quote->start_by_ms - quote->expires_at_ms >
            request->patience_ms + QUOTE_START_MS_MAX)
        return false;
    if (quote->deadline_ms < quote->start_by_ms)
        return false;
    lease = quote->deadline_ms - quote->start_by_ms;
    return lease >= time_ms_max && lease - time_ms_max <= QUOTE_PUBLISH_MS_MAX;
}

static bool seller_ok(const struct quote *quote, const struct request *request)
{
    return pubkey_is_zero(&request->only_seller) ||
           pubkey_equal(&request->only_seller, &quote->provider);
}

static bool device_ok(const struct quote *quote, const struct request *request)
{
    const struct quote_device *device = &quote->device;
    struct device_group group = {
        .kind = request->devices.kind, .count = 1, .mem_mib = device->mem_mib};
    if (!message_text_ok(device->model, sizeof(device->model)))
        return false;
    if (request->devices.count == 0)
        return device->model[0] == '\0' && device->mem_mib == 0 &&
               amount_is_zero(device->hour);
    memcpy(group.model, device->model, sizeof(group.model));
    return device_group_allows(&group, &request->devices);
}

static bool figures_ok(const struct quote *quote, const struct request *request)
{
    struct quote priced = {.device = quote->device};
    if (quote_price(request, &quote->price, &priced) != OK)
        return false;
    return amount_cmp(quote->hour, priced.hour) == 0 &&
           amount_cmp(quote->cap, priced.cap) == 0;
}

enum err quote_terms(const struct quote *quote, const struct request *request,
                     const struct hash *request_id)
{
    if (!hash_equal(&quote->request, request_id) ||
        quote->task >= request->tasks ||
        quote->attempt >= request->attempts_max)
        return ERR_TERMS;
    if (!seller_ok(quote, request) || !device_ok(quote, request) ||
        !figures_ok(quote, request) || !times_ok(quote, request))
        return ERR_TERMS;
    return OK;
}

enum err quote_check(const struct quote *quote, const struct request *request,
                     const struct hash *request_id)
{
    TRY(quote_terms(quote, request, request_id));
    if (!amount_is_zero(request->price_max) &&
        amount_cmp(quote->cap, request->price_max) > 0)
        return ERR_PRICE;
    return OK;
}
