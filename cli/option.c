#include "cli/option.h"

#include "cli/unit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define POSITIVE_LEAST 1e-6
#define POSITIVE_MOST  1e6

int option_count(struct cli *cli, const struct args *args, const char *option,
                 uint64_t min, uint64_t max, uint64_t *out)
{
    const char *text = args_text(args, option, NULL);
    if (text == NULL || unit_parse_count(text, min, max, out) == OK)
        return 0;
    return cli_usage(cli, "a whole number",
                     "--%s: \"%.40s\" is not a number from %" PRIu64
                     " to %" PRIu64,
                     option, text, min, max);
}

int option_positive(struct cli *cli, const struct args *args,
                    const char *option, double *out)
{
    const char *text = args_text(args, option, NULL);
    char *end;
    double value;
    if (text == NULL)
        return 0;
    errno = 0;
    value = strtod(text, &end);
    if (errno != 0 || end == text || *end != '\0' ||
        !(value >= POSITIVE_LEAST && value <= POSITIVE_MOST))
        return cli_usage(cli, "a number such as 0.16 or 200",
                         "--%s: \"%.40s\" is not a number from 0.000001 to "
                         "1000000",
                         option, text);
    *out = value;
    return 0;
}
