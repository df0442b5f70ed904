#include "node/audit/audit_msg.h"

#include "base/check.h"

enum err audit_ask_form(const struct audit_ask *ask)
{
    struct product product = {ask->kernel, ask->n, 0};
    uint64_t n = ask->n;
    TRY(product_form(&product));
    if (ask->kernel == METER_INT8 || ask->n > AUDIT_N_MAX || ask->rounds < 1 ||
        ask->rounds > AUDIT_ROUNDS_MAX ||
        2 * n * n * n * ask->rounds > AUDIT_WORK_MAX)
        return ERR_RANGE;
    return OK;
}

void audit_ask_encode(const struct audit_ask *m, struct buf *out)
{
    mp_put_message(out, WIRE_AUDIT, WIRE_VERSION, 4);
    mp_put_hash(out, &m->nonce);
    mp_put_uint(out, m->kernel);
    mp_put_uint(out, m->n);
    mp_put_uint(out, m->rounds);
}

enum err audit_ask_decode(struct bytes b, struct arena *arena,
                          struct audit_ask *out)
{
    struct mp_reader reader;
    struct audit_ask m;
    TRY(wire_open(&reader, b, arena, WIRE_AUDIT, 4));
    mp_get_hash(&reader, &m.nonce);
    m.kernel =
        (enum meter_kernel)mp_get_uint_max(&reader, METER_KERNEL_COUNT - 1);
    m.n = (uint32_t)mp_get_uint_max(&reader, AUDIT_N_MAX);
    m.rounds = (uint32_t)mp_get_uint_max(&reader, AUDIT_ROUNDS_MAX);
    TRY(wire_close(&reader));
    TRY(audit_ask_form(&m));
    *out = m;
    return OK;
}

void audit_done_encode(const struct audit_done *m, struct buf *out)
{
    CHECK(m->count >= 1 && m->count <= AUDIT_ROUNDS_MAX);
    mp_put_message(out, WIRE_AUDIT_DONE, WIRE_VERSION, 2);
    mp_put_hash(out, &m->nonce);
    mp_put_array(out, m->count);
    for (uint32_t i = 0; i < m->count; i++)
        mp_put_hash(out, &m->hashes[i]);
}

enum err audit_done_decode(struct bytes b, struct arena *arena,
                           struct audit_done *out)
{
    struct mp_reader reader;
    struct audit_done m = {0};
    TRY(wire_open(&reader, b, arena, WIRE_AUDIT_DONE, 2));
    mp_get_hash(&reader, &m.nonce);
    m.count = mp_enter(&reader);
    if (m.count < 1 || m.count > AUDIT_ROUNDS_MAX)
        mp_fail(&reader, ERR_RANGE);
    for (uint32_t i = 0; i < m.count && reader.err == OK; i++)
        mp_get_hash(&reader, &m.hashes[i]);
    mp_leave(&reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void audit_open_encode(const struct audit_open *m, struct buf *out)
{
    mp_put_message(out, WIRE_AUDIT_OPEN, WIRE_VERSION, 3);
    mp_put_hash(out, &m->nonce);
    mp_put_uint(out, m->index);
    mp_put_uint(out, m->offset);
}

enum err audit_open_decode(struct bytes b, struct arena *arena,
                           struct audit_open *out)
{
    struct mp_reader reader;
    struct audit_open m;
    TRY(wire_open(&reader, b, arena, WIRE_AUDIT_OPEN, 3));
    mp_get_hash(&reader, &m.nonce);
    m.index = (uint32_t)mp_get_uint_max(&reader, AUDIT_ROUNDS_MAX - 1);
    m.offset = mp_get_uint_max(&reader, UINT32_MAX);
    TRY(wire_close(&reader));
    if (m.offset % AUDIT_PIECE != 0)
        return ERR_RANGE;
    *out = m;
    return OK;
}

void audit_part_encode(const struct audit_part *m, struct buf *out)
{
    CHECK(m->data.len >= 1 && m->data.len <= AUDIT_PIECE);
    mp_put_message(out, WIRE_AUDIT_PART, WIRE_VERSION, 4);
    mp_put_hash(out, &m->nonce);
    mp_put_uint(out, m->index);
    mp_put_uint(out, m->offset);
    mp_put_bin(out, m->data);
}

enum err audit_part_decode(struct bytes b, struct arena *arena,
                           struct audit_part *out)
{
    struct mp_reader reader;
    struct audit_part m;
    TRY(wire_open(&reader, b, arena, WIRE_AUDIT_PART, 4));
    mp_get_hash(&reader, &m.nonce);
    m.index = (uint32_t)mp_get_uint_max(&reader, AUDIT_ROUNDS_MAX - 1);
    m.offset = mp_get_uint_max(&reader, UINT32_MAX);
    m.data = mp_get_bin(&reader, AUDIT_PIECE);
    TRY(wire_close(&reader));
    if (m.offset % AUDIT_PIECE != 0 || m.data.len == 0)
        return ERR_RANGE;
    *out = m;
    return OK;
}

void audit_refused_encode(const struct audit_refused *m, struct buf *out)
{
    mp_put_message(out, WIRE_AUDIT_REFUSED, WIRE_VERSION, 2);
    mp_put_hash(out, &m->nonce);
    mp_put_uint(out, m->err);
}

enum err audit_refused_decode(struct bytes b, struct arena *arena,
                              struct audit_refused *out)
{
    struct mp_reader reader;
    struct audit_refused m;
    TRY(wire_open(&reader, b, arena, WIRE_AUDIT_REFUSED, 2));
    mp_get_hash(&reader, &m.nonce);
    m.err = (enum err)mp_get_uint_max(&reader, INT32_MAX);
    TRY(wire_close(&reader));
    if (m.err == OK)
        return ERR_RANGE;
    *out = m;
    return OK;
}
