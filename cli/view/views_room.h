#ifndef CLI_VIEWS_ROOM_H
#define CLI_VIEWS_ROOM_H

/* Between the pages of views: short names for the flags of a field. */

#include "cli/view/view.h"

#define R FIELD_RIGHT
#define T FIELD_TRUNC
#define W FIELD_WIDE
#define O FIELD_OPT

#endif
