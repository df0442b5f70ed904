#ifndef CLI_LOCATE_H
#define CLI_LOCATE_H

/* Where things are on this machine: the node to speak with, the wallet to sign
 * with, the programs beside this one. */

#include "cli/cli.h"

/* $SUAN_HOME, else ~/.local/share/suan. 0 or an exit code (no home known). */
int locate_home(struct cli *cli, char out[PATH_MAX]);
/* <home>/devnet. */
int locate_devnet(struct cli *cli, char out[PATH_MAX]);

/* The control socket, first match wins: --node (a path, or the name of a node
 * of the devnet: "provider-1"), $SUAN_NODE (the same), --data-dir or
 * $SUAN_DATA_DIR + /run/control.sock, the devnet's buyer if there is a devnet.
 * Exit 7 when none of these is there to be tried. */
int locate_socket(struct cli *cli, char out[PATH_MAX]);
/* The data directory behind it, by the same order. */
int locate_data_dir(struct cli *cli, char out[PATH_MAX]);

/* Where keys are: --wallet, $SUAN_WALLET, else <devnet>/wallet when that exists
 * and neither --node nor --data-dir points elsewhere, else <home>/wallet. */
struct wallet_place {
    char dir[PATH_MAX];
    /* DIR.pass where DIR lies in a devnet's directory, however it was named
     * (it need not be there); "" otherwise. */
    char passphrase_file[PATH_MAX];
};
int locate_wallet(struct cli *cli, struct wallet_place *out);

/* A program of ours: beside this executable, else in PATH. Exit 1 names it. */
int locate_program(struct cli *cli, const char *name, char out[PATH_MAX]);
/* Without a word: is it there? */
bool locate_program_try(const char *name, char out[PATH_MAX]);

/* "dir/name" into out. False when it does not fit. */
bool path_join(char out[PATH_MAX], const char *dir, const char *name);
/* An absolute form of a path that need not exist. */
bool path_absolute(char out[PATH_MAX], const char *path);
/* mkdir -p, new directories with `mode`. ERR_PERM, ERR_FULL, ERR_IO, ... */
MUST_USE enum err path_make(const char *path, unsigned mode);
/* The err that fits errno. */
enum err path_errno(int number);

#endif
