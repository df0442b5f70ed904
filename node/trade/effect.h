#ifndef NODE_TRADE_EFFECT_H
#define NODE_TRADE_EFFECT_H

/* What the two trade engines (trade/buy.h, trade/sell.h) want done. They are
 * pure: an event goes in with the time in it, a list of effects comes out, and
 * the shell (node/shell/trade_shell.c, or the simulator) carries the effects
 * out IN ORDER. A SAVE is durable before any later effect of the same step
 * leaves, so what was promised to a peer or the chain survives kill -9. */

#include "market/contract/contract.h"
#include "node/peer/wire.h"

enum trade_effect_kind {
    EFFECT_SAVE = 1, /* key, bytes: write the record; empty bytes delete it */
    EFFECT_SEND,     /* peer, bytes: a wire message; dropped if not connected */
    EFFECT_DIAL,  /* peer, text: make sure we are connected to that address */
    EFFECT_TX,    /* tx_kind, bytes: payload to sign by the node's key and
                     bring to the chain; subject names the contract. The
                     shell keeps it until final or refused and reports
                     either as an event; same (kind, subject) again while one
                     is pending is a no-op */
    EFFECT_FETCH, /* id: blob; peer, text: whose bulk address; subject: for
                     which contract (it pins the blob); code 1: a tree,
                        with all its files; at_ms: given up after so many ms,
                        0: the shell's own bound */
    EFFECT_LOOK,  /* id: a request, task: what the chain says of it now, as
                     TRADE_USE; subject: who asks */
    EFFECT_UNPIN, /* id, subject */
    EFFECT_SHARE, /* id: blob (and, for a tree, what it names) may be read by
                     peer; pinned under subject until EFFECT_UNPIN */
    EFFECT_EXEC_START, /* subject: contract; bytes: encoded spec and, behind it,
                          `code` blob ids: the results it uses, in its order,
                          zero for an empty one; task, tasks; devices:
                          of the seller's configuration, by number. All of it,
                          image and inputs are in the local store by now */
    EFFECT_EXEC_KILL,  /* subject; text: reason */
    EFFECT_EXEC_LOG,   /* subject, stream, offset, peer: read log bytes and send
                          them to peer as WIRE_LOG once there are any */
    EFFECT_EXEC_COLLECT, /* subject: import outputs and logs as blobs, then
                            report TRADE_EXEC_COLLECTED */
    EFFECT_EXEC_REMOVE,  /* subject: forget the work directory */
    EFFECT_LOG_WRITE, /* subject, stream, offset, bytes: a job's output, kept at
                         the buyer as it comes; the log tree repairs what a
                         power cut takes */
    EFFECT_FORGET,    /* subject: a contract of a job that is forgotten: its
                         output, and what was bought with it, may go */
    EFFECT_WAKE,      /* at_ms: call again no later than this (wall clock) */
    EFFECT_NOTE,      /* subject, text, code: a line of the event feed */
};

struct trade_effect {
    enum trade_effect_kind kind;
    struct pubkey peer;
    struct hash id;
    struct hash subject;
    uint32_t tx_kind;
    uint32_t task;
    uint32_t tasks;
    uint32_t stream;
    uint32_t devices; /* a mask */
    uint32_t code;
    uint64_t offset;
    uint64_t at_ms;
    char key[96]; /* SAVE */
    char text[160];
    struct bytes bytes; /* lent until the next step of the engine */
};

/* A growing list, reset at the start of each step. */
struct trade_effects {
    struct trade_effect *list;
    size_t count;
    size_t cap;
    struct arena arena; /* what .bytes point into */
    enum err err;       /* sticky: ERR_NOMEM */
};
void trade_effects_init(struct trade_effects *effects);
void trade_effects_done(struct trade_effects *effects);
void trade_effects_reset(struct trade_effects *effects);
/* A zeroed effect of that kind at the end of the list, or a throw-away one
 * (never NULL) once `err` is set. */
struct trade_effect *trade_effect_add(struct trade_effects *effects,
                                      enum trade_effect_kind kind);
/* Copies bytes into the list's arena. */
struct bytes trade_effects_keep(struct trade_effects *effects,
                                struct bytes bytes);

#endif
