#include "base/err.h"

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
