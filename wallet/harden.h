#ifndef WALLET_HARDEN_H
#define WALLET_HARDEN_H

/* What a process that holds keys does first. */

#include "base/err.h"

/* No core files (RLIMIT_CORE 0, hard limit too) and no reading of this process
 * by another of the same user (PR_SET_DUMPABLE 0: ptrace and /proc/PID/mem are
 * refused). Call once, before the first secret. Lasts until exec; a debugger
 * cannot attach afterwards.
 *
 * ERR_PERM when the system refuses; the process may go on, less well kept. */
MUST_USE enum err wallet_process_harden(void);

#endif
