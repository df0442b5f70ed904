#include "fixture.h"

#include "golden.h"

/* Votes and certificates of four validators of weight 1, and the golden set. */

struct set4 {
    struct test_key keys[4]; /* in index order */
    struct validators set;
    struct hash chain;
    struct proposal on;
};

static void set4_init(struct set4 *s, const uint64_t weights[4])
{
    struct buf want;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 4; i++) {
        struct test_key key;
        test_key_init(&key, i);
        assert_int_equal(validators_add(&s->set, &key.signer.key, weights[i]),
                         OK);
    }
    for (unsigned i = 0; i < 4; i++) {
        struct test_key key;
        test_key_init(&key, i);
        int index = validators_find(&s->set, &key.signer.key);
        assert_true(index >= 0);
        test_key_init(&s->keys[index], i);
    }
    golden("chain", &want);
    memcpy(s->chain.b, want.ptr, HASH_LEN);
    buf_done(&want);
    s->on = (struct proposal){.epoch = 7, .view = 9, .parent_view = 8};
    hash_bytes(HASH_TAG_HEADER, BYTES_LIT("x"), &s->on.id);
}

static const uint64_t equal[4] = {1, 1, 1, 1};

static void set4_vote(struct set4 *s, enum vote_kind kind, unsigned index,
                      struct vote *out)
{
    assert_int_equal(vote_sign(kind, &s->on, (uint16_t)index, &s->chain,
                               &s->keys[index].signer, out),
                     OK);
}

static void set4_cert(struct set4 *s, enum vote_kind kind, unsigned mask,
                      struct cert *out)
{
    cert_init(out, kind, &s->on, 4);
    for (unsigned i = 4; i-- > 0;) { /* any order of arrival */
        struct vote vote;
        if ((mask >> i & 1u) == 0)
            continue;
        set4_vote(s, kind, i, &vote);
        assert_int_equal(cert_add(out, &vote), OK);
    }
}

static void vote_bytes_are_the_golden_ones(void **state)
{
    struct set4 s;
    struct vote vote;
    struct vote again;
    struct buf buf;
    (void)state;
    set4_init(&s, equal);
    set4_vote(&s, VOTE_NOTARIZE, 2, &vote);
    buf_init(&buf, VOTE_BYTES + 1);
    vote_encode(&vote, &buf);
    assert_int_equal(buf.len, VOTE_BYTES);
    assert_golden("vote", buf_bytes(&buf));
    assert_int_equal(vote_decode(buf_bytes(&buf), &again), OK);
    assert_int_equal(again.index, 2);
    assert_int_equal(again.on.parent_view, 8);
    buf_clear(&buf);
    s.on.parent_view = 0;
    memset(&s.on.id, 0, HASH_LEN);
    set4_vote(&s, VOTE_NULLIFY, 0, &vote);
    vote_encode(&vote, &buf);
    assert_golden("nullify", buf_bytes(&buf));
    buf_done(&buf);
}

static void put_vote(const struct vote *vote, struct buf *buf)
{
    buf_clear(buf);
    vote_encode(vote, buf);
}

static void vote_decode_refuses_what_no_vote_can_be(void **state)
{
    struct set4 s;
    struct vote good;
    struct vote vote;
    struct buf buf;
    (void)state;
    set4_init(&s, equal);
    set4_vote(&s, VOTE_NOTARIZE, 2, &good);
    buf_init(&buf, VOTE_BYTES + 1);
    put_vote(&good, &buf);
    buf.ptr[0] = 0;
    assert_int_equal(vote_decode(buf_bytes(&buf), &vote), ERR_KIND);
    buf.ptr[0] = 4;
    assert_int_equal(vote_decode(buf_bytes(&buf), &vote), ERR_KIND);
    buf.ptr[0] = VOTE_NULLIFY; /* which names a block */
    assert_int_equal(vote_decode(buf_bytes(&buf), &vote), ERR_NOT_CANONICAL);
    vote = good;
    vote.on.parent_view = vote.on.view;
    put_vote(&vote, &buf);
    assert_int_equal(vote_decode(buf_bytes(&buf), &vote), ERR_RANGE);
    vote = good;
    vote.index = LIMIT_VALIDATORS;
    put_vote(&vote, &buf);
    assert_int_equal(vote_decode(buf_bytes(&buf), &vote), ERR_RANGE);
    put_vote(&good, &buf);
    assert_int_equal(vote_decode(bytes_make(buf.ptr, VOTE_BYTES - 1), &vote),
                     ERR_TRUNCATED);
    buf_add_u8(&buf, 0);
    assert_int_equal(vote_decode(buf_bytes(&buf), &vote), ERR_TRAILING);
    buf_done(&buf);
}

static void cert_bytes_are_the_golden_ones(void **state)
{
    struct set4 s;
    struct cert cert;
    struct cert again;
    struct buf buf;
    (void)state;
    set4_init(&s, equal);
    set4_cert(&s, VOTE_NOTARIZE, 0xb, &cert);
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    assert_golden("cert", buf_bytes(&buf));
    assert_int_equal(cert_decode(buf_bytes(&buf), &again), OK);
    assert_memory_equal(&again, &cert, sizeof(cert));
    assert_int_equal(cert_verify(&again, &s.set, &s.chain), OK);
    buf_done(&buf);
}

static void cert_needs_a_quorum_of_weight_not_of_heads(void **state)
{
    static const uint64_t heavy[4] = {10, 1, 1, 1};
    struct set4 s;
    struct cert cert;
    struct test_key key;
    (void)state;
    set4_init(&s, equal);
    for (unsigned mask = 1; mask < 16; mask++) {
        int heads = __builtin_popcount(mask);
        set4_cert(&s, VOTE_FINALIZE, mask, &cert);
        assert_int_equal(cert_verify(&cert, &s.set, &s.chain),
                         heads >= 3 ? OK : ERR_QUORUM);
    }
    set4_init(&s, heavy);
    test_key_init(&key, 0);
    unsigned rich = (unsigned)validators_find(&s.set, &key.signer.key);
    for (unsigned mask = 1; mask < 16; mask++) {
        set4_cert(&s, VOTE_FINALIZE, mask, &cert);
        assert_int_equal(cert_verify(&cert, &s.set, &s.chain),
                         (mask >> rich & 1u) != 0 ? OK : ERR_QUORUM);
    }
}

static void cert_takes_each_vote_once_and_only_its_own_kind(void **state)
{
    struct set4 s;
    struct cert cert;
    struct vote vote;
    (void)state;
    set4_init(&s, equal);
    set4_cert(&s, VOTE_NOTARIZE, 1, &cert);
    set4_vote(&s, VOTE_NOTARIZE, 0, &vote);
    assert_int_equal(cert_add(&cert, &vote), ERR_EXISTS);
    set4_vote(&s, VOTE_FINALIZE, 1, &vote);
    assert_int_equal(cert_add(&cert, &vote), ERR_KIND);
    set4_vote(&s, VOTE_NOTARIZE, 1, &vote);
    vote.index = 4;
    assert_int_equal(cert_add(&cert, &vote), ERR_RANGE);
    vote.index = 1;
    vote.on.view++;
    assert_int_equal(cert_add(&cert, &vote), ERR_KIND);
    assert_int_equal(cert.sig_count, 1);
}

static void cert_verify_refuses_foreign_signatures(void **state)
{
    struct set4 s;
    struct cert cert;
    struct cert bad;
    struct hash chain = {{8}};
    (void)state;
    set4_init(&s, equal);
    set4_cert(&s, VOTE_FINALIZE, 7, &cert);
    assert_int_equal(cert_verify(&cert, &s.set, &chain), ERR_SIGNATURE);
    bad = cert; /* signatures of another order */
    bad.sigs[0] = cert.sigs[1];
    bad.sigs[1] = cert.sigs[0];
    assert_int_equal(cert_verify(&bad, &s.set, &s.chain), ERR_SIGNATURE);
    bad = cert; /* one signer's twice */
    bad.sigs[2] = cert.sigs[1];
    assert_int_equal(cert_verify(&bad, &s.set, &s.chain), ERR_SIGNATURE);
    bad = cert; /* a notarization does not finalise */
    bad.kind = VOTE_NOTARIZE;
    assert_int_equal(cert_verify(&bad, &s.set, &s.chain), ERR_SIGNATURE);
    bad = cert;
    bad.on.view++;
    assert_int_equal(cert_verify(&bad, &s.set, &s.chain), ERR_SIGNATURE);
    bad = cert;
    bad.n = 5;
    assert_int_equal(cert_verify(&bad, &s.set, &s.chain), ERR_RANGE);
}

static void cert_decode_refuses_every_other_spelling(void **state)
{
    struct set4 s;
    struct cert cert;
    struct buf buf;
    (void)state;
    set4_init(&s, equal);
    set4_cert(&s, VOTE_FINALIZE, 7, &cert);
    buf_init(&buf, CERT_BYTES_MAX);
    cert_encode(&cert, &buf);
    for (size_t len = 0; len < buf.len; len++)
        assert_int_equal(cert_decode(bytes_make(buf.ptr, len), &cert),
                         ERR_TRUNCATED);
    size_t bitmap = VOTE_SIGNED_BYTES + 2;
    buf.ptr[bitmap] |= 0x10; /* a signer past n */
    assert_int_equal(cert_decode(buf_bytes(&buf), &cert), ERR_NOT_CANONICAL);
    buf.ptr[bitmap] = 3; /* fewer signers than signatures */
    assert_int_equal(cert_decode(buf_bytes(&buf), &cert), ERR_TRAILING);
    buf.ptr[bitmap] = 15;
    assert_int_equal(cert_decode(buf_bytes(&buf), &cert), ERR_TRUNCATED);
    buf.ptr[bitmap - 2] = LIMIT_VALIDATORS + 1;
    assert_int_equal(cert_decode(buf_bytes(&buf), &cert), ERR_RANGE);
    buf.ptr[bitmap - 2] = 0;
    assert_int_equal(cert_decode(buf_bytes(&buf), &cert), ERR_RANGE);
    buf_done(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vote_bytes_are_the_golden_ones),
        cmocka_unit_test(vote_decode_refuses_what_no_vote_can_be),
        cmocka_unit_test(cert_bytes_are_the_golden_ones),
        cmocka_unit_test(cert_needs_a_quorum_of_weight_not_of_heads),
        cmocka_unit_test(cert_takes_each_vote_once_and_only_its_own_kind),
        cmocka_unit_test(cert_verify_refuses_foreign_signatures),
        cmocka_unit_test(cert_decode_refuses_every_other_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
