#ifndef CLI_OFFERS_IDENTIFIER_H
#define CLI_OFFERS_IDENTIFIER_H

/* suan market offers --identifier: offers by the compute identifier whose
 * fields they carry as labels (sched/meter/identifier.h, docs/metering.md). */

#include "cli/cli.h"

/* What the node can look for: a constraint for each whole field of a path such
 * as beijing/telecom/ac, or the code of a whole identifier (suanid1...). Adds
 * to the list "labels" of params. Exit 2 where the text is neither. */
int offers_identifier_ask(struct cli *cli, const char *text, json_t *params);
/* Leaves only those in "offers" of the answer. */
void offers_identifier_keep(const char *text, json_t *result);

#endif
