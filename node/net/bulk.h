#ifndef NODE_NET_BULK_H
#define NODE_NET_BULK_H

/* Bulk transfers: blobs between nodes, on TCP connections of their own so that
 * blocks are never behind a dataset. The side that wants a blob connects and
 * asks: for the manifest, then for the chunks it lacks, a window of 1 MiB at a
 * time. Each chunk is verified before it is stored, so a transfer that breaks
 * goes on later with what is missing, from the same peer or another.
 *
 * Frames are channel frames of type BULK_FRAME on CHANNEL_LANE_BULK (codec:
 * bulk_codec.h). Hashing and disk work is done on the loop's worker pool; the
 * callbacks come on the loop thread, never from inside a call. */

#include "node/blob/blob_store.h"
#include "node/net/link.h"

#define BULK_WINDOW      (1024u * 1024) /* asked for and not yet received */
#define BULK_SERVED_MAX  64u            /* connections that we serve */
#define BULK_FETCHES_MAX 256u
#define BULK_STALL_MS    20000u /* without a chunk: the connection is given up */

struct bulk;
struct bulk_fetch;

/* How fast bytes came through, of a transfer or a probe that is over. */
struct bulk_volume {
    struct pubkey peer;
    bool out;        /* from us to the peer */
    bool full;       /* the way set the pace; else something else may have */
    uint64_t kbps;   /* 0: not known */
    uint64_t sent;   /* segments, where the system tells; else 0 */
    uint64_t again;  /* of them, sent again */
    uint64_t probed; /* bytes that were a probe's */
};

struct bulk_config {
    struct net *net;          /* identity, keys, bans; outlives the bulk */
    struct blob_store *store; /* outlives the bulk */
    const char *listen;       /* "host:port", port 0: any; NULL or "": serve
                                 nobody */
    const char *advertise;    /* as in net_config; NULL: the listen address */
    /* May this peer read a blob that this owner has pinned? Asked for each
     * owner until one says yes; BLOB_OWNER_PUBLIC is not asked about, anyone
     * may. Called with the store locked: it must not call the store. NULL:
     * public blobs and those with the owner "peer:<hex of the peer's key>". */
    bool (*may_read)(void *ctx, const struct pubkey *peer, const char *owner);
    void (*on_note)(void *ctx, const char *text); /* as in net_callbacks */
    /* May this peer have so many bytes of filler, to measure the way? NULL:
     * nobody may. */
    bool (*may_probe)(void *ctx, const struct pubkey *peer, uint64_t bytes);
    /* May be NULL. */
    void (*on_volume)(void *ctx, const struct bulk_volume *volume);
    void *ctx;
};

/* Tells the net where to fetch from us (net_set_bulk). Errors as net_new. */
MUST_USE enum err bulk_new(uv_loop_t *loop, const struct bulk_config *config,
                           struct bulk **out, struct net_error *out_error);
/* Cancels all fetches (their on_done is not called), ends all connections and
 * frees; `done` (may be NULL) is called at the end. Before net_close. */
void bulk_close(struct bulk *bulk, void (*done)(void *ctx), void *ctx);
/* "host:port" that we listen on; "" when we do not. */
const char *bulk_listen_addr(const struct bulk *bulk);

struct bulk_fetch_config {
    const char *addr;   /* "host:port" of the peer's bulk port; copied */
    struct pubkey peer; /* who has to be there */
    struct hash id;     /* the blob, or the tree */
    bool tree;          /* then all files of the tree as well */
    const char *owner;  /* pins what comes; copied */
    uint64_t bytes_max; /* of all content; larger is ERR_TOO_LARGE; 0: no cap */
    uint64_t timeout_ms; /* for everything, retries included; 0: none */
    /* After each chunk. done counts what was here before too; total is 0 until
     * it is known. May be NULL. */
    void (*on_progress)(void *ctx, uint64_t done, uint64_t total);
    /* Once, and the fetch is gone with it. OK: all is here and pinned, in the
     * store. ERR_NOT_FOUND (the peer does not have it), ERR_PERM (we may not
     * read it), ERR_PEER_ID and the like, ERR_BLOB (the peer sent wrong
     * content: it is scored), ERR_FULL, ERR_TOO_LARGE, ERR_TIMEOUT, and faults.
     * What has come stays in the store, pinned, to be resumed. */
    void (*on_done)(void *ctx, enum err err);
    void *ctx;
};

/* Starts; a connection to the same peer is shared. A broken connection is made
 * again, with growing waits, until the timeout or eight tries without a chunk.
 * ERR_PARSE, ERR_RANGE (owner), ERR_RATE (BULK_FETCHES_MAX), ERR_NOMEM. */
MUST_USE enum err bulk_fetch(struct bulk *bulk,
                             const struct bulk_fetch_config *config,
                             struct bulk_fetch **out);
/* Ends it without a word; what has come stays, pinned. */
void bulk_cancel(struct bulk_fetch *fetch);

/* Fetches so much filler (up to BULK_PROBE_MAX, rounded to 64 KiB, at least
 * 128 KiB) from the peer over a connection of its own; on_volume tells the pace
 * of the second half, when the connection has found it. on_done (may be NULL)
 * is called once, before on_volume: with ERR_RATE when the peer does not want
 * to be measured now, ERR_TIMEOUT after BULK_PROBE_MS, and so on. One at a
 * time: ERR_BUSY; ERR_NOMEM, or why it cannot be connected to. */
#define BULK_PROBE_MAX (2u * 1024 * 1024)
#define BULK_PROBE_MS  15000u
MUST_USE enum err bulk_probe(struct bulk *bulk, const char *addr,
                             const struct pubkey *peer, uint64_t bytes,
                             void (*on_done)(void *ctx,
                                             const struct pubkey *peer,
                                             enum err err));

struct bulk_stats {
    uint64_t served_bytes, served_chunks; /* sent to others */
    uint64_t fetched_bytes, fetched_chunks;
    uint32_t serving; /* connections */
    uint32_t fetches;
};
void bulk_stats(const struct bulk *bulk, struct bulk_stats *out);

#endif
