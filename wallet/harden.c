#include "wallet/harden.h"

#include <sys/prctl.h>
#include <sys/resource.h>

enum err wallet_process_harden(void)
{
    const struct rlimit none = {0, 0};

    if (setrlimit(RLIMIT_CORE, &none) != 0)
        return ERR_PERM;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return ERR_PERM;
    return OK;
}
