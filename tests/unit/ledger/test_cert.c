#include "fixture.h"

#include "golden.h"
#include "set4.h"

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
        cmocka_unit_test(cert_bytes_are_the_golden_ones),
        cmocka_unit_test(cert_needs_a_quorum_of_weight_not_of_heads),
        cmocka_unit_test(cert_takes_each_vote_once_and_only_its_own_kind),
        cmocka_unit_test(cert_verify_refuses_foreign_signatures),
        cmocka_unit_test(cert_decode_refuses_every_other_spelling),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
