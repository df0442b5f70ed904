#!/usr/bin/env bash
# graph.sh BIN: graphs of jobs on a devnet with three providers. The example is
# planned, shown, run and fetched; then the buyer's node is killed while one
# runs, a provider before its turn, and another after it has delivered. Each
# graph ends as it should, nothing is paid twice, and no money is lost or made.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start graph "$@"
"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 ||
    { echo "no image: umoci and busybox-static are needed"; exit 1; }
check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-27300} --image "$WORK/busybox.tar" -q
D=$SUAN_HOME/devnet
mapfile -t nodes < <(node_names)
supply=$(suan chain status --json | jq -r .supply_micro)
example=$TOP/docs/examples/graph

restart() {
    setsid "$BIN/suand" --data-dir "$D/$1" >>"$D/$1/log" 2>&1 </dev/null &
    disown
}
kill9() { kill -9 "$(cat "$D/$1/run/pid")"; }
answers() { suan node status --node "$1" --json; }
show() { suan job show "$1" --json; }
state_of() { show "$1" | jq -r .state; }
ended() { show "$1" | jq -e '.state | IN("DONE","FAILED","CANCELLED","EXPIRED")'; }
part_is() { [ "$(show "$1" | jq -r --arg p "$2" '.parts[] | select(.part == $p) | .state')" = "$3" ]; }
seller() { suan market offers --json | jq -r --arg n "$1" '.offers[] | select(.name == $n) | .provider'; }
# All money is on accounts again, and a graph cost what its contracts were paid.
all_is_paid() {
    check "$1: nothing stays locked" until_true 60 nothing_locked
    equal "$1: no money is lost or made" "$supply" $(($(money) + $(bonded)))
    equal "$1: one bill, the sum of its tasks" \
        "$(show "$2" | jq '[.parts[].tasks[].paid_micro] | add')" "$(show "$2" | jq .paid_micro)"
}

# ---- the example
plan=$(suan submit "$example/words.yaml" --dry-run)
equal "a dry run plans three counts on three providers" 3 \
    "$(awk '$1 == "count" { print $3 }' <<<"$plan" | sort -u | wc -l)"
equal "and leaves nothing behind" 0 "$(suan ps -a --json | jq '.jobs | length')"
check "the graph runs to its end" suan submit "$example/words.yaml" --yes --follow --fetch "$WORK/words"
g=$(suan ps -a --json | jq -r '.jobs[0].id')
equal "the list has one line for it" 1 "$(suan ps -a --json | jq '.jobs | length')"
equal "it is done" DONE "$(state_of "$g")"
equal "its counts ran on three providers" 3 \
    "$(show "$g" | jq '[.parts[] | select(.part == "count") | .tasks[].provider_name] | unique | length')"
tr -cs 'A-Za-z' '\n' <"$example/poem.txt" | tr 'A-Z' 'a-z' | sort | uniq -c |
    awk 'NF == 2 { print $1, $2 }' | sort -k1,1nr -k2 >"$WORK/wanted.txt"
check "and counted the words as they are" diff "$WORK/wanted.txt" "$WORK/words/words.txt"
said=$(suan job show words)
for n in provider-1 provider-2 provider-3; do
    check "job show says what was at $n" grep -q "$n" <<<"$said"
done
check "a component's log can be read" grep -q "the" <<<"$(suan logs words/join)"
check "the graph's own logs have a heading each" grep -q -- "-- join" <<<"$(suan logs words 2>&1)"
check "a component's results can be fetched" suan job fetch words/split --to "$WORK/split"
check "they are those of the split" test -s "$WORK/split/part-0"
equal "waiting for what has ended is over at once" 0 "$(suan wait words >/dev/null; echo $?)"
all_is_paid "the example" "$g"
check "it can be forgotten" suan job forget words
equal "then the list is empty" 0 "$(suan ps -a --json | jq '.jobs | length')"

# ---- what is wrong is said
cat >"$WORK/circle.yaml" <<'Y'
components:
  a: {command: [true], from: [c]}
  b: {command: [true], from: [a]}
  c: {command: [true], from: [b]}
Y
refused "a circle is refused by its names" 2 'a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c' suan submit "$WORK/circle.yaml" --yes
cat >"$WORK/tight.yaml" <<'Y'
components:
  a: {command: [true]}
  b: {command: [true], from: [a]}
apart: [[a, b]]
links: [{from: a, to: b, reliability: 99.9%}]
Y
refused "a bound that nothing measured holds is refused" 6 'no place for b' suan submit "$WORK/tight.yaml" --yes
equal "and neither is left behind" 0 "$(suan ps -a --json | jq '.jobs | length')"

# ---- a component fails: what needs it is not begun
cat >"$WORK/fails.yaml" <<'Y'
name: fails
components:
  bad: {command: "exit 3"}
  after: {command: [true], from: [bad]}
  aside: {command: [true]}
Y
suan submit "$WORK/fails.yaml" --yes --follow >/dev/null 2>&1
equal "its code is the graph's" 3 $?
g=$(suan ps -a --json | jq -r '.jobs[0].id')
equal "what needs it failed, unpaid" "FAILED 0" \
    "$(show "$g" | jq -r '.parts[] | select(.part == "after") | "\(.state) \(.paid_micro)"')"
check "with the reason" grep -q "bad, which it needs, ended FAILED" <<<"$(suan job show fails)"
equal "what does not need it is done" DONE "$(show "$g" | jq -r '.parts[] | select(.part == "aside") | .state')"
all_is_paid "a failure" "$g"

# ---- cancelled in the middle
cat >"$WORK/long.yaml" <<'Y'
name: long
components:
  first: {command: "sleep 60"}
  second: {command: [true], from: [first]}
Y
g=$(suan submit "$WORK/long.yaml" --yes -q)
check "it runs" until_true 30 part_is "$g" first RUNNING
check "it can be cancelled" suan cancel long
check "all of it ends" until_true 30 ended "$g"
equal "as cancelled" CANCELLED "$(state_of "$g")"
all_is_paid "a cancelled one" "$g"

# ---- the buyer's node is killed while it runs
cat >"$WORK/kill.yaml" <<'Y'
name: killed
components:
  split: {command: "mkdir -p /job/out; sleep 2; echo 7 > /job/out/n"}
  work:
    tasks: 3
    cpus: 0.3
    from: [split]
    command: "mkdir -p /job/out; sleep 4; echo $(($(cat /job/in/split/n) + %t)) > /job/out/n"
  join: {command: "cat /job/in/work/*/n; cp /job/in/work/2/n /job/out/n", from: [work]}
apart: [[work]]
Y
g=$(suan submit "$WORK/kill.yaml" --yes -q)
for moment in split work join; do
    check "$moment has begun" until_true 60 sh -c \
        "'$BIN/suan' job show $g --json | jq -e '.parts[] | select(.part == \"$moment\") | .state != \"WAITING\"'"
    kill9 buyer
    restart buyer
    check "the buyer's node is back" until_true 20 answers buyer
done
check "the graph goes on to its end" until_true 120 ended "$g"
equal "and is done" DONE "$(state_of "$g")"
equal "with what it should have made" "7 8 9 " "$(suan logs killed/join --stdout | tr '\n' ' ')"
equal "each task in its first attempt" 0 "$(show "$g" | jq '[.parts[].tasks[].attempt] | max')"
all_is_paid "three kills" "$g"

# ---- a planned place gets dear before its turn: who waits for it moves, what
# runs does not
cat >"$WORK/dear.yaml" <<'Y'
name: dear
cpus: 0.2
components:
  split: {command: "sleep 20; mkdir -p /job/out; echo 1 > /job/out/n"}
  work: {from: [split], command: "mkdir -p /job/out; cp /job/in/split/n /job/out/n"}
  side: {needs: [split], command: "true"}
Y
g=$(suan submit "$WORK/dear.yaml" --yes -q)
dear=$(show "$g" | jq -r '.parts[] | select(.part == "work") | .tasks[0].planned.name')
was=$(suan sell offer show --node "$dear" --json | jq -r .price.cpu_hour_micro)
moved() { [ "$(show "$g" | jq .moved)" -ge "$1" ]; }
check "the split runs" until_true 30 part_is "$g" split RUNNING
check "the place of the next gets dear" suan sell offer set --cpu-hour 900 --node "$dear"
check "who waits for it is planned elsewhere" until_true 15 moved 1
equal "what runs stays" "$dear" "$(show "$g" | jq -r '.parts[] | select(.part == "split") | .tasks[0].provider_name')"
check "job show says so" grep -q "Tasks moved by it" <<<"$(suan job show "$g")"
check "it ends" until_true 60 ended "$g"
equal "done" DONE "$(state_of "$g")"
equal "elsewhere" 0 "$(show "$g" | jq --arg v "$dear" '[.parts[] | select(.part != "split") | .tasks[] | select(.provider_name == $v)] | length')"
suan sell offer set --cpu-hour "$(awk -v m="$was" 'BEGIN { printf "%.6f", m / 1000000 }')" --node "$dear" >/dev/null
all_is_paid "a place that gets dear" "$g"

# ---- a provider is killed before its turn: its tasks go elsewhere
cat >"$WORK/lost.yaml" <<'Y'
name: lost
components:
  split: {command: "sleep 4; mkdir -p /job/out; echo 1 > /job/out/n"}
  work:
    tasks: 2
    cpus: 0.2
    from: [split]
    command: "mkdir -p /job/out; cp /job/in/split/n /job/out/n"
apart: [[work]]
Y
g=$(suan submit "$WORK/lost.yaml" --yes -q)
at_split=$(show "$g" | jq -r '.parts[0].tasks[0].planned.name')
victim=$(show "$g" | jq -r --arg s "$at_split" '[.parts[1].tasks[].planned.name | select(. != $s)][0]')
check "the split runs" until_true 30 part_is "$g" split RUNNING
kill9 "$victim"
check "$victim is gone, and the graph ends all the same" until_true 120 ended "$g"
equal "done" DONE "$(state_of "$g")"
equal "without $victim" 0 "$(show "$g" | jq --arg v "$victim" '[.parts[].tasks[] | select(.provider_name == $v)] | length')"
check "planned again" test "$(show "$g" | jq .replans)" -ge 1
restart "$victim"
check "$victim is back" until_true 20 answers "$victim"
all_is_paid "a lost provider" "$g"

# ---- a provider is killed after it has delivered: the buyer's node has a copy
sells() { suan market offers --json | jq -e --arg n "$1" '.offers[] | select(.name == $n and .feasible)'; }
for n in provider-1 provider-2 provider-3; do check "$n sells" until_true 60 sells "$n"; done
cat >"$WORK/copy.yaml" <<Y
name: copy
cpus: 0.2
components:
  made: {seller: $(seller provider-1), command: "mkdir -p /job/out; echo kept > /job/out/n"}
  slow: {seller: $(seller provider-3), command: "sleep 6"}
  used: {seller: $(seller provider-2), command: "cat /job/in/made/n", from: [made], needs: [slow]}
Y
g=$(suan submit "$WORK/copy.yaml" --yes -q)
check "the first is made" until_true 60 part_is "$g" made DONE
kill9 provider-1
check "what uses it runs all the same" until_true 120 ended "$g"
equal "and is done" DONE "$(state_of "$g")"
equal "with what was made" kept "$(suan logs copy/used --stdout)"
restart provider-1
check "provider-1 is back" until_true 20 answers provider-1
all_is_paid "a maker gone" "$g"

check "the chain verifies from genesis" suan chain verify
for n in "${nodes[@]}"; do
    equal "$n never logged a bug of ours" 0 "$(grep -c ' broken ' "$D/$n/log")"
done
