#ifndef CLI_PROBE_H
#define CLI_PROBE_H

/* Asking programs and the kernel about themselves. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The first line that `program argument` prints. False when it does not run,
 * fails, or says nothing within two seconds. */
bool probe_first_line(const char *program, const char *argument, char *out,
                      size_t size);

/* Starts an executor in a temporary state directory and asks hello
 * (docs/executors.md). NULL when it does not answer within ten seconds. Given.
 */
json_t *probe_executor(const char *program);

/* Is the clock kept by a time service? 1 yes, 0 no, -1 unknown. */
int probe_clock(void);

#endif
