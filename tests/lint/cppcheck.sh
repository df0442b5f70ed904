#!/usr/bin/env bash
# cppcheck over the product's sources as a build directory compiles them.
#   tests/lint/cppcheck.sh BUILD_DIR
build=$(cd "${1:?usage: cppcheck.sh BUILD_DIR}" && pwd) || exit 2
. "$(dirname "$0")/common.sh"

if ! command -v cppcheck >/dev/null || [ ! -f "$build/compile_commands.json" ]; then
    lint_say "$LINT_NAME" "no cppcheck, or no compile_commands.json in $build" \
        "apt-get install cppcheck; cmake --preset dev -B $build"
    lint_end
fi
# What it remembers holds for this script and its macros only.
memory=$build/lint/cppcheck-$(cat "$LINT_DIR/cppcheck.sh" \
    "$LINT_DIR/cppcheck.cfg" | sha256sum | cut -c1-12)
mkdir -p "$memory"

filters=()
for folder in base ledger sched market wallet node cli; do
    filters+=("--file-filter=$PWD/$folder/*")
done

# Style is clang-tidy's; here is what it does not look for. Suppressed:
#   missingIncludeSystem   the system's headers are not read, on purpose
#   unmatchedSuppression   a line may be silenced for one configuration only
#   unusedFunction         a library offers more than one program uses
#   uninitvar, ctuuninitvar  takes an array that a callee fills for
#                          uninitialised; clang's analyzer follows calls better
#   invalidFunctionArgBool _exit(x < 0) is plain enough
#   readdirCalled          glibc's is safe on streams of one's own, and readdir_r
#                          is deprecated
cppcheck --project="$build/compile_commands.json" "${filters[@]}" \
    --enable=warning,performance,portability --inline-suppr --quiet \
    --std=c17 --platform=unix64 --library=posix \
    --library="$LINT_DIR/cppcheck.cfg" \
    --suppress=missingIncludeSystem --suppress=unmatchedSuppression \
    --suppress=unusedFunction --suppress=readdirCalled \
    --suppress=ctuuninitvar --suppress=uninitvar \
    --suppress=invalidFunctionArgBool \
    --cppcheck-build-dir="$memory" -j "${LINT_JOBS:-2}" \
    --template='{file}:{line}: {id}: {message}' 2>"$memory/findings" >/dev/null
status=$?
while IFS= read -r finding; do
    lint_say "${finding%%: *}" "${finding#*: }" \
        "what it says, or // cppcheck-suppress with a reason on the line above"
done < <(grep -E '^[^ ]+:[0-9]+: ' "$memory/findings" | sed "s,^$PWD/,," |
    sort -u)
if [ "$status" -ne 0 ] && [ "$LINT_COUNT" -eq 0 ]; then
    lint_say cppcheck "stopped: $(tail -n 1 "$memory/findings")" \
        "run it by hand: cppcheck --project=$build/compile_commands.json"
fi
lint_end
