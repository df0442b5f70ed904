#include "ledger/sx/sx_msg.h"

#include "base/check.h"

#include <string.h>

/* ---- writing ---- */

static void put_blob(struct buf *out, struct bytes bytes)
{
    CHECK(bytes.len <= UINT32_MAX);
    buf_add_u32le(out, (uint32_t)bytes.len);
    buf_add(out, bytes);
}

static void put_propose(const struct sx_msg *msg, struct buf *out)
{
    CHECK(msg->null_count <= SX_NULLS_MAX);
    vote_encode(&msg->vote, out);
    put_blob(out, msg->cert);
    buf_add_u8(out, (uint8_t)msg->null_count);
    for (uint32_t i = 0; i < msg->null_count; i++)
        put_blob(out, msg->nulls[i]);
    put_blob(out, msg->block);
}

static void put_status(const struct sx_msg *msg, struct buf *out)
{
    buf_add_u64le(out, msg->epoch);
    buf_add_u64le(out, msg->view);
    buf_add_u64le(out, msg->final_view);
    buf_add_u64le(out, msg->height);
    buf_add_u64le(out, msg->base);
    put_blob(out, msg->cert);
}

static void put_items(const struct sx_msg *msg, struct buf *out)
{
    CHECK(msg->item_count <= SX_PAGES_MAX);
    buf_add_u8(out, (uint8_t)msg->item_count);
    for (uint32_t i = 0; i < msg->item_count; i++)
        put_blob(out, msg->items[i]);
}

static void put_steps(const struct sx_msg *msg, struct buf *out)
{
    size_t peaks = msg->peaks.len / HASH_LEN;
    CHECK(msg->item_count <= SX_STEPS_MAX && peaks <= SX_PEAKS_MAX);
    put_items(msg, out);
    buf_add_u8(out, (uint8_t)peaks);
    buf_add(out, msg->peaks);
}

static void put_get_pages(const struct sx_msg *msg, struct buf *out)
{
    CHECK(msg->item_count > 0 && msg->item_count <= SX_PAGES_MAX);
    buf_add_u8(out, (uint8_t)msg->item_count);
    for (uint32_t i = 0; i < msg->item_count; i++)
        buf_add(out, msg->items[i]);
}

/* What the four begin with. */
static void put_ask(const struct sx_msg *msg, struct buf *out)
{
    buf_add_u32le(out, msg->ask);
    buf_add_u64le(out, msg->epoch);
}

static void put_finals(const struct sx_msg *msg, struct buf *out)
{
    CHECK(msg->header_count > 0 && msg->header_count <= SX_RUN_MAX);
    CHECK(msg->headers.len == (size_t)msg->header_count * HEADER_BYTES);
    CHECK(msg->block_count == 0 || msg->block_count == msg->header_count);
    buf_add_u64le(out, msg->height);
    buf_add_u16le(out, (uint16_t)msg->header_count);
    buf_add(out, msg->headers);
    put_blob(out, msg->cert);
    for (uint32_t i = 0; i < msg->block_count; i++)
        put_blob(out, msg->blocks[i]);
}

void sx_msg_encode(const struct sx_msg *msg, struct buf *out)
{
    buf_add_u8(out, (uint8_t)msg->tag);
    switch (msg->tag) {
    case SX_MSG_PROPOSE:
        put_propose(msg, out);
        return;
    case SX_MSG_VOTE:
        vote_encode(&msg->vote, out);
        return;
    case SX_MSG_CERT:
        buf_add(out, msg->cert);
        return;
    case SX_MSG_STATUS:
        put_status(msg, out);
        return;
    case SX_MSG_GET_CERTS:
        buf_add_u64le(out, msg->epoch);
        buf_add_u64le(out, msg->view);
        buf_add_u64le(out, msg->to);
        return;
    case SX_MSG_GET_BLOCK:
        buf_add(out, hash_as_bytes(&msg->id));
        return;
    case SX_MSG_BLOCK:
        buf_add(out, msg->block);
        return;
    case SX_MSG_GET_FINALS:
        buf_add_u64le(out, msg->height);
        return;
    case SX_MSG_FINALS:
        put_finals(msg, out);
        return;
    case SX_MSG_LINK:
        buf_add(out, BYTES_OF(msg->key.b));
        buf_add(out, BYTES_OF(msg->sig.b));
        return;
    case SX_MSG_GET_STEPS:
        put_ask(msg, out);
        return;
    case SX_MSG_STEPS:
        put_ask(msg, out);
        put_steps(msg, out);
        return;
    case SX_MSG_GET_PAGES:
        put_ask(msg, out);
        put_get_pages(msg, out);
        return;
    case SX_MSG_PAGES:
        put_ask(msg, out);
        put_items(msg, out);
        return;
    }
    CHECK(false); /* a tag is one of fourteen */
}

/* ---- reading ---- */

static struct bytes take_blob(struct cursor *cursor, size_t max)
{
    uint32_t len = cursor_u32le(cursor);
    if (cursor->err == OK && len > max)
        cursor->err = ERR_RANGE;
    return cursor_take(cursor, len);
}

static struct bytes take_rest(struct cursor *cursor, size_t max)
{
    size_t len = cursor->rest.len;
    if (cursor->err == OK && len > max)
        cursor->err = ERR_RANGE;
    return cursor_take(cursor, len);
}

static void take_vote(struct cursor *cursor, struct vote *out)
{
    struct bytes raw = cursor_take(cursor, VOTE_BYTES);
    if (cursor->err == OK)
        cursor->err = vote_decode(raw, out);
}

static void take_propose(struct cursor *cursor, struct sx_msg *out)
{
    take_vote(cursor, &out->vote);
    if (cursor->err == OK && out->vote.kind != VOTE_NOTARIZE)
        cursor->err = ERR_KIND;
    out->cert = take_blob(cursor, CERT_BYTES_MAX);
    out->null_count = cursor_u8(cursor);
    if (cursor->err == OK && out->null_count > SX_NULLS_MAX)
        cursor->err = ERR_RANGE;
    for (uint32_t i = 0; i < out->null_count && cursor->err == OK; i++)
        out->nulls[i] = take_blob(cursor, CERT_BYTES_MAX);
    out->block = take_blob(cursor, LIMIT_BLOCK_BYTES);
}

static void take_status(struct cursor *cursor, struct sx_msg *out)
{
    out->epoch = cursor_u64le(cursor);
    out->view = cursor_u64le(cursor);
    out->final_view = cursor_u64le(cursor);
    out->height = cursor_u64le(cursor);
    out->base = cursor_u64le(cursor);
    if (cursor->err == OK && out->base > out->height)
        cursor->err = ERR_RANGE;
    out->cert = take_blob(cursor, CERT_BYTES_MAX);
}

static void take_finals(struct cursor *cursor, struct sx_msg *out)
{
    out->height = cursor_u64le(cursor);
    out->header_count = cursor_u16le(cursor);
    if (cursor->err == OK &&
        (out->header_count == 0 || out->header_count > SX_RUN_MAX))
        cursor->err = ERR_RANGE;
    out->headers =
        cursor_take(cursor, (size_t)out->header_count * HEADER_BYTES);
    out->cert = take_blob(cursor, CERT_BYTES_MAX);
    if (cursor->err != OK || cursor->rest.len == 0)
        return;
    out->block_count = out->header_count;
    size_t room = SX_WHOLE_BYTES;
    for (uint32_t i = 0; i < out->block_count && cursor->err == OK; i++) {
        out->blocks[i] = take_blob(cursor, room);
        room -= out->blocks[i].len;
    }
}

static void take_get_certs(struct cursor *cursor, struct sx_msg *out)
{
    out->epoch = cursor_u64le(cursor);
    out->view = cursor_u64le(cursor);
    out->to = cursor_u64le(cursor);
    if (cursor->err == OK && (out->view == 0 || out->to < out->view))
        cursor->err = ERR_RANGE;
}

static void take_ask(struct cursor *cursor, struct sx_msg *out)
{
    out->ask = cursor_u32le(cursor);
    out->epoch = cursor_u64le(cursor);
}

static void take_count(struct cursor *cursor, uint32_t low, uint32_t high,
                       uint32_t *out)
{
    *out = cursor_u8(cursor);
    if (cursor->err == OK && (*out < low || *out > high))
        cursor->err = ERR_RANGE;
}

static void take_items(struct cursor *cursor, uint32_t max, struct sx_msg *out)
{
    take_count(cursor, 0, max, &out->item_count);
    for (uint32_t i = 0; i < out->item_count && cursor->err == OK; i++)
        out->items[i] = take_blob(cursor, SX_SYNC_BYTES);
}

static void take_steps(struct cursor *cursor, struct sx_msg *out)
{
    uint32_t peaks = 0;
    take_items(cursor, SX_STEPS_MAX, out);
    take_count(cursor, 0, out->item_count > 0 ? SX_PEAKS_MAX : 0, &peaks);
    out->peaks = cursor_take(cursor, (size_t)peaks * HASH_LEN);
}

/* The key of a page, in its one spelling: half a byte too much is zero. */
static struct bytes take_page_key(struct cursor *cursor)
{
    struct bytes rest = cursor->rest;
    unsigned level = cursor_u8(cursor);
    if (cursor->err == OK && level >= 64)
        cursor->err = ERR_RANGE;
    struct bytes prefix = cursor_take(cursor, (level + 1) / 2);
    if (cursor->err == OK && level % 2 == 1 &&
        (prefix.ptr[prefix.len - 1] & 15u) != 0)
        cursor->err = ERR_NOT_CANONICAL;
    return bytes_make(rest.ptr, 1 + prefix.len);
}

static void take_get_pages(struct cursor *cursor, struct sx_msg *out)
{
    take_count(cursor, 1, SX_PAGES_MAX, &out->item_count);
    for (uint32_t i = 0; i < out->item_count && cursor->err == OK; i++)
        out->items[i] = take_page_key(cursor);
}

static enum err take_body(struct cursor *cursor, struct sx_msg *out)
{
    switch (out->tag) {
    case SX_MSG_PROPOSE:
        take_propose(cursor, out);
        return OK;
    case SX_MSG_VOTE:
        take_vote(cursor, &out->vote);
        return OK;
    case SX_MSG_CERT:
        out->cert = take_rest(cursor, CERT_BYTES_MAX);
        return OK;
    case SX_MSG_STATUS:
        take_status(cursor, out);
        return OK;
    case SX_MSG_GET_CERTS:
        take_get_certs(cursor, out);
        return OK;
    case SX_MSG_GET_BLOCK:
        cursor_copy(cursor, out->id.b, HASH_LEN);
        return OK;
    case SX_MSG_BLOCK:
        out->block = take_rest(cursor, LIMIT_BLOCK_BYTES);
        return OK;
    case SX_MSG_GET_FINALS:
        out->height = cursor_u64le(cursor);
        return OK;
    case SX_MSG_FINALS:
        take_finals(cursor, out);
        return OK;
    case SX_MSG_LINK:
        cursor_copy(cursor, out->key.b, sizeof(out->key.b));
        cursor_copy(cursor, out->sig.b, sizeof(out->sig.b));
        return OK;
    case SX_MSG_GET_STEPS:
        take_ask(cursor, out);
        return OK;
    case SX_MSG_STEPS:
        take_ask(cursor, out);
        take_steps(cursor, out);
        return OK;
    case SX_MSG_GET_PAGES:
        take_ask(cursor, out);
        take_get_pages(cursor, out);
        return OK;
    case SX_MSG_PAGES:
        take_ask(cursor, out);
        take_items(cursor, SX_PAGES_MAX, out);
        return OK;
    }
    return ERR_KIND;
}

enum err sx_msg_decode(struct bytes bytes, struct sx_msg *out)
{
    struct cursor cursor;
    memset(out, 0, sizeof(*out));
    cursor_init(&cursor, bytes);
    out->tag = (enum sx_tag)cursor_u8(&cursor);
    if (cursor.err != OK)
        return cursor.err;
    TRY(take_body(&cursor, out));
    return cursor_finish(&cursor);
}

/* ---- a page with its records ---- */

static struct bytes take_short(struct cursor *cursor)
{
    return cursor_take(cursor, cursor_u16le(cursor));
}

static void put_short(struct buf *out, struct bytes bytes)
{
    CHECK(bytes.len <= UINT16_MAX);
    buf_add_u16le(out, (uint16_t)bytes.len);
    buf_add(out, bytes);
}

enum err sx_page_item_decode(struct bytes bytes, struct sx_page_item *out)
{
    struct cursor cursor;
    memset(out, 0, sizeof(*out));
    cursor_init(&cursor, bytes);
    out->page = take_short(&cursor);
    while (cursor.err == OK && cursor.rest.len > 0) {
        if (out->count == 16)
            return ERR_RANGE;
        out->keys[out->count] = take_short(&cursor);
        out->values[out->count++] = take_short(&cursor);
    }
    return cursor_finish(&cursor);
}

void sx_page_item_encode(const struct sx_page_item *item, struct buf *out)
{
    CHECK(item->count <= 16);
    put_short(out, item->page);
    for (uint32_t i = 0; i < item->count; i++) {
        put_short(out, item->keys[i]);
        put_short(out, item->values[i]);
    }
}
