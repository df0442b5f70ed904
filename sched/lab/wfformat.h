#ifndef SCHED_LAB_WFFORMAT_H
#define SCHED_LAB_WFFORMAT_H

/* Reads recorded workflows in WfFormat (wfcommons), schema 1.5, where
 * workflow.specification has tasks and files and workflow.execution what they
 * took; and 1.3/1.4, where workflow.tasks has all of it.
 *
 * Of a task are read: id, name, parents, children, inputFiles, outputFiles (or
 * files with link, name, sizeInBytes), runtimeInSeconds (or runtime), coreCount
 * (or cores; default 1), memoryInBytes (or memory, in 1000 bytes). What else
 * stands there is passed over. The recorded run time counts as that of
 * reference speed. A file that nobody writes is an input, at hand everywhere
 * until the caller says where it lies; one that several write is read from
 * those that are parents, as either side tells it. */

#include <jansson.h>

#include "base/bytes.h"
#include "sched/graph/workflow.h"

#define WFFORMAT_BYTES_MAX (64u * 1024 * 1024)
#define WFFORMAT_ERROR_MAX 512u

struct wfformat {
    struct workflow workflow; /* not closed: inputs may be given a place */
    const char *title;        /* "" if it has none */
    const char **task_names;  /* ids; one a task */
    const char **file_names;  /* one a file of the workflow */
    uint64_t recorded_us;     /* the run that was recorded; 0: not told */
    json_t *root;             /* owns the texts */
};

/* On a refusal `error` is "NAME: where: what is wrong. Try: what next", with a
 * line where the text is no JSON, and `out` is untouched. ERR_TOO_LARGE,
 * ERR_PARSE, ERR_NOMEM (error is then empty). */
MUST_USE enum err wfformat_parse(struct bytes bytes, const char *name,
                                 struct wfformat *out,
                                 char error[WFFORMAT_ERROR_MAX]);
void wfformat_done(struct wfformat *wf); /* safe on a zeroed struct */

#endif
