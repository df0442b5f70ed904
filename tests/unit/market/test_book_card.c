#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "market/book/book_card.h"
#include "tests/unit/market/book_sample.h"

static void an_offer_comes_back_from_its_card(void **state)
{
    struct offer o = sample_offer(3, 9);
    struct offer back;
    struct buf one;
    struct buf two;
    (void)state;
    o.payout.b[4] = 9;
    o.sig.b[63] = 1;
    o.grade.disk_bps = 77;
    for (unsigned i = 0; i < LIMIT_LABELS; i++) {
        char key[LIMIT_NAME];
        (void)snprintf(key, sizeof(key), "key-%u", i);
        sample_label(&o, key, i % 2 == 0 ? "" : "value");
    }
    memset(o.name, 'n', LIMIT_NAME - 1);
    struct book_card *card = book_card_new(&o);
    assert_non_null(card);
    book_card_offer(card, &o.provider, &back);
    buf_init(&one, OFFER_BYTES_MAX);
    buf_init(&two, OFFER_BYTES_MAX);
    assert_int_equal(offer_encode(&o, &one), OK);
    assert_int_equal(offer_encode(&back, &two), OK);
    assert_true(bytes_equal(buf_bytes(&one), buf_bytes(&two)));
    assert_string_equal(book_card_address(card), o.address);
    assert_string_equal(book_card_name(card), o.name);
    buf_done(&one);
    buf_done(&two);
    free(card);
}

static void labels_alone_come_back_too(void **state)
{
    struct label labels[LIMIT_LABELS];
    struct offer o = sample_offer(3, 9);
    (void)state;
    o.name[0] = '\0';
    sample_label(&o, "zone", "eu");
    sample_label(&o, "gpu", "");
    struct book_card *card = book_card_new(&o);
    assert_non_null(card);
    book_card_labels(card, labels);
    assert_string_equal(labels[0].key, "zone");
    assert_string_equal(labels[0].value, "eu");
    assert_string_equal(labels[1].key, "gpu");
    assert_string_equal(labels[1].value, "");
    free(card);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_comes_back_from_its_card),
        cmocka_unit_test(labels_alone_come_back_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
