#include "node/control/rpc_blob.h"

#include "base/check.h"
#include "node/blob/image_cache.h"
#include "node/blob/images.h"
#include "node/log.h"
#include "node/blob/oci_archive.h"
#include "node/control/rpc_call.h"
#include "node/control/rpc_help.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CACHED_NAME 12u
#define SOURCES_MAX 4096u
#define HOUR_MS     3600000u
/* Imports of so many hours ago are looked for when pins are given up. */
#define HOURS_BACK 48u

/* ---- shared ---- */

void file_list_add(struct file_list *list, uint32_t task, const char *path,
                   uint64_t bytes)
{
    size_t cost = strlen(path) * 2 + 64;
    json_t *file;
    if (cost > list->room) {
        list->room = 0;
        list->left_out++;
        return;
    }
    list->room -= cost;
    file = json_pack("{s:o, s:o}", "path", json_text(path), "bytes",
                     json_u64(bytes));
    if (task != UINT32_MAX)
        json_object_set_new(file, "task", json_u64(task));
    json_array_append_new(list->files, file);
}

static const char *import_next(enum err err)
{
    switch ((int)err) {
    case ERR_KIND:
        return "copies in place of links and special files";
    case ERR_NOT_FOUND:
    case ERR_PERM:
        return "a path that the node's user can read";
    case ERR_FULL:
        return "suan node status; more room, or node.blobs_max_mib in "
               "suan.conf";
    case ERR_EXISTS:
        return "another name for one of them: --in HOST:DEST";
    case ERR_TOO_LARGE:
        return "fewer or smaller files";
    default:
        return "suan node logs";
    }
}

/* ---- blob.import ---- */

struct tree_import {
    struct call_work work; /* first */
    struct blob_store *blobs;
    struct blob_source *sources; /* texts owned */
    size_t count;
    uint64_t hour;
    enum err err;
    struct blob_where where;
    struct hash id;
    uint64_t bytes;
    uint64_t files;
};

static void import_owner(uint64_t hour, char out[40])
{
    snprintf(out, 40, "import:%llu", (unsigned long long)hour);
}

/* What was imported is the user's until a job takes it, an hour at least. */
static void drop_old_imports(struct blob_store *blobs, uint64_t hour)
{
    char owner[40];
    for (uint64_t back = 2; back <= HOURS_BACK && back <= hour; back++) {
        import_owner(hour - back, owner);
        (void)blob_store_unpin_owner(blobs, owner);
    }
}

static void import_tree(struct call_work *work)
{
    struct tree_import *import = (struct tree_import *)work;
    struct blob_tree tree;
    char owner[40];
    drop_old_imports(import->blobs, import->hour);
    import_owner(import->hour, owner);
    import->err =
        blob_store_import_tree(import->blobs, import->sources, import->count,
                               owner, &import->id, &import->where);
    if (import->err == OK)
        import->err = blob_store_tree(import->blobs, &import->id, &tree);
    if (import->err != OK)
        return;
    import->bytes = blob_tree_bytes(&tree);
    import->files = tree.count;
    blob_tree_done(&tree);
}

static void tree_import_free(struct tree_import *import)
{
    for (size_t i = 0; i < import->count; i++) {
        free((void *)(uintptr_t)import->sources[i].path);
        free((void *)(uintptr_t)import->sources[i].as);
    }
    free(import->sources);
    free(import);
}

static void imported_tree(struct call_work *work, struct control_call *call)
{
    struct tree_import *import = (struct tree_import *)work;
    import->work.node->blobs_dirty = true;
    if (call != NULL && import->err != OK)
        call_refuse(call, import->err, NULL, import_next(import->err),
                    "the input %.180s cannot be taken", import->where.path);
    else if (call != NULL)
        control_reply(call,
                      json_pack("{s:o, s:o, s:o}", "id", json_hash(&import->id),
                                "bytes", json_u64(import->bytes), "files",
                                json_u64(import->files)));
    tree_import_free(import);
}

static bool take_source(struct control_call *call, const json_t *file,
                        struct blob_source *out)
{
    const char *path = json_string_value(json_object_get(file, "path"));
    const char *as = json_string_value(json_object_get(file, "as"));
    if (path == NULL || path[0] != '/' || as == NULL ||
        json_object_size(file) != 2) {
        control_refuse(call, ERR_PARSE,
                       "{\"path\": \"/a/file\", \"as\": \"f\"}",
                       "a file to import is an absolute path and a relative "
                       "name for it");
        return false;
    }
    out->path = strdup(path);
    out->as = strdup(as);
    if (out->path != NULL && out->as != NULL)
        return true;
    control_refuse(call, ERR_NOMEM, NULL, "the list of files is too long now");
    return false;
}

static bool take_sources(struct control_call *call, struct tree_import *import)
{
    const json_t *files = json_object_get(call->params, "files");
    size_t count = json_array_size(files);
    if (!json_is_array(files) || count == 0 || count > SOURCES_MAX) {
        control_refuse(call, ERR_PARSE, NULL,
                       "parameter \"files\" must be a list of 1 to %u",
                       SOURCES_MAX);
        return false;
    }
    import->sources = calloc(count, sizeof(*import->sources));
    if (import->sources == NULL) {
        control_refuse(call, ERR_NOMEM, NULL, "the list of files is too long");
        return false;
    }
    import->count = count; /* what is not filled is NULL */
    for (size_t i = 0; i < count; i++) {
        if (!take_source(call, json_array_get(files, i), &import->sources[i]))
            return false;
    }
    return true;
}

void rpc_blob_import(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"files", NULL};
    struct tree_import *import;
    if (!param_only(call, names))
        return;
    import = call_work_new(call, sizeof(*import));
    if (import == NULL)
        return;
    if (!take_sources(call, import)) {
        tree_import_free(import);
        return;
    }
    import->blobs = node->blobs;
    import->hour = node_wall_ms() / HOUR_MS;
    call_work_start(node, call, &import->work, import_tree, imported_tree);
}

/* ---- blob.export ---- */

struct tree_export {
    struct call_work work; /* first */
    struct blob_store *blobs;
    struct hash id;
    char dir[PATH_MAX];
    enum err err;
    bool is_tree;
    struct blob_where where;
    struct blob_tree tree;
};

static void export_tree(struct call_work *work)
{
    struct tree_export *export = (struct tree_export *)work;
    export->err = blob_store_tree(export->blobs, &export->id, &export->tree);
    export->is_tree = export->err == OK;
    if (export->is_tree)
        export->err = blob_store_export_tree(export->blobs, &export->id,
                                             export->dir, &export->where);
}

static void reply_files(struct control_call *call, const struct blob_tree *tree)
{
    struct file_list list = {json_array(), RPC_BYTES_MAX / 2, 0};
    json_t *object;
    for (uint32_t i = 0; i < tree->count; i++)
        file_list_add(&list, UINT32_MAX, tree->files[i].path,
                      tree->files[i].bytes);
    object = json_pack("{s:o}", "files", list.files);
    if (list.left_out > 0)
        json_object_set_new(object, "left_out", json_u64(list.left_out));
    control_reply(call, object);
}

static void exported_tree(struct call_work *work, struct control_call *call)
{
    struct tree_export *export = (struct tree_export *)work;
    if (call == NULL)
        goto out;
    if (export->err == OK)
        reply_files(call, &export->tree);
    else if (!export->is_tree)
        call_refuse(call, export->err, NULL, "the id that blob.import gave",
                    "there is no tree of files with this id here");
    else
        call_refuse(call, export->err, NULL,
                    "a directory that the node's user can write, with room",
                    "%.200s cannot be written", export->where.path);
out:
    if (export->is_tree)
        blob_tree_done(&export->tree);
    free(export);
}

void rpc_blob_export(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"id", "dir", NULL};
    struct tree_export *export;
    const char *dir = NULL;
    struct hash id;
    if (!param_only(call, names) || !param_hash(call, "id", &id) ||
        !param_absolute(call, "dir", &dir))
        return;
    export = call_work_new(call, sizeof(*export));
    if (export == NULL)
        return;
    export->blobs = node->blobs;
    export->id = id;
    snprintf(export->dir, sizeof(export->dir), "%s", dir);
    call_work_start(node, call, &export->work, export_tree, exported_tree);
}

/* ---- image.import ---- */

struct image_import {
    struct call_work work; /* first */
    struct blob_store *blobs;
    char path[PATH_MAX];
    struct image image;
    struct buf about; /* JSON */
    enum err err;
    struct oci_fault fault;
};

static enum err import_file(struct image_import *import, int fd)
{
    struct oci_archive archive;
    char owner[IMAGE_OWNER_MAX];
    char *text;
    TRY(oci_archive_read(fd, &archive, &import->fault));
    text = json_dumps(archive.about, JSON_COMPACT);
    buf_add(&import->about, bytes_str(text));
    free(text);
    snprintf(import->image.digest, sizeof(import->image.digest), "%s",
             archive.digest);
    oci_archive_done(&archive);
    if (import->about.err != OK)
        return import->about.err;
    if (lseek(fd, 0, SEEK_SET) != 0)
        return ERR_IO;
    image_owner(import->image.name, owner);
    return blob_store_import_fd(import->blobs, fd, BLOB_BYTES_MAX, owner,
                                &import->image.id, &import->image.bytes);
}

static void import_image(struct call_work *work)
{
    struct image_import *import = (struct image_import *)work;
    struct stat st;
    /* NONBLOCK: a fifo must not hold us up before it is refused. */
    int fd = open(import->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        import->err = errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND
                      : errno == EACCES                   ? ERR_PERM
                                                          : ERR_IO;
        return;
    }
    if (fstat(fd, &st) != 0)
        import->err = ERR_IO;
    else
        import->err = S_ISREG(st.st_mode) ? import_file(import, fd) : ERR_KIND;
    close(fd);
}

static void reply_image(struct control_call *call, const struct image *image)
{
    control_reply(call,
                  json_pack("{s:s, s:o, s:s, s:o, s:o}", "name", image->name,
                            "id", json_hash(&image->id), "digest",
                            image->digest, "bytes", json_u64(image->bytes),
                            "imported_at_ms", json_u64(image->imported_at_ms)));
}

static void unpin_image(struct node *node, const char *name,
                        const struct hash *id)
{
    char owner[IMAGE_OWNER_MAX];
    image_owner(name, owner);
    if (blob_store_unpin(node->blobs, id, owner) != OK)
        log_odd("images", "the blob of image %s was not pinned", name);
    node->blobs_dirty = true;
}

/* Registers what is in the store by now; a name leaves its old blob. */
static enum err register_image(struct node *node, struct image_import *import)
{
    const struct image *old = image_find(node->images, import->image.name);
    struct hash none = {{0}};
    struct hash old_id = old != NULL ? old->id : none;
    bool moves = !hash_equal(&old_id, &import->image.id);
    enum err err;
    import->image.imported_at_ms = node_wall_ms();
    err = images_put(node->images, &import->image, buf_bytes(&import->about));
    if (err != OK && moves) /* nobody will ask for it */
        unpin_image(node, import->image.name, &import->image.id);
    else if (err == OK && moves && !hash_is_zero(&old_id))
        unpin_image(node, import->image.name, &old_id);
    return err;
}

static void refuse_image(struct control_call *call,
                         const struct image_import *import)
{
    if (import->fault.why[0] != '\0')
        call_refuse(call, import->err, import->fault.why, import->fault.next,
                    "%.180s is not taken as an image", import->path);
    else
        call_refuse(call, import->err, NULL,
                    import->err == ERR_KIND ? "the archive as a regular file"
                                            : import_next(import->err),
                    "%.180s cannot be imported", import->path);
}

static void imported_image(struct call_work *work, struct control_call *call)
{
    struct image_import *import = (struct image_import *)work;
    struct node *node = import->work.node;
    /* Also when nobody waits any more: a pin without a name would stay. */
    if (import->err == OK && !work->skipped && node->images != NULL)
        import->err = register_image(node, import);
    if (call != NULL && import->err == OK) {
        log_info("images", "%s imported, %s", import->image.name,
                 import->image.digest);
        reply_image(call, &import->image);
    } else if (call != NULL) {
        refuse_image(call, import);
    }
    buf_done(&import->about);
    free(import);
}

/* Required, and fit for a name. */
static bool param_name(struct control_call *call, const char **out)
{
    if (!param_text(call, "name", out))
        return false;
    if (image_name_check(*out) == OK)
        return true;
    control_refuse(call, ERR_PARSE, "a name such as alpine-3.20",
                   "\"%.80s\" is no name for an image: 1 to 63 letters, "
                   "digits and . _ : -, a letter or digit first",
                   *out);
    return false;
}

void rpc_image_import(struct node *node, struct control_call *call)
{
    static const char *const names[] = {"path", "name", NULL};
    struct image_import *import;
    const char *path = NULL;
    const char *name = NULL;
    if (!param_only(call, names) || !param_absolute(call, "path", &path) ||
        !param_name(call, &name))
        return;
    import = call_work_new(call, sizeof(*import));
    if (import == NULL)
        return;
    import->blobs = node->blobs;
    buf_init(&import->about, IMAGE_ABOUT_MAX);
    snprintf(import->path, sizeof(import->path), "%s", path);
    snprintf(import->image.name, sizeof(import->image.name), "%s", name);
    call_work_start(node, call, &import->work, import_image, imported_image);
}

/* ---- the registry ---- */

/* Images of the jobs that have not ended, one for each job. */
static size_t images_in_use(struct node *node, struct hash *out, size_t max)
{
    const struct buy_job *job = NULL;
    struct arena arena;
    size_t count = 0;
    arena_init(&arena, 1024u * 1024);
    while (count < max && (job = buy_job_next(node->buy, job)) != NULL) {
        struct spec spec;
        arena_reset(&arena);
        if (job->ended_at_ms == 0 &&
            spec_decode(job->spec_bytes, &arena, &spec) == OK)
            out[count++] = spec.image;
    }
    arena_done(&arena);
    return count;
}

static json_t *image_json(const struct image *image, const struct hash *used,
                          size_t used_count)
{
    uint64_t uses = 0;
    for (size_t i = 0; i < used_count; i++)
        uses += hash_equal(&used[i], &image->id) ? 1 : 0;
    return json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "name", image->name,
                     "id", json_hash(&image->id), "digest", image->digest,
                     "bytes", json_u64(image->bytes), "imported_at_ms",
                     json_u64(image->imported_at_ms), "uses", json_u64(uses));
}

/* What a provider's executor has unpacked. */
static void put_unpacked(json_t *object, const struct cached_image *image)
{
    json_object_set_new(object, "unpacked_bytes", json_u64(image->bytes));
    json_object_set_new(object, "used_at_ms", json_u64(image->used_at_ms));
    json_object_set_new(object, "busy", json_boolean(image->busy));
}

static json_t *entry_with_id(json_t *list, const char *id)
{
    json_t *entry;
    size_t i;
    json_array_foreach(list, i, entry)
    {
        const char *own = json_string_value(json_object_get(entry, "id"));
        if (own != NULL && strcmp(own, id) == 0)
            return entry;
    }
    return NULL;
}

/* Those that came with buyers' jobs have no name here: the start of the id. */
static void add_unpacked(struct node *node, json_t *list)
{
    const struct cached_image *image;
    for (size_t i = 0; node->image_cache != NULL &&
                       (image = image_cache_at(node->image_cache, i)) != NULL;
         i++) {
        json_t *entry = entry_with_id(list, image->id);
        if (entry == NULL) {
            entry = json_pack("{s:s%, s:s, s:s}", "name", image->id,
                              strnlen(image->id, CACHED_NAME), "id", image->id,
                              "digest", image->digest);
            json_array_append_new(list, entry);
        }
        put_unpacked(entry, image);
    }
}

void rpc_image_list(struct node *node, struct control_call *call)
{
    static const char *const names[] = {NULL};
    struct hash used[BUY_JOBS_MAX];
    const struct image *image;
    json_t *list;
    size_t count;
    if (!param_only(call, names))
        return;
    count = images_in_use(node, used, BUY_JOBS_MAX);
    list = json_array();
    for (size_t i = 0; (image = image_at(node->images, i)) != NULL; i++)
        json_array_append_new(list, image_json(image, used, count));
    add_unpacked(node, list);
    control_reply(call, json_pack("{s:o}", "images", list));
}

static bool param_image_name(struct control_call *call, const char **out)
{
    static const char *const names[] = {"name", NULL};
    return param_only(call, names) && param_text(call, "name", out);
}

static void refuse_unknown(struct control_call *call, const char *name)
{
    control_refuse(call, ERR_NOT_FOUND, "suan image ls",
                   "there is no image named \"%.80s\"", name);
}

void rpc_image_show(struct node *node, struct control_call *call)
{
    struct hash used[BUY_JOBS_MAX];
    const struct image *image;
    const char *name = NULL;
    struct buf text;
    json_t *about;
    json_t *object;
    enum err err;
    if (!param_image_name(call, &name))
        return;
    image = image_find(node->images, name);
    if (image == NULL) {
        refuse_unknown(call, name);
        return;
    }
    object = image_json(image, used, images_in_use(node, used, BUY_JOBS_MAX));
    buf_init(&text, IMAGE_ABOUT_MAX);
    err = image_about(node->images, image->name, &text);
    about = err == OK ? json_loads(buf_cstr(&text), 0, NULL) : NULL;
    buf_done(&text);
    if (about == NULL) {
        json_decref(object);
        control_refuse(call, err != OK ? err : ERR_CORRUPT,
                       "suan image import FILE --name NAME, once more",
                       "the record of image %s cannot be read", image->name);
        return;
    }
    json_object_update(object, about);
    json_decref(about);
    control_reply(call, object);
}

/* An image without a name here, at the executor alone. */
static void remove_unpacked(struct node *node, struct control_call *call,
                            const char *name)
{
    enum err err = node->image_cache != NULL
                       ? image_cache_remove(node->image_cache, name)
                       : ERR_NOT_FOUND;
    if (err == OK)
        control_reply(call, json_object());
    else if (err == ERR_BUSY)
        call_refuse(call, ERR_STATE, "a job runs in it, or is about to",
                    "once more when its jobs have ended: suan sell status",
                    "the image cannot be removed now");
    else
        refuse_unknown(call, name);
}

void rpc_image_remove(struct node *node, struct control_call *call)
{
    const struct image *image;
    const char *name = NULL;
    struct image gone;
    enum err err;
    if (!param_image_name(call, &name))
        return;
    image = image_find(node->images, name);
    if (image == NULL) {
        remove_unpacked(node, call, name);
        return;
    }
    gone = *image;
    err = images_remove(node->images, gone.name);
    if (err != OK) {
        control_refuse(call, err, "suan node status",
                       "the image's record cannot be removed");
        return;
    }
    unpin_image(node, gone.name, &gone.id);
    control_reply(call, json_object());
}
