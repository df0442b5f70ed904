#ifndef CLI_COMPONENTSFILE_H
#define CLI_COMPONENTSFILE_H

/* A graph of components and what there is to run it on, for suan sched
 * decompose, in YAML or JSON.
 *
 *   sites:
 *     harbour: {zone: home}
 *   offers:
 *     alder: {site: harbour, cores: 16, memory: 64G, disk: 500G, count: 2,
 *             accelerators: {a100: 2},
 *             devices: {cores: 8, memory: 32G, accelerators: {a100: 1}}}
 *   components:
 *     camera: {cores: 0.5, memory: 512M, at: harbour, together: edge}
 *     faces: {data: true, at: harbour, zones: [home]}
 *   links:
 *     - {from: camera, to: track, bandwidth: 25, keep: offer}
 *     - {from: track, to: log, bandwidth: 0.1, flow: false}
 *
 * bandwidth in Mbit/s. A site's zone is its name unless told; a site that only
 * offers name is one, too. Every field of an offer but site and cores, and of a
 * component every field, may be left out: memory and disk are then 0. Devices
 * are alike, and what a machine is made of. zones: where it may run; of data,
 * which wants nothing, where its content may be: that binds all that is reached
 * from it along links. keep: a link that is not cut between sites; offers;
 * devices. flow: what it leads to waits for where it comes from. */

#include "cli/file/yamlfile.h"
#include "sched/cut/places.h"

#define COMPONENTSFILE_COMPONENTS_MAX 1024u
#define COMPONENTSFILE_OFFERS_MAX     256u
#define COMPONENTSFILE_NAMES_MAX      64u /* sites; zones; groups */

typedef char componentsfile_name[YAMLFILE_NAME_MAX];

struct componentsfile_names {
    uint32_t count;
    componentsfile_name text[COMPONENTSFILE_NAMES_MAX];
};

struct componentsfile_component {
    componentsfile_name name;
    struct stock want;
    uint64_t zones;    /* UINT64_MAX: any */
    uint32_t at;       /* site; UINT32_MAX: any */
    uint32_t together; /* 0: none */
    uint32_t apart;
    bool data;
};

struct componentsfile_offer {
    componentsfile_name name;
    struct cut_offer offer;
    uint32_t count;
};

struct componentsfile {
    struct componentsfile_names sites;
    struct componentsfile_names zones;
    struct componentsfile_names together;
    struct componentsfile_names apart;
    struct componentsfile_names models;         /* of accelerators */
    uint32_t zone_of[COMPONENTSFILE_NAMES_MAX]; /* of each site */
    uint32_t offer_count;
    struct componentsfile_offer offers[COMPONENTSFILE_OFFERS_MAX];
    uint32_t component_count;
    struct componentsfile_component components[COMPONENTSFILE_COMPONENTS_MAX];
    struct cutgraph graph; /* filled: sites, groups and links as in the file */
    struct cut_places places;
};

/* ERR_TOO_LARGE or ERR_PARSE with "FILE:LINE: what" in error[
 * YAMLFILE_ERROR_MAX]; ERR_NOMEM. componentsfile_done is due on OK only. */
MUST_USE enum err componentsfile_parse(struct bytes text, const char *file_name,
                                       struct componentsfile *out, char *error);
void componentsfile_done(struct componentsfile *file);

#endif
