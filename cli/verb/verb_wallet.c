/* suan wallet new|restore|list|show|passwd|backup: keys in files. */

#include "base/check.h"
#include "cli/unlock.h"
#include "cli/verb/verbs.h"
#include "cli/unit.h"
#include "cli/view/view.h"
#include "wallet/derive.h"
#include "wallet/entropy.h"
#include "wallet/private_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define WORDS_ASKED 3u

static const char *prefix_of(const struct args *args)
{
    return strcmp(args_text(args, "network", "test"), "main") == 0
               ? ADDRESS_PREFIX_MAIN
               : ADDRESS_PREFIX_TEST;
}

/* The entry as the result the views show. Given. */
static json_t *entry_json(const struct keystore_entry *entry)
{
    char cost[64];
    if (entry->err != OK)
        return json_pack("{s:s, s:s, s:s}", "label", entry->file, "file",
                         entry->file, "problem", err_text(entry->err));
    snprintf(cost, sizeof(cost), "%llu passes over %llu MiB",
             (unsigned long long)entry->cost.opslimit,
             (unsigned long long)(entry->cost.memlimit >> 20));
    return json_pack("{s:s, s:s, s:I, s:b, s:s, s:s, s:s}", "label",
                     entry->label, "address", entry->address, "created_at_ms",
                     (json_int_t)entry->created_ms, "has_backup",
                     (int)entry->has_backup, "file", entry->file, "cost", cost,
                     "problem", "");
}

int verb_wallet_list(struct cli *cli, const struct args *args)
{
    struct wallet_place place;
    struct keystore store;
    struct keystore_entry *entries = NULL;
    size_t count = 0;
    json_t *keys;
    json_t *result;
    enum err err;
    int failed = unlock_store(cli, false, &place, &store);
    (void)args;
    if (failed)
        return failed;
    err = keystore_list(&store, &entries, &count);
    keystore_close(&store);
    if (err != OK)
        return cli_fail_err(cli, err, "--wallet DIR", "the wallet %s",
                            place.dir);
    keys = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(keys, entry_json(&entries[i]));
    free(entries);
    result = json_pack("{s:s, s:o}", "dir", place.dir, "keys", keys);
    failed = view_print(cli, &view_keys, result);
    json_decref(result);
    return failed;
}

/* Shows one key's open facts. */
static int show_entry(struct cli *cli, const struct keystore *store,
                      const char *name)
{
    struct keystore_entry entry;
    json_t *result;
    int failed = unlock_find(cli, store, name, &entry);
    if (failed)
        return failed;
    result = entry_json(&entry);
    failed = view_print(cli, &view_key, result);
    json_decref(result);
    return failed;
}

int verb_wallet_show(struct cli *cli, const struct args *args)
{
    struct wallet_place place;
    struct keystore store;
    int failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    failed = show_entry(cli, &store, args_operand(args, 0));
    keystore_close(&store);
    return failed;
}

/* ---- backup words ---- */

static void print_words(FILE *file, struct bytes words)
{
    unsigned number = 0;
    size_t at = 0;
    while (at < words.len) {
        size_t end = at;
        while (end < words.len && words.ptr[end] != ' ')
            end++;
        number++;
        fprintf(file, "%4u. %-8.*s%s", number, (int)(end - at),
                (const char *)words.ptr + at, number % 6 == 0 ? "\n" : "");
        at = end + 1;
    }
}

/* Does `typed` equal the number-th word (from 1)? */
static bool word_is(struct bytes words, unsigned number, struct bytes typed)
{
    size_t at = 0;
    while (number > 1 && at < words.len) {
        if (words.ptr[at++] == ' ')
            number--;
    }
    return at + typed.len <= words.len && typed.len > 0 &&
           strncasecmp((const char *)words.ptr + at, (const char *)typed.ptr,
                       typed.len) == 0 &&
           (at + typed.len == words.len || words.ptr[at + typed.len] == ' ');
}

/* Asks for one word until it is right or the user gives up. */
static int ask_word(struct cli *cli, struct bytes words, unsigned number)
{
    for (;;) {
        struct secret typed;
        char prompt[32];
        bool right;
        int failed;
        snprintf(prompt, sizeof(prompt), "Word %u", number);
        failed =
            unlock_prompt(cli, prompt, true, 64, "--no-backup-check", &typed);
        if (failed)
            return failed;
        right = word_is(words, number, secret_bytes(&typed));
        secret_done(&typed);
        if (right)
            return 0;
        cli_warn(cli, "that is not word %u; look at your note", number);
    }
}

static int check_words(struct cli *cli, struct bytes words)
{
    unsigned before = 0;
    for (unsigned i = 0; i < WORDS_ASKED; i++) {
        uint8_t dice = 0;
        unsigned number;
        int failed;
        if (entropy_fill(NULL, &dice, 1) != OK)
            return cli_fail_err(cli, ERR_RANDOM, NULL, "the check of words");
        /* one from each third, so that no two are the same */
        number = before + 1 + dice % (MNEMONIC_WORDS / WORDS_ASKED);
        before += MNEMONIC_WORDS / WORDS_ASKED;
        failed = ask_word(cli, words, number);
        if (failed)
            return failed;
    }
    return 0;
}

/* Writes the words to a new private file. */
static int save_words(struct cli *cli, struct bytes words, const char *path)
{
    int fd =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    bool ok;
    if (fd < 0)
        return cli_fail(cli, EXIT_FAILED, strerror(errno),
                        "a name that is not taken", "the words' file %s", path);
    ok = write(fd, words.ptr, words.len) == (ssize_t)words.len &&
         write(fd, "\n", 1) == 1 && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    if (!ok)
        return cli_fail(cli, EXIT_FAILED, "it could not be written",
                        "a disk with room", "the words' file %s", path);
    cli_note(cli, "The 24 words are in %s. Carry them off this machine.", path);
    return 0;
}

/* Hands the words to their owner; *out_checked when they were shown to have
 * arrived. */
static int give_words(struct cli *cli, const struct args *args, struct key *key,
                      bool *out_checked)
{
    const char *file = args_text(args, "words-file", NULL);
    struct secret words;
    enum err err;
    int failed = 0;
    if (secret_init(&words, MNEMONIC_TEXT_MAX) != OK)
        return cli_nomem(cli);
    err = key_words(key, &words);
    if (err != OK) {
        secret_done(&words);
        return cli_fail_err(cli, err, "a copy of the key's file",
                            "this key has no backup words");
    }
    if (file != NULL) {
        failed = save_words(cli, secret_bytes(&words), file);
        *out_checked = !failed;
    } else if (!args_flag(args, "no-backup-check")) {
        if (!cli->tty_in || !cli->tty_err) {
            failed = cli_fail(cli, EXIT_LOCKED,
                              "there is no terminal to show them on",
                              "--words-file FILE or --no-backup-check",
                              "the backup words must be noted");
        } else {
            fputs("\nThese 24 words are the only backup of this key. Whoever "
                  "has them has its\nmoney. Write them on paper, in order:\n\n",
                  cli->err);
            print_words(cli->err, secret_bytes(&words));
            fputs("\nTo be sure, type three of them.\n", cli->err);
            failed = check_words(cli, secret_bytes(&words));
            *out_checked = !failed;
        }
    }
    secret_done(&words);
    return failed;
}

/* ---- new and restored keys ---- */

static const struct keystore_cost *cost_of(const struct args *args)
{
    return args_flag(args, "fast") ? &keystore_cost_fast
                                   : &keystore_cost_moderate;
}

static int check_label(struct cli *cli, const char *label)
{
    if (keystore_label_check(label) == OK)
        return 0;
    return cli_usage(cli, "--name main",
                     "\"%.40s\" cannot name a key: use 1 to 32 of a-z A-Z 0-9 "
                     ". _ -",
                     label);
}

/* Seals the key. */
static int keep_key(struct cli *cli, const struct args *args,
                    struct keystore *store, struct key *key, bool has_backup,
                    struct bytes passphrase)
{
    const char *label = args_text(args, "name", "main");
    enum err err =
        keystore_create(store, key, prefix_of(args), label, cli->now_ms(),
                        has_backup, passphrase, cost_of(args));
    if (err == ERR_EXISTS)
        return cli_fail(
            cli, EXIT_USAGE, NULL, "another --name, or suan wallet list",
            "the wallet has this key, or one named %s, already", label);
    return err == OK
               ? 0
               : cli_fail_err(cli, err, "--wallet DIR", "the key %s", label);
}

/* The name is looked at before anybody writes down words in vain. */
static int name_is_free(struct cli *cli, struct keystore *store,
                        const char *label)
{
    struct keystore_entry entry;
    if (keystore_find(store, label, &entry) == ERR_NO_KEY)
        return 0;
    return cli_usage(cli, "another --name, or suan wallet list",
                     "the wallet has a key named %s already", label);
}

static int open_for_new(struct cli *cli, const struct args *args,
                        struct wallet_place *place, struct keystore *store)
{
    const char *label = args_text(args, "name", "main");
    int failed = check_label(cli, label);
    if (!failed)
        failed = unlock_store(cli, true, place, store);
    if (!failed) {
        failed = name_is_free(cli, store, label);
        if (failed)
            keystore_close(store);
    }
    return failed;
}

/* Sealed first: words noted for a key that is then lost help nobody. */
static int make_key(struct cli *cli, const struct args *args,
                    struct keystore *store, struct key *key,
                    struct bytes passphrase)
{
    const char *label = args_text(args, "name", "main");
    bool checked = false;
    enum err err;
    int failed = keep_key(cli, args, store, key, false, passphrase);
    if (failed)
        return failed;
    failed = give_words(cli, args, key, &checked);
    if (!failed && checked) {
        err = keystore_mark_backup(store, label, passphrase);
        failed = err == OK ? 0 : unlock_fail(cli, err, label);
    }
    if (!checked)
        cli_note(cli, "The key %s has no backup yet. Try: suan wallet backup",
                 label);
    return failed ? failed : show_entry(cli, store, label);
}

/* Refused before a key is made that could not be backed up here. */
static int words_have_a_way(struct cli *cli, const struct args *args)
{
    if (args_text(args, "words-file", NULL) != NULL ||
        args_flag(args, "no-backup-check") || (cli->tty_in && cli->tty_err))
        return 0;
    return cli_fail(cli, EXIT_LOCKED, "there is no terminal to show them on",
                    "--words-file FILE or --no-backup-check",
                    "the backup words must be noted");
}

int verb_wallet_new(struct cli *cli, const struct args *args)
{
    struct wallet_place place;
    struct keystore store;
    struct secret passphrase = {0};
    struct key *key = NULL;
    enum err err;
    int failed = words_have_a_way(cli, args);
    if (!failed)
        failed = open_for_new(cli, args, &place, &store);
    if (failed)
        return failed;
    failed = unlock_passphrase_new(cli, args, "password", &place, &passphrase);
    if (!failed) {
        err = key_new_random(&purpose_account, NULL, &key);
        failed = err == OK ? 0 : cli_fail_err(cli, err, NULL, "a new key");
    }
    if (!failed)
        failed = make_key(cli, args, &store, key, secret_bytes(&passphrase));
    secret_done(&passphrase);
    key_free(key);
    keystore_close(&store);
    return failed;
}

static int refuse_words(struct cli *cli, enum err err,
                        const struct mnemonic_issue *issue)
{
    switch (issue->fault) {
    case MNEMONIC_COUNT:
        return cli_fail(cli, EXIT_LOCKED, NULL, "all 24 words, in order",
                        "there are %u words, not %u", issue->word_count,
                        MNEMONIC_WORDS);
    case MNEMONIC_UNKNOWN:
        return cli_fail(cli, EXIT_LOCKED, NULL,
                        issue->suggestion[0] != '\0'
                            ? issue->suggestion
                            : "looking at the note again",
                        "word %u is not in the list of words", issue->position);
    case MNEMONIC_CHECKSUM:
        return cli_fail(
            cli, EXIT_LOCKED, "one of them is wrong, or two are swapped",
            "looking at the note again", "the 24 words do not fit together");
    case MNEMONIC_FINE:
        break;
    }
    return cli_fail_err(cli, err, NULL, "the backup words");
}

/* From the file, or typed. */
static int read_words(struct cli *cli, const struct args *args,
                      struct secret *out)
{
    const char *file = args_text(args, "words-file", NULL);
    enum err err;
    if (file == NULL)
        return unlock_prompt(cli, "The 24 words", true, MNEMONIC_INPUT_MAX,
                             "--words-file FILE", out);
    err = private_file_read(AT_FDCWD, file, PRIVATE_FILE_OWN,
                            MNEMONIC_INPUT_MAX, out);
    if (err == ERR_MODE)
        return cli_fail_err(cli, err, "chmod 600 on it", "the words' file %s",
                            file);
    return err == OK ? 0
                     : cli_fail_err(cli, err, "--words-file FILE",
                                    "the words' file %s", file);
}

static int key_of_words(struct cli *cli, const struct args *args,
                        struct bytes extra, struct key **out)
{
    struct mnemonic_issue issue = {0};
    struct secret words;
    uint64_t account = 0;
    const char *number = args_text(args, "account", NULL);
    enum err err;
    int failed;
    if (number != NULL &&
        unit_parse_count(number, 0, DERIVE_ACCOUNT_MAX, &account) != OK)
        return cli_usage(cli, "--account 0",
                         "--account \"%.20s\" is not a number of an account",
                         number);
    failed = read_words(cli, args, &words);
    if (failed)
        return failed;
    err = key_from_mnemonic(&purpose_account, secret_bytes(&words), extra,
                            (uint32_t)account, out, &issue);
    secret_done(&words);
    return err == OK ? 0 : refuse_words(cli, err, &issue);
}

/* The words' own passphrase, which most words do not have. */
static int read_extra(struct cli *cli, const struct args *args,
                      struct secret *out)
{
    const char *file = args_text(args, "words-passphrase-file", NULL);
    enum err err;
    if (file == NULL)
        return 0;
    err = passphrase_from_file(file, out);
    return err == OK ? 0
                     : cli_fail_err(cli, err, "chmod 600 on it",
                                    "the words' passphrase in %s", file);
}

int verb_wallet_restore(struct cli *cli, const struct args *args)
{
    struct wallet_place place;
    struct keystore store;
    struct secret extra = {0};
    struct secret passphrase = {0};
    struct key *key = NULL;
    int failed = open_for_new(cli, args, &place, &store);
    if (failed)
        return failed;
    failed = read_extra(cli, args, &extra);
    if (!failed)
        failed = key_of_words(cli, args, secret_bytes(&extra), &key);
    if (!failed)
        failed =
            unlock_passphrase_new(cli, args, "password", &place, &passphrase);
    if (!failed)
        failed =
            keep_key(cli, args, &store, key, true, secret_bytes(&passphrase));
    if (!failed)
        failed = show_entry(cli, &store, args_text(args, "name", "main"));
    secret_done(&extra);
    secret_done(&passphrase);
    key_free(key);
    keystore_close(&store);
    return failed;
}

/* ---- changes ---- */

static int old_passphrase(struct cli *cli, const struct keystore *store,
                          const struct wallet_place *place, const char *name,
                          struct keystore_entry *entry, struct secret *out)
{
    char prompt[96];
    int failed = unlock_find(cli, store, name, entry);
    if (failed)
        return failed;
    snprintf(prompt, sizeof(prompt), "The passphrase of %s", entry->label);
    return unlock_passphrase(cli, place, prompt, out);
}

int verb_wallet_passwd(struct cli *cli, const struct args *args)
{
    struct wallet_place place;
    struct keystore store;
    struct keystore_entry entry;
    struct secret before = {0};
    struct secret after = {0};
    enum err err;
    int failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    failed = old_passphrase(cli, &store, &place, args_operand(args, 0), &entry,
                            &before);
    if (!failed)
        failed =
            unlock_passphrase_new(cli, args, "new-password", &place, &after);
    if (!failed) {
        err = keystore_passwd(&store, entry.address, secret_bytes(&before),
                              secret_bytes(&after), cost_of(args));
        if (err == OK && args_flag(args, "forget-old"))
            err = keystore_forget_old(&store, entry.address);
        if (err != OK)
            failed = unlock_fail(cli, err, entry.label);
        else
            cli_note(cli, "%s has a new passphrase.%s", entry.label,
                     args_flag(args, "forget-old")
                         ? ""
                         : " The file's old version stays beside it, under "
                           "the old one; --forget-old removes it.");
    }
    secret_done(&before);
    secret_done(&after);
    keystore_close(&store);
    return failed;
}

int verb_wallet_backup(struct cli *cli, const struct args *args)
{
    struct wallet_place place;
    struct keystore store;
    struct keystore_entry entry;
    struct secret passphrase = {0};
    struct key *key = NULL;
    bool checked = false;
    enum err err;
    int failed = unlock_store(cli, false, &place, &store);
    if (failed)
        return failed;
    failed = old_passphrase(cli, &store, &place, args_operand(args, 0), &entry,
                            &passphrase);
    if (!failed) {
        err = keystore_unlock(&store, entry.address, secret_bytes(&passphrase),
                              &purpose_account, &key);
        failed = err == OK ? 0 : unlock_fail(cli, err, entry.label);
    }
    if (!failed)
        failed = give_words(cli, args, key, &checked);
    if (!failed && checked) {
        err = keystore_mark_backup(&store, entry.address,
                                   secret_bytes(&passphrase));
        failed = err == OK ? 0 : unlock_fail(cli, err, entry.label);
    }
    key_free(key);
    secret_done(&passphrase);
    keystore_close(&store);
    return failed;
}
