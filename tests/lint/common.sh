# shellcheck shell=bash
# Shared by the lints: which files, what is code in them, how to complain.
# A lint says what, where and the fix, and ends with lint_end.
#
# LINT_ROOT overrides the tree that is looked at (selftest.sh does).

set -u
export LC_ALL=C
LINT_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LINT_ROOT=${LINT_ROOT:-$(cd "$LINT_DIR/../.." && pwd)}
LINT_NAME=$(basename "$0" .sh)
LINT_COUNT=0
cd "$LINT_ROOT" || exit 2

# lint_files PATTERN...: tracked files, or all of them where git has no say.
lint_files() {
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]; then
        # A file that was deleted but not committed is still listed.
        git ls-files -- "$@" | while IFS= read -r file; do
            [ -f "$file" ] && printf '%s\n' "$file"
        done
    else
        local pattern find_args=()
        for pattern in "$@"; do
            find_args+=(-o -name "$pattern")
        done
        find . -type f -not -path './build*' -not -path './.git/*' \
            \( "${find_args[@]:1}" \) | sed 's,^\./,,' | sort
    fi
}

# lint_code: reads file names, prints `file:line:code` without comments and
# without the insides of strings. A comment that holds `lint: NAME` stays.
lint_code() {
    xargs -r -d '\n' awk -f "$LINT_DIR/code.awk"
}

# lint_say WHERE WHAT FIX
lint_say() {
    LINT_COUNT=$((LINT_COUNT + 1))
    printf '%s: %s\n    fix: %s\n' "$1" "$2" "$3"
}

lint_end() {
    if [ "$LINT_COUNT" -gt 0 ]; then
        printf 'lint %s: %d to fix\n' "$LINT_NAME" "$LINT_COUNT"
        exit 1
    fi
    printf 'lint %s: ok\n' "$LINT_NAME"
    exit 0
}
