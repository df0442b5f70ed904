#include "market/message.h"

#include <string.h>

#include "base/check.h"

enum err message_digest(struct buf *unsigned_bytes, const char *tag,
                        const struct hash *chain, struct hash *out)
{
    enum err err = unsigned_bytes->err;
    CHECK(err != OK || unsigned_bytes->len > 0);
    if (err == OK)
        sign_digest(tag, chain, buf_bytes(unsigned_bytes), out);
    buf_done(unsigned_bytes);
    return err;
}

enum err message_sign(const struct signer *signer, const char *tag,
                      const struct hash *digest, struct signature *out)
{
    struct signature sig;
    CHECK(signer != NULL && signer->sign != NULL);
    TRY(signer->sign(signer->ctx, tag, digest, &sig));
    *out = sig;
    return OK;
}

/* U+0080..U+009f in UTF-8: what mp_get_text also takes for control. */
static bool is_c1(const char *text)
{
    return (uint8_t)text[0] == 0xc2 && (uint8_t)text[1] >= 0x80 &&
           (uint8_t)text[1] < 0xa0;
}

bool message_text_ok(const char *text, size_t size)
{
    if (memchr(text, 0, size) == NULL)
        return false;
    for (; *text != 0; text++) {
        uint8_t c = (uint8_t)*text;
        if (c < 0x20 || c == 0x7f || is_c1(text))
            return false;
    }
    return true;
}

bool signature_is_zero(const struct signature *sig)
{
    static const struct signature zero;
    return memcmp(sig->b, zero.b, sizeof(zero.b)) == 0;
}
