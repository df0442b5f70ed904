#ifndef CLI_OFFERSFILE_H
#define CLI_OFFERSFILE_H

/* Offers to run a workflow on, for suan sched workflow, in YAML or JSON.
 *
 *   sites:
 *     harbour: {rtt: 0.3, bandwidth: 10000, egress: 0}
 *   links:
 *     - {from: harbour, to: upland, rtt: 9, bandwidth: 1000, egress: 0.01}
 *   offers:
 *     alder: {site: harbour, speed: 1.2, cores: 8, memory: 32G, price: 0.04,
 *             zone: home}
 *   inputs:
 *     "*": {site: harbour}
 *     east.tar: {site: upland, zones: [home]}
 *
 * rtt in ms, bandwidth in Mbit/s, egress in credits a GiB (default: 0), speed
 * relative to the reference, price in credits for a core and hour. Under sites:
 * between two offers of one site. Links hold both ways unless "oneway: true".
 * An offer's zone is its site's name unless told. Inputs without a line, and
 * without "*", are at hand everywhere; zones bind what their data reaches. */

#include "cli/cli.h"
#include "cli/file/yamlfile.h"
#include "sched/graph/offerset.h"
#include "sched/lab/wfformat.h"

#define OFFERSFILE_OFFERS_MAX OFFERSET_OFFERS_MAX
#define OFFERSFILE_SITES_MAX  64u
#define OFFERSFILE_INPUTS_MAX 64u

struct offersfile_input {
    char name[256]; /* of the file; "*": all others */
    uint64_t zones;
    uint32_t site; /* WORKFLOW_NONE: everywhere */
    uint32_t line;
};

struct offersfile {
    uint32_t offer_count;
    uint32_t site_count;
    uint32_t zone_count;
    uint32_t input_count;
    struct offerset_offer offers[OFFERSFILE_OFFERS_MAX];
    char names[OFFERSFILE_OFFERS_MAX][YAMLFILE_NAME_MAX];
    char sites[OFFERSFILE_SITES_MAX][YAMLFILE_NAME_MAX];
    char zones[OFFERSET_ZONES_MAX][YAMLFILE_NAME_MAX];
    struct offersfile_input inputs[OFFERSFILE_INPUTS_MAX];
    struct offerset_link links[OFFERSFILE_SITES_MAX * OFFERSFILE_SITES_MAX];
};

/* ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: what" in error[
 * YAMLFILE_ERROR_MAX]; ERR_NOMEM. The content is to be thrown away then. */
MUST_USE enum err offersfile_parse(struct bytes text, const char *file_name,
                                   struct offersfile *out, char *error);
/* The same offers for a solver; offerset_done frees them. ERR_NOMEM. */
MUST_USE enum err offersfile_offers(const struct offersfile *file,
                                    struct offerset *out);
/* Puts the workflow's inputs where the file says. Writes which inputs of the
 * file this workflow does not have, and returns how many. */
uint32_t offersfile_pin(const struct offersfile *file, struct wfformat *wf,
                        uint32_t out_strange[OFFERSFILE_INPUTS_MAX]);
/* The same, and says on stderr which they are: a slip, or meant for another
 * workflow. */
void offersfile_pin_told(struct cli *cli, const char *path,
                         const struct offersfile *file, struct wfformat *wf);

#endif
