# Shared by the end-to-end tests: a devnet of real processes under a short
# directory, one line per check, and what failed is kept.
# usage: . lib.sh; e2e_start NAME BIN

e2e_start() {
    E2E_NAME=$1
    BIN=$(readlink -f "${2:?usage: $1.sh BIN}")
    HERE=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
    TOP=$(readlink -f "$HERE/../..")
    if [ "$(id -u)" -ne 0 ]; then
        echo "skipped: $E2E_NAME runs jobs in the sandbox, which needs root here"
        exit 77
    fi
    export SUAN_HOME
    SUAN_HOME=$(mktemp -d "/tmp/suan-$E2E_NAME-XXXX")
    WORK=$SUAN_HOME/work
    # What is made for a moment is ours to find, whoever else runs here.
    export TMPDIR=$SUAN_HOME/tmp
    mkdir -p "$WORK" "$TMPDIR"
    OKS=0 BADS=0
    trap e2e_end EXIT
    trap 'exit 130' INT TERM
}

suan() { "$BIN/suan" "$@"; }

ok() { OKS=$((OKS + 1)); printf 'ok    %s\n' "$1"; }
bad() {
    BADS=$((BADS + 1))
    printf 'FAIL  %s\n' "$1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/      /' | tail -n 30
}

# check SENTENCE COMMAND...: the command must succeed.
check() {
    local sentence=$1 said
    shift
    if said=$("$@" 2>&1); then ok "$sentence"; else bad "$sentence" "$* => $? $said"; fi
}

# refused SENTENCE CODE TEXT COMMAND...: the command must end with that code and
# say that text (a regular expression), in one clear message.
refused() {
    local sentence=$1 code=$2 text=$3 said got=0
    shift 3
    said=$("$@" 2>&1 </dev/null) || got=$?
    if [ "$got" -eq "$code" ] && grep -qiE -- "$text" <<<"$said"; then
        ok "$sentence"
    else
        bad "$sentence" "$* => $got (wanted $code and /$text/): $said"
    fi
}

# equal SENTENCE WANTED GOT
equal() {
    if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "wanted: $2, got: $3"; fi
}

# until_true SECONDS COMMAND...
until_true() {
    local left=$(($1 * 5))
    shift
    while ! "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.2
    done
}

# What validators have bonded counts in the supply, and is on no account.
bonded() { suan validator list --json | jq '[.validators[] | .bonded_micro + .unbonding_micro] | add // 0'; }
balance() { suan chain account "$1" --json | jq -r .balance_micro; }
# owner COMMAND...: as the account that owns the bonds of a devnet's validators,
# and has the fees of their blocks.
owner() { SUAN_WALLET=$SUAN_HOME/devnet/validators-wallet suan "$@"; }
# Whose accounts hold money: the wallet's, the devnet's two, the nodes', and the
# vote keys of validators, to whom some tests send it.
holders() {
    {
        suan wallet balance --json | jq -r '.accounts[].address'
        suan devnet status --json | jq -r '.accounts[].address, .nodes[].node'
        suan validator list --json | jq -r '.validators[].validator'
    } | sort -u
}
# All money that lies on accounts; with what is bonded it is the supply, when
# nothing is locked.
money() {
    local sum=0 a
    for a in $(holders); do sum=$((sum + $(balance "$a"))); done
    echo $sum
}
nothing_locked() {
    local a
    for a in $(holders); do
        [ "$(suan chain account "$a" --json | jq -r .locked_micro)" -eq 0 ] || return 1
    done
}
node_names() { suan devnet status --json | jq -r '.nodes[].name'; }

e2e_end() {
    local code=$?
    trap - EXIT INT TERM
    [ -x "$BIN/suan" ] && suan devnet down -q >/dev/null 2>&1
    e2e_no_leftovers
    e2e_no_reports
    if [ "$BADS" -gt 0 ] || [ "$code" -ne 0 ]; then
        echo "logs are kept in $SUAN_HOME/devnet/*/log"
        grep -hE ' (odd|broken) ' "$SUAN_HOME"/devnet/*/log 2>/dev/null | tail -n 25
        tail -n 3 "$SUAN_HOME"/devnet/*/log 2>/dev/null # the last words of each
    else
        rm -rf "$SUAN_HOME"
    fi
    printf '%s: %d passed, %d failed\n' "$E2E_NAME" "$OKS" "$BADS"
    [ "$BADS" -eq 0 ] || exit 1
    exit "$code"
}

e2e_left() { pgrep -fa "$SUAN_HOME" | grep -v -e "^$$ " -e pgrep; }
e2e_alone() { [ -z "$(e2e_left)" ]; }
# No process of this test may outlive it.
e2e_no_leftovers() {
    local left
    # Who was killed takes a moment to go, and more where the machine is busy.
    until_true 5 e2e_alone
    left=$(e2e_left)
    if [ -z "$left" ]; then ok "nothing is left running"; else bad "nothing is left running" "$left"; fi
}

# What a sanitizer found (a build of the presets asan and tsan) is in the logs
# of the nodes and of their jobs.
e2e_no_reports() {
    local found
    found=$(grep -rhE -A 12 'Sanitizer|runtime error:' "$SUAN_HOME" --include=log --include=monitor.log 2>/dev/null)
    if [ -z "$found" ]; then ok "no log holds a sanitizer's report"; else bad "no log holds a sanitizer's report" "$found"; fi
}
