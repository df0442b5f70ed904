#include "node/meter/matrices.h"

#include "base/check.h"
#include "node/meter/dot.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

#define LINE 64u /* bytes of a cache line */

static void *room(size_t len)
{
    return aligned_alloc(LINE, (len + LINE - 1) / LINE * LINE);
}

enum err matrices_init(struct matrices *matrices, const struct product *product,
                       const struct hash *nonce)
{
    size_t len =
        (size_t)product->n * product->n * product_in_width(product->kernel);
    CHECK(product_form(product) == OK);
    openblas_set_num_threads(1); /* threads are ours */
    matrices->product = *product;
    matrices->a = room(len);
    matrices->b = room(len);
    if (matrices->a == NULL || matrices->b == NULL) {
        matrices_done(matrices);
        return ERR_NOMEM;
    }
    product_inputs(product, nonce, matrices->a, matrices->b);
    if (product->kernel == METER_INT8)
        dot_turn(product->n, matrices->b);
    return OK;
}

void matrices_done(struct matrices *matrices)
{
    free(matrices->a);
    free(matrices->b);
    memset(matrices, 0, sizeof(*matrices));
}

void matrices_multiply(const struct matrices *matrices, void *out_c)
{
    int n = (int)matrices->product.n;
    if (matrices->product.kernel == METER_INT8)
        dot_gemm(matrices->product.n, matrices->a, matrices->b, out_c);
    else if (matrices->product.kernel == METER_FP32)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0f,
                    matrices->a, n, matrices->b, n, 0.0f, out_c, n);
    else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0,
                    matrices->a, n, matrices->b, n, 0.0, out_c, n);
}
