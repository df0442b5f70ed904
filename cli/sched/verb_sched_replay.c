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

int verb_sched_replay(struct cli *cli, const struct args *args)
{
    const char *name = args_text(args, "format", NULL);
    if (name == NULL)
        return cli_usage(cli, "--format openb, swf or market",
                         "--format says what the files are");
    for (size_t i = 0; i < FORMATS; i++) {
        if (strcmp(name, formats[i].name) == 0)
            return formats[i].run(cli, args);
    }
    return cli_usage(cli, "--format openb, swf or market",
                     "there is no format %.40s", name);
}
