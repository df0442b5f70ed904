#!/usr/bin/env bash
# kill9.sh BIN [ROUNDS] [SEED]: every process, each validator too, is killed at
# random moments during a stream of jobs and started again. Afterwards: the chain verifies, no money
# is lost or made, each job has ended in a typed state, nothing stays locked.
# E2E_SIGNAL=TERM asks them to stop instead: what is on its way then must neither
# be lost nor reach what is gone already (a build with sanitizers sees that).
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start kill9 "$@"
rounds=${2:-16}
RANDOM=${3:-7}
echo "seed ${3:-7}, $rounds kills"
"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 || exit 1
check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-27300} --image "$WORK/busybox.tar" -q
D=$SUAN_HOME/devnet
mapfile -t nodes < <(node_names)
supply=$(suan chain status --json | jq -r .supply_micro)

restart() {
    setsid "$BIN/suand" --data-dir "$D/$1" >>"$D/$1/log" 2>&1 </dev/null &
    disown
}
answers() { suan node status --node "$1" --json; }
stop_at=$((SECONDS + rounds * 4))
submit() {
    suan run --yes -q --detach --cpus 0.25 --mem 32M --disk 16M --time 20s --tasks 2 -- \
        sh -c "sleep $((RANDOM % 3)); exit $((RANDOM % 2))" >>"$WORK/jobs" 2>>"$WORK/jobs.err"
}
# Everybody's turn comes, in an order of its own each time round.
turn=()
next_victim() {
    local order=$RANDOM
    [ ${#turn[@]} -gt 0 ] ||
        mapfile -t turn < <(printf '%s\n' "${nodes[@]}" | shuf --random-source=<(yes "$order"))
    victim=${turn[0]}
    turn=("${turn[@]:1}")
}
for ((i = 0; i < rounds; i++)); do
    submit || true
    sleep "0.$((RANDOM % 10))"
    next_victim
    pid=$(cat "$D/$victim/run/pid" 2>/dev/null) || continue
    kill -"${E2E_SIGNAL:-9}" "$pid" 2>/dev/null
    [ "${E2E_SIGNAL:-9}" != TERM ] || until_true 30 sh -c "! kill -0 $pid" ||
        bad "$victim stops when it is asked to"
    sleep "0.$((RANDOM % 10))"
    restart "$victim"
    until_true 20 answers "$victim" || bad "$victim answers again after kill -9" "$(tail -n 5 "$D/$victim/log")"
done
ok "$rounds kills survived"

jobs_open() { suan ps --json | jq '.jobs | length'; }
settled() { [ "$(jobs_open)" -eq 0 ]; }
check "every job ends" until_true 240 settled
equal "each in a typed state" 0 "$(suan ps -a --json | jq '[.jobs[] | select(.state | IN("DONE","FAILED","CANCELLED","EXPIRED") | not)] | length')"
echo "      $(suan ps -a --json | jq -c '[.jobs[].state] | group_by(.) | map({(.[0]): length}) | add')"

check "nothing stays locked" until_true 60 nothing_locked
equal "no money is lost or made" "$supply" $(($(money) + $(bonded)))
check "the chain verifies from genesis" suan chain verify
for n in "${nodes[@]}"; do
    equal "$n never logged a bug of ours" 0 "$(grep -c ' broken ' "$D/$n/log")"
done
no_monitor() { ! pgrep -f -- "--monitor $SUAN_HOME" >/dev/null; }
check "no job outlives its contract" until_true 30 no_monitor
