#ifndef CLI_PLACE_TERMS_H
#define CLI_PLACE_TERMS_H

/* From the policy that holds to the terms that are signed: what the order says
 * beside it, and copies. */

#include "cli/place.h"

/* Puts what the order says of class, near and availability into the terms.
 * Exit 2 where the policy has no place for it, 3 for an unknown name. */
int place_terms(struct cli *cli, const struct order *order,
                const struct network *network, struct request *r);
/* The rest of the request is filled in. Where an availability is asked for the
 * node reckons the copies, which is told and kept in p->crew; exit 6 when it is
 * out of reach. Then the order has as many tasks more. */
int place_copies(struct cli *cli, struct order *order,
                 const struct signer *signer, struct placement *p);

#endif
