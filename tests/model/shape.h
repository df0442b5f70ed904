#ifndef TESTS_MODEL_SHAPE_H
#define TESTS_MODEL_SHAPE_H

/* The shape of a state: what is left of it when honest validators of equal
 * weight are the same, and proposals have no names. Two states of one shape
 * have the same future, so one of them is enough.
 *
 * Sound by construction: a shape is the state itself with names exchanged. */

#include "tests/model/model.h"

/* out_shape may not be state. */
void shape_of(const struct bounds *bounds, const struct state *state,
              struct state *out_shape);

#endif
