#!/usr/bin/env bash
# bag.sh BIN [TASKS]: a bag of tasks, many more than there is room for, through a
# real devnet. Each task is settled and its output what that task wrote, money
# adds up, no node's loop was away for long, nothing is left on the disks, and
# what a task costs beside its own work is told.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start bag "$@"
tasks=${2:-200}
stall_max_ms=2000 # generous: others may be using this machine

"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 ||
    { echo "no image: umoci and busybox-static are needed"; exit 1; }
check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-27300} --image "$WORK/busybox.tar" -q
D=$SUAN_HOME/devnet
mapfile -t nodes < <(node_names)

now_ms() { echo $(($(date +%s%N) / 1000000)); }
loop_of() { suan node status --node "$1" --json | jq ".loop.$2"; }
worst() { # WHAT: the largest among the nodes, in ms
    local n max=0 one
    for n in "${nodes[@]}"; do
        one=$(loop_of "$n" "$1")
        [ "$one" -le "$max" ] || max=$one
    done
    echo $((max / 1000))
}
# What jobs may leave behind, in KiB: at the executor, on the way, as blobs.
disk_of() { du -sk "$D/$1/exec" "$D/$1/jobs" "$D/$1/blobs" | awk '{sum += $1} END {print sum}'; }

# The image is at every provider and all is measured before the bag comes.
run=(suan run --yes -q --cpus 0.1 --mem 16M --disk 8M)
check "a small bag runs" "${run[@]}" --tasks 30 -- true
declare -A before
for n in provider-1 provider-2 provider-3; do before[$n]=$(disk_of "$n"); done
money_before=$(money)

# ---- the bag
began=$(now_ms)
job=$("${run[@]}" --tasks "$tasks" --out '*' --detach -- \
    sh -c 'mkdir -p /job/out; echo "task $SUAN_TASK" > /job/out/n')
equal "a bag of $tasks tasks is taken" 64 "${#job}"
taken=$(($(now_ms) - began))
stall_taken=$(worst worst_us)
ended() { suan job show "$job" --json | jq -e '.state | IN("DONE","FAILED","CANCELLED","EXPIRED")'; }
check "it comes to its end" until_true $((60 + tasks)) ended
took=$(($(now_ms) - began))
suan job show "$job" --json >"$WORK/job.json"
equal "each task is settled and done" "$tasks" "$(jq '[.tasks[] | select(.state == "DONE")] | length' "$WORK/job.json")"
equal "each in its first attempt" 0 "$(jq '[.tasks[].attempt] | max' "$WORK/job.json")"
equal "every provider worked" 3 "$(jq '[.tasks[].provider_name] | unique | length' "$WORK/job.json")"

check "job show is short" test "$(suan job show "$job" | wc -l)" -le 60
check "job show --tasks is not" test "$(suan job show "$job" --tasks | wc -l)" -ge "$tasks"

# ---- what it left
check "the outputs can be fetched" suan job fetch "$job" --to "$WORK/out"
wrong=0
for ((i = 0; i < tasks; i++)); do
    [ "$(cat "$WORK/out/task-$i/n" 2>/dev/null)" = "task $i" ] || wrong=$((wrong + 1))
done
equal "and each is what that task wrote" 0 "$wrong"
equal "what was paid is the sum of its tasks" \
    "$(jq '[.tasks[].due_micro] | add' "$WORK/job.json")" "$(jq .paid_micro "$WORK/job.json")"
check "nothing stays locked" until_true 30 nothing_locked
to=$(suan wallet balance --json | jq -r '.accounts[0].address')
wanted=$(($(balance "$to") + 10000))
arrived() { [ "$(balance "$to")" -ge "$wanted" ]; } # and fees, of validators it owns
check "a provider's operator takes some of what it earned" \
    suan node send "$to" 0.01 --node provider-1 --yes -q
check "and it arrives in the wallet" until_true 10 arrived
equal "no money is lost or made" "$money_before" "$(money)"
# Outputs stay with the provider for a while; the disks they were made on do not.
near() { [ "$(disk_of "$1")" -le $((before[$1] + 512 + tasks * 16)) ]; }
for n in provider-1 provider-2 provider-3; do
    check "$n keeps no job's disk" until_true 20 near "$n"
    equal "$n has no job left" 0 "$(find "$D/$n/exec/jobs" -mindepth 1 -maxdepth 1 | wc -l)"
done
for n in "${nodes[@]}"; do
    equal "$n never logged a bug of ours" 0 "$(grep -c ' broken ' "$D/$n/log")"
    equal "$n turned nobody away" 0 "$(grep -c 'refused a connection' "$D/$n/log")"
done

# ---- the loops
stall=$(worst worst_us)
check "no loop was away for more than $stall_max_ms ms" test "$stall" -le "$stall_max_ms"
printf '      %d tasks: taken in %d ms, settled in %d ms, %d ms a task\n' \
    "$tasks" "$taken" "$took" $((took / tasks))
printf '      longest turn of a loop: %d ms when taken, %d ms in all (%d ms of work)\n' \
    "$stall_taken" "$stall" "$(worst most_cpu_us)"
check "the chain verifies from genesis" suan chain verify
check "the devnet goes down" suan devnet down -q
