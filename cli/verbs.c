/* Everything suan can do. The one description of the command line: parsing,
 * help, completion and docs/cli.md are made from it. */

#include "cli/verbs.h"

const struct opt global_options[] = {
    {"json", 0, NULL, "print one JSON object, or a line each for streams",
     false},
    {"output", 'o', "wide|name|json", "the form of the answer", false},
    {"no-headers", 0, NULL, "tables without their first line", false},
    {"quiet", 'q', NULL, "say nothing but data and errors", false},
    {"yes", 'y', NULL, "answer every question with yes", false},
    {"timeout", 0, "TIME", "give up after this long, such as 30s", false},
    {"node", 0, "SOCKET",
     "the node to ask: its control socket, or a name of the devnet", false},
    {"data-dir", 0, "DIR", "the node to ask, by its data directory", false},
    {"wallet", 0, "DIR", "the directory of the keys", false},
    {"color", 0, "auto|always|never", "colour in messages", false},
    {"password-file", 0, "FILE", "a private file with the passphrase", false},
    {"password-fd", 0, "N", "a descriptor to read the passphrase from", false},
    {"help", 'h', NULL, "explain the command", false},
    {"version", 0, NULL, "print the version", false},
    {0},
};

/* What a task needs: the same for an order, a quote and a look at offers. */
#define OPT_CPUS                                                               \
    {                                                                          \
        "cpus", 0, "N", "cores of one task, such as 0.5", false                \
    }
#define OPT_MEM                                                                \
    {                                                                          \
        "mem", 0, "SIZE", "memory of one task, such as 512M", false            \
    }
#define OPT_DISK                                                               \
    {                                                                          \
        "disk", 0, "SIZE", "disk of one task, such as 2G", false               \
    }
#define OPT_TIME                                                               \
    {                                                                          \
        "time", 0, "TIME", "longest run of one task: 10m, 2h", false           \
    }
#define OPT_TASKS                                                              \
    {                                                                          \
        "tasks", 0, "N", "how many tasks; %t is a task's number", false        \
    }
#define OPT_ARCH                                                               \
    {                                                                          \
        "arch", 0, "any|x86_64|aarch64|riscv64", "processor that is needed",   \
            false                                                              \
    }
#define OPT_POLICY                                                             \
    {                                                                          \
        "policy", 0, "cheapest|nearest|fastest", "which offer comes first",    \
            false                                                              \
    }
#define OPT_PRICE                                                              \
    {                                                                          \
        "max-price", 0, "AMOUNT",                                              \
            "most the whole job's work may cost; approves a bill within it",   \
            false                                                              \
    }
#define OPT_CONSTRAINT                                                         \
    {                                                                          \
        "constraint", 0, "LABEL",                                              \
            "what a provider's labels must say: zone=eu, zone!=us, gpu, "      \
            "!spot",                                                           \
            true                                                               \
    }
#define OPT_SELLER                                                             \
    {                                                                          \
        "seller", 0, "ADDRESS", "only this provider", false                    \
    }
#define OPT_KEY                                                                \
    {                                                                          \
        "key", 0, "NAME", "the key that pays, if there are several", false     \
    }
#define OPT_QUEUE                                                              \
    {                                                                          \
        "queue", 0, "TIME", "wait this long for an offer that fits", false     \
    }
#define OPT_TASK                                                               \
    {                                                                          \
        "task", 0, "N", "one task of a bag, from 0", false                     \
    }

static const struct opt run_options[] = {
    {"image", 0, "IMAGE", "the image's name or id (default: default)", false},
    OPT_CPUS,
    OPT_MEM,
    OPT_DISK,
    OPT_TIME,
    OPT_PRICE,
    {"in", 0, "HOST[:DEST]",
     "a file or directory, at /job/in/DEST; \":.\" puts what is in a "
     "directory at the top",
     true},
    {"out", 0, "GLOB", "what to keep of /job/out (default: all)", true},
    {"fetch", 0, "DIR",
     "where outputs go; with --out ./suan-out-ID unless given", false},
    {"env", 0, "NAME=VALUE", "a variable of the job", true},
    OPT_TASKS,
    {"attempts", 0, "N", "tries of a task that a provider lost, 1 to 3", false},
    OPT_POLICY,
    OPT_CONSTRAINT,
    OPT_SELLER,
    OPT_ARCH,
    OPT_QUEUE,
    {"expires", 0, "TIME", "do not start what waits longer (24h)", false},
    {"pids", 0, "N", "most processes of a task (256)", false},
    {"logs", 0, "SIZE", "most output kept of a task (16M)", false},
    {"name", 0, "TEXT", "a name to find the job by", false},
    OPT_KEY,
    {"detach", 'd', NULL, "print the id once approved, do not follow", false},
    {0},
};

static const struct opt submit_options[] = {
    {"follow", 'f', NULL, "stay until the job has ended, as run does", false},
    {"fetch", 0, "DIR", "with --follow: where outputs go", false},
    OPT_PRICE,
    OPT_TASKS,
    OPT_SELLER,
    OPT_POLICY,
    {"name", 0, "TEXT", "a name to find the job by", false},
    OPT_QUEUE,
    OPT_KEY,
    {0},
};

static const struct opt quote_options[] = {
    {"image", 0, "IMAGE", "the image's name or id (default: default)", false},
    OPT_CPUS,
    OPT_MEM,
    OPT_DISK,
    OPT_TIME,
    OPT_TASKS,
    OPT_PRICE,
    OPT_POLICY,
    OPT_CONSTRAINT,
    OPT_SELLER,
    OPT_ARCH,
    OPT_QUEUE,
    OPT_KEY,
    {0},
};

static const struct opt offers_options[] = {
    OPT_CPUS, OPT_MEM, OPT_DISK, OPT_ARCH, OPT_CONSTRAINT, OPT_POLICY, {0},
};

static const struct opt ps_options[] = {
    {"all", 'a', NULL, "ended jobs too", false},
    {"state", 0, "STATE", "only this state, such as RUNNING", false},
    {0},
};

static const struct opt logs_options[] = {
    {"follow", 'f', NULL, "go on as more is written", false},
    OPT_TASK,
    {"stdout", 0, NULL, "only standard output", false},
    {"stderr", 0, NULL, "only standard error", false},
    {0},
};

static const struct opt show_options[] = {
    {"tasks", 0, NULL, "every task, also of a large bag", false},
    {0},
};

static const struct opt events_options[] = {
    {"follow", 'f', NULL, "go on as more happens", false},
    {0},
};

static const struct opt task_options[] = {OPT_TASK, {0}};

static const struct opt fetch_options[] = {
    {"to", 0, "DIR", "where the files go (default: ./suan-out-ID)", false},
    OPT_TASK,
    {0},
};

static const struct opt watch_options[] = {
    {"once", 0, NULL, "print what has happened and end", false},
    {0},
};

static const struct opt sell_stop_options[] = {
    {"now", 0, NULL, "do not let running jobs end first", false},
    {0},
};

static const struct opt offer_options[] = {
    {"name", 0, "TEXT", "a name for people", false},
    {"cpus", 0, "N", "cores to sell", false},
    {"mem", 0, "SIZE", "memory to sell", false},
    {"disk", 0, "SIZE", "disk to sell", false},
    {"slots", 0, "N", "jobs at the same time, at most", false},
    {"time-max", 0, "TIME", "longest job", false},
    {"cpu-hour", 0, "AMOUNT", "price of a core for an hour", false},
    {"mem-hour", 0, "AMOUNT", "price of a GiB of memory for an hour", false},
    {"disk-hour", 0, "AMOUNT", "price of a GiB of disk for an hour", false},
    {"label", 0, "KEY=VALUE", "a fact about this machine", true},
    {"payout", 0, "ADDRESS", "the account that is paid", false},
    {0},
};

static const struct opt bench_options[] = {
    {"last", 0, NULL, "show the last measurement, do not measure", false},
    {0},
};

static const struct opt import_options[] = {
    {"name", 0, "NAME", "what to call it (default: the file's name)", false},
    {0},
};

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
    {"before", 0, "HEIGHT", "only blocks before this one", false},
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

static const struct opt node_start_options[] = {
    {"foreground", 0, NULL, "become the node instead of starting one", false},
    {0},
};

static const struct opt node_peers_options[] = {
    {"connect", 0, "HOST:PORT[@NODE]", "dial this peer", false},
    {0},
};

static const struct opt node_logs_options[] = {
    {"follow", 'f', NULL, "go on as more is written", false},
    {"lines", 'n', "N", "how many lines to begin with (default: 200)", false},
    {0},
};

static const struct opt prove_options[] = {
    {"out", 0, "FILE", "where to write it; - is standard output", false},
    {"from", 0, "BLOCK", "start from this block's hash, not from the genesis",
     false},
    {0},
};

static const struct opt check_options[] = {
    {"genesis", 0, "GENESIS", "the genesis you trust: its hash, or its file",
     false},
    {"trust", 0, "BLOCK", "the hash of a block you trust", false},
    {0},
};

static const struct opt validator_options[] = {
    {"validator", 0, "ADDRESS", "another validator than the node's own", false},
    {"key", 0, "NAME", "the owner's key, if there are several", false},
    {0},
};

static const struct opt devnet_up_options[] = {
    {"providers", 0, "N", "how many providers (default: 3)", false},
    {"validators", 0, "N", "how many validators (default: 4)", false},
    {"nodes", 0, "N", "the same", false},
    {"image", 0, "FILE", "an OCI archive to import as the image \"default\"",
     false},
    {"base-port", 0, "PORT", "first port on 127.0.0.1 (default: 27100)", false},
    {"param", 0, "NAME=N", "a parameter of the genesis, epoch_blocks=20", true},
    {"fresh", 0, NULL, "throw away the devnet that is there", false},
    {0},
};

static const struct opt devnet_down_options[] = {
    {"wipe", 0, NULL, "remove its chain, keys and files too", false},
    {0},
};

const struct verb_group verb_groups[] = {
    {"job", "Jobs: how they stand, their logs, outputs and bills"},
    {"market", "Who sells computing power, and at what price"},
    {"sell", "Selling this machine's computing power"},
    {"image", "Images that jobs run in"},
    {"wallet", "Keys and money"},
    {"node", "The node on this machine"},
    {"chain", "The ledger: what was agreed and what was paid"},
    {"validator", "Who signs blocks, and the money that vouches for it"},
    {"devnet", "A whole network on this machine, for trying things out"},
    {"config", "The node's configuration"},
    {0},
};

/* The jobs' verbs that stand at the top too. */
#define LOGS(PATH)                                                             \
    {                                                                          \
        PATH, verb_job_logs, logs_options, "JOB", 1, 1, false,                 \
            "print what a job has written",                                    \
            "Prints a job's output: its stdout to stdout, its stderr to "      \
            "stderr. With "                                                    \
            "several\ntasks each line begins with its task's number. Logs "    \
            "stay after "                                                      \
            "the job has\nended.",                                             \
            "suan " PATH " -f 7f3a21c0"                                        \
    }
#define WAIT(PATH)                                                             \
    {                                                                          \
        PATH, verb_job_wait, NULL, "JOB", 1, 1, false,                         \
            "wait until a job has ended",                                      \
            "Waits until the job has ended and exits with its code, as suan "  \
            "run "                                                             \
            "does. --timeout\ngives up with code 6; the job goes on.",         \
            "suan " PATH " 7f3a21c0 && echo fine"                              \
    }
#define CANCEL(PATH)                                                           \
    {                                                                          \
        PATH, verb_job_cancel, task_options, "JOB", 1, 1, false,               \
            "end a job before its time",                                       \
            "Ends the job, or one of its tasks. Time that has run is paid; "   \
            "the rest "                                                        \
            "comes back.",                                                     \
            "suan " PATH " 7f3a21c0"                                           \
    }
#define FETCH(PATH)                                                            \
    {                                                                          \
        PATH, verb_job_fetch, fetch_options, "JOB", 1, 1, false,               \
            "write a job's outputs to a directory",                            \
            "Writes the outputs to a directory, each file verified against "   \
            "the hash "                                                        \
            "on the chain.\nWith several tasks each has a directory of its "   \
            "own.",                                                            \
            "suan " PATH " 7f3a21c0 --to results"                              \
    }

const struct verb verbs[] = {
    {"run", verb_run, run_options, "[--] CMD [ARG...]", 1, -1, true,
     "run a command on the market",
     "Asks the market for the command, shows the bill, and runs it once the "
     "bill is\napproved: by you, by --yes, or by a --max-price that it keeps "
     "to. Then prints what\nthe job writes, fetches its outputs, shows what "
     "was "
     "paid, and exits with the job's\ncode.\n\n"
     "A job finds its inputs in /job/in and writes outputs to /job/out. In "
     "arguments and\nvariables %t is the task's number from 0, %n the count of "
     "tasks.\n\n"
     "Ctrl-C once detaches and says how to come back; twice cancels.",
     "suan run -- sh -c 'echo hi'\n"
     "suan run --cpus 2 --mem 1G --max-price 0.05 --in scene.pov \\\n"
     "    --out '*.png' -- povray /job/in/scene.pov +O/job/out/scene.png"},
    {"submit", verb_submit, submit_options, "FILE", 1, 1, false,
     "submit a job file",
     "Reads a job from a YAML or JSON file, or from - (standard input), shows "
     "the bill and,\nonce it is approved, prints the job's id. --follow stays "
     "until the end. Options\noverride the file. The file's fields are in "
     "docs/buyer.md.",
     "suan submit tiles.yaml --max-price 0.10\n"
     "echo '{\"command\": [\"date\"]}' | suan submit - --yes --follow"},
    {"ps", verb_ps, ps_options, NULL, 0, 0, false, "list jobs",
     "Lists the jobs that have not ended, each with its state and the reason "
     "for it.\n-a lists ended ones too.",
     "suan ps -a"},
    LOGS("logs"),
    WAIT("wait"),
    CANCEL("cancel"),
    FETCH("fetch"),
    {"doctor", verb_doctor, NULL, NULL, 0, 0, false,
     "check this machine and its nodes",
     "Looks at programs, kernel, disk, clock, limits, key files and the nodes "
     "that run\nhere, and says of each problem why it matters and what mends "
     "it. Exits with 1 when\nsomething has failed.",
     "suan doctor"},
    {"version", verb_version, NULL, NULL, 0, 0, false, "print the version",
     "Prints the version of this program.", "suan version"},
    {"completion", verb_completion, NULL, "bash|zsh|fish", 1, 1, false,
     "print a completion script for a shell",
     "Prints a script that completes commands, options and ids.",
     "source <(suan completion bash)\n"
     "suan completion fish > ~/.config/fish/completions/suan.fish"},
    {"help", verb_help, NULL, "[TOPIC...]", 0, -1, false,
     "explain a command or a topic",
     "Explains a command, a group of commands, or a topic: options, "
     "exit-codes. The topic\nmarkdown is the whole reference.",
     "suan help wallet send"},

    {"job show", verb_job_show, show_options, "JOB", 1, 1, false,
     "show how a job stands",
     "Shows a job, its tasks and what has happened to it. JOB is its id, the "
     "beginning of\nits id, or its name. Of a bag of more than 24 tasks it "
     "shows how many are in\nwhich state, and those that failed.",
     "suan job show 7f3a21c0"},
    LOGS("job logs"),
    {"job events", verb_job_events, events_options, "JOB", 1, 1, false,
     "list what has happened to a job",
     "Lists the events of a job, oldest first.", "suan job events 7f3a21c0"},
    WAIT("job wait"),
    CANCEL("job cancel"),
    FETCH("job fetch"),
    {"job forget", verb_job_forget, NULL, "JOB...", 1, -1, false,
     "forget ended jobs and their results",
     "Removes ended jobs from this node: their records, logs and results. What "
     "was fetched stays where it is, what was paid stays on the chain. With "
     "buy.keep_s in suan.conf the node does so by itself.",
     "suan job forget 7f3a21c0"},
    {"job explain", verb_job_explain, NULL, "JOB", 1, 1, false,
     "say why a job has no offer",
     "Gives one reason for every offer that does not fit, and what change "
     "would make more\nof them fit.",
     "suan job explain 7f3a21c0"},
    {"job receipt", verb_job_receipt, task_options, "JOB", 1, 1, false,
     "show what a job has cost",
     "Shows the receipts that both sides have signed, what was paid and what "
     "came back.\n-o wide names the transactions.",
     "suan job receipt 7f3a21c0 -o wide"},

    {"market offers", verb_market_offers, offers_options, NULL, 0, 0, false,
     "list what providers sell",
     "Lists the offers this node knows, in the policy's order. With needs "
     "given "
     "it says of\neach whether it fits and, with -o wide, what an hour would "
     "cost or why it does not.",
     "suan market offers --cpus 2 --mem 1G --policy fastest"},
    {"market quote", verb_market_quote, quote_options, "[[--] CMD [ARG...]]", 0,
     -1, true, "get a bill without buying",
     "Asks providers for binding quotes, shows the bill and lets them go "
     "again. "
     "Nothing is\nlocked or paid.",
     "suan market quote --cpus 1 --mem 512M --time 1h"},
    {"market watch", verb_market_watch, watch_options, NULL, 0, 0, false,
     "print offers and trades as they come",
     "Prints a line for each offer that changes and each contract that is "
     "made.",
     "suan market watch --json"},

    {"sell start", verb_sell_start, NULL, NULL, 0, 0, false,
     "advertise the offer",
     "Advertises this node's offer. Refused, with the reason, where jobs "
     "cannot "
     "be isolated.",
     "suan sell start --node provider-1"},
    {"sell stop", verb_sell_stop, sell_stop_options, NULL, 0, 0, false,
     "take no more jobs",
     "Takes the offer back. Running jobs go on to their end unless --now is "
     "given.",
     "suan sell stop --node provider-1"},
    {"sell status", verb_sell_status, NULL, NULL, 0, 0, false,
     "show capacity, contracts and earnings",
     "Shows what is free, held and running, and what was earned.",
     "suan sell status --node provider-1"},
    {"sell offer set", verb_sell_offer_set, offer_options, NULL, 0, 0, false,
     "change what is sold and its price",
     "Changes the offer; what is not named stays. Running contracts keep their "
     "price.",
     "suan sell offer set --cpu-hour 0.04 --label zone=eu"},
    {"sell offer show", verb_sell_offer_show, NULL, NULL, 0, 0, false,
     "show what is sold and its price", "Shows this node's offer.",
     "suan sell offer show --node provider-1"},
    {"sell bench", verb_sell_bench, bench_options, NULL, 0, 0, false,
     "measure this machine",
     "Measures processor, memory and disk: the grade that buyers of the "
     "\"fastest\" policy\ncompare.",
     "suan sell bench --node provider-1"},

    {"image import", verb_image_import, import_options, "FILE", 1, 1, false,
     "bring an OCI archive to the node",
     "Brings an image to the node, which hands it to providers by its "
     "content's "
     "hash. FILE\nis an OCI archive, as skopeo and podman write them.",
     "suan image import alpine.tar --name alpine"},
    {"image ls", verb_image_ls, NULL, NULL, 0, 0, false, "list images",
     "Lists the images this node has. At a provider also those its executor "
     "has unpacked for jobs, with their size and when a job last began in "
     "them; those that were not imported here go by the start of their id.",
     "suan image ls --node provider-1"},
    {"image inspect", verb_image_inspect, NULL, "IMAGE", 1, 1, false,
     "show what an image holds",
     "Shows an image's digest, layers and configuration.",
     "suan image inspect default"},
    {"image rm", verb_image_rm, NULL, "IMAGE...", 1, -1, false, "remove images",
     "Removes images from this node. At a provider also unpacked ones, by name "
     "or id; one that a job runs in stays.",
     "suan image rm alpine"},

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

    {"node start", verb_node_start, node_start_options, NULL, 0, 0, false,
     "start the node",
     "Starts suand for a data directory, in the background, and waits until it "
     "answers.",
     "suan node start --data-dir ~/.local/share/suan/testnet"},
    {"node stop", verb_node_stop, NULL, NULL, 0, 0, false, "stop the node",
     "Ends the node in order; kills it when it has not ended after five "
     "seconds.",
     "suan node stop --node provider-1"},
    {"node status", verb_node_status, NULL, NULL, 0, 0, false,
     "show how the node stands",
     "Shows the node's height, peers, jobs, executor and disk, with warnings.",
     "suan node status"},
    {"node peers", verb_node_peers, node_peers_options, NULL, 0, 0, false,
     "list connections",
     "Lists the peers the node is connected with, or dials one more.",
     "suan node peers"},
    {"node logs", verb_node_logs, node_logs_options, NULL, 0, 0, false,
     "print the node's log", "Prints the last lines of the node's log.",
     "suan node logs -f"},

    {"chain status", verb_chain_status, NULL, NULL, 0, 0, false,
     "show the ledger's tip", "Shows height, roots, supply and validators.",
     "suan chain status"},
    {"chain block", verb_chain_block, NULL, "[HEIGHT|HASH|latest]", 0, 1, false,
     "show a block", "Shows a block and its transactions.",
     "suan chain block 12"},
    {"chain tx", verb_chain_tx, NULL, "ID", 1, 1, false, "show a transaction",
     "Shows a transaction and what it did.",
     "suan chain tx "
     "9b1d0f0e5c6a7b8899aabbccddeeff00112233445566778899aabbccddeeff00"},
    {"chain account", verb_chain_account, NULL, "ADDRESS", 1, 1, false,
     "show an account",
     "Shows an account's balance and what its contracts hold.",
     "suan chain account tsuan1..."},
    {"chain verify", verb_chain_verify, NULL, NULL, 0, 0, false,
     "check the whole ledger",
     "Executes every block from the genesis on and compares every root and "
     "signature.",
     "suan chain verify"},
    {"chain prove", verb_chain_prove, prove_options, "KEY", 1, 1, false,
     "write a proof for somebody who has no node",
     "Writes a file that proves an account's balance, a validator's bond, a "
     "contract\nor a transaction to anybody who knows the hash of the genesis, "
     "or trusts one\nblock. KEY is an address or account:ADDRESS, "
     "validator:ADDRESS, contract:ID, or\na transaction's ID or tx:ID. What "
     "does "
     "not exist is proven not to. The file's name\ngoes to stdout. --from "
     "keeps "
     "the file small on an old chain: it starts from that\nblock, of an "
     "earlier "
     "epoch, and is checked with --trust.",
     "suan chain prove tsuan1...\n"
     "suan chain prove contract:9b1d0f0e...f00d --out paid.proof"},
    {"chain check", verb_chain_check, check_options, "FILE", 1, 1, false,
     "check a proof, without a node",
     "Checks a file that suan chain prove wrote, and says what it proves: "
     "what, "
     "in\nwhich block, and which share of the validators' weight has signed. "
     "It "
     "needs no\nnode and no network, only the hash you trust: of the genesis "
     "(chain in suan chain\nstatus --json), or of the block that the file "
     "starts "
     "from. A file that does not\nhold ends with code 8.",
     "suan chain check paid.proof --genesis 9b1d0f0e...f00d"},

    {"validator list", verb_validator_list, NULL, NULL, 0, 0, false,
     "list validators",
     "Lists everyone who has bonded money, the largest first. active: signs in "
     "this\nepoch. joining: signs in the next. waiting: others have bonded "
     "more, "
     "or the\nnotice of an epoch is not over. leaving: signs to the end of "
     "this "
     "epoch or the\nnext. jailed: removed for evidence, for good.",
     "suan validator list"},
    {"validator show", verb_validator_show, NULL, "[ADDRESS]", 0, 1, false,
     "show a validator",
     "Shows a validator's bond and weight, and what is being unbonded; without "
     "an\naddress the node's own.",
     "suan validator show"},
    {"validator bond", verb_validator_bond, validator_options, "AMOUNT", 1, 1,
     false, "bond money for a validator",
     "Moves money from a key of the wallet into a validator's bond; what is "
     "bonded is\nits weight, and evidence of double voting costs a part of it. "
     "The first to bond\nbecomes the owner: do that at the validator's own "
     "node, "
     "which proves that it\nagrees. It signs from the epoch after the next.",
     "suan validator bond 500.00\n"
     "suan validator bond 500.00 --node validator --key cold"},
    {"validator unbond", verb_validator_unbond, validator_options, "AMOUNT|all",
     1, 1, false, "take money out of a bond",
     "Begins to take money out of a bond. It stays liable for some epochs, "
     "then "
     "it can\nbe withdrawn. At most a third of all weight can leave in one "
     "epoch; "
     "a rest below\nthe minimum cannot stay.",
     "suan validator unbond 200.00"},
    {"validator withdraw", verb_validator_withdraw, validator_options, NULL, 0,
     0, false, "get released money back",
     "Pays what was unbonded and is released to the owner's account.",
     "suan validator withdraw"},
    {"validator recall", verb_validator_recall, NULL, NULL, 0, 0, false,
     "vouch for votes that were forgotten",
     "A validator whose safety log was lost signs nothing until the others "
     "have\ndecided enough. Where they cannot (one to three equal validators, "
     "or "
     "too many\nforgot at once), this is the operator's word that its key has "
     "signed nothing\nabove the block where the node stands. If the word is "
     "wrong, two of its votes\nmay be evidence, and its bond is cut.",
     "suan validator recall --node validator-1"},

    {"devnet up", verb_devnet_up, devnet_up_options, NULL, 0, 0, false,
     "start a network on this machine",
     "Starts validators, providers and a buyer's node on 127.0.0.1, all real, "
     "under\n$SUAN_HOME/devnet, with a funded wallet. Other commands find it "
     "by "
     "themselves. The\nwallet's passphrase lies beside it in wallet.pass and "
     "is "
     "used without asking.",
     "suan devnet up --image default.tar"},
    {"devnet status", verb_devnet_status, NULL, NULL, 0, 0, false,
     "show the devnet's nodes",
     "Shows each node's state, height and peers. Exits with 7 when one does "
     "not "
     "run.",
     "suan devnet status"},
    {"devnet down", verb_devnet_down, devnet_down_options, NULL, 0, 0, false,
     "stop the devnet",
     "Stops every node of the devnet. Its data stay for the next up unless "
     "--wipe is given.",
     "suan devnet down --wipe"},

    {"config list", verb_config_list, NULL, NULL, 0, 0, false,
     "show every setting",
     "Shows the node's effective settings and where each came from. -o wide "
     "explains them.",
     "suan config list -o wide"},
    {"config path", verb_config_path, NULL, NULL, 0, 0, false,
     "print where the configuration is",
     "Prints the path of the node's suan.conf.", "suan config path"},
    {0},
};
