#include "node/executors/sandbox/fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static enum err err_of(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOMEM:
        return ERR_NOMEM;
    case ENOENT:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EBUSY:
    case EAGAIN:
        return ERR_BUSY;
    case ENOSYS:
    case EOPNOTSUPP:
        return ERR_UNSUPPORTED;
    default:
        return ERR_IO;
    }
}

enum err fail_set(struct fail *fail, enum err err, const char *what,
                  const char *fix, const char *why, ...)
{
    va_list args;

    CHECK(err != OK);
    fail->err = err;
    (void)snprintf(fail->what, sizeof(fail->what), "%s", what);
    (void)snprintf(fail->fix, sizeof(fail->fix), "%s", fix);
    va_start(args, why);
    (void)vsnprintf(fail->why, sizeof(fail->why), why, args);
    va_end(args);
    return err;
}

static const char *advice_of(enum err err)
{
    if (err == ERR_FULL)
        return "free space on that disk, or move the state directory";
    if (err == ERR_PERM)
        return "run the doctor: it says which permission is missing";
    return "run `suan-exec-sandbox --doctor` on this machine";
}

enum err fail_errno(struct fail *fail, const char *what, const char *subject)
{
    int code = errno;
    enum err err = err_of(code);

    return fail_set(fail, err, what, advice_of(err), "%s: %s", subject,
                    strerror(code));
}

json_t *fail_text(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value != NULL)
        return value;
    copy = strdup(text);
    if (copy == NULL)
        return NULL;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *fail_json(const struct fail *fail)
{
    CHECK(fail->err != OK);
    return json_pack("{s:s, s:o, s:o, s:o}", "name", err_name(fail->err),
                     "what", fail_text(fail->what), "why", fail_text(fail->why),
                     "fix", fail_text(fail->fix));
}

static enum err err_named(const char *name)
{
#define X(symbol, code, text) {#symbol, symbol},
    static const struct {
        const char *name;
        enum err err;
    } table[] = {ERR_MAP(X)};
#undef X

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (strcmp(name, table[i].name) == 0)
            return table[i].err;
    return ERR_EXECUTOR;
}

static const char *text_at(const json_t *value, const char *name)
{
    const char *text = json_string_value(json_object_get(value, name));

    return text != NULL ? text : "";
}

void fail_read(const json_t *value, struct fail *out)
{
    (void)fail_set(out, err_named(text_at(value, "name")),
                   text_at(value, "what"), text_at(value, "fix"), "%s",
                   text_at(value, "why"));
}
