#include "market/book/book_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* ---- lists in the order of arrival ---- */

void book_list_add(struct book_list *list, struct book_link *link)
{
    struct book_link *after = list->last;
    CHECK(!link->in);
    while (after != NULL && after->entry->seq > link->entry->seq)
        after = after->prev;
    link->prev = after;
    link->next = after != NULL ? after->next : list->first;
    *(link->next != NULL ? &link->next->prev : &list->last) = link;
    *(after != NULL ? &after->next : &list->first) = link;
    link->in = true;
}

void book_list_remove(struct book_list *list, struct book_link *link)
{
    if (!link->in)
        return;
    *(link->prev != NULL ? &link->prev->next : &list->first) = link->next;
    *(link->next != NULL ? &link->next->prev : &list->last) = link->prev;
    link->in = false;
}

/* ---- classes: entries with the same demand ---- */

static bool constraints_same(const struct request *a, const struct request *b)
{
    if (a->constraint_count != b->constraint_count)
        return false;
    for (uint32_t i = 0; i < a->constraint_count; i++) {
        const struct constraint *x = &a->constraints[i];
        const struct constraint *y = &b->constraints[i];
        if (x->op != y->op || strcmp(x->key, y->key) != 0 ||
            strcmp(x->value, y->value) != 0)
            return false;
    }
    return true;
}

static bool demands_same(const struct request *a, const struct request *b)
{
    return a->resources.cpu_milli == b->resources.cpu_milli &&
           a->resources.mem_mib == b->resources.mem_mib &&
           a->resources.disk_mib == b->resources.disk_mib &&
           a->time_ms_max == b->time_ms_max && a->arch == b->arch &&
           a->policy == b->policy &&
           amount_cmp(a->price_max, b->price_max) == 0 &&
           pubkey_equal(&a->only_seller, &b->only_seller) &&
           pubkey_equal(&a->buyer, &b->buyer) &&
           a->resources.nic_kbit == b->resources.nic_kbit &&
           pubkey_equal(&a->agent, &b->agent) && constraints_same(a, b) &&
           request_wishes_same(a, b) && policy_terms_same(&a->terms, &b->terms);
}

/* There is room: a class has at least one entry. */
static uint32_t free_class(const struct book *book)
{
    uint32_t i = 0;
    while (book->classes[i] != NULL)
        i++;
    CHECK(i < book->config.requests_max);
    return i;
}

static struct book_class *class_find(const struct book *book,
                                     const struct request *request)
{
    uint32_t left = book->class_count;
    for (uint32_t i = 0; left > 0; i++) {
        struct book_class *class_ = book->classes[i];
        if (class_ == NULL)
            continue;
        if (demands_same(&class_->request, request))
            return class_;
        left--;
    }
    return NULL;
}

struct book_class *book_class_join(struct book *book,
                                   const struct request *request)
{
    struct book_class *class_ = class_find(book, request);
    if (class_ == NULL) {
        class_ = calloc(1, sizeof(*class_));
        if (class_ == NULL)
            return NULL;
        class_->index = free_class(book);
        class_->request = *request;
        book->classes[class_->index] = class_;
        book->class_count++;
    }
    class_->members++;
    return class_;
}

struct book_class *book_class_of(const struct book *book,
                                 const struct book_entry *entry)
{
    return book->classes[entry->class_index];
}

void book_class_leave(struct book *book, struct book_class *class_)
{
    CHECK(class_->members > 0);
    if (--class_->members > 0)
        return;
    CHECK(class_->waiting.first == NULL);
    book->classes[class_->index] = NULL;
    book->class_count--;
    free(class_);
}

/* book->needs is reserved. */
void book_class_wait(struct book *book, struct book_entry *entry)
{
    struct book_class *class_ = book_class_of(book, entry);
    if (entry->waits.in)
        return;
    if (class_->waiting.first == NULL)
        book_needs_put(book, class_);
    book_list_add(&class_->waiting, &entry->waits);
}

void book_class_wait_no_more(struct book *book, struct book_entry *entry)
{
    struct book_class *class_ = book_class_of(book, entry);
    if (!entry->waits.in)
        return;
    book_list_remove(&class_->waiting, &entry->waits);
    if (class_->waiting.first == NULL)
        book_needs_remove(book, class_);
}

/* ---- waking: what a changed slot can take more of ---- */

/* Tasks of a class the slot takes now. */
static uint32_t class_fits(const struct book *book,
                           const struct book_class *class_, uint32_t slot,
                           uint64_t now_ms)
{
    struct book_view view;
    struct demand demand;
    struct verdict verdict;
    book_view(book, slot, &class_->request, NULL, now_ms, &view);
    book_demand(&class_->request, &demand);
    feasible_check(&demand, &view.c, &verdict);
    return verdict.tasks;
}

static bool is_left_alone(const struct book_entry *entry,
                          const struct pubkey *provider, uint64_t now_ms)
{
    const struct book_exclusion *exclusion =
        book_exclusion_find(entry, provider);
    return exclusion != NULL && exclusion->until_ms > now_ms;
}

static void make_ready(struct book *book, struct book_entry *entry)
{
    if (!entry->ready.in)
        book_list_add(&book->ready, &entry->ready);
}

/* Wakes the oldest that may go to this provider. If it finds a place it passes
 * the wake-up on (book_class_pass), so one is enough. */
static void class_wake(struct book *book, struct book_class *class_,
                       const struct pubkey *provider, uint64_t now_ms)
{
    struct book_link *link = class_->waiting.first;
    while (link != NULL && is_left_alone(link->entry, provider, now_ms))
        link = link->next;
    if (link != NULL)
        make_ready(book, link->entry);
}

void book_class_pass(struct book *book, const struct book_entry *entry)
{
    struct book_link *younger = NULL;
    struct book_link *link = book_class_of(book, entry)->waiting.last;
    while (link != NULL && link->entry->seq > entry->seq) {
        younger = link;
        link = link->prev;
    }
    if (younger != NULL)
        make_ready(book, younger->entry);
}

/* What each class that the slot could hold gets there now. */
static void note_before(struct book *book, struct book_class *class_,
                        uint32_t slot, uint64_t now_ms)
{
    class_->before = class_fits(book, class_, slot, now_ms);
    class_->before_at = book->change;
}

void book_wake_begin(struct book *book, uint32_t slot, uint64_t now_ms)
{
    struct query query;
    struct search search;
    struct search_hit hit;
    book->change++;
    if (!book_needs_begin(book, slot, now_ms, &query, &search))
        return;
    while (search_next(&search, &hit))
        note_before(book, book->classes[hit.slot], slot, now_ms);
}

void book_wake_end(struct book *book, uint32_t slot, uint64_t now_ms)
{
    struct query query;
    struct search search;
    struct search_hit hit;
    if (!book_needs_begin(book, slot, now_ms, &query, &search))
        return;
    while (search_next(&search, &hit)) {
        struct book_class *class_ = book->classes[hit.slot];
        bool seen = class_->before_at == book->change;
        uint32_t before = seen ? class_->before : 0;
        uint32_t after = class_fits(book, class_, slot, now_ms);
        if (after > before)
            class_wake(book, class_, &book->slots[slot].provider, now_ms);
    }
}
