#include "base/err.h"

/* A case for each line of the table makes many statements, hence the NOLINTs;
 * the compiler finds numbers used twice. */

/* NOLINTNEXTLINE(readability-function-size) */
const char *err_text(enum err err)
{
    switch (err) {
    case OK:
        return "no error";
#define X(name, code, text)                                                    \
    case name:                                                                 \
        return text;
        ERR_MAP(X)
#undef X
    }
    return "unknown error";
}

/* NOLINTNEXTLINE(readability-function-size) */
const char *err_name(enum err err)
{
    switch (err) {
    case OK:
        return "OK";
#define X(name, code, text)                                                    \
    case name:                                                                 \
        return #name;
        ERR_MAP(X)
#undef X
    }
    return "ERR_?";
}
