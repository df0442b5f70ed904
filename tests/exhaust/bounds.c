#include "tests/exhaust/bounds.h"

#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAR 600u /* blocks of an epoch: its end is not in sight */

void bounds_init(struct bounds *bounds)
{
    *bounds =
        (struct bounds){.liar = NOBODY, .views = 1, .txs = 1, .epoch = FAR};
}

bool read_number(const char *text, uint32_t most, uint32_t *out)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || value > most)
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool take_flag(struct bounds *bounds, const char *word)
{
    const struct {
        const char *word;
        bool *flag;
    } flags[] = {
        {"--votes", &bounds->votes}, {"--fused", &bounds->fused},
        {"--more", &bounds->more},   {"--forged", &bounds->forged},
        {"--plain", &bounds->plain},
    };
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(word, flags[i].word) != 0)
            continue;
        *flags[i].flag = true;
        return true;
    }
    return false;
}

int bounds_take(struct bounds *bounds, const char *word, const char *next)
{
    const struct {
        const char *word;
        uint32_t most;
        uint32_t *number;
    } numbers[] = {
        {"-n", PARTIES_MAX, &bounds->n},
        {"--liar", PARTIES_MAX - 1, &bounds->liar},
        {"--views", 7, &bounds->views},
        {"--txs", 4, &bounds->txs},
        {"--crashes", 3, &bounds->crashes},
        {"--epoch", 1000000, &bounds->epoch},
    };
    if (take_flag(bounds, word))
        return 1;
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (strcmp(word, numbers[i].word) == 0 && next != NULL)
            return read_number(next, numbers[i].most, numbers[i].number) ? 2
                                                                         : 0;
    return 0;
}

void bounds_read(struct bounds *bounds, const char *text)
{
    char words[BOUNDS_TEXT_MAX];
    char *word[32];
    int count = 0;
    char *rest = words;
    CHECK(strlen(text) < sizeof(words));
    strcpy(words, text);
    bounds_init(bounds);
    while (count < 31 && (word[count] = strtok_r(rest, " ", &rest)) != NULL)
        count++;
    for (int i = 0; i < count;) {
        int taken =
            bounds_take(bounds, word[i], i + 1 < count ? word[i + 1] : NULL);
        CHECK(taken > 0);
        i += taken;
    }
}

void bounds_text(const struct bounds *bounds, char out[BOUNDS_TEXT_MAX])
{
    char liar[20] = "";
    char crashes[24] = "";
    char epoch[24] = "";
    if (bounds->liar != NOBODY)
        snprintf(liar, sizeof(liar), " --liar %u", bounds->liar);
    if (bounds->crashes > 0)
        snprintf(crashes, sizeof(crashes), " --crashes %u", bounds->crashes);
    if (bounds->epoch != FAR)
        snprintf(epoch, sizeof(epoch), " --epoch %u", bounds->epoch);
    snprintf(out, BOUNDS_TEXT_MAX, "-n %u%s --views %u --txs %u%s%s%s%s%s%s%s",
             bounds->n, liar, bounds->views, bounds->txs, crashes, epoch,
             bounds->votes ? " --votes" : "", bounds->fused ? " --fused" : "",
             bounds->more ? " --more" : "", bounds->forged ? " --forged" : "",
             bounds->plain ? " --plain" : "");
}
