/* What nodes say to each other is spelled as an independent implementation
 * spells it (tests/vectors/wire_make.py), and read back as it was spelled. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "market/contract/contract.h"
#include "node/audit/audit_msg.h"
#include "node/net/bulk_codec.h"
#include "node/net/channel.h"
#include "node/peer/wire.h"
#include "tests/unit/base/vectors.h"

#define T0        1700000000000u
#define BODY      ((struct bytes){(const uint8_t *)"\0\1\2\3\4", 5})
#define FRAME_MAX (64u * 1024)

static struct hash id_of(uint8_t fill)
{
    struct hash id;
    memset(id.b, fill, sizeof(id.b));
    return id;
}

static struct pubkey key_of(uint8_t fill)
{
    struct pubkey key;
    memset(key.b, fill, sizeof(key.b));
    return key;
}

/* A message by the name it has in wire.hex: `make` spells the sample, `again`
 * reads bytes and spells what it has read. */
struct sample {
    const char *name;
    void (*make)(struct buf *out);
    enum err (*again)(struct bytes bytes, struct arena *arena, struct buf *out);
    bool link; /* a link's message: wire_peek knows it */
};

/* The pair's second half is the same for every message: decode, encode. */
#define AGAIN(noun)                                                            \
    static enum err noun##_again(struct bytes bytes, struct arena *arena,      \
                                 struct buf *out)                              \
    {                                                                          \
        struct wire_##noun m;                                                  \
        TRY(wire_##noun##_decode(bytes, arena, &m));                           \
        wire_##noun##_encode(&m, out);                                         \
        return out->err;                                                       \
    }

/* ---- chain ---- */

static void txs_make(struct buf *out)
{
    struct wire_txs m = {.count = 2, .txs = {BODY, BYTES_LIT("another")}};
    wire_txs_encode(&m, out);
}
AGAIN(txs)

static void tx_refused_make(struct buf *out)
{
    struct wire_tx_refused m = {.id = id_of(2), .err = ERR_NONCE};
    wire_tx_refused_encode(&m, out);
}
AGAIN(tx_refused)

/* ---- messages that carry one noun's bytes ---- */

#define ONE_BODY(noun, kind)                                                   \
    static void noun##_make(struct buf *out)                                   \
    {                                                                          \
        wire_bytes_encode(kind, BODY, out);                                    \
    }                                                                          \
    static enum err noun##_again(struct bytes bytes, struct arena *arena,      \
                                 struct buf *out)                              \
    {                                                                          \
        struct bytes body;                                                     \
        TRY(wire_bytes_decode(kind, bytes, arena, &body));                     \
        wire_bytes_encode(kind, body, out);                                    \
        return out->err;                                                       \
    }
ONE_BODY(sx, WIRE_SX)
ONE_BODY(offer, WIRE_OFFER)
ONE_BODY(links, WIRE_LINKS)
ONE_BODY(quote, WIRE_QUOTE)
ONE_BODY(receipt, WIRE_RECEIPT)
ONE_BODY(receipt_ack, WIRE_RECEIPT_ACK)

/* ---- market ---- */

static void peers_make(struct buf *out)
{
    struct wire_peers m = {.count = 2,
                           .peers = {{"192.0.2.7:7741", key_of(3)},
                                     {"[2001:db8::1]:7741", key_of(4)}}};
    wire_peers_encode(&m, out);
}

static void no_peers_make(struct buf *out)
{
    struct wire_peers m = {.count = 0};
    wire_peers_encode(&m, out);
}
AGAIN(peers)

static void hold_make(struct buf *out)
{
    struct wire_hold m = {BYTES_LIT("a request"), 3, 1, 850};
    wire_hold_encode(&m, out);
}

static void hold_most_make(struct buf *out)
{
    struct wire_hold m = {.task = LIMIT_TASKS - 1, .attempt = 255};
    m.rtt_us = UINT64_MAX;
    wire_hold_encode(&m, out);
}
AGAIN(hold)

static void hold_refused_make(struct buf *out)
{
    struct wire_hold_refused m = {
        {id_of(5), 3, 1}, ERR_CAPACITY, {500, 1024, 2048, 0}};
    wire_hold_refused_encode(&m, out);
}
AGAIN(hold_refused)

static void hold_release_make(struct buf *out)
{
    struct wire_hold_key m = {id_of(5), 3, 1};
    wire_hold_release_encode(&m, out);
}

static enum err hold_release_again(struct bytes bytes, struct arena *arena,
                                   struct buf *out)
{
    struct wire_hold_key m;
    TRY(wire_hold_release_decode(bytes, arena, &m));
    wire_hold_release_encode(&m, out);
    return out->err;
}

/* ---- a running contract ---- */

static void start_make(struct buf *out)
{
    struct wire_start m = {id_of(6), BYTES_LIT("a spec"), "192.0.2.8:7742"};
    wire_start_encode(&m, out);
}
AGAIN(start)

static void grant_make(struct buf *out)
{
    struct wire_grant m = {id_of(6), key_of(7)};
    wire_grant_encode(&m, out);
}
AGAIN(grant)

static void job_state_make(struct buf *out)
{
    struct wire_job_state m = {.contract = id_of(6),
                               .phase = JOB_RUNNING,
                               .staged = 200,
                               .staged_total = 70000,
                               .wall_ms = UINT64_C(1) << 32,
                               .cpu_ms = 5,
                               .mem_peak_mib = 255,
                               .stdout_bytes = 256,
                               .text = "rendering",
                               .begin_ms = UINT64_C(1700000000000)};
    wire_job_state_encode(&m, out);
}

static void job_state_end_make(struct buf *out)
{
    struct wire_job_state m = {.contract = id_of(6),
                               .phase = JOB_FAILED,
                               .reason = END_STAGING_FAILED,
                               .exit_code = 137};
    wire_job_state_encode(&m, out);
}
AGAIN(job_state)

static void log_get_make(struct buf *out)
{
    struct wire_log_get m = {id_of(6), 2, 65536};
    wire_log_get_encode(&m, out);
}
AGAIN(log_get)

static void log_make(struct buf *out)
{
    struct wire_log m = {id_of(6), 1, 128, BYTES_LIT("hello\n"), false};
    wire_log_encode(&m, out);
}

static void log_end_make(struct buf *out)
{
    struct wire_log m = {id_of(6), 2, 134, {NULL, 0}, true};
    wire_log_encode(&m, out);
}
AGAIN(log)

#define ONE_CONTRACT(noun, kind)                                               \
    static void noun##_make(struct buf *out)                                   \
    {                                                                          \
        struct hash id = id_of(6);                                             \
        wire_contract_encode(kind, &id, out);                                  \
    }                                                                          \
    static enum err noun##_again(struct bytes bytes, struct arena *arena,      \
                                 struct buf *out)                              \
    {                                                                          \
        struct hash id;                                                        \
        TRY(wire_contract_decode(kind, bytes, arena, &id));                    \
        wire_contract_encode(kind, &id, out);                                  \
        return out->err;                                                       \
    }
ONE_CONTRACT(cancel, WIRE_CANCEL)
ONE_CONTRACT(ask, WIRE_ASK)

/* ---- bulk transfers ---- */

#define BULK(noun, ...)                                                        \
    static void noun##_make(struct buf *out)                                   \
    {                                                                          \
        struct bulk_message m = {.blob = id_of(7), __VA_ARGS__};               \
        bulk_message_encode(&m, out);                                          \
    }
BULK(get_manifest, .kind = BULK_GET_MANIFEST)
BULK(manifest, .kind = BULK_MANIFEST, .data = BYTES_LIT("a manifest"))
BULK(get_chunk, .kind = BULK_GET_CHUNK, .index = BLOB_CHUNKS_MAX - 1)
BULK(chunk, .kind = BULK_CHUNK, .data = BYTES_LIT("content"))
BULK(get_probe, .kind = BULK_GET_PROBE, .index = 31)
BULK(refused, .kind = BULK_REFUSED, .index = 12, .err = ERR_PERM)
BULK(refused_whole, .kind = BULK_REFUSED, .index = BULK_WHOLE,
     .err = ERR_NOT_FOUND)

static enum err bulk_again(struct bytes bytes, struct arena *arena,
                           struct buf *out)
{
    struct bulk_message m;
    (void)arena;
    TRY(bulk_message_decode(bytes, &m));
    bulk_message_encode(&m, out);
    return out->err;
}

/* ---- the channel ---- */

static void channel_offer_make(struct buf *out)
{
    struct channel_offer m = {1, 1, id_of(0x11), CHANNEL_LANE_BULK};
    channel_offer_encode(&m, out);
}

static enum err channel_offer_again(struct bytes bytes, struct arena *arena,
                                    struct buf *out)
{
    struct channel_offer m;
    (void)arena;
    TRY(channel_offer_decode(bytes, &m));
    channel_offer_encode(&m, out);
    return out->err;
}

static void channel_hello_make(struct buf *out)
{
    struct channel_identity m = {.id = key_of(8),
                                 .not_after_ms = T0,
                                 .roles =
                                     CHANNEL_ROLE_PROVIDER | CHANNEL_ROLE_BUYER,
                                 .height = 4711,
                                 .listen = "0.0.0.0:7741",
                                 .bulk = "0.0.0.0:7742",
                                 .agent = "suan/1.0.0"};
    memset(m.signature.b, 9, sizeof(m.signature.b));
    channel_hello_encode(&m, out);
}

static enum err channel_hello_again(struct bytes bytes, struct arena *arena,
                                    struct buf *out)
{
    struct channel_identity m;
    (void)arena;
    TRY(channel_hello_decode(bytes, &m));
    channel_hello_encode(&m, out);
    return out->err;
}

/* "Signs" by showing what it was asked to sign. */
static enum err show_digest(void *ctx, const char *tag,
                            const struct hash *digest, struct signature *out)
{
    assert_string_equal(tag, HASH_TAG_NOISE);
    buf_add(ctx, hash_as_bytes(digest));
    memset(out->b, 0, sizeof(out->b));
    return OK;
}

static void statement_make(struct buf *out)
{
    struct signer signer = {.sign = show_digest, .ctx = out};
    struct channel_identity identity = {.not_after_ms = 0};
    struct hash chain = id_of(0x11);
    struct hash transport = id_of(0x0a);
    assert_int_equal(
        channel_statement_sign(&identity, &signer, &chain, transport.b, T0),
        OK);
}

/* ---- blobs ---- */

static uint8_t content[BLOB_CHUNK_BYTES + 1];

static void chunk_id(size_t start, size_t len, struct hash *out)
{
    memset(content, 0xab, sizeof(content));
    blob_chunk_hash(bytes_make(content + start, len), out);
}

static void chunk0_make(struct buf *out)
{
    struct hash id;
    chunk_id(0, BLOB_CHUNK_BYTES, &id);
    buf_add(out, hash_as_bytes(&id));
}

static void chunk1_make(struct buf *out)
{
    struct hash id;
    chunk_id(BLOB_CHUNK_BYTES, 1, &id);
    buf_add(out, hash_as_bytes(&id));
}

static void blob_manifest_make(struct buf *out)
{
    struct hash chunks[2];
    struct blob_manifest m = {sizeof(content), 2, chunks};
    chunk_id(0, BLOB_CHUNK_BYTES, &chunks[0]);
    chunk_id(BLOB_CHUNK_BYTES, 1, &chunks[1]);
    blob_manifest_encode(&m, out);
}

static void empty_manifest_make(struct buf *out)
{
    struct blob_manifest m = {0, 0, NULL};
    blob_manifest_encode(&m, out);
}

static enum err blob_manifest_again(struct bytes bytes, struct arena *arena,
                                    struct buf *out)
{
    struct blob_manifest m;
    (void)arena;
    TRY(blob_manifest_decode(bytes, &m));
    blob_manifest_encode(&m, out);
    blob_manifest_done(&m);
    return out->err;
}

static void id_of_manifest(void (*make)(struct buf *out), struct hash *out)
{
    struct buf manifest;
    buf_init(&manifest, FRAME_MAX);
    make(&manifest);
    blob_id(buf_bytes(&manifest), out);
    buf_done(&manifest);
}

static void blob_id_make(struct buf *out)
{
    struct hash id;
    id_of_manifest(blob_manifest_make, &id);
    buf_add(out, hash_as_bytes(&id));
}

static void empty_id_make(struct buf *out)
{
    struct hash id;
    id_of_manifest(empty_manifest_make, &id);
    buf_add(out, hash_as_bytes(&id));
}

static void blob_tree_make(struct buf *out)
{
    struct blob_tree tree;
    struct hash text = id_of(0x0b);
    struct hash id;
    id_of_manifest(blob_manifest_make, &id);
    blob_tree_init(&tree);
    assert_int_equal(
        blob_tree_add(&tree, "a/run.sh", 0755, sizeof(content), &id), OK);
    assert_int_equal(blob_tree_add(&tree, "a/b", 0644, 7, &text), OK);
    assert_int_equal(blob_tree_sort(&tree, NULL), OK);
    blob_tree_encode(&tree, out);
    blob_tree_done(&tree);
}

static enum err blob_tree_again(struct bytes bytes, struct arena *arena,
                                struct buf *out)
{
    struct blob_tree tree;
    (void)arena;
    TRY(blob_tree_decode(bytes, &tree));
    blob_tree_encode(&tree, out);
    blob_tree_done(&tree);
    return out->err;
}

/* ---- the table ---- */

/* ---- audits ---- */

#define AUDIT_AGAIN(noun)                                                      \
    static enum err audit_##noun##_again(struct bytes bytes,                   \
                                         struct arena *arena, struct buf *out) \
    {                                                                          \
        struct audit_##noun m;                                                 \
        TRY(audit_##noun##_decode(bytes, arena, &m));                          \
        audit_##noun##_encode(&m, out);                                        \
        return out->err;                                                       \
    }

static void audit_ask_make(struct buf *out)
{
    struct audit_ask m = {id_of(12), METER_FP64, 1024, 39};
    audit_ask_encode(&m, out);
}
AUDIT_AGAIN(ask)

static void audit_done_make(struct buf *out)
{
    struct audit_done m = {.nonce = id_of(12), .count = 2};
    m.hashes[0] = id_of(13);
    m.hashes[1] = id_of(14);
    audit_done_encode(&m, out);
}
AUDIT_AGAIN(done)

static void audit_open_make(struct buf *out)
{
    struct audit_open m = {id_of(12), 38, 131072};
    audit_open_encode(&m, out);
}
AUDIT_AGAIN(open)

static void audit_part_make(struct buf *out)
{
    struct audit_part m = {id_of(12), 38, 131072, BODY};
    audit_part_encode(&m, out);
}
AUDIT_AGAIN(part)

static void audit_refused_make(struct buf *out)
{
    struct audit_refused m = {id_of(12), ERR_RATE};
    audit_refused_encode(&m, out);
}
AUDIT_AGAIN(refused)

static const struct sample samples[] = {
    {"sx", sx_make, sx_again, true},
    {"txs", txs_make, txs_again, true},
    {"tx_refused", tx_refused_make, tx_refused_again, true},
    {"offer", offer_make, offer_again, true},
    {"links", links_make, links_again, true},
    {"peers", peers_make, peers_again, true},
    {"peers:none", no_peers_make, peers_again, true},
    {"hold", hold_make, hold_again, true},
    {"hold:most", hold_most_make, hold_again, true},
    {"quote", quote_make, quote_again, true},
    {"hold_refused", hold_refused_make, hold_refused_again, true},
    {"hold_release", hold_release_make, hold_release_again, true},
    {"start", start_make, start_again, true},
    {"job_state", job_state_make, job_state_again, true},
    {"job_state:end", job_state_end_make, job_state_again, true},
    {"log_get", log_get_make, log_get_again, true},
    {"log", log_make, log_again, true},
    {"log:end", log_end_make, log_again, true},
    {"receipt", receipt_make, receipt_again, true},
    {"receipt_ack", receipt_ack_make, receipt_ack_again, true},
    {"cancel", cancel_make, cancel_again, true},
    {"ask", ask_make, ask_again, true},
    {"grant", grant_make, grant_again, true},
    {"audit_ask", audit_ask_make, audit_ask_again, true},
    {"audit_done", audit_done_make, audit_done_again, true},
    {"audit_open", audit_open_make, audit_open_again, true},
    {"audit_part", audit_part_make, audit_part_again, true},
    {"audit_refused", audit_refused_make, audit_refused_again, true},
    {"get_manifest", get_manifest_make, bulk_again, false},
    {"manifest", manifest_make, bulk_again, false},
    {"get_chunk", get_chunk_make, bulk_again, false},
    {"chunk", chunk_make, bulk_again, false},
    {"refused", refused_make, bulk_again, false},
    {"refused:whole", refused_whole_make, bulk_again, false},
    {"get_probe", get_probe_make, bulk_again, false},
    {"channel_offer", channel_offer_make, channel_offer_again, false},
    {"channel_hello", channel_hello_make, channel_hello_again, false},
    {"channel_statement", statement_make, NULL, false},
    {"blob_chunk:0", chunk0_make, NULL, false},
    {"blob_chunk:1", chunk1_make, NULL, false},
    {"blob_manifest", blob_manifest_make, blob_manifest_again, false},
    {"blob_id", blob_id_make, NULL, false},
    {"blob_manifest:empty", empty_manifest_make, blob_manifest_again, false},
    {"blob_id:empty", empty_id_make, NULL, false},
    {"blob_tree", blob_tree_make, blob_tree_again, false},
};
#define SAMPLE_COUNT (sizeof(samples) / sizeof(samples[0]))

static bool met[SAMPLE_COUNT];

static const struct sample *find(const char *name)
{
    for (size_t i = 0; i < SAMPLE_COUNT; i++) {
        if (strcmp(samples[i].name, name) != 0)
            continue;
        met[i] = true;
        return &samples[i];
    }
    fail_msg("no sample for the vector %s", name);
    return NULL;
}

static void same(const char *name, struct bytes got, struct bytes want)
{
    char hex[2 * VECTOR_BYTES_MAX + 1];
    if (bytes_equal(got, want))
        return;
    if (got.len <= VECTOR_BYTES_MAX)
        hex_encode(got, hex);
    fail_msg("%s is spelled %s", name, hex);
}

/* ---- what must hold ---- */

static void check_spelling(const struct vector *vector)
{
    struct buf made;
    buf_init(&made, FRAME_MAX);
    find(vector->name)->make(&made);
    assert_int_equal(made.err, OK);
    same(vector->name, buf_bytes(&made), vector->bytes);
    buf_done(&made);
}

static void every_message_has_the_bytes_of_its_vector(void **state)
{
    (void)state;
    memset(met, 0, sizeof(met));
    vectors_each("wire.hex", check_spelling);
    for (size_t i = 0; i < SAMPLE_COUNT; i++)
        if (!met[i])
            fail_msg("no vector for the sample %s", samples[i].name);
}

static enum err read_again(const struct sample *sample, struct bytes bytes,
                           struct buf *out)
{
    struct arena arena;
    enum err err;
    arena_init(&arena, 1024u * 1024);
    buf_init(out, FRAME_MAX);
    err = sample->again(bytes, &arena, out);
    arena_done(&arena);
    return err;
}

static void check_reading(const struct vector *vector)
{
    const struct sample *sample = find(vector->name);
    struct buf out;
    if (sample->again == NULL)
        return;
    assert_int_equal(read_again(sample, vector->bytes, &out), OK);
    same(vector->name, buf_bytes(&out), vector->bytes);
    buf_done(&out);
}

static void every_message_is_read_as_it_was_spelled(void **state)
{
    (void)state;
    vectors_each("wire.hex", check_reading);
}

static void check_cuts(const struct vector *vector)
{
    const struct sample *sample = find(vector->name);
    uint8_t longer[VECTOR_BYTES_MAX + 1];
    struct buf out;
    if (sample->again == NULL)
        return;
    for (size_t len = 0; len < vector->bytes.len; len++) {
        enum err err = read_again(sample, bytes_make(vector->raw, len), &out);
        buf_done(&out);
        if (err == OK)
            fail_msg("%s is read from %zu bytes", vector->name, len);
    }
    memcpy(longer, vector->raw, vector->bytes.len);
    longer[vector->bytes.len] = 0;
    assert_int_equal(
        read_again(sample, bytes_make(longer, vector->bytes.len + 1), &out),
        ERR_TRAILING);
    buf_done(&out);
}

static void no_message_is_read_from_fewer_or_more_bytes(void **state)
{
    (void)state;
    vectors_each("wire.hex", check_cuts);
}

/* The second byte is the kind, the third the version (wire_peek relies on it).
 */
static void check_head(const struct vector *vector)
{
    const struct sample *sample = find(vector->name);
    uint8_t raw[VECTOR_BYTES_MAX];
    struct bytes bytes = bytes_make(raw, vector->bytes.len);
    struct buf out;
    if (sample->again == NULL)
        return;
    memcpy(raw, vector->raw, vector->bytes.len);
    raw[1] = 0x7f;
    assert_int_equal(read_again(sample, bytes, &out), ERR_KIND);
    buf_done(&out);
    raw[1] = vector->raw[1];
    raw[2] = 2;
    assert_int_equal(read_again(sample, bytes, &out), ERR_VERSION);
    buf_done(&out);
}

static void no_other_kind_or_version_is_read(void **state)
{
    (void)state;
    vectors_each("wire.hex", check_head);
}

static void check_peek(const struct vector *vector)
{
    enum wire_kind kind;
    uint8_t raw[3];
    if (!find(vector->name)->link)
        return;
    assert_int_equal(wire_peek(vector->bytes, &kind), OK);
    assert_int_equal(kind, vector->raw[1]);
    memcpy(raw, vector->raw, sizeof(raw));
    raw[2] = 2;
    assert_int_equal(wire_peek(BYTES_OF(raw), &kind), ERR_VERSION);
    raw[1] = 0x7f;
    assert_int_equal(wire_peek(BYTES_OF(raw), &kind), ERR_KIND);
}

static void a_links_message_shows_its_kind_at_a_glance(void **state)
{
    (void)state;
    vectors_each("wire.hex", check_peek);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_has_the_bytes_of_its_vector),
        cmocka_unit_test(every_message_is_read_as_it_was_spelled),
        cmocka_unit_test(no_message_is_read_from_fewer_or_more_bytes),
        cmocka_unit_test(no_other_kind_or_version_is_read),
        cmocka_unit_test(a_links_message_shows_its_kind_at_a_glance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
