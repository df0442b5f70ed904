#!/usr/bin/env bash
# consensus.sh BIN OUT.tsv [RUNS] [SECONDS]: what agreement costs. Validators as
# real processes on this machine, with real signatures and synced writes: how
# long a transfer takes to be final, how many per second at saturation and how
# near that is to what checking their signatures alone would allow, what an idle
# validator costs, and how all of it grows with their number, side by side and at
# a distance. Rows "name value unit goal anchor"; the anchors are measured in the
# same run, the rate of signature checks before and after each saturation. Load
# of others weighs on all of it: it is told in a row.
set -euo pipefail
BIN=$(readlink -f "${1:?usage: consensus.sh BIN OUT.tsv [RUNS] [SECONDS]}")
OUT=$(readlink -f "${2:?usage: consensus.sh BIN OUT.tsv [RUNS] [SECONDS]}")
RUNS=${3:-200}
SECONDS_FULL=${4:-15}
LIGHT=${BENCH_LIGHT:-1 4 7 16 31} # how many validators, at light load
FULL=${BENCH_FULL:-1 4 7}      # at saturation
FAR=${BENCH_FAR:-4 7 16 31}   # at light load, each FAR_MS away from the others
FAR_MS=${BENCH_FAR_MS:-25}
IDLE_S=20
PORT=${BENCH_PORT:-29500}
SWITCH_PY=$(dirname "$(readlink -f "$0")")/../e2e/switch.py
for tool in jq awk; do
    command -v "$tool" >/dev/null || { echo "consensus.sh: $tool is missing. Try: ./run setup" >&2; exit 2; }
done
export SUAN_HOME
SUAN_HOME=$(mktemp -d /tmp/suan-bench-XXXX)
NET=$SUAN_HOME/devnet
suan() { "$BIN/suan" "$@"; }
SWITCH=""
unplug() {
    [ -n "$SWITCH" ] || return 0
    kill "$SWITCH" 2>/dev/null || true
    wait "$SWITCH" 2>/dev/null || true
    SWITCH=""
}
finish() {
    suan devnet down -q >/dev/null 2>&1 || true
    unplug
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

# idle N: nobody wants anything.
idle() {
    local n=$1 cpu link goal=-
    cpu=$(cpu_ms) link=$(link_bytes)
    sleep "$IDLE_S"
    cpu=$(($(cpu_ms) - cpu)) link=$(($(link_bytes) - link))
    [ "$n" -ne 4 ] || goal=1.0
    row "idle_${n}_cpu" "$(calc "$cpu / $n / ($IDLE_S * 10)")" % $goal "of a core, each of $n validators, $IDLE_S s"
    row "idle_${n}_sent" "$(calc "$link / $n / $IDLE_S / 1024")" KiB/s - "sent by each, the same"
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

# move N: the validators that are up go to networks of their own, joined by a
# switch that is late by FAR_MS. False: no networks can be made here.
SPACES=suan-far-$$
move() {
    local n=$1 i port edit=() dir
    [ -w /dev/net/tun ] && command -v ip nsenter python3 >/dev/null || return 1
    for dir in "${dirs[@]}"; do kill "$(cat "$dir/run/pid")"; done
    for dir in "${dirs[@]}"; do
        while kill -0 "$(cat "$dir/run/pid" 2>/dev/null || echo x)" 2>/dev/null; do sleep 0.1; done
    done
    echo "delay $FAR_MS" >"$SUAN_HOME/rules"
    exec {plugged}< <(exec python3 "$SWITCH_PY" "$SPACES" "$n" "$SUAN_HOME/rules" 2>/dev/null)
    SWITCH=$!
    read -r -t 30 -u "$plugged" _ || { unplug; return 1; }
    for ((i = 1; i <= n; i++)); do
        port=$(sed -n 's/^listen = 127\.0\.0\.1://p' "$NET/validator-$i/suan.conf")
        edit+=(-e "s/127\.0\.0\.1:\($port\|$((port + 1))\)\b/10.77.0.$i:\1/")
    done
    for ((i = 1; i <= n; i++)); do
        dir=$NET/validator-$i
        sed -i "${edit[@]}" "$dir/suan.conf"
        nsenter --net="/run/netns/$SPACES-$i" setsid "$BIN/suand" --data-dir "$dir" >>"$dir/log" 2>&1 </dev/null &
        disown
    done
    for i in {1..300}; do
        [ "$(suan --data-dir "${dirs[0]}" node status --json 2>/dev/null | jq .peers)" != $((n - 1)) ] || break
        sleep 0.1
    done
    sleep 5
}

# far N: light, at a distance. Who waits for whom: a transfer goes to a leader, a
# proposal to all, then a vote of each kind: three or four times the way.
far() {
    local n=$1 p50 p99 runs=$((RUNS < 50 ? RUNS : 50)) cpu link from blocks
    cpu=$(cpu_ms) link=$(link_bytes) from=$(height)
    read -r p50 _ p99 < <("$BIN/bench_send" "${dirs[0]}/run/control.sock" "$runs")
    sleep 1
    blocks=$(($(height) - from))
    cpu=$(($(cpu_ms) - cpu)) link=$(($(link_bytes) - link))
    row "far_${n}_p50" "$p50" ms - "submit to final, every way $FAR_MS ms long; of $runs"
    row "far_${n}_p99" "$p99" ms - "the same"
    row "far_${n}_ways" "$(calc "$p50 / $FAR_MS")" 1 - "far_${n}_p50 in ways of a message; 3 is the least, 4 from who does not lead"
    row "far_${n}_cpu" "$(calc "$cpu / $blocks / $n")" ms - "of each validator, a block of one transfer"
    row "far_${n}_sent" "$(calc "$link / $blocks / $n / 1024")" KiB - "sent to other validators by each"
}

for n in $LIGHT; do
    up "$n"
    light "$n"
    [ "$n" -ne 4 ] && [ "$n" -ne 31 ] || idle "$n"
    [[ " $FULL " != *" $n "* ]] || full "$n"
    down
done
for n in $FAR; do
    up "$n"
    if move "$n"; then
        far "$n"
    else
        echo "far_$n: skipped: no network namespaces can be made here (root, /dev/net/tun, ip, nsenter, python3)"
    fi
    down
    unplug
done
row load_after "$(load)" 1 - "of the machine, ours included"
