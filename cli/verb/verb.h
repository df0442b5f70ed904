#ifndef CLI_VERB_H
#define CLI_VERB_H

/* A verb is one thing `suan` can do. The tables of verbs (cli/verbs*.c) are the
 * only description there is: parsing, --help, shell completion and docs/cli.md
 * are all made from it, so they cannot disagree. */

#include <stdbool.h>
#include <stddef.h>

struct cli;

/* An option. `arg` NULL: a flag. An arg of words with '|' between them is a
 * closed list ("cheapest|nearest"): anything else is refused by the parser and
 * completion offers the words. FILE and DIR complete as paths. */
struct opt {
    const char *name;
    char letter; /* 0: none */
    const char *arg;
    const char *help; /* one line, no full stop */
    bool many;        /* may be given more than once */
};

/* One option as given. */
struct given {
    const struct opt *opt;
    const char *value; /* lent from argv; NULL for a flag */
};

#define ARGS_GIVEN_MAX 256u

/* What stood on the command line after the verb. Everything is lent from argv.
 */
struct args {
    const struct verb *verb;
    struct given given[ARGS_GIVEN_MAX];
    size_t given_count;
    char **operands;
    int operand_count;
};

struct verb {
    const char *path; /* "wallet send": the words that name it */
    int (*run)(struct cli *cli, const struct args *args);
    const struct opt *options; /* ends at a NULL name; NULL: none */
    const char *operands;      /* "TO AMOUNT", "[TASK]", "-- CMD [ARG...]" */
    int operands_min;
    int operands_max;    /* -1: any number */
    bool command;        /* option parsing stops at the first operand */
    const char *line;    /* one line of help, no full stop */
    const char *text;    /* the long help: plain paragraphs */
    const char *example; /* commands that work, one a line */
};

/* The verb after this one, NULL: the first; NULL: that was the last. Verbs of
 * one group stand together. */
const struct verb *verb_next(const struct verb *verb);
/* One line on each group, in the order of the help; ends at NULL. */
struct verb_group {
    const char *name;
    const char *line;
};
extern const struct verb_group verb_groups[];
/* The options every verb takes; ends at NULL. */
extern const struct opt global_options[];

/* The value of an option given at most once, or `otherwise`. The name must be
 * in the verb's table or a global option (CHECKed: a typing error of ours). */
const char *args_text(const struct args *args, const char *name,
                      const char *otherwise);
bool args_flag(const struct args *args, const char *name);
/* The i-th value of a repeated option; NULL past the last. */
const char *args_nth(const struct args *args, const char *name, size_t i);
/* The i-th operand; NULL past the last. */
const char *args_operand(const struct args *args, int i);

/* Finds the verb whose words start argv (argc words, options among them are not
 * looked past) and says how many words named it. The longest path wins. NULL:
 * no verb; then *out_words is how many words were a known prefix. */
const struct verb *verb_find(int argc, char **argv, int *out_words);
/* Is `word` the name of a group ("wallet", "sell offer")? */
bool verb_is_group(const char *path);

/* An option of the verb or a global one by its long name; NULL. */
const struct opt *verb_option(const struct verb *verb, const char *name);

#define PARSE_ERROR_MAX 320
/* Reads argv (argv[0] is not looked at) against the table with getopt_long:
 * long options may be shortened while unambiguous. verb NULL: global options
 * only, and stops at the first word. Adds to out->given, sets the operands.
 * Returns 0 or EXIT_USAGE with one sentence in `error`. */
int args_parse(const struct verb *verb, int argc, char **argv, struct args *out,
               char error[PARSE_ERROR_MAX]);
/* Checks the number of operands. Same result. */
int args_check(const struct args *args, char error[PARSE_ERROR_MAX]);

#endif
