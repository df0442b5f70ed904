/* What verbs show of a node: itself, its peers and images; and of the machine
 * it runs on. */

#include "cli/view/views_room.h"

/* ---- images ---- */

const struct view view_images = {
    .name = "images",
    .rows = "images",
    .id = "name",
    .empty = "no images; `suan image import FILE --name NAME` brings one",
    .fields =
        {
            {"NAME", "name", CELL_NAME, 0},
            {"ID", "id", CELL_ID, 0},
            {"DIGEST", "digest", CELL_TEXT, W},
            {"SIZE", "bytes", CELL_BYTES, R},
            {"IMPORTED", "imported_at_ms", CELL_AGO, R},
            {"USES", "uses", CELL_UINT, R},
            {"UNPACKED", "unpacked_bytes", CELL_BYTES, R},
            {"USED", "used_at_ms", CELL_AGO, R},
            {"BUSY", "busy", CELL_BOOL, W},
        },
};

const struct view view_image = {
    .name = "image",
    .id = "name",
    .fields =
        {
            {"Name", "name", CELL_TEXT, 0},
            {"Id", "id", CELL_ID, 0},
            {"Digest", "digest", CELL_TEXT, 0},
            {"Size", "bytes", CELL_BYTES, 0},
            {"Imported", "imported_at_ms", CELL_AGO, O},
            {"Used by jobs", "uses", CELL_UINT, O},
            {"Layers", "layers", CELL_JSON, O},
            {"Config", "config", CELL_JSON, O},
        },
};

/* ---- node ---- */

const struct view view_status = {
    .name = "status",
    .id = "node",
    .fields =
        {
            {"Node", "node", CELL_ADDRESS, 0},
            {"Version", "version", CELL_TEXT, 0},
            {"Network", "network", CELL_TEXT, 0},
            {"Chain", "chain", CELL_ID, 0},
            {"Roles", "roles", CELL_LIST, 0},
            {"Own votes", "votes", CELL_TEXT, 0},
            {"Height", "height", CELL_UINT, 0},
            {"Synced", "synced", CELL_BOOL, 0},
            {"Peers", "peers", CELL_UINT, 0},
            {"Offers known", "offers", CELL_UINT, 0},
            {"Jobs", "jobs", CELL_LIST, O},
            {"Selling", "selling", CELL_BOOL, 0},
            {"Executor", "executor.name", CELL_TEXT, O},
            {"Executor state", "executor.state", CELL_TEXT, O},
            {"Problems", "executor.problems", CELL_JSON, O},
            {"Transactions waiting", "pool", CELL_UINT, 0},
            {"Blobs", "blobs_bytes", CELL_BYTES, 0},
            {"Disk free", "disk_free_mib", CELL_MIB, 0},
            {"Listens on", "listen", CELL_TEXT, 0},
            {"Blobs on", "bulk", CELL_TEXT, 0},
            {"Data", "data_dir", CELL_TEXT, 0},
            {"Process", "pid", CELL_UINT, 0},
            {"Started", "started_at_ms", CELL_AGO, 0},
        },
};

const struct view view_peers = {
    .name = "peers",
    .rows = "peers",
    .id = "node",
    .empty = "no peers are connected",
    .fields =
        {
            {"NODE", "node", CELL_ADDRESS, 0},
            {"ADDRESS", "address", CELL_TEXT, T},
            {"DIR", "direction", CELL_TEXT, 0},
            {"ROLES", "roles", CELL_LIST, W},
            {"HEIGHT", "height", CELL_UINT, R},
            {"RTT", "rtt_us", CELL_US, R},
            {"IN", "bytes_in", CELL_BYTES, R},
            {"OUT", "bytes_out", CELL_BYTES, R},
            {"SCORE", "score", CELL_TEXT, R | W},
            {"SINCE", "connected_at_ms", CELL_AGO, R | W},
        },
};

const struct view view_banned = {
    .name = "banned",
    .rows = "banned",
    .id = "address",
    .fields =
        {
            {"ADDRESS", "address", CELL_TEXT, T},
            {"UNTIL", "until_ms", CELL_AGO, R},
            {"WHY", "why", CELL_TEXT, T},
        },
};

const struct view view_config = {
    .name = "config",
    .rows = "values",
    .id = "name",
    .fields =
        {
            {"NAME", "name", CELL_TEXT, 0},
            {"VALUE", "value", CELL_TEXT, T},
            {"FROM", "source", CELL_TEXT, 0},
            {"DEFAULT", "default", CELL_TEXT, W},
            {"MEANING", "help", CELL_TEXT, W},
        },
};

/* ---- this machine ---- */

const struct view view_devnet = {
    .name = "devnet",
    .rows = "nodes",
    .id = "name",
    .fields =
        {
            {"NODE", "name", CELL_TEXT, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"PID", "pid", CELL_UINT, R},
            {"LISTEN", "listen", CELL_TEXT, 0},
            {"HEIGHT", "height", CELL_UINT, R},
            {"PEERS", "peers", CELL_UINT, R},
            {"ADDRESS", "node", CELL_ADDRESS, W},
            {"BALANCE", "balance_micro", CELL_MONEY, R | W},
            {"DATA", "data_dir", CELL_TEXT, W},
        },
};

const struct view view_devnet_accounts = {
    .name = "devnet accounts",
    .rows = "accounts",
    .id = "name",
    .fields =
        {
            {"ACCOUNT", "name", CELL_NAME, 0},
            {"ADDRESS", "address", CELL_ADDRESS, 0},
            {"BALANCE", "balance_micro", CELL_MONEY, R},
            {"BONDED", "bonded_micro", CELL_MONEY, R},
            {"WALLET", "wallet", CELL_TEXT, W},
        },
};

const struct view view_doctor = {
    .name = "doctor",
    .rows = "checks",
    .id = "name",
    .fields =
        {
            {"CHECK", "name", CELL_TEXT, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"FOUND", "what", CELL_TEXT, T},
        },
};
