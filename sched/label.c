#include "sched/label.h"

#include <stdio.h>
#include <string.h>

static bool has_key(const char *key, const struct label *labels, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(labels[i].key, key) == 0)
            return true;
    }
    return false;
}

static bool has_pair(const struct constraint *c, const struct label *labels,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(labels[i].key, c->key) == 0 &&
            strcmp(labels[i].value, c->value) == 0)
            return true;
    }
    return false;
}

bool constraint_holds(const struct constraint *constraint,
                      const struct label *labels, uint32_t count)
{
    switch (constraint->op) {
    case CONSTRAINT_EQUAL:
        return has_pair(constraint, labels, count);
    case CONSTRAINT_DIFFERS:
        return !has_pair(constraint, labels, count);
    case CONSTRAINT_EXISTS:
        return has_key(constraint->key, labels, count);
    case CONSTRAINT_ABSENT:
        return !has_key(constraint->key, labels, count);
    }
    return false;
}

uint32_t constraint_first_failing(const struct constraint *wanted,
                                  uint32_t count_wanted,
                                  const struct label *labels, uint32_t count)
{
    uint32_t i = 0;
    while (i < count_wanted && constraint_holds(&wanted[i], labels, count))
        i++;
    return i;
}

void constraint_format(const struct constraint *constraint,
                       char out[CONSTRAINT_TEXT_MAX])
{
    const char *key = constraint->key;
    const char *value = constraint->value;
    switch (constraint->op) {
    case CONSTRAINT_EQUAL:
        (void)snprintf(out, CONSTRAINT_TEXT_MAX, "%s=%s", key, value);
        return;
    case CONSTRAINT_DIFFERS:
        (void)snprintf(out, CONSTRAINT_TEXT_MAX, "%s!=%s", key, value);
        return;
    case CONSTRAINT_EXISTS:
        (void)snprintf(out, CONSTRAINT_TEXT_MAX, "%s", key);
        return;
    case CONSTRAINT_ABSENT:
        (void)snprintf(out, CONSTRAINT_TEXT_MAX, "!%s", key);
        return;
    }
    (void)snprintf(out, CONSTRAINT_TEXT_MAX, "%s?", key);
}

/* Copies a piece without operators or control characters. */
static enum err piece_copy(struct bytes piece, char out[LIMIT_NAME])
{
    if (piece.len >= LIMIT_NAME)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i < piece.len; i++) {
        uint8_t c = piece.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '=' || c == '!')
            return ERR_PARSE;
    }
    if (piece.len > 0)
        memcpy(out, piece.ptr, piece.len);
    out[piece.len] = '\0';
    return OK;
}

enum err constraint_parse(const char *text, struct constraint *out)
{
    struct constraint c = {.op = CONSTRAINT_EXISTS};
    const char *equals = strchr(text, '=');
    const char *key_end = text + strlen(text);
    if (equals != NULL) {
        bool differs = equals > text && equals[-1] == '!';
        c.op = differs ? CONSTRAINT_DIFFERS : CONSTRAINT_EQUAL;
        key_end = differs ? equals - 1 : equals;
        TRY(piece_copy(bytes_str(equals + 1), c.value));
    } else if (text[0] == '!') {
        c.op = CONSTRAINT_ABSENT;
        text++;
    }
    if (key_end == text)
        return ERR_PARSE;
    TRY(piece_copy(bytes_make(text, (size_t)(key_end - text)), c.key));
    *out = c;
    return OK;
}
