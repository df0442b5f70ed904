#include "tests/exhaust/machine.h"

#include "base/check.h"
#include "tests/exhaust/judge.h"
#include "tests/exhaust/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONG_MS   UINT64_C(1000000)
#define STEPS_MAX 150u

struct machine *machine;
static void *place; /* where the machine is in the region */

/* ---- acts ---- */

struct act act_of(uint32_t number)
{
    struct act act = {.kind = ACT_HEAR};
    CHECK(number < ACTS);
    if (number < 3)
        act.kind = (enum act_kind)number;
    else if (number < ACT_FIRST_LETTER)
        act = (struct act){.kind = ACT_CRASH,
                           .keep = (number - 3) % (KEEP_MAX + 1),
                           .commit = (number - 3) / (KEEP_MAX + 1)};
    else
        act.letter = number - ACT_FIRST_LETTER;
    return act;
}

void act_name(const struct act *act, char out[64])
{
    switch (act->kind) {
    case ACT_TIMER:
        snprintf(out, 64, "timer");
        return;
    case ACT_SYNC:
        snprintf(out, 64, "sync");
        return;
    case ACT_COMMIT:
        snprintf(out, 64, "commit");
        return;
    case ACT_CRASH:
        snprintf(out, 64, "crash-%u-%u", act->keep, act->commit);
        return;
    case ACT_HEAR:
        snprintf(out, 64, "%s", letters[act->letter].name);
        return;
    }
}

uint32_t act_named(const char *name)
{
    char text[64];
    for (uint32_t i = 0; i < ACTS; i++) {
        struct act act = act_of(i);
        if (act.kind == ACT_HEAR && act.letter >= letter_count)
            break;
        act_name(&act, text);
        if (strcmp(text, name) == 0)
            return i;
    }
    return ACTS;
}

/* ---- the disk ---- */

uint64_t machine_logged(void)
{
    if (machine->count > machine->first)
        return machine->records[machine->count - 1].seq;
    return machine->synced;
}

static void append(uint64_t seq, uint8_t type, struct bytes body)
{
    if (machine->count == machine->cap) {
        machine->cap = machine->cap == 0 ? 32 : 2 * machine->cap;
        machine->records = realloc(machine->records,
                                   machine->cap * sizeof(machine->records[0]));
        CHECK(machine->records != NULL);
    }
    struct record *record = &machine->records[machine->count++];
    *record = (struct record){.seq = seq, .type = type, .len = body.len};
    record->bytes = malloc(body.len + 1);
    CHECK(record->bytes != NULL);
    if (body.len > 0)
        memcpy(record->bytes, body.ptr, body.len);
}

/* As much as may be forgotten is, at once; but not what is not synced. */
static void trim(uint64_t seq)
{
    while (machine->first < machine->count &&
           machine->records[machine->first].seq < seq &&
           machine->records[machine->first].seq <= machine->synced)
        free(machine->records[machine->first++].bytes);
}

static void commit_one(void)
{
    CHECK(machine->batch_count > 0);
    struct store_batch *batch = machine->batches[0];
    CHECK(store_commit(machine->store, batch) == OK);
    machine->stored = store_batch_height(batch);
    store_batch_free(batch);
    machine->batch_count--;
    memmove(machine->batches, machine->batches + 1,
            machine->batch_count * sizeof(machine->batches[0]));
}

/* ---- effects ---- */

static void carry_out(const struct sx_effect *effect)
{
    switch (effect->kind) {
    case SX_LOG:
        if (effect->seq != machine_logged() + 1)
            judge_fails("a record has number %llu after %llu",
                        (unsigned long long)effect->seq,
                        (unsigned long long)machine_logged());
        region_leave();
        judge_log(effect->log_type, effect->bytes);
        region_enter();
        append(effect->seq, effect->log_type, effect->bytes);
        return;
    case SX_LOG_TRIM:
        trim(effect->seq);
        return;
    case SX_STORE:
        CHECK(machine->batch_count < COMMIT_MAX);
        machine->batches[machine->batch_count++] = effect->batch;
        return;
    case SX_SEND:
        region_leave();
        judge_send(effect->bytes);
        region_enter();
        return;
    case SX_FINAL:
        region_leave();
        judge_final(effect);
        region_enter();
        CHECK(machine->final_count < FINALS_MAX);
        machine->finals[machine->final_count++] =
            (struct final){effect->height, effect->id};
        return;
    case SX_TX_TAKEN:
    case SX_TX_REFUSED:
    case SX_RELAY:
    case SX_WAKE:
        return;
    case SX_PEER_BAD:
    case SX_NOTICE:
    case SX_HALT:
        judge_effect(effect);
        return;
    }
}

static void step(struct sx_event *event)
{
    struct sx_effects effects;
    machine->mono_ms++;
    CHECK(machine->steps++ < STEPS_MAX);
    event->mono_ms = machine->mono_ms;
    event->wall_ms = TOWN_T0 + 1000;
    sx_step(machine->core, event, &effects);
    for (size_t i = 0; i < effects.count; i++)
        carry_out(&effects.items[i]);
}

static void sync_log(void)
{
    struct sx_event event = {.kind = SX_EV_LOGGED, .seq = machine_logged()};
    machine->synced = event.seq;
    step(&event);
}

static void sync_store(void)
{
    struct sx_event event = {.kind = SX_EV_STORED};
    commit_one();
    event.height = machine->stored;
    step(&event);
}

/* ---- lives ---- */

static void replay(void)
{
    struct wal_report report = {.found = WAL_WHOLE};
    uint64_t noted = 0;
    CHECK(sx_noted_seq(machine->chain, &noted) == OK);
    for (uint32_t i = machine->first; i < machine->count; i++) {
        const struct record *record = &machine->records[i];
        enum err err = sx_replay(machine->core, record->seq, record->type,
                                 bytes_make(record->bytes, record->len));
        if (err != OK)
            judge_fails("record %llu of its own log: %s",
                        (unsigned long long)record->seq, err_name(err));
        if (report.first_seq == 0)
            report.first_seq = record->seq;
        report.last_seq = record->seq;
    }
    if (machine->first == machine->count)
        report.found = WAL_MISSING;
    else if (report.last_seq < noted)
        report.found = WAL_DAMAGED;
    if (machine->synced < noted)
        machine->synced = noted;
    sx_replayed(machine->core, &report, machine->synced);
}

/* Links to all, and the users' transactions. */
static void greet(void)
{
    struct sx_event event = {.kind = SX_EV_TIME};
    struct sx_tx txs[TOWN_TXS];
    memset(txs, 0, sizeof(txs));
    step(&event);
    for (uint32_t p = 0; p < town.bounds.n; p++) {
        if (p == machine->who)
            continue;
        event = (struct sx_event){
            .kind = SX_EV_LINK, .peer = p + 1, .key = town.keys[p].signer.key};
        step(&event);
    }
    for (uint32_t i = 0; i < town.bounds.txs; i++)
        txs[i].bytes = buf_bytes(&town.txs[i]);
    event = (struct sx_event){
        .kind = SX_EV_SUBMIT, .txs = txs, .tx_count = town.bounds.txs};
    step(&event);
}

static void settle(void)
{
    while (town.bounds.fused) {
        if (machine_logged() > machine->synced)
            sync_log();
        else if (machine->batch_count > 0)
            sync_store();
        else
            return;
    }
}

/* What a store holds that nobody was told of before the crash. */
static void look_at_store(void)
{
    for (uint64_t h = 1; h <= machine->stored; h++) {
        struct arena arena;
        struct bytes cert;
        arena_init(&arena, 65536);
        if (chain_cert_at(machine->chain, h, &arena, &cert) == OK) {
            region_leave();
            judge_stored(cert);
            region_enter();
        }
        arena_done(&arena);
    }
}

static void start(void)
{
    struct kind_table kinds = {NULL, 0};
    struct sx_options options = {.signer = &town.keys[machine->who].signer,
                                 .mono_ms = machine->mono_ms,
                                 .seed = 1};
    machine->steps = 0;
    enum err err =
        chain_open(machine->store, &town.genesis, &kinds, &machine->chain);
    if (err != OK) {
        judge_fails("its chain does not open: %s", err_name(err));
        return;
    }
    look_at_store();
    CHECK(sx_new(machine->chain, &options, &machine->core) == OK);
    replay();
    greet();
    settle();
}

void machine_new(uint32_t who)
{
    region_clear();
    machine = place = region_alloc(sizeof(*machine));
    machine->who = who;
    machine->mono_ms = 3 * LONG_MS;
    region_enter();
    CHECK(store_mem_new(&machine->store) == OK);
    /* As whoever makes the key does. */
    append(1, SX_LOG_INIT, bytes_make("", 0));
    machine->synced = 1;
    start();
    region_leave();
}

void machine_found(void)
{
    machine = place;
}

/* What was not synced is there up to `keep` records; time has passed. */
static void crash(const struct act *act)
{
    sx_free(machine->core);
    chain_close(machine->chain);
    machine->core = NULL;
    machine->chain = NULL;
    while (machine->count > machine->first &&
           machine->records[machine->count - 1].seq >
               machine->synced + act->keep)
        free(machine->records[--machine->count].bytes);
    machine->synced = machine_logged();
    for (uint32_t i = 0; i < act->commit; i++)
        commit_one();
    for (uint32_t i = 0; i < machine->batch_count; i++)
        store_batch_free(machine->batches[i]);
    machine->batch_count = 0;
    machine->crashes++;
    machine->mono_ms += LONG_MS;
    start();
}

/* ---- what happens ---- */

static bool still_in_view(void)
{
    struct sx_status status;
    sx_status(machine->core, &status);
    return status.epoch == 1 && status.view <= town.bounds.views;
}

static bool may_hear(const struct letter *letter)
{
    return letter->heard && letter->from != machine->who;
}

bool machine_may(const struct act *act)
{
    switch (act->kind) {
    case ACT_TIMER:
        return still_in_view();
    case ACT_SYNC:
        return machine_logged() > machine->synced;
    case ACT_COMMIT:
        return machine->batch_count > 0;
    case ACT_CRASH:
        return machine->crashes < town.bounds.crashes &&
               act->commit <= machine->batch_count &&
               act->keep <= machine_logged() - machine->synced;
    case ACT_HEAR:
        return may_hear(&letters[act->letter]);
    }
    return false;
}

static void hear(uint32_t number, const struct set *around)
{
    const struct letter *letter = &letters[number];
    struct hearing hearing = {around, machine->who};
    struct sx_event event = {.kind = SX_EV_MESSAGE};
    uint32_t from = letter->from;
    struct buf buf;
    buf_init(&buf, LIMIT_MESSAGE_BYTES);
    letters_read(letter, &hearing, &buf);
    if (from == NOBODY)
        from = (machine->who + 1) % town.bounds.n;
    event.peer = from + 1;
    event.bytes = buf_bytes(&buf);
    region_enter();
    step(&event);
    region_leave();
    buf_done(&buf);
}

static void fire(void)
{
    struct sx_event event = {.kind = SX_EV_TIME};
    machine->mono_ms += LONG_MS;
    machine->steps = 0;
    step(&event);
}

void machine_do(const struct act *act, const struct set *around)
{
    if (act->kind == ACT_HEAR)
        hear(act->letter, around);
    region_enter();
    switch (act->kind) {
    case ACT_TIMER:
        fire();
        break;
    case ACT_SYNC:
        sync_log();
        break;
    case ACT_COMMIT:
        sync_store();
        break;
    case ACT_CRASH:
        crash(act);
        break;
    case ACT_HEAR:
        break;
    }
    settle();
    region_leave();
}
