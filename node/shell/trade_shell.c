#include "node/shell/trade_shell_inner.h"

#include "base/check.h"
#include "node/log.h"
#include "node/control/rpc_help.h"
#include "node/control/waiters.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- names ---- */

void shell_owner(const struct hash *subject, char out[80])
{
    char hex[HASH_TEXT_MAX];
    hash_format(subject, hex);
    snprintf(out, 80, "contract:%s", hex);
}

void shell_owner_kept(const struct hash *subject, char out[80])
{
    char hex[HASH_TEXT_MAX];
    hash_format(subject, hex);
    snprintf(out, 80, "kept:%s", hex);
}

void shell_job_path(struct node *node, const struct hash *contract,
                    const char *leaf, char out[1300])
{
    char hex[HASH_TEXT_MAX];
    char name[200];
    hash_format(contract, hex);
    snprintf(name, sizeof(name), "jobs/%s%s%s", hex, leaf[0] != '\0' ? "/" : "",
             leaf);
    datadir_path(&node->dir, name, out, 1300);
}

/* ---- who may read what ---- */

static void share_add(struct shell *shell, const struct hash *subject,
                      const struct pubkey *peer)
{
    for (struct share *s = shell->shares; s != NULL; s = s->next) {
        if (hash_equal(&s->subject, subject) && pubkey_equal(&s->peer, peer))
            return;
    }
    struct share *share = calloc(1, sizeof(*share));
    if (share == NULL)
        return;
    share->subject = *subject;
    share->peer = *peer;
    share->next = shell->shares;
    shell->shares = share;
}

static void share_drop(struct shell *shell, const struct hash *subject)
{
    struct share **at = &shell->shares;
    while (*at != NULL) {
        struct share *share = *at;
        if (hash_equal(&share->subject, subject)) {
            *at = share->next;
            free(share);
        } else {
            at = &share->next;
        }
    }
}

bool shell_may_read(struct shell *shell, const struct pubkey *peer,
                    const char *owner)
{
    struct hash subject;
    if (strncmp(owner, "contract:", 9) != 0 ||
        hash_parse(owner + 9, &subject) != OK)
        return false;
    for (struct share *s = shell->shares; s != NULL; s = s->next) {
        if (hash_equal(&s->subject, &subject) && pubkey_equal(&s->peer, peer))
            return true;
    }
    return false;
}

static void do_share(struct shell *shell, const struct trade_effect *effect)
{
    char owner[80];
    enum err err;
    shell_owner(&effect->subject, owner);
    /* On the loop: a share is made again at each start, so it need not wait
     * for the disk. */
    err = blob_store_pin_again(shell->node->blobs, &effect->id, owner);
    if (err != OK)
        log_odd("trade", "a blob cannot be shared: %s", err_text(err));
    share_add(shell, &effect->subject, &effect->peer);
}

static void do_unpin(struct shell *shell, const struct trade_effect *effect)
{
    char owner[80];
    shell_owner(&effect->subject, owner);
    share_drop(shell, &effect->subject);
    /* A buyer keeps what it paid for until the job is forgotten. */
    blob_store_unpin_owner(shell->node->blobs, owner);
    shell->node->blobs_dirty = true;
}

static void do_forget(struct shell *shell, const struct trade_effect *effect)
{
    char owner[80];
    shell_owner_kept(&effect->subject, owner);
    blob_store_unpin_owner(shell->node->blobs, owner);
    shell->node->blobs_dirty = true;
    shell_folder_remove(shell, &effect->subject);
}

/* ---- small effects ---- */

void shell_send(struct shell *shell, const struct pubkey *to,
                struct bytes message)
{
    struct net_peer *peer = net_find(shell->node->net, to);
    enum err err = peer != NULL ? net_send(peer, message) : ERR_CLOSED;
    if (err != OK)
        log_debug("trade", "a message was not sent: %s", err_text(err));
}

static void do_dial(struct shell *shell, const struct trade_effect *effect)
{
    if (effect->text[0] == '\0' ||
        net_find(shell->node->net, &effect->peer) != NULL)
        return;
    enum err err = net_dial_hint(shell->node->net, effect->text, &effect->peer);
    if (err != OK && err != ERR_EXISTS)
        log_odd("trade", "%s cannot be dialled", effect->text);
}

static void do_tx(struct shell *shell, const struct trade_effect *effect)
{
    struct node *node = shell->node;
    uint64_t height = chain_tip(chain_host_chain(node->host)).height;
    enum err err = own_tx_add(node->own, effect->tx_kind, &effect->subject,
                              effect->bytes, height, uv_now(node->loop));
    if (err != OK) /* the engines ask again */
        log_odd("trade", "a transaction has to wait: %s", err_text(err));
}

static void do_log_write(struct shell *shell, const struct trade_effect *effect)
{
    char path[1300];
    int fd;
    shell_job_path(shell->node, &effect->subject, "", path);
    mkdir(path, 0700);
    shell_job_path(shell->node, &effect->subject,
                   effect->stream == 1 ? "stdout" : "stderr", path);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || pwrite(fd, effect->bytes.ptr, effect->bytes.len,
                         (off_t)effect->offset) != (ssize_t)effect->bytes.len)
        log_odd("trade", "%s cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    waiters_poke(shell->node->waiters);
}

static void do_note(struct shell *shell, const struct trade_effect *effect,
                    bool buying)
{
    struct feed_event event = {
        .at_ms = node_wall_ms(),
        .kind = buying ? FEED_JOB : FEED_SELL,
        .job = effect->id,
        .contract = effect->subject,
        .task = effect->task,
        .code = effect->code,
    };
    snprintf(event.text, sizeof(event.text), "%s", effect->text);
    feed_add(&shell->node->feed, &event);
}

static void do_look(struct shell *shell, const struct trade_effect *effect)
{
    struct contract contract;
    struct trade_event event = {.kind = TRADE_USE,
                                .id = effect->id,
                                .task = effect->task,
                                .subject = effect->subject};
    struct state *state = chain_state(chain_host_chain(shell->node->host));
    struct arena arena;
    arena_init(&arena, 256u * 1024);
    if (contract_of_task(state, &effect->id, effect->task, &arena, &contract) ==
        OK)
        event.contract = &contract;
    shell_event(shell, &event);
    arena_done(&arena);
}

static void on_wake(uv_timer_t *timer)
{
    struct shell *shell = timer->data;
    shell->wake_at_ms = UINT64_MAX;
    shell_tick(shell);
}

static void do_wake(struct shell *shell, uint64_t at_ms)
{
    uint64_t now = node_wall_ms();
    if (at_ms >= shell->wake_at_ms)
        return;
    shell->wake_at_ms = at_ms;
    uv_timer_start(&shell->timer, on_wake, at_ms > now ? at_ms - now : 1, 0);
}

/* ---- the list ---- */

void shell_carry_out_one(struct shell *shell, const struct trade_effect *e,
                         bool buying)
{
    switch (e->kind) {
    case EFFECT_SAVE: /* shell_carry_out's own */
        CHECK(e->kind != EFFECT_SAVE);
        break;
    case EFFECT_SEND:
        shell_send(shell, &e->peer, e->bytes);
        break;
    case EFFECT_DIAL:
        do_dial(shell, e);
        break;
    case EFFECT_TX:
        do_tx(shell, e);
        break;
    case EFFECT_FETCH:
        shell_fetch(shell, e);
        break;
    case EFFECT_LOOK:
        do_look(shell, e);
        break;
    case EFFECT_UNPIN:
        do_unpin(shell, e);
        break;
    case EFFECT_SHARE:
        do_share(shell, e);
        break;
    case EFFECT_EXEC_START:
        shell_exec_start(shell, e);
        break;
    case EFFECT_EXEC_KILL:
        shell_exec_kill(shell, e);
        break;
    case EFFECT_EXEC_LOG:
        shell_exec_log(shell, e);
        break;
    case EFFECT_EXEC_COLLECT:
        shell_exec_collect(shell, e);
        break;
    case EFFECT_EXEC_REMOVE:
        shell_exec_remove(shell, e);
        break;
    case EFFECT_LOG_WRITE:
        do_log_write(shell, e);
        break;
    case EFFECT_FORGET:
        do_forget(shell, e);
        break;
    case EFFECT_WAKE:
        do_wake(shell, e->at_ms);
        break;
    case EFFECT_NOTE:
        do_note(shell, e, buying);
        break;
    }
}

struct trade_effects *shell_buy_effects(struct shell *shell)
{
    return &shell->buy_effects;
}

struct trade_effects *shell_sell_effects(struct shell *shell)
{
    return &shell->sell_effects;
}

void shell_carry_out_buy(struct shell *shell)
{
    shell_carry_out(shell, &shell->buy_effects, true);
    shell_drain(shell);
}

void shell_carry_out_sell(struct shell *shell)
{
    shell_carry_out(shell, &shell->sell_effects, false);
    shell_drain(shell);
}

/* ---- events ---- */

struct queued {
    struct queued *next;
    struct trade_event event;
    struct contract contract;
    struct exec_state exec;
    uint8_t message[];
};

static void step_both(struct shell *shell, const struct trade_event *event)
{
    struct node *node = shell->node;
    if (node->sell != NULL && event->kind == TRADE_MESSAGE)
        node_disk_look(node); /* it may ask for a place */
    if (node->buy != NULL) {
        buy_step(node->buy, event, &shell->buy_effects);
        shell_carry_out(shell, &shell->buy_effects, true);
    }
    if (node->sell != NULL && shell->failed == OK) {
        sell_step(node->sell, event, &shell->sell_effects);
        shell_carry_out(shell, &shell->sell_effects, false);
    }
    waiters_poke(node->waiters);
}

uint64_t shell_now_ms(struct shell *shell)
{
    uint64_t now = node_wall_ms();
    if (now > shell->now_ms)
        shell->now_ms = now; /* never falls, whatever the clock does */
    return shell->now_ms;
}

static void fill_times(struct shell *shell, struct trade_event *event)
{
    event->now_ms = shell_now_ms(shell);
    event->chain_time_ms =
        chain_tip(chain_host_chain(shell->node->host)).header.time_ms;
}

/* What happens while effects are carried out waits its turn. */
static void enqueue(struct shell *shell, const struct trade_event *event)
{
    struct queued *queued = calloc(1, sizeof(*queued) + event->message.len);
    if (queued == NULL) {
        shell->failed = ERR_NOMEM;
        return;
    }
    queued->event = *event;
    if (event->message.len > 0)
        memcpy(queued->message, event->message.ptr, event->message.len);
    queued->event.message.ptr = queued->message;
    if (event->contract != NULL) {
        queued->contract = *event->contract;
        queued->event.contract = &queued->contract;
    }
    if (event->exec != NULL) {
        queued->exec = *event->exec;
        queued->event.exec = &queued->exec;
    }
    *shell->queue_last = queued;
    shell->queue_last = &queued->next;
}

void shell_drain(struct shell *shell)
{
    if (shell->busy || shell->draining)
        return;
    shell->draining = true;
    while (shell->queue != NULL) {
        struct queued *queued = shell->queue;
        shell->queue = queued->next;
        if (shell->queue == NULL)
            shell->queue_last = &shell->queue;
        if (shell->failed == OK && !shell->stopped) {
            fill_times(shell, &queued->event);
            step_both(shell, &queued->event);
        }
        free(queued);
    }
    shell->draining = false;
}

void shell_event(struct shell *shell, const struct trade_event *event)
{
    if (shell->failed != OK || shell->stopped)
        return;
    enqueue(shell, event);
    shell_drain(shell);
}

void shell_contract(struct shell *shell, const struct hash *id)
{
    struct contract contract;
    struct trade_event event = {.kind = TRADE_CONTRACT, .contract = &contract};
    struct state *state = chain_state(chain_host_chain(shell->node->host));
    struct arena arena;
    if (shell->stopped)
        return;
    arena_init(&arena, 256u * 1024);
    if (contract_get(state, id, &arena, &contract) == OK)
        shell_event(shell, &event);
    arena_done(&arena);
}

void shell_tick(struct shell *shell)
{
    struct trade_event event = {.kind = TRADE_TICK};
    struct node *node = shell->node;
    struct account account;
    if (node->sell != NULL &&
        account_get(chain_state(chain_host_chain(node->host)), &node->self,
                    &account) == OK)
        sell_balance(node->sell, account.balance);
    shell_event(shell, &event);
    shell_exec_tick(shell);
}

/* ---- start ---- */

static enum err load_sell(void *ctx, const char *key, struct bytes value)
{
    struct shell *shell = ctx;
    enum err err = sell_load(shell->node->sell, key, value);
    if (err != OK)
        log_odd("trade", "record %s cannot be read and is left alone: %s", key,
                err_text(err));
    return err == ERR_NOMEM ? err : OK;
}

static enum err load_own(void *ctx, const char *key, struct bytes value)
{
    struct shell *shell = ctx;
    enum err err = own_tx_load(shell->node->own, value);
    if (err != OK)
        log_odd("trade", "transaction %s is not sent again: %s", key,
                err_text(err));
    return err == ERR_NOMEM ? err : OK;
}

static enum err load_buy(void *ctx, const char *key, struct bytes value)
{
    struct shell *shell = ctx;
    enum err err = buy_load(shell->node->buy, key, value);
    if (err != OK)
        log_odd("trade", "record %s cannot be read and is left alone: %s", key,
                err_text(err));
    return err == ERR_NOMEM ? err : OK;
}

/* Ids first, then each by itself: an event may start what changes the state. */
struct replay {
    struct hash *ids;
    size_t count;
    size_t cap;
    const struct pubkey *self;
};

static enum err collect_contract(void *ctx, struct bytes key,
                                 struct bytes value)
{
    struct replay *replay = ctx;
    (void)value;
    if (key.len != HASH_LEN)
        return OK;
    if (replay->count == replay->cap) {
        size_t cap = replay->cap == 0 ? 256 : replay->cap * 2;
        struct hash *ids = realloc(replay->ids, cap * sizeof(*ids));
        if (ids == NULL)
            return ERR_NOMEM;
        replay->ids = ids;
        replay->cap = cap;
    }
    memcpy(replay->ids[replay->count++].b, key.ptr, HASH_LEN);
    return OK;
}

enum err shell_contracts(struct shell *shell)
{
    struct replay replay = {0};
    struct chain *chain = chain_host_chain(shell->node->host);
    struct state *state = chain_state(chain);
    if (chain_is_syncing(chain))
        return OK; /* when the state is here */
    enum err err = state_each(state, STATE_CONTRACT, collect_contract, &replay);
    for (size_t i = 0; err == OK && i < replay.count; i++)
        shell_contract(shell, &replay.ids[i]);
    free(replay.ids);
    return err;
}

enum err shell_new(struct node *node, struct shell **out)
{
    struct shell *shell = calloc(1, sizeof(*shell));
    enum err err = OK;
    if (shell == NULL)
        return ERR_NOMEM;
    shell->node = node;
    node->shell = shell;
    shell->queue_last = &shell->queue;
    shell->parcels_last = &shell->parcels;
    shell->wake_at_ms = UINT64_MAX;
    trade_effects_init(&shell->buy_effects);
    trade_effects_init(&shell->sell_effects);
    CHECK(uv_timer_init(node->loop, &shell->timer) == 0);
    shell->timer.data = shell;
    shell_exec_init(shell);
    err = records_start(&node->records, node->loop, shell_saved, shell);
    if (err == OK)
        err = records_each(&node->records, "own", load_own, shell);
    if (err == OK && node->sell != NULL)
        err = records_each(&node->records, "sell", load_sell, shell);
    if (err == OK && node->buy != NULL)
        err = records_each(&node->records, "buy", load_buy, shell);
    if (err == OK)
        err = shell_contracts(shell);
    if (err != OK)
        return err; /* node_close frees node->shell */
    shell_tick(shell);
    *out = shell;
    return OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct shell *shell = handle->data;
    if (--shell->open_handles == 0)
        free(shell);
}

void shell_stop(struct shell *shell)
{
    if (shell == NULL)
        return;
    shell->stopped = true;
    records_stop(&shell->node->records);
    uv_timer_stop(&shell->timer);
    uv_timer_stop(&shell->exec_timer);
}

unsigned shell_works(const struct shell *shell)
{
    return shell != NULL ? shell->works : 0;
}

void shell_free(struct shell *shell)
{
    if (shell == NULL)
        return;
    CHECK(shell->works == 0);
    while (shell->shares != NULL) {
        struct share *next = shell->shares->next;
        free(shell->shares);
        shell->shares = next;
    }
    shell_parcels_free(shell);
    while (shell->queue != NULL) {
        struct queued *next = shell->queue->next;
        free(shell->queue);
        shell->queue = next;
    }
    trade_effects_done(&shell->buy_effects);
    trade_effects_done(&shell->sell_effects);
    shell_exec_done(shell);
    shell_fetches_done(shell);
    shell->open_handles = 2;
    uv_close((uv_handle_t *)&shell->timer, on_timer_closed);
    uv_close((uv_handle_t *)&shell->exec_timer, on_timer_closed);
}
