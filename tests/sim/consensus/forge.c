/* What dishonest validators make up. They have their own key and everything
 * they ever heard. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"

#include <stdlib.h>
#include <string.h>

#define MESSAGE_MAX (2u * LIMIT_FRAME_BYTES)

enum err __real_vote_sign(enum vote_kind kind, const struct proposal *on,
                          uint16_t index, const struct hash *chain,
                          const struct signer *signer, struct vote *out);

static struct sx_msg msg;
static struct cert cert;

static struct letter *encoded(const struct sx_msg *message)
{
    struct letter *letter = NULL;
    struct buf buf;
    buf_init(&buf, MESSAGE_MAX);
    sx_msg_encode(message, &buf);
    if (buf.err == OK)
        letter = letter_new(buf_bytes(&buf));
    buf_done(&buf);
    return letter;
}

static bool signs(struct world *world, const struct machine *actor,
                  enum vote_kind kind, const struct proposal *on,
                  struct vote *out)
{
    const struct validators *set = votes_set(world, on->epoch);
    int index = set == NULL ? -1 : validators_find(set, &actor->signer.key);
    if (index < 0)
        return false;
    return __real_vote_sign(kind, on, (uint16_t)index, &world->genesis.chain,
                            &actor->signer, out) == OK;
}

struct letter *forge_vote(struct world *world, struct machine *actor,
                          enum vote_kind kind, const struct proposal *on)
{
    struct sx_msg vote;
    memset(&vote, 0, sizeof(vote));
    vote.tag = SX_MSG_VOTE;
    if (!signs(world, actor, kind, on, &vote.vote))
        return NULL;
    return encoded(&vote);
}

/* ---- blocks ---- */

static void flip(struct world *world, uint8_t *bytes, size_t len)
{
    size_t at = dice_below(&world->dice, len);
    bytes[at] ^= (uint8_t)(1u << dice_below(&world->dice, 8));
}

static const struct pubkey *other_key(struct world *world,
                                      const struct machine *actor)
{
    uint32_t other = (uint32_t)dice_below(&world->dice, world->plan.keys);
    if (other == actor->key_number)
        other = (other + 1) % world->plan.keys;
    return &world->keys[other].signer.key;
}

/* One thing about the header. */
static void bend_header(struct world *world, const struct machine *actor,
                        uint32_t bad, struct header *header)
{
    struct hash *const roots[] = {&header->state_root, &header->receipt_root,
                                  &header->tx_root,    &header->history_root,
                                  &header->next_set,   &header->params,
                                  &header->parent,     &header->chain};
    if (bad == 0)
        header->time_ms++;
    else if (bad <= 8)
        flip(world, roots[bad - 1]->b, HASH_LEN);
    else if (bad == 9)
        header->height += 1 + dice_below(&world->dice, 20);
    else if (bad == 10)
        header->epoch++;
    else if (bad == 11)
        header->proposer = *other_key(world, actor);
    else if (bad == 12)
        header->time_ms += 3600000;
    else if (bad == 13)
        header->time_ms = 1;
}

/* The block's transactions: one twice, or one less. */
static bool bend_txs(uint32_t bad, struct bytes block, struct buf *out)
{
    struct arena arena;
    static struct block read;
    bool done = false;
    arena_init(&arena, 8u * LIMIT_BLOCK_BYTES);
    if (block_decode(block, &arena, &read) == OK && read.tx_count > 0) {
        static struct block bent;
        bent = read;
        bent.tx_count += bad == 16 ? 1u : UINT32_MAX;
        bent.txs = arena_calloc(&arena, bent.tx_count + 1u, sizeof(*bent.txs));
        bent.tx_bytes =
            arena_calloc(&arena, bent.tx_count + 1u, sizeof(*bent.tx_bytes));
        CHECK(bent.txs != NULL && bent.tx_bytes != NULL);
        for (uint32_t i = 0; i < bent.tx_count; i++) {
            bent.txs[i] = read.txs[i % read.tx_count];
            bent.tx_bytes[i] = read.tx_bytes[i % read.tx_count];
        }
        CHECK(block_tx_root(&bent, &bent.header.tx_root) == OK);
        block_encode(&bent.header, bent.evidence, bent.evidence_count,
                     bent.tx_bytes, bent.tx_count, out);
        done = out->err == OK;
    }
    arena_done(&arena);
    return done;
}

static bool bend_body(struct world *world, const struct machine *actor,
                      uint32_t bad, struct bytes block, struct buf *out)
{
    struct cursor cursor;
    struct header header;
    uint8_t bytes[HEADER_BYTES];
    if (bad == 16 || bad == 17)
        return bend_txs(bad, block, out);
    cursor_init(&cursor, block);
    header_decode(&cursor, &header);
    if (cursor.err != OK)
        return false;
    bend_header(world, actor, bad, &header);
    header_encode(&header, bytes);
    buf_add(out, BYTES_OF(bytes));
    buf_add(out,
            bytes_make(block.ptr + HEADER_BYTES, block.len - HEADER_BYTES));
    if (bad == 14 && out->len > HEADER_BYTES)
        out->len -= 1 + dice_below(&world->dice, out->len - HEADER_BYTES);
    if (bad == 15)
        buf_add(out, BYTES_OF(bytes));
    return out->err == OK;
}

struct letter *forge_proposal(struct world *world, struct machine *actor,
                              struct bytes message, uint32_t bad,
                              struct proposal *out_on)
{
    struct letter *letter = NULL;
    struct cursor cursor;
    struct header header;
    struct buf body;
    if (sx_msg_decode(message, &msg) != OK || msg.block.len < HEADER_BYTES)
        return NULL;
    buf_init(&body, MESSAGE_MAX);
    if (bend_body(world, actor, bad, msg.block, &body)) {
        cursor_init(&cursor, buf_bytes(&body));
        header_decode(&cursor, &header);
        *out_on = msg.vote.on;
        header_id(&header, &out_on->id);
        if (bad == 18) /* not the block it names */
            flip(world, out_on->id.b, HASH_LEN);
        if (bad == 19)
            out_on->parent_view = out_on->parent_view / 2;
        msg.block = buf_bytes(&body);
        if (signs(world, actor, VOTE_NOTARIZE, out_on, &msg.vote))
            letter = encoded(&msg);
    }
    buf_done(&body);
    return letter;
}

/* ---- forks ---- */

/* What was proposed last, executed. */
static bool last_proposed(struct machine *actor, struct candidate **out,
                          struct proposal *on)
{
    const struct letter *last = actor->last_proposal;
    if (last == NULL || sx_msg_decode(letter_bytes(last), &msg) != OK ||
        msg.vote.on.epoch != on->epoch || msg.vote.on.view >= on->view ||
        msg.block.len == 0)
        return false;
    on->parent_view = msg.vote.on.view;
    return chain_execute(actor->chain, NULL, msg.block, false, NULL, out) == OK;
}

/* An empty block on the parent (NULL: the head), proposed. */
static struct letter *propose(struct world *world, struct machine *actor,
                              const struct candidate *parent,
                              const struct pubkey *proposer,
                              struct proposal *on)
{
    struct letter *letter = NULL;
    struct chain_drops drops = {0};
    struct pool_limits limits = {0};
    struct candidate *made;
    struct pool *pool;
    CHECK(pool_new(&limits, &pool) == OK);
    if (chain_build(actor->chain, parent, pool, NULL, 0,
                    WORLD_T0 + world->now_us / MS, proposer, &drops,
                    &made) == OK) {
        memset(&msg, 0, sizeof(msg));
        msg.tag = SX_MSG_PROPOSE;
        on->id = candidate_block(made)->id;
        msg.block = candidate_bytes(made);
        if (signs(world, actor, VOTE_NOTARIZE, on, &msg.vote))
            letter = encoded(&msg);
        candidate_free(made);
    }
    free(drops.items);
    pool_free(pool);
    return letter;
}

/* Ways to stand wrong. */
enum stand {
    STAND_ON_HEAD,     /* on what is decided, whatever is notarized above */
    STAND_ON_PROPOSED, /* on what was only proposed */
    STAND_FOR_OTHER,   /* in another's name */
    STAND_ON_OLD,      /* said to stand on something older */
    STAND_ELSEWHERE,   /* says the truth, and the block is on the head */
    STAND_COUNT,
};

/* Any of them; where there is room for a lie, that one first. */
static enum stand choose_stand(struct world *world, const struct machine *actor,
                               const struct proposal *on)
{
    const struct letter *last = actor->last_proposal;
    static struct sx_msg heard;
    if (dice_chance(&world->dice, 500))
        return (enum stand)dice_below(&world->dice, STAND_COUNT);
    if (last != NULL && sx_msg_decode(letter_bytes(last), &heard) == OK &&
        heard.vote.on.epoch == on->epoch &&
        votes_set(world, on->epoch) != NULL &&
        !votes_notarized(world, on->epoch, heard.vote.on.view))
        return STAND_ON_PROPOSED;
    if (on->parent_view > actor->before.final_view)
        return dice_chance(&world->dice, 500) ? STAND_ON_HEAD : STAND_ELSEWHERE;
    return (enum stand)dice_below(&world->dice, STAND_COUNT);
}

struct letter *forge_fork(struct world *world, struct machine *actor,
                          struct bytes message)
{
    const struct pubkey *proposer = &actor->signer.key;
    struct candidate *parent = NULL;
    struct letter *letter = NULL;
    struct proposal on;
    if (sx_msg_decode(message, &msg) != OK)
        return NULL;
    on = msg.vote.on;
    enum stand stand = choose_stand(world, actor, &on);
    if (stand != STAND_ELSEWHERE)
        on.parent_view = actor->before.final_view;
    if (stand == STAND_ON_PROPOSED && !last_proposed(actor, &parent, &on))
        return NULL;
    if (stand == STAND_FOR_OTHER)
        proposer = other_key(world, actor);
    if (stand == STAND_ON_OLD)
        on.parent_view /= 2;
    if (on.epoch == actor->before.epoch && on.parent_view < on.view)
        letter = propose(world, actor, parent, proposer, &on);
    candidate_free(parent);
    return letter;
}

struct letter *forge_usurp(struct world *world, struct machine *actor)
{
    const struct pubkey *proposer = &actor->signer.key;
    struct proposal on = {.epoch = actor->before.epoch,
                          .view = actor->before.view,
                          .parent_view = actor->before.final_view};
    if (on.parent_view >= on.view)
        return NULL;
    if (dice_chance(&world->dice, 500))
        proposer = votes_leader(world, on.epoch, on.view);
    return proposer == NULL ? NULL : propose(world, actor, NULL, proposer, &on);
}

struct letter *forge_unjustified(struct world *world, struct bytes message)
{
    if (sx_msg_decode(message, &msg) != OK)
        return NULL;
    if (msg.null_count > 0 && dice_chance(&world->dice, 700))
        msg.null_count = (uint32_t)dice_below(&world->dice, msg.null_count);
    else
        msg.cert.len = 0;
    return encoded(&msg);
}

struct letter *forge_repropose(struct world *world, struct machine *actor,
                               struct bytes message)
{
    struct cursor cursor;
    struct header header;
    struct proposal on;
    if (sx_msg_decode(message, &msg) != OK)
        return NULL;
    on = msg.vote.on;
    if (msg.block.len >= HEADER_BYTES) {
        cursor_init(&cursor, msg.block);
        header_decode(&cursor, &header);
        on.id = header.parent;
        msg.block.len = 0;
    } else {
        dice_fill(&world->dice, on.id.b, HASH_LEN);
    }
    if (!signs(world, actor, VOTE_NOTARIZE, &on, &msg.vote))
        return NULL;
    return encoded(&msg);
}

/* ---- certificates ---- */

static void bend_cert(struct world *world)
{
    uint16_t last = (uint16_t)(cert.sig_count - 1);
    uint16_t bit = 0;
    switch (dice_below(&world->dice, 7)) {
    case 0: /* a bad signature */
        flip(world, cert.sigs[dice_below(&world->dice, cert.sig_count)].b, 64);
        return;
    case 1: /* a signature for somebody else, too */
        while (bit < cert.n && (cert.bitmap[bit / 8] >> bit % 8 & 1) != 0)
            bit++;
        if (bit == cert.n || cert.sig_count == LIMIT_VALIDATORS)
            return;
        cert.bitmap[bit / 8] = (uint8_t)(cert.bitmap[bit / 8] | 1u << bit % 8);
        cert.sigs[cert.sig_count++] = cert.sigs[last];
        return;
    case 2: /* too few */
        for (bit = cert.n; bit-- > 0;)
            if ((cert.bitmap[bit / 8] >> bit % 8 & 1) != 0)
                break;
        cert.bitmap[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cert.sig_count = last;
        return;
    case 3: /* of another view */
        cert.on.view += 1 + dice_below(&world->dice, 5);
        return;
    case 4: /* of another block, or of one where there is none */
        flip(world, cert.on.id.b, HASH_LEN);
        return;
    case 5: /* of another kind */
        cert.kind = cert.kind == VOTE_FINALIZE ? VOTE_NOTARIZE : VOTE_FINALIZE;
        return;
    default: /* of another epoch */
        cert.on.epoch++;
        return;
    }
}

struct letter *forge_cert(struct world *world, struct bytes message)
{
    struct letter *letter;
    struct buf buf;
    if (sx_msg_decode(message, &msg) != OK ||
        cert_decode(msg.cert, &cert) != OK || cert.sig_count == 0)
        return NULL;
    bend_cert(world);
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    msg.cert = buf_bytes(&buf);
    letter = encoded(&msg);
    buf_done(&buf);
    return letter;
}

/* ---- the rest ---- */

struct letter *forge_bad_vote(struct world *world, struct bytes message)
{
    if (sx_msg_decode(message, &msg) != OK)
        return NULL;
    flip(world, msg.vote.sig.b, sizeof(msg.vote.sig.b));
    return encoded(&msg);
}

struct letter *forge_status(struct world *world, struct bytes message)
{
    if (sx_msg_decode(message, &msg) != OK)
        return NULL;
    if (dice_chance(&world->dice, 500))
        msg.height += 1 + dice_below(&world->dice, 1000000);
    else
        msg.height /= 2;
    if (dice_chance(&world->dice, 500))
        msg.view += dice_below(&world->dice, 1000);
    if (dice_chance(&world->dice, 300) && msg.view > 0)
        msg.final_view = msg.view - 1;
    if (dice_chance(&world->dice, 300))
        msg.epoch += dice_below(&world->dice, 3);
    if (dice_chance(&world->dice, 500))
        msg.cert.len = 0;
    /* The first view takes no certificate: nobody can say that it is not so. */
    if (dice_chance(&world->dice, 200)) {
        msg.view = 1;
        msg.final_view = 0;
        msg.cert.len = 0;
    }
    return encoded(&msg);
}

/* Far above, or where adding to it wraps. */
static void far_on(struct world *world, const struct machine *actor,
                   struct proposal *on)
{
    switch (dice_below(&world->dice, 5)) {
    case 0:
        on->view = UINT64_MAX - dice_below(&world->dice, 3);
        return;
    case 1:
        on->view += 5000 + dice_below(&world->dice, 1000000);
        return;
    case 2:
        on->epoch += 1 + dice_below(&world->dice, 5);
        on->view = UINT64_MAX - dice_below(&world->dice, 3);
        return;
    case 3:
        on->epoch = dice_below(&world->dice, actor->before.epoch);
        on->view += dice_below(&world->dice, 50);
        return;
    default:
        on->epoch += 1 + dice_below(&world->dice, 5);
        on->view += dice_below(&world->dice, 50);
        return;
    }
}

struct letter *forge_unheld(struct world *world, struct machine *actor)
{
    const struct sx_status *at = &actor->before;
    const struct validators *set = votes_set(world, at->epoch);
    struct proposal on = {.epoch = at->epoch, .view = at->view};
    struct letter *letter;
    struct buf buf;
    if (set == NULL)
        return NULL;
    far_on(world, actor, &on);
    cert_init(&cert, VOTE_NULLIFY, &on, (uint16_t)set->count);
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    memset(&msg, 0, sizeof(msg));
    msg.tag = SX_MSG_STATUS;
    msg.epoch = at->epoch;
    msg.view = dice_chance(&world->dice, 500) ? 1 : at->view;
    msg.height = chain_tip(actor->chain).height;
    msg.cert = buf_bytes(&buf);
    letter = encoded(&msg);
    buf_done(&buf);
    return letter;
}

struct letter *forge_unasked(struct world *world, struct machine *actor,
                             const struct letter *heard)
{
    struct letter *letter;
    struct bytes block;
    struct buf body;
    memset(&msg, 0, sizeof(msg));
    if (heard == NULL || sx_msg_decode(letter_bytes(heard), &msg) != OK ||
        (msg.tag != SX_MSG_PROPOSE && msg.tag != SX_MSG_BLOCK) ||
        msg.block.len < HEADER_BYTES)
        return NULL;
    block = msg.block;
    buf_init(&body, MESSAGE_MAX);
    if (bend_body(world, actor, (uint32_t)dice_below(&world->dice, 18), block,
                  &body))
        block = buf_bytes(&body);
    memset(&msg, 0, sizeof(msg));
    msg.tag = SX_MSG_BLOCK;
    msg.block = block;
    letter = encoded(&msg);
    buf_done(&body);
    return letter;
}

static uint64_t some_view(struct world *world, uint64_t view)
{
    switch (dice_below(&world->dice, 4)) {
    case 0:
        return view + 2 + dice_below(&world->dice, 10);
    case 1:
        return view + dice_next(&world->dice) % 1000000000;
    case 2:
        return 1 + dice_below(&world->dice, view + 1);
    default:
        return view + dice_below(&world->dice, 2);
    }
}

struct letter *forge_flood(struct world *world, struct machine *actor)
{
    struct sx_msg vote;
    struct proposal on = {.epoch = actor->before.epoch};
    enum vote_kind kind = (enum vote_kind)dice_between(&world->dice, 1, 3);
    if (dice_chance(&world->dice, 200))
        on.epoch += dice_below(&world->dice, 2);
    on.view = some_view(world, actor->before.view);
    if (on.view == 0)
        on.view = 1;
    if (kind != VOTE_NULLIFY) {
        on.parent_view = dice_below(&world->dice, on.view);
        dice_fill(&world->dice, on.id.b, HASH_LEN);
    }
    memset(&vote, 0, sizeof(vote));
    vote.tag = SX_MSG_VOTE;
    if (!signs(world, actor, kind, &on, &vote.vote))
        return NULL;
    if (dice_chance(&world->dice, 200))
        vote.vote.index = (uint16_t)dice_below(&world->dice, LIMIT_VALIDATORS);
    if (dice_chance(&world->dice, 200))
        flip(world, vote.vote.sig.b, 64);
    return encoded(&vote);
}

struct letter *forge_garbage(struct world *world)
{
    uint8_t bytes[300];
    size_t len = dice_between(&world->dice, 0, sizeof(bytes));
    dice_fill(&world->dice, bytes, len);
    if (len > 0 && dice_chance(&world->dice, 800))
        bytes[0] = (uint8_t)dice_between(&world->dice, 0, 10);
    return letter_new(bytes_make(bytes, len));
}

/* The receiver's own key, or some validator's, which it does not hold. */
struct letter *forge_claim(struct world *world, const struct machine *actor,
                           const struct machine *to)
{
    struct hash digest;
    memset(&msg, 0, sizeof(msg));
    msg.tag = SX_MSG_LINK;
    msg.key = dice_chance(&world->dice, 500) ? to->signer.key
                                             : *other_key(world, actor);
    sign_digest(HASH_TAG_LINK, &world->genesis.chain,
                BYTES_OF(actor->link_key.b), &digest);
    if (actor->signer.sign(actor->signer.ctx, HASH_TAG_LINK, &digest,
                           &msg.sig) != OK)
        return NULL;
    return encoded(&msg);
}

struct letter *forge_damage(struct world *world, struct bytes message)
{
    struct letter *letter;
    uint8_t *copy;
    struct buf buf;
    if (message.len == 0)
        return NULL;
    buf_init(&buf, MESSAGE_MAX);
    buf_add(&buf, message);
    CHECK(buf.err == OK);
    copy = buf.ptr;
    for (uint64_t i = dice_between(&world->dice, 1, 3); i > 0; i--)
        flip(world, copy, buf.len);
    letter = letter_new(buf_bytes(&buf));
    buf_done(&buf);
    return letter;
}
