/* Keys and money. */

#include "cli/verb/verbs.h"
#include "cli/verb/verbs_room.h"

#define OPT_NETWORK                                                            \
    {                                                                          \
        "network", 0, "test|main",                                             \
            "addresses of a test network, or the main one", false              \
    }
#define OPT_FAST                                                               \
    {                                                                          \
        "fast", 0, NULL, "a cheap and weak seal: for devnets and tests", false \
    }

static const struct opt wallet_new_options[] = {
    {"name", 0, "NAME", "what to call the key (default: main)", false},
    OPT_NETWORK,
    {"words-file", 0, "FILE", "write the 24 backup words to a new private file",
     false},
    {"no-backup-check", 0, NULL, "do not show the backup words now", false},
    OPT_FAST,
    {0},
};

static const struct opt wallet_restore_options[] = {
    {"name", 0, "NAME", "what to call the key (default: main)", false},
    OPT_NETWORK,
    {"words-file", 0, "FILE", "a private file with the 24 words", false},
    {"words-passphrase-file", 0, "FILE",
     "a private file with the words' own passphrase, if they have one", false},
    {"account", 0, "N", "which key of the words (default: 0)", false},
    OPT_FAST,
    {0},
};

static const struct opt wallet_send_options[] = {
    {"memo", 0, "TEXT", "a note that goes on the chain, for all to read",
     false},
    OPT_KEY,
    {0},
};

static const struct opt wallet_history_options[] = {
    {"limit", 0, "N", "how many entries (default: 50)", false},
    {"before", 0, "HEIGHT[:INDEX]",
     "only what is before this block, or this place in it", false},
    {0},
};

static const struct opt wallet_passwd_options[] = {
    {"new-password-file", 0, "FILE", "a private file with the new passphrase",
     false},
    {"new-password-fd", 0, "N", "a descriptor with the new passphrase", false},
    {"forget-old", 0, NULL,
     "remove the file's old version, which the old passphrase opens", false},
    OPT_FAST,
    {0},
};

static const struct opt wallet_backup_options[] = {
    {"words-file", 0, "FILE", "write the words to a new private file", false},
    {"no-backup-check", 0, NULL, "do not ask for the words", false},
    {0},
};

const struct verb verbs_wallet[] = {
    {"wallet new", verb_wallet_new, wallet_new_options, NULL, 0, 0, false,
     "make a new key",
     "Makes a key, shows its 24 backup words and seals it with a passphrase. "
     "Without a\nterminal, --words-file or --no-backup-check, and "
     "--password-file or --password-fd\nare needed.",
     "suan wallet new --name main"},
    {"wallet restore", verb_wallet_restore, wallet_restore_options, NULL, 0, 0,
     false, "make a key from its backup words",
     "Makes the key of 24 backup words again.",
     "suan wallet restore --words-file words.txt"},
    {"wallet list", verb_wallet_list, NULL, NULL, 0, 0, false, "list keys",
     "Lists the keys of the wallet. No passphrase is needed.",
     "suan wallet list"},
    {"wallet show", verb_wallet_show, NULL, "[KEY]", 0, 1, false, "show a key",
     "Shows a key's address and dates. No passphrase is needed.",
     "suan wallet show main"},
    {"wallet balance", verb_wallet_balance, NULL, "[KEY|ADDRESS]", 0, 1, false,
     "show what accounts hold",
     "Shows the balance of each key of the wallet, or of one key or address, "
     "and what is\nlocked in its contracts.",
     "suan wallet balance"},
    {"wallet send", verb_wallet_send, wallet_send_options, "TO AMOUNT", 2, 2,
     false, "send money",
     "Sends money to an address, after a yes, and waits until the transfer is "
     "final. Prints\nthe transaction's id.",
     "suan wallet send tsuan1... 1.50 --memo rent"},
    {"wallet history", verb_wallet_history, wallet_history_options,
     "[KEY|ADDRESS]", 0, 1, false, "list what has moved",
     "Lists the transactions that touched an account, newest first.",
     "suan wallet history --limit 20"},
    {"wallet passwd", verb_wallet_passwd, wallet_passwd_options, "[KEY]", 0, 1,
     false, "change a key's passphrase", "Seals a key with another passphrase.",
     "suan wallet passwd main --forget-old"},
    {"wallet backup", verb_wallet_backup, wallet_backup_options, "[KEY]", 0, 1,
     false, "show a key's backup words",
     "Shows the 24 words again and notes that you have them.",
     "suan wallet backup main"},
    {0},
};
