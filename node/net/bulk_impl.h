#ifndef NODE_NET_BULK_IMPL_H
#define NODE_NET_BULK_IMPL_H

/* Inside bulk transfers. Serving: bulk_serve.c. Fetching, from the outside in:
 * a fetch (bulk_fetch.c) is one blob or one tree; it has pulls (bulk_pull.c),
 * one per blob under way; they ask through a source (bulk_source.c), the
 * connection to one peer, which all fetches from that peer share. bulk.c has
 * the beginning, the end and the clock. Measuring: bulk_probe.c. */

#include "node/net/bulk.h"
#include "node/net/bulk_codec.h"
#include "node/net/guard.h"
#include "node/net/lane.h"
#include "node/net/note.h"

enum {
    BULK_SERVED_PER_NODE = 8,
    BULK_QUEUE_MAX = 32, /* unanswered requests of one client */
    BULK_READS_MAX = 4,  /* of them being read from disk */
    BULK_ASKED_MAX = 16, /* unanswered requests of ours to one source */
    BULK_PULLS_MAX = 8,  /* blobs of one tree at once */
    BULK_TRIES_MAX = 8
};
#define BULK_IDLE_US    10000000u /* an unused connection is closed */
#define BULK_CONNECT_US 8000000u

/* Work for the pool: run on a thread of it, after on the loop thread. First
 * member of what it is part of; freed by `after`. */
struct bulk_job {
    uv_work_t work;
    struct bulk *bulk;
    void (*run)(struct bulk_job *job);
    void (*after)(struct bulk_job *job);
};

struct served; /* a client of ours */
struct probe;  /* a measurement under way */

/* ---- a connection to fetch through ---- */

struct pull;

/* A request that is not answered yet. */
struct asked {
    bool open;
    struct pull *pull; /* NULL: nobody waits for it any more */
    struct hash blob;
    uint32_t index; /* BULK_WHOLE: the manifest */
    uint32_t credit;
};

struct source {
    struct bulk *bulk;
    struct source *next;
    char addr[CHANNEL_ADDR_MAX];
    struct pubkey peer;
    struct lane *lane; /* NULL: not connected */
    unsigned users;    /* fetches, until they are freed */
    struct asked asked[BULK_ASKED_MAX];
    uint32_t credit;   /* asked for and not yet stored */
    unsigned tries;    /* connections since the last progress */
    uint64_t next_us;  /* when to connect */
    uint64_t heard_us; /* last progress, or when it was asked for */
    uint64_t idle_us;  /* since when nobody uses it */
    uint64_t run_us;   /* since when it has been asked without a pause */
    uint64_t run_bytes;
};

/* ---- one blob on its way ---- */

enum pull_phase {
    PULL_OPEN,   /* what is here? */
    PULL_ASK,    /* the manifest */
    PULL_CHUNKS, /* what is missing */
    PULL_DONE
};

struct pull {
    struct bulk_fetch *fetch;
    struct pull *next;
    enum pull_phase phase;
    struct hash id;
    uint64_t bytes_max;
    bool exact;        /* it must have bytes_max bytes */
    bool busy;         /* a job on the whole blob is under way */
    bool lost;         /* requests were lost: look again what is missing */
    bool dead;         /* freed by the next tick with nothing under way */
    uint32_t *missing; /* indices */
    uint32_t missing_count, missing_next;
    uint32_t asked; /* requests open */
    uint32_t puts;  /* chunks being stored */
    uint64_t bytes, have;
};

struct bulk_fetch {
    struct bulk *bulk;
    struct bulk_fetch *next, **at;
    struct bulk_fetch_config config;
    char owner[BLOB_OWNER_MAX];
    struct source *source;
    struct pull *pulls;  /* dead ones too */
    uint32_t pull_count; /* alive */
    bool busy;           /* a job on the fetch itself */
    bool ended;          /* on_done was called, or it was cancelled; freed as
                            a dead pull is */
    bool has_tree;       /* the document is here */
    bool finished;       /* all is here; being flushed */
    struct blob_tree tree;
    uint32_t next_file;
    uint64_t done_bytes; /* of pulls that are done */
    uint64_t total;      /* 0: not known */
    uint64_t deadline_us;
};

struct bulk {
    uv_loop_t *loop;
    struct bulk_config config;
    struct guard *guard;
    uv_tcp_t listener;
    uv_timer_t tick;
    int handles;
    char listen[CHANNEL_ADDR_MAX];
    struct served *served;
    struct source *sources;
    struct bulk_fetch *fetches;
    struct probe *probe; /* NULL: none */
    uint32_t served_count, fetch_count;
    uint32_t lanes, jobs; /* alive */
    bool accept_waits;    /* there was no memory for a connection */
    bool closing;
    struct bulk_stats stats;
    struct note note;
    void (*done)(void *ctx);
    void *done_ctx;
};

/* The next turn of the clock comes at once: something new is to be done. */
void bulk_tick_now(struct bulk *bulk);
uint64_t bulk_now_us(void);
__attribute__((format(printf, 2, 3))) void bulk_note(struct bulk *bulk,
                                                     const char *format, ...);
/* Takes the job; when the pool refuses it, `after` is not called. */
MUST_USE enum err bulk_job_start(struct bulk *bulk, struct bulk_job *job,
                                 void (*run)(struct bulk_job *job),
                                 void (*after)(struct bulk_job *job));
/* For lane events. */
void bulk_lane_gone(void *bulk);
/* What a peer may only do on purpose. */
bool bulk_is_offence(enum err err);

/* ---- serving ---- */
void served_accept(struct bulk *bulk);
void served_tick(struct bulk *bulk, uint64_t now_us);
void served_close_all(struct bulk *bulk);
void served_reap(struct bulk *bulk);

/* ---- probes ---- */
void probe_tick(struct bulk *bulk, uint64_t now_us);
void probe_close(struct bulk *bulk);
/* Tells of so many bytes in so much time; nothing where nobody asks. */
void bulk_tell(struct bulk *bulk, const struct bulk_volume *volume);
uint64_t bulk_kbps(uint64_t bytes, uint64_t us);

/* ---- sources ---- */
/* The shared one, or a new one. ERR_NOMEM. */
MUST_USE enum err source_get(struct bulk *bulk, const char *addr,
                             const struct pubkey *peer, struct source **out);
void source_leave(struct source *source);
void source_tick_all(struct bulk *bulk, uint64_t now_us);
void source_close_all(struct bulk *bulk);
/* Frees those that nobody uses any more. */
void source_reap(struct bulk *bulk);
/* Whether a request of this size may be made now. */
bool source_has_room(const struct source *source, uint32_t credit);
/* Asks for a chunk, or the manifest (index BULK_WHOLE), on behalf of a pull. */
void source_ask(struct source *source, struct pull *pull, uint32_t index,
                uint32_t credit);
/* The answer was dealt with: credit is given back. */
void source_credit(struct source *source, uint32_t credit, bool progress);
/* Nobody waits for the pull's requests any more. */
void source_forget(struct source *source, const struct pull *pull);
/* The peer sent what it must not: it is scored and the connection ended. */
void source_blame(struct source *source, enum err err, const char *why);
/* Lets pulls ask as long as there is room. */
void source_pump(struct source *source);

/* ---- pulls ---- */
MUST_USE enum err pull_new(struct bulk_fetch *fetch, const struct hash *id,
                           uint64_t bytes_max, bool exact);
/* Does what can be done now; true when a request was made. */
bool pull_step(struct pull *pull);
void pull_on_manifest(struct pull *pull, struct bytes manifest,
                      uint32_t credit);
void pull_on_chunk(struct pull *pull, uint32_t index, struct bytes content,
                   uint32_t credit);
void pull_on_refused(struct pull *pull, enum err err);
/* A request of it will not be answered. */
void pull_on_lost(struct pull *pull);
void pull_kill(struct pull *pull);

/* ---- fetches ---- */
void fetch_progress(struct bulk_fetch *fetch);
void fetch_pull_done(struct bulk_fetch *fetch, struct pull *pull);
void fetch_fail(struct bulk_fetch *fetch, enum err err);
void fetch_tick_all(struct bulk *bulk, uint64_t now_us);
/* Frees dead pulls and ended fetches. This is the only place that does, so
 * that callbacks may end any of them at any time. */
void fetch_reap(struct bulk *bulk);

#endif
