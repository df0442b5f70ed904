#include "ledger/transfer.h"

#include "ledger/params.h"

#include <string.h>

void transfer_encode(const struct transfer *transfer, struct buf *out)
{
    mp_put_array(out, 3);
    mp_put_pubkey(out, &transfer->to);
    mp_put_amount(out, transfer->amount);
    mp_put_str(out, transfer->memo);
}

enum err transfer_decode(struct bytes payload, struct arena *arena,
                         struct transfer *out)
{
    struct mp_reader reader;
    struct transfer transfer;
    memset(&transfer, 0, sizeof(transfer));
    TRY(mp_open(&reader, payload, arena));
    mp_enter_exact(&reader, 3);
    mp_get_pubkey(&reader, &transfer.to);
    transfer.amount = mp_get_amount(&reader);
    mp_get_text(&reader, transfer.memo, sizeof(transfer.memo));
    mp_leave(&reader);
    TRY(mp_close(&reader));
    if (amount_is_zero(transfer.amount))
        return ERR_RANGE;
    *out = transfer;
    return OK;
}

enum err transfer_apply(struct state *state, const struct tx *tx,
                        const struct block_context *context,
                        struct arena *arena, struct tx_effect *out_effect)
{
    struct transfer transfer;
    (void)context;
    TRY(transfer_decode(tx->payload, arena, &transfer));
    TRY(account_debit(state, &tx->sender, transfer.amount));
    TRY(account_credit(state, &transfer.to, transfer.amount));
    out_effect->accounts[0] = transfer.to;
    out_effect->account_count = 1;
    out_effect->moved = transfer.amount;
    return OK;
}
