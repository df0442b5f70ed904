#!/usr/bin/env bash
# demo.sh BIN: the main job from nothing to a settled bill, through the public
# commands only. A devnet of eight nodes comes up, a scene of Debian's
# povray-examples is rendered as a bag of tiles by three providers, the outputs
# are fetched and verified, the money moves, the chain is verified.
# DEMO_HOME (the devnet), DEMO_OUT (the results), DEMO_PORT, DEMO_WIDTH,
# DEMO_HEIGHT and DEMO_TILES change what they say.
set -euo pipefail
bin=$(readlink -f "${1:?usage: demo.sh BIN}")
here=$(dirname "$(readlink -f "$0")")
cd "$here/../../.."
out=${DEMO_OUT:-demo-out}
scene_dir=/usr/share/doc/povray/examples/advanced
scene=biscuit.pov
width=${DEMO_WIDTH:-960} height=${DEMO_HEIGHT:-720} tiles=${DEMO_TILES:-12}

suan() { "$bin/suan" "$@"; }
bold='' dim='' plain=''
[ ! -t 1 ] || bold=$'\033[1m' dim=$'\033[2m' plain=$'\033[0m'
step() { printf '\n%s== %s%s\n' "$bold" "$*" "$plain"; }
# Of a function with a redirection the trap would speak into that: then "$bin/suan".
# shown COMMAND...: prints the command as a person would type it, then runs it.
shown() { printf '%s$ suan %s%s\n' "$dim" "$*" "$plain"; suan "$@"; }

# Short, since sockets live below it; the data stay until the next demo.
export SUAN_HOME=${DEMO_HOME:-/tmp/suan-demo-$(id -u)}
started=$(date +%s)
finish() {
    local code=$?
    # A second Ctrl-C must not stop the cleaning up.
    trap - EXIT
    trap '' INT TERM
    "$bin/suan" devnet down -q >/dev/null 2>&1 || true
    if [ $code -ne 0 ]; then
        printf '\nThe demo stopped (%d); the devnet is down. The nodes'"'"' logs: %s\n' \
            "$code" "$SUAN_HOME/devnet/*/log" >&2
    fi
    exit $code
}
[ -r "$scene_dir/$scene" ] || {
    echo "error: $scene_dir/$scene is missing. Try: apt-get install povray-examples" >&2
    exit 1
}
rm -rf "$out"
mkdir -p "$out/tiles" "$out/work"
"$bin/suan-exec-sandbox" --doctor --state-dir "$out/work/doctor" >"$out/work/doctor.txt" || {
    grep -v '^ok' "$out/work/doctor.txt" >&2
    echo "error: the sandbox would run no job here, so nobody could sell. Try: what is said above, or sudo ./run demo" >&2
    exit 1
}
rm -rf "$out/work/doctor"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step "An image with POV-Ray, from the installed Debian package"
"$here/image.sh" "$out/work/povray.tar"
printf '%s: %s MB; jobs see these files and no others\n' "$out/work/povray.tar" \
    "$(($(stat -c %s "$out/work/povray.tar") / 1000000))"

step "A devnet: four validators, three providers, one buyer"
echo "Eight processes on this machine; the money is play money, all else is real."
"$bin/suan" devnet down --wipe -q >/dev/null 2>&1 || true
shown devnet up --providers 3 --image "$out/work/povray.tar" \
    ${DEMO_PORT:+--base-port "$DEMO_PORT"}

step "Who sells, at what price"
echo "Each provider measured its own SPEED; CPU/H is credits per core and hour."
shown market offers

suan devnet status --json >"$out/work/devnet.json"
account() { suan chain account "$1" --json | jq -r .balance_micro; }
{
    echo "buyer $(suan wallet list --json | jq -r '.keys[0].address')"
    jq -r '.nodes[] | select(.roles == "provider") | "\(.name) \(.node)"' "$out/work/devnet.json"
    jq -r '.accounts[] | select(.name == "validators") | "\(.name) \(.address)"' "$out/work/devnet.json"
} >"$out/work/people"
while read -r who address; do
    echo "$who $address $(account "$address")"
done <"$out/work/people" >"$out/work/before"

step "The job: $scene at ${width}x$height, as $tiles tasks of $((height / tiles)) rows"
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
cat <<'TEXT'

Now the bill: which provider would run how much, at what price, the most that
can cost, and the chain's fee. --max-price approves it, if it stays below; else
a terminal would be asked. Tasks without a place go where one gets free.

TEXT
shown submit "$out/work/tiles.yaml" --max-price 0.10 --follow --fetch "$out/tiles"

step "Where it ran and what it cost"
job=$(suan ps -a --json | jq -r '.jobs[0].id')
shown job show "${job:0:8}" | sed '/^ *WHEN  WHAT/,$d'
echo "The final bill, as both sides signed it and the chain paid it:"
shown job receipt "${job:0:8}"

step "The tiles, verified, become one picture"
# Fetched outputs were checked against the hashes in the contracts already. Here
# too: nothing missing, each with its rows, and one rendered again at home.
for ((i = 0; i < tiles; i++)); do
    tile=$out/tiles/task-$i/$(printf 'tile-%03d.ppm' "$i")
    rows=$((height * (i + 1) / tiles - height * i / tiles))
    [ "$(head -c 15 "$tile" | sed -n 2p)" = "$width $rows" ] || {
        echo "error: $tile is missing or no picture of ${width}x$rows" >&2
        exit 1
    }
    echo "$tile"
done >"$out/work/list"
echo "$tiles of $tiles tiles are here, fetched by the hashes their providers signed"
again=$((tiles - 1))
tile_at_home() {
    mkdir -p "$out/work/home"
    SUAN_TASK=$again SUAN_TASKS=$tiles TILE_IN=$scene_dir TILE_OUT=$out/work/home \
        sh "$here/tile.sh" "$scene" "$width" "$height" >/dev/null
}
tile_at_home
if cmp -s "$out/work/home"/*.ppm "$(tail -n 1 "$out/work/list")"; then
    echo "tile $again, rendered again on this machine outside the market, is the same"
else
    echo "error: tile $again differs from the one rendered here, $out/work/home" >&2
    exit 1
fi
xargs pnmcat -tb <"$out/work/list" | pnmtopng >"$out/scene.png" 2>/dev/null
printf '%s: %s bytes\n' "$out/scene.png" "$(stat -c %s "$out/scene.png")"

step "Who paid whom"
while read -r who address was; do
    echo "$who $was $(account "$address")"
done <"$out/work/before" >"$out/work/after"
awk '
    function credits(micro) { return sprintf("%.6f", micro / 1e6) }
    BEGIN { printf "%-12s %14s %14s %12s\n", "", "before", "after", "change" }
    {
        change = $3 - $2
        printf "%-12s %14s %14s %+12.6f\n", $1, credits($2), credits($3), change / 1e6
        sum += change
        if ($1 ~ /^provider/) work += change
        if ($1 == "validators") fees += change
    }
    END {
        printf "%-12s %14s %14s %12.6f\n\n", "sum", "", "", sum / 1e6
        printf "The buyer paid %s for the work, to the providers, and %s in fees for\n", credits(work), credits(fees)
        printf "the records on the chain, to the owner of the validators\047 bonds. Nothing was\n"
        printf "made or lost.\n"
        exit sum != 0
    }' "$out/work/after" | tee "$out/balances.txt"

step "The chain, executed again from genesis"
shown chain verify

step "Done in $(($(date +%s) - started)) s; the devnet goes down"
cat <<TEXT
picture      $out/scene.png
tiles        $out/tiles
balances     $out/balances.txt
the job      $out/work/tiles.yaml
chain, logs  $SUAN_HOME/devnet (kept until the next demo)

To look around in this very market:
  export SUAN_HOME=$SUAN_HOME PATH=${bin/#$HOME\//\~/}:\$PATH
  suan devnet up
  suan job events ${job:0:8}      # the whole story; job receipt, wallet history
  suan devnet down
Or make your own: README.md, "Three minutes by hand"
TEXT
