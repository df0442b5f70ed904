#define _GNU_SOURCE
#include "node/executors/sandbox/collect.h"

#include "node/executors/sandbox/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/check.h"

#define WHAT     "the outputs cannot be taken"
#define PATH_CAP 1024u /* of a path below /job/out */

/* -- which ------------------------------------------------------------------
 */

static const char *strip(const char *pattern)
{
    static const char *const prefixes[] = {"/job/out/", "./", "out/"};

    if (strcmp(pattern, "/job/out") == 0 || strcmp(pattern, "out") == 0 ||
        strcmp(pattern, ".") == 0)
        return "**";
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (strncmp(pattern, prefixes[i], strlen(prefixes[i])) == 0)
            pattern += strlen(prefixes[i]);
    return *pattern != '\0' ? pattern : "**";
}

/* `at[i]`: the pattern so far can have used up path[0..i). A star widens the
 * set to the right; `across` lets it pass a slash, and `whole` lets it stop
 * only behind one. */
static void widen(bool *at, const char *path, size_t len, bool across,
                  bool whole)
{
    bool open = false;

    for (size_t i = 0; i <= len; i++) {
        bool was = at[i];
        if (open && (!whole || path[i - 1] == '/'))
            at[i] = true;
        open = open || was;
        if (!across && i < len && path[i] == '/')
            open = false;
    }
}

static bool step(bool *at, const char *path, size_t len, char c)
{
    bool any = false;

    for (size_t i = len + 1; i-- > 0;) {
        at[i] = i > 0 && at[i - 1] &&
                (c == '?' ? path[i - 1] != '/' : path[i - 1] == c);
        any = any || at[i];
    }
    return any;
}

bool collect_matches(const char *pattern, const char *path)
{
    bool at[PATH_CAP + 1] = {true};
    size_t len = strlen(path);

    if (len > PATH_CAP)
        return false;
    pattern = strip(pattern);
    while (*pattern != '\0') {
        bool across = pattern[0] == '*' && pattern[1] == '*';
        bool whole = across && pattern[2] == '/';
        if (*pattern == '*')
            widen(at, path, len, across, whole);
        else if (!step(at, path, len, *pattern))
            return false;
        pattern += whole ? 3 : across ? 2 : 1;
        if (*pattern == '/' && pattern[1] == '\0')
            break; /* "name/": the directory and what is in it */
    }
    for (size_t i = 0; i <= len; i++)
        if (at[i] && (path[i] == '\0' || path[i] == '/'))
            return true;
    return false;
}

/* -- taking -------------------------------------------------------------------
 */

struct take {
    const struct collect *want;
    int dest_fd;
    json_t *files, *refused;
    uint64_t bytes, count, seen, more; /* more: refusals not listed */
    bool *matched;                     /* per pattern */
    struct fail *fail;
};

static void refuse(struct take *t, const char *path, const char *reason)
{
    if (json_array_size(t->refused) >= COLLECT_REFUSED_MAX) {
        t->more++;
        return;
    }
    (void)json_array_append_new(
        t->refused,
        json_pack("{s:o, s:s}", "path", fail_text(path), "reason", reason));
}

static bool wanted(struct take *t, const char *path)
{
    bool any = false;

    for (size_t i = 0; i < t->want->patternc; i++) {
        if ((any && t->matched[i]) ||
            !collect_matches(t->want->patterns[i], path))
            continue;
        t->matched[i] = true;
        any = true;
    }
    return any;
}

static int open_beneath(int at, const char *name, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_RDONLY | O_NONBLOCK | O_NOFOLLOW |
                                    O_CLOEXEC | O_NOCTTY,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                      RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS};

    return (int)syscall(SYS_openat2, at, name, &how, sizeof(how));
}

static bool plain_name(const char *name)
{
    json_t *text = json_string(name);
    bool ok = text != NULL;

    json_decref(text);
    for (; *name != '\0'; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7f)
            return false;
    return ok;
}

static enum err make_parents(struct take *t, const char *path)
{
    char copy[PATH_CAP + 1];

    CHECK(dir_text(copy, sizeof(copy), "%s", path));
    for (char *c = copy; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        if (mkdirat(t->dest_fd, copy, 0755) != 0 && errno != EEXIST)
            return fail_errno(t->fail, WHAT, path);
        *c = '/';
    }
    return OK;
}

/* Exactly `size` bytes: the job is over, so the file is what it is. */
static int copy_bytes(int from, int to, uint64_t size)
{
    while (size > 0) {
        size_t part = size < (1u << 30) ? (size_t)size : (1u << 30);
        ssize_t n = sendfile(to, from, NULL, part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? EIO : errno;
            return -1;
        }
        size -= (uint64_t)n;
    }
    return 0;
}

static enum err copy_file(struct take *t, int from, const char *path,
                          const struct stat *st)
{
    unsigned mode = (st->st_mode & 0111) != 0 ? 0755 : 0644;
    uint64_t size = (uint64_t)st->st_size;
    int to;

    TRY(make_parents(t, path));
    /* An earlier attempt may have been cut off: its files are replaced. */
    (void)unlinkat(t->dest_fd, path, 0);
    to = openat(t->dest_fd, path,
                O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (to < 0)
        return fail_errno(t->fail, WHAT, path);
    if (fchmod(to, mode) != 0 || copy_bytes(from, to, size) != 0) {
        enum err err = fail_errno(t->fail, WHAT, path);
        close(to);
        return err;
    }
    close(to);
    t->bytes += size;
    t->count++;
    (void)json_array_append_new(
        t->files, json_pack("{s:s, s:I, s:i}", "path", path, "size",
                            (json_int_t)size, "mode", (int)mode));
    return OK;
}

static const char *why_not(const struct take *t, const struct stat *st)
{
    if (!S_ISREG(st->st_mode))
        return "not a regular file";
    if (st->st_nlink != 1)
        return "the file has more than one name (hard link)";
    if (t->count >= t->want->files_max)
        return "more files than the limit";
    if ((uint64_t)st->st_size > t->want->bytes_max - t->bytes)
        return "over the limit of bytes";
    return NULL;
}

static enum err take_file(struct take *t, int at, const char *name,
                          const char *path)
{
    const char *reason;
    struct stat st;
    enum err err = OK;
    int fd = open_beneath(at, name, 0);

    if (fd < 0) {
        refuse(t, path, errno == ELOOP ? "a symbolic link" : strerror(errno));
        return OK;
    }
    if (fstat(fd, &st) != 0)
        reason = strerror(errno);
    else
        reason = why_not(t, &st);
    if (reason != NULL)
        refuse(t, path, reason);
    else
        err = copy_file(t, fd, path, &st);
    close(fd);
    return err;
}

struct names {
    char **list;
    size_t count, cap;
};

static void names_done(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i]);
    free(names->list);
}

static bool names_add(struct names *names, const char *name)
{
    if (names->count == names->cap) {
        size_t cap = names->cap > 0 ? names->cap * 2 : 64;
        char **list = realloc(names->list, cap * sizeof(*list));
        if (list == NULL)
            return false;
        names->list = list;
        names->cap = cap;
    }
    names->list[names->count] = strdup(name);
    if (names->list[names->count] == NULL)
        return false;
    names->count++;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;

    return strcmp(*x, *y);
}

/* All names of the directory behind fd, which it closes, in order; at most what
 * is left to look at. */
static enum err list_names(struct take *t, int fd, const char *path,
                           struct names *out)
{
    DIR *dir = fdopendir(fd);
    struct dirent *entry;

    if (dir == NULL) {
        close(fd);
        return fail_errno(t->fail, WHAT, path);
    }
    while ((entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (t->seen++ >= COLLECT_SEEN_MAX) {
            refuse(t, path, "too many files to look at");
            break;
        }
        if (!names_add(out, entry->d_name)) {
            closedir(dir);
            return fail_set(t->fail, ERR_NOMEM, WHAT, "try again",
                            "out of memory");
        }
    }
    closedir(dir);
    if (out->count > 0)
        qsort(out->list, out->count, sizeof(*out->list), by_name);
    return OK;
}

static enum err walk(struct take *t, int at, const char *name,
                     const char *prefix, unsigned depth);

static enum err visit(struct take *t, int at, const char *name,
                      const char *prefix, unsigned depth)
{
    char path[PATH_CAP + 1];
    struct stat st;

    if (!dir_text(path, sizeof(path), "%s%s%s", prefix,
                  *prefix != '\0' ? "/" : "", name)) {
        refuse(t, prefix, "a path in it is too long");
        return OK;
    }
    if (!plain_name(name)) {
        refuse(t, path, "the name is not plain UTF-8");
        return OK;
    }
    if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        refuse(t, path, strerror(errno));
        return OK;
    }
    if (S_ISDIR(st.st_mode))
        return walk(t, at, name, path, depth + 1);
    return wanted(t, path) ? take_file(t, at, name, path) : OK;
}

static enum err walk(struct take *t, int at, const char *name,
                     const char *prefix, unsigned depth)
{
    struct names names = {0};
    int fd = open_beneath(at, name, O_DIRECTORY);
    int list_fd;
    enum err err = OK;

    if (depth > COLLECT_DEPTH_MAX || fd < 0) {
        refuse(t, *prefix != '\0' ? prefix : ".",
               fd < 0 ? strerror(errno) : "directories nested too deep");
        if (fd >= 0)
            close(fd);
        return OK;
    }
    list_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (list_fd < 0)
        err = fail_errno(t->fail, WHAT, prefix);
    else
        err = list_names(t, list_fd, prefix, &names);
    for (size_t i = 0; i < names.count && err == OK; i++)
        err = visit(t, fd, names.list[i], prefix, depth);
    names_done(&names);
    close(fd);
    return err;
}

static void tell_unmatched(struct take *t)
{
    CHECK(t->matched != NULL);
    for (size_t i = 0; i < t->want->patternc; i++)
        if (!t->matched[i])
            refuse(t, t->want->patterns[i], "nothing matches");
    if (t->more > 0)
        (void)json_array_append_new(
            t->refused, json_pack("{s:s, s:s}", "path", "...", "reason",
                                  "more refusals, not listed"));
}

enum err collect_run(int root_fd, const char *name, const char *dest,
                     const struct collect *want, json_t **out_result,
                     struct fail *fail)
{
    struct take t = {.want = want, .dest_fd = -1, .fail = fail};
    struct stat st;
    enum err err = OK;

    if (dir_make(dest, 0755) != 0)
        return fail_errno(fail, WHAT, dest);
    t.dest_fd = open(dest, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (t.dest_fd < 0)
        return fail_errno(fail, WHAT, dest);
    t.files = json_array();
    t.refused = json_array();
    t.matched = calloc(want->patternc + 1, sizeof(*t.matched));
    if (t.matched == NULL)
        err = fail_set(fail, ERR_NOMEM, WHAT, "try again", "out of memory");
    else if (fstatat(root_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        err = walk(&t, root_fd, name, "", 0);
    if (err == OK) {
        tell_unmatched(&t);
        *out_result = json_pack("{s:O, s:O, s:I}", "files", t.files, "refused",
                                t.refused, "bytes", (json_int_t)t.bytes);
    }
    json_decref(t.files);
    json_decref(t.refused);
    free(t.matched);
    close(t.dest_fd);
    return err;
}
