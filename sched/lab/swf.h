#ifndef SCHED_LAB_SWF_H
#define SCHED_LAB_SWF_H

/* Logs of parallel machines in the Standard Workload Format (version 2): one
 * job a line, 18 numbers with blanks between, -1 for what is not known; what
 * begins with ';' is a comment, those at the top say "Name: value".
 *
 * Read are the columns
 *    1 number        2 submitted, s      4 run time, s
 *    5 processors allocated              8 processors requested
 *    9 time requested, s                11 status
 * and of the header MaxProcs, else MaxNodes. The others must be numbers.
 *
 * What a log lacks:
 *   processors      requested, else allocated; neither: left out
 *   run time        not known: left out; 0 s is less than a second: 1 ms
 *   time requested  not known, or less than the job ran: the run time. Who runs
 *                   over what it asked for is ended; that it was not says that
 *                   it had been granted more
 *   status 2, 3, 4  a part of a job that has a line of its own: left out
 * Lines are sorted by the time of submission where they are not. */

#include "sched/lab/lab_file.h"

#define SWF_JOBS_MAX 10000000u
/* Of a column: times of submission may be dates, thirty years are enough for a
 * run, and there are no such machines. */
#define SWF_SUBMIT_MAX  100000000000
#define SWF_SECONDS_MAX 1000000000
#define SWF_PROCS_MAX   1000000000

struct swf_job {
    uint64_t submit_s;
    uint64_t limit_ms; /* at least run_ms */
    uint64_t run_ms;   /* at least 1 */
    uint32_t procs;    /* at least 1 */
};

struct swf {
    struct swf_job *jobs; /* in order of arrival */
    uint32_t job_count;
    uint32_t left_out;   /* lines */
    uint32_t procs;      /* as the header says; 0: it does not */
    uint32_t procs_most; /* that any job wants */
};

/* text is lent until it returns; name is for messages.
 *
 * out     given: swf_done
 * error   on failure "NAME:LINE: what is wrong"; untouched on OK
 *
 * ERR_PARSE (not such a line, no job in it), ERR_RANGE (a number out of
 * bounds), ERR_TOO_LARGE, ERR_NOMEM. */
MUST_USE enum err swf_parse(struct bytes text, const char *name,
                            struct swf *out, char error[LAB_ERROR_MAX]);
/* The same from a file, plain or packed; also the errors of lab_file_read. */
MUST_USE enum err swf_read(const char *path, struct swf *out,
                           char error[LAB_ERROR_MAX]);
void swf_done(struct swf *swf); /* safe on a zeroed struct */

#endif
