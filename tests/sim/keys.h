#ifndef TESTS_SIM_KEYS_H
#define TESTS_SIM_KEYS_H

/* Keys of the simulated people and nodes. Real ed25519 signatures, or, fifty
 * times faster, keyed hashes that only this program accepts: base's sign_verify
 * is wrapped at link time and asks here. */

#include "base/sign.h"

struct sim_key {
    struct signer signer; /* holds a pointer to this: do not move */
    uint8_t secret[64];
};

/* Before the first key. */
void keys_init(bool real);
void sim_key_init(struct sim_key *key, uint64_t seed, uint32_t number);

#endif
