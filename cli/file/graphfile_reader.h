#ifndef CLI_GRAPHFILE_READER_H
#define CLI_GRAPHFILE_READER_H

/* The words of a graph's file with their lines, before they are looked at
 * together: graphfile_reader.c reads, graphfile.c resolves; nobody else. */

#include "cli/file/graphfile.h"

#define GF_SETTINGS_MAX 512u

struct gf_setting {
    const char *field;
    const char *value;
    size_t line;
};
struct gf_settings {
    uint32_t count;
    uint32_t room;
    struct gf_setting *list; /* in the file's arena */
};
struct gf_name {
    const char *text;
    size_t line;
};
struct gf_from {
    struct gf_name name;
    const char *dest; /* NULL: only order */
};
struct gf_link {
    struct gf_name from;
    struct gf_name to;
    uint64_t kbps;
    uint64_t bytes;
    uint32_t delay_us_max;
    uint32_t risk_nn_max;
};
struct gf_groups {
    uint32_t count;
    struct {
        struct gf_name name;
        uint8_t group;
    } list[2 * GRAPH_PARTS_MAX];
};
struct gf_part {
    struct gf_settings own;
    struct gf_settings residency; /* constraints */
    uint32_t from_count;
    struct gf_from from[2 * SPEC_USES_MAX];
};

struct gf_reader {
    struct yamlfile yaml;
    const char *base_dir;
    struct graphfile *out;
    struct gf_settings top;
    struct gf_part parts[GRAPH_PARTS_MAX];
    uint32_t link_count;
    struct gf_link links[GRAPH_LINKS_MAX];
    struct gf_groups together;
    struct gf_groups apart;
    size_t deadline_line;
};

/* Reads the document: names of parts and their lines go to out, everything else
 * stays here. ERR_PARSE with the yaml's error set, ERR_NOMEM. */
MUST_USE enum err gf_read(struct gf_reader *r);

#endif
