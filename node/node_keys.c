#include "node/node_keys.h"

#include "node/node.h"
#include "wallet/purpose.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static enum err fail(struct rpc_error *out, enum err err, const char *next,
                     const char *what, const char *why)
{
    rpc_error_set(out, err, next, "%s: %s", what, why);
    return err;
}

/* Opens a key, making it when there is none yet. */
static enum err open_key(const char *dir, const char *name,
                         const struct purpose *purpose, struct key **out)
{
    enum err err = keyfile_open(dir, name, purpose, out);
    if (err == ERR_NOT_FOUND)
        err = keyfile_create(dir, name, purpose, NULL, out);
    return err;
}

/* Is there a segment of a safety log? */
static bool has_log(const char *votes)
{
    DIR *dir = opendir(votes);
    struct dirent *entry;
    bool found = false;
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL)
        found = strncmp(entry->d_name, "wal-", 4) == 0;
    if (dir != NULL)
        closedir(dir);
    return found;
}

/* A validator's key that is new has signed nothing: its safety log, made with
 * it, says so. Where a log is and no key, a key was lost: another one in its
 * place would be nobody's validator, and leave the bond without a voice. */
static enum err open_vote_key(struct node *node, const char *dir)
{
    struct wal_owner owner = {.chain = node->genesis.chain};
    char votes[1300];
    enum err err = keyfile_open(dir, KEYFILE_NAME_VALIDATOR, &purpose_validator,
                                &node->vote_key);
    if (err != ERR_NOT_FOUND)
        return err;
    datadir_path(&node->dir, "votes", votes, sizeof(votes));
    if (has_log(votes))
        return ERR_NO_KEY;
    TRY(keyfile_create(dir, KEYFILE_NAME_VALIDATOR, &purpose_validator, NULL,
                       &node->vote_key));
    key_public(node->vote_key, &owner.key);
    err = sx_make_log(votes, &owner);
    if (err == OK)
        return OK;
    /* A key without a log is taken for one that has forgotten. This one has
     * not been used: the next start makes another. */
    char path[1400];
    snprintf(path, sizeof(path), "%s/" KEYFILE_NAME_VALIDATOR, dir);
    (void)unlink(path);
    return err;
}

enum err node_keys_open(struct node *node, struct rpc_error *out)
{
    char dir[1300];
    enum err err;
    datadir_path(&node->dir, "keys", dir, sizeof(dir));
    err = open_key(dir, KEYFILE_NAME_NODE, &purpose_node, &node->key);
    if (err == OK) {
        err = keyfile_transport_open(dir, KEYFILE_NAME_TRANSPORT,
                                     &node->transport);
        if (err == ERR_NOT_FOUND)
            err = keyfile_transport_create(dir, KEYFILE_NAME_TRANSPORT, NULL,
                                           &node->transport);
    }
    if (err == OK && (node->roles & NODE_ROLE_VALIDATOR) != 0)
        err = open_vote_key(node, dir);
    if (err == ERR_NO_KEY)
        return fail(out, err,
                    "restore it from the backup; for a new one, which needs a "
                    "bond of its own, move the votes directory away",
                    dir,
                    "the validator's key is gone, and votes/ holds what it "
                    "has signed");
    if (err == ERR_MODE)
        return fail(out, err, "chmod 700 the keys directory and 600 its files",
                    dir, err_text(err));
    if (err == ERR_FULL)
        return fail(out, err, "make room on the disk", dir, err_text(err));
    if (err != OK)
        return fail(out, err, "restore the file from a backup", dir,
                    err_text(err));
    node->signer = key_signer(node->key);
    node->self = node->signer.key;
    if (node->vote_key != NULL)
        node->vote_signer = key_signer(node->vote_key);
    return OK;
}
