#!/usr/bin/env bash
# All lints. With a build directory also clang-tidy and cppcheck, which need to
# know how each file is compiled.
#   tests/lint/run.sh [BUILD_DIR]
here=$(cd "$(dirname "$0")" && pwd)
failed=()

for name in layers money banned format words selftest; do
    "$here/$name.sh" || failed+=("$name")
done
if [ $# -gt 0 ]; then
    for name in tidy cppcheck; do
        "$here/$name.sh" "$1" || failed+=("$name")
    done
fi
if [ "${#failed[@]}" -gt 0 ]; then
    printf 'lints failed: %s\n' "${failed[*]}"
    exit 1
fi
echo 'all lints passed'
