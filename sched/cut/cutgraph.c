#include "sched/cut/cutgraph.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static const char *const level_names[CUT_LEVELS] = {"site", "offer", "device"};

const char *cut_level_text(enum cut_level level)
{
    CHECK(level < CUT_LEVELS);
    return level_names[level];
}

enum err cut_level_parse(const char *text, enum cut_level *out)
{
    for (uint32_t i = 0; i < CUT_LEVELS; i++) {
        if (strcmp(text, level_names[i]) == 0) {
            *out = (enum cut_level)i;
            return OK;
        }
    }
    return ERR_PARSE;
}

void cutgraph_init(struct cutgraph *graph)
{
    memset(graph, 0, sizeof(*graph));
}

void cutgraph_done(struct cutgraph *graph)
{
    free(graph->components);
    free(graph->links);
    cutgraph_init(graph);
}

/* Room for one more of `size` bytes. */
static enum err grow(void **items, uint32_t count, uint32_t *room, size_t size)
{
    uint32_t more = *room == 0 ? 16 : *room * 2;
    void *grown;
    if (count < *room)
        return OK;
    grown = realloc(*items, more * size);
    if (grown == NULL)
        return ERR_NOMEM;
    *items = grown;
    *room = more;
    return OK;
}

enum err cutgraph_add(struct cutgraph *graph,
                      const struct cut_component *component, uint32_t *out)
{
    void *items = graph->components;
    if (component->sites == 0 || component->apart > CUT_APART_MAX)
        return ERR_RANGE;
    if (graph->component_count == CUT_COMPONENTS_MAX)
        return ERR_TOO_LARGE;
    TRY(grow(&items, graph->component_count, &graph->component_room,
             sizeof(*component)));
    graph->components = items;
    graph->components[graph->component_count] = *component;
    *out = graph->component_count++;
    return OK;
}

enum err cutgraph_join(struct cutgraph *graph, const struct cut_link *link)
{
    void *items = graph->links;
    if (link->from >= graph->component_count ||
        link->to >= graph->component_count || link->from == link->to ||
        link->weight > CUT_WEIGHT_MAX || link->kept >> CUT_LEVELS != 0)
        return ERR_RANGE;
    if (graph->link_count == CUT_LINKS_MAX)
        return ERR_TOO_LARGE;
    TRY(grow(&items, graph->link_count, &graph->link_room, sizeof(*link)));
    graph->links = items;
    graph->links[graph->link_count++] = *link;
    return OK;
}
