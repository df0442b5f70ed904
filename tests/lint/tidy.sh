#!/usr/bin/env bash
# clang-tidy over the product's sources, with .clang-tidy of the tree.
#   [LINT_DEEP=1] tests/lint/tidy.sh BUILD_DIR [FILE...]
# A file that was clean is not read again until it, a header of ours that it
# includes, or .clang-tidy changes (BUILD_DIR/lint/tidy remembers).
#
# Nearly all its time is the analyzer's, which follows calls along paths. Unless
# LINT_DEEP is set it follows small functions only (mode=shallow), and what it
# finds that way it must find again following all: of 120 mistakes put into these
# sources (a free, a test for NULL, an initial value left out) 30 are found,
# following all 32, in a seventh of the time. ./run test deep follows all.
build=$(cd "${1:?usage: tidy.sh BUILD_DIR [FILE...]}" && pwd) || exit 2
shift
. "$(dirname "$0")/common.sh"

tool=$(command -v clang-tidy-14 || command -v clang-tidy || true)
if [ -z "$tool" ] || [ ! -f "$build/compile_commands.json" ]; then
    lint_say "$LINT_NAME" "no clang-tidy, or no compile_commands.json in $build" \
        "apt-get install clang-tidy-14; cmake --preset dev -B $build"
    lint_end
fi
memory=$build/lint/tidy
shallow=
if [ -n "${LINT_DEEP:-}" ]; then
    memory=$memory-deep
else
    for word in -Xclang -analyzer-config -Xclang mode=shallow; do
        shallow+=" --extra-arg=$word"
    done
fi
mkdir -p "$memory"
rm -f "$memory"/*.log

tidy_key() { # FILE: a hash of all that its findings depend on
    {
        printf '%s\n' "$version" "$shallow"
        cat .clang-tidy
        gcc -MM -MG -I. "$1" | tr -d '\\' | tr ' ' '\n' | grep '\.[ch]$' |
            xargs -r cat 2>/dev/null
    } | sha256sum | cut -d' ' -f1
}

tidy() { # OPTION... FILE
    "$tool" -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option "$@" \
        2>/dev/null
}

tidy_one() { # FILE
    local stamp key
    stamp=$memory/$(tr / _ <<<"$1")
    key=$(tidy_key "$1")
    [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
    # shellcheck disable=SC2086 # words: an array cannot be exported
    if { [ -n "$shallow" ] && tidy $shallow "$1" >/dev/null; } ||
        tidy "$1" >"$stamp.log"; then
        printf '%s\n' "$key" >"$stamp"
        rm -f "$stamp.log"
        return 0
    fi
    sed "s,^$PWD/,," "$stamp.log"
    printf '    fix: what it says, or NOLINT(the-check) with a reason on the line\n'
    return 1
}

compiled() { # the product's sources that this build compiles
    lint_files '*.c' | grep -E '^(base|ledger|sched|market|wallet|node|cli)/' |
        sort | comm -12 - <(sed -n "s,^ *\"file\": \"$PWD/\(.*\)\".*,\1,p" \
            "$build/compile_commands.json" | sort -u)
}

version=$("$tool" --version)
export -f tidy_key tidy tidy_one
export tool build memory version shallow
if ! { if [ $# -gt 0 ]; then printf '%s\n' "$@"; else compiled; fi; } |
    xargs -r -P "${LINT_JOBS:-2}" -I{} bash -c 'tidy_one {}'; then
    # shellcheck disable=SC2034 # lint_end reads it
    LINT_COUNT=$(find "$memory" -name '*.log' | wc -l)
fi
lint_end
