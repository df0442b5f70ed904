#ifndef CLI_VIEW_H
#define CLI_VIEW_H

/* A view is how one kind of result is shown: a list as a table, one object as
 * lines. They stand in views_*.c, and views[] names them all, so that a test
 * can fill each with the largest values there are and measure it: a table is at
 * most 80 columns wide unless -o wide is given. */

#include "cli/cli.h"

enum cell {
    CELL_TEXT,
    CELL_NAME, /* somebody's: its first 16 bytes */
    CELL_UINT,
    CELL_BOOL,  /* yes or no */
    CELL_MONEY, /* micro-credits, as decimal credits */
    CELL_MILLI, /* thousandths of a core */
    CELL_MIB,
    CELL_BYTES,
    CELL_AGO,      /* a time: how long ago, or "in 5m"; "-" for zero */
    CELL_SPAN,     /* ms */
    CELL_AGE,      /* ms, coarse */
    CELL_US,       /* round-trip time in us */
    CELL_RATE,     /* per second */
    CELL_KBPS,     /* kbit/s, as bit/s */
    CELL_PPM,      /* millionths, as per cent */
    CELL_PERMILLE, /* thousandths, as per cent */
    CELL_ID,       /* 64 hex digits: the first eight */
    CELL_ADDRESS,  /* the ends of it */
    CELL_LIST,     /* an array of texts, or an object as key=value, by commas */
    CELL_JSON,     /* anything, as compact JSON */
};

#define FIELD_RIGHT 1u /* aligned right */
#define FIELD_TRUNC 2u /* may be cut to make the table fit */
#define FIELD_WIDE  4u /* only with -o wide */
#define FIELD_OPT   8u /* of an object: left out when zero or absent */

struct field {
    const char *title;
    const char *key; /* "a.b" walks into objects */
    enum cell cell;
    unsigned flags;
};

#define VIEW_FIELDS_MAX 40

struct view {
    const char *name;  /* for the test's messages */
    const char *rows;  /* key of the array of rows; NULL: one object */
    const char *id;    /* key that -o name prints */
    const char *empty; /* said when there are no rows */
    struct field fields[VIEW_FIELDS_MAX]; /* ends at a NULL title */
};

/* Shows a node's result in the form asked for. `result` is lent. Returns 0 or
 * the exit code of a failed write. */
int view_print(struct cli *cli, const struct view *view, json_t *result);

/* The text of one cell, appended. wide: in full. */
void cell_format(const struct cli *cli, enum cell cell, const json_t *value,
                 bool wide, struct buf *out);

/* Prints one JSON value and a line end: pretty on a terminal, else one line.
 * Times become RFC 3339 (json_present). */
int out_json(struct cli *cli, const json_t *value);
/* One compact line: streams. */
int out_ndjson(struct cli *cli, const json_t *value);
/* A copy in which every moment ("..._at_ms" and the few others of
 * docs/control.md) is a string in RFC 3339 under a name without _ms; zero is
 * null. Given. */
json_t *json_present(const json_t *value);

/* Flushes stdout: exit 1 with the reason when it could not be written. */
int out_flush(struct cli *cli);

/* Every view there is; ends at NULL. */
extern const struct view *const views[];

extern const struct view view_jobs, view_job, view_tasks, view_chosen,
    view_timeline, view_events, view_receipts, view_files, view_rejects,
    view_histogram, view_relax, view_bill, view_offers, view_ranks,
    view_policies, view_policy, view_replay_market, view_contracts, view_queue,
    view_offer, view_sell, view_grade, view_figures, view_answer, view_audit,
    view_identifier, view_images, view_image, view_peers, view_banned,
    view_status, view_chain, view_validators, view_block, view_block_txs,
    view_tx, view_account, view_history, view_config, view_keys, view_key,
    view_balance, view_devnet, view_devnet_accounts, view_doctor, view_verify,
    view_bonds, view_bond, view_unbondings, view_links, view_graph,
    view_graph_plan, view_graph_tasks, view_graph_ways;

#endif
