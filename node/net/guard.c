#include "node/net/guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* Buckets and scores are counted in thousandths, for the sake of short times.
 */
enum { MILLI = 1000, MINUTE_MS = 60000 };

struct guest {
    uint8_t who[32]; /* an address, padded with zeros, or a key */
    bool used;
    uint64_t seen_ms;
    uint64_t tokens_milli; /* addresses only */
    uint64_t score_milli;
    uint64_t banned_until_ms; /* 0: not banned */
    char why[GUARD_WHY_MAX];
};

struct guard {
    struct guard_limits limits;
    struct guest ips[GUARD_GUESTS_MAX];
    struct guest nodes[GUARD_GUESTS_MAX];
    struct addr_ip half_open[GUARD_HALF_OPEN_MAX];
    uint32_t half_open_count;
};

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value > 0 ? value : fallback;
}

enum err guard_new(const struct guard_limits *limits, struct guard **out)
{
    struct guard *guard = calloc(1, sizeof *guard);
    struct guard_limits *l;

    if (guard == NULL)
        return ERR_NOMEM;
    l = &guard->limits;
    *l = *limits;
    l->half_open_max = or_default(l->half_open_max, 64);
    if (l->half_open_max > GUARD_HALF_OPEN_MAX)
        l->half_open_max = GUARD_HALF_OPEN_MAX;
    l->half_open_near = or_default(l->half_open_near, 8);
    l->accept_burst = or_default(l->accept_burst, 32);
    l->accept_per_minute = or_default(l->accept_per_minute, 240);
    if (l->ban_ms == 0)
        l->ban_ms = 600000;
    *out = guard;
    return OK;
}

void guard_free(struct guard *guard)
{
    free(guard);
}

/* ---- guests ---- */

/* Lets time pass for a guest: forgives, fills the bucket, ends a ban. */
static void guest_age(const struct guard *guard, struct guest *guest,
                      uint64_t now_ms)
{
    uint64_t ms = now_ms > guest->seen_ms ? now_ms - guest->seen_ms : 0;
    uint64_t full = (uint64_t)guard->limits.accept_burst * MILLI;
    uint64_t forgiven, filled;

    if (ms > 24ull * 60 * MINUTE_MS)
        ms = 24ull * 60 * MINUTE_MS;
    forgiven = ms * GUARD_FORGIVEN_PER_MINUTE * MILLI / MINUTE_MS;
    filled = ms * guard->limits.accept_per_minute * MILLI / MINUTE_MS;
    guest->score_milli -=
        forgiven < guest->score_milli ? forgiven : guest->score_milli;
    guest->tokens_milli = guest->tokens_milli + filled < full
                              ? guest->tokens_milli + filled
                              : full;
    if (guest->banned_until_ms != 0 && now_ms >= guest->banned_until_ms)
        guest->banned_until_ms = 0;
    guest->seen_ms = now_ms;
}

/* Which of two to forget: the one not banned, then the one seen longer ago. */
static bool is_duller(const struct guest *a, const struct guest *b)
{
    if (a->used != b->used)
        return !a->used;
    if ((a->banned_until_ms == 0) != (b->banned_until_ms == 0))
        return a->banned_until_ms == 0;
    return a->seen_ms < b->seen_ms;
}

static struct guest *guest_find(struct guest *guests, const uint8_t who[32])
{
    for (size_t i = 0; i < GUARD_GUESTS_MAX; i++)
        if (guests[i].used && memcmp(guests[i].who, who, 32) == 0)
            return &guests[i];
    return NULL;
}

static struct guest *guest_get(const struct guard *guard, struct guest *guests,
                               const uint8_t who[32], uint64_t now_ms)
{
    struct guest *guest = guest_find(guests, who);

    if (guest == NULL) {
        guest = &guests[0];
        for (size_t i = 1; i < GUARD_GUESTS_MAX; i++)
            if (is_duller(&guests[i], guest))
                guest = &guests[i];
        memset(guest, 0, sizeof *guest);
        guest->used = true;
        guest->seen_ms = now_ms;
        guest->tokens_milli = (uint64_t)guard->limits.accept_burst * MILLI;
        memcpy(guest->who, who, 32);
    }
    guest_age(guard, guest, now_ms);
    return guest;
}

static struct guest *ip_get(struct guard *guard, const struct addr_ip *ip,
                            uint64_t now_ms)
{
    struct addr_ip shared = addr_ip_guest(ip);
    uint8_t who[32] = {0};

    memcpy(who, shared.b, sizeof shared.b);
    return guest_get(guard, guard->ips, who, now_ms);
}

static bool guest_score(const struct guard *guard, struct guest *guest,
                        uint32_t points, const char *why, bool bannable,
                        uint64_t now_ms)
{
    bool was_banned = guest->banned_until_ms != 0;

    guest->score_milli += (uint64_t)points * MILLI;
    if (guest->score_milli > GUARD_BAN_SCORE * MILLI)
        guest->score_milli = GUARD_BAN_SCORE * MILLI;
    if (guest->score_milli < GUARD_BAN_SCORE * MILLI || !bannable)
        return false;
    guest->banned_until_ms = now_ms + guard->limits.ban_ms;
    snprintf(guest->why, sizeof guest->why, "%s", why);
    return !was_banned;
}

/* ---- connections ---- */

static uint32_t count_near(const struct guard *guard, const struct addr_ip *ip)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < guard->half_open_count; i++)
        count += addr_ip_near(&guard->half_open[i], ip);
    return count;
}

/* A program of this machine: many nodes may run here, all from one address. */
static bool is_housemate(const struct guard *guard, const struct addr_ip *ip)
{
    return !guard->limits.ban_loopback && addr_ip_is_loopback(ip);
}

enum err guard_accept(struct guard *guard, const struct addr_ip *ip,
                      uint64_t now_ms)
{
    struct guest *guest = ip_get(guard, ip, now_ms);
    bool stranger = !is_housemate(guard, ip);

    if (guest->banned_until_ms != 0)
        return ERR_BANNED;
    if (stranger && guest->tokens_milli < MILLI)
        return ERR_RATE;
    if (guard->half_open_count >= guard->limits.half_open_max ||
        (stranger && count_near(guard, ip) >= guard->limits.half_open_near))
        return ERR_RATE;
    guest->tokens_milli -= stranger ? MILLI : 0;
    guard->half_open[guard->half_open_count++] = *ip;
    return OK;
}

void guard_settled(struct guard *guard, const struct addr_ip *ip)
{
    for (uint32_t i = 0; i < guard->half_open_count; i++) {
        if (!addr_ip_equal(&guard->half_open[i], ip))
            continue;
        guard->half_open[i] = guard->half_open[--guard->half_open_count];
        return;
    }
    CHECK(!"settled more often than accepted");
}

uint32_t guard_half_open(const struct guard *guard)
{
    return guard->half_open_count;
}

/* ---- scores and bans ---- */

enum err guard_check_node(struct guard *guard, const struct pubkey *node,
                          uint64_t now_ms)
{
    struct guest *guest = guest_find(guard->nodes, node->b);

    if (guest == NULL)
        return OK;
    guest_age(guard, guest, now_ms);
    return guest->banned_until_ms != 0 ? ERR_BANNED : OK;
}

bool guard_score_node(struct guard *guard, const struct pubkey *node,
                      uint32_t points, const char *why, uint64_t now_ms)
{
    struct guest *guest = guest_get(guard, guard->nodes, node->b, now_ms);

    return guest_score(guard, guest, points, why, true, now_ms);
}

bool guard_score_ip(struct guard *guard, const struct addr_ip *ip,
                    uint32_t points, const char *why, uint64_t now_ms)
{
    bool bannable = guard->limits.ban_loopback || !addr_ip_is_loopback(ip);

    return guest_score(guard, ip_get(guard, ip, now_ms), points, why, bannable,
                       now_ms);
}

uint32_t guard_node_score(struct guard *guard, const struct pubkey *node,
                          uint64_t now_ms)
{
    struct guest *guest = guest_find(guard->nodes, node->b);

    if (guest == NULL)
        return 0;
    guest_age(guard, guest, now_ms);
    return (uint32_t)((guest->score_milli + MILLI - 1) / MILLI);
}

static bool is_banned(const struct guest *guest, uint64_t now_ms)
{
    return guest->used && guest->banned_until_ms > now_ms;
}

bool guard_ban(const struct guard *guard, size_t i, uint64_t now_ms,
               struct guard_ban *out)
{
    for (size_t n = 0; n < 2 * (size_t)GUARD_GUESTS_MAX; n++) {
        bool is_node = n >= GUARD_GUESTS_MAX;
        const struct guest *guest =
            is_node ? &guard->nodes[n - GUARD_GUESTS_MAX] : &guard->ips[n];

        if (!is_banned(guest, now_ms) || i-- > 0)
            continue;
        memset(out, 0, sizeof *out);
        out->is_node = is_node;
        memcpy(is_node ? out->node.b : out->ip.b, guest->who,
               is_node ? sizeof out->node.b : sizeof out->ip.b);
        out->left_ms = guest->banned_until_ms - now_ms;
        out->why = guest->why;
        return true;
    }
    return false;
}

void guard_pardon(struct guard *guard)
{
    for (size_t i = 0; i < GUARD_GUESTS_MAX; i++) {
        guard->ips[i].banned_until_ms = guard->nodes[i].banned_until_ms = 0;
        guard->ips[i].score_milli = guard->nodes[i].score_milli = 0;
    }
}
