# Shared by the tests of many validators: their processes, their chain, and what
# goes on meanwhile. Sourced after lib.sh; D is the devnet's directory.

# ---- processes
pid_of() { cat "$D/$1/run/pid" 2>/dev/null; }
# in_place NAME COMMAND...: runs it where that node lives.
in_place() { shift; "$@"; }
start() {
    in_place "$1" setsid "$BIN/suand" --data-dir "$D/$1" >>"$D/$1/log" 2>&1 </dev/null &
    disown
}
kill_hard() {
    local pid
    pid=$(pid_of "$1")
    kill -9 "$pid"
    until_true 5 sh -c "! kill -0 $pid"
}
stop_node() {
    local pid
    pid=$(pid_of "$1") && kill "$pid" 2>/dev/null && until_true 10 sh -c "! kill -0 $pid"
}
answers() { suan node status --node "$1" --json; }

# ---- the chain
height() { suan chain status --node "$1" --json 2>/dev/null | jq .height; }
heights() {
    local n all=()
    for n in "$@"; do all+=("$(height "$n")"); done
    echo "${all[*]}"
}
# stands NODE...: their heights, once none has changed for two seconds: what was
# decided before has come to all of them.
stands() {
    local i was='' now
    for ((i = 0; i < 15; i++)); do
        now=$(heights "$@")
        [ "$now" != "$was" ] || break
        was=$now
        sleep 2
    done
    echo "$now"
}
higher() { [ "$(height "$1")" -gt "$2" ]; }
# grows NODE [BLOCKS]: it decides so many more blocks, within 15 s.
grows() { until_true 15 higher "$1" $(($(height "$1") + ${2:-2} - 1)); }
caught_up() { [ "$(height "$1")" -ge $(($(height buyer) - 1)) ]; }
follows() { until_true 30 caught_up "$1"; }
votes() { suan chain status --node "$1" --json | jq -r .votes; }
votes_are() { [ "$(votes "$1")" = "$2" ]; }
vote_key() { suan validator show --node "$1" --json | jq -r .validator; }
bond_is() { [ "$(suan validator show --node "$1" --json | jq -r .state)" = "$2" ]; }
# has_signed ADDRESS: one of the last ten blocks holds its word.
has_signed() {
    local h
    h=$(height buyer)
    for ((i = h; i > h - 10 && i > 0; i--)); do
        suan chain block "$i" --json | jq -e --arg a "$1" '.cert.signers | index($a)' && return
    done
    return 1
}
block_at() { suan chain block "$2" --node "$1" --json | jq -r .hash; }
# same_chain NODE...: all have the same block as high as the lowest of them is.
same_chain() {
    local low='' h n
    for n in "$@"; do
        h=$(height "$n")
        [ -n "$low" ] && [ "$h" -ge "$low" ] || low=$h
    done
    for n in "$@"; do
        [ "$(block_at "$n" "$low")" = "$(block_at "$1" "$low")" ] || { echo "$n differs at $low"; return 1; }
    done
}

# ---- jobs and payments, one after the other, until the file is gone
stream() {
    local to
    to=$(suan validator list --json | jq -r '.validators[0].validator')
    touch "$WORK/go"
    while [ -e "$WORK/go" ]; do
        suan run --yes -q --detach --cpus 0.2 --mem 32M --disk 16M --time 20s -- \
            sh -c 'echo $((6 * 7))' >>"$WORK/jobs" 2>>"$WORK/jobs.err"
        sleep 0.4
    done &
    STREAMS=$!
    while [ -e "$WORK/go" ]; do
        timeout 5 "$BIN/suan" wallet send "$to" 0.001 --yes -q >>"$WORK/paid" 2>>"$WORK/paid.err"
        sleep 0.4
    done &
    STREAMS="$STREAMS $!"
}
stream_ends() {
    rm -f "$WORK/go"
    # shellcheck disable=SC2086
    wait $STREAMS
    check "every job ends" until_true 60 sh -c "[ \$('$BIN/suan' ps --json | jq '.jobs | length') -eq 0 ]"
    equal "and is done" "" "$(suan ps -a --json | jq -r '.jobs[] | select(.state != "DONE") | "\(.id) \(.state) \(.reason)"')"
    pool_empty() { [ "$(suan chain status --json | jq .pool)" -eq 0 ]; }
    check "no payment waits" until_true 10 pool_empty
    echo "      ($(suan ps -a --json | jq '.jobs | length') jobs, $(height buyer) blocks)"
}
# all_is_well NODE...
all_is_well() {
    local n
    for n in "$@"; do check "$n has caught up" follows "$n"; done
    check "all have the same block" same_chain "$@"
    check "nothing stays locked" until_true 20 nothing_locked
    equal "money adds up" "$(suan chain status --json | jq -r .supply_micro)" $(($(money) + $(bonded)))
    for n in "$1" "$2" buyer; do check "the chain verifies at $n" suan chain verify --node "$n"; done
    equal "nobody was slashed" 0 "$(suan validator list --json | jq .slashed_all_micro)"
    for n in "$D"/*/log; do equal "no bug of ours in ${n#"$D/"}" "" "$(grep ' broken ' "$n" | head -n 3)"; done
}
