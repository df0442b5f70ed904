#include "market/message.h"
#include "market/offer.h"

#include "base/check.h"

#define OFFER_FIELDS 19 /* and the signature */
#define GRADE_FIELDS 11

void price_encode(const struct price *price, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_amount(out, price->cpu_hour);
    mp_put_amount(out, price->mem_hour);
    mp_put_amount(out, price->disk_hour);
}

void price_decode(struct mp_reader *reader, struct price *out)
{
    mp_enter_exact(reader, 3);
    out->cpu_hour = mp_get_amount(reader);
    out->mem_hour = mp_get_amount(reader);
    out->disk_hour = mp_get_amount(reader);
    mp_leave(reader);
}

/* One core's figures beside the four of the first version. */
static const enum meter_kernel later[] = {
    METER_SHA256, METER_FP32, METER_INT8, METER_CHASE, METER_DISK4K, METER_NET};
#define LATER_COUNT (sizeof(later) / sizeof(later[0]))

void grade_encode(const struct grade *grade, struct buf *out)
{
    mp_put_array(out, GRADE_FIELDS);
    mp_put_uint(out, grade->int_ops);
    mp_put_uint(out, grade->float_ops);
    mp_put_uint(out, grade->mem_bps);
    mp_put_uint(out, grade->disk_bps);
    mp_put_uint(out, grade->measured_at_ms);
    mp_put_uint(out, grade->source);
    mp_put_bool(out, grade->quick);
    mp_put_uint(out, grade->cores);
    mp_put_uint(out, grade->nominal_flops);
    mp_put_array(out, LATER_COUNT);
    for (size_t i = 0; i < LATER_COUNT; i++)
        mp_put_uint(out, grade_rate(grade, later[i], METER_ONE));
    mp_put_array(out, METER_SCALING_COUNT);
    for (unsigned i = 0; i < METER_SCALING_COUNT; i++)
        mp_put_uint(out, grade->all[i]);
}

void grade_decode(struct mp_reader *reader, struct grade *out)
{
    struct grade grade = {0};
    mp_enter_exact(reader, GRADE_FIELDS);
    grade.int_ops = mp_get_uint(reader);
    grade.float_ops = mp_get_uint(reader);
    grade.mem_bps = mp_get_uint(reader);
    grade.disk_bps = mp_get_uint(reader);
    grade.measured_at_ms = mp_get_uint(reader);
    grade.source =
        (enum metric_source)mp_get_uint_max(reader, METRIC_AGGREGATION);
    grade.quick = mp_get_bool(reader);
    grade.cores = (uint32_t)mp_get_uint_max(reader, GRADE_CORES_MAX);
    grade.nominal_flops = mp_get_uint(reader);
    mp_enter_exact(reader, LATER_COUNT);
    for (size_t i = 0; i < LATER_COUNT; i++)
        grade_rate_set(&grade, later[i], METER_ONE, mp_get_uint(reader));
    mp_leave(reader);
    mp_enter_exact(reader, METER_SCALING_COUNT);
    for (unsigned i = 0; i < METER_SCALING_COUNT; i++)
        grade.all[i] = mp_get_uint(reader);
    mp_leave(reader);
    mp_leave(reader);
    *out = grade;
}

static void labels_put(const struct offer *offer, struct buf *out)
{
    CHECK(offer->label_count <= LIMIT_LABELS);
    mp_put_array(out, offer->label_count);
    for (uint32_t i = 0; i < offer->label_count; i++) {
        mp_put_array(out, 2);
        mp_put_str(out, offer->labels[i].key);
        mp_put_str(out, offer->labels[i].value);
    }
}

static void labels_get(struct mp_reader *reader, struct offer *out)
{
    uint32_t count = mp_enter(reader);
    if (count > LIMIT_LABELS)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        mp_enter_exact(reader, 2);
        mp_get_text(reader, out->labels[i].key, LIMIT_NAME);
        mp_get_text(reader, out->labels[i].value, LIMIT_NAME);
        mp_leave(reader);
    }
    mp_leave(reader);
    out->label_count = count;
}

static void taints_put(const struct offer *offer, struct buf *out)
{
    CHECK(offer->taint_count <= LIMIT_TAINTS);
    mp_put_array(out, offer->taint_count);
    for (uint32_t i = 0; i < offer->taint_count; i++) {
        mp_put_array(out, 3);
        mp_put_str(out, offer->taints[i].label.key);
        mp_put_str(out, offer->taints[i].label.value);
        mp_put_uint(out, offer->taints[i].effect);
    }
}

static void taints_get(struct mp_reader *reader, struct offer *out)
{
    uint32_t count = mp_enter(reader);
    if (count > LIMIT_TAINTS)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        struct taint *taint = &out->taints[i];
        mp_enter_exact(reader, 3);
        mp_get_text(reader, taint->label.key, LIMIT_NAME);
        mp_get_text(reader, taint->label.value, LIMIT_NAME);
        taint->effect =
            (enum taint_effect)mp_get_uint_max(reader, TAINT_REFUSE);
        mp_leave(reader);
    }
    mp_leave(reader);
    out->taint_count = count;
}

static void queue_put(const struct offer_queue *queue, struct buf *out)
{
    mp_put_array(out, 4);
    mp_put_uint(out, queue->length);
    mp_put_uint(out, queue->places);
    mp_put_uint(out, queue->next_ms);
    mp_put_uint(out, queue->clear_ms);
}

static void queue_get(struct mp_reader *reader, struct offer_queue *out)
{
    mp_enter_exact(reader, 4);
    out->length = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    out->places = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    out->next_ms = mp_get_uint(reader);
    out->clear_ms = mp_get_uint(reader);
    mp_leave(reader);
}

static void offer_put(const struct offer *offer, bool signed_too,
                      struct buf *out)
{
    mp_put_message(out, MESSAGE_OFFER, MESSAGE_VERSION,
                   OFFER_FIELDS + signed_too);
    mp_put_pubkey(out, &offer->provider);
    mp_put_pubkey(out, &offer->payout);
    mp_put_uint(out, offer->version);
    mp_put_uint(out, offer->issued_at_ms);
    mp_put_uint(out, offer->ttl_ms);
    mp_put_str(out, offer->address);
    mp_put_str(out, offer->bulk_address);
    mp_put_str(out, offer->name);
    mp_put_uint(out, offer->arch);
    resources_encode(&offer->total, out);
    resources_encode(&offer->free, out);
    mp_put_uint(out, offer->slots_free);
    mp_put_uint(out, offer->time_ms_max);
    price_encode(&offer->price, out);
    grade_encode(&offer->grade, out);
    labels_put(offer, out);
    devices_encode(&offer->devices, out);
    taints_put(offer, out);
    queue_put(&offer->queue, out);
    if (signed_too)
        mp_put_signature(out, &offer->sig);
}

static enum err offer_digest(const struct offer *offer,
                             const struct hash *chain, struct hash *out)
{
    struct buf unsigned_bytes;
    buf_init(&unsigned_bytes, OFFER_BYTES_MAX);
    offer_put(offer, false, &unsigned_bytes);
    return message_digest(&unsigned_bytes, HASH_TAG_OFFER, chain, out);
}

enum err offer_sign(struct offer *offer, const struct hash *chain,
                    const struct signer *signer)
{
    struct hash digest;
    TRY(offer_form(offer));
    offer->provider = signer->key;
    TRY(offer_digest(offer, chain, &digest));
    return message_sign(signer, HASH_TAG_OFFER, &digest, &offer->sig);
}

enum err offer_encode(const struct offer *offer, struct buf *out)
{
    TRY(offer_form(offer));
    offer_put(offer, true, out);
    return out->err;
}

enum err offer_decode(struct bytes bytes, struct arena *arena,
                      struct offer *out)
{
    struct mp_reader reader;
    struct offer offer = {0};

    if (bytes.len > OFFER_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_OFFER, MESSAGE_VERSION,
                        OFFER_FIELDS + 1));
    mp_get_pubkey(&reader, &offer.provider);
    mp_get_pubkey(&reader, &offer.payout);
    offer.version = mp_get_uint(&reader);
    offer.issued_at_ms = mp_get_uint(&reader);
    offer.ttl_ms = mp_get_uint(&reader);
    mp_get_text(&reader, offer.address, sizeof(offer.address));
    mp_get_text(&reader, offer.bulk_address, sizeof(offer.bulk_address));
    mp_get_text(&reader, offer.name, sizeof(offer.name));
    offer.arch = (enum arch)mp_get_uint_max(&reader, ARCH_RISCV64);
    resources_decode(&reader, &offer.total);
    resources_decode(&reader, &offer.free);
    offer.slots_free = (uint32_t)mp_get_uint_max(&reader, UINT32_MAX);
    offer.time_ms_max = mp_get_uint(&reader);
    price_decode(&reader, &offer.price);
    grade_decode(&reader, &offer.grade);
    labels_get(&reader, &offer);
    devices_decode(&reader, &offer.devices);
    taints_get(&reader, &offer);
    queue_get(&reader, &offer.queue);
    mp_get_signature(&reader, &offer.sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(offer_form(&offer));
    *out = offer;
    return OK;
}

enum err offer_verify(const struct offer *offer, const struct hash *chain)
{
    struct hash digest;
    TRY(offer_digest(offer, chain, &digest));
    return sign_verify(&offer->provider, &digest, &offer->sig);
}
