#!/usr/bin/env bash
# Reads the include lines against the map of docs/architecture.md: which folder
# may know which, and which file may know which library.
. "$(dirname "$0")/common.sh"

# What a folder may include besides itself. The longest prefix rules.
allowed_for() {
    case $1 in
    base/*) echo "" ;;
    ledger/*) echo "base" ;;
    sched/lab/*) echo "sched base" ;;
    sched/*) echo "base" ;;
    market/*) echo "ledger sched base" ;;
    wallet/*) echo "base" ;;
    node/executors/*) echo "node/executors base" ;;
    node/rpc/*) echo "node/rpc base" ;;
    node/meter/*) echo "node/meter sched base" ;;
    node/*) echo "wallet market ledger sched base" ;;
    cli/*) echo "node/rpc wallet ledger market sched base" ;;
    tests/unit/node/*) echo "tests node wallet market ledger sched base" ;;
    tests/unit/cli/*) echo "tests cli node/rpc wallet ledger market sched base" ;;
    tests/unit/base/*) echo "tests base" ;;
    tests/unit/ledger/*) echo "tests ledger base" ;;
    tests/unit/sched/* | tests/unit/lab/*) echo "tests sched base" ;;
    tests/unit/market/*) echo "tests market ledger sched base" ;;
    tests/unit/wallet/*) echo "tests wallet base" ;;
    tests/*) echo "tests cli node wallet market ledger sched base" ;;
    *) echo "?" ;;
    esac
}

# The files that may include a library, as a case pattern; empty for anyone.
library_home() {
    case $1 in
    msgpack.h | msgpack/*) echo "base/mp.c" ;;
    lmdb.h) echo "ledger/disk/store_lmdb*.[ch]|ledger/disk/store_sheets.[ch]|ledger/disk/lmdb_val.h|ledger/disk/lmdb_error.c|node/records.c" ;;
    nng/*) echo "node/net/*|node/control/*|cli/client*|tests/*" ;;
    uv.h) echo "node/*|tests/*" ;;
    sodium.h | sodium/*)
        echo "base/*|wallet/*|node/*|cli/small_image.c|tests/*" ;;
    jansson.h) echo "wallet/*|node/*|cli/*|sched/lab/*|tests/*" ;;
    archive.h | archive_entry.h)
        echo "node/*|cli/small_image.c|sched/lab/*|tests/*" ;;
    ini.h | seccomp.h) echo "node/*|tests/*" ;;
    cblas.h) echo "node/meter/*|tests/*" ;;
    yaml.h | libsmartcols/*) echo "cli/*" ;;
    cmocka.h | glpk.h | metis.h) echo "tests/*" ;;
    pthread.h | threads.h | semaphore.h) echo "node/*|cli/*|tests/*" ;;
    sys/socket.h | netinet/* | netdb.h | arpa/* | sys/un.h | net/*)
        echo "node/*|cli/*|tests/*" ;;
    time.h | sys/time.h | syslog.h) echo "node/*|cli/*|wallet/*|tests/*" ;;
    *) echo "" ;;
    esac
}

# matches NAME "a|b*|c": as in a case statement.
matches() {
    local pattern
    local IFS='|'
    set -f
    for pattern in $2; do
        # shellcheck disable=SC2254 # a pattern is what is meant
        case $1 in $pattern) set +f; return 0 ;; esac
    done
    set +f
    return 1
}

folder_check() { # WHERE FILE INCLUDED
    local own=${2%%/*} folder
    case $2:$3 in
    sched/lab/*:sched/lab/* | cli/*:sched/lab/* | tests/*:sched/lab/*) return ;;
    *:sched/lab/*)
        lint_say "$1" "$2 must not know $3" \
            "the laboratory is for the command line and tests alone"
        return
        ;;
    esac
    case $3 in
    */*) ;;
    *)
        if [ "$own" = tests ] && [ -f "$(dirname "$2")/$3" ]; then
            return # helpers beside a test
        fi
        lint_say "$1" "\"$3\" does not say its folder" \
            "include it from the root of the tree: \"folder/$3\""
        return
        ;;
    esac
    case $2 in
    node/executors/* | node/rpc/* | node/meter/* | tests/*) ;;
    *) [ "${3%%/*}" = "$own" ] && return ;;
    esac
    for folder in $(allowed_for "$2"); do
        case $3 in "$folder"/*) return ;; esac
    done
    lint_say "$1" "$2 must not know $3" \
        "hand in what is needed (a table, a value), or move the noun to the \
folder that both may know; the map is in docs/architecture.md"
}

library_check() { # WHERE FILE INCLUDED
    local home
    home=$(library_home "$3")
    [ -z "$home" ] && return
    matches "$2" "$home" && return
    lint_say "$1" "<$3> is included outside its home ($home)" \
        "call the page of ours that wraps it, or hand in a callback"
}

# `where<TAB>file<TAB>kind<TAB>included`, each different line once.
includes() {
    lint_files '*.c' '*.h' | lint_code |
        sed -nE 's/^([^:]+):([0-9]+): *# *include *(["<])([^">]+)[">].*/\1:\2\t\1\t\3\t\4/p'
}

while IFS=$'\t' read -r where file kind included; do
    if [ "$kind" = '"' ]; then
        folder_check "$where" "$file" "$included"
    else
        library_check "$where" "$file" "$included"
    fi
done < <(includes)
lint_end
