/* The picture of a decomposition as SVG, laid out here: whole pixels only. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/sched/decompose_picture.h"
#include "cli/layers.h"

#define NAMES_MAX    150u /* larger graphs are drawn as dots */
#define LISTED_MAX   12u  /* names in a frame */
#define LABELS_MAX   40u  /* arcs between frames with their weight */
#define MARGIN       24u
#define HEAD         64u /* above both panels */
#define NODE_WIDTH   116u
#define NODE_HEIGHT  24u
#define NODE_GAP_X   56u
#define NODE_GAP_Y   12u
#define DOT_STEP     12u
#define FRAME_WIDTH  176u
#define FRAME_GAP_X  104u
#define FRAME_GAP_Y  22u
#define LINE_HEIGHT  17u
#define FRAME_HEAD   42u
#define NAME_COLUMNS 20u

/* Calm fills that still differ for those who see few colours. */
static const char *const fills[] = {"#dbe9f6", "#fde7cf", "#dff0d8", "#f6dbe7",
                                    "#ece5f5", "#f4f1cf", "#d5efef", "#eeeeee"};
#define FILLS (sizeof(fills) / sizeof(fills[0]))

struct box {
    uint32_t x;
    uint32_t y;
    uint32_t width;
    uint32_t height;
};

struct panel {
    struct box *boxes;
    struct layers_arc *arcs;
    uint64_t *weights; /* of each arc */
    uint32_t arc_count;
    uint32_t count;
    uint32_t width;
    uint32_t height;
};

struct drawing {
    const struct decompose_picture *p;
    struct panel before;
    struct panel after;
    bool dots;
    struct buf *out;
};

static void panel_done(struct panel *panel)
{
    free(panel->boxes);
    free(panel->arcs);
    free(panel->weights);
}

static enum err panel_init(struct panel *panel, uint32_t count, uint32_t arcs)
{
    panel->count = count;
    panel->boxes = calloc(count, sizeof(*panel->boxes));
    panel->arcs = calloc((size_t)arcs + 1, sizeof(*panel->arcs));
    panel->weights = calloc((size_t)arcs + 1, sizeof(*panel->weights));
    return panel->boxes == NULL || panel->arcs == NULL || panel->weights == NULL
               ? ERR_NOMEM
               : OK;
}

/* ---- layout ---- */

/* Boxes have their sizes; gets them their places. */
static enum err lay_out(struct panel *panel, uint32_t x0, uint32_t gap_x,
                        uint32_t gap_y)
{
    struct layers layers;
    uint32_t *heights;
    uint32_t x = x0;
    TRY(layers_init(&layers, panel->count, panel->arcs, panel->arc_count));
    heights = calloc(panel->count + 1, sizeof(*heights));
    for (uint32_t c = 0; heights != NULL && c < layers.columns; c++) {
        uint32_t y = HEAD;
        uint32_t width = 0;
        for (uint32_t row = 0; row < layers.height[c]; row++) {
            for (uint32_t i = 0; i < panel->count; i++) {
                struct box *box = &panel->boxes[i];
                if (layers.column[i] != c || layers.row[i] != row)
                    continue;
                box->x = x;
                box->y = y;
                y += box->height + gap_y;
                width = box->width > width ? box->width : width;
            }
        }
        heights[c] = y - gap_y;
        panel->height = heights[c] > panel->height ? heights[c] : panel->height;
        x += width + gap_x;
    }
    /* Short columns stand in the middle. */
    for (uint32_t i = 0; heights != NULL && i < panel->count; i++)
        panel->boxes[i].y += (panel->height - heights[layers.column[i]]) / 2;
    panel->width = x - gap_x - x0;
    layers_done(&layers);
    if (heights == NULL)
        return ERR_NOMEM;
    free(heights);
    return OK;
}

static enum err lay_out_before(struct drawing *d)
{
    const struct cutgraph *g = d->p->graph;
    struct panel *panel = &d->before;
    TRY(panel_init(panel, g->component_count, g->link_count));
    for (uint32_t i = 0; i < g->link_count; i++) {
        panel->arcs[i] = (struct layers_arc){g->links[i].from, g->links[i].to,
                                             g->links[i].flow};
        panel->weights[i] = g->links[i].weight;
    }
    panel->arc_count = g->link_count;
    for (uint32_t c = 0; c < g->component_count; c++) {
        panel->boxes[c].width = d->dots ? DOT_STEP / 2 : NODE_WIDTH;
        panel->boxes[c].height = d->dots ? DOT_STEP / 2 : NODE_HEIGHT;
    }
    return lay_out(panel, MARGIN, d->dots ? 3 * DOT_STEP : NODE_GAP_X,
                   d->dots ? DOT_STEP / 2 : NODE_GAP_Y);
}

static int by_ends(const void *a, const void *b)
{
    const struct cut_link *x = a;
    const struct cut_link *y = b;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* One arc for all links from one cluster to another. */
static enum err gather_arcs(struct drawing *d)
{
    const struct cutgraph *g = d->p->graph;
    const uint32_t *cluster = d->p->result->levels[d->p->level].cluster;
    struct panel *panel = &d->after;
    struct cut_link *list = calloc((size_t)g->link_count + 1, sizeof(*list));
    uint32_t count = 0;
    if (list == NULL)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < g->link_count; i++) {
        list[count] = g->links[i];
        list[count].from = cluster[g->links[i].from];
        list[count].to = cluster[g->links[i].to];
        count += list[count].from != list[count].to;
    }
    if (count > 1)
        qsort(list, count, sizeof(*list), by_ends);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t last = panel->arc_count - 1;
        if (i == 0 || by_ends(&list[i], &list[i - 1]) != 0) {
            last = panel->arc_count++;
            panel->arcs[last] =
                (struct layers_arc){list[i].from, list[i].to, false};
        }
        panel->arcs[last].order = panel->arcs[last].order || list[i].flow;
        panel->weights[last] += list[i].weight;
    }
    free(list);
    return OK;
}

static enum err lay_out_after(struct drawing *d)
{
    const struct decompose_level *level = &d->p->result->levels[d->p->level];
    struct panel *panel = &d->after;
    TRY(panel_init(panel, level->count, d->p->graph->link_count));
    TRY(gather_arcs(d));
    for (uint32_t k = 0; k < level->count; k++) {
        uint32_t lines = 0;
        for (uint32_t c = 0; c < d->p->graph->component_count; c++)
            lines += level->cluster[c] == k;
        lines = lines > LISTED_MAX ? LISTED_MAX + 1 : lines;
        panel->boxes[k].width = FRAME_WIDTH;
        panel->boxes[k].height = FRAME_HEAD + lines * LINE_HEIGHT + 8;
    }
    return lay_out(panel, d->before.width + 4 * MARGIN, FRAME_GAP_X,
                   FRAME_GAP_Y);
}

/* ---- marks ---- */

static bool inside_letter(char c)
{
    return ((unsigned char)c & 0xc0u) == 0x80u;
}

static void escape_part(const char *text, size_t len, struct buf *out)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '&')
            buf_addf(out, "&amp;");
        else if (c == '<')
            buf_addf(out, "&lt;");
        else if (c == '>')
            buf_addf(out, "&gt;");
        else if (c == '"')
            buf_addf(out, "&quot;");
        else if (c >= 0x20 && c != 0x7f)
            buf_add_u8(out, c);
    }
}

/* Not many more bytes than `columns`: its beginning and its end. */
static void escaped(const char *text, size_t columns, struct buf *out)
{
    size_t len = strlen(text);
    size_t head = columns / 2;
    size_t tail;
    if (len <= columns) {
        escape_part(text, len, out);
        return;
    }
    tail = len - (columns - head - 1);
    while (head > 0 && inside_letter(text[head]))
        head--; /* whole letters */
    while (inside_letter(text[tail]))
        tail++;
    escape_part(text, head, out);
    buf_addf(out, "\xe2\x80\xa6");
    escape_part(text + tail, len - tail, out);
}

static void text_at(struct buf *out, uint32_t x, uint32_t y, const char *style,
                    const char *text, size_t columns)
{
    buf_addf(out, "<text x=\"%u\" y=\"%u\" class=\"%s\">", x, y, style);
    escaped(text, columns, out);
    buf_addf(out, "</text>\n");
}

/* 1 to 6 pixels: a doubling of the weight is worth half a pixel, up to the
 * heaviest. */
static uint32_t tenths_wide(uint64_t weight, uint64_t heaviest)
{
    uint32_t tenths = 60;
    while (weight < heaviest && tenths > 10) {
        weight = weight * 2 + 1;
        tenths -= 5;
    }
    return tenths;
}

static void curve(struct drawing *d, const struct panel *panel, uint32_t i,
                  const char *style, uint64_t heaviest)
{
    const struct layers_arc *arc = &panel->arcs[i];
    const struct box *a = &panel->boxes[arc->from];
    const struct box *b = &panel->boxes[arc->to];
    bool forth = a->x < b->x;
    uint32_t x1 = forth ? a->x + a->width : a->x + a->width / 2;
    uint32_t x2 = forth ? b->x : b->x + b->width / 2;
    uint32_t y1 = forth ? a->y + a->height / 2 : a->y + a->height;
    uint32_t y2 = forth ? b->y + b->height / 2 : b->y + b->height;
    uint32_t tenths = tenths_wide(panel->weights[i], heaviest);
    char text[DECOMPOSE_WEIGHT_MAX] = "";
    if (forth)
        buf_addf(d->out, "<path d=\"M%u %uC%u %u %u %u %u %u\"", x1, y1,
                 (x1 + x2) / 2, y1, (x1 + x2) / 2, y2, x2, y2);
    else
        buf_addf(d->out, "<path d=\"M%u %uC%u %u %u %u %u %u\"", x1, y1, x1,
                 y1 + 40, x2, y2 + 40, x2, y2);
    decompose_weight_text(d->p->unit, panel->weights[i], text);
    buf_addf(d->out,
             " class=\"%s\" stroke-width=\"%u.%u\"%s><title>%s</title>"
             "</path>\n",
             style, tenths / 10, tenths % 10,
             arc->order ? " marker-end=\"url(#tip)\"" : "", text);
}

static uint64_t heaviest_of(const struct panel *panel)
{
    uint64_t most = 1;
    for (uint32_t i = 0; i < panel->arc_count; i++)
        most = panel->weights[i] > most ? panel->weights[i] : most;
    return most;
}

static void draw_before(struct drawing *d)
{
    const struct panel *panel = &d->before;
    uint64_t heaviest = heaviest_of(panel);
    for (uint32_t i = 0; i < panel->arc_count; i++)
        curve(d, panel, i, "link", heaviest);
    for (uint32_t c = 0; c < panel->count; c++) {
        const struct box *box = &panel->boxes[c];
        buf_addf(d->out,
                 "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"3\" "
                 "class=\"node\"><title>",
                 box->x, box->y, box->width, box->height);
        escaped(d->p->names[c], 200, d->out);
        buf_addf(d->out, "</title></rect>\n");
        if (!d->dots)
            text_at(d->out, box->x + 6, box->y + 16, "name", d->p->names[c],
                    16);
    }
}

/* "site 0, offer 2, device 5" and the site's colour. */
static void caption(const struct drawing *d, uint32_t k, char *out, size_t max,
                    uint32_t *out_fill)
{
    const struct decomposition *r = d->p->result;
    size_t len = 0;
    uint32_t c = 0;
    out[0] = '\0';
    *out_fill = k;
    while (r->levels[d->p->level].cluster[c] != k)
        c++;
    for (uint32_t i = 0; i <= (uint32_t)d->p->level; i++) {
        if (r->levels[i].cluster == NULL)
            continue;
        if (len == 0)
            *out_fill = r->levels[i].cluster[c];
        len += (size_t)snprintf(
            out + len, max - len, "%s%s %u", len == 0 ? "" : ", ",
            cut_level_text((enum cut_level)i), r->levels[i].cluster[c]);
        CHECK(len < max);
    }
}

static void draw_frame(struct drawing *d, uint32_t k)
{
    const struct box *box = &d->after.boxes[k];
    const uint32_t *cluster = d->p->result->levels[d->p->level].cluster;
    char text[96] = "";
    uint32_t fill = 0;
    uint32_t members = 0;
    uint32_t y = box->y + FRAME_HEAD + 12;
    caption(d, k, text, sizeof(text), &fill);
    buf_addf(d->out,
             "<rect x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\" rx=\"6\" "
             "class=\"frame\" fill=\"%s\"/>\n",
             box->x, box->y, box->width, box->height, fills[fill % FILLS]);
    text_at(d->out, box->x + 8, box->y + 18, "head", text, 40);
    text_at(d->out, box->x + 8, box->y + 34, "more", d->p->places[k], 26);
    for (uint32_t c = 0; c < d->p->graph->component_count; c++) {
        if (cluster[c] != k)
            continue;
        if (members++ < LISTED_MAX) {
            text_at(d->out, box->x + 12, y, "name", d->p->names[c],
                    NAME_COLUMNS);
            y += LINE_HEIGHT;
        }
    }
    if (members > LISTED_MAX) {
        snprintf(text, sizeof(text), "and %u more", members - LISTED_MAX);
        text_at(d->out, box->x + 12, y, "more", text, 40);
    }
}

static void draw_after(struct drawing *d)
{
    const struct panel *panel = &d->after;
    uint64_t heaviest = heaviest_of(panel);
    for (uint32_t i = 0; i < panel->arc_count; i++)
        curve(d, panel, i, "cut", heaviest);
    for (uint32_t k = 0; k < panel->count; k++)
        draw_frame(d, k);
    for (uint32_t i = 0; i < panel->arc_count && i < LABELS_MAX; i++) {
        const struct box *a = &panel->boxes[panel->arcs[i].from];
        const struct box *b = &panel->boxes[panel->arcs[i].to];
        char text[DECOMPOSE_WEIGHT_MAX] = "";
        uint32_t x = (a->x + b->x + (a->x < b->x ? a->width : b->width)) / 2;
        uint32_t y = (a->y + a->height / 2 + b->y + b->height / 2) / 2;
        if (a->x + a->width + FRAME_GAP_X < b->x) { /* past other frames */
            x = a->x + a->width + FRAME_GAP_X / 2;
            y = (7 * (a->y + a->height / 2) + b->y + b->height / 2) / 8;
        }
        if (a->x >= b->x)
            y = (a->y + a->height + b->y + b->height) / 2 + 34;
        decompose_weight_text(d->p->unit, panel->weights[i], text);
        text_at(d->out, x, y - 4, "weight", text, sizeof(text));
    }
}

/* ---- the page ---- */

static void open_page(struct drawing *d)
{
    uint32_t width = d->before.width + d->after.width + 5 * MARGIN;
    uint32_t height = (d->before.height > d->after.height ? d->before.height
                                                          : d->after.height) +
                      3 * MARGIN;
    buf_addf(d->out,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" "
             "height=\"%u\" viewBox=\"0 0 %u %u\">\n"
             "<style>text{font:12px sans-serif;fill:#222}"
             ".title{font-weight:bold;font-size:14px}.head{font-weight:bold}"
             ".more{fill:#777}.weight{font-size:11px;fill:#a02020;"
             "text-anchor:middle;paint-order:stroke;stroke:#fff;"
             "stroke-width:3px}"
             ".node{fill:#f4f4f4;stroke:#888}.frame{stroke:#666}"
             ".link{fill:none;stroke:#999;stroke-opacity:0.7}"
             ".cut{fill:none;stroke:#b03030;stroke-opacity:0.8}</style>\n"
             "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" "
             "refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
             "markerUnits=\"userSpaceOnUse\" orient=\"auto\">"
             "<path d=\"M0 0L8 4L0 8z\" fill=\"#777\"/></marker></defs>\n"
             "<rect width=\"%u\" height=\"%u\" fill=\"#fff\"/>\n",
             width, height, width, height, width, height);
}

static void draw_titles(struct drawing *d)
{
    const struct decompose_level *level = &d->p->result->levels[d->p->level];
    char cut[DECOMPOSE_WEIGHT_MAX] = "";
    char text[128] = "";
    uint32_t x = d->before.width + 4 * MARGIN;
    text_at(d->out, MARGIN, 24, "title", d->p->title, 60);
    snprintf(text, sizeof(text), "before: %u components, %u links",
             d->p->graph->component_count, d->p->graph->link_count);
    text_at(d->out, MARGIN, 46, "more", text, sizeof(text));
    decompose_weight_text(d->p->unit, level->cut, cut);
    snprintf(text, sizeof(text), "after: %u %s%s, %s cut", level->count,
             cut_level_text(d->p->level), level->count == 1 ? "" : "s", cut);
    text_at(d->out, x, 46, "more", text, sizeof(text));
}

void decompose_draw_svg(const struct decompose_picture *p, struct buf *out)
{
    struct drawing d = {.p = p, .out = out};
    d.dots = p->graph->component_count > NAMES_MAX;
    if (lay_out_before(&d) == OK && lay_out_after(&d) == OK) {
        open_page(&d);
        draw_titles(&d);
        draw_before(&d);
        draw_after(&d);
        buf_addf(out, "</svg>\n");
    } else {
        out->err = ERR_NOMEM;
    }
    panel_done(&d.before);
    panel_done(&d.after);
}
