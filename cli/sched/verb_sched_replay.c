/* suan sched replay: a recorded workload under a policy. */

#include <string.h>

#include "cli/sched/sched_replay.h"
#include "cli/verb/verbs.h"

static const struct format {
    const char *name;
    int (*run)(struct cli *cli, const struct args *args);
} formats[] = {
    {"openb", sched_replay_openb},
    {"swf", sched_replay_swf},
    {"market", sched_replay_market},
};
#define FORMATS (sizeof(formats) / sizeof(formats[0]))

/* What is for some formats only. */
static const struct choice {
    const char *option;
    const char *formats;
} choices[] = {
    {"nodes", "openb"},    {"pods", "openb"},        {"log", "swf market"},
    {"load", "openb swf"}, {"seed", "openb market"}, {"seeds", "openb"},
    {"procs", "swf"},      {"limit", "swf"},         {"estimate", "swf"},
};
#define CHOICES (sizeof(choices) / sizeof(choices[0]))

/* An option that another format would have heeded is not passed over. */
static int check_choices(struct cli *cli, const struct args *args,
                         const char *format)
{
    for (size_t i = 0; i < CHOICES; i++) {
        if (args_text(args, choices[i].option, NULL) != NULL &&
            strstr(choices[i].formats, format) == NULL)
            return cli_usage(cli, "suan sched replay --help",
                             "--%s does not go with --format %s",
                             choices[i].option, format);
    }
    return 0;
}

int verb_sched_replay(struct cli *cli, const struct args *args)
{
    const char *name = args_text(args, "format", NULL);
    if (name == NULL)
        return cli_usage(cli, "--format openb, swf or market",
                         "--format says what the files are");
    for (size_t i = 0; i < FORMATS; i++) {
        int failed;
        if (strcmp(name, formats[i].name) != 0)
            continue;
        failed = check_choices(cli, args, name);
        return failed ? failed : formats[i].run(cli, args);
    }
    return cli_usage(cli, "--format openb, swf or market",
                     "there is no format %.40s", name);
}
