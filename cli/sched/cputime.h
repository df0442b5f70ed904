#ifndef CLI_CPUTIME_H
#define CLI_CPUTIME_H

#include <stdint.h>

/* Processor time of this thread in ns: what a decision took, whoever else uses
 * the machine. */
uint64_t cputime_ns(void);

#endif
