#!/usr/bin/env bash
# disk.sh BIN: providers on small disks of their own. Buyers may ask for more
# than fits: what does not fit waits and says so, nothing stops, nothing is lost,
# and nothing stays behind. When others fill the disk, selling pauses.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start disk "$@"
DISK=384 # MiB of each provider; an eighth of it, 48, is the reserve

unmount_all() {
    for p in 1 2; do
        for ((i = 0; i < 50; i++)); do
            mountpoint -q "$D/provider-$p" || break
            umount "$D/provider-$p" 2>/dev/null || sleep 0.1
        done
    done
}
D=$SUAN_HOME/devnet
end() {
    local code=$?
    suan devnet down -q >/dev/null 2>&1
    unmount_all
    (exit $code)
    e2e_end
}
trap end EXIT

"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 || exit 1
check "a devnet comes up" suan devnet up --providers 2 --base-port "${E2E_PORT:-27300}" \
    --image "$WORK/busybox.tar" -q

# ---- the providers move to disks of their own
answers() { suan node status --node "$1" --json; }
pid_of() { cat "$D/$1/run/pid" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }
for p in provider-1 provider-2; do
    pid=$(pid_of "$p")
    kill "$pid"
    until_true 20 gone "$pid"
    mv "$D/$p" "$WORK/$p"
    mkdir "$D/$p"
    chmod 700 "$D/$p"
    if ! mount -t tmpfs -o size=${DISK}m,mode=700 tmpfs "$D/$p"; then
        rmdir "$D/$p"
        mv "$WORK/$p" "$D/$p"
        echo "skipped: no tmpfs can be mounted here"
        exit 77
    fi
    cp -a "$WORK/$p/." "$D/$p/"
    # All of the disk is for sale, as far as it is there; many at once.
    sed -i "s/^disk_mib = .*/disk_mib = $DISK/; s/^slots = .*/slots = 8/; s/^cpus = .*/cpus = 2/" "$D/$p/suan.conf"
    setsid "$BIN/suand" --data-dir "$D/$p" >>"$WORK/$p.log" 2>&1 </dev/null &
    disown
done
for p in provider-1 provider-2; do
    until_true 20 answers "$p" || bad "$p answers from its small disk" "$(tail -n 5 "$WORK/$p.log")"
done
pids="$(pid_of provider-1) $(pid_of provider-2)"
feasible() { [ "$(suan market offers --json | jq '[.offers[] | select(.feasible)] | length')" -eq "$1" ]; }
check "both sell from their small disks" until_true 20 feasible 2
free() { suan sell status --node "$1" --json | jq "$2"; }
check "an offer never says more disk than there is" test \
    "$(free provider-1 .offer.free.disk_mib)" -lt $((DISK - 48))

used() { df -k --output=used "$D/$1" | tail -n 1; }
small() { suan run --yes -q --mem 32M --disk 16M --time 60s "$@"; }
check "a first job brings the image" small --tasks 2 --cpus 1.5 -- true

# ---- more volumes than fit at once
# waiting OPTIONS: a job that waits for its places, beside us.
waiting() {
    suan run --yes -q --queue 240s --cpus 0.2 --mem 32M --time 60s "$@" >>"$WORK/jobs" 2>&1 &
}
before=$(($(used provider-1) + $(used provider-2)))
for ((i = 0; i < 3; i++)); do
    waiting --tasks 2 --disk 96M --fetch "$WORK/out-$i" --out keep -- sh -c \
        'head -c 80000000 /dev/zero > /job/big; mkdir -p /job/out; head -c 100000 /dev/urandom >/job/out/keep; sleep 1'
done
least=$DISK
for ((i = 0; i < 200; i++)); do
    suan ps --json | jq -r '.jobs[].reason' >>"$WORK/reasons"
    for p in provider-1 provider-2; do
        now=$(df -m --output=avail "$D/$p" | tail -n 1)
        [ "$now" -ge "$least" ] || least=$now
    done
    [ -n "$(jobs -r -p)" ] || break
done
wait $(jobs -p)
done_tasks() { suan ps -a --json | jq '[.jobs[] | select(.state == "DONE") | .tasks] | add'; }
equal "six volumes of 96 MiB get their turn, all are done" 8 "$(done_tasks)"
equal "each with its output" 6 "$(find "$WORK"/out-* -name keep -size +96k | wc -l)"
check "those that waited said that the disk was short" grep -qiE 'disk' "$WORK/reasons"
check "the reserve was not touched (least free: $least MiB)" test "$least" -ge 48

# ---- and nothing of it stays
for ((i = 0; i < 2; i++)); do
    waiting --tasks 11 --disk 12M -- sh -c 'head -c 10000000 /dev/zero > /job/big'
done
wait $(jobs -p)
equal "twenty-two more run" 30 "$(done_tasks)"
back() { [ $(($(used provider-1) + $(used provider-2) - before)) -lt 8192 ]; }
check "after thirty tasks both disks are as before, but for 8 MiB" until_true 30 back
echo "      ($(($(used provider-1) + $(used provider-2) - before)) KiB more than before)"
listed() { [ "$(suan image ls --node "$1" --json | jq '[.images[] | select(.unpacked_bytes > 0 and (.used_at | length) > 0)] | length')" -eq 1 ]; }
check "a provider shows the image it has unpacked" until_true 45 listed provider-1
image=$(suan image ls --node provider-1 --json | jq -r '.images[0].id')
check "and removes it when it is told to" suan image rm --node provider-1 "$image"
no_root() { [ -z "$(ls "$D/provider-1/exec/images" | grep sha256)" ]; }
check "so that its root is gone" until_true 20 no_root

# ---- nor at the buyer, once it is told to forget
kept() { suan node status --node buyer --json | jq .blobs_bytes; }
had=$(kept)
check "ended jobs are forgotten" suan job forget $(suan ps -a --json | jq -r '.jobs[].id')
equal "and are no more" 0 "$(suan ps -a --json | jq '.jobs | length')"
let_go() { [ $((had - $(kept))) -gt 500000 ]; } # six results of 100 kB
check "with what was bought" until_true 45 let_go
equal "their folders too" 0 "$(ls "$D/buyer/jobs" | wc -l)"

# ---- others fill the disk
small --detach --tasks 2 --cpus 1.5 -- sleep 6 >"$WORK/on" 2>&1
on=$(grep -oE '[0-9a-f]{8,64}' "$WORK/on" | head -n 1)
is() { [ "$(suan job show "$on" --json | jq -r .state)" = "$1" ]; }
check "a job runs" until_true 30 is RUNNING
for p in provider-1 provider-2; do
    avail=$(df -m --output=avail "$D/$p" | tail -n 1)
    fallocate -l $((avail - 24))M "$D/$p/foreign"
done
short() { suan sell status --node "$1" --json | jq -e '(.selling | not) and (.why_not | test("disk short"))'; }
check "a disk that others fill pauses selling, and says why" until_true 20 short provider-1
check "on both" until_true 20 short provider-2
check "the log says so" grep -q 'disk.*short' "$WORK/provider-1.log"
check "the offers are withdrawn" until_true 20 feasible 0
refused "a buyer hears that there is no offer" 6 'offer|seller|provider' small --queue 1s -- true
check "what ran is served to its end" until_true 45 is DONE

# ---- to its very end, while a job runs: it waits, and nobody stops
rm "$D/provider-1/foreign" "$D/provider-2/foreign"
check "with room again selling goes on" until_true 30 feasible 2
small --detach --tasks 2 --cpus 1.5 -- sleep 6 >"$WORK/on" 2>&1
on=$(grep -oE '[0-9a-f]{8,64}' "$WORK/on" | head -n 1)
check "a job runs again" until_true 30 is RUNNING
for p in provider-1 provider-2; do cat /dev/zero >"$D/$p/foreign" 2>/dev/null; done
check "a disk without a byte left pauses selling, too" until_true 20 short provider-1
sleep 3
equal "no provider stops on a full disk" "$pids" "$(pid_of provider-1) $(pid_of provider-2)"
for p in $pids; do kill -0 "$p" 2>/dev/null || bad "process $p lives"; done
rm "$D/provider-1/foreign" "$D/provider-2/foreign"
check "its job is done when there is room" until_true 45 is DONE
check "and selling goes on by itself" until_true 30 feasible 2
check "and jobs run" small -- true

equal "no node stopped" "$pids" "$(pid_of provider-1) $(pid_of provider-2)"
for p in $pids; do kill -0 "$p" 2>/dev/null || bad "process $p lives"; done
check "the chain verifies" suan chain verify
for log in "$WORK"/provider-*.log "$D"/{buyer,validator-*}/log; do
    equal "no bug of ours in ${log#$SUAN_HOME/}" 0 "$(grep -c ' broken ' "$log")"
done
