/* The bill before the work: what place.h declares of it. */

#include "cli/place.h"
#include "cli/view/view.h"

#include "base/check.h"

#include <string.h>

enum err bill_sum(const struct order *order, const struct placement *p,
                  struct bill *out)
{
    struct bill bill = {.within_price_max = order->has_price_max};
    struct amount share = order_task_cap(order);
    struct amount fees;
    for (size_t i = 0; i < p->quote_count; i++) {
        struct amount cap = p->quotes[i].cap;
        TRY(amount_add(bill.quoted, cap, &bill.quoted));
        if (amount_cmp(cap, bill.task_cap) > 0)
            bill.task_cap = cap;
    }
    /* With a cap of their own, tasks may be tried elsewhere up to that. */
    if (order->has_price_max) {
        bill.within_price_max = amount_cmp(bill.task_cap, share) <= 0;
        if (bill.within_price_max)
            bill.task_cap = share;
    }
    TRY(amount_mul(bill.task_cap, order->tasks, &bill.work));
    TRY(amount_mul(p->network.open_fee, order->tasks, &bill.fees));
    TRY(amount_add(bill.work, bill.fees, &bill.total));
    TRY(amount_mul(p->network.open_fee, p->quote_count, &fees));
    TRY(amount_add(bill.quoted, fees, &bill.quoted));
    *out = bill;
    return OK;
}

/* The quotes of one provider at one price, as a row. */
static json_t *row_of(const struct cli *cli, const struct placement *p,
                      size_t first, bool *taken)
{
    const struct quote *head = &p->quotes[first];
    char provider[ADDRESS_TEXT_MAX];
    const char *name = p->names[first];
    uint64_t now = cli->now_ms();
    uint64_t count = 0;
    struct amount cap = {0};
    struct amount bond = {0};
    for (size_t i = first; i < p->quote_count; i++) {
        const struct quote *q = &p->quotes[i];
        if (!pubkey_equal(&q->provider, &head->provider) ||
            amount_cmp(q->hour, head->hour) != 0)
            continue;
        taken[i] = true;
        count++;
        if (amount_add(cap, q->cap, &cap) != OK ||
            amount_add(bond, q->bond, &bond) != OK)
            return NULL;
    }
    address_format(p->network.prefix, &head->provider, provider);
    return json_pack(
        "{s:I, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "tasks",
        (json_int_t)count, "provider", provider, "name",
        name[0] != '\0' ? name : provider, "hour_micro",
        (json_int_t)amount_figure(head->hour), "cap_micro",
        (json_int_t)amount_figure(cap), "bond_micro",
        (json_int_t)amount_figure(bond), "start_ms",
        (json_int_t)(head->start_by_ms > now ? head->start_by_ms - now : 0),
        "start_by_ms", (json_int_t)head->start_by_ms, "speed",
        (json_int_t)head->grade.int_ops, "rtt_us", (json_int_t)head->rtt_us,
        "retention_ms", (json_int_t)head->retention_ms, "expires_at_ms",
        (json_int_t)head->expires_at_ms);
}

json_t *bill_rows(const struct cli *cli, const struct placement *p)
{
    json_t *rows = json_array();
    bool taken[LIMIT_TASKS] = {false};
    CHECK(p->quote_count <= LIMIT_TASKS);
    for (size_t i = 0; i < p->quote_count && rows != NULL; i++) {
        if (!taken[i])
            json_array_append_new(rows, row_of(cli, p, i, taken));
    }
    return rows;
}

static int show_json(struct cli *cli, const struct placement *p,
                     const struct bill *bill)
{
    int failed;
    json_t *line = json_pack(
        "{s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:o}", "event", "bill", "id",
        p->id_text, "tasks", (int)p->request.tasks, "unplaced",
        (int)p->unplaced, "task_cap_micro",
        (json_int_t)amount_figure(bill->task_cap), "total_cap_micro",
        (json_int_t)amount_figure(bill->work), "fees_micro",
        (json_int_t)amount_figure(bill->fees), "bill", bill_rows(cli, p));
    if (line == NULL)
        return cli_nomem(cli);
    if (p->crew != NULL)
        json_object_set(line, "availability", p->crew);
    failed = out_ndjson(cli, line);
    json_decref(line);
    return failed;
}

/* What is paid at most, to whom. */
static void say_sums(struct cli *cli, const struct order *order,
                     const struct placement *p, const struct bill *bill)
{
    char cap[AMOUNT_TEXT_MAX];
    char work[AMOUNT_TEXT_MAX];
    char fee[AMOUNT_TEXT_MAX];
    char fees[AMOUNT_TEXT_MAX];
    amount_format(bill->task_cap, cap);
    amount_format(bill->work, work);
    amount_format(p->network.open_fee, fee);
    amount_format(bill->fees, fees);
    if (order->tasks > 1) {
        cli_note(cli, "At most %s a task, %s for all %u tasks.", cap, work,
                 order->tasks);
        cli_note(cli, "The chain's fee: %s a contract, %s for all tasks.", fee,
                 fees);
    } else {
        cli_note(cli,
                 "At most %s; only the time used is paid, the rest comes "
                 "back.",
                 work);
        cli_note(cli, "The chain's fee: %s for the contract.", fee);
    }
}

int bill_show(struct cli *cli, const struct order *order,
              const struct placement *p, const struct bill *bill)
{
    struct cli to_people = *cli;
    json_t *table;
    int failed;
    if (cli->form == FORM_JSON)
        return show_json(cli, p, bill);
    if (cli->quiet)
        return 0;
    table = json_pack("{s:o}", "bill", bill_rows(cli, p));
    to_people.out = cli->err;
    if (to_people.form == FORM_NAME)
        to_people.form = FORM_TABLE;
    failed = table == NULL ? cli_nomem(cli)
                           : view_print(&to_people, &view_bill, table);
    json_decref(table);
    if (failed)
        return failed;
    say_sums(cli, order, p, bill);
    if (p->unplaced > 0)
        cli_note(cli, "%u tasks wait until capacity is free.", p->unplaced);
    return 0;
}
