/* Trees from files and directories of this machine. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "node/blob/blob_store_impl.h"

/* A walk collects files; each is held in memory until the tree is pinned. */
struct walk {
    struct blob_store *store;
    struct blob_tree tree;
    char path[BLOB_PATH_MAX]; /* in the tree */
};

static enum err add_file(struct walk *walk, int fd, const struct stat *st)
{
    struct hash id;
    uint64_t bytes;
    enum err err;
    uint32_t mode = st->st_mode & 0111 ? 0755 : 0644;

    TRY(blob_path_check(bytes_str(walk->path)));
    err = blob_store_import_fd_held(walk->store, fd, &id, &bytes);
    if (err != OK)
        return err;
    err = blob_tree_add(&walk->tree, walk->path, mode, bytes, &id);
    if (err != OK)
        blob_store_release(walk->store, &id);
    return err;
}

static enum err walk_dir(struct walk *walk, int fd, unsigned depth);

static enum err append(struct walk *walk, size_t at, const char *name)
{
    size_t len = strlen(name);
    bool slash = at > 0;

    if (at + slash + len >= sizeof walk->path)
        return ERR_TOO_LARGE;
    if (slash)
        walk->path[at] = '/';
    memcpy(walk->path + at + slash, name, len + 1);
    return OK;
}

/* What is at dir_fd/name, which the walk's path names. */
static enum err walk_entry(struct walk *walk, int dir_fd, const char *name,
                           int follow, unsigned depth)
{
    struct stat st;
    enum err err;
    int fd;

    if (fstatat(dir_fd, name, &st, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
        return blob_errno(errno);
    if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
        return ERR_KIND;
    fd = openat(dir_fd, name,
                O_RDONLY | O_CLOEXEC | O_NONBLOCK | (follow ? 0 : O_NOFOLLOW));
    if (fd < 0)
        return errno == ELOOP ? ERR_KIND : blob_errno(errno);
    if (fstat(fd, &st) != 0)
        err = blob_errno(errno);
    else if (S_ISDIR(st.st_mode))
        err = walk_dir(walk, fd, depth + 1);
    else if (S_ISREG(st.st_mode))
        err = add_file(walk, fd, &st);
    else
        err = ERR_KIND; /* it was changed under our hands */
    close(fd);
    return err;
}

static enum err walk_dir(struct walk *walk, int fd, unsigned depth)
{
    size_t len = strlen(walk->path);
    struct dirent *entry;
    enum err err = OK;
    DIR *dir;
    int copy;

    if (depth > BLOB_DEPTH_MAX)
        return ERR_RANGE;
    copy = fcntl(fd, F_DUPFD_CLOEXEC, 0); /* closedir takes it */
    dir = copy < 0 ? NULL : fdopendir(copy);
    if (dir == NULL) {
        err = blob_errno(errno);
        if (copy >= 0)
            close(copy);
        return err;
    }
    while (err == OK && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        err = append(walk, len, entry->d_name);
        if (err == OK)
            err = walk_entry(walk, fd, entry->d_name, 0, depth);
        if (err == OK)
            walk->path[len] = '\0';
    }
    closedir(dir);
    return err;
}

static enum err walk_sources(struct walk *walk,
                             const struct blob_source *sources, size_t count,
                             struct blob_where *where)
{
    enum err err = OK;

    for (size_t i = 0; err == OK && i < count; i++) {
        const char *as = sources[i].as;

        walk->path[0] = '\0';
        err = *as == '\0' ? OK : blob_path_check(bytes_str(as));
        if (err == OK)
            err = append(walk, 0, as);
        if (err == OK)
            err = walk_entry(walk, AT_FDCWD, sources[i].path, 1, 0);
        if (err != OK && where != NULL)
            snprintf(where->path, sizeof where->path, "%s%s%s", sources[i].path,
                     walk->path[0] ? " as " : "", walk->path);
    }
    return err;
}

/* The document, held. */
static enum err import_document(struct walk *walk, struct hash *out_id,
                                struct blob_where *where)
{
    uint32_t index = 0;
    struct buf text;
    enum err err;

    err = blob_tree_sort(&walk->tree, &index);
    if (err != OK) {
        if (where != NULL)
            snprintf(where->path, sizeof where->path, "%s",
                     walk->tree.files[index].path);
        return err;
    }
    buf_init(&text, BLOB_TREE_DOC_MAX);
    blob_tree_encode(&walk->tree, &text);
    err = text.err;
    if (err == OK)
        err = blob_store_import_held(walk->store, buf_bytes(&text), out_id);
    buf_done(&text);
    return err;
}

enum err blob_store_import_tree(struct blob_store *store,
                                const struct blob_source *sources,
                                size_t source_count, const char *owner,
                                struct hash *out_id, struct blob_where *where)
{
    struct walk walk = {.store = store};
    struct hash id;
    enum err err;

    if (where != NULL)
        where->path[0] = '\0';
    TRY(blob_owner_check(owner));
    blob_tree_init(&walk.tree);
    err = walk_sources(&walk, sources, source_count, where);
    if (err == OK)
        err = import_document(&walk, &id, where);
    if (err == OK) {
        err = blob_store_pin_tree(store, &id, owner);
        blob_store_release(store, &id);
    }
    for (uint32_t i = 0; i < walk.tree.count; i++)
        blob_store_release(store, &walk.tree.files[i].id);
    blob_tree_done(&walk.tree);
    if (err == OK)
        *out_id = id;
    return err;
}
