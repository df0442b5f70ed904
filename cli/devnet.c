/* Making a devnet: plan, ports, and the record of both. */

#include "cli/devnet.h"

#include "base/check.h"
#include "cli/locate.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define PORT_STEP  200u
#define PORT_TRIES 50u
/* suand refuses longer ones: its socket's path would not fit. */
#define DATA_DIR_MAX   80u
#define TREE_DEPTH_MAX 256

static bool plan_node(struct devnet *net, const char *name, const char *roles)
{
    struct devnet_node *node = &net->nodes[net->node_count++];
    memset(node, 0, sizeof(*node));
    snprintf(node->name, sizeof(node->name), "%s", name);
    node->roles = roles;
    return path_join(node->daemon.data_dir, net->dir, name) &&
           strlen(node->daemon.data_dir) <= DATA_DIR_MAX;
}

bool devnet_plan(struct devnet *net, const char *dir, uint32_t validators,
                 uint32_t providers)
{
    char name[32];
    bool ok = true;
    CHECK(validators >= 1 && validators <= DEVNET_VALIDATORS_MAX);
    CHECK(providers >= 1 && providers <= DEVNET_PROVIDERS_MAX);
    memset(net, 0, sizeof(*net));
    snprintf(net->dir, sizeof(net->dir), "%s", dir);
    net->validators = validators;
    net->providers = providers;
    for (uint32_t i = 0; i < validators; i++) {
        snprintf(name, sizeof(name), "validator-%u", i + 1);
        ok = plan_node(net, name, "validator") && ok;
    }
    for (uint32_t i = 0; i < providers; i++) {
        snprintf(name, sizeof(name), "provider-%u", i + 1);
        ok = plan_node(net, name, "provider") && ok;
    }
    return plan_node(net, "buyer", "buyer") && ok;
}

struct devnet_node *devnet_buyer(struct devnet *net)
{
    CHECK(net->node_count > 0);
    return &net->nodes[net->node_count - 1];
}

/* ---- the record ---- */

static enum err load_node(struct devnet_node *node, const json_t *item)
{
    uint64_t listen = js_uint(item, "listen");
    uint64_t bulk = js_uint(item, "bulk");
    if (strcmp(js_text(item, "name"), node->name) != 0 || listen == 0 ||
        listen > UINT16_MAX || bulk == 0 || bulk > UINT16_MAX ||
        address_parse(js_text(item, "node"), NULL, &node->key) != OK)
        return ERR_PARSE;
    node->listen = (uint16_t)listen;
    node->bulk = (uint16_t)bulk;
    snprintf(node->address, sizeof(node->address), "%s", js_text(item, "node"));
    return OK;
}

enum err devnet_load(struct devnet *net, const char *dir)
{
    char path[PATH_MAX];
    json_t *doc;
    json_t *nodes;
    uint64_t validators;
    uint64_t providers;
    enum err err = OK;
    if (!path_join(path, dir, "devnet.json"))
        return ERR_TOO_LARGE;
    if (access(path, F_OK) != 0)
        return ERR_NOT_FOUND;
    doc = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    validators = js_uint(doc, "validators");
    providers = js_uint(doc, "providers");
    nodes = json_object_get(doc, "nodes");
    if (js_uint(doc, "version") != 2 || js_text(doc, "owner")[0] == '\0' ||
        providers < 1 || providers > DEVNET_PROVIDERS_MAX || validators < 1 ||
        validators > DEVNET_VALIDATORS_MAX ||
        json_array_size(nodes) != validators + providers + 1 ||
        !devnet_plan(net, dir, (uint32_t)validators, (uint32_t)providers)) {
        json_decref(doc);
        return ERR_PARSE;
    }
    snprintf(net->buyer, sizeof(net->buyer), "%s", js_text(doc, "buyer"));
    snprintf(net->owner, sizeof(net->owner), "%s", js_text(doc, "owner"));
    for (uint32_t i = 0; i < net->node_count && err == OK; i++)
        err = load_node(&net->nodes[i], json_array_get(nodes, i));
    json_decref(doc);
    return err;
}

static json_t *record(const struct devnet *net)
{
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < net->node_count; i++) {
        const struct devnet_node *node = &net->nodes[i];
        json_array_append_new(
            nodes, json_pack("{s:s, s:s, s:i, s:i, s:s}", "name", node->name,
                             "roles", node->roles, "listen", (int)node->listen,
                             "bulk", (int)node->bulk, "node", node->address));
    }
    return json_pack("{s:i, s:i, s:i, s:s, s:s, s:o}", "version", 2,
                     "validators", (int)net->validators, "providers",
                     (int)net->providers, "buyer", net->buyer, "owner",
                     net->owner, "nodes", nodes);
}

enum err devnet_save(const struct devnet *net)
{
    char path[PATH_MAX];
    char fresh[PATH_MAX];
    json_t *doc = record(net);
    enum err err = ERR_IO;
    if (doc == NULL)
        return ERR_NOMEM;
    if (path_join(path, net->dir, "devnet.json") &&
        path_join(fresh, net->dir, "devnet.json.new") &&
        json_dump_file(doc, fresh, JSON_INDENT(1)) == 0 &&
        rename(fresh, path) == 0)
        err = OK;
    json_decref(doc);
    return err;
}

/* ---- ports ---- */

static bool port_free(uint32_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    bool ok;
    if (fd < 0)
        return false;
    /* As the node binds: a port in TIME_WAIT is free. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ok = bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 &&
         listen(fd, 1) == 0;
    close(fd);
    return ok;
}

bool devnet_ports_free(const struct devnet *net)
{
    for (uint32_t i = 0; i < net->node_count; i++) {
        if (!port_free(net->nodes[i].listen) || !port_free(net->nodes[i].bulk))
            return false;
    }
    return true;
}

bool devnet_ports(struct devnet *net, uint32_t base, uint32_t *out_base)
{
    for (uint32_t try = 0; try < PORT_TRIES; try++) {
        uint32_t first = base + try * PORT_STEP;
        if (first + 2 * net->node_count > UINT16_MAX)
            return false;
        for (uint32_t i = 0; i < net->node_count; i++) {
            net->nodes[i].listen = (uint16_t)(first + 2 * i);
            net->nodes[i].bulk = (uint16_t)(first + 2 * i + 1);
        }
        if (devnet_ports_free(net)) {
            *out_base = first;
            return true;
        }
    }
    return false;
}

uint32_t devnet_running(struct devnet *net)
{
    uint32_t running = 0;
    for (uint32_t i = 0; i < net->node_count; i++)
        running += daemon_find(&net->nodes[i].daemon);
    return running;
}

/* ---- removing ---- */

static enum err remove_below(int dir_fd, const char *name, unsigned depth)
{
    int fd =
        openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir;
    struct dirent *entry;
    enum err err = OK;
    if (fd < 0)
        return path_errno(errno);
    dir = fdopendir(fd);
    if (dir == NULL || depth > TREE_DEPTH_MAX) {
        close(fd);
        return ERR_IO;
    }
    while (err == OK && (entry = readdir(dir)) != NULL) {
        struct stat st;
        bool dots =
            strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (dots)
            continue;
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            err = path_errno(errno);
        else if (S_ISDIR(st.st_mode))
            err = remove_below(fd, entry->d_name, depth + 1);
        else if (unlinkat(fd, entry->d_name, 0) != 0)
            err = path_errno(errno);
    }
    closedir(dir);
    if (err == OK && unlinkat(dir_fd, name, AT_REMOVEDIR) != 0)
        err = path_errno(errno);
    return err;
}

enum err remove_tree(const char *path)
{
    CHECK(path[0] == '/' && path[1] != '\0');
    return remove_below(AT_FDCWD, path, 0);
}
