#include "cli/verb/verb.h"

#include "base/check.h"
#include "cli/nearest.h"
#include "node/rpc/rpc_msg.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define OPTIONS_MAX 96
/* getopt_long values: the index in `all`, above every letter. */
#define VALUE_BASE 1000

const struct opt *verb_option(const struct verb *verb, const char *name)
{
    if (verb != NULL && verb->options != NULL) {
        for (const struct opt *opt = verb->options; opt->name != NULL; opt++) {
            if (strcmp(opt->name, name) == 0)
                return opt;
        }
    }
    for (const struct opt *opt = global_options; opt->name != NULL; opt++) {
        if (strcmp(opt->name, name) == 0)
            return opt;
    }
    return NULL;
}

const char *args_nth(const struct args *args, const char *name, size_t i)
{
    CHECK(verb_option(args->verb, name) != NULL);
    for (size_t g = 0; g < args->given_count; g++) {
        const struct given *given = &args->given[g];
        if (strcmp(given->opt->name, name) == 0 && i-- == 0)
            return given->value == NULL ? "" : given->value;
    }
    return NULL;
}

const char *args_text(const struct args *args, const char *name,
                      const char *otherwise)
{
    const char *value = args_nth(args, name, 0);
    return value == NULL ? otherwise : value;
}

bool args_flag(const struct args *args, const char *name)
{
    return args_nth(args, name, 0) != NULL;
}

const char *args_operand(const struct args *args, int i)
{
    CHECK(i >= 0);
    return i < args->operand_count ? args->operands[i] : NULL;
}

/* How many words of `path` argv starts with; the whole path or nothing when
 * `whole`. */
static int words_match(const char *path, int argc, char **argv)
{
    int words = 0;
    while (*path != '\0') {
        size_t len = strcspn(path, " ");
        if (words >= argc || strlen(argv[words]) != len ||
            strncmp(argv[words], path, len) != 0)
            return -words;
        words++;
        path += len;
        path += strspn(path, " ");
    }
    return words;
}

const struct verb *verb_find(int argc, char **argv, int *out_words)
{
    const struct verb *best = NULL;
    int best_words = 0;
    int prefix = 0;
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        int words = words_match(verb->path, argc, argv);
        if (words > best_words) {
            best = verb;
            best_words = words;
        }
        if (-words > prefix)
            prefix = -words;
    }
    *out_words = best != NULL ? best_words : prefix;
    return best;
}

bool verb_is_group(const char *path)
{
    size_t len = strlen(path);
    for (const struct verb *verb = verb_next(NULL); verb != NULL;
         verb = verb_next(verb)) {
        if (strncmp(verb->path, path, len) == 0 && verb->path[len] == ' ')
            return true;
    }
    return false;
}

/* Both tables in getopt's form. */
struct getopt_table {
    const struct opt *all[OPTIONS_MAX];
    struct option longs[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 3];
    size_t count;
};

static void table_add(struct getopt_table *table, const struct opt *options)
{
    size_t len = strlen(table->letters);
    for (; options != NULL && options->name != NULL; options++) {
        CHECK(table->count < OPTIONS_MAX);
        table->all[table->count] = options;
        table->longs[table->count] = (struct option){
            .name = options->name,
            .has_arg = options->arg != NULL ? required_argument : no_argument,
            .val = VALUE_BASE + (int)table->count,
        };
        table->count++;
        if (options->letter != 0) {
            table->letters[len++] = options->letter;
            if (options->arg != NULL)
                table->letters[len++] = ':';
        }
    }
    table->letters[len] = '\0';
}

static const struct opt *table_get(const struct getopt_table *table, int value)
{
    if (value >= VALUE_BASE)
        return table->all[value - VALUE_BASE];
    for (size_t i = 0; i < table->count; i++) {
        if (table->all[i]->letter == value)
            return table->all[i];
    }
    return NULL;
}

/* Is `value` one of the words of "a|b|c"? */
static bool in_words(const char *words, const char *value)
{
    size_t len = strlen(value);
    while (*words != '\0') {
        size_t word = strcspn(words, "|");
        if (word == len && strncmp(words, value, len) == 0)
            return true;
        words += word;
        words += strspn(words, "|");
    }
    return false;
}

static int refuse_unknown(const struct getopt_table *table, const char *word,
                          char error[PARSE_ERROR_MAX])
{
    struct nearest nearest;
    char name[64];
    snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + 2, "="), word + 2);
    nearest_init(&nearest, name);
    for (size_t i = 0; i < table->count; i++)
        nearest_try(&nearest, table->all[i]->name);
    if (nearest.best != NULL)
        snprintf(error, PARSE_ERROR_MAX,
                 "there is no option --%s; did you mean --%s?", name,
                 nearest.best);
    else
        snprintf(error, PARSE_ERROR_MAX, "there is no option --%s", name);
    return EXIT_USAGE;
}

/* getopt's '?': unknown, ambiguous, or a flag with a value. */
static int refuse_option(const struct getopt_table *table, const char *word,
                         char error[PARSE_ERROR_MAX])
{
    const struct opt *opt;
    if (optopt == 0 && strncmp(word, "--", 2) == 0)
        return refuse_unknown(table, word, error);
    opt = optopt == 0 ? NULL : table_get(table, optopt);
    if (opt != NULL)
        snprintf(error, PARSE_ERROR_MAX, "--%s takes no value", opt->name);
    else if (optopt > 0 && optopt < 128)
        snprintf(error, PARSE_ERROR_MAX, "there is no option -%c", optopt);
    else
        snprintf(error, PARSE_ERROR_MAX, "there is no option %.60s", word);
    return EXIT_USAGE;
}

static int take(struct args *args, const struct opt *opt, const char *value,
                char error[PARSE_ERROR_MAX])
{
    CHECK(opt != NULL && args != NULL);
    if (opt->arg != NULL && strchr(opt->arg, '|') != NULL &&
        !in_words(opt->arg, value)) {
        snprintf(error, PARSE_ERROR_MAX, "--%s takes one of %s, not \"%.60s\"",
                 opt->name, opt->arg, value);
        return EXIT_USAGE;
    }
    if (args->given_count == ARGS_GIVEN_MAX) {
        snprintf(error, PARSE_ERROR_MAX, "more than %u options",
                 ARGS_GIVEN_MAX);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < args->given_count && !opt->many; i++) {
        if (args->given[i].opt == opt && opt->arg != NULL) {
            snprintf(error, PARSE_ERROR_MAX, "--%s is given twice", opt->name);
            return EXIT_USAGE;
        }
    }
    args->given[args->given_count++] = (struct given){opt, value};
    return 0;
}

int args_parse(const struct verb *verb, int argc, char **argv, struct args *out,
               char error[PARSE_ERROR_MAX])
{
    struct getopt_table table = {.letters = ""};
    bool stop_early = verb == NULL || verb->command;
    CHECK(argc >= 1);
    /* '+': stop at the first operand; ':': a missing value is told apart. */
    snprintf(table.letters, sizeof(table.letters), "%s",
             stop_early ? "+:" : ":");
    table_add(&table, global_options);
    if (verb != NULL)
        table_add(&table, verb->options);
    out->verb = verb;
    optind = 0; /* glibc: forget the last run altogether */
    opterr = 0;
    for (;;) {
        int failed;
        int value;
        optopt = 0;
        value = getopt_long(argc, argv, table.letters, table.longs, NULL);
        if (value == -1)
            break;
        if (value == ':') {
            const struct opt *opt = table_get(&table, optopt);
            CHECK(opt != NULL);
            snprintf(error, PARSE_ERROR_MAX, "--%s needs a value: %s",
                     opt->name, opt->arg);
            return EXIT_USAGE;
        }
        /* glibc has stepped past a long word it refuses. */
        if (value == '?')
            return refuse_option(&table, argv[optind > 1 ? optind - 1 : 1],
                                 error);
        failed = take(out, table_get(&table, value), optarg, error);
        if (failed)
            return failed;
    }
    out->operands = argv + optind;
    out->operand_count = argc - optind;
    return 0;
}

int args_check(const struct args *args, char error[PARSE_ERROR_MAX])
{
    const struct verb *verb = args->verb;
    if (args->operand_count < verb->operands_min)
        snprintf(error, PARSE_ERROR_MAX, "suan %s needs %s", verb->path,
                 verb->operands);
    else if (verb->operands_max >= 0 &&
             args->operand_count > verb->operands_max)
        snprintf(error, PARSE_ERROR_MAX, "\"%.60s\" is one word too many",
                 args->operands[verb->operands_max]);
    else
        return 0;
    return EXIT_USAGE;
}
