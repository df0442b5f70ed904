#ifndef CLI_SHARE_H
#define CLI_SHARE_H

/* A share is an availability as people write it: "99.95%" or "0.9995", and kept
 * as what is missing to one, so that 99.9999999999% keeps its digits. */

#include "base/err.h"
#include "cli/unit.h"

/* Reads at most 18 decimals (16 with %).
 *
 * out_down  1 - share, at least 0 and below 1, exact to double precision
 *
 * ERR_PARSE (no such number), ERR_RANGE (0, or more than 1; "99.9" without %
 * is that). */
MUST_USE enum err share_parse(const char *text, double *out_down);

#define SHARE_TEXT_MAX 40
/* "99.97636 %": five decimals, and more where needed to tell three digits of
 * what is missing: "99.99999760 %". down in 0..1. */
void share_format(double down, char out[SHARE_TEXT_MAX]);
/* The same without zeros at the end: "99.9 %". */
void share_format_short(double down, char out[SHARE_TEXT_MAX]);
/* What that is of a year of 365.25 days: "2h04m", "under 1ms", "none". */
void share_format_year(double down, char out[UNIT_TEXT_MAX]);

#endif
