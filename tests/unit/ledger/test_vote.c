#include "fixture.h"

#include "golden.h"
#include "set4.h"

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

static void a_vote_counts_for_its_kind_view_block_and_chain_alone(void **state)
{
    struct set4 s;
    struct vote vote;
    struct hash digest;
    struct hash other;
    (void)state;
    set4_init(&s, equal);
    set4_vote(&s, VOTE_NOTARIZE, 1, &vote);
    vote_digest(VOTE_NOTARIZE, &s.on, &s.chain, &digest);
    assert_int_equal(sign_verify(&s.keys[1].signer.key, &digest, &vote.sig),
                     OK);
    vote_digest(VOTE_FINALIZE, &s.on, &s.chain, &other);
    assert_false(hash_equal(&digest, &other));
    s.on.view++;
    vote_digest(VOTE_NOTARIZE, &s.on, &s.chain, &other);
    assert_false(hash_equal(&digest, &other));
    s.on.view--;
    s.on.epoch++;
    vote_digest(VOTE_NOTARIZE, &s.on, &s.chain, &other);
    assert_false(hash_equal(&digest, &other));
    s.on.epoch--;
    s.chain.b[0] ^= 1;
    vote_digest(VOTE_NOTARIZE, &s.on, &s.chain, &other);
    assert_false(hash_equal(&digest, &other));
}

static enum err sign_by_tag(void *ctx, const char *tag,
                            const struct hash *digest, struct signature *out)
{
    (void)digest;
    memset(out, 0, sizeof(*out));
    *(const char **)ctx = tag;
    return ERR_PURPOSE;
}

static void the_signer_is_told_that_it_is_a_vote(void **state)
{
    struct set4 s;
    struct vote vote = {.index = 77};
    const char *tag = NULL;
    struct signer signer = {.sign = sign_by_tag, .ctx = (void *)&tag};
    (void)state;
    set4_init(&s, equal);
    assert_int_equal(
        vote_sign(VOTE_FINALIZE, &s.on, 0, &s.chain, &signer, &vote),
        ERR_PURPOSE);
    assert_string_equal(tag, HASH_TAG_VOTE);
    assert_int_equal(vote.index, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vote_bytes_are_the_golden_ones),
        cmocka_unit_test(vote_decode_refuses_what_no_vote_can_be),
        cmocka_unit_test(a_vote_counts_for_its_kind_view_block_and_chain_alone),
        cmocka_unit_test(the_signer_is_told_that_it_is_a_vote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
