/* suan: the command line. What it can do is in the tables of cli/verbs*.c. */

#include "cli/cli.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
