#include "ledger/kind.h"

#include "ledger/bond_tx.h"
#include "ledger/params.h"
#include "ledger/transfer.h"

const struct tx_kind ledger_kinds[] = {
    {TX_TRANSFER, "transfer", fee_for_payload, transfer_apply},
    {TX_VALIDATOR_BOND, "validator.bond", fee_for_payload, bond_add_apply},
    {TX_VALIDATOR_UNBOND, "validator.unbond", fee_for_payload, bond_take_apply},
    {TX_VALIDATOR_WITHDRAW, "validator.withdraw", fee_for_payload,
     bond_withdraw_apply},
};
const size_t ledger_kind_count = sizeof(ledger_kinds) / sizeof(ledger_kinds[0]);
