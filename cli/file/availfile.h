#ifndef CLI_AVAILFILE_H
#define CLI_AVAILFILE_H

/* A system file: modules and submodules, for suan sched availability.
 *
 *   availability: 99.9%      # of a submodule that does not say
 *   backups: 2               # of every service; instances are one more
 *   domains: 3               # that fail independently (default: enough)
 *   domain_availability: 99.99%  # of a whole domain (default: 100%)
 *   modules:
 *     trading: [market, applications, demand, matching]
 *     decision:
 *       backups: 1
 *       cost: 5              # of one instance (default: 1)
 *       submodules: {placing: 99.5%, routing: 0.999, data: default}
 *
 * A module is the list of its submodules, or a mapping; `default` is the
 * availability further up. Once any module has a cost, plans are compared by
 * the cost of all instances; without, services are counted. */

#include "cli/file/yamlfile.h"
#include "sched/avail/avail.h"

struct availfile_part {
    char name[YAMLFILE_NAME_MAX];
    double down; /* below zero: not said */
};

struct availfile_module {
    char name[YAMLFILE_NAME_MAX];
    size_t line;
    double down; /* of parts that do not say; below zero: not said */
    uint32_t backups;
    bool has_backups;
    uint32_t cost; /* 0: not said */
    uint32_t count;
    struct availfile_part parts[AVAIL_PARTS_MAX];
};

/* Some 300 KiB: not for the stack. Plain memory, nothing to free. */
struct availfile {
    double down; /* below zero: not said */
    uint32_t backups;
    bool has_backups;
    uint32_t domains;   /* 0: not said */
    double domain_down; /* 0: domains do not fail */
    uint32_t count;
    struct availfile_module modules[AVAIL_MODULES_MAX];
    /* made by availfile_system */
    double downs[AVAIL_MODULES_MAX][AVAIL_PARTS_MAX];
    struct avail_module made[AVAIL_MODULES_MAX];
};

/* ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: what" in error[
 * YAMLFILE_ERROR_MAX]; ERR_NOMEM. The content is to be thrown away then. */
MUST_USE enum err availfile_parse(struct bytes text, const char *file_name,
                                  struct availfile *out, char *error);

/* Does any module have a cost? */
bool availfile_has_costs(const struct availfile *file);

/* The system as the solver takes it, lent from the file until the next call.
 * What is not said anywhere: 2 backups. ERR_PARSE with `error` when a submodule
 * has no availability, a cost grows too large, or domains fail and modules
 * differ in their instances or have too many; ERR_CAPACITY with it when a
 * module has more instances than there are domains. */
MUST_USE enum err availfile_system(struct availfile *file,
                                   const char *file_name,
                                   struct avail_system *out, char *error);

#endif
