/* The bytes of every noun are those an independent implementation makes
 * (tests/vectors/market_make.py). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "market/contract/contract_inner.h"
#include "tests/unit/base/vectors.h"
#include "tests/unit/market/links_sample.h"
#include "tests/unit/market/world.h"

/* ---- the nouns as made here, by name ---- */

struct made {
    const char *name;
    struct buf bytes;
    bool met;
};

static struct made made[32];
static size_t made_count;

static struct buf *made_add(const char *name)
{
    struct made *next = &made[made_count++];
    assert_true(made_count <= sizeof(made) / sizeof(made[0]));
    next->name = name;
    buf_init(&next->bytes, LIMIT_TX_BYTES);
    return &next->bytes;
}

static struct bytes made_find(const char *name)
{
    for (size_t i = 0; i < made_count; i++) {
        if (strcmp(made[i].name, name) != 0)
            continue;
        made[i].met = true;
        assert_int_equal(made[i].bytes.err, OK);
        return buf_bytes(&made[i].bytes);
    }
    fail_msg("nothing made for vector %s", name);
    return (struct bytes){NULL, 0};
}

/* The digest by hand: the signed array without its last `signatures`. */
static void made_digest(const char *name, const char *tag,
                        enum err (*encode)(const void *noun, struct buf *out),
                        const void *noun, size_t signatures)
{
    struct hash chain = world_chain();
    struct hash digest;
    struct buf raw;

    buf_init(&raw, LIMIT_TX_BYTES);
    assert_int_equal(encode(noun, &raw), OK);
    raw.len -= signatures * (2 + sizeof(struct signature));
    /* The array's count: fixarray up to 15, else array 16. */
    if (raw.ptr[0] == 0xdc && raw.ptr[2] - signatures < 16) {
        raw.ptr[2] = (uint8_t)(0x90 | (raw.ptr[2] - signatures));
        sign_digest(tag, &chain, bytes_make(raw.ptr + 2, raw.len - 2), &digest);
    } else {
        raw.ptr[raw.ptr[0] == 0xdc ? 2 : 0] -= (uint8_t)signatures;
        sign_digest(tag, &chain, buf_bytes(&raw), &digest);
    }
    buf_add(made_add(name), hash_as_bytes(&digest));
    buf_done(&raw);
}

static enum err offer_bytes(const void *noun, struct buf *out)
{
    return offer_encode(noun, out);
}
static enum err links_bytes(const void *noun, struct buf *out)
{
    return links_encode(noun, out);
}
static enum err request_bytes(const void *noun, struct buf *out)
{
    return request_encode(noun, out);
}
static enum err approval_bytes(const void *noun, struct buf *out)
{
    return approval_encode(noun, out);
}
static enum err quote_bytes(const void *noun, struct buf *out)
{
    return quote_encode(noun, out);
}
static enum err receipt_bytes(const void *noun, struct buf *out)
{
    return receipt_encode(noun, out);
}

static void make_offer(void)
{
    struct hash chain = world_chain();
    struct offer offer = sample_offer();
    assert_int_equal(offer_sign(&offer, &chain, world_signer(PROVIDER)), OK);
    assert_int_equal(offer_encode(&offer, made_add("offer")), OK);
    made_digest("offer.digest", HASH_TAG_OFFER, offer_bytes, &offer, 1);
    assert_int_equal(offer_verify(&offer, &chain), OK);
}

static void make_links(void)
{
    struct hash chain = world_chain();
    struct links links = sample_links();
    assert_int_equal(links_sign(&links, &chain, world_signer(PROVIDER)), OK);
    assert_int_equal(links_encode(&links, made_add("links")), OK);
    made_digest("links.digest", HASH_TAG_LINKS, links_bytes, &links, 1);
    assert_int_equal(links_verify(&links, &chain), OK);
}

static void make_spec(void)
{
    struct spec spec = sample_spec();
    struct hash hash;
    assert_int_equal(spec_encode(&spec, made_add("spec")), OK);
    spec_hash(made_find("spec"), &hash);
    buf_add(made_add("spec.hash"), hash_as_bytes(&hash));
}

/* ---- with everything a task may wish for ---- */

static void wish_for_everything(struct device_wish *wish, uint64_t *nic_kbit)
{
    assert_int_equal(device_wish_parse("gpu:a100|h100:2x0.5", wish), OK);
    wish->mem_mib = 40960;
    *nic_kbit = 100000;
}

static struct offer wishes_offer(void)
{
    struct offer offer = sample_offer();
    offer.total.nic_kbit = 1000000;
    offer.free.nic_kbit = 900000;
    offer.devices = (struct devices){
        .group_count = 2,
        .groups = {{.kind = DEVICE_GPU,
                    .model = "a100",
                    .count = 2,
                    .mem_mib = 40960,
                    .hour = {700000}},
                   {.kind = DEVICE_P4, .count = 1, .hour = {1}}},
        .free_milli = {1000, 250, 0},
    };
    offer.taint_count = 2;
    offer.taints[0] = (struct taint){{"gpu", "only"}, TAINT_REFUSE};
    offer.taints[1] = (struct taint){{"lab", ""}, TAINT_REFUSE};
    offer.queue = (struct offer_queue){3, 61, 90000, 7200000};
    return offer;
}

static struct request wishes_request(void)
{
    struct request request = sample_request();
    request.price_max = amount_micro(0);
    wish_for_everything(&request.devices, &request.resources.nic_kbit);
    request.toleration_count = 2;
    request.tolerations[0] =
        (struct constraint){"gpu", CONSTRAINT_EQUAL, "only"};
    request.tolerations[1] = (struct constraint){"lab", CONSTRAINT_EXISTS, ""};
    request.zone_count = 2;
    strcpy(request.zones[0], "eu");
    strcpy(request.zones[1], "uk/london");
    request.spread = (struct spread){1, 2, "rack"};
    request.affinity_count = 2;
    request.affinities[0] = (struct affinity){world_hash(0x51), false};
    request.affinities[1] = (struct affinity){world_hash(0x52), true};
    request.terms = (struct policy_terms){
        .divide = POLICY_DIVIDE_DUPLICATED, .copies = 2, .down_ppb = 1000000};
    request.patience_ms = 1800000;
    return request;
}

static void make_wishes_quote(const struct request *request)
{
    struct hash chain = world_chain();
    struct quote quote = sample_quote(request);
    strcpy(quote.device.model, "a100");
    quote.device.mem_mib = 40960;
    quote.device.hour = amount_micro(700000);
    quote.request = request_id_of(request);
    assert_int_equal(quote_price(request, &quote.price, &quote), OK);
    quote.bond = amount_micro(74305);
    assert_int_equal(quote_sign(&quote, &chain, world_signer(PROVIDER)), OK);
    assert_int_equal(quote_check(&quote, request, &quote.request), OK);
    assert_int_equal(quote_encode(&quote, made_add("quote.wishes")), OK);
    made_digest("quote.wishes.digest", HASH_TAG_QUOTE, quote_bytes, &quote, 1);
}

static void make_wishes(void)
{
    struct hash chain = world_chain();
    struct spec spec = sample_spec();
    struct offer offer = wishes_offer();
    struct request request = wishes_request();
    wish_for_everything(&spec.devices, &spec.resources.nic_kbit);
    assert_int_equal(spec_encode(&spec, made_add("spec.wishes")), OK);
    assert_int_equal(offer_sign(&offer, &chain, world_signer(PROVIDER)), OK);
    assert_int_equal(offer_encode(&offer, made_add("offer.wishes")), OK);
    made_digest("offer.wishes.digest", HASH_TAG_OFFER, offer_bytes, &offer, 1);
    assert_int_equal(request_sign(&request, &chain, world_signer(BUYER)), OK);
    assert_int_equal(request_encode(&request, made_add("request.wishes")), OK);
    made_digest("request.wishes.digest", HASH_TAG_REQUEST, request_bytes,
                &request, 1);
    make_wishes_quote(&request);
}

/* Opens the contract in a world, so that its record is the chain's. */
static void make_contract(struct request *request, struct approval *approval,
                          struct quote *quote)
{
    struct world world;
    struct contract c;
    struct hash id;

    world_init(&world);
    assert_int_equal(world_open(&world, AGENT, request, approval, quote, &id),
                     OK);
    c = world_contract(&world, &id);
    buf_add(made_add("contract.id"), hash_as_bytes(&c.id));
    assert_int_equal(contract_encode(&c, made_add("contract")), OK);
    world_done(&world);
}

static void make_payloads(const struct hash *id)
{
    struct receipt receipt = sample_receipt(id);
    struct contract_delivery d = {.contract = *id,
                                  .reason = END_DONE,
                                  .result = world_hash(0x41),
                                  .log = world_hash(0x42)};

    receipt_sign_both(&receipt, true);
    assert_int_equal(receipt_encode(&receipt, made_add("receipt")), OK);
    made_digest("receipt.digest", HASH_TAG_RECEIPT, receipt_bytes, &receipt, 2);
    d.receipt = receipt;
    contract_open_payload(made_find("request"), made_find("approval"),
                          made_find("quote"), made_add("open"));
    assert_int_equal(contract_deliver_payload(&d, made_add("deliver")), OK);
    contract_refuse_payload(id, END_STAGING_FAILED, made_add("refuse"));
    contract_expire_payload(id, &receipt, made_add("expire"));
    contract_expire_payload(id, NULL, made_add("expire.bare"));
    contract_claim_payload(id, &receipt, made_add("claim"));
    contract_settle_payload(id, made_add("settle"));
}

static int make_all(void **state)
{
    struct request request = sample_request();
    struct approval approval = sample_approval(&request);
    struct quote quote = sample_quote(&request);
    struct hash id;

    (void)state;
    make_spec();
    make_offer();
    make_links();
    make_wishes();
    make_contract(&request, &approval, &quote); /* signs them, too */
    assert_int_equal(request_encode(&request, made_add("request")), OK);
    made_digest("request.digest", HASH_TAG_REQUEST, request_bytes, &request, 1);
    assert_int_equal(approval_encode(&approval, made_add("approval")), OK);
    made_digest("approval.digest", HASH_TAG_APPROVAL, approval_bytes, &approval,
                1);
    assert_int_equal(quote_encode(&quote, made_add("quote")), OK);
    made_digest("quote.digest", HASH_TAG_QUOTE, quote_bytes, &quote, 1);
    contract_id(&quote.request, quote.task, quote.attempt, &id);
    make_payloads(&id);
    return 0;
}

static int unmake_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < made_count; i++)
        buf_done(&made[i].bytes);
    return 0;
}

static void vector_is_made(const struct vector *vector)
{
    struct bytes mine = made_find(vector->name);
    if (!bytes_equal(mine, vector->bytes))
        fail_msg("%s differs from its vector", vector->name);
}

static void every_noun_has_its_golden_bytes(void **state)
{
    (void)state;
    vectors_each("market.hex", vector_is_made);
    for (size_t i = 0; i < made_count; i++)
        if (!made[i].met)
            fail_msg("no vector for %s", made[i].name);
}

static void a_requests_id_is_what_is_signed(void **state)
{
    struct request request = sample_request();
    struct hash id = request_id_of(&request);
    (void)state;
    assert_true(bytes_equal(hash_as_bytes(&id), made_find("request.digest")));
}

/* ---- prices ---- */

struct price_case {
    struct price price;
    struct resources want;
    struct amount device_hour;
    struct device_wish wish;
    uint64_t wall_ms;
};

static struct price_case price_case_read(const char *name)
{
    struct price_case c = {.wish = {.count = 1}};
    uint64_t n[9];
    char *end;
    for (unsigned i = 0; i < 9; i++) {
        n[i] = strtoull(name, &end, 10);
        assert_true(end != name && *end == (i < 8 ? ':' : 0));
        name = end + 1;
    }
    c.price = (struct price){{n[0]}, {n[1]}, {n[2]}};
    c.device_hour = amount_micro(n[3]);
    c.want = (struct resources){(uint32_t)n[4], n[5], n[6], 0};
    c.wish.milli = (uint32_t)n[7];
    c.wall_ms = n[8];
    return c;
}

static void vector_is_priced(const struct vector *vector)
{
    struct price_case c = price_case_read(vector->name);
    struct amount hour = {77}, cost = {77};
    enum err err =
        price_per_hour_with(&c.price, &c.want, c.device_hour, &c.wish, &hour);

    if (vector->bytes.len == 0) {
        assert_int_equal(err, ERR_OVERFLOW);
        assert_int_equal(hour.micro, 77); /* outputs untouched on refusal */
        return;
    }
    assert_int_equal(err, OK);
    assert_int_equal(hour.micro, u64be_get(vector->raw));
    err = price_for_time(hour, c.wall_ms, &cost);
    if (vector->bytes.len == 8) {
        assert_int_equal(err, ERR_OVERFLOW);
        assert_int_equal(cost.micro, 77);
        return;
    }
    assert_int_equal(err, OK);
    assert_int_equal(cost.micro, u64be_get(vector->raw + 8));
}

static void prices_are_those_of_exact_arithmetic(void **state)
{
    (void)state;
    vectors_each("market_price.hex", vector_is_priced);
}

/* ---- from the golden bytes back ---- */

typedef enum err noun_fn(struct bytes in, struct arena *arena, struct buf *out);

static enum err spec_again(struct bytes in, struct arena *arena,
                           struct buf *out)
{
    struct spec spec;
    TRY(spec_decode(in, arena, &spec));
    return spec_encode(&spec, out);
}
static enum err offer_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct offer offer;
    TRY(offer_decode(in, arena, &offer));
    return offer_encode(&offer, out);
}
static enum err request_again(struct bytes in, struct arena *arena,
                              struct buf *out)
{
    struct request request;
    TRY(request_decode(in, arena, &request));
    return request_encode(&request, out);
}
static enum err approval_again(struct bytes in, struct arena *arena,
                               struct buf *out)
{
    struct approval approval;
    TRY(approval_decode(in, arena, &approval));
    return approval_encode(&approval, out);
}
static enum err quote_again(struct bytes in, struct arena *arena,
                            struct buf *out)
{
    struct quote quote;
    TRY(quote_decode(in, arena, &quote));
    return quote_encode(&quote, out);
}
static enum err receipt_again(struct bytes in, struct arena *arena,
                              struct buf *out)
{
    struct receipt receipt;
    TRY(receipt_decode(in, arena, &receipt));
    return receipt_encode(&receipt, out);
}
static enum err contract_again(struct bytes in, struct arena *arena,
                               struct buf *out)
{
    struct contract c;
    TRY(contract_decode(in, arena, &c));
    return contract_encode(&c, out);
}

static const struct {
    const char *name;
    noun_fn *again;
} nouns[] = {
    {"spec", spec_again},          {"offer", offer_again},
    {"request", request_again},    {"approval", approval_again},
    {"quote", quote_again},        {"receipt", receipt_again},
    {"contract", contract_again},  {"spec.wishes", spec_again},
    {"offer.wishes", offer_again}, {"request.wishes", request_again},
    {"quote.wishes", quote_again},
};
#define NOUN_COUNT (sizeof(nouns) / sizeof(nouns[0]))

static void golden_bytes_decode_to_what_encodes_to_them(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1u << 20);
    for (size_t i = 0; i < NOUN_COUNT; i++) {
        struct bytes in = made_find(nouns[i].name);
        struct buf out;
        buf_init(&out, LIMIT_TX_BYTES);
        assert_int_equal(nouns[i].again(in, &arena, &out), OK);
        assert_true(bytes_equal(buf_bytes(&out), in));
        buf_done(&out);
    }
    arena_done(&arena);
}

/* Whatever still decodes after a change encodes to exactly the changed bytes:
 * one value has one spelling. */
static void a_changed_byte_is_refused_or_means_something_else(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1u << 20);
    for (size_t n = 0; n < NOUN_COUNT; n++) {
        struct bytes in = made_find(nouns[n].name);
        struct buf copy, out;
        buf_init(&copy, LIMIT_TX_BYTES);
        buf_init(&out, LIMIT_TX_BYTES);
        buf_add(&copy, in);
        for (size_t i = 0; i < in.len; i++) {
            for (unsigned bit = 0; bit < 8; bit++) {
                copy.ptr[i] ^= (uint8_t)(1u << bit);
                buf_clear(&out);
                arena_reset(&arena);
                if (nouns[n].again(buf_bytes(&copy), &arena, &out) == OK)
                    assert_true(bytes_equal(buf_bytes(&out), buf_bytes(&copy)));
                copy.ptr[i] ^= (uint8_t)(1u << bit);
            }
        }
        buf_done(&copy);
        buf_done(&out);
    }
    arena_done(&arena);
}

static void every_cut_and_every_extra_byte_is_refused(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena, 1u << 20);
    for (size_t n = 0; n < NOUN_COUNT; n++) {
        struct bytes in = made_find(nouns[n].name);
        struct buf copy, out;
        buf_init(&copy, LIMIT_TX_BYTES);
        buf_init(&out, LIMIT_TX_BYTES);
        buf_add(&copy, in);
        buf_add_u8(&copy, 0);
        arena_reset(&arena);
        assert_int_equal(nouns[n].again(buf_bytes(&copy), &arena, &out),
                         ERR_TRAILING);
        for (size_t len = 0; len < in.len; len++)
            assert_int_equal(
                nouns[n].again(bytes_make(in.ptr, len), &arena, &out),
                ERR_TRUNCATED);
        buf_done(&copy);
        buf_done(&out);
    }
    arena_done(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_noun_has_its_golden_bytes),
        cmocka_unit_test(a_requests_id_is_what_is_signed),
        cmocka_unit_test(prices_are_those_of_exact_arithmetic),
        cmocka_unit_test(golden_bytes_decode_to_what_encodes_to_them),
        cmocka_unit_test(a_changed_byte_is_refused_or_means_something_else),
        cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
    };
    return cmocka_run_group_tests(tests, make_all, unmake_all);
}
