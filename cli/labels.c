#include "cli/labels.h"

#include "base/check.h"

#include <string.h>

enum err label_parse(const char *text, struct label *out)
{
    struct constraint c;
    CHECK(text != NULL && out != NULL);
    TRY(constraint_parse(text, &c));
    if (c.op != CONSTRAINT_EQUAL)
        return ERR_PARSE;
    memcpy(out->key, c.key, sizeof(out->key));
    memcpy(out->value, c.value, sizeof(out->value));
    return OK;
}
