#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

/* Watching a job to its end: every state with its reason, its logs as they are
 * written, then the final bill. */

#include "cli/cli.h"

struct follow_options {
    bool logs;
    const char *fetch_dir; /* NULL: outputs are not fetched */
};

/* Follows until the job has ended and returns its exit code (0-123 its own, 124
 * time limit, 125 the market's failure, 128+N a signal). Ctrl-C once detaches
 * (exit 130) and says how to come back; twice cancels the job and goes on to
 * its end. */
int follow_job(struct cli *cli, const char *id,
               const struct follow_options *options);

/* Catches Ctrl-C from here on; follow_interrupts counts it. */
void follow_catch(void);
int follow_interrupts(void);

#define EXIT_INTERRUPTED   130
#define EXIT_MARKET_FAILED 125

#endif
