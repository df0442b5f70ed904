/* The kernels of matrices: fp64 and fp32 by OpenBLAS, int8 by dot.h. On all
 * cores each thread makes a product of its own from the same inputs, so what is
 * measured is what all cores sustain at once. */

#include "base/check.h"
#include "node/meter/dot.h"
#include "node/meter/matrices.h"
#include "node/meter/team.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N_FULL  2048u
#define N_QUICK 512u

struct gemm {
    struct matrices matrices;
    unsigned threads;
    uint8_t *c; /* one for each thread */
};

static void gemm_work(void *ctx, unsigned index)
{
    const struct gemm *gemm = ctx;
    matrices_multiply(&gemm->matrices,
                      gemm->c + index * product_bytes(&gemm->matrices.product));
}

/* The largest n for which inputs and a result for each thread fit. */
static uint32_t fitting_n(const struct bout *bout)
{
    uint32_t n = bout->meter->quick ? N_QUICK : N_FULL;
    uint64_t width = 2 * product_in_width(bout->kernel) +
                     bout->threads * product_out_width(bout->kernel);
    while (n > PRODUCT_N_MIN &&
           (uint64_t)n * n * width > bout->meter->mem_bytes)
        n -= 16;
    return n;
}

static enum err gemm_open(struct bout *bout)
{
    static const struct hash nonce = {{0}};
    struct product product = {bout->kernel, fitting_n(bout), 0};
    struct gemm *gemm = calloc(1, sizeof(*gemm));
    bout->own = gemm;
    if (gemm == NULL)
        return ERR_NOMEM;
    TRY(matrices_init(&gemm->matrices, &product, &nonce));
    gemm->c = calloc(bout->threads, product_bytes(&product));
    if (gemm->c == NULL)
        return ERR_NOMEM;
    (void)snprintf(bout->why, sizeof(bout->why), "n = %u, %s", product.n,
                   bout->kernel == METER_INT8 ? dot_means() : "OpenBLAS");
    return OK;
}

static enum err gemm_lap(struct bout *bout, uint64_t *out_rate)
{
    struct gemm *gemm = bout->own;
    uint64_t n = gemm->matrices.product.n;
    return team_rate(&bout->meter->cpus, bout->threads, gemm_work, gemm,
                     2 * n * n * n, out_rate);
}

static void gemm_close(struct bout *bout)
{
    struct gemm *gemm = bout->own;
    if (gemm != NULL) {
        matrices_done(&gemm->matrices);
        free(gemm->c);
    }
    free(gemm);
}

const struct kernel_ops gemm_ops = {gemm_open, gemm_lap, gemm_close};
