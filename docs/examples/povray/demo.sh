#!/usr/bin/env bash
# demo.sh BIN: the main job from nothing to a settled bill, through the public
# commands only. A devnet of five nodes comes up, a scene of Debian's
# povray-examples is rendered as a bag of tiles by three providers, the outputs
# are fetched and verified, the money moves, the chain is verified.
set -euo pipefail
bin=$(readlink -f "${1:?usage: demo.sh BIN}")
here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../../..")
out=$top/demo-out
scene_dir=/usr/share/doc/povray/examples/advanced
scene=biscuit.pov
width=${DEMO_WIDTH:-960} height=${DEMO_HEIGHT:-720} tiles=${DEMO_TILES:-12}

suan() { "$bin/suan" "$@"; }
step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
# shown COMMAND...: prints the command as a person would type it, then runs it.
shown() { printf '\033[2m$ suan %s\033[0m\n' "$*"; suan "$@"; }

# Short, since sockets live below it; the data stay until the next demo.
export SUAN_HOME=${DEMO_HOME:-/tmp/suan-demo-$(id -u)}
started=$(date +%s)
finish() {
    local code=$?
    trap - EXIT INT TERM
    suan devnet down -q >/dev/null 2>&1 || true
    if [ $code -ne 0 ]; then
        printf '\nThe demo stopped (%d). The nodes'"'"' logs: %s\n' "$code" "$SUAN_HOME/devnet/*/log" >&2
    fi
    exit $code
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -r "$scene_dir/$scene" ] || {
    echo "error: $scene_dir/$scene is missing. Try: apt-get install povray-examples" >&2
    exit 1
}
rm -rf "$out"
mkdir -p "$out/tiles" "$out/work"

step "An image with POV-Ray, from the installed Debian package"
"$here/image.sh" "$out/work/povray.tar"
ls -l "$out/work/povray.tar" | awk '{print $5 " bytes"}'

step "A devnet: one validator, three providers, one buyer"
suan devnet down --wipe -q >/dev/null 2>&1 || true
shown devnet up --providers 3 --image "$out/work/povray.tar"

step "Who sells, at what price"
shown market offers

suan devnet status --json >"$out/work/devnet.json"
suan wallet balance --json >"$out/work/balance-before.json"
jq -r '.nodes[] | select(.roles == "provider") | .node' "$out/work/devnet.json" >"$out/work/providers"
account() { suan chain account "$1" --json | jq -r .balance_micro; }
while read -r p; do echo "$p $(account "$p")"; done <"$out/work/providers" >"$out/work/before"

step "The job: $scene at ${width}x$height in $tiles tiles"
cat >"$out/work/tiles.yaml" <<YAML
name: $scene
image: default
command: [sh, /job/in/tile.sh, $scene, "$width", "$height"]
tasks: $tiles
cpus: 0.5
mem: 256M
disk: 64M
time: 2m
in:
  - $scene_dir/$scene:$scene
  - $here/tile.sh:tile.sh
out: ["*.ppm"]
policy: cheapest
YAML
cat "$out/work/tiles.yaml"
printf '\n'
shown submit "$out/work/tiles.yaml" --max-price 0.10 --follow --fetch "$out/tiles"

step "Where it ran and what it cost"
job=$(suan ps -a --json | jq -r '.jobs[0].id')
shown job show "$job"

step "The tiles, verified, become one picture"
find "$out/tiles" -name 'tile-*.ppm' -printf '%f %p\n' | sort | cut -d' ' -f2- >"$out/work/list"
[ "$(wc -l <"$out/work/list")" -eq "$tiles" ] || { echo "error: tiles are missing" >&2; exit 1; }
xargs pnmcat -tb <"$out/work/list" | pnmtopng >"$out/scene.png" 2>/dev/null
ls -l "$out/scene.png" | awk '{print $NF ": " $5 " bytes"}'

step "Who paid whom"
{
    printf '%-10s %16s %16s %16s\n' "" before after change
    before=$(jq -r .accounts[0].balance_micro "$out/work/balance-before.json")
    after=$(suan wallet balance --json | jq -r .accounts[0].balance_micro)
    row() { awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN{printf "%-10s %16.6f %16.6f %+16.6f\n", n, a/1e6, b/1e6, (b-a)/1e6}'; }
    row buyer "$before" "$after"
    row validator 0 "$(account "$(suan chain status --json | jq -r '.validators[0].node')")"
    i=0
    while read -r p was; do
        i=$((i + 1))
        row "provider-$i" "$was" "$(account "$p")"
    done <"$out/work/before"
} | tee "$out/balances.txt"

step "The chain, executed again from genesis"
shown chain verify

step "Done in $(($(date +%s) - started)) s"
cat <<TEXT
picture      $out/scene.png
tiles        $out/tiles
balances     $out/balances.txt
chain, logs  $SUAN_HOME/devnet (kept until the next demo)
Try next: build/release/bin/suan devnet up, then docs/buyer.md
TEXT
