/* links: suan_node */
/* Manifests and tree documents, as a stranger may send them. The first byte
 * picks the kind. */
#include <string.h>

#include "base/check.h"
#include "node/blob/blob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_manifest(struct bytes in)
{
    struct blob_manifest manifest;
    struct buf out;

    if (blob_manifest_decode(in, &manifest) != OK)
        return;
    CHECK(manifest.chunk_count == blob_chunk_count(manifest.bytes));
    buf_init(&out, BLOB_MANIFEST_MAX);
    blob_manifest_encode(&manifest, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
    blob_manifest_done(&manifest);
}

static void try_tree(struct bytes in)
{
    struct blob_tree tree;
    struct buf out;

    if (blob_tree_decode(in, &tree) != OK)
        return;
    for (uint32_t i = 0; i < tree.count; i++) {
        const char *path = tree.files[i].path;

        CHECK(path[0] != '/' && strncmp(path, "../", 3) != 0);
        CHECK(strstr(path, "/../") == NULL && strcmp(path, "..") != 0);
        CHECK(i == 0 || strcmp(tree.files[i - 1].path, path) < 0);
    }
    buf_init(&out, BLOB_TREE_DOC_MAX);
    blob_tree_encode(&tree, &out);
    CHECK(bytes_equal(buf_bytes(&out), in));
    buf_done(&out);
    blob_tree_done(&tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] == 'm')
        try_manifest(bytes_make(data + 1, size - 1));
    else
        try_tree(bytes_make(data + 1, size - 1));
    return 0;
}
