#!/usr/bin/env bash
# clang-tidy over the product's sources, with .clang-tidy of the tree.
#   [LINT_DEEP=1] tests/lint/tidy.sh BUILD_DIR [FILE...]
# A file that was clean is not read again until it, a header of ours that it
# includes, or .clang-tidy changes (BUILD_DIR/lint/tidy remembers).
#
# Nearly all its time is the analyzer's, which follows calls along paths. It
# follows small functions only (mode=shallow) unless LINT_DEEP is set: of 120
# mistakes put into these sources (a free, a test for NULL, an initial value left
# out) either finds 38, one each that the other does not, in 0.3 and in 2.2
# seconds of processor a file.
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
options=(--quiet --extra-arg=-Wno-unknown-warning-option)
if [ -n "${LINT_DEEP:-}" ]; then
    memory=$memory-deep
else
    for word in -Xclang -analyzer-config -Xclang mode=shallow; do
        options+=("--extra-arg=$word")
    done
fi
mkdir -p "$memory"
rm -f "$memory"/*.log

tidy_key() { # FILE: a hash of all that its findings depend on
    {
        printf '%s\n' "$version" "$words"
        cat .clang-tidy
        gcc -MM -MG -I. "$1" | tr -d '\\' | tr ' ' '\n' | grep '\.[ch]$' |
            xargs -r cat 2>/dev/null
    } | sha256sum | cut -d' ' -f1
}

tidy_one() { # FILE
    local stamp key
    stamp=$memory/$(tr / _ <<<"$1")
    key=$(tidy_key "$1")
    [ "$(cat "$stamp" 2>/dev/null)" != "$key" ] || return 0
    # shellcheck disable=SC2086 # a word each; an array cannot be exported
    if "$tool" -p "$build" $words "$1" >"$stamp.log" 2>/dev/null; then
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
words=${options[*]}
export -f tidy_key tidy_one
export tool build memory version words
if ! { if [ $# -gt 0 ]; then printf '%s\n' "$@"; else compiled; fi; } |
    xargs -r -P "${LINT_JOBS:-2}" -I{} bash -c 'tidy_one {}'; then
    # shellcheck disable=SC2034 # lint_end reads it
    LINT_COUNT=$(find "$memory" -name '*.log' | wc -l)
fi
lint_end
