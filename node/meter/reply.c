#include "node/meter/reply.h"

#include "base/check.h"
#include "node/meter/chain.h"
#include "node/meter/matrices.h"
#include "node/meter/team.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_PER_N 64u

_Static_assert(CHAIN_LINKS_MAX == ANSWER_LINKS_MAX, "one bound");

/* ---- making ---- */

static enum err make_chain(const struct hash *nonce, struct answer_part *part)
{
    uint8_t *state = malloc(HASH_LEN);
    if (state == NULL)
        return ERR_NOMEM;
    chain_begin(nonce, part->n, part->index, state);
    chain_run(state, part->n);
    part->result = bytes_make(state, HASH_LEN);
    return OK;
}

static enum err make_product(const struct hash *nonce, struct answer_part *part)
{
    struct product product = {part->kernel, part->n, part->index};
    struct matrices matrices;
    uint8_t *c = malloc(product_bytes(&product));
    enum err err =
        c != NULL ? matrices_init(&matrices, &product, nonce) : ERR_NOMEM;
    if (err != OK) {
        free(c);
        return err;
    }
    matrices_multiply(&matrices, c);
    matrices_done(&matrices);
    part->result = bytes_make(c, product_bytes(&product));
    return OK;
}

static enum err make_part(const struct reply_order *order,
                          enum meter_kernel kernel, struct answer_part *part)
{
    uint64_t began = clock_now_ns();
    bool chain = kernel == METER_SHA256;
    memset(part, 0, sizeof(*part));
    part->kernel = kernel;
    part->n = chain ? order->n * LINKS_PER_N : order->n;
    part->cores = 1;
    part->index = order->index;
    TRY(chain ? make_chain(&order->nonce, part)
              : make_product(&order->nonce, part));
    part->took_us = (clock_now_ns() - began) / 1000 + 1;
    (void)printf("{\"event\":\"answer\",\"kernel\":\"%s\",\"n\":%" PRIu32
                 ",\"took_us\":%" PRIu64 ",\"rate\":%" PRIu64 "}\n",
                 meter_row(kernel)->name, part->n, part->took_us,
                 answer_rate(part));
    (void)fflush(stdout);
    return OK;
}

static enum err write_all(int fd, struct bytes bytes)
{
    while (bytes.len > 0) {
        ssize_t put = write(fd, bytes.ptr, bytes.len);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return errno == ENOSPC || errno == EDQUOT ? ERR_FULL : ERR_IO;
        bytes = bytes_make(bytes.ptr + put, bytes.len - (size_t)put);
    }
    return OK;
}

static enum err save(const struct answer *answer, const char *path)
{
    struct buf bytes;
    enum err err;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return errno == EEXIST ? ERR_EXISTS : ERR_IO;
    buf_init(&bytes, ANSWER_BYTES_MAX);
    err = answer_encode(answer, &bytes);
    if (err == OK)
        err = write_all(fd, buf_bytes(&bytes));
    if (close(fd) != 0 && err == OK)
        err = ERR_IO;
    if (err != OK)
        (void)unlink(path);
    buf_done(&bytes);
    return err;
}

static void free_results(struct answer *answer)
{
    for (uint32_t i = 0; i < answer->count; i++) {
        void *result;
        memcpy(&result, &answer->parts[i].result.ptr, sizeof(result));
        free(result); /* ours: made above */
    }
}

enum err reply_make(const struct reply_order *order, const char *path)
{
    static const enum meter_kernel kernels[] = {METER_SHA256, METER_FP64,
                                                METER_FP32, METER_INT8};
    struct answer answer = {.nonce = order->nonce};
    enum err err = access(path, F_OK) == 0 ? ERR_EXISTS : OK;
    for (size_t i = 0; err == OK && i < 4; i++) {
        if (!(order->mask >> kernels[i] & 1))
            continue;
        err = meter_stopped
                  ? ERR_CANCELLED
                  : make_part(order, kernels[i], &answer.parts[answer.count]);
        if (err == OK)
            answer.count++;
    }
    CHECK(err != OK || answer.count > 0);
    if (err == OK)
        err = save(&answer, path);
    free_results(&answer);
    return err;
}

static enum err one_round(const struct reply_order *order,
                          enum meter_kernel kernel, uint32_t index, void *c)
{
    struct product product = {kernel, order->n, index};
    struct matrices matrices;
    char text[HASH_TEXT_MAX];
    struct hash hash;
    TRY(matrices_init(&matrices, &product, &order->nonce));
    matrices_multiply(&matrices, c);
    matrices_done(&matrices);
    hash_bytes(HASH_TAG_ANSWER, bytes_make(c, product_bytes(&product)), &hash);
    hash_format(&hash, text);
    (void)printf("{\"event\":\"hash\",\"index\":%" PRIu32 ",\"hash\":\"%s\"}\n",
                 index, text);
    return OK;
}

enum err reply_rounds(const struct reply_order *order, uint32_t rounds)
{
    struct product product = {METER_FP64, order->n, 0};
    enum err err = OK;
    void *c;
    while ((unsigned)product.kernel < METER_KERNEL_COUNT &&
           !(order->mask >> product.kernel & 1))
        product.kernel = (enum meter_kernel)((unsigned)product.kernel + 1);
    TRY(product_form(&product));
    c = malloc(product_bytes(&product));
    if (c == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < rounds && err == OK; i++)
        err = meter_stopped ? ERR_CANCELLED
                            : one_round(order, product.kernel, i, c);
    free(c);
    (void)fflush(stdout);
    return err;
}

/* ---- checking ---- */

enum err reply_verify(const struct hash *nonce, const struct answer_part *part)
{
    struct product product = {part->kernel, part->n, part->index};
    uint8_t state[HASH_LEN];
    uint64_t seed;
    if (part->kernel == METER_SHA256) {
        chain_begin(nonce, part->n, part->index, state);
        chain_run(state, part->n);
        return bytes_equal(BYTES_OF(state), part->result) ? OK : ERR_PROOF;
    }
    randombytes_buf(&seed, sizeof(seed)); /* after the result was fixed */
    return product_verify(&product, nonce, part->result, seed);
}

static enum err read_file(const char *path, struct buf *out)
{
    static uint8_t piece[65536];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;
    enum err err = OK;
    if (fd < 0)
        return errno == ENOENT ? ERR_NOT_FOUND : ERR_IO;
    while ((got = read(fd, piece, sizeof(piece))) > 0 && out->err == OK)
        buf_add(out, bytes_make(piece, (size_t)got));
    if (got < 0)
        err = ERR_IO;
    close(fd);
    return err != OK ? err : out->err;
}

static enum err check_part(const struct answer *answer,
                           const struct answer_part *part)
{
    enum err err = reply_verify(&answer->nonce, part);
    if (err != OK && err != ERR_PROOF)
        return err;
    (void)printf("{\"event\":\"check\",\"kernel\":\"%s\",\"n\":%" PRIu32
                 ",\"took_us\":%" PRIu64 ",\"rate\":%" PRIu64
                 ",\"right\":%s}\n",
                 meter_row(part->kernel)->name, part->n, part->took_us,
                 answer_rate(part), err == OK ? "true" : "false");
    (void)fflush(stdout);
    return err;
}

enum err reply_check(const char *path, const struct hash *nonce)
{
    struct answer answer;
    struct buf bytes;
    enum err worst = OK;
    enum err err;
    buf_init(&bytes, ANSWER_BYTES_MAX + 1);
    err = read_file(path, &bytes);
    if (err == OK)
        err = answer_decode(buf_bytes(&bytes), &answer);
    if (err == OK && nonce != NULL && !hash_equal(nonce, &answer.nonce))
        err = ERR_TERMS;
    for (uint32_t i = 0; err == OK && i < answer.count; i++) {
        err = check_part(&answer, &answer.parts[i]);
        if (err == ERR_PROOF) {
            worst = err;
            err = OK;
        }
    }
    buf_done(&bytes);
    return err != OK ? err : worst;
}
