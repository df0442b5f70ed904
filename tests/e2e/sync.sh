#!/usr/bin/env bash
# sync.sh BIN: a newcomer to a chain of many epochs fetches the state by pages
# instead of executing the past, from real processes while payments go on. It is
# killed again and again on the way, goes on where it was, ends with the same
# state as those who executed everything, and serves the next newcomer. Who
# wants all of history gets it.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
. "$(dirname "$(readlink -f "$0")")/lib-chain.sh"
e2e_start sync "$@"
PORT=${E2E_PORT:-27300}
PEOPLE=${SYNC_PEOPLE:-12000}
D=$SUAN_HOME/devnet

status() { suan chain status --node "$1" --json; }
# field NODE NAME: of chain status.
field() { status "$1" | jq -r ".$2"; }
# same_state NODE: it and the buyer have, at one height, one state root.
same_state() {
    local a b
    a=$(status buyer | jq -r '"\(.height) \(.state_root)"')
    b=$(status "$1" | jq -r '"\(.height) \(.state_root)"')
    [ "$a" = "$b" ] && [ "${a#null}" = "$a" ]
}
# fresh NAME PORT SYNC PEER...: a node with nothing but the genesis, and these
# peers (names of nodes).
fresh() {
    local name=$1 port=$2 sync=$3 peer
    shift 3
    mkdir -m 700 "$D/$name"
    cp "$D/genesis" "$D/$name/"
    {
        printf '[node]\nname = %s\nroles = buyer\ngenesis = genesis\nsync = %s\n' "$name" "$sync"
        printf 'listen = 127.0.0.1:%d\nbulk = 127.0.0.1:%d\n' "$port" $((port + 1))
        for peer in "$@"; do
            suan node status --node "$peer" --json | jq -r '"peers = \(.listen)@\(.node)"'
        done
    } >"$D/$name/suan.conf"
}
validators() { suan devnet status --json | jq -r '.nodes[] | select(.roles == "validator") | .name'; }
# pay: small payments, one after the other, until the file is gone.
pay() {
    local to
    to=$(suan validator list --json | jq -r '.validators[0].validator')
    while [ -e "$WORK/go" ]; do
        timeout 5 "$BIN/suan" wallet send "$to" 0.001 --yes -q >/dev/null 2>&1
        sleep 0.2
    done
}

# ======== a chain of many epochs, with many accounts
check "a devnet with short epochs comes up" suan devnet up --base-port "$PORT" \
    --param epoch_blocks=20 -q
payer=$("$BIN/bench_flood" address "$D/validator-1")
check "somebody has money" suan wallet send "$payer" 700 --yes -q
check "$PEOPLE accounts are made" "$BIN/bench_flood" people "$D/validator-1" "$PEOPLE"
many_epochs() { [ "$(field buyer epoch)" -gt 7 ]; }
touch "$WORK/go"
pay &
check "seven epochs have ended" until_true 120 many_epochs

# ======== the newcomer, killed on its way
mapfile -t peers < <(validators)
base=$(suan devnet status --json | jq -r '.nodes[0].listen | split(":")[1]')
fresh late $((base + 200)) pages "${peers[@]}"
kills=0 midway=0 nap=0.02
arrived() { [ "$(field late base)" -gt 0 ]; }
# Whoever is killed while it fetches has said that it does, and not that it is
# done; then it has longer.
midway() {
    local begun done
    begun=$(grep -c 'fetching the state' "$D/late/log")
    done=$(grep -cE 'the state at height|late is up.* height [1-9]' "$D/late/log")
    [ "$begun" -gt 0 ] && [ "$done" -eq 0 ]
}
for ((i = 0; i < 100; i++)); do
    setsid "$BIN/suand" --data-dir "$D/late" >>"$D/late/log" 2>&1 </dev/null &
    pid=$!
    disown
    sleep "$nap"
    # Killed between the last batch and the word of it, it starts with a height.
    grep -qE 'the state at height|late is up.* height [1-9]' "$D/late/log" && break
    kill -9 "$pid" 2>/dev/null
    kills=$((kills + 1))
    midway && midway=$((midway + 1))
    nap=$(awk "BEGIN {print $nap * 1.04 + 0.003}")
done
echo "      (killed $kills times, $midway of them while it fetched)"
check "it arrives in spite of it" until_true 60 arrived
check "it was killed while it fetched" test "$midway" -ge 1
check "it follows to the tip" follows late
rm -f "$WORK/go"
wait
check "its state is that of those who executed all" until_true 20 same_state late
epoch=$(($(field late base) / 20))
check "its history begins at the end of epoch $epoch" test "$epoch" -ge 5
check "its chain verifies, from there" suan chain verify --node late
equal "and the verification says from where" "$(field late base)" \
    "$(suan chain verify --node late --json | jq .base)"
refused "of older blocks it says that it has none" 3 'not on this node.*fetched' \
    suan chain block 3 --node late
old=$(suan chain block 3 --json | jq -r '.txs[0].id')
refused "an older transaction is not said to be unknown to all" 3 'blocks after .*all of history' \
    suan chain tx "$old" --node late
refused "nor is it proven to be in no block" 3 'older ones are not here.*all of history' \
    suan chain prove "$old" --node late
check "balances are there" test "$(suan chain account "$payer" --node late --json | jq -r .balance_micro)" = \
    "$(balance "$payer")"
check "it proves a balance from the genesis" suan chain prove "$payer" --node late --out "$WORK/proof"
check "which anybody can check" suan chain check "$WORK/proof" --genesis "$(field buyer chain)"
equal "nobody called anybody bad" "" "$(grep -hE 'banned|score' "$D"/*/log | head -n 3)"

# ======== all of history, and the next one
fresh archive $((base + 202)) blocks "${peers[@]}"
start archive
check "who wants all blocks executes them" follows archive
equal "and has all of history" 0 "$(field archive base)"
check "block 3, too" suan chain block 3 --node archive
fresh next $((base + 204)) pages late
start next
check "a newcomer can begin at a newcomer" until_true 60 same_state next
check "it has fetched, too" test "$(field next base)" -gt 0
check "and verifies" suan chain verify --node next
grep -h 'the state at height' "$D"/late/log "$D"/next/log | tail -n 2 | sed 's/^/      /'
for n in "$D"/*/log; do equal "no bug of ours in ${n#"$D/"}" "" "$(grep ' broken ' "$n" | head -n 3)"; done
for n in late archive next; do stop_node "$n"; done
check "the devnet goes down" suan devnet down -q
