#include "sched/lab/lab_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>

#define BLOCK 16384u

static enum err err_of(int number)
{
    if (number == ENOENT)
        return ERR_NOT_FOUND;
    return number == EACCES || number == EPERM ? ERR_PERM : ERR_IO;
}

/* libarchive tells its own errors, such as damaged packing, by numbers of the
 * system, too: only of what is sure not to be one is the text replaced. */
static enum err refuse(struct archive *archive, const char *path,
                       char error[LAB_ERROR_MAX])
{
    int number = archive_errno(archive);
    enum err err = err_of(number);
    const char *why = archive_error_string(archive);
    if (number == EISDIR)
        why = "it is a directory";
    else if (err != ERR_IO)
        why = err_text(err);
    else if (why == NULL) /* a trailer that is cut off, for one */
        why = number > 0 ? err_text(err) : "it is damaged, or not all there";
    snprintf(error, LAB_ERROR_MAX, "%s cannot be read: %s", path, why);
    return err;
}

static enum err read_all(struct archive *archive, const char *path,
                         struct buf *out, char error[LAB_ERROR_MAX])
{
    uint8_t block[BLOCK];
    la_ssize_t len;
    while ((len = archive_read_data(archive, block, sizeof(block))) > 0)
        buf_add(out, bytes_make(block, (size_t)len));
    if (len < 0)
        return refuse(archive, path, error);
    if (out->err != OK)
        snprintf(error, LAB_ERROR_MAX, "%s cannot be read: %s (%zu bytes)",
                 path, err_text(out->err), out->cap_max);
    return out->err;
}

enum err lab_file_read(const char *path, size_t max, struct buf *out,
                       char error[LAB_ERROR_MAX])
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    struct buf content;
    enum err err;
    int code;
    if (archive == NULL) {
        snprintf(error, LAB_ERROR_MAX, "%s", err_text(ERR_NOMEM));
        return ERR_NOMEM;
    }
    buf_init(&content, max);
    archive_read_support_filter_all(archive);
    archive_read_support_format_raw(archive);
    archive_read_support_format_empty(archive);
    code = archive_read_open_filename(archive, path, BLOCK);
    if (code == ARCHIVE_OK)
        code = archive_read_next_header(archive, &entry);
    if (code == ARCHIVE_EOF)
        err = OK; /* an empty file */
    else if (code != ARCHIVE_OK)
        err = refuse(archive, path, error);
    else
        err = read_all(archive, path, &content, error);
    archive_read_free(archive);
    if (err == OK)
        *out = content;
    else
        buf_done(&content);
    return err;
}
