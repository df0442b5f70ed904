#include "wallet/keystore.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <sodium.h>

#include "base/check.h"
#include "wallet/keystore_box.h"
#include "wallet/private_file.h"

#define SUFFIX ".key"
#define MIB    (UINT64_C(1) << 20)

const struct keystore_cost keystore_cost_moderate = {3, 256 * MIB};
const struct keystore_cost keystore_cost_fast = {1, 8 * MIB};

_Static_assert(ADDRESS_TEXT_MAX + sizeof(SUFFIX) <= KEYSTORE_NAME_MAX,
               "an address and its suffix are a file name");

/* ---- the directory ---- */

enum err keystore_open(const char *path, bool create, struct keystore *out)
{
    int fd;

    CHECK(sodium_init() >= 0);
    TRY(create ? private_dir_make(path, &fd) : private_dir_open(path, &fd));
    *out = (struct keystore){
        .dir_fd = fd, .remote = private_dir_is_remote(fd), .entropy = NULL};
    return OK;
}

void keystore_close(struct keystore *store)
{
    if (store->dir_fd > 0)
        close(store->dir_fd);
    memset(store, 0, sizeof(*store));
}

/* Reads one file. The address inside must be the name outside, or one key
 * could pass for another. */
static enum err load(const struct keystore *store, const char *name,
                     struct keystore_file *out)
{
    struct keystore_file file;
    struct secret text;
    size_t len;
    enum err err;

    TRY(private_file_read(store->dir_fd, name, PRIVATE_FILE_OWN,
                          KEYSTORE_FILE_MAX, &text));
    err = keystore_file_decode(secret_bytes(&text), &file);
    secret_done(&text);
    TRY(err);
    len = strlen(file.address);
    if (strncmp(name, file.address, len) != 0 ||
        strcmp(name + len, SUFFIX) != 0)
        return ERR_CORRUPT;
    *out = file;
    return OK;
}

static enum err save(struct keystore *store, const struct keystore_file *file,
                     bool replace)
{
    char name[KEYSTORE_NAME_MAX];
    struct buf text;
    enum err err;

    buf_init(&text, KEYSTORE_FILE_MAX);
    keystore_file_encode(file, &text);
    snprintf(name, sizeof(name), "%s" SUFFIX, file->address);
    err = text.err;
    if (err == OK)
        err =
            private_file_write(store->dir_fd, name, buf_bytes(&text), replace);
    buf_done(&text);
    return err;
}

/* ---- listing ---- */

static bool is_key_name(const char *name)
{
    size_t len = strlen(name), end = strlen(SUFFIX);

    return name[0] != '.' && len > end && len < KEYSTORE_NAME_MAX &&
           strcmp(name + len - end, SUFFIX) == 0;
}

static void entry_fill(const struct keystore *store, const char *name,
                       struct keystore_entry *out)
{
    struct keystore_file file;

    memset(out, 0, sizeof(*out));
    memcpy(out->file, name, strlen(name) + 1);
    out->err = load(store, name, &file);
    if (out->err != OK)
        return;
    memcpy(out->address, file.address, sizeof(out->address));
    memcpy(out->label, file.label, sizeof(out->label));
    out->key = file.key;
    out->created_ms = file.created_ms;
    out->has_backup = file.has_backup;
    out->cost = file.cost;
}

static int entry_compare(const void *left, const void *right)
{
    const struct keystore_entry *a = left, *b = right;
    int order = (a->err != OK) - (b->err != OK);

    if (order == 0)
        order = strcmp(a->label, b->label);
    return order != 0 ? order : strcmp(a->file, b->file);
}

/* Grows *entries by doubling; the caller frees whatever is there. */
static enum err entries_push(const struct keystore *store, const char *name,
                             struct keystore_entry **entries, size_t *count)
{
    if (*count == KEYSTORE_KEYS_MAX)
        return ERR_TOO_LARGE;
    if ((*count & (*count - 1)) == 0) {
        size_t cap = *count == 0 ? 1 : *count * 2;
        struct keystore_entry *more = realloc(*entries, cap * sizeof(*more));
        if (more == NULL)
            return ERR_NOMEM;
        *entries = more;
    }
    entry_fill(store, name, &(*entries)[(*count)++]);
    return OK;
}

static enum err entries_read(const struct keystore *store, DIR *dir,
                             struct keystore_entry **entries, size_t *count)
{
    struct dirent *found;

    rewinddir(dir);
    for (errno = 0; (found = readdir(dir)) != NULL; errno = 0)
        if (is_key_name(found->d_name))
            TRY(entries_push(store, found->d_name, entries, count));
    return errno == 0 ? OK : ERR_IO;
}

enum err keystore_list(const struct keystore *store,
                       struct keystore_entry **out, size_t *out_count)
{
    struct keystore_entry *entries = NULL;
    size_t count = 0;
    enum err err;
    /* Not dup: that would share the reading position. */
    int fd = openat(store->dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL) {
        if (fd >= 0)
            close(fd);
        return ERR_IO;
    }
    err = entries_read(store, dir, &entries, &count);
    closedir(dir);
    if (err != OK) {
        free(entries);
        return err;
    }
    if (count > 0)
        qsort(entries, count, sizeof(*entries), entry_compare);
    *out = entries;
    *out_count = count;
    return OK;
}

/* Does the name mean this entry? A damaged file is known by its name only,
 * which begins with its address. */
static bool entry_is(const struct keystore_entry *entry, const char *name)
{
    size_t len = strlen(name);

    if (entry->err == OK && strcmp(entry->label, name) == 0)
        return true;
    return strncmp(entry->file, name, len) == 0 &&
           strcmp(entry->file + len, SUFFIX) == 0;
}

static enum err find_among(const struct keystore_entry *entries, size_t count,
                           const char *name, struct keystore_entry *out)
{
    if (name == NULL || name[0] == 0) {
        if (count > 1)
            return ERR_AMBIGUOUS;
        if (count == 1)
            *out = entries[0];
        return count == 1 ? entries[0].err : ERR_NO_KEY;
    }
    for (size_t i = 0; i < count; i++) {
        if (entry_is(&entries[i], name)) {
            *out = entries[i];
            return entries[i].err;
        }
    }
    return ERR_NO_KEY;
}

enum err keystore_find(const struct keystore *store, const char *name,
                       struct keystore_entry *out)
{
    struct keystore_entry *entries;
    size_t count;
    enum err err;

    TRY(keystore_list(store, &entries, &count));
    err = find_among(entries, count, name, out);
    free(entries);
    return err;
}

static enum err find_file(const struct keystore *store, const char *name,
                          struct keystore_file *out)
{
    struct keystore_entry entry;

    TRY(keystore_find(store, name, &entry));
    return load(store, entry.file, out);
}

static bool label_char(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
        (c >= '0' && c <= '9'))
        return true;
    return !first && (c == '.' || c == '_' || c == '-');
}

enum err keystore_label_check(const char *label)
{
    size_t len = strlen(label);

    if (len == 0 || len >= KEYSTORE_LABEL_MAX)
        return ERR_RANGE;
    for (size_t i = 0; i < len; i++)
        if (!label_char(label[i], i == 0))
            return ERR_RANGE;
    if (strncmp(label, ADDRESS_PREFIX_MAIN "1", 5) == 0 ||
        strncmp(label, ADDRESS_PREFIX_TEST "1", 6) == 0)
        return ERR_RANGE;
    return OK;
}

/* ---- the public calls that seal ---- */

static enum err seal_and_save(struct keystore *store, struct key *key,
                              struct bytes passphrase,
                              struct keystore_file *file, bool replace)
{
    TRY(keystore_box_seal(file, key, passphrase, store->entropy));
    return save(store, file, replace);
}

static enum err check_free(const struct keystore *store, const char *address,
                           const char *label)
{
    struct keystore_entry found;
    enum err err = keystore_find(store, address, &found);

    /* A damaged file under this address is in the way too. */
    if (err == ERR_NO_KEY)
        err = keystore_find(store, label, &found);
    if (err == ERR_NO_KEY)
        return OK;
    return err == ERR_NOMEM || err == ERR_IO ? err : ERR_EXISTS;
}

enum err keystore_create(struct keystore *store, struct key *key,
                         const char *prefix, const char *label,
                         uint64_t created_ms, bool has_backup,
                         struct bytes passphrase,
                         const struct keystore_cost *cost)
{
    struct keystore_file file = {
        .created_ms = created_ms, .has_backup = has_backup, .cost = *cost};
    enum err err;

    TRY(keystore_label_check(label));
    TRY(keystore_passphrase_check(passphrase));
    TRY(keystore_cost_check(cost));
    key_public(key, &file.key);
    address_format(prefix, &file.key, file.address);
    memcpy(file.label, label, strlen(label) + 1);
    TRY(private_dir_lock(store->dir_fd));
    err = check_free(store, file.address, label);
    if (err == OK)
        err = seal_and_save(store, key, passphrase, &file, false);
    private_dir_unlock(store->dir_fd);
    return err;
}

enum err keystore_unlock(const struct keystore *store, const char *name,
                         struct bytes passphrase, const struct purpose *purpose,
                         struct key **out)
{
    struct keystore_file file;

    TRY(find_file(store, name, &file));
    return keystore_box_open(&file, passphrase, purpose, out);
}

/* Opens, changes, seals anew. A key opened here signs nothing. */
static enum err reseal(struct keystore *store, struct keystore_file *file,
                       struct bytes old_passphrase, struct bytes new_passphrase,
                       const struct keystore_file *changed)
{
    static const struct purpose nothing = {.name = "nothing"};
    struct keystore_file next = *changed;
    struct key *key;
    enum err err;

    TRY(keystore_box_open(file, old_passphrase, &nothing, &key));
    err = seal_and_save(store, key, new_passphrase, &next, true);
    key_free(key);
    return err;
}

enum err keystore_passwd(struct keystore *store, const char *name,
                         struct bytes old_passphrase,
                         struct bytes new_passphrase,
                         const struct keystore_cost *cost)
{
    struct keystore_file file, changed;
    enum err err;

    TRY(keystore_passphrase_check(new_passphrase));
    TRY(keystore_cost_check(cost));
    TRY(private_dir_lock(store->dir_fd));
    err = find_file(store, name, &file);
    if (err == OK) {
        changed = file;
        changed.cost = *cost;
        err = reseal(store, &file, old_passphrase, new_passphrase, &changed);
    }
    private_dir_unlock(store->dir_fd);
    return err;
}

enum err keystore_mark_backup(struct keystore *store, const char *name,
                              struct bytes passphrase)
{
    struct keystore_file file, changed;
    enum err err;

    TRY(private_dir_lock(store->dir_fd));
    err = find_file(store, name, &file);
    if (err == OK && !file.has_backup) {
        changed = file;
        changed.has_backup = true;
        err = reseal(store, &file, passphrase, passphrase, &changed);
    }
    private_dir_unlock(store->dir_fd);
    return err;
}

enum err keystore_forget_old(struct keystore *store, const char *name)
{
    char old[KEYSTORE_NAME_MAX + 4];
    struct keystore_file file;
    enum err err;

    TRY(private_dir_lock(store->dir_fd));
    err = find_file(store, name, &file);
    if (err == OK) {
        snprintf(old, sizeof(old), "%s" SUFFIX ".old", file.address);
        if (unlinkat(store->dir_fd, old, 0) != 0 && errno != ENOENT)
            err = errno == EACCES || errno == EPERM ? ERR_PERM : ERR_IO;
        else if (fsync(store->dir_fd) != 0)
            err = ERR_IO;
    }
    private_dir_unlock(store->dir_fd);
    return err;
}
