#!/usr/bin/env bash
# story.sh BIN: one job after another through a real devnet, and what each must
# leave behind: exit codes, outputs, bills, balances, a chain that verifies.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start story "$@"

"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 ||
    { echo "no image: umoci and busybox-static are needed"; exit 1; }
check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-27300} --image "$WORK/busybox.tar" -q
check "devnet up again says it is up already" suan devnet up -q
suan devnet status --json >"$WORK/devnet.json"
equal "eight nodes run, four of them validators" "8 4" \
    "$(jq -r '"\(.nodes | length) \([.nodes[] | select(.roles == "validator")] | length)"' "$WORK/devnet.json")"
equal "three offers are on the market" 3 "$(suan market offers --json | jq '.offers | length')"

# ---- the first job
before=$(suan wallet balance --json | jq -r .accounts[0].balance_micro)
begin=$(date +%s%N)
said=$(suan run --yes -- sh -c 'echo hi' 2>"$WORK/err")
code=$?
took=$((($(date +%s%N) - begin) / 1000000))
equal "a first job prints what it wrote" hi "$said"
equal "and ends with code 0" 0 "$code"
echo "      (from enter to prompt: $took ms)"
after=$(suan wallet balance --json | jq -r .accounts[0].balance_micro)
check "it was paid for" test "$after" -lt "$before"
# The chain's fee for a contract: 0.003.
check "and its fee does not come back" test "$after" -le $((before - 3000))
fees=$(suan devnet status --json | jq '.accounts[] | select(.name == "validators").balance_micro - 100000000')
check "but goes to the owner of the validators' bonds" test "$fees" -ge 3000

short() { suan run --yes -q --cpus 0.2 --mem 16M --disk 8M --time 1m -- echo hi 2>/dev/null; }
equal "twenty short jobs lose none of it" 20 "$(for _ in {1..20}; do short; done | grep -cx hi)"

# ---- codes
suan run --yes -q -- sh -c 'exit 7' >/dev/null 2>&1
equal "a job's own exit code is ours" 7 $?
suan run --yes -q --time 1s -- sleep 60 >/dev/null 2>&1
equal "a job over its time ends with 124" 124 $?
suan run --yes -q --mem 32M -- sh -c 'x=$(head -c 200000000 /dev/zero | tr "\0" x); echo ${#x}' >/dev/null 2>&1
equal "a job over its memory ends with 137" 137 $?
suan run --yes -q -- no-such-program >/dev/null 2>&1
equal "a program that is not there ends with 127" 127 $?

# ---- inputs and outputs
mkdir -p "$WORK/in"
head -c 3000000 /dev/urandom >"$WORK/in/data"
check "a file goes there and back" suan run --yes -q --in "$WORK/in/data:data" --out 'copy' \
    --fetch "$WORK/back" -- sh -c 'mkdir -p /job/out; cp /job/in/data /job/out/copy'
check "and is the same" cmp "$WORK/in/data" "$(find "$WORK/back" -name copy -type f | head -n 1)"

# ---- a bag over several providers
check "a bag of nine tasks runs" suan run --yes -q --tasks 9 --cpus 0.5 --mem 64M --fetch "$WORK/bag" --out '*' -- \
    sh -c 'mkdir -p /job/out; echo $SUAN_TASK of $SUAN_TASKS > /job/out/t; sleep 1'
equal "each task left its output" 9 "$(find "$WORK/bag" -name t -type f | wc -l)"
job=$(suan ps -a --json | jq -r '.jobs | sort_by(.created_at) | last | .id')
used=$(suan job show "$job" --json | jq -r '[.tasks[].provider] | unique | length')
check "more than one provider worked" test "$used" -ge 2

# ---- looking
for verb in show events receipt explain; do
    check "job $verb answers" suan job "$verb" "$job"
    check "job $verb --json is JSON" sh -c "'$BIN/suan' job $verb $job --json | jq -es 'length > 0' >/dev/null"
done
check "logs can be read again" suan job logs "$job" --task 0
check "every table fits 80 columns" sh -c "COLUMNS=80 '$BIN/suan' market offers | awk 'length > 80 {exit 1}'"
check "sell status answers at a provider" suan sell status --node provider-1
check "peers are listed" suan node peers
check "the wallet's history shows it" sh -c "'$BIN/suan' wallet history --json | jq -e '.entries | length > 5' >/dev/null"

# ---- cancel
suan run --yes -q --detach --name sleeper -- sleep 300 >"$WORK/sleeper" 2>&1
id=$(grep -oE '[0-9a-f]{8,64}' "$WORK/sleeper" | head -n 1)
state_is() { [ "$(suan job show "$1" --json | jq -r .state)" = "$2" ]; }
check "a detached job gets going" until_true 20 state_is "$id" RUNNING
check "it can be cancelled" suan job cancel "$id" -y
check "and ends as cancelled" until_true 20 state_is "$id" CANCELLED

# ---- money
check "money is bonded for a validator" owner validator bond 5 --node validator-1 --yes -q
check "and unbonded" owner validator unbond 2.5 --node validator-1 --yes -q
refused "by its owner and nobody else" 1 "another owner.*--wallet" suan validator unbond 1 --node validator-1 --yes -q
refused "what a buyer's node cannot prove is refused" 3 "has no validator" suan validator bond 5 --yes -q
# Of 4000 in the set of this epoch 2.5 have left; a third is 1333.33.
check "much of another's leaves" owner validator unbond 900 --node validator-2 --yes -q
refused "but not more than a third of all in one epoch" 1 "third of the weight.*Try: suan validator show" \
    owner validator unbond 431 --node validator-3 --yes -q
refused "nor of what nobody has bonded" 3 "nothing to unbond" \
    suan validator unbond 1 --validator "$(suan wallet balance --json | jq -r .accounts[0].address)" --yes
check "a little less does" owner validator unbond 430 --node validator-3 --yes -q
refused "and nothing is released yet" 1 "released" owner validator withdraw --node validator-1 --yes -q
equal "it says so itself" "1002500000 2500000 active" \
    "$(suan validator show --node validator-1 --json | jq -r '"\(.bonded_micro) \(.unbonding_micro) \(.state)"')"
supply=$(suan chain status --json | jq -r .supply_micro)
equal "all money is where it should be" "$supply" $(($(money) + $(bonded)))
# ---- proofs: made here, checked by somebody who has the genesis' hash alone
genesis=$(suan chain status --json | jq -r .chain)
stranger() { SUAN_HOME="$WORK/nobody" "$BIN/suan" "$@"; }
me=$(suan wallet balance --json | jq -r .accounts[0].address)
contract=$(suan job show "$job" --json | jq -r '.tasks[0].contract')
oldest=$(suan wallet history --limit 200 --json | jq -r '.entries | last | .tx')
check "a balance is proven" suan chain prove "$me" --out "$WORK/balance.proof"
equal "with --json, too" "$WORK/balance.proof" \
    "$(suan chain prove "$me" --out "$WORK/balance.proof" --json | jq -r .file)"
check "a settlement is proven" suan chain prove "contract:$contract" --out "$WORK/paid.proof"
check "an old transaction is proven" suan chain prove "$oldest" --out "$WORK/old.proof"
equal "a stranger believes the balance" "$(suan wallet balance --json | jq -r .accounts[0].balance_micro)" \
    "$(stranger chain check "$WORK/balance.proof" --genesis "$genesis" --json | jq -r .balance_micro)"
equal "and the settlement" settled "$(stranger chain check "$WORK/paid.proof" --genesis "$genesis" --json | jq -r .state)"
equal "and the old transaction" "$oldest" "$(stranger chain check "$WORK/old.proof" --genesis "$genesis" -o name)"
check "it says so in words" sh -c "SUAN_HOME='$WORK/nobody' '$BIN/suan' chain check '$WORK/paid.proof' --genesis $genesis | grep -q 'was paid'"
check "a proof is some kilobytes" test "$(stat -c %s "$WORK/paid.proof")" -lt 65536
{ head -c 1200 "$WORK/paid.proof"; printf x; tail -c +1202 "$WORK/paid.proof"; } >"$WORK/forged.proof"
refused "a changed proof is refused" 8 "damaged or forged" stranger chain check "$WORK/forged.proof" --genesis "$genesis"
refused "a proof of another chain, too" 8 "not the one you trust" stranger chain check "$WORK/paid.proof" --genesis "$oldest"
refused "nothing is believed without a genesis" 2 "genesis" stranger chain check "$WORK/paid.proof"

check "the chain verifies from genesis" suan chain verify

# ---- selling stops and starts
check "a provider stops selling" suan sell stop --node provider-1
offers() { [ "$(suan market offers --json | jq '[.offers[] | select(.feasible)] | length')" -eq "$1" ]; }
check "its offer leaves the market" until_true 20 offers 2
check "it sells again" suan sell start --node provider-1
check "and is back" until_true 20 offers 3

check "the devnet goes down" suan devnet down -q
check "going down twice is fine" suan devnet down -q
