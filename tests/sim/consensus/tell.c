/* The story of a run, for people. It changes nothing. */

#include "tests/sim/consensus/world.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *tag_name(uint8_t tag)
{
    static const char *const names[] = {
        "?",         "PROPOSE", "VOTE",       "CERT",   "STATUS", "GET_CERTS",
        "GET_BLOCK", "BLOCK",   "GET_FINALS", "FINALS", "LINK"};
    return tag < sizeof(names) / sizeof(names[0]) ? names[tag] : "?";
}

static const char *kind_name(uint8_t kind)
{
    return kind == VOTE_NOTARIZE   ? "notarize"
           : kind == VOTE_NULLIFY  ? "nullify"
           : kind == VOTE_FINALIZE ? "finalize"
                                   : "?";
}

void tell(struct world *world, const char *format, ...)
{
    struct story *story;
    va_list args;
    if (!world->telling)
        return;
    story = &world->stories[world->story_count++ % STORY_MAX];
    story->at_us = world->now_us;
    va_start(args, format);
    vsnprintf(story->text, sizeof(story->text), format, args);
    va_end(args);
    if (world->verbose)
        printf("%12.6f  %s\n", (double)world->now_us / 1e6, story->text);
}

/* Votes, proposals and certificates begin alike. */
static void describe_vote(const uint8_t *b, char *out, size_t len)
{
    snprintf(out, len,
             "%s e%" PRIu64 " v%" PRIu64 " on v%" PRIu64 " %02x%02x%02x",
             kind_name(b[0]), u64le_get(b + 1), u64le_get(b + 9),
             u64le_get(b + 17), b[25], b[26], b[27]);
}

static void describe(struct bytes bytes, char *out, size_t len)
{
    const uint8_t *b = bytes.ptr + 1;
    uint8_t tag = bytes.len > 0 ? bytes.ptr[0] : 0;
    bool votes =
        tag == SX_MSG_PROPOSE || tag == SX_MSG_VOTE || tag == SX_MSG_CERT;
    out[0] = 0;
    if (votes && bytes.len > VOTE_SIGNED_BYTES)
        describe_vote(b, out, len);
    else if (tag == SX_MSG_STATUS && bytes.len > 32)
        snprintf(out, len,
                 "e%" PRIu64 " v%" PRIu64 " final v%" PRIu64 " height %" PRIu64,
                 u64le_get(b), u64le_get(b + 8), u64le_get(b + 16),
                 u64le_get(b + 24));
    else if (tag == SX_MSG_GET_CERTS && bytes.len > 24)
        snprintf(out, len, "e%" PRIu64 " v%" PRIu64 "..%" PRIu64, u64le_get(b),
                 u64le_get(b + 8), u64le_get(b + 16));
    else if (tag == SX_MSG_GET_BLOCK && bytes.len > 3)
        snprintf(out, len, "%02x%02x%02x", b[0], b[1], b[2]);
    else if ((tag == SX_MSG_GET_FINALS || tag == SX_MSG_FINALS) &&
             bytes.len > 8)
        snprintf(out, len, "%" PRIu64, u64le_get(b));
}

void tell_message(struct world *world, const char *what, uint32_t node,
                  uint32_t other, const struct letter *letter)
{
    char text[96];
    if (!world->telling)
        return;
    describe(letter_bytes(letter), text, sizeof(text));
    tell(world, "%u %s %u: %s %s (%u bytes)", node, what, other,
         tag_name(letter->len > 0 ? letter->bytes[0] : 0), text, letter->len);
}

void tell_machines(const struct world *world)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        const struct machine *m = &world->machines[i];
        struct sx_status s;
        printf("  machine %u%s%s%s:", i,
               machine_validates(m) ? "" : " (follower)",
               m->acts != 0   ? " (dishonest)"
               : m->dishonest ? " (its key was copied)"
                              : "",
               m->wiped ? " (has lost a disk or log)" : "");
        if (!m->up) {
            printf(" down%s%s\n", m->halted != OK ? ", halted: " : "",
                   m->halted != OK ? err_name(m->halted) : "");
            continue;
        }
        sx_status(m->core, &s);
        printf(" life %u, height %" PRIu64 ", head %" PRIu64 ", epoch %" PRIu64
               ", view %" PRIu64 " (leader %u), final view %" PRIu64
               ", target %" PRIu64 ", D %" PRIu64
               " ms, %u unfinal, pool %u, log %" PRIu64 " synced %" PRIu64
               "%s%s%s%s\n",
               m->life, chain_tip(m->chain).height, chain_head(m->chain).height,
               s.epoch, s.view, s.leader, s.final_view, s.target, s.delay_ms,
               s.unfinal, pool_count(sx_pool(m->core)), m->disk.next_seq - 1,
               m->disk.synced_seq, s.amnesia ? ", AMNESIA" : "",
               s.twin ? ", TWIN" : "", s.idle != 0 ? ", idle" : "",
               m->wake_ms == UINT64_MAX ? ", no timer" : "");
    }
}

void tell_end(struct world *world)
{
    uint64_t from =
        world->story_count > STORY_MAX ? world->story_count - STORY_MAX : 0;
    if (!world->telling || world->verbose)
        return;
    for (uint64_t i = from; i < world->story_count; i++) {
        const struct story *story = &world->stories[i % STORY_MAX];
        printf("%12.6f  %s\n", (double)story->at_us / 1e6, story->text);
    }
}
