#!/usr/bin/env bash
# trade.sh BIN OUT.tsv [RUNS]: what a buyer waits for. A devnet of eight real
# nodes, four of them validators; one small job after another, where its time goes; a bag; an input to be
# staged; transfers. Rows "name value unit goal anchor"; the anchors are measured
# in the same run: what the machine itself costs, without a market.
set -euo pipefail
BIN=$(readlink -f "${1:?usage: trade.sh BIN OUT.tsv [RUNS]}")
OUT=$(readlink -f "${2:?usage: trade.sh BIN OUT.tsv [RUNS]}")
RUNS=${3:-30}
TRANSFERS=200
INPUT_MB=50
[ "$(id -u)" -eq 0 ] || { echo "trade.sh: jobs in the sandbox need root here" >&2; exit 77; }
for tool in jq crun umoci busybox unshare; do
    command -v "$tool" >/dev/null || { echo "trade.sh: $tool is missing. Try: ./run setup" >&2; exit 2; }
done
export SUAN_HOME
SUAN_HOME=$(mktemp -d /tmp/suan-bench-XXXX)
WORK=$SUAN_HOME/work
mkdir -p "$WORK/t"
suan() { "$BIN/suan" "$@"; }
finish() {
    suan devnet down -q >/dev/null 2>&1 || true
    rm -rf "$SUAN_HOME"
}
trap finish EXIT
trap 'exit 130' INT TERM

now_us() { echo $(($(date +%s%N) / 1000)); }
# timed FILE COMMAND...: appends what it took, in ms with three digits.
timed() {
    local file=$1 start
    shift
    start=$(now_us)
    "$@" >/dev/null 2>"$WORK/err" || { cat "$WORK/err" >&2; echo "trade.sh: failed: $*" >&2; exit 1; }
    echo $(($(now_us) - start)) | awk '{printf "%.3f\n", $1 / 1000}' >>"$WORK/t/$file"
}
# quantile FILE PERCENT
quantile() {
    sort -n "$WORK/t/$1" | awk -v p="$2" '{a[NR] = $1} END {i = int(NR * p / 100) + 1; if (i > NR) i = NR; print a[i]}'
}
median() { quantile "$1" 50; }
row() { # NAME VALUE UNIT GOAL ANCHOR
    [[ $2 =~ ^[0-9] ]] || { echo "trade.sh: $1 could not be measured: \"$2\"" >&2; exit 1; }
    printf '%-32s %12.3f %-6s %-8s %s\n' "$@"
    printf '%s\t%.3f\t%s\t%s\t%s\n' "$@" >>"$OUT"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN {print a / b}'; }

# ---- anchors: the machine without a market
anchor_sandbox() { # the OCI runtime alone: create, start, /bin/true, delete
    local b=$WORK/bundle unified=/sys/fs/cgroup/unified
    mkdir -p "$b/rootfs/bin"
    cp "$(command -v busybox)" "$b/rootfs/bin/true"
    (cd "$b" && crun spec)
    jq '.process.args = ["/bin/true"] | .process.terminal = false
        | .mounts |= map(select(.type != "cgroup"))
        | .linux.namespaces |= map(select(.type != "cgroup"))
        | del(.linux.resources)' "$b/config.json" >"$b/c" && mv "$b/c" "$b/config.json"
    # In a mount namespace of its own: crun refuses hybrid control groups.
    # shellcheck disable=SC2016
    unshare -m bash -c 'umount -l "$3" 2>/dev/null
        cd "$1" && for ((i = 0; i < $2; i++)); do
            s=$(date +%s%N)
            crun --cgroup-manager=disabled run "suan-bench-$$-$i" || exit 1
            echo $((($(date +%s%N) - s) / 1000)) | awk "{printf \"%.3f\n\", \$1 / 1000}"
        done' - "$b" "$RUNS" "$unified" >"$WORK/t/crun"
}
anchor_sync() { # one synced write of 4 KiB, in ms
    dd if=/dev/zero of="$WORK/sync" bs=4096 count=200 oflag=dsync 2>&1 |
        awk '/copied/ {for (i = 1; i < NF; i++) if ($(i + 1) == "s,") printf "%.3f\n", $i * 1000 / 200}' >>"$WORK/t/sync"
}
last_job() { suan ps -a --json | jq -r '.jobs[0].id'; }

"$(dirname "$(readlink -f "$0")")/../e2e/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1
suan devnet up --base-port 29500 --image "$WORK/busybox.tar" -q >/dev/null
anchor_sandbox
for _ in 1 2 3; do anchor_sync; done
for ((i = 0; i < RUNS; i++)); do timed command suan node status; done

# ---- one small job after another
timed first suan run --yes -q --disk 64M -- true
# The last time each state was reached, as differences in a line each.
stages() {
    suan job show "$1" --json | jq -r '
        (reduce .timeline[] as $m ({}; .[$m.what] = $m.at_ms)) as $t
        | [["hold_quote", "submitted", "QUOTED"], ["approve", "QUOTED", "OPENING"],
           ["open", "OPENING", "STAGING"], ["stage_start", "STAGING", "RUNNING"],
           ["run", "RUNNING", "PUBLISHING"], ["publish", "PUBLISHING", "FETCHING"],
           ["fetch", "FETCHING", "SETTLING"], ["settle", "SETTLING", "DONE"],
           ["all", "submitted", "DONE"]][]
        | select($t[.[1]] != null and $t[.[2]] != null)
        | "\(.[0]) \($t[.[2]] - $t[.[1]])"'
}
for ((i = 0; i < RUNS; i++)); do
    timed run suan run --yes -q --disk 64M -- true
    stages "$(last_job)" | while read -r name ms; do echo "$ms" >>"$WORK/t/stage_$name"; done
done
paste "$WORK/t/run" "$WORK/t/stage_all" | awk '{printf "%.3f\n", $1 - $2}' >"$WORK/t/around"

# ---- a bag of twelve
for _ in 1 2 3; do timed bag suan run --yes -q --disk 64M --tasks 12 -- true; done

# ---- an input to be staged: new bytes each time, or they would be there already
for _ in 1 2 3; do
    head -c $((INPUT_MB * 1000000)) /dev/urandom >"$WORK/input"
    sync "$WORK/input"
    timed copy sh -c 'cp "$1" "$1.2" && sync "$1.2"' - "$WORK/input"
    timed input suan run --yes -q --disk 256M --in "$WORK/input:data" -- true
    stages "$(last_job)" | awk '$1 == "stage_start" {print $2}' >>"$WORK/t/input_stage"
done

# ---- transfers
socket() { echo "$SUAN_HOME/devnet/$1/run/control.sock"; }
suan wallet send "$("$BIN/bench_send" "$(socket buyer)")" 100 --yes -q >/dev/null
read -r final_validator final_validator_p95 _ < <("$BIN/bench_send" "$(socket validator-1)" "$TRANSFERS")
read -r final_follower final_follower_p95 _ < <("$BIN/bench_send" "$(socket buyer)" "$TRANSFERS")

# ---- rows
mkdir -p "$(dirname "$OUT")"
printf 'name\tvalue\tunit\tgoal\tanchor\n' >"$OUT"
row anchor_crun "$(median crun)" ms - "crun alone: run /bin/true, no network, no limits"
row anchor_sync "$(median sync)" ms - "one synced write of 4 KiB"
row anchor_command "$(median command)" ms - "suan node status: a process, a question, an answer"
row run_first "$(median first)" ms 2000 "the first job: nothing unpacked, nothing cached"
row run_median "$(median run)" ms 2000 "suan run --disk 64M -- true, enter to prompt"
row run_p95 "$(quantile run 95)" ms 2000 "of $RUNS runs"
row run_over_crun "$(ratio "$(median run)" "$(median crun)")" x - "anchor_crun"
row around "$(median around)" ms - "before submitted and after DONE: process, Argon2id, checks, bill"
row stage_hold_quote "$(median stage_hold_quote)" ms - "submit, match, hold, signed quote"
row stage_approve "$(median stage_approve)" ms - "bill, signature, approval"
row stage_open "$(median stage_open)" ms - "contract final: transfer_follower"
row stage_stage_start "$(median stage_stage_start)" ms - "image, inputs, sandbox made and started: anchor_crun"
row stage_run "$(median stage_run)" ms - "/bin/true, until its end is known"
row stage_publish "$(median stage_publish)" ms - "logs collected, delivery final: transfer_follower"
row stage_fetch "$(median stage_fetch)" ms - "outputs fetched and verified"
row stage_settle "$(median stage_settle)" ms - "settlement final: transfer_follower"
row bag_of_12 "$(median bag)" ms - "12 tasks on 3 providers of one machine"
row bag_per_task "$(ratio "$(median bag)" 12)" ms - "run_median"
mbps=$(awk -v mb=$INPUT_MB -v all="$(median input_stage)" -v none="$(median stage_stage_start)" 'BEGIN {print mb * 1000 / (all > none ? all - none : 1)}')
copy=$(awk -v mb=$INPUT_MB -v ms="$(median copy)" 'BEGIN {print mb * 1000 / ms}')
row stage_input "$mbps" MB/s - "$INPUT_MB MB encrypted to the provider, verified, laid out"
row anchor_copy "$copy" MB/s - "cp and sync of the same file"
row stage_input_ratio "$(ratio "$mbps" "$copy")" 1 - "anchor_copy"
row transfer_validator "$final_validator" ms 2.0 "submit to final at a validator's socket; sync included"
row transfer_validator_p95 "$final_validator_p95" ms - "of $TRANSFERS"
row transfer_follower "$final_follower" ms - "the same through a node that does not sign, final there"
row transfer_follower_p95 "$final_follower_p95" ms - "of $TRANSFERS"
