#!/usr/bin/env bash
# clang-tidy over the product's sources, with .clang-tidy of the tree.
#   tests/lint/tidy.sh BUILD_DIR [FILE...]
# A file that was clean is not read again until it, a header of ours that it
# includes, or .clang-tidy changes (BUILD_DIR/lint/tidy remembers).
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
mkdir -p "$memory"
rm -f "$memory"/*.log

tidy_key() { # FILE: a hash of all that its findings depend on
    {
        "$tool" --version
        cat .clang-tidy
        gcc -MM -MG -I. "$1" | tr -d '\\' | tr ' ' '\n' | grep '\.[ch]$' |
            xargs -r cat 2>/dev/null
    } | sha256sum | cut -d' ' -f1
}

tidy_one() { # FILE
    local stamp
    stamp=$memory/$(tr / _ <<<"$1")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$(tidy_key "$1")" ]; then
        return 0
    fi
    if "$tool" -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option \
        "$1" >"$stamp.log" 2>/dev/null; then
        tidy_key "$1" >"$stamp"
        rm -f "$stamp.log"
        return 0
    fi
    sed "s,^$PWD/,," "$stamp.log"
    printf '    fix: what it says, or NOLINT(the-check) with a reason on the line\n'
    return 1
}

compiled() { # the product's sources that this build compiles
    local file
    lint_files '*.c' | grep -E '^(base|ledger|sched|market|wallet|node|cli)/' |
        while IFS= read -r file; do
            grep -qF "\"$PWD/$file\"" "$build/compile_commands.json" &&
                printf '%s\n' "$file"
        done
}

export -f tidy_key tidy_one
export tool build memory
if ! { if [ $# -gt 0 ]; then printf '%s\n' "$@"; else compiled; fi; } |
    xargs -r -P "${LINT_JOBS:-2}" -I{} bash -c 'tidy_one {}'; then
    # shellcheck disable=SC2034 # lint_end reads it
    LINT_COUNT=$(find "$memory" -name '*.log' | wc -l)
fi
lint_end
