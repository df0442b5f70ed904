#ifndef TESTS_UNIT_LEDGER_PUPPETS_H
#define TESTS_UNIT_LEDGER_PUPPETS_H

/* Validators that are played by the test: one real core, and others whose
 * votes, certificates and blocks are made by hand, honest or not. Their blocks
 * come from a chain of their own (net->w.chain). Include after node_by_hand.h.
 */

#include "ledger/sx/sx_room.h" /* the numbers of its bounds */

#define ALL_BUT(me) (0xfu & ~(1u << (unsigned)(me)))

/* Every validator whose key the node does not have is at the other end of a
 * link. */
UNUSED static void puppets_link(struct node *node)
{
    struct net *net = node->net;
    for (unsigned i = 0; i < net->n; i++) {
        if ((int)i == node->who)
            continue;
        node->puppets[i] = ++net->links;
        link_up(net, node, node->puppets[i], &net->keys[i].signer.key);
    }
}

UNUSED static void hear_bytes(struct node *node, unsigned from,
                              struct bytes bytes)
{
    assert_true(node->puppets[from] != 0);
    step(node, (struct sx_event){.kind = SX_EV_MESSAGE,
                                 .peer = node->puppets[from],
                                 .bytes = bytes});
}

UNUSED static void hear(struct node *node, unsigned from,
                        const struct sx_msg *msg)
{
    struct buf buf;
    buf_init(&buf, LIMIT_MESSAGE_BYTES);
    sx_msg_encode(msg, &buf);
    assert_int_equal(buf.err, OK);
    hear_bytes(node, from, buf_bytes(&buf));
    buf_done(&buf);
}

/* ---- votes and certificates ---- */

UNUSED static uint64_t epoch_of(struct node *node)
{
    struct sx_status status;
    sx_status(node->core, &status);
    return status.epoch;
}

UNUSED static uint64_t view_of(struct node *node)
{
    struct sx_status status;
    sx_status(node->core, &status);
    return status.view;
}

/* Of a view of the epoch that the puppets' chain stands in. */
UNUSED static unsigned leader_of(const struct net *net, uint64_t view)
{
    struct leaders leaders;
    struct header header;
    struct hash root;
    uint64_t epoch = chain_next_epoch(net->w.chain);
    uint64_t blocks = params_need(&net->w.genesis.params, "epoch_blocks");
    struct chain_tip head = chain_head(net->w.chain);
    root = head.id;
    if (head.height != (epoch - 1) * blocks) {
        assert_int_equal(
            chain_header_at(net->w.chain, (epoch - 1) * blocks, &header), OK);
        header_id(&header, &root);
    }
    leaders_init(&leaders, chain_validators(net->w.chain), &root);
    return leaders_at(&leaders, view);
}

/* The first view from `from` on that validator `who` leads, or does not. */
UNUSED static uint64_t view_led(const struct net *net, uint64_t from, int who,
                                bool is)
{
    while (((int)leader_of(net, from) == who) != is)
        from++;
    return from;
}

UNUSED static struct proposal on_view(uint64_t epoch, uint64_t view,
                                      uint64_t parent_view,
                                      const struct hash *id)
{
    struct proposal on = {
        .epoch = epoch, .view = view, .parent_view = parent_view};
    if (id != NULL)
        on.id = *id;
    return on;
}

UNUSED static void vote_by(const struct net *net, unsigned index,
                           enum vote_kind kind, const struct proposal *on,
                           struct vote *out)
{
    struct proposal what = *on;
    if (kind == VOTE_NULLIFY) {
        what.parent_view = 0;
        memset(&what.id, 0, sizeof(what.id));
    }
    assert_int_equal(vote_sign(kind, &what, (uint16_t)index,
                               &net->w.genesis.chain, &net->keys[index].signer,
                               out),
                     OK);
}

UNUSED static void hear_vote(struct node *node, unsigned index,
                             enum vote_kind kind, const struct proposal *on)
{
    struct sx_msg msg = {.tag = SX_MSG_VOTE};
    vote_by(node->net, index, kind, on, &msg.vote);
    hear(node, index, &msg);
}

/* Signed by those whose bits are in `who`. */
UNUSED static void certify(const struct net *net, enum vote_kind kind,
                           const struct proposal *on, unsigned who,
                           struct cert *out)
{
    bool begun = false;
    for (unsigned i = 0; i < net->n; i++) {
        struct vote vote;
        if ((who >> i & 1u) == 0)
            continue;
        vote_by(net, i, kind, on, &vote);
        if (!begun)
            cert_init(out, kind, &vote.on, (uint16_t)net->n);
        begun = true;
        assert_int_equal(cert_add(out, &vote), OK);
    }
    assert_true(begun);
}

UNUSED static void hear_this_cert(struct node *node, unsigned from,
                                  const struct cert *cert)
{
    struct sx_msg msg = {.tag = SX_MSG_CERT};
    struct buf buf;
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(cert, &buf);
    msg.cert = buf_bytes(&buf);
    hear(node, from, &msg);
    buf_done(&buf);
}

/* Of all puppets, told by one. */
UNUSED static void hear_cert(struct node *node, unsigned from,
                             enum vote_kind kind, const struct proposal *on)
{
    struct cert cert;
    certify(node->net, kind, on,
            node->who >= 0 ? ALL_BUT(node->who) : ALL_BUT(31), &cert);
    hear_this_cert(node, from, &cert);
}

/* ---- blocks ---- */

/* What waits in the puppets' pool (see net_tx), on their head or on another
 * block of theirs. */
UNUSED static struct candidate *block_by(struct net *net, unsigned index,
                                         const struct candidate *parent)
{
    struct candidate *candidate;
    struct chain_drops drops;
    assert_int_equal(chain_build(net->w.chain, parent, net->w.pool, NULL, 0,
                                 T0 + net->now_ms, &net->keys[index].signer.key,
                                 &drops, &candidate),
                     OK);
    free(drops.items);
    return candidate;
}

UNUSED static void net_tx(struct net *net, unsigned from, uint64_t nonce)
{
    assert_int_equal(pool_transfer(&net->w, from, nonce,
                                   &net->w.users[(from + 1) % USERS].signer.key,
                                   5),
                     OK);
}

/* The puppets' chain decides it, too. */
UNUSED static void puppets_decide(struct net *net, struct candidate *candidate,
                                  const struct cert *cert)
{
    const struct candidate *run[CHAIN_RUN_MAX];
    const struct block *block = candidate_block(candidate);
    struct store_batch *batch;
    assert_int_equal(chain_commit(net->w.chain, &candidate, 1, cert, &batch),
                     OK);
    assert_int_equal(store_commit(net->w.store, batch), OK);
    assert_int_equal(chain_stored(net->w.chain, store_batch_height(batch), run),
                     1);
    store_batch_free(batch);
    for (uint32_t i = 0; i < block->tx_count; i++)
        pool_remove(net->w.pool, &block->txs[i].id);
    pool_sweep(net->w.pool);
}

/* A proposal, with a block or (empty) without. parent: the certificate of the
 * parent's view, NULL at the root. */
struct offer {
    struct proposal on;
    struct bytes block;
    const struct cert *parent;
    const struct cert *nulls[SX_NULLS_MAX];
    uint32_t null_count;
};

UNUSED static void hear_proposal(struct node *node, unsigned from,
                                 const struct offer *offer)
{
    struct sx_msg msg = {.tag = SX_MSG_PROPOSE, .block = offer->block};
    struct buf bufs[1 + SX_NULLS_MAX];
    vote_by(node->net, from, VOTE_NOTARIZE, &offer->on, &msg.vote);
    for (uint32_t i = 0; i < 1 + SX_NULLS_MAX; i++)
        buf_init(&bufs[i], CERT_BYTES_MAX);
    if (offer->parent != NULL)
        cert_encode(offer->parent, &bufs[0]);
    msg.cert = buf_bytes(&bufs[0]);
    msg.null_count = offer->null_count;
    for (uint32_t i = 0; i < offer->null_count; i++) {
        cert_encode(offer->nulls[i], &bufs[1 + i]);
        msg.nulls[i] = buf_bytes(&bufs[1 + i]);
    }
    hear(node, from, &msg);
    for (uint32_t i = 0; i < 1 + SX_NULLS_MAX; i++)
        buf_done(&bufs[i]);
}

/* One core among n, its validator's index in *out_me, not the leader of view 1;
 * the others are puppets. */
UNUSED static struct node *scene_open(struct net *net, unsigned n)
{
    net_open_epochs(net, n, 600, 0, 1);
    struct node *node = net_add(net, (int)((leader_of(net, 1) + 1) % n));
    puppets_link(node);
    return node;
}

/* A proposal of this view's leader on the root: a block of its own, which lives
 * until the caller frees it. */
UNUSED static struct candidate *offer_on_root(struct node *node, uint64_t view,
                                              struct offer *out)
{
    unsigned leader = leader_of(node->net, view);
    struct candidate *block = block_by(node->net, leader, NULL);
    *out = (struct offer){.block = candidate_bytes(block)};
    out->on = on_view(1, view, 0, &candidate_block(block)->id);
    hear_proposal(node, leader, out);
    return block;
}

/* ---- what the core said ---- */

UNUSED static bool is_vote(const struct vote *vote, enum vote_kind kind,
                           uint64_t view)
{
    return vote->kind == kind && (view == 0 || vote->on.view == view);
}

/* Was such a vote signed, that is, logged, in the last step? view 0: any. */
UNUSED static bool signed_vote(const struct node *node, enum vote_kind kind,
                               uint64_t view, struct vote *out)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        const struct said *said = &node->said[i];
        struct vote vote;
        if (said->kind != SX_LOG || said->log_type != SX_LOG_VOTE)
            continue;
        assert_int_equal(vote_decode(buf_bytes(&said->bytes), &vote), OK);
        if (!is_vote(&vote, kind, view))
            continue;
        if (out != NULL)
            *out = vote;
        return true;
    }
    return false;
}

UNUSED static bool signed_anything(const struct node *node)
{
    return signed_vote(node, VOTE_NOTARIZE, 0, NULL) ||
           signed_vote(node, VOTE_NULLIFY, 0, NULL) ||
           signed_vote(node, VOTE_FINALIZE, 0, NULL);
}

/* The nth message of a tag that left in the last step, or false. */
UNUSED static bool sent(const struct node *node, enum sx_tag tag, unsigned nth,
                        struct sx_msg *out)
{
    for (unsigned i = 0; i < node->said_count; i++) {
        struct sx_msg msg;
        if (node->said[i].kind != SX_SEND)
            continue;
        assert_int_equal(sx_msg_decode(buf_bytes(&node->said[i].bytes), &msg),
                         OK);
        if (msg.tag != tag || nth-- > 0)
            continue;
        if (out != NULL)
            *out = msg;
        return true;
    }
    return false;
}

UNUSED static unsigned sent_count(const struct node *node, enum sx_tag tag)
{
    unsigned count = 0;
    while (sent(node, tag, count, NULL))
        count++;
    return count;
}

/* Did such a vote leave in the last step? */
UNUSED static bool sent_vote(const struct node *node, enum vote_kind kind,
                             uint64_t view)
{
    struct sx_msg msg;
    for (unsigned i = 0; sent(node, SX_MSG_VOTE, i, &msg); i++) {
        if (is_vote(&msg.vote, kind, view))
            return true;
    }
    return sent(node, SX_MSG_PROPOSE, 0, &msg) &&
           is_vote(&msg.vote, kind, view);
}

UNUSED static bool sent_cert(const struct node *node, enum vote_kind kind,
                             uint64_t view)
{
    struct sx_msg msg;
    struct cert cert;
    for (unsigned i = 0; sent(node, SX_MSG_CERT, i, &msg); i++) {
        assert_int_equal(cert_decode(msg.cert, &cert), OK);
        if (cert.kind == kind && (view == 0 || cert.on.view == view))
            return true;
    }
    return false;
}

UNUSED static void assert_blamed(const struct node *node, unsigned from,
                                 enum err err)
{
    assert_int_equal(the(node, SX_PEER_BAD)->err, err);
    assert_int_equal(the(node, SX_PEER_BAD)->peer, node->puppets[from]);
    assert_null(find(node, SX_STORE));
    assert_null(find(node, SX_HALT));
}

#endif
