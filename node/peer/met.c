#include "node/peer/met.h"

struct met *mets_find(struct mets *mets, const struct pubkey *peer)
{
    for (uint32_t i = 0; i < MET_MAX; i++)
        if (mets->met[i].used && pubkey_equal(&mets->met[i].peer, peer))
            return &mets->met[i];
    return NULL;
}

struct met *mets_get(struct mets *mets, const struct pubkey *peer,
                     uint64_t now_ms)
{
    struct met *met = mets_find(mets, peer);
    struct met *oldest = NULL;
    if (met != NULL)
        return met;
    for (uint32_t i = 0; i < MET_MAX; i++) {
        struct met *m = &mets->met[i];
        if (!m->up &&
            (oldest == NULL || m->used < oldest->used ||
             (m->used == oldest->used && m->seen_ms < oldest->seen_ms)))
            oldest = m;
    }
    if (oldest == NULL)
        return NULL;
    *oldest = (struct met){.peer = *peer, .used = true, .seen_ms = now_ms};
    link_meter_init(&oldest->meter);
    return oldest;
}

/* ---- our own outage ---- */

/* What has been counted since our network went stays no more. */
static void spare(struct met *met, uint64_t now_ms)
{
    link_meter_pause(&met->meter, now_ms);
    if (now_ms - met->blamed_ms <= MET_TOGETHER_MS) {
        met->meter.up_ms = met->times_ms[0];
        met->meter.down_ms = met->times_ms[1];
    }
    met->blamed = false;
    met->spared = true;
}

static void blame(struct met *met, uint64_t now_ms)
{
    link_meter_up(&met->meter, false, now_ms);
    met->times_ms[0] = met->meter.up_ms;
    met->times_ms[1] = met->meter.down_ms;
    met->blamed = true;
    met->blamed_ms = now_ms;
    met->spared = false;
}

static bool is_alone(const struct mets *mets)
{
    for (uint32_t i = 0; i < MET_MAX; i++)
        if (mets->met[i].up)
            return false;
    return true;
}

void mets_tick(struct mets *mets, uint64_t now_ms)
{
    bool alone = is_alone(mets);
    if (mets->alone && !alone)
        mets->light_ms = now_ms;
    mets->alone = alone;
    for (uint32_t i = 0; i < MET_MAX; i++) {
        struct met *met = &mets->met[i];
        if (alone && met->blamed)
            spare(met, now_ms);
        else if (!alone && met->spared &&
                 now_ms - mets->light_ms >= MET_RETURN_MS)
            blame(met, now_ms);
    }
}

/* ---- up and down ---- */

void mets_up(struct mets *mets, struct met *met, uint64_t now_ms)
{
    met->up = true;
    met->seen_ms = now_ms;
    met->blamed = met->spared = false;
    link_meter_up(&met->meter, true, now_ms);
    if (mets->alone)
        mets_tick(mets, now_ms);
}

void mets_down(struct mets *mets, struct met *met, bool friendly,
               uint64_t now_ms)
{
    met->up = false;
    met->blamed = met->spared = false;
    if (friendly)
        link_meter_pause(&met->meter, now_ms);
    else
        blame(met, now_ms);
    mets_tick(mets, now_ms);
}
