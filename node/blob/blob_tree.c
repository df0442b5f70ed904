#include "node/blob/blob.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/mp.h"

enum { KIND_TREE = 2, VERSION_TREE = 1, NAME_MAX_BYTES = 255, FIRST_CAP = 16 };

/* The unpacked form of a document of the greatest length. */
#define ARENA_MAX (64u * 1024 * 1024)

/* ---- paths ---- */

static enum err part_check(struct bytes part)
{
    if (part.len == 0 || part.len > NAME_MAX_BYTES)
        return ERR_RANGE;
    if (bytes_equal(part, BYTES_LIT(".")) || bytes_equal(part, BYTES_LIT("..")))
        return ERR_RANGE;
    for (size_t i = 0; i < part.len; i++)
        if (part.ptr[i] < 0x20 || part.ptr[i] == 0x7f || part.ptr[i] == '\\')
            return ERR_RANGE;
    return OK;
}

enum err blob_path_check(struct bytes path)
{
    size_t start = 0;
    unsigned parts = 0;

    if (path.len == 0)
        return ERR_RANGE;
    if (path.len >= BLOB_PATH_MAX)
        return ERR_TOO_LARGE;
    for (size_t i = 0; i <= path.len; i++) {
        if (i < path.len && path.ptr[i] != '/')
            continue;
        TRY(part_check(bytes_make(path.ptr + start, i - start)));
        start = i + 1;
        parts++;
    }
    return parts > BLOB_DEPTH_MAX ? ERR_RANGE : OK;
}

/* ---- the list ---- */

void blob_tree_init(struct blob_tree *tree)
{
    memset(tree, 0, sizeof *tree);
}

void blob_tree_done(struct blob_tree *tree)
{
    for (uint32_t i = 0; i < tree->count; i++)
        free(tree->files[i].path);
    free(tree->files);
    memset(tree, 0, sizeof *tree);
}

static enum err make_room(struct blob_tree *tree)
{
    uint32_t cap = tree->cap == 0 ? FIRST_CAP : tree->cap * 2;
    struct blob_file *files;

    if (tree->count >= BLOB_FILES_MAX)
        return ERR_TOO_LARGE;
    if (tree->count < tree->cap)
        return OK;
    files = realloc(tree->files, cap * sizeof *files);
    if (files == NULL)
        return ERR_NOMEM;
    tree->files = files;
    tree->cap = cap;
    return OK;
}

static enum err add(struct blob_tree *tree, struct bytes path, uint32_t mode,
                    uint64_t bytes, const struct hash *id)
{
    struct blob_file *file;

    TRY(blob_path_check(path));
    if (mode != 0644 && mode != 0755)
        return ERR_RANGE;
    TRY(make_room(tree));
    file = &tree->files[tree->count];
    file->path = malloc(path.len + 1);
    if (file->path == NULL)
        return ERR_NOMEM;
    memcpy(file->path, path.ptr, path.len);
    file->path[path.len] = '\0';
    file->mode = mode;
    file->bytes = bytes;
    file->id = *id;
    tree->count++;
    return OK;
}

enum err blob_tree_add(struct blob_tree *tree, const char *path, uint32_t mode,
                       uint64_t bytes, const struct hash *id)
{
    return add(tree, bytes_str(path), mode, bytes, id);
}

static int by_path(const void *a, const void *b)
{
    const struct blob_file *fa = a, *fb = b;

    return strcmp(fa->path, fb->path);
}

/* Whether some file's path is the first `len` bytes of `path`. */
static bool is_file(const struct blob_tree *tree, const char *path, size_t len)
{
    char text[BLOB_PATH_MAX];
    struct blob_file key = {.path = text};

    CHECK(len < sizeof text);
    memcpy(text, path, len);
    text[len] = '\0';
    return bsearch(&key, tree->files, tree->count, sizeof key, by_path) != NULL;
}

/* Whether a directory on the way to file i is itself a file. */
static bool passes_a_file(const struct blob_tree *tree, uint32_t i)
{
    const char *path = tree->files[i].path;

    for (const char *p = strchr(path, '/'); p != NULL; p = strchr(p + 1, '/'))
        if (is_file(tree, path, (size_t)(p - path)))
            return true;
    return false;
}

static enum err check_unique(const struct blob_tree *tree, uint32_t *out_index)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        if ((i > 0 && by_path(&tree->files[i - 1], &tree->files[i]) == 0) ||
            passes_a_file(tree, i)) {
            if (out_index != NULL)
                *out_index = i;
            return ERR_EXISTS;
        }
    }
    return OK;
}

enum err blob_tree_sort(struct blob_tree *tree, uint32_t *out_index)
{
    if (tree->count > 0)
        qsort(tree->files, tree->count, sizeof *tree->files, by_path);
    return check_unique(tree, out_index);
}

uint64_t blob_tree_bytes(const struct blob_tree *tree)
{
    uint64_t sum = 0;

    for (uint32_t i = 0; i < tree->count; i++)
        sum += tree->files[i].bytes;
    return sum;
}

/* ---- the document ---- */

void blob_tree_encode(const struct blob_tree *tree, struct buf *out)
{
    mp_put_message(out, KIND_TREE, VERSION_TREE, 1);
    mp_put_array(out, tree->count);
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct blob_file *file = &tree->files[i];

        CHECK(i == 0 || by_path(file - 1, file) < 0);
        mp_put_array(out, 4);
        mp_put_str(out, file->path);
        mp_put_uint(out, file->mode);
        mp_put_uint(out, file->bytes);
        mp_put_hash(out, &file->id);
    }
}

static enum err get_file(struct mp_reader *reader, struct blob_tree *tree,
                         uint64_t *sum)
{
    struct bytes path;
    uint32_t mode;
    uint64_t bytes;
    struct hash id;

    mp_enter_exact(reader, 4);
    path = mp_get_str(reader, BLOB_PATH_MAX - 1);
    mode = (uint32_t)mp_get_uint_max(reader, 0777);
    bytes = mp_get_uint_max(reader, BLOB_BYTES_MAX);
    mp_get_hash(reader, &id);
    mp_leave(reader);
    if (reader->err != OK)
        return reader->err;
    if (__builtin_add_overflow(*sum, bytes, sum))
        return ERR_OVERFLOW;
    TRY(add(tree, path, mode, bytes, &id));
    if (tree->count > 1 && by_path(&tree->files[tree->count - 2],
                                   &tree->files[tree->count - 1]) > 0)
        return ERR_NOT_CANONICAL;
    return OK;
}

static enum err get_files(struct mp_reader *reader, struct blob_tree *tree)
{
    uint32_t count = mp_enter(reader);
    uint64_t sum = 0;

    if (count > BLOB_FILES_MAX)
        return ERR_TOO_LARGE;
    for (uint32_t i = 0; i < count && reader->err == OK; i++)
        TRY(get_file(reader, tree, &sum));
    mp_leave(reader);
    mp_leave(reader);
    TRY(mp_close(reader));
    return check_unique(tree, NULL);
}

enum err blob_tree_decode(struct bytes bytes, struct blob_tree *out)
{
    struct blob_tree tree;
    struct mp_reader reader;
    struct arena arena;
    enum err err;

    if (bytes.len > BLOB_TREE_DOC_MAX)
        return ERR_TOO_LARGE;
    blob_tree_init(&tree);
    arena_init(&arena, ARENA_MAX);
    err = mp_open_message(&reader, bytes, &arena, KIND_TREE, VERSION_TREE, 1);
    if (err == OK)
        err = get_files(&reader, &tree);
    arena_done(&arena);
    if (err == OK)
        *out = tree;
    else
        blob_tree_done(&tree);
    return err;
}
