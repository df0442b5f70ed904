#include "cli/help.h"

#include "base/check.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80

/* "-f, --follow", "    --task N". */
static void opt_head(const struct opt *opt, char *out, size_t size)
{
    char letter[8] = "    ";
    if (opt->letter != 0)
        snprintf(letter, sizeof(letter), "-%c, ", opt->letter);
    snprintf(out, size, "%s--%s%s%s", letter, opt->name,
             opt->arg != NULL ? " " : "", opt->arg != NULL ? opt->arg : "");
}

/* Adds text, broken at blanks, behind `indent` columns; the first line begins
 * at column `at`. */
static void put_wrapped(struct buf *out, const char *text, int indent, int at)
{
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (at > indent && at + 1 + (int)word > WIDTH) {
            buf_addf(out, "\n%*s", indent, "");
            at = indent;
        } else if (at > indent) {
            buf_addf(out, " ");
            at++;
        }
        buf_addf(out, "%.*s", (int)word, text);
        at += (int)word;
        text += word;
        text += strspn(text, " ");
    }
    buf_addf(out, "\n");
}

/* Paragraphs: a line end is a blank, an empty line stays. One that begins with
 * blanks is a table: its lines stay as they are. */
static void put_text(struct buf *out, const char *text)
{
    char paragraph[2048];
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        CHECK(len < sizeof(paragraph));
        memcpy(paragraph, text, len);
        paragraph[len] = '\0';
        for (char *c = paragraph; *c != '\0' && paragraph[0] != ' '; c++)
            *c = *c == '\n' ? ' ' : *c;
        if (paragraph[0] == ' ')
            buf_addf(out, "%s\n", paragraph);
        else
            put_wrapped(out, paragraph, 0, 0);
        if (end == NULL)
            return;
        buf_addf(out, "\n");
        text = end + 2;
    }
}

static void put_options(const struct opt *options, struct buf *out)
{
    const int column = 28;
    for (const struct opt *opt = options; opt != NULL && opt->name != NULL;
         opt++) {
        char head[96];
        int len;
        opt_head(opt, head, sizeof(head));
        len = (int)strlen(head) + 2;
        buf_addf(out, "  %s", head);
        if (len + 1 > column)
            buf_addf(out, "\n%*s", column, "");
        else
            buf_addf(out, "%*s", column - len, "");
        put_wrapped(out, opt->help, column, column);
    }
}

/* Each line of an example, indented. */
static void put_example(const char *example, struct buf *out)
{
    while (*example != '\0') {
        size_t len = strcspn(example, "\n");
        buf_addf(out, "  %.*s\n", (int)len, example);
        example += len;
        example += *example == '\n';
    }
}

static void put_usage(const struct verb *verb, struct buf *out)
{
    buf_addf(out, "suan %s", verb->path);
    if (verb->options != NULL)
        buf_addf(out, " [options]");
    if (verb->operands != NULL)
        buf_addf(out, " %s", verb->operands);
}

void help_globals(struct buf *out)
{
    buf_addf(out, "Options of every command:\n");
    put_options(global_options, out);
}

void help_verb(const struct verb *verb, struct buf *out)
{
    CHECK(verb != NULL);
    buf_addf(out, "Usage: ");
    put_usage(verb, out);
    buf_addf(out, "\n\n");
    put_text(out, verb->text);
    if (verb->options != NULL) {
        buf_addf(out, "\nOptions:\n");
        put_options(verb->options, out);
    }
    buf_addf(out, "\nExample:\n");
    put_example(verb->example, out);
    buf_addf(out, "\nOptions of every command: suan help options\n");
}

/* Does the verb belong to the group: "wallet send" to "wallet"? */
static bool in_group(const struct verb *verb, const char *group)
{
    size_t len = strlen(group);
    if (len == 0)
        return strchr(verb->path, ' ') == NULL;
    return strncmp(verb->path, group, len) == 0 && verb->path[len] == ' ';
}

void help_group(const char *group, struct buf *out)
{
    const char *line = NULL;
    for (const struct verb_group *g = verb_groups; g->name != NULL; g++) {
        if (strcmp(g->name, group) == 0)
            line = g->line;
    }
    buf_addf(out, "Usage: suan %s COMMAND\n\n", group);
    if (line != NULL)
        buf_addf(out, "%s.\n\n", line);
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        if (in_group(verb, group))
            buf_addf(out, "  %-18s %s\n", verb->path + strlen(group) + 1,
                     verb->line);
    }
    buf_addf(out, "\nMore on one: suan %s COMMAND --help\n", group);
}

void help_program(struct buf *out)
{
    buf_addf(out, "suan buys and sells computing power.\n\n"
                  "Usage: suan [options] COMMAND\n\n");
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        if (in_group(verb, ""))
            buf_addf(out, "  %-11s %s\n", verb->path, verb->line);
    }
    buf_addf(out, "\nGroups of commands:\n");
    for (const struct verb_group *g = verb_groups; g->name != NULL; g++)
        buf_addf(out, "  %-11s %s\n", g->name, g->line);
    buf_addf(out,
             "\nFirst steps:\n"
             "  suan devnet up                    a whole market on this "
             "machine\n"
             "  suan market offers                who sells, at what price\n"
             "  suan run -- sh -c 'echo hi'       the bill first, then the "
             "job\n"
             "\nMore: suan COMMAND --help, suan help options, "
             "suan help exit-codes\n");
}

/* ---- docs/cli.md ---- */

static void md_options(const struct opt *options, struct buf *out)
{
    buf_addf(out, "| option | meaning |\n|---|---|\n");
    for (const struct opt *opt = options; opt->name != NULL; opt++) {
        buf_addf(out, "| `");
        if (opt->letter != 0)
            buf_addf(out, "-%c`, `", opt->letter);
        buf_addf(out, "--%s", opt->name);
        if (opt->arg != NULL) {
            buf_addf(out, " ");
            /* a bar would end the cell */
            for (const char *c = opt->arg; *c != '\0'; c++)
                buf_addf(out, *c == '|' ? "\\|" : "%c", *c);
        }
        buf_addf(out, "` | %s%s |\n", opt->help,
                 opt->many ? "; may be repeated" : "");
    }
    buf_addf(out, "\n");
}

static void md_verb(const struct verb *verb, struct buf *out)
{
    buf_addf(out, "### suan %s\n\n`", verb->path);
    put_usage(verb, out);
    buf_addf(out, "`\n\n%s\n\n", verb->text);
    if (verb->options != NULL)
        md_options(verb->options, out);
    buf_addf(out, "```\n%s\n```\n\n", verb->example);
}

void help_markdown(struct buf *out)
{
    buf_addf(out,
             "# The command line\n\n"
             "Made from the tables of commands in `cli/verbs*.c` by `suan help "
             "markdown`; a test compares them.\nA tour is in `buyer.md`; this "
             "is every command with every option.\n\n"
             "## Options of every command\n\n");
    md_options(global_options, out);
    buf_addf(out, "## Commands\n\n");
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        if (in_group(verb, ""))
            md_verb(verb, out);
    }
    for (const struct verb_group *g = verb_groups; g->name != NULL; g++) {
        buf_addf(out, "## suan %s\n\n%s.\n\n", g->name, g->line);
        for (const struct verb *verb = verb_next(NULL); verb != NULL;
             verb = verb_next(verb)) {
            if (in_group(verb, g->name))
                md_verb(verb, out);
        }
    }
    buf_addf(out,
             "## Exit codes\n\n"
             "| code | meaning |\n|---|---|\n"
             "| 0 | done |\n| 1 | failure |\n| 2 | wrong use |\n"
             "| 3 | not found |\n| 4 | locked, no key, or no terminal to ask "
             "on |\n"
             "| 5 | insufficient funds |\n| 6 | no offer, or a deadline passed "
             "|\n"
             "| 7 | node or network unreachable |\n| 8 | rejected by policy "
             "|\n\n"
             "`suan run` and `suan wait` pass the job's own code (0 to 123); "
             "124 time limit,\n125 the market failed the job (refunded), 126 "
             "and 127 the program cannot run or is\nmissing, 128+N ended by "
             "signal N (137 is the memory limit), 130 detached by Ctrl-C.\n"
             "The exact code is always in `--json`.\n");
}
