#include "wallet/passphrase.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"
#include "wallet/private_file.h"

/* Room for the line end that is not part of the passphrase. */
#define INPUT_MAX (PASSPHRASE_LEN_MAX + 2)

static void strip_line_end(struct secret *text)
{
    if (text->len > 0 && text->ptr[text->len - 1] == '\n')
        text->len--;
    else
        return;
    if (text->len > 0 && text->ptr[text->len - 1] == '\r')
        text->len--;
}

static enum err check(const struct secret *text)
{
    if (text->len > PASSPHRASE_LEN_MAX)
        return ERR_TOO_LARGE;
    if (text->len == 0)
        return ERR_TRUNCATED;
    if (memchr(text->ptr, 0, text->len) != NULL ||
        memchr(text->ptr, '\n', text->len) != NULL)
        return ERR_RANGE;
    return OK;
}

/* Turns what was read into a passphrase, or wipes it. */
static enum err accept(struct secret *input, struct secret *out)
{
    enum err err;

    strip_line_end(input);
    err = check(input);
    if (err != OK) {
        secret_done(input);
        return err;
    }
    *out = *input;
    return OK;
}

enum err passphrase_from_fd(int fd, struct secret *out)
{
    struct secret input;

    CHECK(fd >= 0);
    TRY(private_file_read_fd(fd, INPUT_MAX, &input));
    return accept(&input, out);
}

enum err passphrase_from_file(const char *path, struct secret *out)
{
    struct secret input;

    TRY(private_file_read(AT_FDCWD, path, PRIVATE_FILE_ROOT, INPUT_MAX,
                          &input));
    return accept(&input, out);
}

enum err passphrase_from_credential(const char *dir, const char *name,
                                    struct secret *out)
{
    struct secret input;
    enum err err;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return ERR_NOT_FOUND;
    err =
        private_file_read(fd, name, PRIVATE_FILE_CREDENTIAL, INPUT_MAX, &input);
    close(fd);
    return err == OK ? accept(&input, out) : err;
}
