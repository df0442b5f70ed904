#include "cli/file/textfile.h"

#include <errno.h>
#include <string.h>

#include "cli/view/view.h"

int textfile_read(struct cli *cli, const char *path, const char *what,
                  struct buf *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    uint8_t block[8192];
    size_t got;
    int failure;
    if (file == NULL)
        return cli_fail(cli, EXIT_NOT_FOUND, strerror(errno),
                        "the path of the file", "%s %s", what, path);
    while ((got = fread(block, 1, sizeof(block), file)) > 0 && out->err == OK)
        buf_add(out, bytes_make(block, got));
    failure = ferror(file) != 0 ? errno : 0;
    if (file != stdin)
        fclose(file);
    if (failure != 0)
        return cli_fail(cli, EXIT_FAILED, strerror(failure),
                        "the path of a file, not of a directory",
                        "%s %s cannot be read", what, path);
    if (out->err == ERR_TOO_LARGE)
        return cli_fail_err(cli, out->err, "a file of that kind",
                            "%s %s has more than %zu bytes", what, path,
                            out->cap_max);
    return out->err == OK ? 0 : cli_nomem(cli);
}

int textfile_write(struct cli *cli, const char *path, const char *what,
                   struct bytes bytes)
{
    bool own = strcmp(path, "-") != 0;
    FILE *file = own ? fopen(path, "we") : cli->out;
    bool failed =
        file == NULL || fwrite(bytes.ptr, 1, bytes.len, file) != bytes.len;
    if (!own)
        return out_flush(cli);
    if (file != NULL && fclose(file) != 0)
        failed = true;
    if (failed)
        return cli_fail(cli, EXIT_FAILED, strerror(errno),
                        "another path, or - for standard output",
                        "%s cannot be written to %s", what, path);
    return 0;
}
