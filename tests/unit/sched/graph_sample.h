#ifndef TESTS_UNIT_SCHED_GRAPH_SAMPLE_H
#define TESTS_UNIT_SCHED_GRAPH_SAMPLE_H

/* What tests of sched/graph include: cmocka, and instances to try. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/oracle/instance.h"

#endif
