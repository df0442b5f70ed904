#include "node/executors/sandbox/oci_layer.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#define WHAT "the image is not accepted"

bool oci_climbs(const char *path)
{
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        if (len == 2 && path[0] == '.' && path[1] == '.')
            return true;
        path += len;
        while (*path == '/')
            path++;
    }
    return false;
}

static enum err check_entry(struct archive_entry *entry, struct fail *fail)
{
    const char *name = archive_entry_pathname(entry);
    const char *link = archive_entry_hardlink(entry);

    if (name == NULL || *name == '\0')
        return fail_set(fail, ERR_IMAGE, WHAT, "make the image again",
                        "a layer has an entry without a name");
    if (oci_climbs(name) || (link != NULL && oci_climbs(link)))
        return fail_set(fail, ERR_IMAGE, WHAT,
                        "do not use it: it tries to leave its directory",
                        "a layer has the entry %.200s", name);
    if (archive_entry_filetype(entry) == AE_IFBLK ||
        archive_entry_filetype(entry) == AE_IFCHR)
        return fail_set(fail, ERR_IMAGE, WHAT,
                        "make it without /dev (rm -rf rootfs/dev/*): jobs are "
                        "given one",
                        "a layer has the device node %.200s", name);
    return OK;
}

static enum err check_all(struct archive *a, const struct oci_limits *limits,
                          uint64_t *entries, uint64_t *bytes, struct fail *fail)
{
    struct archive_entry *entry;
    int rc;

    while ((rc = archive_read_next_header(a, &entry)) != ARCHIVE_EOF) {
        la_int64_t size;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return fail_set(fail, ERR_IMAGE, WHAT, "make the image again",
                            "a layer cannot be read: %s",
                            archive_error_string(a));
        TRY(check_entry(entry, fail));
        size = archive_entry_size(entry);
        *entries += 1;
        *bytes += size > 0 ? (uint64_t)size : 0;
        if (*entries > limits->entries_max || *bytes > limits->bytes_max)
            return fail_set(fail, ERR_TOO_LARGE, WHAT,
                            "use a smaller image, or raise --image-max-mib",
                            "its layers hold more than the limit");
    }
    return OK;
}

enum err oci_layer_check(const char *path, const struct oci_limits *limits,
                         uint64_t *entries, uint64_t *bytes, struct fail *fail)
{
    struct archive *a = oci_open_tar(path);
    enum err err;

    if (a == NULL)
        return fail_set(fail, ERR_NOMEM, WHAT, "try again", "out of memory");
    err = check_all(a, limits, entries, bytes, fail);
    (void)archive_read_free(a);
    return err;
}
