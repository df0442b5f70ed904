/* Answers to who fetches the state that nobody may take: pages that are not
 * those of the place, records that are not those of the leaves, more than was
 * asked for, what others were asked, epochs' ends that are none. */

#include "tests/sim/consensus/world.h"

#include "base/check.h"
#include "ledger/state/smt_page.h"

#include <string.h>

#define MESSAGE_MAX (2u * LIMIT_FRAME_BYTES)

/* What is bent. */
enum bend {
    BEND_PAGE,    /* a bit of a page */
    BEND_SHIFT,   /* a leaf stands in the next slot, the hash is the same */
    BEND_VALUE,   /* a bit of a record's value */
    BEND_KEY,     /* ... of its key */
    BEND_FEWER,   /* a record is not there */
    BEND_MORE,    /* one is there twice */
    BEND_CUT,     /* the last bytes are missing */
    BEND_SWAP,    /* two pages change places */
    BEND_LONG,    /* more pages than were asked for */
    BEND_OLD,     /* what it gave the last time */
    BEND_NUMBERS, /* another question's number */
    BEND_COUNT,
};

static struct sx_msg msg;
static struct sx_msg old;
static struct sx_page_item item;
static struct buf bent; /* of one page */

static void flip(struct world *world, uint8_t *bytes, size_t len)
{
    if (len > 0)
        bytes[dice_below(&world->dice, len)] ^=
            (uint8_t)(1u << dice_below(&world->dice, 8));
}

static struct letter *letter_of(struct sx_msg *message, bool wrong)
{
    struct letter *letter = NULL;
    struct buf buf;
    buf_init(&buf, MESSAGE_MAX);
    sx_msg_encode(message, &buf);
    if (buf.err == OK) {
        letter = letter_new(buf_bytes(&buf));
        letter->wrong = wrong;
    }
    buf_done(&buf);
    return letter;
}

/* ---- one page ---- */

static bool is_room(const struct smt_page *page, unsigned slot)
{
    return page->slots[slot].kind == SMT_EMPTY &&
           page->slots[slot ^ 1u].kind == SMT_LEAF;
}

/* Beside an empty slot a leaf is all there is to the two. */
static bool shift(const uint8_t *raw, size_t len, struct buf *out)
{
    struct smt_page page;
    struct cursor cursor;
    uint8_t made[SMT_PAGE_BYTES_MAX];
    memset(&page, 0, sizeof(page));
    cursor_init(&cursor, bytes_make(raw, len));
    unsigned used = cursor_u16le(&cursor);
    unsigned leafs = cursor_u16le(&cursor);
    for (unsigned i = 0; i < SMT_SLOTS && cursor.err == OK; i++) {
        struct smt_slot *slot = &page.slots[i];
        if ((used >> i & 1u) == 0)
            continue;
        slot->kind = (leafs >> i & 1u) != 0 ? SMT_LEAF : SMT_NODE;
        cursor_copy(&cursor, slot->hash.b, HASH_LEN);
        if (slot->kind == SMT_LEAF)
            cursor_copy(&cursor, slot->value.b, HASH_LEN);
    }
    /* Records come in the order of the leaves: so they do still. */
    for (unsigned i = 0; i < SMT_SLOTS; i++)
        if (is_room(&page, i)) {
            page.slots[i] = page.slots[i ^ 1u];
            memset(&page.slots[i ^ 1u], 0, sizeof(page.slots[0]));
            buf_add(out, bytes_make(made, smt_page_encode(&page, made)));
            return out->err == OK;
        }
    return false;
}

static bool bend_item(struct world *world, enum bend how, struct bytes bytes)
{
    struct buf page;
    struct buf copy;
    uint32_t n = 0;
    bool done = true;
    if (sx_page_item_decode(bytes, &item) != OK)
        return false;
    if (how >= BEND_VALUE && how <= BEND_MORE && item.count == 0)
        return false;
    buf_init(&page, SMT_PAGE_BYTES_MAX);
    buf_init(&copy, LIMIT_STATE_VALUE + 1024);
    if (item.count > 0)
        n = (uint32_t)dice_below(&world->dice, item.count);
    if (how == BEND_PAGE) {
        buf_add(&page, item.page);
        flip(world, page.ptr, page.len);
        item.page = buf_bytes(&page);
    } else if (how == BEND_SHIFT) {
        done = shift(item.page.ptr, item.page.len, &page);
        item.page = buf_bytes(&page);
    } else if (how == BEND_VALUE) {
        buf_add(&copy, item.values[n]);
        flip(world, copy.ptr, copy.len);
        item.values[n] = buf_bytes(&copy);
    } else if (how == BEND_KEY) {
        buf_add(&copy, item.keys[n]);
        flip(world, copy.ptr, copy.len);
        item.keys[n] = buf_bytes(&copy);
    } else if (how == BEND_FEWER) {
        item.count--;
    } else if (how == BEND_MORE && item.count < 16) {
        item.keys[item.count] = item.keys[n];
        item.values[item.count++] = item.values[n];
    }
    buf_clear(&bent);
    sx_page_item_encode(&item, &bent);
    if (how == BEND_CUT && bent.len > 0)
        bent.len -= 1 + dice_below(&world->dice, bent.len);
    buf_done(&page);
    buf_done(&copy);
    return done && bent.err == OK && !bytes_equal(buf_bytes(&bent), bytes);
}

/* ---- all of an answer ---- */

/* Nothing in it, at its place, is what was right; what is missing may be. */
static bool is_wrong(const struct sx_msg *right, const struct sx_msg *given)
{
    if (given->item_count > right->item_count)
        return true;
    for (uint32_t i = 0; i < given->item_count; i++)
        if (!bytes_equal(given->items[i], right->items[i]))
            return true;
    return false;
}

static bool has_older(const struct machine *actor, const struct machine *to)
{
    const struct letter *last = actor->last_pages;
    return last != NULL && actor->last_pages_to == to->index &&
           sx_msg_decode(letter_bytes(last), &old) == OK;
}

static void add_older(bool all)
{
    for (uint32_t i = all ? 0 : msg.item_count; i < old.item_count; i++)
        msg.items[i] = old.items[i];
    if (all || old.item_count > msg.item_count)
        msg.item_count = old.item_count;
}

static struct letter *bend_pages(struct world *world, struct machine *actor,
                                 const struct machine *to)
{
    static struct sx_msg right;
    enum bend how = (enum bend)dice_below(&world->dice, BEND_COUNT);
    uint32_t at = (uint32_t)dice_below(&world->dice, msg.item_count);
    bool older = has_older(actor, to);
    right = msg;
    /* Where more was asked for before, that may be what is taken again. */
    if (older && old.item_count > msg.item_count &&
        dice_chance(&world->dice, 500))
        how = BEND_LONG;
    if (how <= BEND_CUT) {
        buf_init(&bent, MESSAGE_MAX);
        if (bend_item(world, how, msg.items[at]))
            msg.items[at] = buf_bytes(&bent);
    } else if (how == BEND_SWAP) {
        msg.items[at] = right.items[0];
        msg.items[0] = right.items[at];
    } else if (how == BEND_NUMBERS) {
        msg.ask += dice_chance(&world->dice, 500) ? 1 : UINT32_MAX;
    } else if (older) {
        add_older(how == BEND_OLD);
    }
    struct letter *letter = letter_of(&msg, is_wrong(&right, &msg));
    buf_done(&bent);
    return letter;
}

/* Steps begin with a letter and the header. */
static struct letter *bend_steps(struct world *world)
{
    static struct sx_msg right;
    struct letter *letter;
    uint32_t at = (uint32_t)dice_below(&world->dice, msg.item_count);
    right = msg;
    buf_init(&bent, MESSAGE_MAX);
    if (dice_chance(&world->dice, 400) && msg.peaks.len > 0) {
        buf_add(&bent, msg.peaks);
        flip(world, bent.ptr, bent.len);
        msg.peaks = buf_bytes(&bent);
    } else {
        size_t head = 1 + HEADER_BYTES;
        buf_add(&bent, msg.items[at]);
        flip(world, bent.ptr,
             bent.len > head && dice_chance(&world->dice, 700) ? head
                                                               : bent.len);
        msg.items[at] = buf_bytes(&bent);
    }
    CHECK(bent.err == OK);
    letter = letter_of(&msg, is_wrong(&right, &msg) ||
                                 !bytes_equal(msg.peaks, right.peaks));
    buf_done(&bent);
    return letter;
}

/* The answer of another, or to another: whoever was not asked says it, too. */
static void say_unasked(struct world *world, struct machine *actor,
                        struct machine *to)
{
    struct letter *letter;
    struct sx_msg again = msg;
    again.ask += 1 + (uint32_t)dice_below(&world->dice, 3);
    letter = letter_of(&again, false);
    if (letter != NULL)
        net_post(world, actor, to, letter, 0);
    letter_drop(letter);
}

void poison_race(struct world *world, const struct machine *from,
                 struct machine *to, struct letter *letter)
{
    for (uint32_t i = 0; i < world->machine_count; i++) {
        struct machine *actor = &world->machines[i];
        if (actor != from && actor != to && actor->up &&
            (actor->acts & ACT_BAD_PAGES) != 0 &&
            dice_chance(&world->dice, 300))
            net_post(world, actor, to, letter, 0);
    }
}

struct letter *poison_answer(struct world *world, struct machine *actor,
                             struct machine *to, struct letter *letter)
{
    struct letter *made = NULL;
    if (sx_msg_decode(letter_bytes(letter), &msg) != OK || msg.item_count == 0)
        return letter_keep(letter);
    bool pages = msg.tag == SX_MSG_PAGES;
    if (dice_chance(&world->dice, 150))
        return NULL;
    if (dice_chance(&world->dice, 300))
        say_unasked(world, actor, to);
    if (dice_chance(&world->dice, 600))
        made = pages ? bend_pages(world, actor, to) : bend_steps(world);
    if (pages) {
        letter_drop(actor->last_pages);
        actor->last_pages = letter_keep(letter);
        actor->last_pages_to = to->index;
    }
    return made != NULL ? made : letter_keep(letter);
}
