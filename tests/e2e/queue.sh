#!/usr/bin/env bash
# queue.sh BIN: one small provider that queues, and more jobs than it has room
# for. Each is told when it starts at the latest; none starts later, not even
# over a kill -9 of the provider and of the buyer's node.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start queue "$@"
D=$SUAN_HOME/devnet

"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 || exit 1
check "a devnet comes up" suan devnet up --providers 1 --base-port "${E2E_PORT:-28100}" \
    --image "$WORK/busybox.tar" -q
pid_of() { cat "$D/$1/run/pid" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }
answers() { suan node status --node "$1" --json; }
# again NODE SIGNAL: ends a node and starts it from what is on its disk.
again() {
    local pid
    pid=$(pid_of "$1")
    kill "-$2" "$pid"
    until_true 20 gone "$pid"
    setsid "$BIN/suand" --data-dir "$D/$1" >>"$WORK/$1.log" 2>&1 </dev/null &
    disown
    until_true 20 answers "$1"
}
refused "an unknown rule" 2 'easy, conservative or off' suan sell offer set --queue fair --node provider-1
check "the provider sells one core, and with a queue" suan sell offer set --cpus 1 --queue conservative --node provider-1 -q
places() { [ "$(suan market offers --json | jq '.offers[0] | select(.feasible) | .queue.places')" -eq "$1" ]; }
check "its offer says that it queues" until_true 20 places 64
money_before=$(money)

sell() { suan sell status --node provider-1 --json; }
length() { [ "$(sell | jq '.queue | length')" -eq "$1" ]; }
show() { suan job show "${id[$1]}" --json; }
state_is() { [ "$(show "$1" | jq -r .state)" = "$2" ]; }
declare -A id
# put NAME OPTIONS -- COMMAND: a job that runs on, beside us.
put() {
    local name=$1
    shift
    id[$name]=$(suan run --yes -q --detach --name "$name" --mem 32M --disk 16M --time 30s "$@") ||
        bad "$name is taken" "${id[$name]}"
}
says='date +%s; sleep'

put first --cpus 1 --patience 1h -- sh -c "$says 17"
check "the first runs" until_true 20 state_is first RUNNING
refused "who is not patient finds no offer, and is told of the queue" 6 "patience [0-9]*m" \
    suan run --yes -q --cpus 1 --mem 32M --disk 16M --time 30s -- true

for name in second third fourth; do
    put "$name" --cpus 1 --patience 1h -- sh -c "$says 1"
    check "the $name is queued" until_true 10 length $((${#id[@]} - 1))
done
put small --cpus 0.1 --patience 1h -- sh -c "$says 1"
check "and one that wants little, too" until_true 10 length 4
queued() { show "$1" | jq -e '.tasks[0] | .phase == "queued" and .begins_at != null'; }
for name in second third fourth small; do
    check "the $name is staged while it waits" until_true 10 queued "$name"
done
check "its buyer is told where it waits and when it starts" \
    grep -qE 'queued behind 1, at .*; starts by [0-9:]+Z' <(suan job show "${id[third]}")
check "the provider shows its queue" grep -qE 'BEGINS' <(suan sell status --node provider-1)
moment() { show "$1" | jq -r --arg key "$2" '.tasks[0][$key] | sub("\\..*Z"; "Z") | fromdate'; }
promised() { moment "$1" start_by; }
planned() { moment "$1" begins_at; }
declare -A by
for name in "${!id[@]}"; do by[$name]=$(promised "$name"); done
check "by the plan they begin in order" \
    test "$(planned second)" -lt "$(planned third)" -a "$(planned third)" -lt "$(planned fourth)"

check "the provider is killed and starts again" again provider-1 KILL
check "its queue is as it was" until_true 10 length 4
check "the buyer's node is killed and starts again" again buyer KILL
check "the third is cancelled" suan job cancel "${id[third]}"
check "and leaves the queue" until_true 10 length 3

for name in first second fourth small; do
    check "the $name is done" until_true 60 state_is "$name" DONE
done
began() { suan job logs "${id[$1]}" | head -n 1; }
for name in second fourth small; do
    check "the $name began by when it was promised" test "$(began "$name")" -le "${by[$name]}"
    equal "and the promise never moved" "${by[$name]}" "$(promised "$name")"
done
check "in order: the second began before the fourth" test "$(began second)" -lt "$(began fourth)"
check "and neither beside the first" test "$(began second)" -ge $(($(began first) + 17))
equal "the third cost nothing" 0 "$(show third | jq .paid_micro)"
paid=0
for name in first second fourth small; do
    equal "what the $name cost is what was due" "$(show "$name" | jq '[.tasks[].due_micro] | add')" \
        "$(show "$name" | jq .paid_micro)"
    paid=$((paid + $(show "$name" | jq .paid_micro)))
done
equal "the provider earned all of it" "$paid" "$(sell | jq .earned_micro)"
check "the queue can be closed while it runs" suan sell offer set --queue off --node provider-1 -q
check "and its offer says so" until_true 20 places 0
check "nothing stays locked" until_true 30 nothing_locked
equal "no money is lost or made" "$money_before" "$(money)"
for n in provider-1 buyer; do
    equal "$n never logged a bug of ours" 0 "$(grep -c ' broken ' "$D/$n/log")"
done
check "the devnet goes down" suan devnet down -q
