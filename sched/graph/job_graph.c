#include "sched/graph/job_graph.h"

void job_graph_init(struct job_graph *job)
{
    *job = (struct job_graph){0};
}

struct job_component *job_graph_add(struct job_graph *job)
{
    struct job_component *component;
    if (job->component_count == JOB_COMPONENTS_MAX)
        return NULL;
    component = &job->components[job->component_count++];
    *component =
        (struct job_component){.zones = JOB_ZONES_ALL, .place = JOB_ANYWHERE};
    return component;
}

struct job_link *job_graph_join(struct job_graph *job, uint8_t from, uint8_t to,
                                uint64_t kbps)
{
    struct job_link *link;
    if (job->link_count == JOB_LINKS_MAX)
        return NULL;
    link = &job->links[job->link_count++];
    *link = (struct job_link){.kbps = kbps, .from = from, .to = to};
    return link;
}

uint64_t job_link_send_us(const struct job_link *link)
{
    uint64_t us;
    if (link->bytes == 0 || link->kbps == 0)
        return 0;
    if (link->bytes > UINT64_MAX / 8000 - link->kbps)
        return UINT32_MAX;
    us = (link->bytes * 8000 + link->kbps - 1) / link->kbps;
    return us < UINT32_MAX ? us : UINT32_MAX;
}

static bool component_ok(const struct job_component *component)
{
    uint32_t wants = 0;
    if (!component->data)
        return true;
    for (uint32_t r = 0; r < RES_COUNT; r++)
        wants |= component->want.of[r];
    return wants == 0 && component->work_us == 0 &&
           component->place != JOB_ANYWHERE;
}

/* Bandwidths stay so small that their sum over a job and its hops is a number.
 */
#define KBPS_MAX (UINT64_C(1) << 40)

static bool link_ok(const struct job_graph *job, const struct job_link *link)
{
    return link->from < job->component_count &&
           link->to < job->component_count && link->from != link->to &&
           !job->components[link->to].data && link->kbps <= KBPS_MAX &&
           (link->bytes == 0 || link->kbps > 0);
}

/* Removes components that wait for nothing until none is left. */
static bool flow_ends(const struct job_graph *job)
{
    uint32_t gone = 0;
    uint32_t all = (uint32_t)((UINT64_C(1) << job->component_count) - 1);
    for (uint32_t round = 0; round < job->component_count; round++) {
        uint32_t waits = 0;
        for (uint32_t i = 0; i < job->link_count; i++) {
            const struct job_link *link = &job->links[i];
            if (link->flow && (gone >> link->from & 1) == 0)
                waits |= 1u << link->to;
        }
        gone |= all & ~waits;
    }
    return gone == all;
}

enum err job_graph_check(const struct job_graph *job)
{
    if (job->component_count == 0 ||
        job->component_count > JOB_COMPONENTS_MAX ||
        job->link_count > JOB_LINKS_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < job->component_count; i++)
        if (!component_ok(&job->components[i]))
            return ERR_RANGE;
    for (uint32_t i = 0; i < job->link_count; i++)
        if (!link_ok(job, &job->links[i]))
            return ERR_RANGE;
    return flow_ends(job) ? OK : ERR_DEPTH;
}
