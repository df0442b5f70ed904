#include "cli/sched/decompose_picture.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/unit.h"

void decompose_weight_text(enum decompose_unit unit, uint64_t weight,
                           char out[DECOMPOSE_WEIGHT_MAX])
{
    char bytes[UNIT_TEXT_MAX];
    switch (unit) {
    case DECOMPOSE_KBPS:
        if (weight % 1000 == 0)
            snprintf(out, DECOMPOSE_WEIGHT_MAX, "%" PRIu64 " Mbit/s",
                     weight / 1000);
        else if (weight < 1000)
            snprintf(out, DECOMPOSE_WEIGHT_MAX, "%" PRIu64 " kbit/s", weight);
        else
            snprintf(out, DECOMPOSE_WEIGHT_MAX, "%.1f Mbit/s",
                     (double)weight / 1000);
        return;
    case DECOMPOSE_BYTES:
        unit_format_bytes(weight, bytes);
        snprintf(out, DECOMPOSE_WEIGHT_MAX, "%s", bytes);
        return;
    }
}

static void quoted(const char *text, struct buf *out)
{
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            buf_add_u8(out, '\\');
        buf_add_u8(out, (uint8_t)*text);
    }
}

static void dot_node(const struct decompose_picture *p, const char *prefix,
                     uint32_t c, unsigned indent, struct buf *out)
{
    buf_addf(out, "%*s%s%u [label=\"", (int)indent, "", prefix, c);
    quoted(p->names[c], out);
    buf_addf(out, "\"];\n");
}

static void dot_links(const struct decompose_picture *p, const char *prefix,
                      bool clusters, struct buf *out)
{
    const uint32_t *cluster = p->result->levels[p->level].cluster;
    for (uint32_t i = 0; i < p->graph->link_count; i++) {
        const struct cut_link *link = &p->graph->links[i];
        bool cut = cluster[link->from] != cluster[link->to];
        char text[DECOMPOSE_WEIGHT_MAX];
        buf_addf(out, "  %s%u -> %s%u [", prefix, link->from, prefix, link->to);
        if (!link->flow)
            buf_addf(out, "dir=none, ");
        decompose_weight_text(p->unit, link->weight, text);
        if (!clusters)
            buf_addf(out, "tooltip=\"%s\"];\n", text);
        else if (cut)
            buf_addf(out, "label=\"%s\", color=firebrick, penwidth=2];\n",
                     text);
        else
            buf_addf(out, "color=gray50];\n");
    }
}

static void dot_open(const struct decompose_picture *p, uint32_t level,
                     uint32_t k, struct buf *out)
{
    const char *name = cut_level_text((enum cut_level)level);
    int indent = 4 + 2 * (int)level;
    buf_addf(out, "%*ssubgraph cluster_%s_%u {\n%*slabel=\"%s %u", indent, "",
             name, k, indent + 2, "", name, k);
    if (level == (uint32_t)p->level) {
        buf_addf(out, ": ");
        quoted(p->places[k], out);
    }
    buf_addf(out, "\";\n");
}

/* The clusters of `level` within cluster `inside` of the level before. */
static void dot_clusters(const struct decompose_picture *p, uint32_t level,
                         uint32_t above, uint32_t inside, struct buf *out)
{
    const struct decompose_level *own = &p->result->levels[level];
    unsigned indent = 4 + 2 * level;
    if (level > (uint32_t)p->level)
        return;
    if (own->cluster == NULL) {
        dot_clusters(p, level + 1, above, inside, out);
        return;
    }
    for (uint32_t k = 0; k < own->count; k++) {
        bool opened = false;
        for (uint32_t c = 0; c < p->graph->component_count; c++) {
            if (own->cluster[c] != k ||
                (above < CUT_LEVELS &&
                 p->result->levels[above].cluster[c] != inside))
                continue;
            if (!opened)
                dot_open(p, level, k, out);
            opened = true;
            if (level == (uint32_t)p->level)
                dot_node(p, "b", c, indent + 2, out);
        }
        if (!opened)
            continue;
        dot_clusters(p, level + 1, level, k, out);
        buf_addf(out, "%*s}\n", (int)indent, "");
    }
}

void decompose_draw_dot(const struct decompose_picture *p, struct buf *out)
{
    char text[DECOMPOSE_WEIGHT_MAX];
    decompose_weight_text(p->unit, p->result->levels[p->level].cut, text);
    buf_addf(out, "digraph \"");
    quoted(p->title, out);
    buf_addf(out, "\" {\n  rankdir=LR;\n  node [shape=box];\n"
                  "  subgraph cluster_before {\n    label=\"before\";\n");
    for (uint32_t c = 0; c < p->graph->component_count; c++)
        dot_node(p, "a", c, 4, out);
    buf_addf(out,
             "  }\n  subgraph cluster_after {\n    label=\"after: %s cut "
             "between %ss\";\n",
             text, cut_level_text(p->level));
    dot_clusters(p, CUT_SITE, CUT_LEVELS, 0, out);
    buf_addf(out, "  }\n");
    dot_links(p, "a", false, out);
    dot_links(p, "b", true, out);
    buf_addf(out, "}\n");
}
