/* Jobs, and what stands at the top of the command tree. */

#include "cli/verb/verbs.h"
#include "cli/verb/verbs_room.h"

static const struct opt run_options[] = {
    {"image", 0, "IMAGE", "the image's name or id (default: default)", false},
    OPT_CPUS,
    OPT_MEM,
    OPT_DISK,
    OPT_GPU,
    OPT_DEVICE,
    OPT_DEVICE_MEM,
    OPT_NIC,
    OPT_TIME,
    OPT_PRICE,
    {"in", 0, "HOST[:DEST]",
     "a file or directory, at /job/in/DEST; \":.\" puts what is in a "
     "directory at the top",
     true},
    {"use", 0, "JOB[:DEST]",
     "the results of another job, at /job/in/DEST (default: its name); waits "
     "for them",
     true},
    {"out", 0, "GLOB", "what to keep of /job/out (default: all)", true},
    {"fetch", 0, "DIR",
     "where outputs go; with --out ./suan-out-ID unless given", false},
    {"env", 0, "NAME=VALUE", "a variable of the job", true},
    OPT_TASKS,
    OPT_AVAILABILITY,
    {"attempts", 0, "N", "tries of a task that a provider lost, 1 to 3", false},
    OPT_POLICY,
    OPT_CLASS,
    OPT_NEAR,
    OPT_CONSTRAINT,
    OPT_ZONE,
    OPT_TOLERATE,
    OPT_SPREAD,
    {"with", 0, "ID", "only at providers where this job of yours runs", true},
    {"apart", 0, "ID", "only at providers where this job does not run", true},
    OPT_SELLER,
    OPT_ARCH,
    OPT_QUEUE,
    {"expires", 0, "TIME", "do not start what waits longer (24h)", false},
    {"patience", 0, "TIME",
     "a full seller may queue it for so long (0: none may)", false},
    {"pids", 0, "N", "most processes of a task (256)", false},
    {"logs", 0, "SIZE", "most output kept of a task (16M)", false},
    {"name", 0, "TEXT", "a name to find the job by", false},
    OPT_KEY,
    {"detach", 'd', NULL, "print the id once approved, do not follow", false},
    {0},
};

static const struct opt submit_options[] = {
    {"follow", 'f', NULL, "stay until the job has ended, as run does", false},
    {"dry-run", 0, NULL, "show the bill, or a graph's plan, and buy nothing",
     false},
    {"explain", 0, NULL, "the same as --dry-run", false},
    {"fetch", 0, "DIR", "with --follow: where outputs go", false},
    OPT_PRICE,
    OPT_TASKS,
    OPT_SELLER,
    OPT_POLICY,
    OPT_AVAILABILITY,
    OPT_CLASS,
    OPT_NEAR,
    {"name", 0, "TEXT", "a name to find the job by", false},
    OPT_QUEUE,
    OPT_KEY,
    {0},
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

const struct verb verbs_job[] = {
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
     "docs/buyer.md.\n\n"
     "A file with components is a graph: several jobs, planned together, each "
     "where it\nfits best, results handed from one to the next; one bill, one "
     "line in the list.\nGRAPH/NAME names a component wherever a job is named. "
     "docs/graph-jobs.md has the\nfields.",
     "suan submit tiles.yaml --max-price 0.10\n"
     "suan submit words.yaml --dry-run\n"
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
     "beginning of\nits id, or its name; GRAPH/NAME is a component of a graph. "
     "Of a bag of more than\n24 tasks it shows how many are in which state, "
     "and "
     "those that failed.",
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
    {0},
};
