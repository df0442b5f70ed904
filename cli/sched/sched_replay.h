#ifndef CLI_SCHED_REPLAY_H
#define CLI_SCHED_REPLAY_H

/* The formats of `suan sched replay`: one function each, called with the parsed
 * command line; returns the exit code, having said what is wrong. */

#include "cli/cli.h"

int sched_replay_openb(struct cli *cli, const struct args *args);
int sched_replay_market(struct cli *cli, const struct args *args);
int sched_replay_swf(struct cli *cli, const struct args *args);

#endif
