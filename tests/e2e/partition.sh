#!/usr/bin/env bash
# partition.sh BIN: four validators, a provider and a buyer, each with a network
# of its own, and cables that are cut, cut in one direction, slow and lossy while
# jobs are on their way. No half decides alone; the larger part goes on; what was
# cut off catches up; every job settles.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
for tool in ip nsenter python3; do
    command -v $tool >/dev/null || { echo "skipped: $tool is missing. Try: ./run setup"; exit 77; }
done
[ -w /dev/net/tun ] || { echo "skipped: /dev/net/tun cannot be opened"; exit 77; }
e2e_start partition "$@"
. "$(dirname "$(readlink -f "$0")")/lib-chain.sh"
"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 ||
    { echo "no image: umoci and busybox-static are needed"; exit 1; }
D=$SUAN_HOME/devnet
nodes=(validator-{1,2,3,4} provider-1 buyer)

# ---- the network: node i is 10.77.0.i in the namespace $spaces-i
spaces=suan-$$
rules() { printf '%s\n' "$@" >"$WORK/rules.new" && mv "$WORK/rules.new" "$WORK/rules"; }
healed() { rules ''; }
# apart "1 2" "3 4": nothing passes between the two sides.
apart() {
    local a b lines=()
    for a in $1; do for b in $2; do lines+=("cut $a $b" "cut $b $a"); done; done
    rules "${lines[@]}"
}
unplug() {
    local code=$?
    rm -f "$WORK/go"
    suan devnet down -q >/dev/null 2>&1
    [ -z "${SWITCH:-}" ] || { kill "$SWITCH"; wait "$SWITCH"; } 2>/dev/null
    (exit $code)
    e2e_end
}
trap unplug EXIT
healed
exec {plugged}< <(exec python3 "$HERE/switch.py" "$spaces" 6 "$WORK/rules" 2>"$WORK/switch.log")
SWITCH=$!
read -r -t 20 -u "$plugged" _ || {
    echo "skipped: no namespaces can be made here: $(tail -n 1 "$WORK/switch.log")"
    exit 77
}

in_place() {
    local i name=$1
    shift
    for i in "${!nodes[@]}"; do
        [ "${nodes[i]}" != "$name" ] || break
    done
    nsenter --net="/run/netns/$spaces-$((i + 1))" "$@"
}

# ---- a devnet moves there
check "a devnet comes up" suan devnet up --base-port "${E2E_PORT:-27300}" --providers 1 --param epoch_blocks=30 \
    --image "$WORK/busybox.tar" -q
suan devnet status --json >"$WORK/devnet.json"
suan devnet down -q
move=()
for i in "${!nodes[@]}"; do
    port=$(jq -r ".nodes[$i].listen | split(\":\")[1]" "$WORK/devnet.json")
    move+=(-e "s/127\.0\.0\.1:\($port\|$((port + 1))\)\b/10.77.0.$((i + 1)):\1/")
done
for n in "${nodes[@]}"; do
    sed -i "${move[@]}" "$D/$n/suan.conf"
    start "$n"
done
for n in "${nodes[@]}"; do until_true 20 answers "$n"; done
sold_here() { suan market offers --json | jq -e '.offers | length == 1'; }
check "each node has a network of its own" until_true 20 sold_here
stream
check "jobs run and the chain goes on" grows buyer 5

# since NANOSECONDS
since() { echo "      ($((($(date +%s%N) - $1) / 1000000)) ms)"; }

# ---- two and two
apart "1 2" "3 4 5 6"
stood=$(stands "${nodes[@]}")
sleep 3.5
equal "two against two: no half decides" "$stood" "$(heights "${nodes[@]}")"
half() { suan chain status --node "$1" --json | jq -e '.reachable == 2 and (.quorum | not)'; }
check "each says that two can be reached" until_true 10 half validator-1
check "the other half, too" until_true 10 half validator-4
waits() { suan ps --json | jq -e '.jobs[].reason | select(test("no block for .*too few"))'; }
check "a job says what it waits for" until_true 15 waits
check "nobody has another block" same_chain "${nodes[@]}"
healed
began=$(date +%s%N)
stood=$(height buyer)
check "together again they go on" until_true 20 higher buyer $((stood + 1))
since "$began"

# ---- three and one
apart "4" "1 2 3 5 6"
check "three against one: the three go on" grows buyer 4
stood=$(stands validator-4)
sleep 2
equal "the one does not" "$stood" "$(height validator-4)"
healed
began=$(date +%s%N)
check "it catches up" follows validator-4
since "$began"

# ---- one way
rules "cut 2 *"
check "nobody hears one of them: the others go on" grows buyer 4
rules "cut * 3"
check "one hears nobody: the others go on" grows buyer 4
healed
check "both catch up" follows validator-2
check "the other, too" follows validator-3

# ---- a slow network with losses
rules "delay 50" "loss 1" "seed ${2:-7}"
began=$(date +%s%N)
check "50 ms later and with 1 % lost they go on" grows buyer 8
since "$began"
stream_ends
healed
all_is_well "${nodes[@]}"
echo "      ($(suan chain status --node validator-1 --json | jq -c '{height, epoch, view, delay_ms}'))"
