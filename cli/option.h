#ifndef CLI_OPTION_H
#define CLI_OPTION_H

/* The number that an option was given, within bounds. *out stays as it is where
 * the option is not there. 0, or the exit code after saying what is wrong. */

#include "cli/cli.h"

int option_count(struct cli *cli, const struct args *args, const char *option,
                 uint64_t min, uint64_t max, uint64_t *out);
/* From 0.000001 to 1000000. */
int option_positive(struct cli *cli, const struct args *args,
                    const char *option, double *out);

#endif
