#ifndef NODE_METER_MATRICES_H
#define NODE_METER_MATRICES_H

/* The two inputs of a product, filled, and how a thread multiplies them. The
 * products are those of sched/meter/product.h: what is measured is what can be
 * checked. */

#include "sched/meter/product.h"

struct matrices {
    struct product product;
    void *a;
    void *b; /* bytes: turned over, as dot.h wants it */
};

/* ERR_NOMEM; the form is CHECKed. */
MUST_USE enum err matrices_init(struct matrices *matrices,
                                const struct product *product,
                                const struct hash *nonce);
void matrices_done(struct matrices *matrices);
/* One thread, product_bytes() of room. */
void matrices_multiply(const struct matrices *matrices, void *out_c);

#endif
