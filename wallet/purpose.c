#include "wallet/purpose.h"

#include "base/check.h"

#include <string.h>

const struct purpose purpose_account = {
    .name = "account",
    .tags = {HASH_TAG_TX, HASH_TAG_REQUEST, HASH_TAG_APPROVAL},
};

const struct purpose purpose_node = {
    .name = "node",
    .tags = {HASH_TAG_OFFER, HASH_TAG_QUOTE, HASH_TAG_RECEIPT, HASH_TAG_TX,
             HASH_TAG_NOISE, HASH_TAG_LINKS},
};

const struct purpose purpose_validator = {
    .name = "validator",
    .tags = {HASH_TAG_LINK, HASH_TAG_VOTE, HASH_TAG_NOISE, HASH_TAG_BOND},
};

bool purpose_allows(const struct purpose *purpose, const char *tag)
{
    CHECK(purpose != NULL && tag != NULL);
    for (size_t i = 0; i < PURPOSE_TAGS_MAX && purpose->tags[i] != NULL; i++)
        if (strcmp(purpose->tags[i], tag) == 0)
            return true;
    return false;
}
