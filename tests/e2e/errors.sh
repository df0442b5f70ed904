#!/usr/bin/env bash
# errors.sh BIN: what goes wrong, goes wrong clearly: one sentence, the next
# step, the exit code of docs/buyer.md.
set -uo pipefail
. "$(dirname "$(readlink -f "$0")")/lib.sh"
e2e_start errors "$@"
"$HERE/image-busybox.sh" "$WORK/busybox.tar" >/dev/null 2>&1 || exit 1

# ---- before anything runs
refused "no node runs: says how to start one" 7 'not running|no node.*(devnet up|node start)' suan ps
refused "an unknown command names the nearest" 2 'did you mean|nearest|Try' suan walet list
refused "a bad flag gets one sentence" 2 'cpuz' suan run --cpuz 1 -- true
refused "no data directory" 2 'data-dir' "$BIN/suand"
refused "no genesis" 1 'genesis.*(devnet up|copy)' "$BIN/suand" --data-dir "$SUAN_HOME/empty"

# ---- a devnet whose record cannot be read is refused, not thrown away
mkdir -p "$SUAN_HOME/devnet/wallet" && echo '{"version":1}' >"$SUAN_HOME/devnet/devnet.json" && echo kept >"$SUAN_HOME/devnet/wallet/a.key"
refused "a devnet of another version" 1 'another version.*devnet down --wipe' suan devnet up -q
check "its wallet is left alone" grep -q kept "$SUAN_HOME/devnet/wallet/a.key"
check "it can be removed by asking" suan devnet down --wipe -q
check "then nothing of it is left" test ! -e "$SUAN_HOME/devnet"

check "a devnet comes up" suan devnet up --base-port ${E2E_PORT:-27300} --image "$WORK/busybox.tar" -q
D=$SUAN_HOME/devnet

# ---- wallet
printf 'wrong\n' >"$WORK/wrong"
chmod 600 "$WORK/wrong"
to=$(suan chain status --json | jq -r '.validators[0].node')
refused "a wrong passphrase" 4 'passphrase' suan wallet send "$to" 1 --yes --password-file "$WORK/wrong"
chmod 644 "$WORK/wrong"
refused "a passphrase file that others can read" 4 '(600|others|open)' suan wallet send "$to" 1 --yes --password-file "$WORK/wrong"
refused "more money than there is" 5 'balance|funds' suan wallet send "$to" 99999999 --yes
case $to in *q) slip=${to%?}p ;; *) slip=${to%?}q ;; esac
refused "an address with a slip in it" 2 'address' suan wallet send "$slip" 1 --yes
find "$D/wallet" -name '*.key' -exec chmod 644 {} +
refused "a key file that others can read" 4 '(600|chmod|open to)' suan wallet send "$to" 1 --yes
find "$D/wallet" -name '*.key' -exec chmod 600 {} +

# ---- the market
refused "a price cap that is too low" 6 'price|cap' suan run --max-price 0.000001 --queue 2s -- true
refused "more memory than anyone has" 6 'mem' suan run --yes --mem 900G --queue 2s -- true
refused "an image nobody knows" 3 'image' suan run --yes --image nothere -- true
refused "no terminal and no approval" 4 '(--yes|--max-price)' suan run -- true
refused "an unknown job" 3 'job|found' suan job show ffffffff
for p in 1 2 3; do suan sell stop --node provider-$p -q; done
none() { [ "$(suan market offers --json | jq '[.offers[] | select(.feasible)] | length')" -eq 0 ]; }
until_true 20 none
refused "an empty market" 6 'offer|seller|provider' suan run --yes --queue 2s -- true
for p in 1 2 3; do suan sell start --node provider-$p -q; done
three() { [ "$(suan market offers --json | jq '[.offers[] | select(.feasible)] | length')" -eq 3 ]; }
check "the market is back" until_true 20 three

# ---- a provider that is gone, in the middle of a job
suan run --yes -q --detach --cpus 0.5 -- sleep 30 >"$WORK/lost" 2>&1
id=$(grep -oE '[0-9a-f]{8,64}' "$WORK/lost" | head -n 1)
running() { [ "$(suan job show "$id" --json | jq -r .state)" = RUNNING ]; }
check "a job runs" until_true 20 running
who=$(suan job show "$id" --json | jq -r '.tasks[0].provider')
at=$(jq -r --arg w "$who" '.nodes[] | select(.node == $w) | .data_dir' <<<"$(suan devnet status --json)")
kill -9 "$(cat "$at/run/pid")"
refused "jobs elsewhere go on" 0 'hi' suan run --yes -- echo hi
said_lost() { suan job show "$id" --json | jq -e '.tasks[0].reason | test("answer|lost|provider")' ; }
check "the lost provider is named as the reason" until_true 60 said_lost

# ---- ports, directories, databases
refused "a directory that is in use" 7 'another suand|in use' "$BIN/suand" --data-dir "$D/validator-1"
port=$(awk -F'[ =:]+' '/^listen/ {print $NF}' "$D/validator-1/suan.conf")
cp -r "$D/buyer" "$WORK/second" 2>/dev/null
rm -rf "$WORK/second/run" "$WORK/second/chain"
refused "a port that is in use" 7 "$port" "$BIN/suand" --data-dir "$WORK/second" --set "node.listen=127.0.0.1:$port"
suan devnet down -q
dd if=/dev/urandom of="$D/buyer/chain/data.mdb" bs=4096 count=3 conv=notrunc 2>/dev/null
refused "a damaged database" 1 'damaged|database' timeout 20 "$BIN/suand" --data-dir "$D/buyer"

mkdir -m 700 "$WORK/limited"
cp "$D/genesis" "$WORK/limited/"
refused "a limit of file sizes" 1 'disk' bash -c "ulimit -f 8000; exec timeout 20 '$BIN/suand' \
    --data-dir '$WORK/limited' --set node.roles=validator --set node.listen=127.0.0.1:0 --set node.bulk=127.0.0.1:0"

# ---- a full disk
mkdir -p "$WORK/small"
if mount -t tmpfs -o size=6m tmpfs "$WORK/small" 2>/dev/null; then
    mkdir "$WORK/small/node"
    chmod 700 "$WORK/small/node"
    cp "$D/genesis" "$WORK/small/node/"
    cat /dev/zero >"$WORK/small/fill" 2>/dev/null # until it is full
    refused "a full disk" 1 'disk|space|room' timeout 20 "$BIN/suand" --data-dir "$WORK/small/node" \
        --set node.listen=127.0.0.1:0 --set node.bulk=127.0.0.1:0
    umount "$WORK/small"
else
    echo "skip  a full disk: no tmpfs can be mounted here"
fi

# ---- a machine that cannot isolate jobs
PATH=/nowhere "$BIN/suan-exec-sandbox" --doctor >"$WORK/doctor" 2>&1
check "without crun and runc the doctor says what to install" grep -qE 'crun|runc' "$WORK/doctor"
