#include "sched/fleet/frag.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Asks that differ in processor alone want the same of devices. */
struct shape {
    uint64_t models;
    uint16_t milli;
};

struct row {
    struct ask ask;
    uint64_t frequency;
    uint32_t shape;
};

struct frag {
    uint64_t weight;
    uint32_t row_count;
    uint32_t shape_count;
    struct row rows[FRAG_ASKS_MAX];
    struct shape shapes[FRAG_ASKS_MAX];
};

/* score s is reached from 1000000 x ln(s / (100 - s)) on, rounded up: where
 * sigmoid is s / 100. In millionths of a device. */
static const int32_t score_from[FRAG_SCORE_MAX] = {
    -4595119, -3891820, -3476098, -3178053, -2944438, -2751535, -2586689,
    -2442347, -2313634, -2197224, -2090741, -1992430, -1900958, -1815289,
    -1734601, -1658228, -1585627, -1516347, -1450010, -1386294, -1324925,
    -1265666, -1208311, -1152679, -1098612, -1045968, -994622,  -944461,
    -895384,  -847297,  -800119,  -753771,  -708185,  -663294,  -619039,
    -575364,  -532216,  -489548,  -447312,  -405465,  -363965,  -322773,
    -281851,  -241162,  -200670,  -160342,  -120144,  -80042,   -40005,
    0,        40006,    80043,    120145,   160343,   200671,   241163,
    281852,   322774,   363966,   405466,   447313,   489549,   532217,
    575365,   619040,   663295,   708186,   753772,   800120,   847298,
    895385,   944462,   994623,   1045969,  1098613,  1152680,  1208312,
    1265667,  1324926,  1386295,  1450011,  1516348,  1585628,  1658229,
    1734602,  1815290,  1900959,  1992431,  2090742,  2197225,  2313635,
    2442348,  2586690,  2751536,  2944439,  3178054,  3476099,  3891821,
    4595120,
};

static int by_ask(const void *a, const void *b)
{
    return ask_compare(&((const struct row *)a)->ask,
                       &((const struct row *)b)->ask);
}

static int by_frequency(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;
    if (x->frequency != y->frequency)
        return x->frequency > y->frequency ? -1 : 1;
    return by_ask(a, b);
}

/* Counts equal asks: sorts, then merges neighbours. Returns how many differ. */
static size_t count_equal(struct row *rows, size_t count)
{
    size_t kinds = 0;
    qsort(rows, count, sizeof(*rows), by_ask);
    for (size_t i = 0; i < count; i++) {
        if (kinds > 0 && by_ask(&rows[kinds - 1], &rows[i]) == 0)
            rows[kinds - 1].frequency++;
        else
            rows[kinds++] = rows[i];
    }
    qsort(rows, kinds, sizeof(*rows), by_frequency);
    return kinds;
}

static uint32_t shape_of(struct frag *frag, const struct ask *ask)
{
    uint32_t i = 0;
    while (i < frag->shape_count && (frag->shapes[i].models != ask->models ||
                                     frag->shapes[i].milli != ask->milli))
        i++;
    if (i == frag->shape_count)
        frag->shapes[frag->shape_count++] =
            (struct shape){ask->models, ask->milli};
    return i;
}

static void keep_most_frequent(struct frag *frag, const struct row *rows,
                               size_t kinds, uint64_t enough)
{
    for (size_t i = 0; i < kinds && i < FRAG_ASKS_MAX && frag->weight < enough;
         i++) {
        struct row *row = &frag->rows[frag->row_count++];
        *row = rows[i];
        row->shape = shape_of(frag, &row->ask);
        frag->weight += row->frequency;
    }
    CHECK(frag->weight > 0);
}

enum err frag_new(const struct ask *asks, size_t count, uint32_t keep_permille,
                  struct frag **out)
{
    struct row *rows;
    struct frag *frag;
    if (count == 0 || keep_permille == 0 || keep_permille > 1000)
        return ERR_RANGE;
    rows = calloc(count, sizeof(*rows));
    frag = calloc(1, sizeof(*frag));
    if (rows == NULL || frag == NULL) {
        free(rows);
        free(frag);
        return ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(ask_check(&asks[i]) == OK);
        rows[i] = (struct row){.ask = asks[i], .frequency = 1};
        rows[i].ask.want.mem_mib = 0;
        rows[i].ask.want.disk_mib = 0;
    }
    keep_most_frequent(frag, rows, count_equal(rows, count),
                       ((uint64_t)count * keep_permille + 999) / 1000);
    free(rows);
    *out = frag;
    return OK;
}

void frag_free(struct frag *frag)
{
    free(frag);
}

uint32_t frag_count(const struct frag *frag)
{
    return frag->row_count;
}

uint64_t frag_weight(const struct frag *frag)
{
    return frag->weight;
}

const struct ask *frag_ask(const struct frag *frag, uint32_t i,
                           uint64_t *out_frequency)
{
    CHECK(i < frag->row_count);
    *out_frequency = frag->rows[i].frequency;
    return &frag->rows[i].ask;
}

/* What a shape finds on a machine. */
struct view {
    uint32_t devices; /* with enough free */
    uint32_t waste;   /* milli free on the others */
};

static struct view view_of(const struct shape *shape,
                           const struct machine *machine)
{
    struct view view = {0, 0};
    for (uint32_t i = 0; i < machine->device_count; i++) {
        const struct device *device = &machine->devices[i];
        bool usable = device->free_milli >= shape->milli &&
                      (shape->models == 0 ||
                       (shape->models & model_bit(device->model)) != 0);
        view.devices += usable;
        view.waste += usable ? 0 : device->free_milli;
    }
    return view;
}

uint64_t frag_of(const struct frag *frag, const struct machine *machine)
{
    struct view views[FRAG_ASKS_MAX];
    uint64_t idle = machine_idle_milli(machine);
    uint64_t sum = 0;
    if (idle == 0)
        return 0;
    for (uint32_t i = 0; i < frag->shape_count; i++)
        views[i] = view_of(&frag->shapes[i], machine);
    for (uint32_t i = 0; i < frag->row_count; i++) {
        const struct row *row = &frag->rows[i];
        const struct view *view = &views[row->shape];
        bool fits =
            row->ask.devices > 0 && view->devices >= row->ask.devices &&
            row->ask.want.cpu_milli <= machine->free.cpu_milli &&
            (row->ask.arch == ARCH_ANY || row->ask.arch == machine->arch);
        sum += row->frequency * (fits ? view->waste : idle);
    }
    return sum;
}

/* gain / weight >= score_from / 1000, without a division. */
static bool reaches(int64_t gain, int64_t weight, int32_t from)
{
    return gain * 1000 >= weight * from;
}

uint32_t frag_score(const struct frag *frag, uint64_t before, uint64_t after)
{
    int64_t gain = (int64_t)(before - after);
    uint32_t low = 0;
    uint32_t high = FRAG_SCORE_MAX;
    while (low < high) {
        uint32_t mid = low + (high - low + 1) / 2;
        if (reaches(gain, (int64_t)frag->weight, score_from[mid - 1]))
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}
