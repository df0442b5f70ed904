#include "market/links.h"
#include "market/message.h"

#include "base/check.h"

#define LINKS_FIELDS 5 /* and the signature */
#define ROW_FIELDS   (1 + LINK_FIGURES + 2 * LINK_KINDS)

/* [peer, figures in the order of LINK_MAP (0: not known, else one more than
 * the value), then of each kind age in ms and samples]. */
static void row_put(const struct links_row *row, struct buf *out)
{
    mp_put_array(out, ROW_FIELDS);
    mp_put_pubkey(out, &row->peer);
    for (unsigned f = 0; f < LINK_FIGURES; f++)
        mp_put_uint(out, link_has(&row->link, (enum link_figure)f)
                             ? (uint64_t)row->link.of[f].value + 1
                             : 0);
    for (unsigned k = 0; k < LINK_KINDS; k++) {
        mp_put_uint(out, row->link.at_ms[k]);
        mp_put_uint(out, row->link.samples[k]);
    }
}

static void row_get(struct mp_reader *reader, struct links_row *out)
{
    mp_enter_exact(reader, ROW_FIELDS);
    mp_get_pubkey(reader, &out->peer);
    for (unsigned f = 0; f < LINK_FIGURES; f++) {
        uint64_t value = mp_get_uint_max(
            reader, (uint64_t)link_row((enum link_figure)f)->most + 1);
        if (value > 0)
            out->link.of[f] =
                (struct metric){(uint32_t)(value - 1), METRIC_MEASURED};
    }
    for (unsigned k = 0; k < LINK_KINDS; k++) {
        out->link.at_ms[k] = mp_get_uint(reader);
        out->link.samples[k] = (uint32_t)mp_get_uint_max(reader, UINT32_MAX);
    }
    mp_leave(reader);
}

static void links_body(const struct links *links, bool signed_too,
                       struct buf *out)
{
    CHECK(links->count <= LINKS_ROWS_MAX);
    mp_put_message(out, MESSAGE_LINKS, MESSAGE_VERSION,
                   LINKS_FIELDS + signed_too);
    mp_put_pubkey(out, &links->origin);
    mp_put_uint(out, links->version);
    mp_put_uint(out, links->issued_at_ms);
    mp_put_uint(out, links->ttl_ms);
    mp_put_array(out, links->count);
    for (uint32_t i = 0; i < links->count; i++)
        row_put(&links->rows[i], out);
    if (signed_too)
        mp_put_signature(out, &links->sig);
}

static enum err links_digest(const struct links *links,
                             const struct hash *chain, struct hash *out)
{
    struct buf unsigned_bytes;
    buf_init(&unsigned_bytes, LINKS_BYTES_MAX);
    links_body(links, false, &unsigned_bytes);
    return message_digest(&unsigned_bytes, HASH_TAG_LINKS, chain, out);
}

enum err links_sign(struct links *links, const struct hash *chain,
                    const struct signer *signer)
{
    struct hash digest;
    links->origin = signer->key;
    TRY(links_form(links));
    TRY(links_digest(links, chain, &digest));
    return message_sign(signer, HASH_TAG_LINKS, &digest, &links->sig);
}

enum err links_encode(const struct links *links, struct buf *out)
{
    TRY(links_form(links));
    links_body(links, true, out);
    return out->err;
}

enum err links_decode(struct bytes bytes, struct arena *arena,
                      struct links *out)
{
    struct mp_reader reader;
    struct links links = {0};

    if (bytes.len > LINKS_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(mp_open_message(&reader, bytes, arena, MESSAGE_LINKS, MESSAGE_VERSION,
                        LINKS_FIELDS + 1));
    mp_get_pubkey(&reader, &links.origin);
    links.version = mp_get_uint(&reader);
    links.issued_at_ms = mp_get_uint(&reader);
    links.ttl_ms = mp_get_uint(&reader);
    links.count = mp_enter(&reader);
    if (links.count > LINKS_ROWS_MAX)
        mp_fail(&reader, ERR_RANGE);
    for (uint32_t i = 0; i < links.count && reader.err == OK; i++)
        row_get(&reader, &links.rows[i]);
    mp_leave(&reader);
    mp_get_signature(&reader, &links.sig);
    mp_leave(&reader);
    TRY(mp_close(&reader));
    TRY(links_form(&links));
    *out = links;
    return OK;
}

enum err links_verify(const struct links *links, const struct hash *chain)
{
    struct hash digest;
    TRY(links_digest(links, chain, &digest));
    return sign_verify(&links->origin, &digest, &links->sig);
}
