/* links: suan_node */
/* An image that somebody else made, read as a file. */
#define _GNU_SOURCE /* memfd_create */

#include "node/blob/oci_archive.h"

#include "base/check.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct oci_archive archive;
    struct oci_fault fault;
    int fd = memfd_create("image", MFD_CLOEXEC);
    enum err err;
    if (fd < 0)
        return 0;
    CHECK(write(fd, data, size) == (ssize_t)size);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    err = oci_archive_read(fd, &archive, &fault);
    close(fd);
    if (err != OK) { /* always with words for the user */
        CHECK(fault.why[0] != '\0' && fault.next[0] != '\0');
        return 0;
    }
    CHECK(strlen(archive.digest) == 71);
    CHECK(json_is_array(json_object_get(archive.about, "layers")));
    oci_archive_done(&archive);
    return 0;
}
