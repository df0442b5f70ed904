#include "node/chain/chain_watch.h"

#include "base/check.h"
#include "ledger/account.h"
#include "node/node.h"
#include "node/node_start.h"
#include "node/control/rpc_help.h"

#include <stdio.h>

static uint64_t mono_ms(void)
{
    return uv_hrtime() / 1000000;
}

static bool is_silent(const struct sx_member *member,
                      const struct sx_status *status)
{
    bool close = status->validator && !status->twin;
    return member->silent_ms >=
           (close ? CHAIN_SILENT_MS : CHAIN_SILENT_AFAR_MS);
}

static bool is_reachable(const struct sx_member *member,
                         const struct sx_status *status)
{
    return member->self || (member->linked && !is_silent(member, status));
}

void chain_watch_reach(struct node *node, struct chain_reach *out)
{
    const struct sx *core = chain_host_core(node->host);
    const struct validators *set =
        chain_validators(chain_host_chain(node->host));
    struct sx_status status;
    uint64_t now = mono_ms();
    sx_status(core, &status);
    *out = (struct chain_reach){.validators = status.validators};
    for (uint32_t i = 0; i < set->count && i < status.validators; i++) {
        struct sx_member member;
        sx_member(core, i, now, &member);
        out->weight += set->items[i].weight;
        if (!is_reachable(&member, &status))
            continue;
        out->reachable++;
        out->reachable_weight += set->items[i].weight;
    }
    out->quorum = out->reachable_weight >= validators_quorum(set);
    if (node->chain_watch.since_ms != 0 &&
        now - node->chain_watch.since_ms >= CHAIN_STALLED_MS)
        out->stalled_ms = now - node->chain_watch.since_ms;
}

/* Who follows a job gets a line whenever the text changes: not each second. */
static uint64_t coarse(uint64_t seconds)
{
    if (seconds < 10)
        return CHAIN_STALLED_MS / 1000;
    return seconds < 60 ? seconds - seconds % 10 : seconds - seconds % 60;
}

/* Who is reachable need not vote: its disk is full, it has forgotten, its clock
 * is wrong. */
static bool is_mute(const struct chain_reach *reach)
{
    return reach->quorum && reach->stalled_ms >= CHAIN_MUTE_MS;
}

bool chain_watch_why(struct node *node, char text[CHAIN_WATCH_TEXT])
{
    struct chain_reach reach;
    uint64_t seconds;
    text[0] = '\0';
    if (node->chain_watch.since_ms == 0)
        return false;
    chain_watch_reach(node, &reach);
    if (reach.stalled_ms == 0)
        return false;
    seconds = coarse(reach.stalled_ms / 1000);
    snprintf(text, CHAIN_WATCH_TEXT,
             "no block for %llu s: %u of %u validators reachable%s",
             (unsigned long long)seconds, reach.reachable, reach.validators,
             !reach.quorum     ? ", too few to decide"
             : is_mute(&reach) ? "; not all of them vote"
                               : "");
    return true;
}

bool chain_watch_behind(struct node *node, char text[CHAIN_WATCH_TEXT])
{
    uint64_t since = node->chain_watch.behind_ms;
    uint32_t count = pool_count(sx_pool(chain_host_core(node->host)));
    text[0] = '\0';
    if (since == 0 || count == 0 || mono_ms() - since < CHAIN_STALLED_MS)
        return false;
    snprintf(text, CHAIN_WATCH_TEXT,
             "%u transaction%s for an earlier one of %s sender, which is not "
             "here",
             count, count == 1 ? " waits" : "s wait",
             count == 1 ? "its" : "their");
    return true;
}

const char *node_votes(struct node *node)
{
    struct sx_status status;
    sx_status(chain_host_core(node->host), &status);
    if (node->vote_key == NULL)
        return "none";
    if (status.twin)
        return "another machine has its key";
    if (status.amnesia)
        return "has forgotten";
    return status.validator ? "signs" : "not in the set";
}

/* One of the set, and whether this node hears it. */
static json_t *member_json(struct node *node, const struct validator *item,
                           uint32_t i, const struct sx_status *status)
{
    struct sx_member member;
    json_t *object =
        json_pack("{s:o, s:o}", "node", json_address(node, &item->key),
                  "weight", json_u64(item->weight));
    if (i >= status->validators)
        return object;
    sx_member(chain_host_core(node->host), i, mono_ms(), &member);
    json_object_set_new(object, "self", json_boolean(member.self));
    json_object_set_new(object, "linked", json_boolean(member.linked));
    json_object_set_new(object, "silent_ms",
                        member.silent_ms == UINT64_MAX
                            ? json_null()
                            : json_u64(member.silent_ms));
    json_object_set_new(object, "reach",
                        json_string(member.self                  ? "self"
                                    : !member.linked             ? "no link"
                                    : is_silent(&member, status) ? "silent"
                                                                 : "yes"));
    json_object_set_new(object, "leads", json_boolean(i == status->leader));
    return object;
}

static const char *const fetch_texts[] = {
    [SX_FETCH_OFF] = "done",
    [SX_FETCH_LOOK] = "looking",
    [SX_FETCH_PAGES] = "pages",
    [SX_FETCH_SWEEP] = "checking",
};

bool chain_watch_fetch(struct node *node, char text[CHAIN_WATCH_TEXT])
{
    struct sx_status status;
    sx_status(chain_host_core(node->host), &status);
    const struct sx_fetch *fetch = &status.fetch;
    text[0] = '\0';
    if (!chain_is_syncing(chain_host_chain(node->host)))
        return false;
    if (fetch->stage == SX_FETCH_SWEEP)
        snprintf(text, CHAIN_WATCH_TEXT,
                 "checking the state of block %llu: %llu of it looked at",
                 (unsigned long long)fetch->target,
                 (unsigned long long)fetch->swept);
    else
        snprintf(text, CHAIN_WATCH_TEXT,
                 "%llu pages, %llu records of block %llu's state, %u peers "
                 "asked",
                 (unsigned long long)fetch->pages,
                 (unsigned long long)fetch->records,
                 (unsigned long long)fetch->target, fetch->peers);
    return true;
}

/* null where nothing is, or was, to be fetched in this life. */
static json_t *fetch_json(struct node *node, const struct sx_fetch *fetch)
{
    if (fetch->stage == SX_FETCH_OFF || fetch->stage == SX_FETCH_LOOK ||
        !chain_is_syncing(chain_host_chain(node->host)))
        return json_null();
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "stage",
        fetch_texts[fetch->stage], "epoch", json_u64(fetch->step), "height",
        json_u64(fetch->target), "pages", json_u64(fetch->pages), "records",
        json_u64(fetch->records), "bytes", json_u64(fetch->bytes), "checked",
        json_u64(fetch->swept), "peers", json_u64(fetch->peers));
}

void chain_watch_put(struct node *node, json_t *object)
{
    const struct validators *set =
        chain_validators(chain_host_chain(node->host));
    json_t *members = json_array();
    struct sx_status status;
    struct chain_reach reach;
    char why[CHAIN_WATCH_TEXT];
    char fetch[CHAIN_WATCH_TEXT];
    sx_status(chain_host_core(node->host), &status);
    (void)chain_watch_fetch(node, fetch);
    json_object_set_new(object, "base",
                        json_u64(chain_base(chain_host_chain(node->host))));
    json_object_set_new(object, "sync", fetch_json(node, &status.fetch));
    json_object_set_new(object, "fetching", json_text(fetch));
    for (uint32_t i = 0; i < set->count; i++)
        json_array_append_new(members,
                              member_json(node, &set->items[i], i, &status));
    json_object_set_new(object, "validators", members);
    chain_watch_reach(node, &reach);
    if (!chain_watch_why(node, why))
        (void)chain_watch_behind(node, why);
    json_object_set_new(object, "epoch", json_u64(status.epoch));
    json_object_set_new(object, "view", json_u64(status.view));
    json_object_set_new(object, "final_view", json_u64(status.final_view));
    json_object_set_new(object, "delay_ms", json_u64(status.delay_ms));
    json_object_set_new(object, "undecided", json_u64(status.unfinal));
    json_object_set_new(object, "reachable", json_u64(reach.reachable));
    json_object_set_new(object, "quorum", json_boolean(reach.quorum));
    json_object_set_new(object, "votes", json_string(node_votes(node)));
    json_object_set_new(object, "waiting_for", json_text(why));
}

void chain_watch_block(struct node *node)
{
    if (node->chain_watch.since_ms != 0)
        node->chain_watch.since_ms = mono_ms();
}

/* Is something of what waits in a block, or its sender's next? */
static bool could_enter(struct node *node)
{
    struct pool *pool = sx_pool(chain_host_core(node->host));
    struct state *head = chain_head_state(chain_host_chain(node->host));
    const struct pool_entry *entry = pool_next(pool, NULL);
    for (unsigned looks = 0; entry != NULL && looks < CHAIN_LOOKS; looks++) {
        struct account account;
        if (entry->carried > 0 ||
            account_get(head, &entry->tx.sender, &account) != OK ||
            entry->tx.nonce == account.nonce)
            return true;
        entry = pool_next(pool, entry);
    }
    return entry != NULL;
}

static void note(uint64_t *since_ms, bool holds)
{
    if (!holds)
        *since_ms = 0;
    else if (*since_ms == 0)
        *since_ms = mono_ms();
}

void chain_watch_tick(struct node *node)
{
    static const char what[] = "no block is decided";
    struct chain_watch *watch = &node->chain_watch;
    struct chain_reach reach;
    char why[CHAIN_WATCH_TEXT];
    /* While the state is fetched there is none to judge them by. */
    bool waits = pool_count(sx_pool(chain_host_core(node->host))) > 0 &&
                 !chain_is_syncing(chain_host_chain(node->host));
    bool enters = waits && could_enter(node);
    note(&watch->since_ms, enters);
    note(&watch->behind_ms, waits && !enters);
    chain_watch_reach(node, &reach);
    bool mute = is_mute(&reach);
    if (reach.stalled_ms == 0 || (reach.quorum && !mute)) {
        node_unwarn(node, what);
        return;
    }
    snprintf(why, sizeof(why),
             "%u of %u validators reachable, %s; transactions wait, nothing is "
             "lost",
             reach.reachable, reach.validators,
             mute ? "not all of them vote" : "too few");
    node_warn(node, what, why,
              mute
                  ? "suan node status at each of them: a full disk, forgotten "
                    "votes, a wrong clock"
                  : "suan chain status names who is silent; start those again");
}
