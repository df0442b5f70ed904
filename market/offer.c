#include "market/offer.h"

#include "market/message.h"

#define MS_PER_HOUR    3600000u
#define MILLI_PER_CORE 1000u
#define MIB_PER_GIB    1024u

static bool label_ok(const struct label *label)
{
    return message_text_ok(label->key, sizeof(label->key)) &&
           message_text_ok(label->value, sizeof(label->value)) &&
           label->key[0] != 0;
}

static bool texts_ok(const struct offer *offer)
{
    if (!message_text_ok(offer->address, sizeof(offer->address)) ||
        !message_text_ok(offer->bulk_address, sizeof(offer->bulk_address)) ||
        !message_text_ok(offer->name, sizeof(offer->name)))
        return false;
    for (uint32_t i = 0; i < offer->label_count; i++) {
        if (!label_ok(&offer->labels[i]))
            return false;
    }
    return true;
}

static bool taints_ok(const struct offer *offer)
{
    if (offer->taint_count > LIMIT_TAINTS)
        return false;
    for (uint32_t i = 0; i < offer->taint_count; i++) {
        if (!label_ok(&offer->taints[i].label) ||
            offer->taints[i].effect != TAINT_REFUSE)
            return false;
    }
    return true;
}

enum err offer_form(const struct offer *offer)
{
    if (offer->ttl_ms == 0 || offer->ttl_ms > OFFER_TTL_MAX_MS)
        return ERR_RANGE;
    if (offer->label_count > LIMIT_LABELS || !texts_ok(offer) ||
        !taints_ok(offer))
        return ERR_RANGE;
    if (offer->arch <= ARCH_ANY || offer->arch > ARCH_RISCV64)
        return ERR_RANGE;
    if (!resources_cover(&offer->total, &offer->free))
        return ERR_RANGE;
    TRY(devices_form(&offer->devices));
    if (offer->time_ms_max == 0 || offer->time_ms_max > MESSAGE_TIME_MS_MAX)
        return ERR_RANGE;
    if (offer->queue.next_ms > offer->queue.clear_ms ||
        offer->queue.clear_ms > MESSAGE_TIME_MS_MAX)
        return ERR_RANGE;
    return OK;
}

enum err price_per_hour(const struct price *price, const struct resources *want,
                        struct amount *out)
{
    struct amount cpu, mem, disk;
    TRY(amount_scale_up(price->cpu_hour, want->cpu_milli, MILLI_PER_CORE,
                        &cpu));
    TRY(amount_scale_up(price->mem_hour, want->mem_mib, MIB_PER_GIB, &mem));
    TRY(amount_scale_up(price->disk_hour, want->disk_mib, MIB_PER_GIB, &disk));
    TRY(amount_add(cpu, mem, &cpu));
    return amount_add(cpu, disk, out);
}

enum err price_per_hour_with(const struct price *price,
                             const struct resources *want,
                             struct amount device_hour,
                             const struct device_wish *wish, struct amount *out)
{
    struct amount hour, devices;
    TRY(price_per_hour(price, want, &hour));
    TRY(amount_scale_up(device_hour, (uint64_t)wish->count * wish->milli,
                        DEVICE_MILLI, &devices));
    return amount_add(hour, devices, out);
}

enum err price_for_time(struct amount hour, uint64_t wall_ms,
                        struct amount *out)
{
    return amount_scale_up(hour, wall_ms, MS_PER_HOUR, out);
}
