#ifndef CLI_LABELS_H
#define CLI_LABELS_H

/* A label as people write it. Constraints are sched/label.h's. */

#include "sched/label.h"

/* "zone=eu". ERR_PARSE; ERR_TOO_LARGE for a part past LIMIT_NAME - 1. */
MUST_USE enum err label_parse(const char *text, struct label *out);

#endif
