#ifndef TESTS_UNIT_LEDGER_SET4_H
#define TESTS_UNIT_LEDGER_SET4_H

/* Four validators, their keys in index order, and something to vote on. Include
 * after fixture.h and golden.h. */

struct set4 {
    struct test_key keys[4]; /* in index order */
    struct validators set;
    struct hash chain;
    struct proposal on;
};

UNUSED static void set4_init(struct set4 *s, const uint64_t weights[4])
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

static const uint64_t equal[4] UNUSED = {1, 1, 1, 1};

UNUSED static void set4_vote(struct set4 *s, enum vote_kind kind,
                             unsigned index, struct vote *out)
{
    assert_int_equal(vote_sign(kind, &s->on, (uint16_t)index, &s->chain,
                               &s->keys[index].signer, out),
                     OK);
}

#endif
