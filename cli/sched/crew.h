#ifndef CLI_CREW_H
#define CLI_CREW_H

/* Several threads for one thing after another. Libraries have no threads: they
 * ask for work to be done for each number, and a crew does it. */

#include "base/bytes.h"

/* Runs work(arg, 0) .. work(arg, count - 1) on up to `threads` threads, this
 * one among them, and returns when all are done. Who gets which number is left
 * open: work for one number must not depend on another's. Fewer threads when
 * the system refuses them. */
void crew_each(uint32_t threads, uint32_t count,
               void (*work)(void *arg, uint32_t i), void *arg);

/* Processors this process may run on, at least 1. */
uint32_t crew_size(void);

#endif
