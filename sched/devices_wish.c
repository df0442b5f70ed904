/* What a task wishes of an offer's devices: its form, bytes and text. */

#include "sched/devices.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"

static bool models_ok(const struct device_wish *wish)
{
    if (wish->model_count > DEVICE_MODELS_MAX)
        return false;
    for (uint32_t i = 0; i < wish->model_count; i++) {
        if (!device_name_ok(wish->models[i]))
            return false;
        for (uint32_t k = 0; k < i; k++) {
            if (strcmp(wish->models[i], wish->models[k]) == 0)
                return false;
        }
    }
    return true;
}

enum err device_wish_form(const struct device_wish *wish)
{
    if (wish->count == 0)
        return wish->kind == 0 && wish->milli == 0 && wish->mem_mib == 0 &&
                       wish->model_count == 0
                   ? OK
                   : ERR_RANGE;
    if (wish->count > MACHINE_DEVICES_MAX || wish->milli == 0 ||
        wish->milli > DEVICE_MILLI)
        return ERR_RANGE;
    if (wish->kind < DEVICE_GPU || wish->kind > DEVICE_P4)
        return ERR_RANGE;
    return models_ok(wish) ? OK : ERR_RANGE;
}

bool device_wish_same(const struct device_wish *a, const struct device_wish *b)
{
    if (a->kind != b->kind || a->count != b->count || a->milli != b->milli ||
        a->mem_mib != b->mem_mib || a->model_count != b->model_count)
        return false;
    for (uint32_t i = 0; i < a->model_count; i++) {
        if (strcmp(a->models[i], b->models[i]) != 0)
            return false;
    }
    return true;
}

void device_wish_encode(const struct device_wish *wish, struct buf *out)
{
    CHECK(wish->model_count <= DEVICE_MODELS_MAX);
    mp_put_array(out, wish->count == 0 ? 0 : 5);
    if (wish->count == 0)
        return;
    mp_put_uint(out, wish->kind);
    mp_put_uint(out, wish->count);
    mp_put_uint(out, wish->milli);
    mp_put_uint(out, wish->mem_mib);
    mp_put_array(out, wish->model_count);
    for (uint32_t i = 0; i < wish->model_count; i++)
        mp_put_str(out, wish->models[i]);
}

static void models_get(struct mp_reader *reader, struct device_wish *out)
{
    uint32_t count = mp_enter(reader);
    if (count > DEVICE_MODELS_MAX)
        mp_fail(reader, ERR_RANGE);
    for (uint32_t i = 0; i < count && reader->err == OK; i++)
        mp_get_text(reader, out->models[i], sizeof(out->models[i]));
    mp_leave(reader);
    out->model_count = count;
}

void device_wish_decode(struct mp_reader *reader, struct device_wish *out)
{
    struct device_wish wish;
    uint32_t fields = mp_enter(reader);
    memset(&wish, 0, sizeof(wish));
    if (fields != 0 && fields != 5)
        mp_fail(reader, ERR_RANGE);
    if (fields == 5) {
        wish.kind = (enum device_kind)mp_get_uint_max(reader, DEVICE_P4);
        wish.count = (uint32_t)mp_get_uint_max(reader, MACHINE_DEVICES_MAX);
        wish.milli = (uint32_t)mp_get_uint_max(reader, DEVICE_MILLI);
        wish.mem_mib = mp_get_uint(reader);
        models_get(reader, &wish);
        if (wish.count == 0)
            mp_fail(reader, ERR_RANGE); /* that is spelled [] */
    }
    mp_leave(reader);
    if (reader->err == OK && device_wish_form(&wish) != OK)
        mp_fail(reader, ERR_RANGE);
    if (reader->err == OK)
        *out = wish;
}

/* ---- text ---- */

struct piece {
    const char *ptr;
    size_t len;
};

/* Cuts the text at the first of `stop`; false when there is no more. */
static bool next_piece(const char **at, char stop, struct piece *out)
{
    const char *end;
    if (*at == NULL)
        return false;
    end = strchr(*at, stop);
    out->ptr = *at;
    out->len = end != NULL ? (size_t)(end - *at) : strlen(*at);
    *at = end != NULL ? end + 1 : NULL;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "2", "0.5" -> thousandths. */
static bool read_milli(const char *text, size_t len, uint32_t *out)
{
    uint32_t value = 0;
    size_t i = 0;
    uint32_t unit = DEVICE_MILLI;
    for (; i < len && is_digit(text[i]) && i < 4; i++)
        value = value * 10 + (uint32_t)(text[i] - '0');
    if (i == 0)
        return false;
    value *= DEVICE_MILLI;
    if (i < len && text[i] == '.') {
        size_t first = ++i;
        for (; i < len && is_digit(text[i]) && i - first < 3; i++) {
            unit /= 10;
            value += unit * (uint32_t)(text[i] - '0');
        }
        if (i == first)
            return false;
    }
    *out = value;
    return i == len;
}

/* N, a share, or NxSHARE. */
static enum err read_amount(const struct piece *piece, struct device_wish *out)
{
    const char *times = memchr(piece->ptr, 'x', piece->len);
    size_t head = times != NULL ? (size_t)(times - piece->ptr) : piece->len;
    uint32_t devices;
    uint32_t share = DEVICE_MILLI;
    if (!read_milli(piece->ptr, head, &devices))
        return ERR_PARSE;
    if (times != NULL && !read_milli(times + 1, piece->len - head - 1, &share))
        return ERR_PARSE;
    if (times == NULL && devices < DEVICE_MILLI) {
        share = devices;
        devices = DEVICE_MILLI;
    }
    if (devices % DEVICE_MILLI != 0) /* 1.5 cards are not a thing */
        return ERR_RANGE;
    out->count = devices / DEVICE_MILLI;
    out->milli = share;
    return OK;
}

static enum err copy_lower(const struct piece *piece, char *out, size_t size)
{
    if (piece->len >= size)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < piece->len; i++) {
        char c = piece->ptr[i];
        out[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    out[piece->len] = '\0';
    return OK;
}

static enum err read_models(const struct piece *piece, struct device_wish *out)
{
    char list[DEVICE_MODELS_MAX * LIMIT_NAME] = "";
    const char *at = list;
    struct piece model = {"", 0};
    TRY(copy_lower(piece, list, sizeof(list)));
    while (next_piece(&at, '|', &model)) {
        if (out->model_count == DEVICE_MODELS_MAX)
            return ERR_TOO_LARGE;
        TRY(copy_lower(&model, out->models[out->model_count], LIMIT_NAME));
        if (!device_name_ok(out->models[out->model_count]))
            return ERR_PARSE;
        out->model_count++;
    }
    return OK;
}

static bool looks_like_amount(const struct piece *piece)
{
    struct device_wish spare;
    return read_amount(piece, &spare) != ERR_PARSE;
}

enum err device_wish_parse(const char *text, struct device_wish *out)
{
    struct device_wish wish;
    struct piece pieces[3] = {{"", 0}, {"", 0}, {"", 0}};
    char kind[8] = "";
    uint32_t count = 0;
    uint32_t next = 1;
    memset(&wish, 0, sizeof(wish));
    while (count < 3 && next_piece(&text, ':', &pieces[count]))
        count++;
    if (text != NULL)
        return ERR_PARSE;
    if (copy_lower(&pieces[0], kind, sizeof(kind)) != OK)
        return ERR_PARSE;
    TRY(device_kind_parse(kind, &wish.kind));
    wish.count = 1;
    wish.milli = DEVICE_MILLI;
    if (next < count && (count == 3 || !looks_like_amount(&pieces[next])))
        TRY(read_models(&pieces[next++], &wish));
    if (next < count)
        TRY(read_amount(&pieces[next], &wish));
    TRY(device_wish_form(&wish));
    *out = wish;
    return OK;
}

/* "0.5", "0.25". */
static void add_share(uint32_t milli, struct buf *out)
{
    int places = 3;
    for (; milli % 10 == 0; places--)
        milli /= 10;
    buf_addf(out, "0.%0*" PRIu32, places, milli);
}

void device_wish_format(const struct device_wish *wish, struct buf *out)
{
    if (wish->count == 0) {
        buf_add(out, bytes_str("none"));
        return;
    }
    buf_add(out, bytes_str(device_kind_text(wish->kind)));
    for (uint32_t i = 0; i < wish->model_count; i++)
        buf_addf(out, "%c%s", i == 0 ? ':' : '|', wish->models[i]);
    buf_add_u8(out, ':');
    if (wish->count > 1 || wish->milli == DEVICE_MILLI)
        buf_addf(out, "%" PRIu32, wish->count);
    if (wish->count > 1 && wish->milli < DEVICE_MILLI)
        buf_add_u8(out, 'x');
    if (wish->milli < DEVICE_MILLI)
        add_share(wish->milli, out);
}
