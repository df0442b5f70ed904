#include "node/peer/wire.h"

#include <string.h>

#define WIRE_LOG_DATA_MAX (64u * 1024)

const char *job_phase_text(enum job_phase phase)
{
    switch (phase) {
    case JOB_HELD:
        return "held";
    case JOB_WAITING_START:
        return "waiting for the job's description";
    case JOB_STAGING:
        return "staging";
    case JOB_STARTING:
        return "starting";
    case JOB_RUNNING:
        return "running";
    case JOB_PUBLISHING:
        return "publishing";
    case JOB_DONE:
        return "done";
    case JOB_FAILED:
        return "failed";
    case JOB_UNKNOWN:
        return "unknown to the provider";
    case JOB_QUEUED:
        return "queued";
    }
    return "unknown";
}

static bool kind_known(uint64_t kind)
{
    return kind == WIRE_SX || kind == WIRE_TXS || kind == WIRE_TX_REFUSED ||
           kind == WIRE_OFFER || kind == WIRE_PEERS || kind == WIRE_LINKS ||
           (kind >= WIRE_HOLD && kind <= WIRE_HOLD_RELEASE) ||
           (kind >= WIRE_START && kind <= WIRE_GRANT) ||
           (kind >= WIRE_AUDIT && kind <= WIRE_AUDIT_REFUSED);
}

/* The head is [array, kind fixint, version fixint]: readable before the gate,
 * which every decoder runs anyway. */
enum err wire_peek(struct bytes message, enum wire_kind *out)
{
    if (message.len < 3)
        return ERR_TRUNCATED;
    if (message.ptr[0] < 0x92 || message.ptr[0] > 0x9f)
        return ERR_TYPE;
    if (!kind_known(message.ptr[1]))
        return ERR_KIND;
    if (message.ptr[2] != WIRE_VERSION)
        return ERR_VERSION;
    *out = (enum wire_kind)message.ptr[1];
    return OK;
}

enum err wire_open(struct mp_reader *reader, struct bytes b,
                   struct arena *arena, enum wire_kind kind, uint32_t fields)
{
    return mp_open_message(reader, b, arena, kind, WIRE_VERSION, fields);
}

enum err wire_close(struct mp_reader *reader)
{
    mp_leave(reader);
    return mp_close(reader);
}

void wire_bytes_encode(enum wire_kind kind, struct bytes body, struct buf *out)
{
    mp_put_message(out, kind, WIRE_VERSION, 1);
    mp_put_bin(out, body);
}

enum err wire_bytes_decode(enum wire_kind kind, struct bytes b,
                           struct arena *arena, struct bytes *out)
{
    struct mp_reader reader;
    struct bytes body;
    TRY(wire_open(&reader, b, arena, kind, 1));
    body = mp_get_bin(&reader,
                      kind == WIRE_SX ? LIMIT_MESSAGE_BYTES : LIMIT_TX_BYTES);
    TRY(wire_close(&reader));
    *out = body;
    return OK;
}

void wire_txs_encode(const struct wire_txs *m, struct buf *out)
{
    mp_put_message(out, WIRE_TXS, WIRE_VERSION, 1);
    mp_put_array(out, m->count);
    for (uint32_t i = 0; i < m->count; i++)
        mp_put_bin(out, m->txs[i]);
}

enum err wire_txs_decode(struct bytes b, struct arena *arena,
                         struct wire_txs *out)
{
    struct mp_reader reader;
    TRY(wire_open(&reader, b, arena, WIRE_TXS, 1));
    uint32_t count = mp_enter(&reader);
    if (count > WIRE_TXS_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < count; i++) {
        out->txs[i] = mp_get_bin(&reader, LIMIT_TX_BYTES);
        if (out->txs[i].len == 0)
            mp_fail(&reader, ERR_RANGE);
    }
    mp_leave(&reader);
    TRY(wire_close(&reader));
    out->count = count;
    return count > 0 ? OK : ERR_RANGE;
}

void wire_tx_refused_encode(const struct wire_tx_refused *m, struct buf *out)
{
    mp_put_message(out, WIRE_TX_REFUSED, WIRE_VERSION, 2);
    mp_put_hash(out, &m->id);
    mp_put_uint(out, (uint64_t)m->err);
}

enum err wire_tx_refused_decode(struct bytes b, struct arena *arena,
                                struct wire_tx_refused *out)
{
    struct mp_reader reader;
    struct wire_tx_refused m;
    TRY(wire_open(&reader, b, arena, WIRE_TX_REFUSED, 2));
    mp_get_hash(&reader, &m.id);
    m.err = (enum err)mp_get_uint_max(&reader, 9999);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_peers_encode(const struct wire_peers *m, struct buf *out)
{
    mp_put_message(out, WIRE_PEERS, WIRE_VERSION, 1);
    mp_put_array(out, m->count);
    for (uint32_t i = 0; i < m->count; i++) {
        mp_put_array(out, 2);
        mp_put_str(out, m->peers[i].address);
        mp_put_pubkey(out, &m->peers[i].node);
    }
}

enum err wire_peers_decode(struct bytes b, struct arena *arena,
                           struct wire_peers *out)
{
    struct mp_reader reader;
    struct wire_peers m;
    memset(&m, 0, sizeof(m));
    TRY(wire_open(&reader, b, arena, WIRE_PEERS, 1));
    m.count = mp_enter(&reader);
    if (m.count > WIRE_PEERS_MAX)
        return ERR_RANGE;
    for (uint32_t i = 0; i < m.count; i++) {
        mp_enter_exact(&reader, 2);
        mp_get_text(&reader, m.peers[i].address, sizeof(m.peers[i].address));
        mp_get_pubkey(&reader, &m.peers[i].node);
        mp_leave(&reader);
    }
    mp_leave(&reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_hold_encode(const struct wire_hold *m, struct buf *out)
{
    mp_put_message(out, WIRE_HOLD, WIRE_VERSION, 4);
    mp_put_bin(out, m->request);
    mp_put_uint(out, m->task);
    mp_put_uint(out, m->attempt);
    mp_put_uint(out, m->rtt_us);
}

enum err wire_hold_decode(struct bytes b, struct arena *arena,
                          struct wire_hold *out)
{
    struct mp_reader reader;
    struct wire_hold m;
    TRY(wire_open(&reader, b, arena, WIRE_HOLD, 4));
    m.request = mp_get_bin(&reader, REQUEST_BYTES_MAX);
    m.task = (uint32_t)mp_get_uint_max(&reader, LIMIT_TASKS - 1);
    m.attempt = (uint32_t)mp_get_uint_max(&reader, 255);
    m.rtt_us = mp_get_uint(&reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

static void key_encode(const struct wire_hold_key *key, struct buf *out)
{
    mp_put_hash(out, &key->request);
    mp_put_uint(out, key->task);
    mp_put_uint(out, key->attempt);
}

static void key_decode(struct mp_reader *reader, struct wire_hold_key *out)
{
    mp_get_hash(reader, &out->request);
    out->task = (uint32_t)mp_get_uint_max(reader, LIMIT_TASKS - 1);
    out->attempt = (uint32_t)mp_get_uint_max(reader, 255);
}

void wire_hold_refused_encode(const struct wire_hold_refused *m,
                              struct buf *out)
{
    mp_put_message(out, WIRE_HOLD_REFUSED, WIRE_VERSION, 5);
    key_encode(&m->key, out);
    mp_put_uint(out, (uint64_t)m->err);
    resources_encode(&m->free, out);
}

enum err wire_hold_refused_decode(struct bytes b, struct arena *arena,
                                  struct wire_hold_refused *out)
{
    struct mp_reader reader;
    struct wire_hold_refused m;
    TRY(wire_open(&reader, b, arena, WIRE_HOLD_REFUSED, 5));
    key_decode(&reader, &m.key);
    m.err = (enum err)mp_get_uint_max(&reader, 9999);
    resources_decode(&reader, &m.free);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_hold_release_encode(const struct wire_hold_key *m, struct buf *out)
{
    mp_put_message(out, WIRE_HOLD_RELEASE, WIRE_VERSION, 3);
    key_encode(m, out);
}

enum err wire_hold_release_decode(struct bytes b, struct arena *arena,
                                  struct wire_hold_key *out)
{
    struct mp_reader reader;
    struct wire_hold_key m;
    TRY(wire_open(&reader, b, arena, WIRE_HOLD_RELEASE, 3));
    key_decode(&reader, &m);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_start_encode(const struct wire_start *m, struct buf *out)
{
    mp_put_message(out, WIRE_START, WIRE_VERSION, 3);
    mp_put_hash(out, &m->contract);
    mp_put_bin(out, m->spec);
    mp_put_str(out, m->bulk_address);
}

enum err wire_start_decode(struct bytes b, struct arena *arena,
                           struct wire_start *out)
{
    struct mp_reader reader;
    struct wire_start m;
    memset(&m, 0, sizeof(m));
    TRY(wire_open(&reader, b, arena, WIRE_START, 3));
    mp_get_hash(&reader, &m.contract);
    m.spec = mp_get_bin(&reader, SPEC_BYTES_MAX);
    mp_get_text(&reader, m.bulk_address, sizeof(m.bulk_address));
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_job_state_encode(const struct wire_job_state *m, struct buf *out)
{
    mp_put_message(out, WIRE_JOB_STATE, WIRE_VERSION, 13);
    mp_put_hash(out, &m->contract);
    mp_put_uint(out, (uint64_t)m->phase);
    mp_put_uint(out, m->staged);
    mp_put_uint(out, m->staged_total);
    mp_put_uint(out, m->wall_ms);
    mp_put_uint(out, m->cpu_ms);
    mp_put_uint(out, m->mem_peak_mib);
    mp_put_uint(out, m->stdout_bytes);
    mp_put_uint(out, m->stderr_bytes);
    mp_put_uint(out, m->reason);
    mp_put_uint(out, m->exit_code);
    mp_put_str(out, m->text);
    mp_put_uint(out, m->begin_ms);
}

enum err wire_job_state_decode(struct bytes b, struct arena *arena,
                               struct wire_job_state *out)
{
    struct mp_reader reader;
    struct wire_job_state m;
    memset(&m, 0, sizeof(m));
    TRY(wire_open(&reader, b, arena, WIRE_JOB_STATE, 13));
    mp_get_hash(&reader, &m.contract);
    m.phase = (enum job_phase)mp_get_uint_max(&reader, JOB_QUEUED);
    if (m.phase < JOB_HELD)
        mp_fail(&reader, ERR_RANGE);
    m.staged = mp_get_uint(&reader);
    m.staged_total = mp_get_uint(&reader);
    m.wall_ms = mp_get_uint(&reader);
    m.cpu_ms = mp_get_uint(&reader);
    m.mem_peak_mib = mp_get_uint(&reader);
    m.stdout_bytes = mp_get_uint(&reader);
    m.stderr_bytes = mp_get_uint(&reader);
    m.reason = (uint32_t)mp_get_uint_max(&reader, 255);
    m.exit_code = (uint32_t)mp_get_uint_max(&reader, 255);
    mp_get_text(&reader, m.text, sizeof(m.text));
    m.begin_ms = mp_get_uint(&reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_log_get_encode(const struct wire_log_get *m, struct buf *out)
{
    mp_put_message(out, WIRE_LOG_GET, WIRE_VERSION, 3);
    mp_put_hash(out, &m->contract);
    mp_put_uint(out, m->stream);
    mp_put_uint(out, m->offset);
}

static uint32_t stream_decode(struct mp_reader *reader)
{
    uint32_t stream = (uint32_t)mp_get_uint_max(reader, 2);
    if (stream == 0)
        mp_fail(reader, ERR_RANGE);
    return stream;
}

enum err wire_log_get_decode(struct bytes b, struct arena *arena,
                             struct wire_log_get *out)
{
    struct mp_reader reader;
    struct wire_log_get m;
    TRY(wire_open(&reader, b, arena, WIRE_LOG_GET, 3));
    mp_get_hash(&reader, &m.contract);
    m.stream = stream_decode(&reader);
    m.offset = mp_get_uint(&reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_log_encode(const struct wire_log *m, struct buf *out)
{
    mp_put_message(out, WIRE_LOG, WIRE_VERSION, 5);
    mp_put_hash(out, &m->contract);
    mp_put_uint(out, m->stream);
    mp_put_uint(out, m->offset);
    mp_put_bin(out, m->data);
    mp_put_bool(out, m->eof);
}

enum err wire_log_decode(struct bytes b, struct arena *arena,
                         struct wire_log *out)
{
    struct mp_reader reader;
    struct wire_log m;
    TRY(wire_open(&reader, b, arena, WIRE_LOG, 5));
    mp_get_hash(&reader, &m.contract);
    m.stream = stream_decode(&reader);
    m.offset = mp_get_uint(&reader);
    m.data = mp_get_bin(&reader, WIRE_LOG_DATA_MAX);
    m.eof = mp_get_bool(&reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_grant_encode(const struct wire_grant *m, struct buf *out)
{
    mp_put_message(out, WIRE_GRANT, WIRE_VERSION, 2);
    mp_put_hash(out, &m->contract);
    mp_put_pubkey(out, &m->reader);
}

enum err wire_grant_decode(struct bytes b, struct arena *arena,
                           struct wire_grant *out)
{
    struct mp_reader reader;
    struct wire_grant m;
    TRY(wire_open(&reader, b, arena, WIRE_GRANT, 2));
    mp_get_hash(&reader, &m.contract);
    mp_get_pubkey(&reader, &m.reader);
    TRY(wire_close(&reader));
    *out = m;
    return OK;
}

void wire_contract_encode(enum wire_kind kind, const struct hash *contract,
                          struct buf *out)
{
    mp_put_message(out, kind, WIRE_VERSION, 1);
    mp_put_hash(out, contract);
}

enum err wire_contract_decode(enum wire_kind kind, struct bytes b,
                              struct arena *arena, struct hash *out)
{
    struct mp_reader reader;
    struct hash id;
    TRY(wire_open(&reader, b, arena, kind, 1));
    mp_get_hash(&reader, &id);
    TRY(wire_close(&reader));
    *out = id;
    return OK;
}
