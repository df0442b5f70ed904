#ifndef TESTS_UNIT_CLI_RUN_LINE_H
#define TESTS_UNIT_CLI_RUN_LINE_H

/* Runs one command line of verbs that need no node, in this process. */

#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINE_WORDS_MAX 32

/* What the last line printed, and said. */
static char *line_out;
static char *line_err;

/* The words stand between blanks. Returns the exit code. */
static int run_line(const char *line)
{
    static struct args args;
    char text[2048];
    char *words[LINE_WORDS_MAX + 1] = {NULL};
    char error[PARSE_ERROR_MAX];
    size_t out_len;
    size_t err_len;
    struct cli cli;
    int count = 0;
    int used = 0;
    int code;
    free(line_out);
    free(line_err);
    snprintf(text, sizeof(text), "%s", line);
    for (char *at = text; *at != '\0' && count < LINE_WORDS_MAX;) {
        words[count++] = at;
        at += strcspn(at, " ");
        if (*at == ' ')
            *at++ = '\0';
    }
    memset(&args, 0, sizeof(args));
    cli_init(&cli);
    cli.out = open_memstream(&line_out, &out_len);
    cli.err = open_memstream(&line_err, &err_len);
    args.verb = verb_find(count, words, &used);
    assert_non_null(args.verb);
    assert_int_equal(
        args_parse(args.verb, count - used + 1, words + used - 1, &args, error),
        0);
    assert_int_equal(cli_set(&cli, &args), 0);
    code = args.verb->run(&cli, &args);
    cli_done(&cli);
    fclose(cli.out);
    fclose(cli.err);
    return code;
}

static void assert_says(const char *text, const char *part)
{
    if (text == NULL || strstr(text, part) == NULL)
        fail_msg("not said: \"%s\" in: %s", part, text);
}

#endif
