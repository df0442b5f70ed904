/* A machine: a disk, and a process that is started, told things, and killed. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

bool machine_honest(const struct machine *machine)
{
    return machine->acts == 0 && !machine->dishonest;
}

bool machine_validates(const struct machine *machine)
{
    return machine->key_number != NOBODY;
}

uint64_t machine_mono_ms(const struct world *world,
                         const struct machine *machine)
{
    return 1000 + (world->now_us - machine->boot_us) / MS;
}

static uint64_t wall_ms(const struct world *world,
                        const struct machine *machine)
{
    int64_t us = (int64_t)world->now_us + machine->skew_us;
    return (uint64_t)((int64_t)WORLD_T0 + us / (int64_t)MS);
}

void machine_init(struct world *world, uint32_t index, uint32_t key_number,
                  struct sim_key *key)
{
    struct machine *machine = &world->machines[index];
    machine->index = index;
    machine->key_number = key_number;
    machine->key = key;
    machine->signer = key->signer;
    machine->link_key = key->signer.key;
    if (world->plan.link_keys) {
        memset(&machine->link_key, 0, sizeof(machine->link_key));
        u32le_put(machine->link_key.b, index + 1);
    }
    if (key_number < world->plan.keys)
        machine->acts = world->plan.mischief[key_number];
    disk_init(&machine->disk);
    /* As whoever makes the key does. */
    disk_synced(&machine->disk,
                disk_append(&machine->disk, SX_LOG_INIT, bytes_make("", 0)));
}

static void stop(struct machine *machine)
{
    sx_free(machine->core);
    chain_close(machine->chain);
    machine->core = NULL;
    machine->chain = NULL;
    machine->up = false;
    machine->guilt_count = 0;
    inbox_empty(machine);
}

void machine_done(struct machine *machine)
{
    stop(machine);
    disk_done(&machine->disk);
    free(machine->inbox);
    free(machine->logged);
    free(machine->guilts);
    free(machine->taken);
    letter_drop(machine->bent);
    letter_drop(machine->last_proposal);
    letter_drop(machine->last_pages);
    crowd_done(machine);
}

/* ---- effects ---- */

static uint64_t upto(struct world *world, uint64_t most)
{
    return most == 0 ? 0 : dice_below(&world->dice, most + 1);
}

/* Crash points at the places where something is half done. */
static void at_edge(struct world *world, struct machine *machine)
{
    struct entry entry = {
        .kind = ENTRY_KILL, .node = machine->index, .life = machine->life};
    if (world->healed || world->plan.edge_permille == 0 ||
        !machine_honest(machine) ||
        !dice_chance(&world->dice, world->plan.edge_permille))
        return;
    if (dice_chance(&world->dice, 500))
        machine->crash_in = (uint32_t)dice_between(&world->dice, 1, 6);
    else
        world_add(world, upto(world, world->plan.store_us_max), &entry);
}

static void start_sync(struct world *world, struct machine *machine)
{
    struct disk *disk = &machine->disk;
    struct entry entry = {
        .kind = ENTRY_SYNCED, .node = machine->index, .life = machine->life};
    if (disk->syncing_seq != 0 || disk->next_seq - 1 == disk->synced_seq)
        return;
    disk->syncing_seq = entry.a = disk->next_seq - 1;
    world_add(world, upto(world, world->plan.sync_us_max), &entry);
    at_edge(world, machine);
}

static void start_commit(struct world *world, struct machine *machine)
{
    struct entry entry = {
        .kind = ENTRY_COMMIT, .node = machine->index, .life = machine->life};
    if (machine->disk.committing || machine->disk.batch_count == 0)
        return;
    machine->disk.committing = true;
    world_add(world, upto(world, world->plan.store_us_max), &entry);
    at_edge(world, machine);
}

static void set_alarm(struct world *world, struct machine *machine)
{
    struct entry entry = {
        .kind = ENTRY_WAKE, .node = machine->index, .life = machine->life};
    uint64_t at_us;
    if (machine->wake_ms == UINT64_MAX)
        return;
    at_us = machine->boot_us +
            (machine->wake_ms < 1000 ? 0 : (machine->wake_ms - 1000) * MS);
    if (at_us < world->now_us + 100)
        at_us = world->now_us + 100;
    if (machine->alarm_us > world->now_us && machine->alarm_us <= at_us)
        return;
    machine->alarm_us = entry.a = at_us;
    world_add(world, at_us - world->now_us, &entry);
}

static void log_record(struct world *world, struct machine *machine,
                       const struct sx_effect *effect)
{
    uint64_t seq = disk_append(&machine->disk, effect->log_type, effect->bytes);
    if (seq != effect->seq)
        judge_fails(world, "machine %u: record %llu is said to be %llu",
                    machine->index, (unsigned long long)seq,
                    (unsigned long long)effect->seq);
    tell(world, "%u logs record %llu of type %u, %zu bytes", machine->index,
         (unsigned long long)seq, effect->log_type, effect->bytes.len);
    judge_logged(world, machine, seq, effect->bytes);
    if (effect->log_type == SX_LOG_RECALLED) {
        rules_recalled(world, machine);
        machine->forgot = false;
    }
}

static void carry_out(struct world *world, struct machine *machine,
                      const struct sx_effect *effect, struct letter **last,
                      const uint8_t **last_ptr)
{
    switch (effect->kind) {
    case SX_LOG:
        log_record(world, machine, effect);
        return;
    case SX_LOG_TRIM:
        tell(world, "%u needs no record below %llu", machine->index,
             (unsigned long long)effect->seq);
        disk_trim(&machine->disk, effect->seq);
        return;
    case SX_STORE:
        disk_stage(&machine->disk, effect->batch);
        start_commit(world, machine);
        return;
    case SX_SEND:
        /* One message to many is one letter. */
        if (*last == NULL || *last_ptr != effect->bytes.ptr ||
            (*last)->len != effect->bytes.len) {
            letter_drop(*last);
            *last = letter_new(effect->bytes);
            *last_ptr = effect->bytes.ptr;
            judge_send(world, machine, effect->bytes);
        }
        machine->sent_bytes += effect->bytes.len;
        machine->sent_count++;
        fetch_asks(world, machine, effect);
        rules_asks(machine, effect->bytes);
        net_send(world, machine, effect->peer, *last);
        return;
    case SX_FINAL:
        judge_final(world, machine, effect);
        if (effect->height % world->plan.epoch_blocks <= 1)
            at_edge(world, machine);
        return;
    case SX_TX_TAKEN:
        judge_taken(world, machine, &effect->id);
        break;
    case SX_RELAY:
        break;
    case SX_TX_REFUSED:
        judge_refused(world, machine, effect);
        return;
    case SX_PEER_BAD: {
        struct machine *peer = net_peer(world, machine, effect->peer);
        tell(world, "%u calls %d bad: %s", machine->index,
             peer == NULL ? -1 : (int)peer->index, err_name(effect->err));
        fetch_blames(machine, effect->peer);
        world->foreign_told += effect->err == ERR_SIGNATURE ? 1 : 0;
        if (effect->peer == machine->minds)
            machine->minds = 0;
        if (peer != NULL && machine_honest(machine) && machine_honest(peer) &&
            !world->plan.overload)
            judge_fails(world, "honest %u calls honest %u bad: %s",
                        machine->index, peer->index, err_name(effect->err));
        return;
    }
    case SX_WAKE:
        machine->wake_ms = effect->at_ms;
        return;
    case SX_NOTICE:
        judge_notice(world, machine, effect);
        return;
    case SX_HALT:
        machine->halted = effect->err;
        judge_halt(world, machine, effect->err);
        return;
    }
    struct letter *letter = letter_new(effect->bytes);
    net_gossip(world, machine, letter);
    letter_drop(letter);
}

/* Between any two effects the process may end. */
static bool crashes_now(struct machine *machine)
{
    return machine->crash_in > 0 && --machine->crash_in == 0;
}

static void free_rest(const struct sx_effects *effects, size_t from)
{
    for (size_t i = from; i < effects->count; i++)
        if (effects->items[i].kind == SX_STORE)
            store_batch_free(effects->items[i].batch);
}

static uint64_t down_time(struct world *world)
{
    if (world->plan.down_us_max == 0 || dice_chance(&world->dice, 400))
        return upto(world, 100 * MS);
    return upto(world, world->plan.down_us_max);
}

static void step(struct world *world, struct machine *machine,
                 struct sx_event *event)
{
    struct sx_effects effects;
    struct letter *last = NULL;
    const uint8_t *last_ptr = NULL;
    uint64_t cost_us = world->plan.step_us;
    event->mono_ms = machine_mono_ms(world, machine);
    event->wall_ms = wall_ms(world, machine);
    world->events++;
    machine->wake_ms = UINT64_MAX;
    sx_step(machine->core, event, &effects);
    for (size_t i = 0; i < effects.count; i++) {
        if (crashes_now(machine)) {
            free_rest(&effects, i);
            letter_drop(last);
            tell(world, "%u crashes before effect %zu of %zu", machine->index,
                 i, effects.count);
            machine_crash(world, machine, down_time(world));
            return;
        }
        carry_out(world, machine, &effects.items[i], &last, &last_ptr);
    }
    letter_drop(last);
    judge_step(world, machine);
    if (machine->halted != OK) {
        machine_kill(world, machine);
        return;
    }
    start_sync(world, machine);
    set_alarm(world, machine);
    if (machine->slow_until_us > world->now_us)
        cost_us += 3 * MS;
    machine->busy_until_us = world->now_us + cost_us;
}

/* ---- what happens to it ---- */

/* A full disk takes it later: nothing is lost, and nothing else happens. */
static bool is_full(struct world *world, struct machine *machine,
                    const struct entry *entry)
{
    if (machine->disk.full_until_us <= world->now_us)
        return false;
    world_add(world, 50 * MS, entry);
    return true;
}

static void on_alarm(struct world *world, struct machine *machine,
                     const struct entry *entry)
{
    struct sx_event event = {.kind = SX_EV_TIME};
    if (machine->alarm_us == entry->a)
        machine->alarm_us = 0;
    if (machine->wake_ms == UINT64_MAX)
        return;
    if (machine_mono_ms(world, machine) < machine->wake_ms)
        set_alarm(world, machine);
    else
        step(world, machine, &event);
}

static void hear_vote(struct world *world, struct machine *machine,
                      const struct entry *entry)
{
    static struct sx_msg msg;
    if (entry->letter->len > 0 && entry->letter->bytes[0] == SX_MSG_VOTE &&
        sx_msg_decode(letter_bytes(entry->letter), &msg) == OK &&
        sx_peer_signs(machine->core, net_arrives(world, entry)))
        votes_heard(world, machine, &world->machines[entry->from], &msg.vote);
}

static void on_message(struct world *world, struct machine *machine,
                       const struct entry *entry)
{
    struct sx_event event = {.kind = SX_EV_MESSAGE,
                             .peer = net_arrives(world, entry)};
    if (event.peer == 0)
        return;
    event.bytes = letter_bytes(entry->letter);
    event.key = world->machines[entry->from].link_key;
    world->messages++;
    world_trace(world, 2, (uint64_t)machine->index << 32 | entry->from,
                entry->letter->mark);
    tell_message(world, "hears from", machine->index, entry->from,
                 entry->letter);
    if (machine->acts != 0)
        actor_hear(world, machine, &world->machines[entry->from],
                   entry->letter);
    else if (world->machines[entry->from].acts != 0)
        hear_vote(world, machine, entry);
    uint32_t life = machine->life;
    const struct machine *from = &world->machines[entry->from];
    if (machine->before.amnesia)
        rules_word(machine, from, entry->letter);
    machine->minds =
        rules_foreign(world, machine, event.peer, from, entry->letter)
            ? event.peer
            : 0;
    struct fetch_told told = fetch_hears(machine, &event, entry->letter);
    step(world, machine, &event);
    if (machine->life == life)
        fetch_heard(world, machine, from, &told);
    if (machine->minds != 0 && machine->life == life)
        judge_fails(world, "machine %u takes a vote from %u in another's name",
                    machine->index, entry->from);
}

static void on_peer(struct world *world, struct machine *machine,
                    const struct entry *entry)
{
    struct sx_event event = {.kind = entry->kind == ENTRY_PEER ? SX_EV_LINK
                                                               : SX_EV_UNLINK,
                             .peer = entry->a};
    event.key = world->machines[entry->from].link_key;
    tell(world, "%u %s %u (peer %llu)", machine->index,
         entry->kind == ENTRY_PEER ? "is linked with" : "has lost", entry->from,
         (unsigned long long)entry->a);
    if (entry->kind == ENTRY_UNLINK)
        fetch_unlinked(machine, entry->a);
    step(world, machine, &event);
}

static void on_tx(struct world *world, struct machine *machine,
                  const struct entry *entry)
{
    struct sx_tx tx = {.bytes = letter_bytes(entry->letter), .token = entry->a};
    struct sx_event event = {.kind = SX_EV_SUBMIT, .txs = &tx, .tx_count = 1};
    world_trace(world, 3, machine->index, entry->letter->mark);
    step(world, machine, &event);
}

static void on_synced(struct world *world, struct machine *machine,
                      const struct entry *entry)
{
    struct sx_event event = {.kind = SX_EV_LOGGED, .seq = entry->a};
    if (is_full(world, machine, entry))
        return;
    machine->disk.syncing_seq = 0;
    disk_synced(&machine->disk, entry->a);
    world_trace(world, 4, machine->index, entry->a);
    step(world, machine, &event);
}

static void on_commit(struct world *world, struct machine *machine,
                      const struct entry *entry)
{
    struct entry stored = {
        .kind = ENTRY_STORED, .node = machine->index, .life = machine->life};
    uint64_t told_us;
    if (is_full(world, machine, entry))
        return;
    told_us = world->now_us + upto(world, world->plan.store_us_max / 4);
    stored.a = disk_commit(&machine->disk);
    fetch_committed(world, machine);
    machine->disk.committing = false;
    /* One after the other. */
    if (told_us < machine->stored_us)
        told_us = machine->stored_us;
    machine->stored_us = told_us;
    world_add(world, told_us - world->now_us, &stored);
    start_commit(world, machine);
}

static void on_stored(struct world *world, struct machine *machine,
                      const struct entry *entry)
{
    struct sx_event event = {.kind = SX_EV_STORED, .height = entry->a};
    machine->stored_height = entry->a;
    world_trace(world, 5, machine->index, entry->a);
    step(world, machine, &event);
}

void machine_handle(struct world *world, struct machine *machine,
                    const struct entry *entry)
{
    switch (entry->kind) {
    case ENTRY_WAKE:
        on_alarm(world, machine, entry);
        return;
    case ENTRY_MESSAGE:
        on_message(world, machine, entry);
        return;
    case ENTRY_TX:
        on_tx(world, machine, entry);
        return;
    case ENTRY_PEER:
    case ENTRY_UNLINK:
        on_peer(world, machine, entry);
        return;
    case ENTRY_SYNCED:
        on_synced(world, machine, entry);
        return;
    case ENTRY_COMMIT:
        on_commit(world, machine, entry);
        return;
    case ENTRY_STORED:
        on_stored(world, machine, entry);
        return;
    case ENTRY_KILL:
        tell(world, "%u is killed", machine->index);
        machine_crash(world, machine, down_time(world));
        return;
    case ENTRY_START:
    case ENTRY_LINK:
    case ENTRY_FREE:
    case ENTRY_CLIENT:
    case ENTRY_RETRY:
    case ENTRY_TROUBLE:
    case ENTRY_MEND:
    case ENTRY_UNITE:
    case ENTRY_RESTORE:
    case ENTRY_GONE:
    case ENTRY_ACT:
        break;
    }
    CHECK(false); /* not about a process */
}

/* ---- life and death ---- */

static enum err replay(struct world *world, struct machine *machine)
{
    struct disk *disk = &machine->disk;
    struct wal_report report = disk_open(disk);
    for (size_t i = disk->first; i < disk->count; i++) {
        const struct disk_record *record = &disk->records[i];
        enum err err;
        if (record->bad)
            continue;
        err = sx_replay(machine->core, record->seq, record->type,
                        bytes_make(record->bytes, record->len));
        if (err != OK && machine->rotten)
            return err;
        if (err != OK)
            judge_fails(world, "machine %u: record %llu of its own log: %s",
                        machine->index, (unsigned long long)record->seq,
                        err_name(err));
    }
    tell(world, "%u has a log: %s, %llu..%llu", machine->index,
         report.found == WAL_WHOLE     ? "whole"
         : report.found == WAL_MISSING ? "missing"
                                       : "damaged",
         (unsigned long long)report.first_seq,
         (unsigned long long)report.last_seq);
    sx_replayed(machine->core, &report, disk->next_seq - 1);
    return OK;
}

static void reset_life(struct world *world, struct machine *machine)
{
    machine->starting = false;
    machine->up = true;
    machine->boot_us = world->now_us;
    machine->alarm_us = 0;
    machine->paused_until_us = machine->busy_until_us = 0;
    machine->crash_in = 0;
    machine->uncertified = false;
    machine->held_epoch = 0;
    machine->ask_by_ms = 0;
    machine->pending_count = 0;
    machine->ask_count = machine->poisoner_count = 0;
    machine->answered = false;
    machine->asked_us = 0;
    memset(machine->heard, 0, sizeof(machine->heard));
    memset(machine->own, 0, sizeof(machine->own));
    machine->taken_count = 0;
    if (machine->taken_cap > 0)
        memset(machine->taken, 0, machine->taken_cap);
    if (!world->healed && world->plan.crash_effects > 0 &&
        machine_honest(machine))
        machine->crash_in = (uint32_t)dice_between(
            &world->dice, 1, 2 * world->plan.crash_effects);
}

static enum err open_all(struct world *world, struct machine *machine,
                         uint64_t seed)
{
    struct kind_table kinds = {NULL, 0};
    struct sx_options options = {.mono_ms = 1000,
                                 .seed = seed,
                                 .sync_epochs = world->plan.sync_epochs,
                                 .pool = {.txs = world->plan.pool_txs}};
    if (machine->acts == 0)
        options.listen_ms = world->plan.listen_ms;
    if (world->plan.link_keys)
        options.link_key = machine->link_key;
    if (machine_validates(machine))
        options.signer = &machine->signer;
    TRY(chain_open(machine->disk.store, &world->genesis, &kinds,
                   &machine->chain));
    TRY(sx_new(machine->chain, &options, &machine->core));
    return machine_validates(machine) ? replay(world, machine) : OK;
}

void machine_start(struct world *world, struct machine *machine)
{
    struct sx_event event = {.kind = SX_EV_TIME};
    uint64_t seed = dice_next(&world->dice);
    enum err err;
    if (machine->up)
        return;
    reset_life(world, machine);
    tell(world, "%u starts, life %u", machine->index, machine->life);
    err = open_all(world, machine, seed);
    if (err != OK) {
        judge_unopened(world, machine, err);
        machine->halted = err;
        stop(machine);
        return;
    }
    judge_opened(world, machine);
    net_dial(world, machine);
    step(world, machine, &event);
}

void machine_kill(struct world *world, struct machine *machine)
{
    if (!machine->up)
        return;
    world->kills++;
    stop(machine);
    machine->life++;
    disk_crash(&machine->disk, &world->dice);
    for (uint32_t i = 0; i < BLOCKS_KEPT; i++)
        if (machine->blocks[i].seq >= machine->disk.next_seq)
            machine->blocks[i].seq = UINT64_MAX;
    while (machine->logged_count > 0 &&
           machine->logged[machine->logged_count - 1].seq >=
               machine->disk.next_seq)
        machine->logged_count--;
    net_drop_all(world, machine);
}

void machine_crash(struct world *world, struct machine *machine,
                   uint64_t down_us)
{
    struct entry entry = {.kind = ENTRY_START, .node = machine->index};
    machine_kill(world, machine);
    if (machine->starting)
        return;
    machine->starting = true;
    world_add(world, down_us, &entry);
}
