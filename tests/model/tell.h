#ifndef TESTS_MODEL_TELL_H
#define TESTS_MODEL_TELL_H

/* Telling: how a search that found something broken got there, vote by vote. */

#include "tests/model/search.h"

void tell_trace(const struct search *search);

#endif
