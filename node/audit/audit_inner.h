#ifndef NODE_AUDIT_INNER_H
#define NODE_AUDIT_INNER_H

/* Shared by the audit*.c pages; nobody else. */

#include "node/audit/audit.h"
#include "node/sell/meter_child.h"

#define AUDIT_SERVED_MAX 64u

/* The seller's side. */
struct audit_serve {
    bool busy;
    struct pubkey peer;
    struct audit_ask ask;
    struct audit_done done;
    bool is_done;
    uint32_t index; /* of the product that is shown */
    bool is_open;
    struct meter_child *child;
    uint8_t *product;
    size_t len;
    uint64_t until_ms;
    struct {
        struct pubkey peer;
        uint64_t at_ms;
    } served[AUDIT_SERVED_MAX];
    uint32_t served_next;
};

/* The auditor's side. */
struct audit_run {
    bool busy;
    struct audit_result result;
    struct grade declared; /* all of it, as the offer had it then */
    struct audit_done done;
    bool is_done;
    uint32_t index;
    uint64_t sent_ns;
    uint64_t until_ms;
    uint8_t *product;
    size_t len;
    size_t have;
    bool checking; /* a worker has the product */
    enum err checked;
    uv_work_t work;
};

struct audit_agent {
    struct node *node;
    struct arena arena;
    struct audit_serve serve;
    struct audit_run run;
    struct audit_result last;
    bool closed; /* freed when the worker is done */
};

uint64_t audit_now_ms(const struct audit_agent *agent);
/* Takes the buf. */
void audit_send(struct audit_agent *agent, const struct pubkey *to,
                struct buf *message);

/* audit_serve.c */
void audit_serve_ask(struct audit_agent *agent, const struct pubkey *peer,
                     const struct audit_ask *ask);
void audit_serve_open(struct audit_agent *agent, const struct pubkey *peer,
                      const struct audit_open *open);
void audit_serve_tick(struct audit_agent *agent);
void audit_serve_end(struct audit_agent *agent);

/* audit_run.c */
void audit_run_done(struct audit_agent *agent, const struct pubkey *peer,
                    const struct audit_done *done);
void audit_run_part(struct audit_agent *agent, const struct pubkey *peer,
                    const struct audit_part *part);
void audit_run_refused(struct audit_agent *agent, const struct pubkey *peer,
                       const struct audit_refused *refused);
void audit_run_tick(struct audit_agent *agent);

#endif
