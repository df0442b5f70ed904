#include "sched/learn/rankmodel.h"

#include "base/check.h"
#include "base/mp.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RANKMODEL_KIND    1u
#define RANKMODEL_VERSION 1u
#define HEAD_FIELDS       2u
#define BODY_FIELDS       11u
#define SHAPE_FIELDS      4u
#define ARENA_MAX         (32u * RANKMODEL_BYTES_MAX) /* values of one byte */

const struct rankmodel_trial *rankmodel_trial_of(const struct rankmodel *model,
                                                 uint32_t starts)
{
    CHECK(model->trial_count <= RANKMODEL_TRIALS_MAX);
    for (uint32_t i = 0; i < model->trial_count; i++)
        if (model->trials[i].starts == starts)
            return &model->trials[i];
    return NULL;
}

bool rankmodel_beats(const struct rankmodel *model)
{
    const struct rankmodel_trial *t = rankmodel_trial_of(model, model->starts);
    return t != NULL && t->accepted > t->incumbent;
}

/* ---- writing ---- */

static void put_weights(struct buf *body, const struct ranknet *net)
{
    uint8_t *bytes = malloc(4 * RANKNET_WEIGHTS);
    if (bytes == NULL) {
        body->err = ERR_NOMEM;
        return;
    }
    for (uint32_t i = 0; i < RANKNET_WEIGHTS; i++) {
        uint32_t bits;
        memcpy(&bits, &net->w[i], sizeof(bits));
        u32le_put(bytes + 4 * (size_t)i, bits);
    }
    mp_put_bin(body, bytes_make(bytes, 4 * RANKNET_WEIGHTS));
    free(bytes);
}

static void put_body(struct buf *body, const struct rankmodel *m)
{
    mp_put_array(body, BODY_FIELDS);
    mp_put_array(body, SHAPE_FIELDS);
    mp_put_uint(body, RANKNET_HIDDEN);
    mp_put_uint(body, RANKNET_ROUNDS);
    mp_put_uint(body, SCENE_NODE_WIDTH);
    mp_put_uint(body, SCENE_PART_WIDTH);
    mp_put_str(body, m->topology);
    mp_put_uint(body, m->nodes);
    mp_put_uint(body, m->links);
    mp_put_uint(body, m->rate_millionth);
    mp_put_uint(body, m->seed);
    mp_put_uint(body, m->requests);
    mp_put_uint(body, m->starts);
    mp_put_array(body, m->trial_count);
    for (uint32_t i = 0; i < m->trial_count; i++) {
        mp_put_array(body, 3);
        mp_put_uint(body, m->trials[i].starts);
        mp_put_uint(body, m->trials[i].accepted);
        mp_put_uint(body, m->trials[i].incumbent);
    }
    mp_put_bool(body, rankmodel_beats(m));
    put_weights(body, &m->net);
}

void rankmodel_encode(const struct rankmodel *model, struct buf *out)
{
    struct buf body;
    struct hash sum;
    buf_init(&body, RANKMODEL_BYTES_MAX);
    put_body(&body, model);
    if (body.err != OK) {
        out->err = out->err != OK ? out->err : body.err;
    } else {
        hash_bytes(HASH_TAG_MODEL, buf_bytes(&body), &sum);
        mp_put_message(out, RANKMODEL_KIND, RANKMODEL_VERSION, HEAD_FIELDS);
        mp_put_bin(out, buf_bytes(&body));
        mp_put_hash(out, &sum);
    }
    buf_done(&body);
}

/* ---- reading ---- */

static void get_weights(struct mp_reader *r, struct ranknet *net)
{
    struct bytes bytes = mp_get_bin(r, 4 * RANKNET_WEIGHTS);
    if (r->err != OK)
        return;
    if (bytes.len != 4 * RANKNET_WEIGHTS) {
        mp_fail(r, ERR_RANGE);
        return;
    }
    for (uint32_t i = 0; i < RANKNET_WEIGHTS; i++) {
        uint32_t bits = u32le_get(bytes.ptr + 4 * (size_t)i);
        memcpy(&net->w[i], &bits, sizeof(bits));
        if (!(fabsf(net->w[i]) <= (float)RANKMODEL_WEIGHT_MAX))
            mp_fail(r, ERR_RANGE);
    }
}

static void get_shape(struct mp_reader *r)
{
    const uint32_t shape[SHAPE_FIELDS] = {RANKNET_HIDDEN, RANKNET_ROUNDS,
                                          SCENE_NODE_WIDTH, SCENE_PART_WIDTH};
    mp_enter_exact(r, SHAPE_FIELDS);
    for (uint32_t i = 0; i < SHAPE_FIELDS; i++)
        if (mp_get_uint(r) != shape[i])
            mp_fail(r, ERR_VERSION);
    mp_leave(r);
}

static void get_trials(struct mp_reader *r, struct rankmodel *m)
{
    uint32_t count = mp_enter(r);
    uint32_t before = 0;
    if (count < 1 || count > RANKMODEL_TRIALS_MAX)
        mp_fail(r, ERR_RANGE);
    for (uint32_t i = 0; r->err == OK && i < count; i++) {
        struct rankmodel_trial *t = &m->trials[i];
        mp_enter_exact(r, 3);
        t->starts = (uint32_t)mp_get_uint_max(r, TOPOLOGY_NODES_MAX);
        t->accepted = mp_get_uint_max(r, m->requests);
        t->incumbent = mp_get_uint_max(r, m->requests);
        mp_leave(r);
        if (t->starts <= before)
            mp_fail(r, ERR_RANGE);
        before = t->starts;
        m->trial_count = i + 1;
    }
    mp_leave(r);
}

static void get_body(struct mp_reader *r, struct rankmodel *m)
{
    mp_enter_exact(r, BODY_FIELDS);
    get_shape(r);
    mp_get_text(r, m->topology, sizeof(m->topology));
    m->nodes = (uint32_t)mp_get_uint_max(r, TOPOLOGY_NODES_MAX);
    m->links = (uint32_t)mp_get_uint_max(r, TOPOLOGY_LINKS_MAX);
    m->rate_millionth = mp_get_uint_max(r, UINT64_C(1000000000000000));
    m->seed = mp_get_uint(r);
    m->requests = mp_get_uint(r);
    m->starts = (uint32_t)mp_get_uint_max(r, TOPOLOGY_NODES_MAX);
    get_trials(r, m);
    if (r->err == OK && rankmodel_trial_of(m, m->starts) == NULL)
        mp_fail(r, ERR_RANGE);
    if (mp_get_bool(r) != rankmodel_beats(m))
        mp_fail(r, ERR_RANGE);
    get_weights(r, &m->net);
    mp_leave(r);
}

static enum err read_body(struct bytes body, struct rankmodel *m)
{
    struct mp_reader r;
    struct arena arena;
    enum err err;
    arena_init(&arena, ARENA_MAX);
    err = mp_open(&r, body, &arena);
    if (err == OK) {
        get_body(&r, m);
        err = mp_close(&r);
    }
    arena_done(&arena);
    return err;
}

static enum err read_head(struct bytes bytes, struct bytes *out_body)
{
    struct mp_reader r;
    struct arena arena;
    struct hash sum, told;
    enum err err;
    arena_init(&arena, ARENA_MAX);
    err = mp_open_message(&r, bytes, &arena, RANKMODEL_KIND, RANKMODEL_VERSION,
                          HEAD_FIELDS);
    if (err == OK) {
        *out_body = mp_get_bin(&r, RANKMODEL_BYTES_MAX);
        mp_get_hash(&r, &told);
        mp_leave(&r);
        err = mp_close(&r);
    }
    if (err == OK) {
        hash_bytes(HASH_TAG_MODEL, *out_body, &sum);
        err = hash_equal(&sum, &told) ? OK : ERR_CHECKSUM;
    }
    arena_done(&arena);
    return err;
}

enum err rankmodel_decode(struct bytes bytes, struct rankmodel *out)
{
    struct rankmodel *m;
    struct bytes body = {0};
    enum err err;
    if (bytes.len > RANKMODEL_BYTES_MAX)
        return ERR_TOO_LARGE;
    TRY(read_head(bytes, &body));
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return ERR_NOMEM;
    err = read_body(body, m);
    if (err == OK)
        *out = *m;
    free(m);
    return err;
}
