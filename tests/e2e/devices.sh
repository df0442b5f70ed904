#!/usr/bin/env bash
# devices.sh BIN: a provider with two devices, one that keeps its machine for
# some, one in another zone. A job for a device goes to the only node that has
# one and sees what it was assigned and nothing else; shares are kept apart per
# device; what nobody has is explained; a kill forgets nothing.
#
# The devices are harmless: nodes of the kernel's own /dev/zero.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start devices "$@"

A=/dev/suan-e2e-$$-a
B=/dev/suan-e2e-$$-b
end() {
    local code=$?
    suan devnet down -q >/dev/null 2>&1
    rm -f "$A" "$B"
    (exit $code)
    e2e_end
}
trap end EXIT
if ! mknod -m 666 "$A" c 1 5 || ! mknod -m 666 "$B" c 1 5 || ! head -c 1 "$A" >/dev/null; then
    rm -f "$A" "$B"
    echo "skipped: no device nodes can be made here"
    trap - EXIT
    rm -rf "$SUAN_HOME"
    exit 77
fi
"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 || exit 1
check "a devnet comes up" suan devnet up --providers 3 --base-port "${E2E_PORT:-27300}" \
    --image "$WORK/busybox.tar" -q
D=$SUAN_HOME/devnet
pid_of() { cat "$D/$1/run/pid" 2>/dev/null; }
gone() { ! kill -0 "$1" 2>/dev/null; }
sells() { suan sell status --node "$1" --json | jq -e .selling; }
# again NODE SIGNAL [CONF...]: ends it, adds lines to [sell], starts it.
again() {
    local node=$1 signal=$2 pid line
    shift 2
    pid=$(pid_of "$node")
    kill "-$signal" "$pid"
    until_true 20 gone "$pid"
    for line in "$@"; do sed -i "s|^\[sell\]|[sell]\n$line|" "$D/$node/suan.conf"; done
    setsid "$BIN/suand" --data-dir "$D/$node" >>"$WORK/$node.log" 2>&1 </dev/null &
    disown
    until_true 30 sells "$node" || bad "$node sells again" "$(tail -n 5 "$WORK/$node.log")"
}

# ---- what is declared is what is there
again provider-1 TERM "devices = fpga:Board@1G=$A+$B" "device_hour = 0.5" "nic_mbit = 100"
again provider-2 TERM "taints = lab=only"
sed -i "s|zone=c|zone=eu/north|" "$D/provider-3/suan.conf"
again provider-3 TERM
heard() {
    [ "$(suan market offers --json | jq '[.offers[] | select(.devices != [] or .taints != [] or .labels.zone == "eu/north")] | length')" -eq 3 ]
}
check "the market hears of all of it" until_true 30 heard
offers() { suan market offers --json | jq -r "$1"; }
free() { suan sell status --node provider-1 --json | jq -c '.offer.devices[0].free_milli'; }
one=$(offers '.offers[] | select(.devices != []) | .provider')
two=$(offers '.offers[] | select(.taints != []) | .provider')
three=$(offers '.offers[] | select(.labels.zone == "eu/north") | .provider')
equal "they are listed for people, too" 1 "$(suan market offers -o wide | grep -c 'fpga:board 2/2')"
equal "the offer is shown with them" 1 "$(suan sell offer show --node provider-1 | grep -c 'fpga:board 2/2')"
equal "and their price" "$((500000))" "$(offers ".offers[] | select(.provider == \"$one\") | .devices[0].hour_micro")"

# ---- a job for a device
# Each has a name of its own, so that the newest is known by it.
echo 0 >"$WORK/n"
job() { echo "job-$(cat "$WORK/n")"; }
run() {
    echo $(($(cat "$WORK/n") + 1)) >"$WORK/n"
    suan run --name "$(job)" --yes -q --mem 32M --disk 16M --cpus 0.2 --time 60s "$@"
}
said=$(run --device fpga:board:1 -- sh -c 'ls /dev | grep suan-e2e; echo $SUAN_DEVICES; head -c 4 $SUAN_DEVICES | od -An -tx1' 2>"$WORK/err")
[ -n "$said" ] || cat "$WORK/err"
equal "the job sees the device it was assigned, no other, and can read it" \
    "$(basename "$A") $A 00 00 00 00" "$(echo $said)"
equal "at the only node that has one" "$one" "$(suan job show "$(job)" --json | jq -r '.tasks[0].provider')"
check "its bill has the device in it" test \
    "$(suan job show "$(job)" --json | jq '.tasks[0].cap_micro')" -gt $((500000 / 60))
said=$(run --seller "$three" -- sh -c 'ls /dev | grep -c suan-e2e' 2>/dev/null)
equal "a job without one sees none" 0 "$said"
said=$(run --gpu 1 -- true 2>&1)
code=$?
equal "what nobody has is no offer" 6 $code
check "and it is said why" grep -q "no device of the kind" <<<"$said"
said=$(run --device fpga:other:1 -- true 2>&1)
check "so is a model nobody has" grep -q "no device of a model" <<<"$said"
said=$(run --device fpga:3 -- true 2>&1)
check "and more devices than there are" grep -q "needs 3, has 2" <<<"$said"
said=$(run --device fpga:1 --device-mem 2G -- true 2>&1)
check "and larger ones" grep -q "needs 2048 MiB, has 1024 MiB" <<<"$said"
said=$(run --nic 1G -- true 2>&1)
check "and more bandwidth" grep -q "narrower network" <<<"$said"
suan market offers --device fpga:3 -o wide >"$WORK/list"
check "the list says of each why not" grep -q "needs 3, has 2" "$WORK/list"

# ---- shares
long() { suan run --yes -q --mem 32M --disk 16M --cpus 0.2 --time 600s --detach --name "$1" --device "$2" -- sleep 300 >/dev/null 2>&1; }
free_is() { [ "$(free)" = "$1" ]; }
running() { [ "$(suan job show "$1" --json | jq -r .state)" = RUNNING ]; }
check "a share of a device is sold" long share-1 fpga:0.6
check "and another, of another device: they would not fit in one" long share-2 fpga:0.6
check "what is left lies on two devices" until_true 20 free_is '[400,400]'
check "both run" until_true 20 running share-1
check "both of them" until_true 20 running share-2
said=$(run --device fpga:0.7 -- true 2>&1)
check "0.8 in two pieces is not 0.7" grep -q "in pieces" <<<"$said"
said=$(run --device fpga:2x0.4 -- sh -c 'echo $SUAN_DEVICES $SUAN_DEVICE_MILLI' 2>/dev/null)
equal "but two pieces of 0.4 are" "$A,$B 400" "$said"

# ---- kill -9
again provider-1 KILL
check "after a kill the shares are still held" until_true 30 free_is '[400,400]'
check "and their jobs run on" running share-1
suan job cancel share-1 -y >/dev/null 2>&1
check "a job that ends gives its device back" until_true 30 free_is '[1000,400]'
again provider-1 KILL
check "and so it stays over a kill" until_true 30 free_is '[1000,400]'
suan job cancel share-2 -y >/dev/null 2>&1
check "in the end all is free" until_true 30 free_is '[1000,1000]'

# ---- taints, zones, spread
providers() { suan job show "$(job)" --json | jq -r '[.tasks[].provider] | unique | sort | join(" ")'; }
sorted() { printf '%s\n' "$@" | sort | xargs; }
both() { [ "$(suan market offers --json | jq '[.offers[] | select(.feasible)] | length')" -eq 2 ]; }
check "who is tainted takes no plain job" until_true 20 both
check "a bag over all that are left" run --tasks 4 --spread provider:2 -- sleep 2
equal "stays off the tainted one, two at each other" "$(sorted "$one" "$three")" "$(providers)"
check "who tolerates it gets there" run --tolerate lab=only --seller "$two" -- true
check "work that must stay in the eu" run --zone eu --tasks 2 -- true
equal "stays there" "$three" "$(providers)"
said=$(run --zone us -- true 2>&1)
check "and is refused where no offer lies in its zone" grep -q "wants us" <<<"$said"
check "three tasks, one at each provider" run --tasks 3 --tolerate lab --spread provider:1 -- sleep 2
equal "went to three" "$(sorted "$one" "$two" "$three")" "$(providers)"
suan run --yes -q --detach --name anchor --mem 32M --disk 16M --cpus 0.2 --time 60s --zone eu -- sleep 30 >/dev/null 2>&1
check "a job that runs somewhere" until_true 20 running anchor
check "another goes there with it" run --with anchor -- true
equal "to the same provider" "$three" "$(providers)"
check "a third stays apart" run --apart anchor --tolerate lab --tasks 4 --spread provider:2 -- sleep 2
equal "at the others" "$(sorted "$one" "$two")" "$(providers)"
suan job cancel anchor -y >/dev/null 2>&1

# ---- the offer changes
check "a taint can be set" suan sell offer set --node provider-3 --taint gpu=only
check "and taken away" suan sell offer set --node provider-3 --taint ''
refused "a price that leaves a device without one is refused" 1 "has no price" \
    suan sell offer set --node provider-1 --device-hour gpu=1
check "a device's price can be set" suan sell offer set --node provider-1 --device-hour 0.7
dearer() { [ "$(offers ".offers[] | select(.provider == \"$one\") | .devices[0].hour_micro")" = 700000 ]; }
check "and the market hears of it" until_true 20 dearer
check "the chain verifies from genesis" suan chain verify
