#include "node/node_disk.h"

#include "node/log.h"
#include "node/node.h"

#include <stdio.h>

#define MIB 1048576u

void node_disk_init(struct node *node)
{
    uint64_t wanted = config_uint(&node->config, CONFIG_node_disk_reserve_mib);
    node->disk.reserve_mib =
        wanted > 0 ? wanted : sense_disk_reserve_mib(node->sensed.disk_mib);
    node->disk.free_mib = node->sensed.disk_free_mib;
    node->disk.is_short =
        sense_disk_short(false, node->disk.free_mib, node->disk.reserve_mib);
}

/* Jobs may live on a disk of their own: the smaller rest counts. */
static bool look(const struct node *node, uint64_t *out_mib)
{
    struct sensed_disk data;
    struct sensed_disk jobs;
    char dir[1300];
    if (sense_disk(node->dir.path, &data) != OK)
        return false;
    *out_mib = data.free_mib;
    if (node->executor == NULL)
        return true;
    datadir_path(&node->dir, config_text(&node->config, CONFIG_exec_state_dir),
                 dir, sizeof(dir));
    if (sense_disk(dir, &jobs) == OK && jobs.free_mib < data.free_mib)
        *out_mib = jobs.free_mib;
    return true;
}

static void judge(struct node *node)
{
    struct node_disk *disk = &node->disk;
    bool before = disk->is_short;
    disk->is_short =
        sense_disk_short(before, disk->free_mib, disk->reserve_mib);
    if (disk->is_short != before)
        log_odd("disk", "%s: %llu MiB free, %llu MiB are the reserve",
                disk->is_short ? "short" : "there is room again",
                (unsigned long long)disk->free_mib,
                (unsigned long long)disk->reserve_mib);
}

static uint64_t less(uint64_t from, uint64_t what)
{
    return from > what ? from - what : 0;
}

void node_disk_look(struct node *node)
{
    struct node_disk *disk = &node->disk;
    struct blob_stats blobs;
    struct sell_disk sell;
    uint64_t room;
    uint64_t own;
    if (!look(node, &disk->free_mib))
        return; /* what was true before has to do */
    judge(node);
    blob_store_stats(node->blobs, &blobs);
    room = less(disk->free_mib, disk->reserve_mib);
    own = less(disk->free_mib, disk->reserve_mib / NODE_DISK_LAST);
    if (node->sell != NULL) {
        sell = (struct sell_disk){.known = true,
                                  .is_short = disk->is_short,
                                  .free_mib = disk->free_mib,
                                  .reserve_mib = disk->reserve_mib,
                                  .coming_mib = blobs.coming_bytes / MIB + 1};
        sell_disk(node->sell, &sell);
        room = less(room, sell_disk_promised_mib(node->sell));
    }
    blob_store_room_set(node->blobs, own * MIB, less(own, room) * MIB);
}

static uint64_t share(const struct node *node, enum config_key key,
                      uint64_t part)
{
    uint64_t wanted = config_uint(&node->config, key);
    uint64_t found = node->sensed.disk_mib / part;
    if (wanted == 0)
        wanted = found > 0 ? found : 1;
    return wanted < UINT64_MAX / MIB ? wanted * MIB : UINT64_MAX;
}

uint64_t node_disk_blobs_max(const struct node *node)
{
    return share(node, CONFIG_node_blobs_max_mib, 4);
}

uint64_t node_disk_images_max(const struct node *node)
{
    return share(node, CONFIG_node_images_max_mib, 10);
}
