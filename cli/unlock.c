#include "cli/unlock.h"

#include "base/check.h"
#include "cli/unit.h"
#include "wallet/harden.h"

#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define EXIT_INTERRUPTED 130
#define CTRL_C           3
#define CTRL_D           4
#define CTRL_U           21
#define BACKSPACE        8
#define DELETE           127

/* Reads keys one by one, so that Ctrl-C leaves the terminal as it was. */
static int read_keys(struct cli *cli, bool echo, struct secret *out)
{
    for (;;) {
        uint8_t c;
        ssize_t got = read(STDIN_FILENO, &c, 1);
        if (got <= 0 || c == CTRL_C)
            return EXIT_INTERRUPTED;
        if (c == '\n' || c == '\r' || c == CTRL_D)
            return 0;
        if (c == CTRL_U) {
            secret_clear(out);
        } else if (c == BACKSPACE || c == DELETE) {
            if (out->len > 0)
                out->ptr[--out->len] = 0;
            if (echo)
                fputs("\b \b", cli->err);
        } else if (secret_add(out, bytes_make(&c, 1)) == OK && echo) {
            fputc(c, cli->err);
        }
        fflush(cli->err);
    }
}

int unlock_prompt(struct cli *cli, const char *prompt, bool echo, size_t cap,
                  const char *instead, struct secret *out)
{
    struct termios before;
    struct termios raw;
    int failed;
    if (!cli->tty_in || !cli->tty_err || tcgetattr(STDIN_FILENO, &before) != 0)
        return cli_fail(cli, EXIT_LOCKED, "there is no terminal to ask on",
                        instead, "%s is needed", prompt);
    if (secret_init(out, cap) != OK)
        return cli_nomem(cli);
    fprintf(cli->err, "%s: ", prompt);
    fflush(cli->err);
    raw = before;
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | ISIG);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
    failed = read_keys(cli, echo, out);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fputc('\n', cli->err);
    if (failed)
        secret_done(out);
    return failed;
}

/* Why a passphrase file or descriptor was refused. */
static int refuse_source(struct cli *cli, enum err err, const char *source)
{
    if (err == ERR_MODE)
        return cli_fail_err(cli, err, "chmod 600 on it",
                            "the passphrase file %s", source);
    if (err == ERR_TRUNCATED || err == ERR_RANGE)
        return cli_fail(cli, EXIT_LOCKED,
                        err == ERR_TRUNCATED ? "it is empty"
                                             : "it has more than one line",
                        "a file with the passphrase on its only line",
                        "the passphrase from %s", source);
    return cli_fail(cli, EXIT_LOCKED, err_text(err), "--password-file FILE",
                    "the passphrase cannot be read from %s", source);
}

/* One of the two flags. *out_given says whether there was one. */
static int from_flags(struct cli *cli, int fd, const char *file,
                      struct secret *out, bool *out_given)
{
    char name[32];
    enum err err;
    *out_given = fd >= 0 || file != NULL;
    if (fd >= 0) {
        snprintf(name, sizeof(name), "descriptor %d", fd);
        err = passphrase_from_fd(fd, out);
        return err == OK ? 0 : refuse_source(cli, err, name);
    }
    if (file != NULL) {
        err = passphrase_from_file(file, out);
        return err == OK ? 0 : refuse_source(cli, err, file);
    }
    return 0;
}

/* The credential or the devnet's file; *out_given as above. */
static int from_place(struct cli *cli, const struct wallet_place *place,
                      struct secret *out, bool *out_given)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    enum err err = ERR_NOT_FOUND;
    if (credentials != NULL && credentials[0] != '\0')
        err = passphrase_from_credential(credentials, "suan-wallet", out);
    if (err == ERR_NOT_FOUND && place != NULL &&
        place->passphrase_file[0] != '\0')
        err = passphrase_from_file(place->passphrase_file, out);
    *out_given = err != ERR_NOT_FOUND;
    if (err != OK && err != ERR_NOT_FOUND)
        return refuse_source(cli, err,
                             place != NULL && place->passphrase_file[0] != '\0'
                                 ? place->passphrase_file
                                 : "the credential suan-wallet");
    return 0;
}

int unlock_passphrase(struct cli *cli, const struct wallet_place *place,
                      const char *prompt, struct secret *out)
{
    bool given = false;
    int failed =
        from_flags(cli, cli->password_fd, cli->password_file, out, &given);
    if (failed || given)
        return failed;
    failed = from_place(cli, place, out, &given);
    if (failed || given)
        return failed;
    return unlock_prompt(cli, prompt, false, PASSPHRASE_LEN_MAX,
                         "--password-file FILE or --password-fd N", out);
}

static int prompt_twice(struct cli *cli, const char *instead,
                        struct secret *out)
{
    struct secret again;
    bool same;
    int failed = unlock_prompt(cli, "A new passphrase", false,
                               PASSPHRASE_LEN_MAX, instead, out);
    if (failed)
        return failed;
    failed = unlock_prompt(cli, "The same once more", false, PASSPHRASE_LEN_MAX,
                           instead, &again);
    if (failed) {
        secret_done(out);
        return failed;
    }
    same = bytes_equal(secret_bytes(out), secret_bytes(&again));
    secret_done(&again);
    if (same && out->len > 0)
        return 0;
    failed = cli_fail(cli, EXIT_LOCKED, NULL, "the command once more",
                      same ? "an empty passphrase protects nothing"
                           : "the two passphrases differ");
    secret_done(out);
    return failed;
}

int unlock_passphrase_new(struct cli *cli, const struct args *args,
                          const char *option, const struct wallet_place *place,
                          struct secret *out)
{
    char name_fd[32];
    char name_file[32];
    char instead[80];
    const char *fd;
    uint64_t number = 0;
    bool given = false;
    int failed;
    bool own = strcmp(option, "password") == 0;
    snprintf(name_fd, sizeof(name_fd), "%s-fd", option);
    snprintf(name_file, sizeof(name_file), "%s-file", option);
    snprintf(instead, sizeof(instead), "--%s FILE or --%s N", name_file,
             name_fd);
    fd = args_text(args, name_fd, NULL);
    if (fd != NULL && unit_parse_count(fd, 0, 65535, &number) != OK)
        return cli_usage(cli, NULL, "--%s \"%.20s\" is not a descriptor",
                         name_fd, fd);
    failed = from_flags(cli, fd == NULL ? -1 : (int)number,
                        args_text(args, name_file, NULL), out, &given);
    if (failed || given)
        return failed;
    failed = own ? from_place(cli, place, out, &given) : 0;
    if (failed || given)
        return failed;
    return prompt_twice(cli, instead, out);
}

int unlock_fail(struct cli *cli, enum err err, const char *name)
{
    const char *key = name == NULL ? "the key" : name;
    switch ((int)err) {
    case ERR_NO_KEY:
        if (name == NULL)
            return cli_fail(cli, EXIT_NOT_FOUND, "the wallet has no keys",
                            "suan wallet new", "no key to use");
        return cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan wallet list",
                        "the wallet has no key \"%s\"", name);
    case ERR_AMBIGUOUS:
        return cli_fail(cli, EXIT_USAGE, "the wallet has several keys",
                        "suan wallet list, then name one with --key",
                        "which key");
    case ERR_PASSPHRASE:
        return cli_fail(cli, EXIT_LOCKED, "the passphrase is wrong",
                        "the command once more, or suan wallet restore from "
                        "the backup words",
                        "%s stays locked", key);
    case ERR_MODE:
        return cli_fail(cli, EXIT_LOCKED,
                        "the directory or a file in it is open to other users",
                        "chmod -R go= on the wallet's directory",
                        "%s is not used", key);
    case ERR_CORRUPT:
    case ERR_CHECKSUM:
        return cli_fail(cli, EXIT_FAILED, "its file is damaged",
                        "FILE.old beside it, or suan wallet restore",
                        "%s cannot be opened", key);
    default:
        return cli_fail_err(cli, err, "suan wallet list", "%s", key);
    }
}

int unlock_store(struct cli *cli, bool create, struct wallet_place *place,
                 struct keystore *out)
{
    enum err err;
    int failed = locate_wallet(cli, place);
    if (failed)
        return failed;
    if (wallet_process_harden() != OK)
        cli_note(cli, "warning: this process could not be closed to others");
    if (create) {
        char parent[PATH_MAX];
        char *slash;
        snprintf(parent, sizeof(parent), "%s", place->dir);
        slash = strrchr(parent, '/');
        if (slash != NULL && slash != parent) {
            *slash = '\0';
            err = path_make(parent, 0700);
            if (err != OK)
                return cli_fail_err(cli, err, "--wallet DIR", "%s", parent);
        }
    }
    err = keystore_open(place->dir, create, out);
    if (err == ERR_NOT_FOUND)
        return cli_fail(cli, EXIT_NOT_FOUND, NULL, "suan wallet new",
                        "there is no wallet at %s", place->dir);
    if (err == ERR_MODE)
        return cli_fail(cli, EXIT_LOCKED, "other users can look into it",
                        "chmod 700 on it", "the wallet %s is not used",
                        place->dir);
    if (err != OK)
        return cli_fail_err(cli, err, "--wallet DIR", "the wallet %s",
                            place->dir);
    if (out->remote)
        cli_warn(cli,
                 "warning: the wallet %s lies on a network file system: its "
                 "keys cross the network",
                 place->dir);
    return 0;
}

int unlock_find(struct cli *cli, const struct keystore *store, const char *name,
                struct keystore_entry *out)
{
    enum err err = keystore_find(store, name, out);
    return err == OK ? 0 : unlock_fail(cli, err, name);
}

int unlock_key(struct cli *cli, const char *name, struct key **out)
{
    struct wallet_place place;
    struct keystore store = {0};
    struct keystore_entry entry;
    struct secret passphrase;
    char prompt[96];
    enum err err;
    int failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    failed = unlock_find(cli, &store, name, &entry);
    if (!failed) {
        snprintf(prompt, sizeof(prompt), "The passphrase of %s", entry.label);
        failed = unlock_passphrase(cli, &place, prompt, &passphrase);
    }
    if (!failed) {
        err = keystore_unlock(&store, entry.address, secret_bytes(&passphrase),
                              &purpose_account, out);
        secret_done(&passphrase);
        if (err != OK)
            failed = unlock_fail(cli, err, entry.label);
        else if (!key_memory_locked(*out))
            cli_note(cli, "warning: the key's memory could not be locked "
                          "(ulimit -l is small); it may reach swap");
    }
    keystore_close(&store);
    return failed;
}
