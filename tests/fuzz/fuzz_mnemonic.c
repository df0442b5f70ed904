/* links: wallet base */

/* Words as typed: they are refused with an issue that makes sense, or their
 * entropy gives the same words again. */

#include <stdint.h>
#include <string.h>

#include "base/check.h"
#include "wallet/mnemonic.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_issue(enum err err, const struct mnemonic_issue *issue)
{
    CHECK(memchr(issue->suggestion, 0, sizeof(issue->suggestion)) != NULL);
    if (err == ERR_TOO_LARGE)
        return;
    CHECK(err == ERR_MNEMONIC);
    switch (issue->fault) {
    case MNEMONIC_FINE:
        CHECK(0);
        break;
    case MNEMONIC_COUNT:
        CHECK(issue->word_count != MNEMONIC_WORDS);
        CHECK(issue->word_count <= MNEMONIC_INPUT_MAX / 2);
        break;
    case MNEMONIC_UNKNOWN:
        CHECK(issue->position >= 1 && issue->position <= MNEMONIC_WORDS);
        break;
    case MNEMONIC_CHECKSUM:
        CHECK(issue->word_count == MNEMONIC_WORDS);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint8_t entropy[MNEMONIC_ENTROPY_LEN], again[MNEMONIC_ENTROPY_LEN];
    struct mnemonic_issue issue;
    struct secret words;
    enum err err = mnemonic_decode(bytes_make(data, len), entropy, &issue);

    if (err != OK) {
        check_issue(err, &issue);
        return 0;
    }
    CHECK(secret_init(&words, MNEMONIC_TEXT_MAX) == OK);
    mnemonic_encode(entropy, &words);
    CHECK(mnemonic_decode(secret_bytes(&words), again, NULL) == OK);
    CHECK(memcmp(entropy, again, sizeof(entropy)) == 0);
    secret_done(&words);
    return 0;
}
