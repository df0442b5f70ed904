/* suan: the command line. The table of what it can do is cli/verbs.c. */

#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
