#!/usr/bin/env bash
# consensus.sh BIN OUT.tsv [RUNS] [SECONDS]: what agreement costs. Validators as
# real processes on this machine, with real signatures and synced writes: how
# long a transfer takes to be final, how many per second at saturation and how
# near that is to what checking their signatures alone would allow, what an idle
# validator costs, and how all of it grows with their number. Rows "name value
# unit goal anchor"; the anchors are measured in the same run, the rate of
# signature checks before and after each saturation. Load of others weighs on
# all of it: it is told in a row.
set -euo pipefail
BIN=$(readlink -f "${1:?usage: consensus.sh BIN OUT.tsv [RUNS] [SECONDS]}")
OUT=$(readlink -f "${2:?usage: consensus.sh BIN OUT.tsv [RUNS] [SECONDS]}")
RUNS=${3:-200}
SECONDS_FULL=${4:-15}
LIGHT=${BENCH_LIGHT:-1 4 7 16 31} # how many validators, at light load
FULL=${BENCH_FULL:-1 4 7}      # at saturation
IDLE_S=20
PORT=${BENCH_PORT:-29500}
for tool in jq awk; do
    command -v "$tool" >/dev/null || { echo "consensus.sh: $tool is missing. Try: ./run setup" >&2; exit 2; }
done
export SUAN_HOME
SUAN_HOME=$(mktemp -d /tmp/suan-bench-XXXX)
NET=$SUAN_HOME/devnet
suan() { "$BIN/suan" "$@"; }
finish() {
    suan devnet down -q >/dev/null 2>&1 || true
    rm -rf "$SUAN_HOME"
}
trap finish EXIT
trap 'exit 130' INT TERM

row() { # NAME VALUE UNIT GOAL ANCHOR
    [[ $2 =~ ^[0-9] ]] || { echo "consensus.sh: $1 could not be measured: \"$2\"" >&2; exit 1; }
    printf '%-24s %12.3f %-6s %-8s %s\n' "$@"
    printf '%s\t%.3f\t%s\t%s\t%s\n' "$@" >>"$OUT"
}
calc() { awk "BEGIN {print $1}"; }

dirs=() # of the validators that run
# up N: a devnet of N validators and nothing else; its accounts have money.
up() {
    local i
    suan devnet up --validators "$1" --providers 1 --base-port "$PORT" -q >/dev/null
    dirs=()
    for ((i = 1; i <= $1; i++)); do dirs+=("$NET/validator-$i"); done
    suan wallet send "$("$BIN/bench_flood" address "${dirs[0]}")" 850 --yes -q >/dev/null
    suan wallet send "$("$BIN/bench_send" "${dirs[0]}/run/control.sock")" 10 --yes -q >/dev/null
    for i in buyer provider-1; do kill "$(cat "$NET/$i/run/pid")"; done
    sleep 2
}
down() {
    suan devnet down --wipe -q >/dev/null
}
pids() { cat "${dirs[@]/%//run/pid}"; }
# Of all validators together: processor time in ms, bytes given to the disk,
# bytes sent to each other, and the height of the first.
cpu_ms() {
    local pid
    for pid in $(pids); do cat "/proc/$pid/stat"; done |
        awk -v hz="$(getconf CLK_TCK)" '{sub(/.*\) /, ""); s += $12 + $13} END {printf "%d\n", s * 1000 / hz}'
}
disk_bytes() {
    local pid
    for pid in $(pids); do cat "/proc/$pid/io"; done | awk '/^write_bytes/ {s += $2} END {printf "%d\n", s}'
}
link_bytes() {
    local dir
    for dir in "${dirs[@]}"; do suan --data-dir "$dir" node peers --json; done |
        jq -s '[.[].peers[].bytes_out] | add // 0'
}
height() { suan --data-dir "${dirs[0]}" chain status --json | jq .height; }
load() { cut -d' ' -f1 /proc/loadavg; }

mkdir -p "$(dirname "$OUT")"
printf 'name\tvalue\tunit\tgoal\tanchor\n' >"$OUT"
row load_before "$(load)" 1 - "of the machine, by others"

sync_ms=$(dd if=/dev/zero of="$SUAN_HOME/sync" bs=4096 count=200 oflag=dsync 2>&1 |
    awk '/copied/ {for (i = 1; i < NF; i++) if ($(i + 1) == "s,") printf "%.3f\n", $i * 1000 / 200}')
row anchor_sync "$sync_ms" ms - "one synced write of 4 KiB"

# light N: one transfer after another.
light() {
    local n=$1 p50 p99 cpu disk link from blocks goal50=- goal99=-
    cpu=$(cpu_ms) disk=$(disk_bytes) link=$(link_bytes) from=$(height)
    read -r p50 _ p99 < <("$BIN/bench_send" "${dirs[0]}/run/control.sock" "$RUNS")
    sleep 1 # the others store the last ones
    blocks=$(($(height) - from))
    cpu=$(($(cpu_ms) - cpu)) disk=$(($(disk_bytes) - disk)) link=$(($(link_bytes) - link))
    [ "$n" -ne 4 ] || { goal50=20 goal99=60; }
    row "final_${n}_p50" "$p50" ms $goal50 "submit to final at a validator's socket; of $RUNS"
    row "final_${n}_p99" "$p99" ms $goal99 "the same"
    row "block_${n}_cpu" "$(calc "$cpu / $blocks / $n")" ms - "of each validator, a block of one transfer"
    row "block_${n}_disk" "$(calc "$disk / $blocks / $n / 1024")" KiB - "given to the disk by each, log and store"
    row "block_${n}_sent" "$(calc "$link / $blocks / $n / 1024")" KiB - "sent to other validators by each"
}

# idle: nobody wants anything.
idle() {
    local before
    before=$(cpu_ms)
    sleep "$IDLE_S"
    row idle_cpu "$(calc "($(cpu_ms) - $before) / ${#dirs[@]} / ($IDLE_S * 10)")" % 1.0 "of a core, each of ${#dirs[@]} validators, $IDLE_S s"
}

# full N: many senders at once, signed beforehand.
full() {
    local n=$1 before cores after rate txs blocks goal=- cpu self us
    "$BIN/bench_flood" fund "${dirs[0]}"
    read -r before cores _ < <("$BIN/bench_flood" verify 2)
    read -r rate txs blocks cpu self us < <("$BIN/bench_flood" run "$SECONDS_FULL" link "${dirs[@]}")
    read -r after _ _ < <("$BIN/bench_flood" verify 2)
    [ "$n" -ne 4 ] || goal=0.6
    row "verify_rate_$n" "$(calc "($before + $after) / 2")" 1/s - "ed25519 checks, all $cores cores, before $before, after $after"
    row "full_${n}" "$rate" tx/s - "$txs transfers in $blocks blocks; load $(load), ours included"
    row "full_${n}_ratio" "$(calc "$rate * $n * 2 / ($before + $after)")" 1 $goal "to verify_rate_$n / $n; says little when others use the machine, see the next"
    row "full_${n}_cpu" "$(calc "$cpu * 1e6 / $txs / $n")" us - "of each validator, a transfer; one signature check took $us meanwhile"
    row "full_${n}_share" "$(calc "$us * $txs * $n / 1e6 / $cpu")" 1 $goal "the one check of each signature, of all that the validators work"
    row "full_${n}_client" "$(calc "$self * 1e6 / $txs")" us - "of whoever sends, a transfer"
}

for n in $LIGHT; do
    up "$n"
    light "$n"
    [ "$n" -ne 4 ] || idle
    [[ " $FULL " != *" $n "* ]] || full "$n"
    down
done
row load_after "$(load)" 1 - "of the machine, ours included"
