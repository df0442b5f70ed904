/* What verbs show of the chain, its validators, and the wallet's keys. */

#include "cli/view/views_room.h"

/* ---- chain ---- */

const struct view view_chain = {
    .name = "chain",
    .id = "chain",
    .fields =
        {
            {"Chain", "chain", CELL_ID, 0},
            {"Height", "height", CELL_UINT, 0},
            {"Fetching", "fetching", CELL_TEXT, O},
            {"History from", "base", CELL_UINT, 0},
            {"Block", "block", CELL_ID, 0},
            {"Time", "time_ms", CELL_AGO, 0},
            {"State root", "state_root", CELL_ID, 0},
            {"Supply", "supply_micro", CELL_MONEY, 0},
            {"Transactions", "txs", CELL_UINT, 0},
            {"Waiting", "pool", CELL_UINT, 0},
            {"Waiting for", "waiting_for", CELL_TEXT, O},
            {"Epoch", "epoch", CELL_UINT, 0},
            {"View", "view", CELL_UINT, 0},
            {"View decided", "final_view", CELL_UINT, 0},
            {"Patience", "delay_ms", CELL_SPAN, 0},
            {"Own votes", "votes", CELL_TEXT, 0},
            {"Reachable", "reachable", CELL_UINT, 0},
            {"Enough to decide", "quorum", CELL_BOOL, 0},
        },
};

const struct view view_validators = {
    .name = "validators",
    .rows = "validators",
    .id = "node",
    .fields =
        {
            {"VALIDATOR", "node", CELL_ADDRESS, 0},
            {"WEIGHT", "weight", CELL_UINT, R},
            {"REACHABLE", "reach", CELL_TEXT, 0},
            {"SILENT", "silent_ms", CELL_AGE, R},
            {"LEADS", "leads", CELL_BOOL, 0},
        },
};

const struct view view_bonds = {
    .name = "bonds",
    .rows = "validators",
    .id = "validator",
    .empty = "nobody has bonded anything",
    .fields =
        {
            {"VALIDATOR", "validator", CELL_ADDRESS, 0},
            {"STATE", "state", CELL_TEXT, 0},
            {"BONDED", "bonded_micro", CELL_MONEY, R},
            {"UNBONDING", "unbonding_micro", CELL_MONEY, R},
            {"OWN", "self", CELL_BOOL, 0},
            {"WEIGHT", "weight", CELL_UINT, R | W},
            {"NEXT", "next_weight", CELL_UINT, R | W},
            {"SLASHED", "slashed_micro", CELL_MONEY, R | W},
            {"OWNER", "owner", CELL_ADDRESS, W},
        },
};

const struct view view_bond = {
    .name = "bond",
    .id = "validator",
    .fields =
        {
            {"Validator", "validator", CELL_ADDRESS, 0},
            {"Owner", "owner", CELL_ADDRESS, FIELD_OPT},
            {"State", "state", CELL_TEXT, 0},
            {"Bonded", "bonded_micro", CELL_MONEY, 0},
            {"Unbonding", "unbonding_micro", CELL_MONEY, FIELD_OPT},
            {"Slashed", "slashed_micro", CELL_MONEY, FIELD_OPT},
            {"Jailed in epoch", "jailed_epoch", CELL_UINT, FIELD_OPT},
            {"Weight", "weight", CELL_UINT, 0},
            {"Weight next", "next_weight", CELL_UINT, 0},
            {"Of all", "set_weight", CELL_UINT, 0},
            {"Epoch", "epoch", CELL_UINT, 0},
            {"Epoch ends at", "epoch_end_height", CELL_UINT, 0},
            {"Height", "height", CELL_UINT, 0},
            {"Least bond", "bond_min_micro", CELL_MONEY, 0},
            {"May leave now", "may_leave_micro", CELL_MONEY, 0},
        },
};

const struct view view_unbondings = {
    .name = "unbondings",
    .rows = "unbondings",
    .id = "release_epoch",
    .fields =
        {
            {"RELEASED IN", "release_epoch", CELL_UINT, R},
            {"AMOUNT", "amount_micro", CELL_MONEY, R},
            {"RELEASED", "released", CELL_BOOL, 0},
        },
};

const struct view view_block = {
    .name = "block",
    .id = "hash",
    .fields =
        {
            {"Height", "height", CELL_UINT, 0},
            {"Hash", "hash", CELL_ID, 0},
            {"Time", "header.time_ms", CELL_AGO, O},
            {"Parent", "header.parent", CELL_TEXT, O},
            {"Proposer", "header.proposer", CELL_TEXT, O},
            {"State root", "header.state_root", CELL_TEXT, O},
            {"View", "cert.view", CELL_UINT, 0},
            {"Signers", "cert.signers", CELL_LIST, O},
            {"Header", "header", CELL_JSON, W},
        },
};

const struct view view_block_txs = {
    .name = "block transactions",
    .rows = "txs",
    .id = "id",
    .fields =
        {
            {"ID", "id", CELL_ID, 0},
            {"KIND", "kind", CELL_TEXT, T},
            {"SENDER", "sender", CELL_ADDRESS, 0},
            {"FEE", "fee_micro", CELL_MONEY, R},
            {"MOVED", "effect.moved_micro", CELL_MONEY, R},
        },
};

const struct view view_tx = {
    .name = "tx",
    .id = "id",
    .fields =
        {
            {"Id", "id", CELL_ID, 0},
            {"State", "state", CELL_TEXT, 0},
            {"Height", "height", CELL_UINT, O},
            {"Index", "index", CELL_UINT, W},
            {"Kind", "kind", CELL_TEXT, 0},
            {"Sender", "sender", CELL_ADDRESS, 0},
            {"Nonce", "nonce", CELL_UINT, 0},
            {"Fee", "fee_micro", CELL_MONEY, 0},
            {"Subject", "effect.subject", CELL_ID, O},
            {"Code", "effect.code", CELL_TEXT, O},
            {"Moved", "effect.moved_micro", CELL_MONEY, O},
            {"Bytes", "bytes", CELL_TEXT, W},
        },
};

const struct view view_account = {
    .name = "account",
    .id = "address",
    .fields =
        {
            {"Address", "address", CELL_ADDRESS, 0},
            {"Balance", "balance_micro", CELL_MONEY, 0},
            {"Locked in contracts", "locked_micro", CELL_MONEY, 0},
            {"Open contracts", "contracts_open", CELL_UINT, 0},
            {"Transactions sent", "nonce", CELL_UINT, 0},
        },
};

const struct view view_history = {
    .name = "history",
    .rows = "entries",
    .id = "tx",
    .empty = "nothing has moved on this account",
    .fields =
        {
            {"HEIGHT", "height", CELL_UINT, R},
            {"WHEN", "time_ms", CELL_AGO, R},
            {"TX", "tx", CELL_ID, 0},
            {"KIND", "kind", CELL_TEXT, T},
            {"SUBJECT", "subject", CELL_ID, 0},
            {"AMOUNT", "amount", CELL_TEXT, R},
        },
};

const struct view view_verify = {
    .name = "verify",
    .fields =
        {
            {"State", "state", CELL_TEXT, 0},
            {"From block", "base", CELL_UINT, 0},
            {"Blocks", "height", CELL_UINT, 0},
            {"Transactions", "txs", CELL_UINT, 0},
            {"Seconds", "seconds", CELL_TEXT, O},
        },
};

/* ---- wallet ---- */

const struct view view_keys = {
    .name = "keys",
    .rows = "keys",
    .id = "label",
    .empty = "no keys; `suan wallet new` makes one",
    .fields =
        {
            {"NAME", "label", CELL_NAME, 0},
            {"ADDRESS", "address", CELL_ADDRESS, 0},
            {"CREATED", "created_at_ms", CELL_AGO, R},
            {"BACKUP", "has_backup", CELL_BOOL, 0},
            {"PROBLEM", "problem", CELL_TEXT, T},
        },
};

const struct view view_key = {
    .name = "key",
    .id = "address",
    .fields =
        {
            {"Name", "label", CELL_TEXT, 0},
            {"Address", "address", CELL_ADDRESS, 0},
            {"Created", "created_at_ms", CELL_AGO, 0},
            {"Backup words noted", "has_backup", CELL_BOOL, 0},
            {"File", "file", CELL_TEXT, 0},
            {"Passphrase cost", "cost", CELL_TEXT, W},
        },
};

const struct view view_balance = {
    .name = "balance",
    .rows = "accounts",
    .id = "address",
    .fields =
        {
            {"NAME", "label", CELL_NAME, 0},
            {"ADDRESS", "address", CELL_ADDRESS, 0},
            {"BALANCE", "balance_micro", CELL_MONEY, R},
            {"LOCKED", "locked_micro", CELL_MONEY, R},
            {"CONTRACTS", "contracts_open", CELL_UINT, R},
        },
};
