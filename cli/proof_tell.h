#ifndef CLI_PROOF_TELL_H
#define CLI_PROOF_TELL_H

/* What a checked proof file says, for people and for programs. */

#include "cli/cli.h"
#include "ledger/light.h"

/* One object, given; NULL: no memory. The field "proves" is account, validator,
 * contract or transaction, "says" the sentence for people. prefix: of
 * addresses; NULL: not known, keys are shown as hex. ERR_CORRUPT of a record
 * that cannot be read gives NULL, too. */
json_t *proof_json(const struct light_proof *proof, const char *prefix);

/* The same as a few lines on cli->out. */
void proof_tell(struct cli *cli, const json_t *object);

#endif
