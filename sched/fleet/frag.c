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

/* Score s is reached from 2000000 x ln(s / (100 - s)) on, rounded up: where
 * sigmoid(gain / 2000) is s / 100. In millionths of a device. */
static const int32_t score_from[FRAG_SCORE_MAX] = {
    -9190239, -7783640, -6952197, -6356107, -5888877, -5503070, -5173378,
    -4884694, -4627269, -4394449, -4181482, -3984860, -3801917, -3630579,
    -3469202, -3316456, -3171254, -3032694, -2900020, -2772588, -2649850,
    -2531332, -2416622, -2305359, -2197224, -2091937, -1989245, -1888923,
    -1790768, -1694595, -1600238, -1507543, -1416370, -1326588, -1238078,
    -1150728, -1064433, -979096,  -894624,  -810930,  -727930,  -645546,
    -563702,  -482324,  -401341,  -320685,  -240288,  -160085,  -80010,
    0,        80011,    160086,   240289,   320686,   401342,   482325,
    563703,   645547,   727931,   810931,   894625,   979097,   1064434,
    1150729,  1238079,  1326589,  1416371,  1507544,  1600239,  1694596,
    1790769,  1888924,  1989246,  2091938,  2197225,  2305360,  2416623,
    2531333,  2649851,  2772589,  2900021,  3032695,  3171255,  3316457,
    3469203,  3630580,  3801918,  3984861,  4181483,  4394450,  4627270,
    4884695,  5173379,  5503071,  5888878,  6356108,  6952198,  7783641,
    9190240,
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
    if (count == 0 || count > FRAG_SAMPLE_MAX || keep_permille == 0 ||
        keep_permille > 1000)
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

/* Does the machine have what the ask wants besides devices? */
static bool has_the_rest(const struct machine *machine, const struct ask *ask)
{
    return resources_cover(&machine->free, &ask->want) &&
           (ask->arch == ARCH_ANY || ask->arch == machine->arch);
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
        bool fits = row->ask.devices > 0 && view->devices >= row->ask.devices &&
                    has_the_rest(machine, &row->ask);
        sum += row->frequency * (fits ? view->waste : idle);
    }
    return sum;
}

int64_t frag_gain(const struct frag *frag, uint64_t before, uint64_t after)
{
    return (int64_t)(before - after) / (int64_t)frag->weight;
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
