#!/usr/bin/env bash
# links.sh BIN: the link matrix of a devnet: every pair is known after a while,
# bandwidth between all that sell is, a killed node's links go, and two machines
# with one key are told of each other.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start links "$@"

check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-27500} -q
suan devnet status --json >"$WORK/devnet.json"
nodes=$(jq '.nodes | length' "$WORK/devnet.json")
pairs=$((nodes * (nodes - 1) / 2))
links() { suan market links "$@" --json; }

# ---- all pairs
known() { [ "$(links | jq "[.links[] | select($1)] | length")" -eq "$2" ]; }
check "the round trip of every pair is known" until_true 60 \
    known '.rtt_us > 0' "$pairs"
check "measured by both ends" until_true 60 \
    known '.source == "measured"' "$pairs"
check "with spread, loss and share of time up" \
    known '.spread_us != null and .loss_ppm != null and .up_ppm != null' "$pairs"
check "each pair once" test "$(links | jq -r '.links[] | [.from, .to] | sort | join(" ")' | sort -u | wc -l)" -eq "$pairs"
check "bandwidth between sellers is measured both ways" until_true 90 \
    known '(.from_name | startswith("provider")) and (.to_name | startswith("provider")) and .volume_source == "measured" and .out_kbps > 0 and .in_kbps > 0' 3
check "trust grows with what was seen" until_true 60 \
    known '.confidence_permille >= 700' "$pairs"

# ---- one node's view
check "a node can be named" test "$(links provider-1 | jq '.links | length')" -eq $((nodes - 1))
check "and is the one it is seen from" test \
    "$(links provider-1 | jq '[.links[] | select(.from_name == "provider-1")] | length')" -eq $((nodes - 1))
refused "a node that is not there" 3 "no node" suan market links nobody
check "the table fits 80 columns" sh -c "COLUMNS=80 '$BIN/suan' market links | awk 'length > 80 {exit 1}'"
check "nodes agree on a pair's round trip" test "$(
    for n in provider-1 provider-2; do
        suan market links provider-3 --node "$n" --json |
            jq '.links[] | select(.to_name == "provider-1") | .rtt_us < 1000000'
    done | sort -u)" = true

# ---- what offers say of their network
bench() { suan sell bench --last --node "$1" --json; }
says() { bench provider-1 2>/dev/null | jq -e '.network.counts_bps > 0'; }
check "a seller knows its own goodput from its links" until_true 90 says
check "it is the median of links that both ends measured" jq -e '.network | .links >= 2 and .text == "median of \(.links) links, measured by both ends"' <(bench provider-1)
check "it has the class network" jq -e '.grade.classes.network.all > 0' <(bench provider-1)
offered() { suan market offers --json | jq -e '[.offers[] | select(.network.counts_bps > 0 and .grade.classes.network.all > 0)] | length == 3'; }
check "every offer's goodput is known to a buyer" until_true 60 offered
check "and counts no more than what links bear out" test "$(suan market offers --json |
    jq '[.offers[] | select(.network.counts_bps > .network.found_bps or .network.counts_bps > .network.declared_bps)] | length')" -eq 0
check "the identifier takes it" grep -q "Network, kbit/s" <(suan sell identifier --node provider-1 \
    --city beijing --industry telecom --enterprise acme --resource general --centre dc-2 \
    --service batch --chip epyc --chip-number SN1 --salt s --ability 1G)

# ---- a node that dies
address=$(suan market offers --json | jq -r '.offers[] | select(.name == "provider-2") | .provider')
victim=$(jq -r '.nodes[] | select(.name == "provider-2") | .pid' "$WORK/devnet.json")
kill -KILL "$victim"
none_of_it() { ! links | grep -q "$address"; }
check "the links of a killed node age out" until_true 90 none_of_it
left=$(((nodes - 1) * (nodes - 2) / 2))
check "those of all others stay" known '.rtt_us > 0' "$left"

# ---- a second machine with a node's key
from=$SUAN_HOME/devnet/provider-3 copy=$WORK/copy
mkdir -p "$copy"
cp -a "$from/keys" "$from/genesis" "$copy/"
sed -E "s/^listen = .*/listen = 127.0.0.1:$((${E2E_PORT:-27500} + 40))/; s/^bulk = .*/bulk = 127.0.0.1:$((${E2E_PORT:-27500} + 41))/" "$from/suan.conf" >"$copy/suan.conf"
"$BIN/suand" --data-dir "$copy" >"$WORK/copy.log" 2>&1 &
second=$!
warned() { suan --data-dir "$1" node status --json | jq -e 'any(.warnings[]; .what == "another machine uses this node'"'"'s key")'; }
check "a second machine with a node's key is told so" until_true 90 warned "$copy"
check "and so is the first" until_true 90 warned "$from"
check "in words" grep -q "another machine uses this node's key.*Try: stop one of" <(suan --data-dir "$from" node status 2>&1)
kill "$second"
wait "$second"
check "the devnet goes down" suan devnet down -q
