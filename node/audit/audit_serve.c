/* The seller's side of an audit: the measuring program does the work, twice for
 * the product that is to be shown, so that nothing has to be kept. */

#include "base/check.h"
#include "node/audit/audit_inner.h"
#include "node/log.h"
#include "node/sell/offering.h"
#include "sched/meter/answer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PEER_MS  600000u /* one peer, one audit in so long */
#define SHOW_MS  30000u  /* silence of the auditor: over */
#define CHILD_MS 60000u

void audit_serve_end(struct audit_agent *agent)
{
    struct audit_serve *serve = &agent->serve;
    meter_child_drop(serve->child);
    serve->child = NULL;
    free(serve->product);
    serve->product = NULL;
    serve->len = 0;
    serve->busy = serve->is_done = serve->is_open = false;
}

static void refuse(struct audit_agent *agent, const struct pubkey *peer,
                   const struct hash *nonce, enum err err)
{
    struct audit_refused refused = {*nonce, err};
    struct buf message;
    buf_init(&message, 256);
    audit_refused_encode(&refused, &message);
    audit_send(agent, peer, &message);
}

static void give_up(struct audit_agent *agent, enum err err)
{
    refuse(agent, &agent->serve.peer, &agent->serve.ask.nonce, err);
    audit_serve_end(agent);
}

/* ---- may it? ---- */

static bool too_often(const struct audit_serve *serve,
                      const struct pubkey *peer, uint64_t now_ms)
{
    for (uint32_t i = 0; i < AUDIT_SERVED_MAX; i++) {
        if (serve->served[i].at_ms != 0 &&
            serve->served[i].at_ms + PEER_MS > now_ms &&
            pubkey_equal(&serve->served[i].peer, peer))
            return true;
    }
    /* Strangers by the dozen: the oldest place is still warm. */
    return serve->served[serve->served_next].at_ms != 0 &&
           serve->served[serve->served_next].at_ms + PEER_MS > now_ms;
}

static enum err may_serve(const struct audit_agent *agent,
                          const struct pubkey *peer)
{
    const struct node *node = agent->node;
    struct sell_capacity capacity;
    if (node->sell == NULL || node->offering == NULL || !offering_open(node))
        return ERR_NOT_SELLING;
    if (too_often(&agent->serve, peer, audit_now_ms(agent)))
        return ERR_RATE;
    if (agent->serve.busy || node->benching)
        return ERR_BUSY;
    sell_capacity(node->sell, &capacity);
    return capacity.free.cpu_milli < 1000 && capacity.running.cpu_milli > 0
               ? ERR_CAPACITY
               : OK;
}

/* ---- the work ---- */

static void on_line(void *ctx, json_t *line)
{
    struct audit_agent *agent = ctx;
    struct audit_done *done = &agent->serve.done;
    const char *text = json_string_value(json_object_get(line, "hash"));
    if (text == NULL || agent->serve.is_done ||
        done->count == AUDIT_ROUNDS_MAX ||
        hash_parse(text, &done->hashes[done->count]) != OK)
        return;
    done->count++;
}

static void path_of(const struct audit_agent *agent, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/audit.tmp", agent->node->dir.path);
}

static enum err start(struct audit_agent *agent, const char *const *more,
                      void (*on_end)(void *, enum err, const char *))
{
    const struct audit_ask *ask = &agent->serve.ask;
    struct meter_child_events events = {agent, on_line, on_end};
    char nonce[HASH_TEXT_MAX];
    char n[16];
    const char *args[METER_CHILD_ARGS_MAX + 1] = {
        "--challenge", nonce, "--kernel", meter_row(ask->kernel)->name,
        "--n",         n};
    size_t count = 6;
    hash_format(&ask->nonce, nonce);
    (void)snprintf(n, sizeof(n), "%u", ask->n);
    for (; *more != NULL && count < METER_CHILD_ARGS_MAX; more++)
        args[count++] = *more;
    return meter_child_start(
        agent->node->loop,
        config_text(&agent->node->config, CONFIG_meter_program), args, CHILD_MS,
        &events, &agent->serve.child);
}

static void on_worked(void *ctx, enum err err, const char *why)
{
    struct audit_agent *agent = ctx;
    struct audit_serve *serve = &agent->serve;
    struct buf message;
    serve->child = NULL;
    if (err != OK || serve->done.count != serve->ask.rounds) {
        log_odd("audit", "a challenge could not be answered: %s", why);
        give_up(agent, ERR_UNSUPPORTED);
        return;
    }
    serve->is_done = true;
    serve->until_ms = audit_now_ms(agent) + SHOW_MS;
    buf_init(&message, 8192);
    audit_done_encode(&serve->done, &message);
    audit_send(agent, &serve->peer, &message);
}

void audit_serve_ask(struct audit_agent *agent, const struct pubkey *peer,
                     const struct audit_ask *ask)
{
    struct audit_serve *serve = &agent->serve;
    enum err err = may_serve(agent, peer);
    char rounds[16];
    const char *more[] = {"--rounds", rounds, NULL};
    if (err != OK) {
        refuse(agent, peer, &ask->nonce, err);
        return;
    }
    serve->served[serve->served_next].peer = *peer;
    serve->served[serve->served_next].at_ms = audit_now_ms(agent) + 1;
    serve->served_next = (serve->served_next + 1) % AUDIT_SERVED_MAX;
    serve->busy = true;
    serve->peer = *peer;
    serve->ask = *ask;
    serve->done = (struct audit_done){.nonce = ask->nonce};
    serve->until_ms = audit_now_ms(agent) + CHILD_MS + SHOW_MS;
    (void)snprintf(rounds, sizeof(rounds), "%u", ask->rounds);
    log_info("audit", "somebody doubts our %s: %u products of n = %u",
             meter_row(ask->kernel)->name, ask->rounds, ask->n);
    if (start(agent, more, on_worked) != OK)
        give_up(agent, ERR_NOMEM);
}

/* ---- showing one ---- */

static void send_part(struct audit_agent *agent, uint64_t offset)
{
    struct audit_serve *serve = &agent->serve;
    struct audit_part part = {
        .nonce = serve->ask.nonce, .index = serve->index, .offset = offset};
    struct buf message;
    if (offset >= serve->len)
        return;
    part.data = bytes_make(
        serve->product + offset,
        serve->len - offset < AUDIT_PIECE ? serve->len - offset : AUDIT_PIECE);
    serve->until_ms = audit_now_ms(agent) + SHOW_MS;
    buf_init(&message, AUDIT_PIECE + 256);
    audit_part_encode(&part, &message);
    audit_send(agent, &serve->peer, &message);
}

/* The answer's file holds this one product behind its heads. */
static enum err read_product(struct audit_agent *agent)
{
    struct audit_serve *serve = &agent->serve;
    struct product product = {serve->ask.kernel, serve->ask.n, serve->index};
    size_t len = product_bytes(&product);
    char path[1400];
    enum err err = ERR_IO;
    FILE *file;
    path_of(agent, path, sizeof(path));
    file = fopen(path, "re");
    if (file == NULL)
        return ERR_IO;
    (void)unlink(path);
    serve->product = malloc(len);
    if (serve->product == NULL)
        err = ERR_NOMEM;
    else if (fseek(file, -(long)len, SEEK_END) == 0 &&
             fread(serve->product, 1, len, file) == len)
        err = OK;
    (void)fclose(file);
    serve->len = err == OK ? len : 0;
    return err;
}

static void on_made(void *ctx, enum err err, const char *why)
{
    struct audit_agent *agent = ctx;
    agent->serve.child = NULL;
    if (err == OK)
        err = read_product(agent);
    if (err != OK) {
        log_odd("audit", "a product could not be shown: %s", why);
        give_up(agent, ERR_UNSUPPORTED);
        return;
    }
    send_part(agent, 0);
}

static void make_again(struct audit_agent *agent)
{
    char path[1400];
    char index[16];
    const char *more[] = {"--index", index, "--out", path, NULL};
    path_of(agent, path, sizeof(path));
    (void)unlink(path);
    (void)snprintf(index, sizeof(index), "%u", agent->serve.index);
    if (start(agent, more, on_made) != OK)
        give_up(agent, ERR_NOMEM);
}

void audit_serve_open(struct audit_agent *agent, const struct pubkey *peer,
                      const struct audit_open *open)
{
    struct audit_serve *serve = &agent->serve;
    if (!serve->busy || !serve->is_done || !pubkey_equal(&serve->peer, peer) ||
        !hash_equal(&serve->ask.nonce, &open->nonce) ||
        open->index >= serve->ask.rounds)
        return;
    if (serve->is_open && open->index != serve->index)
        return; /* one is shown, not all */
    if (!serve->is_open) {
        serve->is_open = true;
        serve->index = open->index;
        serve->until_ms = audit_now_ms(agent) + CHILD_MS;
        make_again(agent);
    } else if (serve->len > 0) {
        send_part(agent, open->offset);
    }
}

void audit_serve_tick(struct audit_agent *agent)
{
    if (agent->serve.busy && audit_now_ms(agent) > agent->serve.until_ms)
        audit_serve_end(agent);
}
