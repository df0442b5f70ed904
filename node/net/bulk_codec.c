#include "node/net/bulk_codec.h"

#include <string.h>

#include "base/check.h"
#include "base/mp.h"

enum { VERSION = 1, ARENA_MAX = 16 * 1024 };

static uint32_t field_count(unsigned kind)
{
    if (kind == BULK_GET_MANIFEST)
        return 1;
    return kind == BULK_MANIFEST || kind == BULK_GET_CHUNK ||
                   kind == BULK_GET_PROBE
               ? 2
               : 3;
}

void bulk_message_encode(const struct bulk_message *m, struct buf *out)
{
    CHECK(m->kind >= BULK_GET_MANIFEST && m->kind <= BULK_PROBE);
    mp_put_message(out, m->kind, VERSION, field_count(m->kind));
    mp_put_hash(out, &m->blob);
    if (m->kind >= BULK_GET_CHUNK)
        mp_put_uint(out, m->index);
    if (m->kind == BULK_MANIFEST || m->kind == BULK_CHUNK ||
        m->kind == BULK_PROBE)
        mp_put_bin(out, m->data);
    if (m->kind == BULK_REFUSED)
        mp_put_uint(out, (uint64_t)m->err);
}

static uint32_t get_index(struct mp_reader *reader, unsigned kind)
{
    uint32_t index = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);

    if (index < (kind < BULK_GET_PROBE ? BLOB_CHUNKS_MAX : BULK_PROBES_MAX) ||
        (index == BULK_WHOLE && kind == BULK_REFUSED))
        return index;
    mp_fail(reader, ERR_RANGE);
    return 0;
}

static enum err get_error(struct mp_reader *reader)
{
    uint64_t code = mp_get_uint_max(reader, UINT16_MAX);

    if (code == 0)
        mp_fail(reader, ERR_RANGE);
    if (strcmp(err_name((enum err)code), "ERR_?") == 0)
        return ERR_BLOB;
    return (enum err)code;
}

/* The kind, before the fields are known to be what it wants. */
static enum err peek(struct bytes bytes, struct arena *arena, unsigned *out)
{
    struct mp_reader reader;
    uint64_t kind;

    TRY(mp_open(&reader, bytes, arena));
    (void)mp_enter(&reader);
    kind = mp_get_uint(&reader);
    if (reader.err != OK)
        return reader.err;
    if (kind < BULK_GET_MANIFEST || kind > BULK_PROBE)
        return ERR_KIND;
    *out = (unsigned)kind;
    return OK;
}

static enum err decode(struct bytes bytes, struct arena *arena,
                       struct bulk_message *m)
{
    struct mp_reader reader;

    TRY(peek(bytes, arena, &m->kind));
    arena_reset(arena);
    TRY(mp_open_message(&reader, bytes, arena, m->kind, VERSION,
                        field_count(m->kind)));
    mp_get_hash(&reader, &m->blob);
    if (m->kind >= BULK_GET_CHUNK)
        m->index = get_index(&reader, m->kind);
    if (m->kind == BULK_MANIFEST)
        m->data = mp_get_bin(&reader, BLOB_MANIFEST_MAX);
    if (m->kind == BULK_CHUNK)
        m->data = mp_get_bin(&reader, BLOB_CHUNK_BYTES);
    if (m->kind == BULK_REFUSED)
        m->err = get_error(&reader);
    if (m->kind == BULK_PROBE)
        m->data = mp_get_bin(&reader, BULK_PROBE_BYTES);
    if (m->kind == BULK_PROBE && m->data.len != BULK_PROBE_BYTES)
        mp_fail(&reader, ERR_RANGE);
    mp_leave(&reader);
    return mp_close(&reader);
}

enum err bulk_message_decode(struct bytes bytes, struct bulk_message *out)
{
    struct bulk_message m;
    struct arena arena;
    enum err err;

    memset(&m, 0, sizeof m);
    m.index = BULK_WHOLE;
    arena_init(&arena, ARENA_MAX);
    err = decode(bytes, &arena, &m);
    arena_done(&arena);
    if (err == OK)
        *out = m;
    return err;
}
