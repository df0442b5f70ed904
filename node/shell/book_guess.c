#include "node/shell/book_guess.h"

#include "node/peer/link_agent.h"
#include "node/shell/trade_shell.h"
#include "sched/link/linkmap.h"

#define AT_A_TIME 256u

/* 0: nothing that is to be trusted so far. */
static uint64_t guess(struct node *node, const struct pubkey *provider,
                      uint64_t now_ms)
{
    struct link link;
    if (!linkmap_look(link_agent_map(node->links), &node->self, provider,
                      now_ms, &link) ||
        link_confidence(&link, LINK_RTT, now_ms) < BOOK_GUESS_CONFIDENCE_MIN)
        return 0;
    return link_rtt_cautious(&link);
}

void book_guess_tick(struct node *node)
{
    struct pubkey provider;
    struct book *book;
    uint64_t now_ms;
    if (node->buy == NULL || node->links == NULL || node->shell == NULL)
        return;
    book = buy_book(node->buy);
    now_ms = shell_now_ms(node->shell);
    for (uint32_t i = 0; i < AT_A_TIME; i++) {
        if (!book_unmeasured_next(book, &node->guess_next, now_ms, &provider)) {
            node->guess_next = 0;
            return;
        }
        if (!pubkey_equal(&provider, &node->self))
            (void)!book_rtt_guess(book, &provider,
                                  guess(node, &provider, now_ms), now_ms);
    }
}
