#include "cli/locate.h"

#include "base/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_join(char out[PATH_MAX], const char *dir, const char *name)
{
    int len = snprintf(out, PATH_MAX, "%s/%s", dir, name);
    return len > 0 && len < PATH_MAX;
}

bool path_absolute(char out[PATH_MAX], const char *path)
{
    char here[PATH_MAX];
    if (path[0] == '/')
        return snprintf(out, PATH_MAX, "%s", path) < PATH_MAX;
    return getcwd(here, sizeof(here)) != NULL && path_join(out, here, path);
}

enum err path_errno(int number)
{
    switch (number) {
    case 0:
        return OK;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERM;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case EEXIST:
        return ERR_EXISTS;
    case ENOMEM:
        return ERR_NOMEM;
    case ENAMETOOLONG:
        return ERR_TOO_LARGE;
    default:
        return ERR_IO;
    }
}

enum err path_make(const char *path, unsigned mode)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return ERR_TOO_LARGE;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] != '/' && path[i] != '\0')
            continue;
        memcpy(part, path, i);
        part[i] = '\0';
        if (mkdir(part, (mode_t)mode) != 0 && errno != EEXIST)
            return path_errno(errno);
    }
    return OK;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static const char *env(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : NULL;
}

static int too_long(struct cli *cli, const char *what)
{
    return cli_fail(cli, EXIT_FAILED, "the path is too long",
                    "a directory with a shorter path", "%s", what);
}

int locate_home(struct cli *cli, char out[PATH_MAX])
{
    const char *own = env("SUAN_HOME");
    const char *home = env("HOME");
    if (own != NULL)
        return path_absolute(out, own) ? 0 : too_long(cli, "$SUAN_HOME");
    if (home == NULL)
        return cli_fail(cli, EXIT_USAGE, "neither SUAN_HOME nor HOME is set",
                        "SUAN_HOME=DIR suan ...", "no home directory");
    return path_join(out, home, ".local/share/suan") ? 0
                                                     : too_long(cli, "$HOME");
}

int locate_devnet(struct cli *cli, char out[PATH_MAX])
{
    char home[PATH_MAX];
    int failed = locate_home(cli, home);
    if (failed)
        return failed;
    return path_join(out, home, "devnet") ? 0 : too_long(cli, home);
}

/* What the user pointed at, by flag or environment; NULL: nothing. */
static const char *chosen_node(const struct cli *cli)
{
    if (cli->node != NULL)
        return cli->node;
    return cli->data_dir == NULL ? env("SUAN_NODE") : NULL;
}

static const char *chosen_data_dir(const struct cli *cli)
{
    return cli->data_dir != NULL ? cli->data_dir : env("SUAN_DATA_DIR");
}

/* A bare name is a node of the devnet. */
static int named_node(struct cli *cli, const char *name, char out[PATH_MAX])
{
    char devnet[PATH_MAX];
    int failed = locate_devnet(cli, devnet);
    if (failed)
        return failed;
    if (!path_join(out, devnet, name))
        return too_long(cli, devnet);
    if (!is_dir(out))
        return cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan devnet status",
                        "the devnet has no node \"%s\"", name);
    return 0;
}

static int no_node(struct cli *cli)
{
    return cli_fail(cli, EXIT_UNREACHABLE,
                    "there is no devnet here, and no other node was named",
                    "suan devnet up, or --data-dir DIR", "no node to ask");
}

int locate_data_dir(struct cli *cli, char out[PATH_MAX])
{
    const char *node = chosen_node(cli);
    const char *dir = chosen_data_dir(cli);
    char devnet[PATH_MAX];
    int failed;
    if (node != NULL && strchr(node, '/') == NULL)
        return named_node(cli, node, out);
    if (node != NULL) {
        const char *tail = "/run/control.sock";
        size_t len = strlen(node);
        size_t tail_len = strlen(tail);
        if (len <= tail_len || strcmp(node + len - tail_len, tail) != 0)
            return cli_fail(cli, EXIT_USAGE, NULL, "--data-dir DIR",
                            "the data directory of %s is not known", node);
        snprintf(out, PATH_MAX, "%.*s", (int)(len - tail_len), node);
        return 0;
    }
    if (dir != NULL)
        return path_absolute(out, dir) ? 0 : too_long(cli, dir);
    failed = locate_devnet(cli, devnet);
    if (failed)
        return failed;
    if (!path_join(out, devnet, "buyer"))
        return too_long(cli, devnet);
    return is_dir(out) ? 0 : no_node(cli);
}

int locate_socket(struct cli *cli, char out[PATH_MAX])
{
    const char *node = chosen_node(cli);
    char dir[PATH_MAX];
    int failed;
    if (node != NULL && strchr(node, '/') != NULL)
        return path_absolute(out, node) ? 0 : too_long(cli, node);
    failed = locate_data_dir(cli, dir);
    if (failed)
        return failed;
    return path_join(out, dir, "run/control.sock") ? 0 : too_long(cli, dir);
}

/* The passphrase of a devnet's wallet lies beside it. */
static bool find_passphrase(struct wallet_place *place)
{
    char record[PATH_MAX];
    size_t len = strlen(place->dir);
    int got;
    if (!path_join(record, place->dir, "../devnet.json") ||
        access(record, F_OK) != 0)
        return true;
    while (len > 1 && place->dir[len - 1] == '/')
        len--;
    got = snprintf(place->passphrase_file, PATH_MAX, "%.*s.pass", (int)len,
                   place->dir);
    return got > 0 && got < PATH_MAX;
}

int locate_wallet(struct cli *cli, struct wallet_place *out)
{
    const char *given = cli->wallet != NULL ? cli->wallet : env("SUAN_WALLET");
    const char *node = chosen_node(cli);
    char base[PATH_MAX];
    int failed;
    memset(out, 0, sizeof(*out));
    if (given != NULL)
        return path_absolute(out->dir, given) && find_passphrase(out)
                   ? 0
                   : too_long(cli, given);
    failed = locate_devnet(cli, base);
    if (failed)
        return failed;
    if (!path_join(out->dir, base, "wallet") ||
        !path_join(out->passphrase_file, base, "wallet.pass"))
        return too_long(cli, base);
    if (is_dir(out->dir) && chosen_data_dir(cli) == NULL &&
        (node == NULL || strchr(node, '/') == NULL))
        return 0;
    out->passphrase_file[0] = '\0';
    failed = locate_home(cli, base);
    if (failed)
        return failed;
    return path_join(out->dir, base, "wallet") ? 0 : too_long(cli, base);
}

static bool beside_us(const char *name, char out[PATH_MAX])
{
    char self[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
    char *slash;
    if (len <= 0)
        return false;
    self[len] = '\0';
    slash = strrchr(self, '/');
    if (slash == NULL)
        return false;
    *slash = '\0';
    return path_join(out, self, name) && access(out, X_OK) == 0;
}

bool locate_program_try(const char *name, char out[PATH_MAX])
{
    const char *path = env("PATH");
    CHECK(strchr(name, '/') == NULL);
    if (beside_us(name, out))
        return true;
    while (path != NULL && *path != '\0') {
        size_t len = strcspn(path, ":");
        int got = snprintf(out, PATH_MAX, "%.*s/%s", (int)len, path, name);
        if (len > 0 && got > 0 && got < PATH_MAX && access(out, X_OK) == 0)
            return true;
        path += len;
        path += *path == ':';
    }
    return false;
}

int locate_program(struct cli *cli, const char *name, char out[PATH_MAX])
{
    if (locate_program_try(name, out))
        return 0;
    return cli_fail(cli, EXIT_FAILED, "it is neither beside suan nor in PATH",
                    "suan doctor, or install the whole package",
                    "the program %s is missing", name);
}
