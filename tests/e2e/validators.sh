#!/usr/bin/env bash
# validators.sh BIN: validators as real processes, with jobs on their way the
# whole time. They are killed, frozen, their disks damaged, their memory wiped,
# a key is on two machines, newcomers follow, join and leave; up to a third of
# them may be away and the chain goes on; with more away it stands still, says
# so, and goes on when they are back. Nobody ever has another block.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$(dirname "$(readlink -f "$0")")/lib-chain.sh"
e2e_start validators "$@"
"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 ||
    { echo "no image: umoci and busybox-static are needed"; exit 1; }
PORT=${E2E_PORT:-27300}
D=$SUAN_HOME/devnet

# ======== four: one may be away
check "a devnet with short epochs comes up" suan devnet up --base-port "$PORT" \
    --param epoch_blocks=12 --image "$WORK/busybox.tar" -q
stream
check "the chain goes on" grows buyer

began=$SECONDS
for v in validator-{1,2,3,4}; do
    kill_hard "$v"
    check "$v is killed: the others go on" grows buyer
    start "$v"
    check "and it is back" follows "$v"
done
echo "      ($((SECONDS - began)) s)"

pid=$(pid_of validator-2)
kill -STOP "$pid"
silent() { suan chain status --node validator-1 --json | jq -e '[.validators[] | select(.reach == "silent")] | length == 1'; }
check "chain status names one that is frozen" until_true 30 silent
check "the others go on" grows buyer 1
kill -CONT "$pid"
check "it catches up" follows validator-2

# ---- newcomers: one that only follows, one that wants to join
# fresh NAME PORT ROLE: a node of this network with nothing but the genesis.
fresh() {
    mkdir -m 700 "$D/$1"
    cp "$D/genesis" "$D/$1/"
    {
        printf '[node]\nname = %s\nroles = %s\ngenesis = genesis\n' "$1" "$3"
        printf 'listen = 127.0.0.1:%d\nbulk = 127.0.0.1:%d\n' "$2" $(($2 + 1))
        suan devnet status --json | jq -r '.nodes[] | select(.roles == "validator") | "peers = \(.listen)@\(.node)"'
    } >"$D/$1/suan.conf"
}
base=$(suan devnet status --json | jq -r '.nodes[0].listen | split(":")[1]')
fresh late $((base + 100)) buyer
fresh newcomer $((base + 102)) validator
start late
start newcomer
check "a late joiner follows to the tip" follows late
check "so does one with a validator's key" follows newcomer
check "which is not in the set" votes_are newcomer "not in the set"
# Again when a payment from the same key came in between.
check "it bonds" until_true 10 suan validator bond 500 --node newcomer --yes -q
bonded_in=$(suan chain status --json | jq .epoch)

# ---- a damaged database
kill_hard validator-3
dd if=/dev/urandom of="$D/validator-3/chain/data.mdb" bs=4096 count=3 conv=notrunc 2>/dev/null
refused "a damaged database: it says what to do" 1 'damaged.*move|move.*chain' \
    timeout 20 "$BIN/suand" --data-dir "$D/validator-3"
mv "$D/validator-3/chain" "$WORK/damaged"
start validator-3
check "without it the chain is fetched from the others" follows validator-3
# Its safety log is ahead of its store: what it holds cannot be told from here.
check "and it signs again when that is safe" until_true 30 votes_are validator-3 signs

# ---- a wiped safety log: nothing is signed until it is known to be harmless
stop_node validator-4
mv "$D/validator-4/votes" "$WORK/wiped"
# With one more away nothing is decided, and so nothing is safe before we look.
pid=$(pid_of validator-3)
kill -STOP "$pid"
start validator-4
until_true 10 answers validator-4
check "a validator that has forgotten says so" votes_are validator-4 "has forgotten"
warned() { suan node status --node "$1" --json | jq -e --arg t "$2" '.warnings[] | select(.what | test($t))'; }
check "and warns" until_true 5 warned validator-4 "safety log"
kill -CONT "$pid"
check "the others go on" grows buyer
began=$SECONDS
check "it signs again when that is safe" until_true 60 votes_are validator-4 signs
echo "      ($((SECONDS - began)) s later)"
refused "the warning has gone" 4 '' warned validator-4 "safety log"

# ---- the newcomer joins
check "the newcomer is in the set" until_true 40 votes_are newcomer signs
echo "      (bonded in epoch $bonded_in, signs in $(suan chain status --json | jq .epoch))"
check "and signs blocks" until_true 10 has_signed "$(vote_key newcomer)"
equal "which makes five" 5 "$(suan chain status --json | jq '.validators | length')"

# ---- one key on two machines
fresh twin $((base + 104)) validator
stop_node validator-1
mkdir -m 700 "$D/twin/keys"
cp -a "$D/validator-1/keys/"validator* "$D/twin/keys/"
cp -a "$D/validator-1/votes" "$D/twin/"
start validator-1
start twin
until_true 10 answers twin
seen_twin() {
    local n
    for n in validator-1 twin; do
        votes_are "$n" "another machine has its key" && TWIN=$n && return
    done
    return 1
}
check "one key on two machines: one of them says so and stops signing" until_true 15 seen_twin
TWIN=twin
seen_twin # here: a check runs in a shell of its own
check "with a warning" until_true 5 warned "$TWIN" "another machine"
check "the chain goes on" grows buyer
stop_node twin
stop_node validator-1
start validator-1
until_true 10 answers validator-1
check "with the other one gone it signs" until_true 15 votes_are validator-1 signs

# ---- and leaves
check "the newcomer takes its money back" until_true 10 suan validator unbond all --node newcomer --yes -q
check "and leaves" until_true 40 votes_are newcomer "not in the set"
check "the set says it, too" bond_is newcomer none

stream_ends
all_is_well validator-{1,2,3,4} provider-{1,2,3} buyer late newcomer
for n in late newcomer; do stop_node "$n"; done
check "the devnet goes down" suan devnet down -q
mv "$D" "$SUAN_HOME/four"

# ======== seven: two may be away, not three
check "a devnet of seven validators comes up" suan devnet up --base-port "$PORT" --validators 7 \
    --providers 1 --image "$WORK/busybox.tar" -q
stream
check "the chain goes on" grows buyer
kill_hard validator-2
kill_hard validator-5
check "with two of seven dead it goes on" grows buyer 3
kill_hard validator-7
stood=$(stands buyer)
waits() { suan ps --json | jq -e '.jobs[].reason | select(test("no block for [0-9]+ s: 4 of 7 validators reachable, too few"))'; }
check "with three dead a waiting job says why" until_true 15 waits
equal "and no block is decided" "$stood" "$(height buyer)"
check "validators warn" until_true 10 warned validator-1 "no block is decided"
check "nobody has another block" same_chain validator-{1,3,4,6} buyer
start validator-5
began=$(date +%s%N)
check "one comes back: the chain goes on" until_true 15 higher buyer "$stood"
echo "      ($((($(date +%s%N) - began) / 1000000)) ms after its start)"
stream_ends
start validator-2
start validator-7
all_is_well validator-{1,2,3,4,5,6,7} provider-1 buyer
check "the devnet goes down" suan devnet down -q
mv "$D" "$SUAN_HOME/seven"

# ======== one: nobody can tell it what it has signed
check "a devnet of one validator comes up" suan devnet up --base-port "$PORT" --validators 1 \
    --providers 1 --image "$WORK/busybox.tar" -q
refused "who has forgotten nothing need not recall" 8 'forgotten nothing' suan validator recall --node validator-1 --yes
stop_node validator-1
mv "$D/validator-1/votes" "$WORK/lone"
start validator-1
check "alone and without its votes it is silent" until_true 10 votes_are validator-1 "has forgotten"
refused "nobody's word is taken for granted" 4 "yes" suan validator recall --node validator-1
check "the operator vouches" suan validator recall --node validator-1 --yes
check "it signs" votes_are validator-1 signs
stream
check "and the chain goes on" grows buyer
stream_ends
check "the devnet goes down" suan devnet down -q
