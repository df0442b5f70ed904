#include "tests/exhaust/replay.h"

#include "base/check.h"
#include "tests/exhaust/judge.h"
#include "tests/exhaust/region.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child's exit codes: below them are those of enum replayed. */
#define OTHER 10

static struct snap *snaps[PARTIES_MAX];
static struct set saids[PARTIES_MAX];

static struct set all_around(void)
{
    struct set honest = {{0}};
    struct set around;
    for (uint32_t p = 0; p < town.bounds.n; p++)
        set_join(&honest, &saids[p]);
    letters_around(&honest, &around);
    return around;
}

static void begin(const struct bounds *bounds)
{
    memset(&broken, 0, sizeof(broken));
    memset(saids, 0, sizeof(saids));
    region_forget_bases();
    town_init(bounds);
    letters_init();
    for (uint32_t p = 0; p < bounds->n; p++) {
        if (!town_honest(p))
            continue;
        machine_new(p);
        region_set_base(p);
        snaps[p] = region_save(p);
        saids[p] = machine->said;
    }
}

static void tell_said(const struct set *before, const struct set *after)
{
    for (uint32_t i = 0; i < letter_count; i++)
        if (set_has(after, i) && !set_has(before, i))
            printf("  says %s", letters[i].name);
}

static bool do_act(uint32_t party, uint32_t number, bool loud)
{
    struct act act = act_of(number);
    struct set around = all_around();
    struct set before = saids[party];
    region_load(party, snaps[party]);
    machine_found();
    if ((act.kind == ACT_HEAR && !set_has(&around, act.letter)) ||
        !machine_may(&act))
        return false;
    machine_do(&act, &around);
    snaps[party] = region_save(party);
    saids[party] = machine->said;
    around = all_around();
    judge_world(&around);
    judge_finals(machine->finals, machine->final_count, &around);
    if (loud)
        tell_said(&before, &machine->said);
    return true;
}

static bool do_line(const char *line, bool loud)
{
    char name[64];
    unsigned party;
    if (sscanf(line, "%u %63s", &party, name) != 2)
        return true; /* empty, or a remark */
    uint32_t act = act_named(name);
    if (loud)
        printf("%u %s", party, name);
    bool could = party < town.bounds.n && town_honest(party) && act != ACTS &&
                 do_act(party, act, loud);
    if (loud)
        printf("%s\n", could ? "" : "  cannot happen");
    return could;
}

enum replayed replay_run(const struct bounds *bounds, const char *lines,
                         bool loud)
{
    const char *at = lines;
    begin(bounds);
    while (*at != '\0' && !broken.is) {
        if (!do_line(at, loud))
            return REPLAY_CANNOT;
        at = strchr(at, '\n');
        if (at == NULL)
            break;
        at++;
    }
    return broken.is ? REPLAY_BREAKS : REPLAY_HOLDS;
}

/* ---- shorter ---- */

static bool breaks_alike(const struct bounds *bounds, const char *lines)
{
    char what[sizeof(broken.what)];
    int status;
    memcpy(what, broken.what, sizeof(what));
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        enum replayed replayed = replay_run(bounds, lines, false);
        if (replayed == REPLAY_BREAKS && strcmp(what, broken.what) != 0)
            _exit(OTHER);
        _exit((int)replayed);
    }
    CHECK(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == REPLAY_BREAKS;
}

/* The text without one line. */
static char *without(const char *lines, const char *line)
{
    size_t head = (size_t)(line - lines);
    const char *rest = strchr(line, '\n');
    char *text = malloc(strlen(lines) + 1);
    CHECK(text != NULL && rest != NULL);
    memcpy(text, lines, head);
    strcpy(text + head, rest + 1);
    return text;
}

void replay_shorten(const struct bounds *bounds, char *lines)
{
    char *at = lines;
    while (*at != '\0') {
        char *less = without(lines, at);
        bool same = breaks_alike(bounds, less);
        if (same) {
            strcpy(lines, less);
            at = lines;
        } else {
            at = strchr(at, '\n') + 1;
        }
        free(less);
    }
}
