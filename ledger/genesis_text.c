/* The text form of a genesis: one fact a line. */

#include "ledger/genesis.h"

#include "base/address.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 256
#define WORDS_MAX      4

void genesis_format(const struct genesis *genesis, struct buf *out)
{
    const char *prefix = genesis_address_prefix(genesis);
    char address[ADDRESS_TEXT_MAX];
    char amount[AMOUNT_TEXT_MAX];
    buf_addf(out, "suan-genesis %d\n", GENESIS_VERSION);
    buf_addf(out, "network %s\n", genesis->network);
    buf_addf(out, "addresses %s\n", genesis->test ? "test" : "main");
    buf_addf(out, "time_ms %llu\n", (unsigned long long)genesis->time_ms);
    for (uint32_t i = 0; i < genesis->params.count; i++) {
        const struct param *param = &genesis->params.items[i];
        buf_addf(out, "param %s %llu\n", param->name,
                 (unsigned long long)param->value);
    }
    for (uint32_t i = 0; i < genesis->validators.count; i++) {
        const struct validator *item = &genesis->validators.items[i];
        address_format(prefix, &item->key, address);
        amount_format(amount_micro(item->weight), amount);
        buf_addf(out, "validator %s %s", address, amount);
        if (!pubkey_equal(&item->key, &genesis->owners[i])) {
            address_format(prefix, &genesis->owners[i], address);
            buf_addf(out, " %s", address);
        }
        buf_addf(out, "\n");
    }
    for (uint32_t i = 0; i < genesis->account_count; i++) {
        const struct genesis_account *item = &genesis->accounts[i];
        address_format(prefix, &item->key, address);
        amount_format(item->balance, amount);
        buf_addf(out, "account %s %s\n", address, amount);
    }
}

struct words {
    char line[LINE_MAX_BYTES];
    char *at[WORDS_MAX];
    unsigned count;
};

/* Cuts the next line off the text and into words; '#' ends it. */
static enum err next_line(struct bytes *text, struct words *out)
{
    size_t len = 0;
    char *save = NULL;
    while (len < text->len && text->ptr[len] != '\n')
        len++;
    if (len >= sizeof(out->line) || memchr(text->ptr, 0, len) != NULL)
        return ERR_PARSE;
    memcpy(out->line, text->ptr, len);
    out->line[len] = 0;
    size_t eaten = len < text->len ? len + 1 : len;
    *text = bytes_make(text->ptr + eaten, text->len - eaten);
    char *comment = strchr(out->line, '#');
    if (comment != NULL)
        *comment = 0;
    out->count = 0;
    char *word = strtok_r(out->line, " \t\r", &save);
    while (word != NULL) {
        if (out->count == WORDS_MAX)
            return ERR_PARSE;
        out->at[out->count++] = word;
        word = strtok_r(NULL, " \t\r", &save);
    }
    return OK;
}

static enum err parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (*text == 0)
        return ERR_PARSE;
    for (; *text != 0; text++) {
        uint64_t digit = (uint64_t)(unsigned char)*text - '0';
        if (digit > 9)
            return ERR_PARSE;
        if (value > (UINT64_MAX - digit) / 10)
            return ERR_RANGE;
        value = value * 10 + digit;
    }
    *out = value;
    return OK;
}

/* An address of this network's prefix. */
static enum err parse_key(const struct genesis *genesis, const char *text,
                          struct pubkey *out)
{
    const char *prefix;
    TRY(address_parse(text, &prefix, out));
    return strcmp(prefix, genesis_address_prefix(genesis)) == 0 ? OK
                                                                : ERR_ADDRESS;
}

enum seen {
    SEEN_HEAD = 1,
    SEEN_NETWORK = 2,
    SEEN_ADDRESSES = 4,
    SEEN_TIME = 8
};
#define SEEN_ALL (SEEN_HEAD | SEEN_NETWORK | SEEN_ADDRESSES | SEEN_TIME)

static enum err once(unsigned *seen, enum seen what)
{
    if ((*seen & (unsigned)what) != 0)
        return ERR_EXISTS;
    *seen |= (unsigned)what;
    return OK;
}

/* The lines of one value that may stand only once. */
static enum err take_single(struct genesis *genesis, unsigned *seen,
                            const struct words *words)
{
    const char *value = words->at[1];
    if (strcmp(words->at[0], "suan-genesis") == 0) {
        TRY(once(seen, SEEN_HEAD));
        return strcmp(value, "1") == 0 ? OK : ERR_VERSION;
    }
    if (strcmp(words->at[0], "network") == 0) {
        TRY(once(seen, SEEN_NETWORK));
        if (strlen(value) >= GENESIS_NETWORK_MAX)
            return ERR_RANGE;
        memcpy(genesis->network, value, strlen(value));
        return OK;
    }
    if (strcmp(words->at[0], "addresses") == 0) {
        TRY(once(seen, SEEN_ADDRESSES));
        genesis->test = strcmp(value, "test") == 0;
        return genesis->test || strcmp(value, "main") == 0 ? OK : ERR_PARSE;
    }
    if (strcmp(words->at[0], "time_ms") == 0) {
        TRY(once(seen, SEEN_TIME));
        return parse_u64(value, &genesis->time_ms);
    }
    return ERR_PARSE;
}

/* validator ADDRESS AMOUNT [OWNER] */
static enum err take_validator(struct genesis *genesis,
                               const struct words *words)
{
    struct pubkey key;
    struct pubkey owner;
    struct amount bonded;
    TRY(parse_key(genesis, words->at[1], &key));
    TRY(amount_parse(words->at[2], &bonded));
    if (words->count == 3)
        return genesis_add_validator(genesis, &key, bonded, NULL);
    TRY(parse_key(genesis, words->at[3], &owner));
    /* Zero means "itself" inside, and nobody has that key. */
    if (pubkey_is_zero(&owner))
        return ERR_ADDRESS;
    return genesis_add_validator(genesis, &key, bonded, &owner);
}

/* The lines of which there are many: NAME KEY VALUE. */
static enum err take_item(struct genesis *genesis, const struct words *words)
{
    struct pubkey key;
    struct amount balance;
    uint64_t number;
    if (strcmp(words->at[0], "param") == 0) {
        TRY(parse_u64(words->at[2], &number));
        return params_set(&genesis->params, words->at[1], number);
    }
    if (strcmp(words->at[0], "account") == 0) {
        TRY(parse_key(genesis, words->at[1], &key));
        TRY(amount_parse(words->at[2], &balance));
        return genesis_add_account(genesis, &key, balance);
    }
    return ERR_PARSE;
}

static enum err take_line(struct genesis *genesis, unsigned *seen,
                          const struct words *words)
{
    if (words->count == 0)
        return OK;
    /* The first fact says what this is, the addresses need their prefix. */
    if (*seen == 0 && strcmp(words->at[0], "suan-genesis") != 0)
        return ERR_PARSE;
    if (words->count == 2)
        return take_single(genesis, seen, words);
    if ((*seen & SEEN_ADDRESSES) == 0)
        return ERR_PARSE;
    if (words->count >= 3 && strcmp(words->at[0], "validator") == 0)
        return take_validator(genesis, words);
    if (words->count == 3)
        return take_item(genesis, words);
    return ERR_PARSE;
}

static enum err parse_into(struct bytes text, struct genesis *out,
                           unsigned *line)
{
    struct words words;
    unsigned seen = 0;
    if (text.len > GENESIS_BYTES_MAX)
        return ERR_TOO_LARGE;
    while (text.len > 0) {
        (*line)++;
        TRY(next_line(&text, &words));
        TRY(take_line(out, &seen, &words));
    }
    *line = 0;
    if (seen != SEEN_ALL)
        return ERR_PARSE;
    return genesis_seal(out);
}

enum err genesis_parse(struct bytes text, struct genesis *out,
                       unsigned *out_line)
{
    struct genesis genesis;
    unsigned line = 0;
    genesis_init(&genesis);
    enum err err = parse_into(text, &genesis, &line);
    if (out_line != NULL)
        *out_line = line;
    if (err == OK)
        *out = genesis;
    else
        genesis_done(&genesis);
    return err;
}
