#include "market/message.h"
#include "market/request.h"

#include "base/check.h"

#define REQUEST_FIELDS  22 /* and the signature */
#define APPROVAL_FIELDS 3  /* likewise */

/* ---- request ---- */

static void constraints_put(const struct constraint *list, uint32_t count,
                            struct buf *out)
{
    mp_put_array(out, count);
    for (uint32_t i = 0; i < count; i++) {
        mp_put_array(out, 3);
        mp_put_str(out, list[i].key);
        mp_put_uint(out, list[i].op);
        mp_put_str(out, list[i].value);
    }
}

static void constraints_get(struct mp_reader *reader, uint32_t most,
                            struct constraint *list, uint32_t *out_count)
{
    uint32_t count = mp_enter(reader);
    if (count > most)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        mp_enter_exact(reader, 3);
        mp_get_text(reader, list[i].key, LIMIT_NAME);
        list[i].op =
            (enum constraint_op)mp_get_uint_max(reader, CONSTRAINT_ABSENT);
        mp_get_text(reader, list[i].value, LIMIT_NAME);
        mp_leave(reader);
    }
    mp_leave(reader);
    *out_count = count;
}

static void zones_put(const struct request *request, struct buf *out)
{
    mp_put_array(out, request->zone_count);
    for (uint32_t i = 0; i < request->zone_count; i++)
        mp_put_str(out, request->zones[i]);
}

static void zones_get(struct mp_reader *reader, struct request *out)
{
    uint32_t count = mp_enter(reader);
    if (count > LIMIT_ZONES)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++)
        mp_get_text(reader, out->zones[i], LIMIT_NAME);
    mp_leave(reader);
    out->zone_count = count;
}

static void spread_put(const struct spread *spread, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_uint(out, spread->per_provider);
    mp_put_str(out, spread->key);
    mp_put_uint(out, spread->per_value);
}

static void spread_get(struct mp_reader *reader, struct spread *out)
{
    mp_enter_exact(reader, 3);
    out->per_provider = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS);
    mp_get_text(reader, out->key, LIMIT_NAME);
    out->per_value = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS);
    mp_leave(reader);
}

static void affinities_put(const struct request *request, struct buf *out)
{
    mp_put_array(out, request->affinity_count);
    for (uint32_t i = 0; i < request->affinity_count; i++) {
        mp_put_array(out, 2);
        mp_put_hash(out, &request->affinities[i].request);
        mp_put_bool(out, request->affinities[i].apart);
    }
}

static void affinities_get(struct mp_reader *reader, struct request *out)
{
    uint32_t count = mp_enter(reader);
    if (count > REQUEST_AFFINITY_MAX)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++) {
        mp_enter_exact(reader, 2);
        mp_get_hash(reader, &out->affinities[i].request);
        out->affinities[i].apart = mp_get_bool(reader);
        mp_leave(reader);
    }
    mp_leave(reader);
    out->affinity_count = count;
}

/* Beside the amounts and labels: what the task must have and where it may be.
 */
static void wishes_put(const struct request *request, struct buf *out)
{
    CHECK(request->toleration_count <= LIMIT_TOLERATIONS &&
          request->zone_count <= LIMIT_ZONES &&
          request->affinity_count <= REQUEST_AFFINITY_MAX);
    device_wish_encode(&request->devices, out);
    constraints_put(request->tolerations, request->toleration_count, out);
    zones_put(request, out);
    spread_put(&request->spread, out);
    affinities_put(request, out);
}

static void wishes_get(struct mp_reader *reader, struct request *out)
{
    device_wish_decode(reader, &out->devices);
    constraints_get(reader, LIMIT_TOLERATIONS, out->tolerations,
                    &out->toleration_count);
    zones_get(reader, out);
    spread_get(reader, &out->spread);
    affinities_get(reader, out);
}

static void request_put(const struct request *request, bool signed_too,
                        struct buf *out)
{
    mp_put_message(out, MESSAGE_REQUEST, MESSAGE_VERSION,
                   REQUEST_FIELDS + signed_too);
    mp_put_pubkey(out, &request->buyer);
    mp_put_pubkey(out, &request->agent);
    mp_put_bin(out, BYTES_OF(request->salt));
    mp_put_uint(out, request->created_at_ms);
    mp_put_uint(out, request->expires_at_ms);
    mp_put_hash(out, &request->spec);
    mp_put_uint(out, request->tasks);
    mp_put_uint(out, request->attempts_max);
    resources_encode(&request->resources, out);
    mp_put_uint(out, request->time_ms_max);
    mp_put_uint(out, request->arch);
    mp_put_uint(out, request->policy);
    mp_put_amount(out, request->price_max);
    mp_put_pubkey(out, &request->only_seller);
    CHECK(request->constraint_count <= LIMIT_CONSTRAINTS);
    constraints_put(request->constraints, request->constraint_count, out);
    wishes_put(request, out);
    policy_terms_encode(&request->terms, out);
    mp_put_uint(out, request->patience_ms);
    if (signed_too)
        mp_put_signature(out, &request->sig);
}

enum err request_id(const struct request *request, const struct hash *chain,
                    struct hash *out)
{
    struct buf unsigned_bytes;
    buf_init(&unsigned_bytes, REQUEST_BYTES_MAX);
    request_put(request, false, &unsigned_bytes);
    return message_digest(&unsigned_bytes, HASH_TAG_REQUEST, chain, out);
}

enum err request_sign(struct request *request, const struct hash *chain,
                      const struct signer *signer)
{
    struct hash id;
    TRY(request_form(request));
    request->buyer = signer->key;
    TRY(request_id(request, chain, &id));
    return message_sign(signer, HASH_TAG_REQUEST, &id, &request->sig);
}

enum err request_encode(const struct request *request, struct buf *out)
{
    TRY(request_form(request));
    request_put(request, true, out);
    return out->err;
}

static void salt_get(struct mp_reader *reader, struct request *out)
{
    struct bytes salt = mp_get_bin(reader, sizeof(out->salt));
    struct cursor cursor;
    cursor_init(&cursor, salt);
    cursor_copy(&cursor, out->salt, sizeof(out->salt));
    if (cursor_finish(&cursor) != OK)
        mp_fail(reader, ERR_RANGE);
}

enum err request_decode(struct bytes bytes, struct arena *arena,
                        struct request *out)
{
    struct mp_reader reader;
    struct request request = {0};

    if (bytes.len > REQUEST_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_REQUEST, MESSAGE_VERSION,
                        REQUEST_FIELDS + 1));
    mp_get_pubkey(&reader, &request.buyer);
    mp_get_pubkey(&reader, &request.agent);
    salt_get(&reader, &request);
    request.created_at_ms = mp_get_uint(&reader);
    request.expires_at_ms = mp_get_uint(&reader);
    mp_get_hash(&reader, &request.spec);
    request.tasks = (uint32_t)mp_get_uint_max(&reader, LIMIT_TASKS);
    request.attempts_max =
        (uint32_t)mp_get_uint_max(&reader, REQUEST_ATTEMPTS_MAX);
    resources_decode(&reader, &request.resources);
    request.time_ms_max = mp_get_uint(&reader);
    request.arch = (enum arch)mp_get_uint_max(&reader, ARCH_RISCV64);
    request.policy = (enum policy)mp_get_uint_max(&reader, POLICY_PACK);
    request.price_max = mp_get_amount(&reader);
    mp_get_pubkey(&reader, &request.only_seller);
    constraints_get(&reader, LIMIT_CONSTRAINTS, request.constraints,
                    &request.constraint_count);
    wishes_get(&reader, &request);
    policy_terms_decode(&reader, &request.terms);
    request.patience_ms = mp_get_uint(&reader);
    mp_get_signature(&reader, &request.sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(request_form(&request));
    *out = request;
    return OK;
}

enum err request_verify(const struct request *request, const struct hash *chain)
{
    struct hash id;
    TRY(request_id(request, chain, &id));
    return sign_verify(&request->buyer, &id, &request->sig);
}

/* ---- approval ---- */

static void approval_put(const struct approval *approval, bool signed_too,
                         struct buf *out)
{
    mp_put_message(out, MESSAGE_APPROVAL, MESSAGE_VERSION,
                   APPROVAL_FIELDS + signed_too);
    mp_put_hash(out, &approval->request);
    mp_put_amount(out, approval->task_cap);
    mp_put_uint(out, approval->expires_at_ms);
    if (signed_too)
        mp_put_signature(out, &approval->sig);
}

static enum err approval_digest(const struct approval *approval,
                                const struct hash *chain, struct hash *out)
{
    struct buf unsigned_bytes;
    buf_init(&unsigned_bytes, APPROVAL_BYTES_MAX);
    approval_put(approval, false, &unsigned_bytes);
    return message_digest(&unsigned_bytes, HASH_TAG_APPROVAL, chain, out);
}

enum err approval_sign(struct approval *approval, const struct hash *chain,
                       const struct signer *signer)
{
    struct hash digest;
    TRY(approval_digest(approval, chain, &digest));
    return message_sign(signer, HASH_TAG_APPROVAL, &digest, &approval->sig);
}

enum err approval_encode(const struct approval *approval, struct buf *out)
{
    approval_put(approval, true, out);
    return out->err;
}

enum err approval_decode(struct bytes bytes, struct arena *arena,
                         struct approval *out)
{
    struct mp_reader reader;
    struct approval approval = {0};

    if (bytes.len > APPROVAL_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_APPROVAL,
                        MESSAGE_VERSION, APPROVAL_FIELDS + 1));
    mp_get_hash(&reader, &approval.request);
    approval.task_cap = mp_get_amount(&reader);
    approval.expires_at_ms = mp_get_uint(&reader);
    mp_get_signature(&reader, &approval.sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    *out = approval;
    return OK;
}

enum err approval_verify(const struct approval *approval,
                         const struct pubkey *buyer, const struct hash *chain)
{
    struct hash digest;
    TRY(approval_digest(approval, chain, &digest));
    return sign_verify(buyer, &digest, &approval->sig);
}
